"""MedCalc-Bench rows as inputs of the instruments of the groups cardiac and chest.

A yes-or-no item that a row does not have counts as absent, by the bench's own convention.
"""

from collections.abc import Callable

from benchmarks.medcalc.units import quantity, sex, temperature, yes

Inputs = dict[str, object]
Adapter = Callable[[dict], tuple[str, Inputs]]
PULSE = "Heart Rate or Pulse"
THROMBOSIS = "Previously documented Deep Vein Thrombosis"
EMBOLISM = "Previously Documented Pulmonary Embolism"
OXYGEN = "Partial pressure of oxygen (PaO₂) for Apache II"


def flags(e: dict, names: dict[str, str]) -> Inputs:
    """Yes-or-no inputs from entities of other names."""
    return {name: yes(e, entity) for name, entity in names.items()}


def pressures(e: dict) -> Inputs:
    names = {"systolic_bp": "Systolic Blood Pressure", "diastolic_bp": "Diastolic Blood Pressure"}
    return {name: quantity(e, entity, "mm[Hg]") for name, entity in names.items()}


def rates(e: dict) -> Inputs:
    """Heart rate, and respiratory rate where the row has one."""
    found = {"heart_rate": quantity(e, PULSE, "/min"), "respiratory_rate": quantity(e, "respiratory rate", "/min")}
    return {name: value for name, value in found.items() if value is not None}


def age(e: dict) -> Inputs:
    return {"age": quantity(e, "age", "a")}


def cha2ds2_vasc(e: dict) -> tuple[str, Inputs]:
    names = {
        "heart_failure": "Congestive Heart Faliure",
        "hypertension": "Hypertension history",
        "diabetes": "Diabetes history",
        "vascular_disease": "Vascular disease history",
    }
    stroke = yes(e, "Stroke", "Transient Ischemic Attacks History", "Thromboembolism history")
    return "cha2ds2_vasc", age(e) | flags(e, names) | {"sex": sex(e), "stroke": stroke}


def has_bled(e: dict) -> tuple[str, Inputs]:
    names = {
        "uncontrolled_hypertension": "Hypertension history",
        "renal_disease": "Renal disease criteria for the HAS-BLED rule",
        "liver_disease": "Liver disease criteria for the HAS-BLED rule",
        "stroke": "Stroke",
        "bleeding_history": "Prior major bleeding or predisposition to bleeding",
        "labile_inr": "Labile international normalized ratio",
        "bleeding_drugs": "Medication usage predisposing to bleeding",
    }
    return "has_bled", age(e) | flags(e, names) | {"alcohol_drinks": e["Number of Alcoholic Drinks Per Week"]}


TROPONIN = {"less": 1, "betw": 2, "grea": 4}
"""First letters of the bench's class to a multiple of the limit within it."""
ECG = {"Non-": "nonspecific repolarisation disturbance", "Norm": "normal", "Sign": "significant st depression"}


def heart(e: dict) -> tuple[str, Inputs]:
    names = {
        "hypertension": "Hypertension history",
        "hypercholesterolemia": "hypercholesterolemia",
        "diabetes": "Diabetes mellitus criteria for CCI rule",
        "smoking": "smoking",
        "family_history": "parent or sibling with Cardiovascular disease before age 65",
        "obesity": "obesity",
    }
    return "heart", age(e) | flags(e, names) | {
        "history": e["Suspicion History"].lower(),
        "ecg": ECG[e["Electrocardiogram Test"][:4]],
        "atherosclerotic_disease": yes(e, "atherosclerotic disease", "Transient Ischemic Attacks History"),
        "troponin": TROPONIN[e["Initial troponin"][:4]],
        "troponin_limit": 1,
    }


def rcri(e: dict) -> tuple[str, Inputs]:
    names = {
        "high_risk_surgery": "Elevated-risk surgery",
        "ischemic_heart_disease": "History of ischemic heart disease",
        "heart_failure": "Congestive Heart Failure criteria for the Cardiac Risk Index rule",
        "insulin_treatment": "Pre-operative treatment with insulin",
    }
    stroke = yes(e, "History of cerebrovascular disease", "Cerebrovascular disease history")
    creatinine = quantity(e, "Pre-operative creatinine", "creatinine mg/dL")
    return "rcri", flags(e, names) | {"cerebrovascular_disease": stroke, "creatinine": creatinine}


