"""Task types of the psychiatric ward: name to generator `(rng, knowledge) -> Draft | None`."""

from medgym_core.domains.psychiatry import (
    cases_agitation,
    cases_diagnosis,
    cases_drugs,
    cases_levels,
    cases_risk,
    cases_scales,
    cases_talk,
    cases_urgent,
    cases_withdrawal,
)

TYPES = {
    "diagnosis": cases_diagnosis.diagnosis,
    "confusion": cases_diagnosis.confusion,
    "toxic_syndrome": cases_urgent.toxic_syndrome,
    "eating_disorder": cases_urgent.eating_disorder,
    "history": cases_talk.history,
    "suicide_risk": cases_risk.suicide_risk,
    "hold": cases_risk.hold,
    "capacity": cases_risk.capacity,
    "agitation": cases_agitation.agitation,
    "medication_choice": cases_drugs.medication_choice,
    "lithium_level": cases_levels.lithium_level,
    "clozapine_count": cases_levels.clozapine_count,
    "withdrawal": cases_withdrawal.withdrawal,
    "scale_score": cases_scales.scale_score,
    "missing_input": cases_scales.missing_input,
    "treatment_response": cases_scales.treatment_response,
}
