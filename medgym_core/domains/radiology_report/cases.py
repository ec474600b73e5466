"""Task types of radiology: name to generator `(rng, knowledge) -> Draft | None`."""

from medgym_core.domains.radiology_report import (
    cases_acting,
    cases_before,
    cases_classes,
    cases_course,
    cases_reading,
    cases_stacks,
)

TYPES = {
    "finding": cases_reading.finding,
    "measurement": cases_reading.measurement,
    "structured_report": cases_reading.structured_report,
    "report_check": cases_reading.report_check,
    "classification": cases_classes.classification,
    "calcium_score": cases_stacks.calcium_score,
    "haematoma_volume": cases_stacks.haematoma_volume,
    "surgical_criterion": cases_stacks.surgical_criterion,
    "mirels_score": cases_classes.mirels_score,
    "nodule_follow_up": cases_course.nodule_follow_up,
    "growth_class": cases_course.growth_class,
    "doubling_time": cases_course.doubling_time,
    "prior_report": cases_course.prior_report,
    "critical_alert": cases_acting.critical_alert,
    "worklist": cases_acting.worklist,
    "study_mismatch": cases_acting.study_mismatch,
    "insufficient": cases_acting.insufficient,
    "contrast_safety": cases_before.contrast_safety,
    "contrast_creatinine": cases_before.contrast_creatinine,
    "before_imaging": cases_before.before_imaging,
    "appropriateness": cases_before.appropriateness,
    "effective_dose": cases_before.effective_dose,
}
