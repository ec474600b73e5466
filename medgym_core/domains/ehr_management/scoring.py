"""Tools that compute: clinical scores, kidney injury, readmission risk, quality measures, the sepsis bundle, FHIR."""

from collections import Counter
from functools import cache
from typing import Any

from medgym_core import instruments
from medgym_core.clinical.codes import icd_codes, lookup_icd
from medgym_core.clinical.fhir import from_bundle, to_bundle
from medgym_core.domains.drug_interaction import rules as pharmacy
from medgym_core.domains.ehr_management import rules
from medgym_core.domains.ehr_management.quality import MEASURES, measure, sepsis_bundle
from medgym_core.domains.ehr_management.rules import ago, kidney_injury, shown, stay_of, table
from medgym_core.errors import MedGymError, unknown_name
from medgym_core.instruments.base import Outcome
from medgym_core.instruments.tools import from_chart
from medgym_core.text import normal, tokens
from medgym_core.tools import NOT_AVAILABLE, NOT_IN_DATABASE, ToolError, World, tool

SCORES = ("news2", "qsofa", "sirs", "sofa", "charlson", "caprini", "curb65")
DEFAULT_SCORES = ("news2", "qsofa", "sofa")


def score(world: World, name: str) -> Outcome:
    """A score from the current chart."""
    instrument = instruments.get(name)
    return instrument(**from_chart(world, instrument))


def described(name: str, outcome: Outcome) -> str:
    """Value and band, or what is missing."""
    if outcome.value is not None:
        return f"{outcome.value:g}, {outcome.band}".rstrip(", ")
    if outcome.missing:
        return f"{NOT_AVAILABLE}, missing {', '.join(m.replace('_', ' ') for m in outcome.missing[:4])}"
    return f"{NOT_AVAILABLE}, {outcome.reason}"


@tool("read")
def get_clinical_scores(world: World, score_name: str = "") -> dict:
    """Scores computed from the current chart with their band, or the inputs that are missing.

    Args:
        score_name: news2, qsofa, sirs, sofa, charlson, caprini or curb65; NEWS2, qSOFA and SOFA when left out.
    """
    wanted = normal(score_name).strip().replace(" ", "")
    if wanted and wanted not in SCORES:
        raise ToolError(str(unknown_name("score", score_name[:40], SCORES)))
    return {n: described(n, score(world, n)) for n in ((wanted,) if wanted else DEFAULT_SCORES)}


@tool("read")
def assess_kidney_injury(world: World) -> dict:
    """KDIGO stage of the latest creatinine; baseline is the lower of 7-day minimum and the median of days 8 to 365."""
    outcome = kidney_injury(world.results())
    last = world.lab("creatinine")
    if outcome.value is None:
        when = f"{shown(last)}, {ago(world, last.minutes)}" if last else NOT_AVAILABLE
        return {"aki": described("aki", outcome), "creatinine": when}
    found = rules.series(world.results(), stay_of(world, rules.EVERYTHING), "creatinine")
    base = rules.reference_creatinine(found)
    when = f"{shown(last)}, {ago(world, last.minutes)}"
    return {"aki": f"stage {outcome.value:g}", "creatinine": when, "baseline": f"{base:g} mg/dL"}


@tool("read")
def get_kidney_function(world: World) -> dict:
    """Latest creatinine, eGFR (CKD-EPI 2021) and creatinine clearance (Cockcroft and Gault)."""
    last, c = world.lab("creatinine"), world.chart
    if last is None:
        return {"creatinine": NOT_AVAILABLE, "missing": "creatinine"}
    found = {"creatinine": f"{shown(last)}, {ago(world, last.minutes)}"}
    for name, unit in (("egfr", "mL/min/1.73m2"), ("creatinine clearance", "mL/min")):
        value, missing = pharmacy.kidney(c, name, last.value)
        found[name] = f"{NOT_AVAILABLE}, missing {missing}" if missing else f"{value} {unit}"
    return found


