"""Seeded psychiatric patients: background, findings and the story they tell.

Background (body, comorbidity, drugs, vital signs, blood tests) comes from the shared physiology; the examination gets
everyday variants of `facts/defaults.toml`, then the findings of the condition. Nothing here knows the question.
"""

from collections.abc import Mapping
from random import Random
from typing import Any

from medgym_core import facts
from medgym_core.clinical import physiology
from medgym_core.domains.psychiatry import scales
from medgym_core.domains.psychiatry.scales import DOMAIN
from medgym_core.patient import story_of
from medgym_core.types import Chart, Medication, Persona, Reading, Story

ARRIVALS = (
    "walked in",
    "brought by family",
    "sent by the clinic",
    "brought by police",
    "ambulance",
    "ward consultation",
)
PERSONAS: dict[int, tuple[Persona, ...]] = {
    1: ("plain",),
    2: ("plain", "anxious", "stoic"),
    3: ("vague", "anxious", "stoic", "poor historian"),
}
INTAKE = 0.12
"""Share of patients who filled in a given intake form."""
COMPLAINT = "complaint problem trouble brings matter wrong"
SUICIDE = "suicide"
ADULT = 18


def condition(name: str) -> dict[str, Any]:
    """One condition of the facts."""
    return facts.load(DOMAIN, "conditions")[name]


def defaults(table: str) -> dict[str, Any]:
    return {k: v for k, v in facts.load(DOMAIN, "defaults")[table].items() if k != "source"}


def person(
    rng: Random, level: int, ages: tuple[int, int] = (18, 80), sex: str = "", avoid: tuple[str, ...] = (), **more: Any
) -> dict[str, Any]:
    """Chart fields of someone of that age; more baggage and gaps at higher levels."""
    age = rng.randint(*ages)
    who = sex or rng.choice(["female", "male"])
    pregnant = False if who == "female" and 18 <= age <= 55 else None
    given = {"arrival": rng.choice(ARRIVALS), "pregnant": pregnant} | more
    comorbid = rng.randint(0, level) if age >= 30 else rng.randint(0, 1)
    fields = physiology.base_chart(rng, age=age, sex=who, comorbid=comorbid, avoid=avoid, **given)
    if level == 3 and rng.random() < 0.4:
        fields["allergies"] = None
    return fields


def examined(rng: Random, findings: Mapping[str, str], level: int, keep: tuple[str, ...] = ()) -> dict[str, str]:
    """Observations: everyday variants that fit the scale answers, then the findings; at level 3 some that do not matter
    were not recorded."""
    usual: dict[str, Any] = {}
    for table in ("mental_status", "social", "history", "use", "body"):
        usual |= defaults(table)
    seen = {name: rng.choice(variants) for name, variants in usual.items()}
    seen |= _intake(rng, findings) | _fitting(findings) | dict(findings)
    if level == 3:
        spare = [n for n in usual if n not in keep and n not in findings]
        for name in rng.sample(spare, rng.randint(1, 3)):
            del seen[name]
    return seen


def _intake(rng: Random, findings: Mapping[str, str]) -> dict[str, str]:
    """Forms that some filled in on arrival, unremarkable ones; none about what the case itself is about."""
    found: dict[str, str] = {}
    for scale, most, about in facts.load(DOMAIN, "defaults")["intake"]["forms"]:
        known = about in findings or any(item in findings for item in scales.items(scale))
        if not known and rng.random() < INTAKE:
            found |= scales.answers(rng, scale, rng.randint(0, most))
    return found


def _fitting(findings: Mapping[str, str]) -> dict[str, str]:
    """Mental state that goes with the answers on the scales, and with a patient who does not speak."""
    fit, found = {}, facts.load(DOMAIN, "defaults")["fitting"]
    for kind, finding, limit, items, value in found["rules"]:
        points = [int(findings[item]) for item in findings if item.startswith(items) and findings[item].isdigit()]
        if points and (sum(points) >= limit if kind == "at least" else sum(points) < limit):
            fit[finding] = value
    if findings.get("speech") == found["silent"]:
        fit |= dict.fromkeys(found["unassessed"], found["unassessable"])
    return fit


