"""Seeded patients: a background person, the findings of the case on top, and results that wait for an order.

Values the case does not set come from the shared physiology and are consistent with those it does. Difficulty 2 and 3
add illnesses, old results and gaps. Nothing here knows the question.
"""

from random import Random
from typing import Any

from medgym_core.clinical import physiology, ranges
from medgym_core.domains.clinical_diagnosis import tables
from medgym_core.domains.clinical_diagnosis.tables import exam_name
from medgym_core.types import Chart, Medication, Reading, Record

Range = tuple[float, float] | list[float]
YEAR = 525_600  # minutes
FINE = (120, 120)


def person(
    rng: Random,
    level: int,
    ages: Range = (18, 85),
    sex: str = "",
    months: Range | None = None,
    pregnant: bool | None = None,
    comorbid: int | None = None,
    avoid: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Chart fields of somebody of that age and sex; women of fertile age are not pregnant unless the case says so."""
    sex = sex or rng.choice(("female", "male"))
    age_months = None
    if months:
        age_months = rng.randint(int(months[0]), int(months[1]))
        age = age_months // 12
    else:
        age = rng.randint(int(ages[0]), int(ages[1]))
        if age < 2:
            age_months = age * 12 + rng.randint(1 if age == 0 else 0, 11)
    fertile = sex == "female" and age in tables.FERTILE
    if pregnant is None and fertile:
        pregnant = False
    days = rng.randrange(64, 240) if pregnant else None
    extra = rng.randint(0, level) if comorbid is None else comorbid
    return physiology.base_chart(
        rng, age=age, sex=sex, age_months=age_months, pregnant=pregnant, gestation_days=days,
        comorbid=extra if age >= 18 else 0, avoid=avoid,
    )  # fmt: skip


def value(rng: Random, name: str, span: Range) -> float:
    """A value of the span with the decimals its report shows."""
    return ranges.rounded(name, rng.uniform(float(span[0]), float(span[1])))


def values(rng: Random, spans: dict[str, Range]) -> dict[str, float]:
    return {name: value(rng, name, span) for name, span in spans.items()}


def vital_signs(rng: Random, who: dict[str, Any], spans: dict[str, Range], earlier: int = 0) -> list[Reading]:
    """Vital signs of now, after `earlier` older sets that lead to them."""
    kin = {"age": who["age"], "sex": who["sex"], "pregnant": who["pregnant"], "age_months": who["age_months"]}
    now = physiology.sample_vitals(rng, **kin, overrides=values(rng, spans))
    before = [r for i in range(earlier) for r in physiology.sample_vitals(rng, **kin, minutes=-240 * (earlier - i))]
    return [*before, *now]


def results(
    rng: Random, who: dict[str, Any], panels: list[str], given: dict[str, float], minutes: int = 0
) -> list[Reading]:
    """Laboratory values of the panels with the given ones, their correlates following."""
    return physiology.sample_labs(
        rng, panels, age=who["age"], sex=who["sex"], pregnant=who["pregnant"], gestation_days=who["gestation_days"],
        age_months=who["age_months"], overrides=given, minutes=minutes,
    )  # fmt: skip


def examined(
    rng: Random, findings: dict[str, str], missing: int = 0, spans: dict[str, Range] | None = None
) -> dict[str, str]:
    """Observations of every region, consciousness and oxygen: the findings, otherwise unremarkable.

    `missing` regions without a finding are not examined; `spans` are the vital signs of the case.
    """
    spans = spans or {}
    seen = {exam_name(r): findings.get(r) or rng.choice(e["normal"]) for r, e in tables.regions().items()}
    if "general" not in findings and (spans.get("systolic_bp", FINE)[0] < 90 or spans.get("spo2", FINE)[0] < 90):
        seen[exam_name("general")] = rng.choice(tables.regions()["general"]["ill"])
    spare = [r for r in tables.regions() if r not in findings]
    for region in rng.sample(spare, min(missing, len(spare))):
        del seen[exam_name(region)]
    return seen | stated(findings, spans)


def stated(findings: dict[str, str], spans: dict[str, Range]) -> dict[str, str]:
    """Consciousness and oxygen that go with the examination."""
    told = " ".join(findings.values())
    awake = "new confusion" if any(w in told for w in ("disoriented", "delirium", "confus")) else "alert"
    if any(w in told for w in ("drowsy", "rouses", "unrousable", "mute")):
        awake = "voice"
    low = spans.get("spo2", (98, 98))[0] < 88
    return {"consciousness": awake, "oxygen": "mask 6 L/min" if low else "room air"}


def records(rng: Random, age: int, level: int) -> list[Record]:
    """Social and family history and vaccinations; at level 3 one of them may be missing."""
    facts = tables.table("background")
    kinds = ["social", "family", "immunization"]
    if level == 3 and rng.random() < 0.5:
        kinds.remove(rng.choice(kinds))
    found: list[Record] = []
    if "social" in kinds and age >= 16:
        found += [
            Record("social", k, text=rng.choice(facts["social"][k])) for k in ("smoking", "alcohol", "work", "home")
        ]
    if "family" in kinds:
        kin = rng.sample(facts["family"]["relatives"], 2)
        found += [Record("family", k, text=rng.choice(facts["family"]["illnesses"])) for k in kin]
    if "immunization" in kinds:
        given = rng.sample(facts["vaccines"]["adult" if age >= 18 else "child"], rng.randint(1, 3))
        longest = max(1, min(age, 12))
        found += [Record("immunization", v, -YEAR * rng.randint(0 if age < 2 else 1, longest)) for v in given]
    return found


def note(text: str, name: str = "nursing") -> Record:
    return Record("note", name, text=text)


def drug(name: str) -> Medication:
    return Medication(name)


def numeric(
    rng: Random, who: dict[str, Any], test: str, spans: dict[str, Range], known: dict[str, float]
) -> list[Reading]:
    """Result of a laboratory test that reports numbers; what the chart has already stays as it is."""
    entry = tables.tests()[test]
    names = entry["components"]
    given = {n: v for n, v in known.items() if n in names} | values(rng, spans)
    return [r for r in results(rng, who, list(names), given, entry["minutes"][1]) if r.name in names]


def chart(who: dict[str, Any], **fields: Any) -> Chart:
    return Chart(**(who | fields))