@tool("read")
def calculate_readmission_risk(world: World, hadm_id: str = "") -> dict:
    """LACE index of an admission from length of stay, acuity, comorbidity and emergency visits of six months.

    Args:
        hadm_id: Admission; the current one when left out.
    """
    outcome = rules.lace(world, stay_of(world, hadm_id))
    found = {"lace": described("lace", outcome)}
    short = {"length_of_stay_days": "L", "acute_admission": "A", "comorbidity_points": "C", "emergency_visits": "E"}
    return found | (
        {"parts": ", ".join(f"{short[k]} {v:g}" for k, v in outcome.parts.items())} if outcome.parts else {}
    )


@tool("read")
def get_quality_indicators(world: World, hadm_id: str = "", measure_name: str = "") -> dict:
    """Quality measures of an admission, computed from the record: met, not met, not needed or not available, and why.

    Args:
        hadm_id: Admission; the current one when left out.
        measure_name: vte prophylaxis, fall precautions, pressure injury prevention, urinary catheter or sepsis bundle.
    """
    stay, wanted = stay_of(world, hadm_id), normal(measure_name).strip()
    if wanted and wanted not in (*MEASURES, "sepsis bundle"):
        raise ToolError(str(unknown_name("measure", measure_name[:40], (*MEASURES, "sepsis bundle"))))
    found = {}
    for name in (wanted,) if wanted in MEASURES else () if wanted else MEASURES:
        status, why = measure(world, stay, name)
        found[name] = f"{status}, {why}"
    if wanted in ("", "sepsis bundle"):
        bundle = sepsis_bundle(world, stay)
        found |= bundle if wanted else {"sepsis bundle": "see measure" if bundle else "no sepsis recorded"}
    return found or {"sepsis bundle": "no sepsis recorded", "admission": stay.hadm_id}


# ---- codes


@tool("read", static=True)
def lookup_icd_code(world: World, code: str) -> dict:
    """Title of an ICD-10-CM code.

    Args:
        code: Such as I21.4 or I214.
    """
    return {code.strip()[:12] or "code": lookup_icd(code) or NOT_IN_DATABASE}


@tool("read", static=True)
def search_icd_codes(world: World, text: str) -> dict:
    """ICD-10-CM codes whose title holds all words of a text; no hit does not mean that there is no code.

    Args:
        text: Words of the title, such as heart failure.
    """
    wanted = set(tokens(text))
    if not wanted:
        raise ToolError("nothing to look for", got=repr(text[:20]), expected="at least one word")
    found = [(code, title) for code, title, words in _titles() if wanted <= words]
    return dict(found[:5]) or {"codes": NOT_IN_DATABASE}


@cache
def _titles() -> list[tuple[str, str, frozenset[str]]]:
    """Code, title and the words of the title."""
    return [(code, title, frozenset(tokens(title))) for code, title in icd_codes().items()]


@tool("read", static=True)
def get_code_status_rules(world: World, code_status: str) -> dict:
    """What a code status permits.

    Args:
        code_status: full code, DNR, DNR and DNI, or comfort measures only.
    """
    named = {normal(n): n for n in table("code_status")}
    name = named.get(normal(code_status))
    return {name: table("code_status")[name]["permits"]} if name else {code_status[:40]: NOT_IN_DATABASE}


# ---- exchange


@tool("read")
def export_fhir(world: World) -> dict:
    """Write the record as a FHIR R4 bundle, read it back, and count its resources."""
    try:
        bundle = to_bundle(world.chart)
        from_bundle(bundle)
    except MedGymError as error:
        return {"valid": "no", "reason": str(error)[:200]}
    counts: Counter[Any] = Counter(e["resource"]["resourceType"] for e in bundle["entry"])
    return {"valid": "yes", "resources": str(sum(counts.values()))} | {k: str(n) for k, n in sorted(counts.items())}
