"""MedCalc-Bench rows as inputs of the instruments of the groups renal, metabolic, obstetric and ward.

Conventions of the bench: an entity that is missing counts as absent (comorbidities); the weight of Cockcroft-Gault
follows the body-mass index; conception is 14 days after the last menstrual period whatever the cycle.
"""

from collections.abc import Callable

from benchmarks.medcalc.errors_b import KNOWN_ERRORS
from benchmarks.medcalc.units import iso, quantity, sex, yes

__all__ = ["ADAPTERS", "KNOWN_ERRORS"]

Inputs = dict[str, object]
Adapter = Callable[[dict], tuple[str, Inputs]]


def body(e: dict) -> Inputs:
    return {"weight_kg": quantity(e, "weight", "kg"), "height_cm": quantity(e, "height", "cm")}


def kidney(e: dict) -> Inputs:
    creatinine = quantity(e, "creatinine", "creatinine mg/dL")
    return {"age": quantity(e, "age", "a"), "sex": sex(e), "creatinine": creatinine}


def ions(e: dict) -> Inputs:
    found = {name.lower(): quantity(e, name, "mmol/L") for name in ("Chloride", "Bicarbonate")}
    return found | {"sodium": quantity(e, "Sodium", "sodium")}


def ions_and_albumin(e: dict) -> Inputs:
    return ions(e) | {"albumin": quantity(e, "Albumin", "albumin g/dL")}


def solutes(e: dict) -> Inputs:
    return {"sodium": quantity(e, "Sodium", "sodium"), "glucose": quantity(e, "Glucose", "glucose mg/dL")}


def mdrd(e: dict) -> tuple[str, Inputs]:
    return "mdrd", kidney(e) | {"black": e.get("Race") == "Black"}


def fena(e: dict) -> tuple[str, Inputs]:
    return "fena", {
        "sodium": quantity(e, "Sodium", "sodium"),
        "creatinine": quantity(e, "creatinine", "creatinine mg/dL"),
        "urine_sodium": quantity(e, "Urine sodium", "sodium"),
        "urine_creatinine": quantity(e, "Urine creatinine", "creatinine mg/dL"),
    }


def calcium(e: dict) -> tuple[str, Inputs]:
    return "corrected_calcium", {
        "calcium": quantity(e, "Calcium", "calcium mg/dL"),
        "albumin": quantity(e, "Albumin", "albumin g/dL"),
    }


def osmolality(e: dict) -> tuple[str, Inputs]:
    nitrogen = quantity(e, "Blood Urea Nitrogen (BUN)", "urea nitrogen mg/dL")
    return "osmolality", solutes(e) | {"urea_nitrogen": nitrogen}


def free_water(e: dict) -> tuple[str, Inputs]:
    return "free_water_deficit", {
        "age": quantity(e, "age", "a"),
        "sex": sex(e),
        "weight_kg": quantity(e, "weight", "kg"),
        "sodium": quantity(e, "Sodium", "sodium"),
    }


def ldl(e: dict) -> tuple[str, Inputs]:
    return "ldl_friedewald", {
        "total_cholesterol": quantity(e, "Total cholesterol", "cholesterol mg/dL"),
        "hdl": quantity(e, "high-density lipoprotein cholesterol", "cholesterol mg/dL"),
        "triglycerides": quantity(e, "Triglycerides", "triglycerides mg/dL"),
    }


def homa(e: dict) -> tuple[str, Inputs]:
    insulin = quantity(e, "Insulin", "insulin")
    return "homa_ir", {"glucose": quantity(e, "Glucose", "glucose mg/dL"), "insulin": insulin}


def target(e: dict) -> tuple[str, Inputs]:
    wanted = e["Body Mass Index (BMI)"][0]
    return "target_weight", {"target_bmi": wanted, "height_cm": quantity(e, "height", "cm")}


OPIOIDS = {"fentanyl patch": "fentanyl_patch", "fentanyl buccal": "fentanyl_buccal"}
"""The bench's drug name in lower case to the input, where they differ."""


def opioids(e: dict) -> tuple[str, Inputs]:
    """Dose times doses a day; patch strengths are in ug/h although the rows say mg."""
    found: Inputs = {}
    for key, (dose, _) in e.items():
        if key.endswith(" Dose"):
            drug = key.removesuffix(" Dose").lower()
            found[OPIOIDS.get(drug, drug)] = dose * e[f"{key} Per Day"][0]
    return "morphine_equivalents", found


