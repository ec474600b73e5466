"""Task types of medical question answering: name to generator `(rng, knowledge) -> Draft | None`."""

from medgym_core.domains.medical_qa import (
    cases_dose,
    cases_patient,
    cases_scores,
    cases_search,
    cases_tables,
    cases_text,
)

TYPES = {
    "multiple_choice": cases_search.multiple_choice,
    "short_answer": cases_search.short_answer,
    "reverse_lookup": cases_search.reverse_lookup,
    "cited_answer": cases_search.cited_answer,
    "passage_detail": cases_search.passage_detail,
    "reference_range": cases_tables.reference_range,
    "diagnostic_threshold": cases_tables.diagnostic_threshold,
    "treatment_comparison": cases_tables.treatment_comparison,
    "clinical_pattern": cases_tables.clinical_pattern,
    "drug_suitability": cases_patient.drug_suitability,
    "safe_choice": cases_patient.safe_choice,
    "lab_interpretation": cases_patient.lab_interpretation,
    "score_value": cases_scores.score_value,
    "score_missing": cases_scores.score_missing,
    "guideline_answer": cases_scores.guideline_answer,
    "dose_check": cases_dose.dose_check,
    "cited_statement": cases_text.cited_statement,
    "prescribing_note": cases_text.prescribing_note,
}
