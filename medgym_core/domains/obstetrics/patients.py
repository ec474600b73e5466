"""Women apart from the case: who they are, their pregnancies, ordinary signs and results, what they tell.

Vital signs and laboratory values come from the shared physiology; a case overrides what its condition changes. Nothing
here knows the question. More baggage and gaps at higher levels, never in what the case turns on.
"""

from random import Random
from typing import Any

from msgspec.structs import replace

from medgym_core.clinical import physiology
from medgym_core.domains.obstetrics.rules import table, trimester, weeks
from medgym_core.types import Chart, Medication, Reading, Record, Story

DAY = 24 * 60
COMPLAINT = "complaint problem trouble brings wrong"
ONSET = "onset began started long ago"
CHARACTER = "feel feeling character describe pain"
ASSOCIATED = "else associated noticed besides"
PAST = "past illnesses illness operations conditions history"
MEDICINES = "medicines medicine medication medications tablets drugs taking"
ALLERGIES = "allergies allergy allergic react"
SOCIAL = "home job alcohol living social"
FAMILY = "family mother father sister relatives"
BIRTHS = "births pregnancies children deliveries"


def reading(name: str, value: float, minutes: int = 0) -> Reading:
    """A reading in the unit of its measurement, shared or of this domain."""
    own = table("measures").get(name)
    if own is None:
        return physiology.reading(name, value, minutes)
    return Reading(name, round(value, own["decimals"]) + 0.0, own["unit"], minutes)


def drawn(rng: Random, ranges: dict[str, list[float]]) -> dict[str, float]:
    """A value from each range; whole numbers where both ends are whole."""
    return {
        name: rng.randint(int(a), int(b)) if isinstance(a, int) and isinstance(b, int) else rng.uniform(a, b)
        for name, (a, b) in ranges.items()
    }


def results(rng: Random, ranges: dict[str, list[float]], minutes: int = 0) -> list[Reading]:
    """Laboratory readings drawn from ranges."""
    return [reading(name, value, minutes) for name, value in drawn(rng, ranges).items()]


def woman(
    rng: Random,
    level: int,
    *,
    days: int | None = None,
    after: str = "",
    ages: tuple[int, int] = (18, 42),
    complaint: str = "",
    vitals: dict[str, float] | None = None,
    labs: list[Reading] | None = None,
    seen: dict[str, str] | None = None,
    **more: Any,
) -> Chart:
    """A woman: pregnant at `days` of gestation, or `after` a birth (`3 h`, `5 days`), or neither.

    `vitals` override the drawn ones; `labs`, `seen` and `more` (chart fields) come on top.
    """
    age = rng.randint(*ages)
    pregnant = days is not None
    fields = physiology.base_chart(rng, age=age, sex="female", pregnant=pregnant, gestation_days=days)
    own = rng.sample(table("settings")["illnesses"]["pairs"], rng.randint(0, level - 1)) if level > 1 else []
    fields["conditions"] = [name for name, *_ in own]
    fields["medications"] = [Medication(drug, dose, often) for _, drug, dose, often in own if drug]
    fields["allergies"] = _allergies(rng, level)
    fields["vitals"] = physiology.sample_vitals(rng, age=age, pregnant=pregnant, overrides=_whole(vitals or {}))
    history, births = pregnancies(rng, age, days is not None or bool(after))
    fields["records"] = births
    known = history | blood(rng) if days is not None or after else {}
    if after:
        known["time_after_birth"] = after
    fields["labs"] = [*(booking(rng, days, level) if pregnant else []), *(labs or [])]
    fields["observations"] = known | (seen or {})
    for name, value in more.items():
        fields[name] = [*fields[name], *value] if name in ("records", "conditions", "medications") else value
    return Chart(**(fields | {"complaint": complaint}))


def _whole(vitals: dict[str, float]) -> dict[str, float]:
    return {n: round(v, 1) if n == "temperature" else float(round(v)) for n, v in vitals.items()}


def _allergies(rng: Random, level: int) -> list[str] | None:
    if level == 3 and rng.random() < 0.3:
        return None
    return [rng.choice(table("settings")["allergies"]["common"])] if rng.random() < 0.3 else []


