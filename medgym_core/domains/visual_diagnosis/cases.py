"""Task types of visual diagnosis: name to generator `(rng, knowledge) -> Draft | None`."""

from medgym_core.domains.visual_diagnosis import (
    cases_any,
    cases_eye,
    cases_heart,
    cases_lab,
    cases_missing,
    cases_skin,
    cases_text,
)

TYPES = {
    "skin_pattern": cases_skin.skin_pattern,
    "dermoscopy_score": cases_skin.dermoscopy_score,
    "mole_history": cases_skin.mole_history,
    "biopsy_stage": cases_skin.biopsy_stage,
    "retinopathy_grade": cases_eye.retinopathy_grade,
    "macular_grade": cases_eye.macular_grade,
    "which_eye": cases_eye.which_eye,
    "laterality": cases_eye.laterality,
    "smear_diagnosis": cases_lab.smear_diagnosis,
    "smear_percent": cases_lab.smear_percent,
    "cervical_grade": cases_lab.cervical_grade,
    "prostate_grade": cases_lab.prostate_grade,
    "breast_score": cases_lab.breast_score,
    "ecg_rhythm": cases_heart.ecg_rhythm,
    "stemi_territory": cases_heart.stemi_territory,
    "measurement": cases_any.measurement,
    "growth": cases_any.growth,
    "report_check": cases_any.report_check,
    "urgent_referral": cases_any.urgent_referral,
    "insufficient": cases_missing.insufficient,
    "referral_letter": cases_text.referral_letter,
    "course_line": cases_text.course_line,
}
