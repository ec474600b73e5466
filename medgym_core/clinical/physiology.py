"""Physiologically consistent patients, drawn from a seeded generator: vital signs, laboratory panels, courses, bodies.

    sample_vitals(rng, age=67, sex="male", overrides={"systolic_bp": 82})
    sample_labs(rng, "bmp", age=67, sex="male", overrides={"creatinine": 3.1})

Without overrides a healthy person of that age and sex; what is overridden stays as given and its correlates follow.
The same generator state gives the same values. Units and names are those of the laboratory and vital-sign facts.
"""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from medgym_core import facts
from medgym_core.clinical import ranges
from medgym_core.clinical.correlates import RULES
from medgym_core.clinical.panel import Panel
from medgym_core.clinical.ranges import (
    critical_limits,
    flag,
    range_source,
    range_text,
    reading,
    reference_range,
    unit,
)
from medgym_core.errors import MedGymError, unknown_name
from medgym_core.types import Medication, Reading

__all__ = [
    "base_chart",
    "body",
    "critical_limits",
    "flag",
    "panel_members",
    "range_source",
    "range_text",
    "reading",
    "reference_range",
    "sample_labs",
    "sample_vitals",
    "trend",
    "unit",
]
SIX = ("heart_rate", "systolic_bp", "diastolic_bp", "respiratory_rate", "spo2", "temperature")
"""The vital signs every patient has."""


def sample_vitals(
    rng: Random,
    *,
    age: int,
    sex: str = "female",
    pregnant: bool | None = False,
    overrides: Mapping[str, float] | None = None,
    minutes: int = 0,
    age_months: int | None = None,
) -> list[Reading]:
    """The six vital signs, then any other that is overridden (such as `fio2`, `pain_score`).

    Fever, hypoxia and hypotension that are overridden move pulse and breathing, unless those are overridden too.
    """
    given = {name: float(value) for name, value in (overrides or {}).items()}
    for name in given:
        if name not in facts.load("clinical", "vitals"):
            raise unknown_name("vital sign", name, facts.load("clinical", "vitals"))
    drawn = {n: ranges.draw(rng, n, age, sex, age_months=age_months) for n in SIX}
    pulse, breaths = _strain(given, age)
    drawn["heart_rate"] += pulse + (rng.uniform(6, 12) if pregnant else 0)
    drawn["respiratory_rate"] += breaths
    share = rng.uniform(0.59, 0.67)
    if "diastolic_bp" in given and "systolic_bp" not in given:
        drawn["systolic_bp"] = max(drawn["systolic_bp"], given["diastolic_bp"] / share)
    systolic = given.get("systolic_bp", drawn["systolic_bp"])
    drawn["diastolic_bp"] = min(systolic * share, systolic - 12)
    values = drawn | given
    if values["diastolic_bp"] >= values["systolic_bp"]:
        raise MedGymError(
            "blood pressure that cannot be",
            got=f"{values['systolic_bp']:g}/{values['diastolic_bp']:g} mmHg",
            expected="diastolic below systolic",
        )
    return [_reading(n, values[n], n in given, minutes) for n in [*SIX, *(n for n in given if n not in SIX)]]


def _strain(given: Mapping[str, float], age: int) -> tuple[float, float]:
    """Beats and breaths a minute added by overridden fever, hypoxia and hypotension.

    About 10 beats for each degree of fever (Tanner 1951); the rest as typical courses, limited.
    """
    fever = max(0.0, given.get("temperature", 37.0) - 37.5)
    hypoxia = max(0.0, 93 - given.get("spo2", 98))
    hypotension = max(0.0, (90 if age >= 10 else 70 + 2 * age) - given.get("systolic_bp", 120))
    return 10 * fever + min(1.2 * hypoxia, 25) + min(0.9 * hypotension, 40), 2 * fever + min(0.9 * hypoxia, 14)


def _reading(name: str, value: float, given: bool, minutes: int) -> Reading:
    return Reading(name, value, unit(name), minutes) if given else reading(name, value, minutes)


def panel_members(panel: str) -> list[str]:
    """Names a panel brings back. Raises MedGymError for an unknown panel, naming those there are."""
    known = facts.load("clinical", "panels")
    if panel not in known:
        raise unknown_name("panel", panel, known)
    return known[panel]["members"]


def sample_labs(
    rng: Random,
    panel: str | Sequence[str],
    *,
    age: int,
    sex: str,
    pregnant: bool | None = False,
    overrides: Mapping[str, float] | None = None,
    minutes: int = 0,
    gestation_days: int | None = None,
    age_months: int | None = None,
) -> list[Reading]:
    """The tests of a panel (its name, a test's name, or a list of names), then overridden ones outside it.

    Raises MedGymError for unknown names, and for overrides that contradict one another (direct above total bilirubin,
    a pH that pCO2 and bicarbonate do not give).
    """
    given = {name: float(value) for name, value in (overrides or {}).items()}
    names = _names(panel)
    for name in names:
        if name not in facts.load("clinical", "labs"):
            raise unknown_name("laboratory test", name, facts.load("clinical", "labs"))

    def healthy(name: str) -> float:
        return ranges.draw(rng, name, age, sex, pregnant, gestation_days, age_months)

    sample = Panel(rng, given, healthy, RULES, bool(pregnant))
    wanted = list(dict.fromkeys([*names, *given]))
    return [Reading(n, sample(n), unit(n), minutes) for n in wanted]


