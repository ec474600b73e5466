"""Tools that compute: scores and formulas from the chart, the blood gas reader, flags, doses by weight.

Scores are the shared instruments; a missing input gives no number and is named.
"""

from typing import Any, Literal

from medgym_core import instruments
from medgym_core.clinical import ranges
from medgym_core.domains.clinical_diagnosis import acid_base, tables
from medgym_core.domains.clinical_diagnosis.looking import flag
from medgym_core.instruments.base import Outcome
from medgym_core.instruments.tools import chart_tool, from_chart, shown
from medgym_core.text import normal
from medgym_core.tools import NOT_AVAILABLE, NOT_IN_DATABASE, ToolError, World, number, show, tool

MOST_HOURS = 1000
BASELINE_DAYS = (7, 365)  # KDIGO: within a week; without one, the outpatient values of a year

calculate_curb65 = chart_tool("curb65")
calculate_psi = chart_tool("psi")
calculate_chads2_vasc = chart_tool("cha2ds2_vasc", tool_name="calculate_chads2_vasc")
calculate_has_bled = chart_tool("has_bled")
calculate_heart_score = chart_tool("heart", tool_name="calculate_heart_score")
calculate_meld_score = chart_tool("meld", tool_name="calculate_meld_score")
calculate_child_pugh = chart_tool("child_pugh")
calculate_apache2 = chart_tool("apache2")
calculate_glasgow_blatchford = chart_tool("glasgow_blatchford")
calculate_bisap = chart_tool("bisap")
calculate_bmi = chart_tool("bmi")
calculate_ckd_epi = chart_tool("ckd_epi_2021", tool_name="calculate_ckd_epi")
calculate_creatinine_clearance = chart_tool("cockcroft_gault", tool_name="calculate_creatinine_clearance")
calculate_osmolar_gap = chart_tool("osmolar_gap")
calculate_corrected_calcium = chart_tool("corrected_calcium")
calculate_corrected_sodium = chart_tool("corrected_sodium")
calculate_maintenance_fluids = chart_tool("maintenance_fluids")


@tool("read")
def calculate_wells_score(world: World, indication: Literal["pe", "dvt"]) -> dict:
    """Wells score from the chart.

    Args:
        indication: pe (pulmonary embolism) or dvt (deep vein thrombosis).
    """
    bound = instruments.get(f"wells_{indication}")
    return shown(bound, bound(**from_chart(world, bound)))


@tool("read")
def calculate_anion_gap(world: World) -> dict:
    """Anion gap from sodium, chloride and bicarbonate, and corrected for albumin where that is known."""
    plain, corrected = instruments.get("anion_gap"), instruments.get("anion_gap_corrected")
    found = shown(plain, plain(**from_chart(world, plain)))
    outcome = corrected(**from_chart(world, corrected))
    if outcome.value is not None:
        found |= {"corrected": f"{number(outcome.value)} {corrected.unit}", "band": outcome.band}
    return found


@tool("read")
def check_kdigo_aki(world: World) -> dict:
    """KDIGO stage of acute kidney injury from the course of creatinine; baseline: the lowest earlier value of a week,
    or of a year where there is none."""
    course = sorted((r for r in world.results() if r.name == "creatinine"), key=lambda r: r.minutes)
    if not course or not earlier_creatinine(course):
        return {"kdigo_aki": NOT_AVAILABLE, "missing": "earlier creatinine" if course else "creatinine"}
    baseline, outcome = kdigo(course)
    ratio = number(round(course[-1].value / baseline, 2))
    shown = {"stage": number(outcome.value or 0), "creatinine": show(course[-1]), "baseline": number(baseline)}
    return shown | {"ratio": ratio, "meaning": outcome.band.split(";")[0]}


def kdigo(course: list[Any]) -> tuple[float, Outcome]:
    """Baseline and stage from readings in order of time; the rise within 48 hours counts as the guideline has it."""
    last = course[-1]
    baseline = min(earlier_creatinine(course))
    recent = [r.value for r in course[:-1] if last.minutes - r.minutes <= 48 * 60]
    rise = round(max(0.0, last.value - min(recent)), 3) if recent else None
    bound = instruments.get("kdigo_aki")
    return baseline, bound(creatinine=last.value, baseline_creatinine=baseline, creatinine_rise_48h=rise)


def earlier_creatinine(course: list[Any]) -> list[float]:
    """Values a baseline can be taken from: those of the last week, else of the last year; older ones are another time.

    Source: KDIGO Clinical Practice Guideline for Acute Kidney Injury, 2012, section 2.1 (a rise from a baseline that is
    known or presumed to have been there within the prior 7 days).
    """
    last = course[-1].minutes
    for days in BASELINE_DAYS:
        found = [r.value for r in course[:-1] if last - r.minutes <= days * 1440]
        if found:
            return found
    return []


@tool("read")
def interpret_abg(world: World) -> dict:
    """Step through the blood gas: primary disorder, expected compensation, anion gap, delta ratio, what is added."""
    found = {n: world.lab(n) for n in ("ph", "pco2", "bicarbonate", "sodium", "chloride", "albumin")}
    missing = [n for n in ("ph", "pco2", "bicarbonate") if found[n] is None]
    if missing:
        return {"acid-base": NOT_AVAILABLE, "missing": ", ".join(missing)}
    return gas_lines(acid_base.interpret(**{n: r.value if r else None for n, r in found.items()}))  # type: ignore[arg-type]


