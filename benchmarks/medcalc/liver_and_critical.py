"""MedCalc-Bench rows as inputs of the instruments of the groups hepatic and critical.

By the bench's own convention a yes-or-no item that a row does not have counts as absent, a drug rate as zero, a grade
of ascites or encephalopathy as none. A verbal response that is not testable is missing here, where the bench counts it.
"""

from benchmarks.medcalc.heart_and_chest import OXYGEN, Inputs, age, flags, nitrogen, pressures, rates
from benchmarks.medcalc.units import quantity, sex, temperature, yes

DIALYSIS = (
    "Continuous veno-venous hemodialysis for ≥24 hours in the past week",
    "Dialysis at least twice in the past week",
)
INR = "international normalized ratio"


def bilirubin(e: dict) -> Inputs:
    return {"bilirubin": quantity(e, "Bilirubin", "bilirubin mg/dL")}


def platelets(e: dict) -> Inputs:
    return {"platelets": quantity(e, "Platelet count", "cells 10*3/uL")}


def white_cells(e: dict) -> Inputs:
    return {"white_cells": quantity(e, "White blood cell count", "cells 10*3/uL")}


def creatinine(e: dict) -> Inputs:
    return {"creatinine": quantity(e, "creatinine", "creatinine mg/dL")}


def meld_na(e: dict) -> tuple[str, Inputs]:
    found = {"inr": e[INR], "sodium": quantity(e, "Sodium", "sodium"), "dialysis": yes(e, *DIALYSIS)}
    return "meld_na", creatinine(e) | bilirubin(e) | found


def child_pugh(e: dict) -> tuple[str, Inputs]:
    grade = e.get("Encephalopathy", "none").lower()
    return "child_pugh", bilirubin(e) | {
        "albumin": quantity(e, "Albumin", "albumin g/dL"),
        "inr": e[INR],
        "ascites": e.get("Ascites", "absent").replace("absent", "none"),
        "encephalopathy": grade if grade in ("grade 1-2", "grade 3-4") else "none",
    }


def fib4(e: dict) -> tuple[str, Inputs]:
    names = {"ast": "Aspartate aminotransferase", "alt": "Alanine aminotransferase"}
    return "fib4", age(e) | platelets(e) | {name: quantity(e, entity, "U/L") for name, entity in names.items()}


def glasgow_blatchford(e: dict) -> tuple[str, Inputs]:
    names = {
        "melena": "Melena present",
        "syncope": "Recent syncope",
        "liver_disease": "Hepatic disease history",
        "heart_failure": "Cardiac failure present",
    }
    return "glasgow_blatchford", nitrogen(e) | flags(e, names) | rates(e) | {
        "hemoglobin": quantity(e, "Hemoglobin", "hemoglobin g/dL"),
        "sex": sex(e),
        "systolic_bp": quantity(e, "Systolic Blood Pressure", "mm[Hg]"),
    }


ADMISSION = {"Nonoperative": "nonoperative", "Emergency": "emergency surgery", "Elective": "elective surgery"}


def apache2(e: dict) -> tuple[str, Inputs]:
    parts = age(e) | pressures(e) | rates(e) | creatinine(e) | white_cells(e)
    return "apache2", parts | {
        "temperature": temperature(e),
        "fio2": quantity(e, "FiO₂", "%"),
        "po2": quantity(e, OXYGEN, "mm[Hg]"),
        "aa_gradient": e.get("A-a gradient"),
        "ph": e["pH"],
        "sodium": quantity(e, "Sodium", "sodium"),
        "potassium": quantity(e, "Potassium", "mmol/L"),
        "hematocrit": quantity(e, "Hematocrit", "%"),
        "gcs": e["Glasgow Coma Score"],
        "acute_renal_failure": yes(e, "Acute renal failure"),
        "severe_chronic_disease": yes(e, "History of severe organ failure or immunocompromise"),
        "admission": ADMISSION.get(e.get("Surgery Type", "").strip()),
    }


DRUGS = {
    "dopamine": "DOPamine",
    "dobutamine": "DOBUTamine",
    "epinephrine": "EPINEPHrine",
    "norepinephrine": "norEPINEPHrine",
}


def sofa(e: dict) -> tuple[str, Inputs]:
    drugs = {name: quantity(e, entity, "ug/kg/min") or 0 for name, entity in DRUGS.items()}
    return "sofa", platelets(e) | bilirubin(e) | pressures(e) | creatinine(e) | drugs | {
        "po2": quantity(e, OXYGEN, "mm[Hg]"),
        "fio2": quantity(e, "FiO₂", "%"),
        "respiratory_support": yes(e, "On mechanical ventilation", "Continous positive airway pressure"),
        "gcs": e["Glasgow Coma Score"],
        "urine_output": quantity(e, "Urine Output", "mL/d"),
    }


def sirs(e: dict) -> tuple[str, Inputs]:
    pco2 = quantity(e, "PaCO₂", "mm[Hg]")
    return "sirs", rates(e) | white_cells(e) | {"temperature": temperature(e), "pco2": pco2}


EYE = ["no eye opening", "eye opening to pain", "eye opening to verbal command", "eyes open spontaneously"]
VERBAL = ["no verbal response", "incomprehensible sounds", "inappropriate words", "confused", "oriented"]
MOTOR = [
    "no motor response",
    "extension to pain",
    "flexion to pain",
    "withdrawal from pain",
    "localizes pain",
    "obeys commands",
]


def gcs(e: dict) -> tuple[str, Inputs]:
    verbal = e["Best verbal response"]
    return "gcs", {
        "gcs_eye": EYE.index(e["Best eye response"]) + 1,
        "gcs_verbal": None if verbal == "not testable" else VERBAL.index(verbal) + 1,
        "gcs_motor": MOTOR.index(e["Best motor response"]) + 1,
    }