def chart(
    rng: Random,
    who: dict[str, Any],
    seen: dict[str, str],
    *,
    signs: Mapping[str, float] | None = None,
    tests: tuple[str, ...] = ("sodium", "potassium", "creatinine", "glucose"),
    values: Mapping[str, float] | None = None,
    qt_corrected: float | None = None,
    **more: Any,
) -> Chart:
    """A chart with vital signs and blood tests around the given ones; an ECG where a corrected QT is given."""
    vitals = physiology.sample_vitals(
        rng, age=who["age"], sex=who["sex"], pregnant=who["pregnant"], overrides=dict(signs or {})
    )
    labs = sample(rng, who, tests, values)
    if qt_corrected is not None:
        rate = next(r.value for r in vitals if r.name == "heart_rate")
        vitals = [*vitals, Reading("qt_interval", round(qt_corrected * (60 / rate) ** (1 / 3)), "ms")]
    fields = who | {"vitals": vitals, "labs": labs, "observations": _of_age(seen, who["age"])} | more
    return Chart(**fields)


def _of_age(seen: dict[str, str], age: int) -> dict[str, str]:
    """Circumstances of a minor where an adult's were drawn."""
    if age >= ADULT:
        return seen
    young = {n: v for n, v in defaults("minor").items() if n in seen}
    return seen | young


def sample(
    rng: Random, who: dict[str, Any], tests: tuple[str, ...], values: Mapping[str, float] | None = None
) -> list[Reading]:
    """Blood tests of this person, with the given values."""
    return physiology.sample_labs(
        rng,
        list(tests),
        age=who["age"],
        sex=who["sex"],
        pregnant=who["pregnant"],
        gestation_days=who.get("gestation_days"),
        overrides=dict(values or {}),
    )


def ranged(rng: Random, ranges: Mapping[str, list[float]]) -> dict[str, float]:
    """A value inside each range, with the decimals its ends have."""
    return {n: drawn(rng, *ends) for n, ends in ranges.items()}


def drawn(rng: Random, low: float, high: float) -> float:
    """A number between the ends, whole where both are whole."""
    if isinstance(low, int) and isinstance(high, int):
        return rng.randint(low, high)
    return round(rng.uniform(low, high), 1)


def with_bmi(rng: Random, who: dict[str, Any], low: float, high: float) -> dict[str, Any]:
    """The person at a body mass index between the ends."""
    weight = round(rng.uniform(low, high) * (who["height_cm"] / 100) ** 2, 1)
    return who | {"weight_kg": weight}


def taking(who: dict[str, Any], *names: str) -> dict[str, Any]:
    """The person with these drugs added."""
    return who | {"medications": [*who["medications"], *(Medication(n) for n in names)]}


def story(rng: Random, level: int, case: Chart, says: list[str], first: Mapping[str, list[str]] | None = None) -> Story:
    """What the patient tells: `first` holds the case's own topics, then complaint, everyday topics and the record."""
    topics = {topic: list(layers) for topic, layers in (first or {}).items()}
    topics.setdefault(COMPLAINT, list(says))
    for name, entry in facts.load(DOMAIN, "stories").items():
        topics.setdefault(entry["topic"], _everyday(rng, name, entry, case))
    for topic, layers in story_of(case).topics.items():
        if not topic.startswith("complaint"):
            topics.setdefault(topic, layers)
    return Story(topics, rng.choice(PERSONAS[level]))


def _everyday(rng: Random, name: str, entry: dict[str, Any], case: Chart) -> list[str]:
    if name == SUICIDE:
        return _columbia(entry, case)
    if "lines" in entry:
        return [rng.choice(entry["lines"])]
    value = case.observations.get(entry["finding"])
    return [entry["template"].format(value=value) if value else entry["unknown"]]


def _columbia(entry: dict[str, Any], case: Chart) -> list[str]:
    """In layers: wish, thoughts, plan, as the screener's answers have them."""
    layers = []
    for item, key in (("wish_dead", "wish"), ("thoughts", "thoughts"), ("plan", "plan")):
        answer = case.observations.get(f"cssrs_{item}")
        layers += [entry[f"{answer}_{key}"]] if answer else []
    return layers or [entry["silent"]]


def scored(rng: Random, name: str) -> dict[str, str]:
    """Answers on the rating scales usual for a condition."""
    entry, found = condition(name), {}
    for scale, (low, high) in entry.get("scales", {}).items():
        fixed = {item: points for item, points in entry.get("items", {}).items() if item in scales.items(scale)}
        found |= scales.answers(rng, scale, rng.randint(low, min(high, scales.highest(scale))), fixed)
    return found