def gas_lines(read: acid_base.Reading) -> dict[str, str]:
    """The reading of a blood gas as an observation."""
    lines = {"primary": read.primary}
    if read.expected:
        what = "expected pco2" if read.primary in acid_base.METABOLIC else "expected bicarbonate"
        lines[what] = f"{read.expected[0]:.1f} to {read.expected[1]:.1f}"
    if read.gap is not None:
        lines["anion gap"] = number(round(read.gap, 1))
    if read.ratio is not None:
        lines["delta ratio"] = number(round(read.ratio, 2))
    lines["added"] = read.added or "none"
    return lines | ({"missing": ", ".join(read.missing)} if read.missing else {})


@tool("read")
def interpret_lab(world: World, test: str) -> dict:
    """One result against the reference range of this patient's age, sex and pregnancy.

    Args:
        test: Name of the result, such as sodium.
    """
    name = test.strip().lower().replace(" ", "_")
    if name not in ranges.measurements():
        return {test: NOT_IN_DATABASE}
    reading, c = world.lab(name) or world.vital(name), world.chart
    limits = ranges.reference_range(name, c.age, c.sex, c.pregnant, c.gestation_days, c.age_months)
    span = ranges.range_text(name, limits) if limits else "no reference range"
    if reading is None:
        return {name: NOT_AVAILABLE, "range": span}
    return {name: show(reading), "range": span, "flag": flag(reading, c)}


@tool("read")
def calculate_weight_based_dose(world: World, drug: str, indication: str = "") -> dict:
    """Single paediatric dose from the weight on the chart, with its maximum.

    Args:
        drug: The drug.
        indication: What for, where the drug has several doses.
    """
    entry = dose_entry(drug, indication)
    if entry is None:
        return {drug: NOT_IN_DATABASE}
    weight = world.chart.weight_kg
    if weight is None:
        return {"dose": NOT_AVAILABLE, "missing": "weight", "rule": dose_words(entry)}
    mg = weight_dose(entry, weight)
    return {"dose": f"{number(mg)} mg", "weight": f"{number(weight)} kg", "rule": dose_words(entry)}


def dose_entry(drug: str, indication: str = "") -> dict[str, Any] | None:
    """The paediatric dose of a drug, by indication where words of it are given."""
    wanted = [e for e in tables.table("pediatric_doses").values() if normal(e["drug"]) == normal(drug)]
    words = set(normal(indication).split())
    best = max(wanted, key=lambda e: len(words & set(normal(e["use"]).split())), default=None)
    if len(wanted) > 1 and not words:
        raise ToolError("several doses", expected="indication: " + " or ".join(e["use"] for e in wanted))
    return best


def weight_dose(entry: dict[str, Any], weight: float) -> float:
    """Dose in mg: by weight band, or by weight up to the maximum; rounded to three digits."""
    if "bands" in entry:
        return float(next(mg for end, mg in entry["bands"] if weight < end))
    mg = min(entry["mg_per_kg"] * weight, entry.get("max_mg", float("inf")))
    return float(f"{mg:.3g}")


def dose_words(e: dict[str, Any]) -> str:
    """A paediatric dose in words."""
    if "bands" in e:
        low, parts = 0.0, []
        for end, mg in e["bands"]:
            parts.append(f"{mg:g} mg below {end:g} kg" if end < 150 else f"{mg:g} mg from {low:g} kg")
            low = end
        return f"For {e['use']}: {', '.join(parts)}."
    top = f", at most {e['max_mg']:g} mg" if "max_mg" in e else ""
    return f"For {e['use']}: {e['mg_per_kg']:g} mg/kg{top}."


@tool("read")
def check_acetaminophen_nomogram(world: World, hours: float) -> dict:
    """The acetaminophen level on the chart against the treatment line at a time after a single ingestion.

    Args:
        hours: Hours from ingestion to the blood sample.
    """
    if not 0 <= hours <= MOST_HOURS:
        raise ToolError("bad time", got=hours, expected=f"0 to {MOST_HOURS} hours")
    rule, reading = tables.table("toxicology")["acetaminophen"], world.lab("acetaminophen")
    if reading is None:
        return {"nomogram": NOT_AVAILABLE, "missing": "acetaminophen level"}
    if hours < rule["earliest"]:
        return {"nomogram": "level before 4 hours does not decide", "level": show(reading)}
    if hours > rule["latest"]:
        return {"nomogram": "not applicable after 24 hours", "level": show(reading)}
    line = treatment_line(hours)
    side = "at or above" if reading.value >= line else "below"
    return {"level": show(reading), "line": number(round(line, 1)), "nomogram": f"{side} the treatment line"}


def treatment_line(hours: float) -> float:
    """Acetaminophen in ug/mL on the revised Rumack-Matthew line."""
    rule = tables.table("toxicology")["acetaminophen"]
    return rule["line_at_4_hours"] * 0.5 ** ((hours - rule["earliest"]) / rule["half_time"])