def steroids(e: dict) -> tuple[str, Inputs]:
    """The route (PO, IV) does not change the equivalent dose."""
    given, dose, _ = e["input steroid"]
    first, second = (name.rsplit(" ", 1)[0].lower() for name in (given, e["target steroid"]))
    return "steroid_conversion", {"from_steroid": first, "dose": dose, "to_steroid": second}


def period(e: dict) -> Inputs:
    return {"last_menstrual_period": iso(e["Last menstrual date"])}


def due_date(e: dict) -> tuple[str, Inputs]:
    return "naegele_due_date", period(e) | {"cycle_days": e["cycle length"]}


def gestation(e: dict) -> tuple[str, Inputs]:
    return "gestational_age", period(e) | {"on_date": iso(e["Current Date"])}


COMORBIDITIES = {
    "myocardial_infarction": ["Myocardial infarction"],
    "heart_failure": ["Congestive Heart Faliure"],
    "peripheral_vascular_disease": ["Peripheral vascular disease"],
    "cerebrovascular_disease": ["Cerebrovascular Accident", "Transient Ischemic Attacks History"],
    "dementia": ["Dementia"],
    "copd": ["Chronic Obstructive Pulmonary Disease"],
    "connective_tissue_disease": ["Connective tissue disease"],
    "peptic_ulcer": ["Peptic ulcer disease"],
    "hemiplegia": ["Hemiplegia"],
    "leukemia": ["Leukemia"],
    "lymphoma": ["Lymphoma"],
    "aids": ["AIDS"],
}


def charlson(e: dict) -> tuple[str, Inputs]:
    found: Inputs = {name: yes(e, *keys) for name, keys in COMORBIDITIES.items()}
    kidney_disease = e.get("Moderate to severe Chronic Kidney Disease")
    tumor = e.get("Solid tumor")
    sugar = str(e.get("Diabetes mellitus criteria for CCI rule", "none")).lower()
    liver = str(e.get("Liver disease severity", "none")).lower()
    found["age"] = quantity(e, "age", "a")
    found["chronic_kidney_disease"] = kidney_disease is True or kidney_disease == "Severe"
    found["solid_tumor"] = tumor.lower() if isinstance(tumor, str) else "localized" if tumor else "none"
    found["diabetes"] = "none" if sugar.startswith("none") else sugar
    found["liver_disease"] = "moderate or severe" if "severe" in liver else liver
    return "charlson", found


ADAPTERS: dict[str, Adapter] = {
    "Creatinine Clearance (Cockcroft-Gault Equation)": lambda e: (
        "cockcroft_gault",
        kidney(e) | body(e) | {"weight_choice": "by bmi"},
    ),
    "CKD-EPI Equations for Glomerular Filtration Rate": lambda e: ("ckd_epi_2021", kidney(e)),
    "MDRD GFR Equation": mdrd,
    "Fractional Excretion of Sodium (FENa)": fena,
    "Anion Gap": lambda e: ("anion_gap", ions(e)),
    "Albumin Corrected Anion Gap": lambda e: ("anion_gap_corrected", ions_and_albumin(e)),
    "Delta Gap": lambda e: ("delta_gap", ions(e)),
    "Albumin Corrected Delta Gap": lambda e: ("delta_gap_corrected", ions_and_albumin(e)),
    "Delta Ratio": lambda e: ("delta_ratio", ions(e)),
    "Albumin Corrected Delta Ratio": lambda e: ("delta_ratio_corrected", ions_and_albumin(e)),
    "Calcium Correction for Hypoalbuminemia": calcium,
    "Sodium Correction for Hyperglycemia": lambda e: ("corrected_sodium", solutes(e)),
    "Serum Osmolality": osmolality,
    "Free Water Deficit": free_water,
    "Maintenance Fluids Calculations": lambda e: ("maintenance_fluids", {"weight_kg": quantity(e, "weight", "kg")}),
    "Body Mass Index (BMI)": lambda e: ("bmi", body(e)),
    "Body Surface Area Calculator": lambda e: ("bsa", body(e)),
    "Ideal Body Weight": lambda e: ("ideal_body_weight", {"sex": sex(e), "height_cm": body(e)["height_cm"]}),
    "Adjusted Body Weight": lambda e: ("adjusted_body_weight", {"sex": sex(e)} | body(e)),
    "Target weight": target,
    "LDL Calculated": ldl,
    "HOMA-IR (Homeostatic Model Assessment for Insulin Resistance)": homa,
    "Morphine Milligram Equivalents (MME) Calculator": opioids,
    "Steroid Conversion Calculator": steroids,
    "Charlson Comorbidity Index (CCI)": charlson,
    "Estimated Due Date": due_date,
    "Estimated of Conception": lambda e: ("conception_date", period(e)),
    "Estimated Gestational Age": gestation,
}