def _names(panel: str | Sequence[str]) -> list[str]:
    if not isinstance(panel, str):
        return [n for p in panel for n in _names(p)]
    return panel_members(panel) if panel in facts.load("clinical", "panels") else [panel]


def trend(rng: Random, name: str, start: float, end: float, times: Sequence[int], unit: str = "") -> list[Reading]:
    """A noisy course that never turns back: `start` at the first minute, `end` at the last, one reading a time.

    `unit` may be left out for a known measurement. Raises MedGymError where the times do not ascend.
    """
    if list(times) != sorted(set(times)):
        raise MedGymError("times of a course do not ascend", got=list(times), expected="ascending minutes")
    known = ranges.measurements().get(name)
    digits = known["decimals"] if known else 1
    span = (times[-1] - times[0]) or 1 if times else 1
    inner = sorted(min(max((t - times[0]) / span + rng.uniform(-0.08, 0.08), 0.0), 1.0) for t in times[1:-1])
    first, last = round(start, digits) + 0.0, round(end, digits) + 0.0
    low, high = sorted((first, last))  # a share of 1 may miss the end by a rounding error
    between = [min(max(round(start + (end - start) * share, digits), low), high) for share in inner]
    values = [first, *between, last][: len(times)]
    return [Reading(name, v, unit or ranges.unit(name), t) for v, t in zip(values, times, strict=True)]


def body(rng: Random, *, age: int, sex: str, age_months: int | None = None) -> tuple[float, float]:
    """Weight (kg, one decimal) and height (cm, whole) of someone of that age and sex.

    Children near the growth medians (WHO below two years, CDC from two on); adults by height and body mass index.
    """
    if age >= 18:
        adult = facts.load("clinical", "growth")[f"adult_{sex}"]
        height = rng.gauss(*adult["height_cm"])
        index = min(max(rng.lognormvariate(0.0, adult["spread"]) * adult["bmi"], 18.5), 42.0)
        return round(index * (height / 100) ** 2, 1), float(round(height))
    rows = facts.load("clinical", "growth")[f"child_{sex}"]["rows"]
    weight, height = _between(rows, age * 12 + 6 if age_months is None else age_months)
    size = rng.gauss(0, 1)
    tall = 1 + 0.035 * min(max(size, -1.8), 1.8)
    return round(weight * tall**2 * rng.uniform(0.93, 1.08), 1), float(round(height * tall))


def _between(rows: list[list[float]], months: float) -> tuple[float, float]:
    """Weight and height at an age, linear between rows of (months, kg, cm)."""
    for (m0, w0, h0), (m1, w1, h1) in zip(rows, rows[1:], strict=False):
        if m0 <= months <= m1:
            share = (months - m0) / (m1 - m0)
            return w0 + share * (w1 - w0), h0 + share * (h1 - h0)
    return rows[-1][1], rows[-1][2]


def base_chart(
    rng: Random,
    *,
    age: int,
    sex: str,
    age_months: int | None = None,
    pregnant: bool | None = None,
    gestation_days: int | None = None,
    comorbid: int = 0,
    avoid: Sequence[str] = (),
    **more: Any,
) -> dict[str, Any]:
    """Fields of a Chart: identity, body, and up to `comorbid` long-standing illnesses with their usual drug.

    Illnesses fit the age and sex and never stand in `avoid` (names of conditions or of drugs). Allergies are always
    recorded, mostly none. A weight of pregnancy adds up to 12.5 kg at term (Institute of Medicine 2009).
    `more` wins over what is drawn.
    """
    weight, height = body(rng, age=age, sex=sex, age_months=age_months)
    if pregnant and gestation_days:
        weight = round(weight + 12.5 * (gestation_days / 280) ** 1.5, 1)
    known = facts.load("clinical", "background")
    fit = [
        name
        for name, c in known.items()
        if c["ages"][0] <= age <= c["ages"][1] and c.get("sex", sex) == sex and not {name, c["drug"]} & set(avoid)
        if not (pregnant and c["not_in_pregnancy"])
    ]
    own = rng.sample(fit, min(comorbid, len(fit)))
    allergies = rng.choice([[], [], [], ["penicillin"], ["sulfonamides"], ["latex"], ["peanut"]])
    drawn = {
        "patient_id": f"P{rng.randrange(10_000, 100_000)}",
        "age": age,
        "sex": sex,
        "age_months": age_months,
        "weight_kg": weight,
        "height_cm": height,
        "pregnant": pregnant,
        "gestation_days": gestation_days,
        "conditions": own,
        "medications": [Medication(known[c]["drug"], known[c]["dose"], known[c]["frequency"]) for c in own],
        "allergies": [a for a in allergies if a not in avoid],
    }
    return drawn | more
