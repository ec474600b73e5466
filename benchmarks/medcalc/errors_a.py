"""Known errors of the bench's answers for the groups cardiac, chest, hepatic and critical.

Each function recomputes the bench's answer with its error, from our points where the rest agrees. It explains a row
only where it gives that row's answer.
"""

from math import exp, log

from benchmarks.medcalc import heart_and_chest as chest
from benchmarks.medcalc import liver_and_critical as critical
from medgym_core import facts, instruments
from medgym_core.instruments import Outcome

MISSPELT = "degrees celsisus"
CHOLESTEROL = 38.665
"""mg/dL in one mmol/L, as the bench has it."""


def ours(adapted: tuple[str, dict]) -> Outcome:
    """Our outcome for adapted inputs."""
    name, inputs = adapted
    return instruments.get(name)(**inputs)


def frozen(e: dict) -> bool:
    """Whether the misspelt unit makes the bench take degrees Celsius for Fahrenheit."""
    return e["Temperature"][1] == MISSPELT


def child_pugh(e: dict) -> float:
    parts = ours(critical.child_pugh(e)).parts
    total = sum(parts.values()) - ("Ascites" in e) * parts["ascites"]
    return total + (e["Bilirubin"][0] == 3) - (e.get("Encephalopathy") == "Grade 0")


def rcri(e: dict) -> float:
    parts = ours(chest.rcri(e)).parts
    return sum(parts.values()) - parts["cerebrovascular_disease"]


def framingham(e: dict) -> float:
    """The sum rounded to one decimal, with cholesterol in mmol/L; the fraction rounded to one decimal."""
    x = chest.framingham(e)[1]
    b, age = facts.load("instruments", "cardiac")["framingham_chd"][x["sex"]], log(x["age"])
    total, hdl = log(x["total_cholesterol"] / CHOLESTEROL), log(x["hdl"] / CHOLESTEROL)
    score = b["constant"] + b["age"] * age + b["total_cholesterol"] * total + b["hdl"] * hdl + b["age_age"] * age * age
    score += b["systolic_bp"] * log(x["systolic_bp"]) + b["treated_hypertension"] * x["treated_hypertension"]
    score += b["age_cholesterol"] * age * total
    score += x["smoking"] * (b["smoking"] + b["age_smoking"] * log(min(x["age"], b["smoking_age"])))
    return round(1 - b["survival"] ** exp(round(score, 1)), 1)


def meld_na(e: dict) -> float:
    """Sodium of these rows is at the upper bound or above: it adds nothing."""
    b, x = facts.load("instruments", "hepatic")["meld"]["coefficients"], critical.meld_na(e)[1]
    creatinine = 4 if x["dialysis"] else min(max(x["creatinine"], 1), 4)
    score = b["constant"] + b["creatinine"] * log(creatinine) + b["bilirubin"] * log(max(x["bilirubin"], 1))
    return 10 * round(score + b["inr"] * log(x["inr"]))


def blatchford(e: dict) -> float:
    _, x = critical.glasgow_blatchford(e)
    limit = {"male": 13, "female": 12}[x["sex"]]
    return ours(critical.glasgow_blatchford(e)).value + (x["hemoglobin"] == limit)


def sirs(e: dict) -> float:
    parts = ours(critical.sirs(e)).parts | {"heart_rate": 1}
    return sum(parts.values()) if e["White blood cell count"][1] != "µL" else sum((parts | {"white_cells": 1}).values())


def psi(e: dict) -> float:
    """Every temperature in the misspelt unit counts as low."""
    outcome = ours(chest.psi(e))
    return outcome.value + (15 if frozen(e) and not outcome.parts["temperature"] else 0)


def gcs(e: dict) -> float:
    x = critical.gcs(e)[1]
    return x["gcs_eye"] + x["gcs_motor"] + 2 * (x["gcs_verbal"] or 4)


