"""Where the bench's reference answers depart from the published formula, computed the way the bench did.

An explanation counts only when its function gives the reference answer of the row: then the departure is shown, not
supposed.
"""

from collections.abc import Callable
from datetime import date, timedelta

from benchmarks.medcalc.units import iso, quantity, sex, yes

COUNTED_ONCE = (
    "Myocardial infarction", "Congestive Heart Faliure", "Peripheral vascular disease", "Dementia",
    "Chronic Obstructive Pulmonary Disease", "Connective tissue disease", "Peptic ulcer disease",
)  # fmt: skip
COUNTED_TWICE = ("Hemiplegia", "Leukemia", "Lymphoma")
GRADED = ("Diabetes mellitus criteria for CCI rule", "Liver disease severity", "Solid tumor")


def ungraded_charlson(e: dict) -> float:
    """Charlson index in which diabetes, liver disease and solid tumour are one point each, whatever their grade."""
    points = sum(yes(e, name) for name in COUNTED_ONCE) + 2 * sum(yes(e, name) for name in COUNTED_TWICE)
    points += yes(e, "Cerebrovascular Accident", "Transient Ischemic Attacks History") + 6 * yes(e, "AIDS")
    points += 2 * bool(e.get("Moderate to severe Chronic Kidney Disease")) + sum(bool(e.get(name)) for name in GRADED)
    return points + min(4, max(0, int(e["age"][0]) // 10 - 4))


def unsigned_due_date(e: dict) -> str:
    """Due date with the difference of the cycle from 28 days always added."""
    start = date.fromisoformat(iso(e["Last menstrual date"]))
    return (start + timedelta(days=280 + abs(e["cycle length"] - 28))).isoformat()


def female_kappa(e: dict) -> float:
    """CKD-EPI 2021 for a man with the kappa of women, 0.7."""
    ratio = quantity(e, "creatinine", "creatinine mg/dL") / 0.7
    return 142 * ratio**-0.302 * 0.9938 ** quantity(e, "age", "a") if sex(e) == "male" else float("nan")


def whole(value: float) -> float:
    """Rounded half up to a whole number, from one up."""
    return float(int(value + 0.5)) if value >= 1 else value


def whole_calcium(e: dict) -> float:
    """Corrected calcium from whole millimoles, at 4 mg/dL each."""
    return 4 * whole(e["Calcium"][0]) + 0.8 * (4 - quantity(e, "Albumin", "albumin g/dL"))


def whole_ldl(e: dict) -> float:
    """Friedewald from whole millimoles, with 386.654 and 861.338 g/mol."""
    total, hdl, fat = (
        whole(e[n][0]) for n in ("Total cholesterol", "high-density lipoprotein cholesterol", "Triglycerides")
    )
    return 38.6654 * (total - hdl) - 86.1338 * fat / 5


KNOWN_ERRORS: dict[str, tuple[str, Callable[[dict], float | str]]] = {
    "Charlson Comorbidity Index (CCI)": (
        "diabetes, liver disease and solid tumour count one point whatever their grade, 'none or diet-controlled' too",
        ungraded_charlson,
    ),
    "Estimated Due Date": (
        "a cycle shorter than 28 days is added to the date, not subtracted as the bench's own text says",
        unsigned_due_date,
    ),
    "CKD-EPI Equations for Glomerular Filtration Rate": ("kappa of women (0.7) used for a man", female_kappa),
    "Calcium Correction for Hypoalbuminemia": ("calcium in mmol/L rounded to a whole number", whole_calcium),
    "LDL Calculated": ("concentrations in mmol/L rounded to whole numbers", whole_ldl),
}
