"""Task types of the inpatient record: name to generator `(rng, knowledge) -> Draft | None`."""

from medgym_core.domains.ehr_management import (
    cases_drugs,
    cases_notes,
    cases_orders,
    cases_quality,
    cases_results,
    cases_stay,
)

TYPES = {
    "lab_trend": cases_results.lab_trend,
    "vital_alert": cases_results.vital_alert,
    "kidney_injury": cases_results.kidney_injury_stage,
    "repeat_test": cases_results.repeat_test,
    "result_priority": cases_results.result_priority,
    "harmful_order": cases_orders.harmful_order,
    "reconciliation": cases_orders.reconciliation,
    "duplicate_order": cases_orders.duplicate_order,
    "allergy_order": cases_drugs.allergy_order,
    "deescalation": cases_drugs.deescalation,
    "home_medicines": cases_drugs.home_medicines,
    "code_status": cases_stay.code_status,
    "readmission_risk": cases_stay.readmission_risk,
    "discharge_readiness": cases_stay.discharge_readiness,
    "pending_result": cases_quality.pending_result,
    "handoff": cases_stay.handoff,
    "quality_gap": cases_quality.quality_gap,
    "sepsis_bundle": cases_quality.sepsis_bundle,
    "principal_code": cases_notes.principal_code,
    "note_contradiction": cases_notes.note_contradiction,
}
