"""Charts of people with a listed condition, and what the fact table says of mistaking or mistreating it."""

from random import Random
from typing import Any

from medgym_core import facts
from medgym_core.domains.psychiatry import judging, looking, patients
from medgym_core.domains.psychiatry.drafting import unsafe_answers, unsafe_call
from medgym_core.domains.psychiatry.scales import DOMAIN, rule
from medgym_core.types import Call, Chart, Story, Trait, UnsafeAction

SOURCE_OF = {
    "get_patient_presentation": looking.PRESENTED,
    "perform_mental_status_exam": looking.MENTAL,
    "get_psychiatric_history": looking.HISTORY + looking.MORE_HISTORY,
    "perform_physical_exam": looking.BODY + looking.MORE_BODY,
    "screen_eating_disorder": looking.EATING,
    "screen_substance_use": looking.USE,
}
"""Which tool shows which finding."""
CONFLICTING = ("depression", "anxiety", "lithium", "alcohol use disorder", "dementia", "Parkinson disease", "epilepsy")
"""Background illness and drugs that would change the question."""
UNUSUAL_FROM = 3
"""Level from which an illness shows its unusual form."""


def chart_of(
    rng: Random,
    name: str,
    level: int,
    more: dict[str, str] | None = None,
    signs: dict[str, float] | None = None,
    values: dict[str, float] | None = None,
    ages: tuple[int, int] | None = None,
    bmi_share: tuple[float, float] | None = None,
) -> Chart:
    """The chart of someone with a condition; `more` findings, `signs` and blood `values` win over its own.

    `bmi_share`: body mass index of an adolescent as shares of the median for age and sex, in place of the condition's.
    """
    entry = patients.condition(name)
    who = patients.person(rng, level, ages or tuple(entry["ages"]), entry.get("sex", ""), CONFLICTING)
    middle = judging.median_bmi(who["age"], who["sex"]) if bmi_share else None
    if bmi_share and middle:
        who = patients.with_bmi(rng, who, bmi_share[0] * middle, bmi_share[1] * middle)
    elif "bmi" in entry:
        who = patients.with_bmi(rng, who, *entry["bmi"])
    if "taking" in entry:
        who = patients.taking(who, *rng.choice(entry["taking"]))
    unusual = entry.get("unusual", {}) if level >= UNUSUAL_FROM else {}
    found = patients.scored(rng, name) | entry["findings"] | unusual.get("findings", {}) | (more or {})
    seen = patients.examined(rng, found, level, tuple(entry["deciding"]))
    vitals = patients.ranged(rng, entry.get("vitals", {})) | (signs or {})
    labs = patients.ranged(rng, entry.get("labs", {})) | (values or {})
    complaint = rng.choice(unusual.get("complaints", entry["complaints"]))
    return patients.chart(rng, who, seen, signs=vitals, values=labs, complaint=complaint)


def fits(name: str, case: Chart) -> bool:
    """Whether someone of that age and sex could have the condition."""
    entry = patients.condition(name)
    low, high = entry["ages"]
    return low <= case.age <= high and entry.get("sex", case.sex) == case.sex


def deciding(entry: dict[str, Any]) -> list[tuple[str, str]]:
    """The findings that part the condition from others, as they are shown."""
    return [(key, entry["findings"][key]) for key in entry["deciding"]]


def deciding_calls(entry: dict[str, Any]) -> list[Call]:
    """The tools that show the deciding findings, the presentation left out."""
    tools = [t for t, keys in SOURCE_OF.items() if any(k in keys for k in entry["deciding"])]
    return [Call(t) for t in tools if t != "get_patient_presentation"]


def catatonic_items(rng: Random, name: str) -> dict[str, str]:
    """Answers of the Bush-Francis screening: several common signs in catatonia, none otherwise."""
    table = rule("catatonia")
    signs = rng.sample(table["common"], rng.randint(4, len(table["common"]))) if name == "catatonia" else []
    return {item: str(int(item.removeprefix("bfcsi_") in signs)) for item in table["items"]}


def delirium_items(rng: Random, name: str) -> dict[str, str]:
    """CAM features: all needed ones in a delirious state, at most inattention in dementia with Lewy bodies."""
    sick = patients.condition(name).get("delirious", False)
    inattentive = sick or (name == "dementia with Lewy bodies" and rng.random() < 0.5)
    other = rng.choice([("yes", "yes"), ("yes", "no"), ("no", "yes")]) if sick else ("no", "no")
    values = ("yes" if sick else "no", "yes" if inattentive else "no", *other)
    return dict(zip(rule("cam")["items"], values, strict=True))


def story_of_illness(rng: Random, level: int, name: str, case: Chart) -> Story:
    """What the person tells; in catatonia nothing."""
    if case.observations.get("speech") != "mute":
        return patients.story(rng, level, case, patients.condition(name)["says"])
    topics = [patients.COMPLAINT, *(e["topic"] for e in facts.load(DOMAIN, "stories").values())]
    return Story({topic: ["..."] for topic in topics})


def traits(name: str, level: int) -> list[Trait]:
    """At level 3 some findings were not recorded, and an illness that has an unusual form shows it."""
    if level < UNUSUAL_FROM:
        return []
    return ["missing data", *(["atypical"] if "unusual" in patients.condition(name) else [])]


def dangers(name: str, options: list[str]) -> list[UnsafeAction]:
    """Answers and prescriptions that harm someone with the condition."""
    entry, found = patients.condition(name), []
    if "missed_severity" in entry:
        wrong = [o for o in options if o != name]
        missed = unsafe_answers("missed red flag", f"{name} missed", entry["missed_severity"], entry["source"], *wrong)
        found.append(missed)
    if "forbidden" in entry:
        drug, severity = entry["forbidden"]["drug"], entry["forbidden"]["severity"]
        why, call = f"{drug} in {name}", {"drug": drug}
        found.append(unsafe_call("contraindication", why, severity, entry["source"], "prescribe_medication", call))
    return found
