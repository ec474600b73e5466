"""The adapters of the groups cardiac, chest, hepatic and critical, by the bench's name of the calculator."""

from benchmarks.medcalc import heart_and_chest as chest
from benchmarks.medcalc import liver_and_critical as critical
from benchmarks.medcalc.errors_a import KNOWN_ERRORS

__all__ = ["ADAPTERS", "KNOWN_ERRORS"]

ADAPTERS = {
    "CHA2DS2-VASc Score for Atrial Fibrillation Stroke Risk": chest.cha2ds2_vasc,
    "HAS-BLED Score for Major Bleeding Risk": chest.has_bled,
    "HEART Score for Major Cardiac Events": chest.heart,
    "Revised Cardiac Risk Index for Pre-Operative Risk": chest.rcri,
    "Framingham Risk Score for Hard Coronary Heart Disease": chest.framingham,
    "QTc Bazett Calculator": chest.qtc("qtc_bazett"),
    "QTc Fridericia Calculator": chest.qtc("qtc_fridericia"),
    "QTc Framingham Calculator": chest.qtc("qtc_framingham"),
    "QTc Hodges Calculator": chest.qtc("qtc_hodges"),
    "QTc Rautaharju Calculator": chest.qtc("qtc_rautaharju"),
    "Mean Arterial Pressure (MAP)": lambda e: ("mean_arterial_pressure", chest.pressures(e)),
    "CURB-65 Score for Pneumonia Severity": chest.curb65,
    "PSI Score: Pneumonia Severity Index for CAP": chest.psi,
    "Wells' Criteria for Pulmonary Embolism": chest.wells_pe,
    "Wells' Criteria for DVT": chest.wells_dvt,
    "PERC Rule for Pulmonary Embolism": chest.perc,
    "Caprini Score for Venous Thromboembolism (2005)": chest.caprini,
    "Centor Score (Modified/McIsaac) for Strep Pharyngitis": chest.centor,
    "FeverPAIN Score for Strep Pharyngitis": chest.feverpain,
    "MELD Na (UNOS/OPTN)": critical.meld_na,
    "Child-Pugh Score for Cirrhosis Mortality": critical.child_pugh,
    "Fibrosis-4 (FIB-4) Index for Liver Fibrosis": critical.fib4,
    "Glasgow-Blatchford Bleeding Score (GBS)": critical.glasgow_blatchford,
    "APACHE II Score": critical.apache2,
    "Sequential Organ Failure Assessment (SOFA) Score": critical.sofa,
    "SIRS Criteria": critical.sirs,
    "Glasgow Coma Score (GCS)": critical.gcs,
}
