"""Task types of clinical diagnosis: name to generator `(rng, knowledge) -> Draft | None`."""

from medgym_core.domains.clinical_diagnosis import (
    cases_acid,
    cases_child,
    cases_diagnosis,
    cases_notes,
    cases_poisoning,
    cases_scores,
    cases_talk,
    cases_tests,
    cases_treatment,
    cases_trends,
    cases_words,
)

TYPES = {
    "diagnosis": cases_diagnosis.diagnosis,
    "referral": cases_diagnosis.referral,
    "next_test": cases_tests.next_test,
    "lab_pattern": cases_tests.lab_pattern,
    "blood_gas": cases_acid.blood_gas,
    "gas_cause": cases_acid.gas_cause,
    "score_disposition": cases_scores.disposition,
    "insufficient": cases_scores.insufficient,
    "lab_trend": cases_trends.lab_trend,
    "note_error": cases_notes.note_error,
    "safe_treatment": cases_treatment.safe_treatment,
    "child_dose": cases_child.child_dose,
    "red_flag": cases_talk.red_flag,
    "priority": cases_talk.priority,
    "overdose": cases_poisoning.overdose,
    "handover": cases_words.handover,
    "refusal": cases_words.refusal,
}