def pregnancies(rng: Random, age: int, mother: bool) -> tuple[dict[str, str], list[Record]]:
    """Gravidity and parity with a record of each earlier birth."""
    before = min(rng.choice((0, 0, 0, 1, 1, 2, 3)), max(0, (age - 18) // 2))
    lost = rng.choice((0, 0, 0, 1))
    forms = table("settings")["life"]["births"]
    records = []
    for i in range(before):
        at = rng.choice(forms).format(weeks=rng.randint(38, 41))
        records.append(Record("pregnancy", f"birth {i + 1}", -(before - i) * rng.randint(500, 900) * DAY, text=at))
    return {"gravida": str(before + lost + mother), "para": str(before)}, records


def blood(rng: Random, negative: bool | None = None) -> dict[str, str]:
    """ABO and Rh D group, antibody screen and booking serology; `negative` fixes Rh D."""
    facts = table("settings")["blood"]
    rh = rng.random() < facts["rh_negative_share"] if negative is None else negative
    return {
        "blood_group": f"{rng.choice(facts['groups'])} {'negative' if rh else 'positive'}",
        "antibody_screen": "negative",
        "rubella": rng.choice(("immune", "immune", "immune", "not immune")),
        "hepatitis_b": "negative",
        "syphilis": "negative",
        "hiv": "negative",
    }


def booking(rng: Random, days: int, level: int) -> list[Reading]:
    """Blood results of the earlier trimesters that the gestation allows."""
    found: list[Reading] = []
    for at in (70, 182, 210):
        if at > days - 7:
            break
        names = ["hemoglobin", "platelets"] if at < 100 else ["hemoglobin"]
        ranges = {"hemoglobin": [11.1, 13.4] if trimester(at) != 2 else [10.6, 12.6], "platelets": [170, 330]}
        found += results(rng, {n: ranges[n] for n in names}, (at - days) * DAY)
    return found if level < 3 or rng.random() < 0.7 else found[:2]


def story(rng: Random, chart: Chart, told: dict[str, list[str]] | None = None, persona: str = "") -> Story:
    """What she tells: complaint, course, history, medicines, allergies, home, family, births; `told` comes first."""
    life = table("settings")["life"]
    taken = ", ".join(m.drug for m in chart.medications)
    births = [r.text for r in chart.records if r.kind == "pregnancy"]
    topics = dict(told or {}) | {
        k: v
        for k, v in {
            COMPLAINT: [f"It is about this: {chart.complaint}."],
            ONSET: [rng.choice(("It came on over the last days.", "Since this morning, I would say.", "Not long."))],
            CHARACTER: [rng.choice(("It is hard to describe, mostly a dull feeling.", "Not too bad just now."))],
            ASSOCIATED: [rng.choice(("Nothing else I noticed.", "I am more tired than usual.", "I sleep badly."))],
            PAST: [f"I have {', '.join(chart.conditions)}." if chart.conditions else rng.choice(life["past"])],
            MEDICINES: [f"I take {taken}." if taken else "Only the vitamins from the clinic."],
            ALLERGIES: [
                "Nobody ever wrote that down for me."
                if chart.allergies is None
                else f"I react to {', '.join(chart.allergies)}."
                if chart.allergies
                else "None that I know of."
            ],
            SOCIAL: [rng.choice(life["social"])],
            FAMILY: [rng.choice(life["family"])],
            BIRTHS: [f"I had {' and '.join(births)}." if births else "I have not given birth before."],
        }.items()
        if k not in (told or {})
    }
    chosen = persona or rng.choice(("plain", "plain", "anxious", "stoic", "vague"))
    return Story(topics, chosen)  # type: ignore[arg-type]


def dated(chart: Chart) -> str:
    """Where she stands: gestation, time after birth, or not pregnant."""
    if chart.pregnant and chart.gestation_days is not None:
        return weeks(chart.gestation_days)
    return chart.observations.get("time_after_birth", "")


def with_seen(chart: Chart, seen: dict[str, str], **more: Any) -> Chart:
    """The chart with these findings instead, and other fields changed."""
    return replace(chart, observations=seen, **more)


def with_vital(chart: Chart, sign: Reading) -> Chart:
    """The chart with one more vital sign."""
    return replace(chart, vitals=[*chart.vitals, sign])


def undated(chart: Chart) -> Chart:
    """The chart without a gestation: it is what the case asks for."""
    return replace(chart, gestation_days=None)