def apache2(e: dict) -> float:
    """Only points above normal; creatinine only in renal failure; the coma score added as it is."""
    name, x = critical.apache2(e)
    chronic = (
        {"elective surgery": 2, "emergency surgery": 5}.get(x["admission"], 0) if x["severe_chronic_disease"] else 0
    )
    parts = dict(ours((name, x | {"severe_chronic_disease": False})).parts)
    table = facts.load("instruments", "critical")["apache2"]
    normal = {"heart_rate": 70, "respiratory_rate": 12, "ph": 7.33, "sodium": 130, "potassium": 3.5, "hematocrit": 30}
    parts |= {name: 0 for name, low in normal.items() if x[name] < low}
    if not (x["acute_renal_failure"] or critical.yes(e, "Chronic Renal Failure")):
        parts["creatinine"] = 0 if x["creatinine"] >= table["creatinine"][0][0] else parts["creatinine"]
    parts |= {"white_cells": 4, "gcs": x["gcs"], "chronic_health": chronic}
    return sum((parts | ({"temperature": 4} if frozen(e) else {})).values())


def sofa(e: dict) -> float:
    """See the text in `KNOWN_ERRORS`; without support a low ratio gives 2 points, on a ventilator 4, on CPAP none."""
    name, x = critical.sofa(e)
    parts = dict(ours((name, x)).parts)
    ventilated = critical.yes(e, "On mechanical ventilation")
    parts["respiration"] = 4 if ventilated else 0 if x["respiratory_support"] else 2
    parts["circulation"] = 2 if x["dopamine"] <= 5 or x["dobutamine"] else 3
    if x["urine_output"] is not None:
        parts["kidney"] = 0 if x["creatinine"] is not None else 3 * (x["urine_output"] < 500)
    return sum(parts.values())


def caprini(e: dict) -> float:
    parts = ours(chest.caprini(e)).parts
    return sum(parts[name] for name in ("age", "surgery", "mobility"))


KNOWN_ERRORS = {
    "Child-Pugh Score for Cirrhosis Mortality": (
        "a stated grade of ascites adds nothing; bilirubin of 3 counts as above 3; `Grade 0` adds nothing",
        child_pugh,
    ),
    "Revised Cardiac Risk Index for Pre-Operative Risk": ("cerebrovascular disease adds nothing", rcri),
    "Framingham Risk Score for Hard Coronary Heart Disease": (
        "cholesterol in mmol/L enters an equation for mg/dL; the answer is a fraction rounded to 0.1, not a percentage",
        framingham,
    ),
    "MELD Na (UNOS/OPTN)": ("MELD(i) is rounded to a whole number before it is multiplied by 10", meld_na),
    "Glasgow-Blatchford Bleeding Score (GBS)": (
        "haemoglobin of exactly 13 (men) or 12 g/dL (women) counts as below it",
        blatchford,
    ),
    "SIRS Criteria": ("any heart rate counts, and any white cell count per uL counts as above 12,000", sirs),
    "PSI Score: Pneumonia Severity Index for CAP": (
        "a temperature in the misspelt `degrees celsisus` is taken for Fahrenheit and counts as low",
        psi,
    ),
    "Glasgow Coma Score (GCS)": ("the verbal response counts twice, and as 4 where it is not testable", gcs),
    "APACHE II Score": (
        "the coma score is added, not 15 less it; values below normal, creatinine without renal failure and chronic "
        "disease without surgery add nothing; white cells per uL and misspelt Celsius add 4",
        apache2,
    ),
    "Sequential Organ Failure Assessment (SOFA) Score": (
        "PaO2 is divided by the percentage of oxygen; dopamine up to 5 (0 too) or dobutamine fixes 2 points, other "
        "drugs 3; creatinine with a urine output adds nothing, a urine output below 200 adds 3",
        sofa,
    ),
    "Caprini Score for Venous Thromboembolism (2005)": ("only age, surgery and mobility add points", caprini),
}
