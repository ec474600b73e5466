"""Task types of obstetrics: name to generator `(rng, knowledge) -> Draft | None`."""

from medgym_core.domains.obstetrics import (
    cases_bleeding,
    cases_blood,
    cases_dates,
    cases_diagnosis,
    cases_drugs,
    cases_fetal,
    cases_labor,
    cases_mother,
    cases_pressure,
    cases_scores,
    cases_talk,
)

TYPES = {
    "diagnosis": cases_diagnosis.diagnosis,
    "emergency": cases_diagnosis.emergency,
    "ctg_action": cases_fetal.ctg_action,
    "fetal_growth": cases_fetal.fetal_growth,
    "hypertension": cases_pressure.hypertension,
    "magnesium": cases_mother.magnesium,
    "glucose_screen": cases_mother.glucose_screen,
    "rh_decision": cases_blood.rh_decision,
    "anti_d_dose": cases_blood.anti_d_dose,
    "blood_loss": cases_blood.blood_loss,
    "labor_progress": cases_labor.labor_progress,
    "preterm_bundle": cases_labor.preterm_bundle,
    "dating": cases_dates.dating,
    "choose_drug": cases_drugs.choose_drug,
    "order_error": cases_drugs.order_error,
    "early_pregnancy": cases_bleeding.early_pregnancy,
    "bleeding": cases_bleeding.bleeding,
    "contraception": cases_talk.contraception,
    "medicine_stop": cases_talk.medicine_stop,
    "score": cases_scores.score,
    "missing_input": cases_scores.missing_input,
}
