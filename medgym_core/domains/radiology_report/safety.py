"""The rules before a study: contrast media, pregnancy, which study is appropriate, and the dose it gave."""

from medgym_core import facts, instruments
from medgym_core.domains.radiology_report.reading import DOMAIN
from medgym_core.domains.radiology_report.rules import Outcome, lacking
from medgym_core.instruments.tools import from_chart
from medgym_core.text import normal
from medgym_core.tools import World, number

CONTRAST = [
    "proceed", "premedicate", "another examination", "another agent", "saline", "saline and withhold metformin",
    "insufficient: creatinine",
]  # fmt: skip
NOT_EXPOSED, UNLIKELY = "proceed, fetus not exposed", "proceed, pregnancy unlikely"
PREGNANCY = [NOT_EXPOSED, UNLIKELY, "pregnancy test", "examination without ionising radiation"]


def egfr(world: World) -> float | None:
    """eGFR by CKD-EPI 2021 from the chart, whole numbers."""
    instrument = instruments.get("ckd_epi_2021")
    outcome = instrument(**from_chart(world, instrument))
    return None if outcome.value is None else float(round(outcome.value))


def reaction(world: World, kind: str) -> tuple[str, str]:
    """Severity (none, mild, moderate, severe, unknown) of an earlier reaction to this class, and its words."""
    limits = facts.load(DOMAIN, "contrast")["limits"]
    agents = {n for n, e in facts.load(DOMAIN, "contrast").items() if e["kind"] == kind}
    for allergy in world.chart.allergies or []:
        agent, _, what = allergy.partition(": ")
        if normal(agent).strip() in {normal(a).strip() for a in agents}:
            grade = next((g for g in ("severe", "moderate", "mild") if what in limits[g]), "unknown")
            return grade, allergy
    return ("unknown", "allergies not recorded") if world.chart.allergies is None else ("none", "none to this class")


def contrast(world: World, agent: str) -> Outcome:
    """What has to be done before this agent is given into a vein."""
    table = facts.load(DOMAIN, "contrast")
    entry, limits, chart = table[agent], table["limits"], world.chart
    grade, words = reaction(world, entry["kind"])
    value = egfr(world)
    drugs = [m.drug for m in chart.medications]
    parts = {"agent": f"{agent}, {entry['kind']}" + (f" group {entry['group']}" if "group" in entry else "")}
    parts |= {"reaction": words, "egfr": "not available" if value is None else f"{number(value)} mL/min/1.73 m2"}
    parts["metformin"] = "yes" if "metformin" in drugs else "no"
    if grade == "unknown":
        return Outcome("insufficient: earlier reactions", parts, ("earlier reactions",))
    if grade == "severe":
        return Outcome("another examination", parts)
    low = value is not None and value < limits["egfr"]
    risky = any(c in limits["risk"] for c in chart.conditions) or any(x in limits["risk_medicines"] for x in drugs)
    parts["risk_of_kidney_disease"] = "yes" if risky else "no"
    if entry.get("group") == "I":
        if value is None:
            return Outcome("insufficient: creatinine", parts, ("creatinine",))
        if low:
            return Outcome("another agent", parts)
    if entry["kind"] == "iodinated":
        if value is None and risky:
            return Outcome("insufficient: creatinine", parts, ("creatinine",))
        if low:
            return Outcome("saline and withhold metformin" if "metformin" in drugs else "saline", parts)
    return Outcome("premedicate" if grade in ("mild", "moderate") else "proceed", parts)


def pregnancy(world: World, exam: str, days_since_period: int | None) -> Outcome:
    """Whether an examination may be done with regard to pregnancy."""
    rule, chart = facts.load(DOMAIN, "pregnancy")["rules"], world.chart
    if exam in rule["none"]:
        return Outcome(NOT_EXPOSED, {"radiation": "none"})
    if exam in rule["remote"]:
        return Outcome(NOT_EXPOSED, {"fetus": "outside the beam"})
    parts = {"fetus": "in the beam"}
    low, high = rule["ages"]
    if chart.sex != "female" or not low <= chart.age <= high:
        return Outcome(UNLIKELY, parts | {"pregnancy": "not possible"})
    if chart.pregnant:
        return Outcome("examination without ionising radiation", parts | {"pregnancy": "known"})
    result = world.finding("pregnancy_test")
    if result is not None:
        value = "examination without ionising radiation" if result == "positive" else UNLIKELY
        return Outcome(value, parts | {"pregnancy_test": result})
    if days_since_period is None:
        return lacking("last period")
    late = days_since_period > rule["cycle_days"]
    parts["days_since_period"] = str(days_since_period)
    return Outcome("pregnancy test" if late else UNLIKELY, parts | {"period": "overdue" if late else "not overdue"})


def study_for(world: World, topic: str) -> Outcome:
    """The study rated usually appropriate for this patient, and the fact that selected the variant."""
    entry, chart = facts.load(DOMAIN, "appropriateness")[topic], world.chart
    variants = entry["variants"]
    facts_of = {
        "pregnant": chart.pregnant is True,
        "child": chart.age < 18,
        "under 30": chart.age < 30,
        "cauda equina signs": chart.observations.get("saddle_sensation") == "lost",
        "negative rule": chart.observations.get("decision_rule", "").endswith(", negative"),
        "negative d-dimer": (dimer := world.lab("d_dimer")) is not None and dimer.value < entry.get("d_dimer_below", 0),
    }
    met = next((v for v in variants if facts_of[v]), None)
    return Outcome(variants[met] if met else entry["default"], {"variant": met or "default"})


def phantom(age: int) -> str | None:
    """The phantom of the dose table for an age; None: between two."""
    return "adult" if age >= 18 else str(age) if age in (0, 1, 5, 10) else None


def dose(world: World, region: str, dlp: float | None) -> Outcome:
    """Effective dose in mSv: dose-length product times k of region and age."""
    if dlp is None:
        return lacking("dose-length product")
    table = facts.load(DOMAIN, "dose")
    if region not in table:
        return lacking("region")
    body = phantom(world.chart.age)
    if body is None:
        return lacking("phantom of this age")
    k = table[region]["k"][body]
    return Outcome(round(dlp * k, 2), {"dlp": f"{number(dlp)} mGy.cm", "k": number(k), "phantom": body})