def framingham(e: dict) -> tuple[str, Inputs]:
    return "framingham_chd", age(e) | {
        "sex": sex(e),
        "total_cholesterol": quantity(e, "Total cholesterol", "cholesterol mg/dL"),
        "hdl": quantity(e, "high-density lipoprotein cholesterol", "cholesterol mg/dL"),
        "systolic_bp": quantity(e, "Systolic Blood Pressure", "mm[Hg]"),
        "treated_hypertension": yes(e, "Blood pressure being treated with medicines"),
        "smoking": yes(e, "Smoker"),
    }


def qtc(name: str) -> Adapter:
    return lambda e: (name, rates(e) | {"qt_interval": quantity(e, "QT interval", "ms")})


def nitrogen(e: dict) -> Inputs:
    return {"urea_nitrogen": quantity(e, "Blood Urea Nitrogen (BUN)", "urea nitrogen mg/dL")}


def curb65(e: dict) -> tuple[str, Inputs]:
    breathing = {"respiratory_rate": quantity(e, "respiratory rate", "/min")}
    return "curb65", age(e) | nitrogen(e) | pressures(e) | breathing | {"confusion": yes(e, "Confusion")}


def psi(e: dict) -> tuple[str, Inputs]:
    names = {
        "nursing_home": "Nursing home resident",
        "neoplastic_disease": "Neoplastic disease",
        "liver_disease": "Liver disease severity",
        "heart_failure": "Congestive Heart Faliure",
        "cerebrovascular_disease": "Cerebrovascular disease history",
        "renal_disease": "Renal disease",
        "altered_mental_status": "Altered mental status",
        "pleural_effusion": "Pleural effusion on x-ray",
    }
    return "psi", age(e) | flags(e, names) | rates(e) | nitrogen(e) | {
        "sex": sex(e),
        "systolic_bp": quantity(e, "Systolic Blood Pressure", "mm[Hg]"),
        "temperature": temperature(e),
        "ph": e["pH"],
        "sodium": quantity(e, "Sodium", "sodium"),
        "glucose": quantity(e, "Glucose", "glucose mg/dL"),
        "hematocrit": quantity(e, "Hematocrit", "%"),
        "po2": quantity(e, OXYGEN, "mm[Hg]"),
    }


def wells_pe(e: dict) -> tuple[str, Inputs]:
    names = {
        "dvt_signs": "Clinical signs and symptoms of Deep Vein Thrombosis",
        "pe_most_likely": "Pulmonary Embolism is #1 diagnosis OR equally likely",
        "hemoptysis": "Hemoptysis",
        "malignancy": "Malignancy with treatment within 6 months or palliative",
    }
    return "wells_pe", flags(e, names) | rates(e) | {
        "immobilization_or_surgery": yes(e, "Immobilization for at least 3 days", "Surgery in the previous 4 weeks"),
        "previous_vte": yes(e, EMBOLISM, THROMBOSIS),
    }


def wells_dvt(e: dict) -> tuple[str, Inputs]:
    names = {
        "active_cancer": "Active cancer",
        "paralysis_or_cast": "Paralysis, paresis, or recent plaster immobilization of the lower extremity",
        "deep_vein_tenderness": "Localized tenderness along the deep venous system",
        "entire_leg_swollen": "Entire Leg Swollen",
        "calf_swelling": "Calf swelling >3 centimeters compared to the other leg",
        "pitting_edema": "Pitting edema, confined to symptomatic leg",
        "collateral_veins": "Collateral (nonvaricose) superficial veins present",
        "previous_dvt": THROMBOSIS,
        "alternative_diagnosis": "Alternative diagnosis to Deep Vein Thrombosis as likely or more likely",
    }
    rest = "Bedridden recently >3 days or major surgery within 12 weeks"
    return "wells_dvt", flags(e, names) | {"bedridden_or_surgery": yes(e, rest, "Major surgery within 12 weeks")}


def perc(e: dict) -> tuple[str, Inputs]:
    names = {
        "leg_swelling": "Unilateral Leg Swelling",
        "hemoptysis": "Hemoptysis",
        "recent_surgery_or_trauma": "Recent surgery or trauma",
        "hormone_use": "Hormone use",
    }
    return "perc", age(e) | flags(e, names) | rates(e) | {
        "spo2": quantity(e, "O₂ saturation percentage", "%"),
        "previous_vte": yes(e, EMBOLISM, THROMBOSIS),
    }


def centor(e: dict) -> tuple[str, Inputs]:
    nodes, exudate = "Tender/swollen anterior cervical lymph nodes", "Exudate or swelling on tonsils"
    names = {"tender_anterior_nodes": nodes, "tonsillar_exudate": exudate}
    found = {"temperature": temperature(e), "cough": not yes(e, "Cough Absent")}
    return "centor", age(e) | flags(e, names) | found


def feverpain(e: dict) -> tuple[str, Inputs]:
    names = {
        "recent_fever": "Fever in past 24 hours",
        "purulent_tonsils": "Purulent tonsils",
        "rapid_attendance": "Symptom onset ≤3 days",
        "inflamed_tonsils": "Severe tonsil inflammation",
    }
    return "feverpain", flags(e, names) | {"cough_or_coryza": not yes(e, "Absence of cough or coryza")}


RECENT = " in the last month"
CAPRINI = {
    "recent_major_surgery": "Major Surgery" + RECENT,
    "recent_heart_failure": "Congestive Heart Failure" + RECENT,
    "recent_sepsis": "Sepsis" + RECENT,
    "recent_pneumonia": "Pneumonia" + RECENT,
    "recent_cast": "Immobilizing plaster cast" + RECENT,
    "recent_leg_fracture": "Hip, pelvis, or leg fracture" + RECENT,
    "recent_stroke": "Stroke" + RECENT,
    "recent_multiple_trauma": "Multiple trauma" + RECENT,
    "recent_spinal_cord_injury": "Acute spinal cord injury causing paralysis" + RECENT,
    "copd": "Chronic Obstructive Pulmonary Disease",
    "acute_myocardial_infarction": "Acute Myocardial infarction",
    "inflammatory_bowel_disease": "History of inflammatory bowel disease",
    "varicose_veins": "Varicose veins",
    "swollen_legs": "Current swollen legs",
    "malignancy": "Present or previous malignancy",
    "central_venous_access": "Current central venous access",
    "family_history_vte": "Family history of thrombosis",
    "factor_v_leiden": "Positive Factor V Leiden",
    "prothrombin_20210a": "Positive prothrombin 20210A",
    "homocysteine_raised": "Elevated serum homocysteine",
    "lupus_anticoagulant": "Positive lupus anticoagulant",
    "anticardiolipin": "Elevated anticardiolipin antibody",
    "heparin_thrombocytopenia": "Heparin-induced thrombocytopenia",
    "other_thrombophilia": "Other congenital or acquired thrombophilia",
}
MOBILITY = {"normal": "normal", "on bed rest": "bed rest", "confined to bed >72 hours": "bed over 72 h"}


def caprini(e: dict) -> tuple[str, Inputs]:
    """Pregnancy, hormones and pregnancy loss are not in the bench: absent."""
    women = {"pregnant_or_postpartum": False, "hormone_use": False, "pregnancy_loss": False}
    surgery = e.get("Surgery Type", "none")
    return "caprini", age(e) | flags(e, CAPRINI) | women | {
        "sex": sex(e),
        "bmi": quantity(e, "Body Mass Index (BMI)", "kg/m2"),
        "surgery": "elective arthroplasty" if surgery.startswith("elective") else surgery,
        "mobility": MOBILITY[e["Mobility"]],
        "previous_vte": yes(e, EMBOLISM, THROMBOSIS),
    }
