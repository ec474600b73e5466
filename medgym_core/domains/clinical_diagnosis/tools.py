"""The tools of clinical diagnosis, in the order an agent sees them."""

from medgym_core.domains.clinical_diagnosis import acting, looking, ordering, reference, scoring
from medgym_core.domains.common import submit_answer, think
from medgym_core.domains.drug_interaction.lookup import check_interaction
from medgym_core.tools import World, tool


@tool("read", static=True)
def check_drug_interaction(world: World, drug_a: str, drug_b: str) -> dict:
    """Severity, mechanism and management of the interaction of two drugs; an unknown pair is not in the database.

    Args:
        drug_a: One drug.
        drug_b: The other drug.
    """
    return check_interaction(world, drug_a=drug_a, drug_b=drug_b)


TOOLS = [
    looking.get_patient_info, looking.get_patient_history, looking.get_vital_signs, looking.get_vital_signs_trend,
    looking.get_lab_results, looking.get_lab_trend, looking.get_medications, looking.get_allergy_list,
    looking.get_clinical_notes, looking.get_immunization_history, looking.get_family_history,
    looking.get_social_history, looking.perform_physical_exam,
    ordering.order_lab_test, ordering.order_imaging, ordering.get_imaging_results, ordering.order_ecg,
    ordering.get_ecg, ordering.order_procedure, ordering.get_procedure_report, ordering.wait,
    reference.get_differential_diagnosis, reference.compare_diagnoses, reference.lookup_condition,
    reference.lookup_test, reference.search_clinical_guidelines, reference.get_guideline,
    reference.search_medical_literature, reference.list_specialties,
    scoring.interpret_lab, scoring.interpret_abg, scoring.calculate_anion_gap, scoring.calculate_osmolar_gap,
    scoring.calculate_corrected_calcium, scoring.calculate_corrected_sodium, scoring.calculate_ckd_epi,
    scoring.calculate_creatinine_clearance, scoring.check_kdigo_aki, scoring.calculate_curb65, scoring.calculate_psi,
    scoring.calculate_wells_score, scoring.calculate_heart_score, scoring.calculate_chads2_vasc,
    scoring.calculate_has_bled, scoring.calculate_meld_score, scoring.calculate_child_pugh,
    scoring.calculate_glasgow_blatchford, scoring.calculate_bisap, scoring.calculate_apache2, scoring.calculate_bmi,
    scoring.calculate_maintenance_fluids, scoring.calculate_weight_based_dose, scoring.check_acetaminophen_nomogram,
    check_drug_interaction, acting.check_contraindications, acting.prescribe_medication, acting.stop_medication,
    acting.record_diagnosis, acting.add_clinical_note, acting.transfer_to_specialist, think, submit_answer,
]  # fmt: skip

EXAMPLES = {
    "get_vital_signs_trend": [{"num_readings": 5}, {}],
    "get_lab_results": [{}, {"category": "chemistry"}, {"category": "troponin"}],
    "get_lab_trend": [{"test": "creatinine"}, {"test": "sodium"}],
    "get_clinical_notes": [{}, {"note_type": "nursing"}],
    "perform_physical_exam": [{"region": "chest"}, {"region": "abdomen"}],
    "order_lab_test": [{"test_name": "troponin", "priority": "stat"}],
    "order_imaging": [{"study": "chest x-ray"}],
    "get_imaging_results": [{}, {"study": "ct head"}],
    "order_procedure": [{"procedure": "lumbar puncture", "priority": "stat"}],
    "get_procedure_report": [{}, {"procedure": "endoscopy"}],
    "wait": [{"minutes": 60}],
    "get_differential_diagnosis": [{"symptoms": "fever, abdominal pain, vomiting"}, {"symptoms": "headache, fever"}],
    "compare_diagnoses": [{"condition_a": "pulmonary embolism", "condition_b": "pneumonia"}],
    "lookup_condition": [{"condition": "pulmonary embolism"}],
    "lookup_test": [{"test": "troponin"}],
    "search_clinical_guidelines": [{"condition": "pulmonary embolism"}],
    "get_guideline": [{"guideline": "Pulmonary embolism", "recommendation": 1}],
    "search_medical_literature": [{"query": "first-line treatment of anaphylaxis"}],
    "list_specialties": [{}],
    "interpret_lab": [{"test": "creatinine"}, {"test": "sodium"}],
    "calculate_wells_score": [{"indication": "pe"}, {"indication": "dvt"}],
    "calculate_weight_based_dose": [
        {"drug": "ibuprofen"}, {"drug": "amoxicillin"}, {"drug": "lorazepam", "indication": "status epilepticus"},
    ],
    "check_acetaminophen_nomogram": [{"hours": 6}],
    "check_drug_interaction": [{"drug_a": "simvastatin", "drug_b": "clarithromycin"}],
    "check_contraindications": [{"drug_name": "amoxicillin"}, {"drug_name": "naproxen"}],
    "prescribe_medication": [{"drug_name": "azithromycin", "dosage": "500 mg", "frequency": "once daily"}],
    "stop_medication": [{"drug_name": d} for d in ("omeprazole", "levothyroxine", "sertraline", "allopurinol")],
    "record_diagnosis": [{"diagnosis": "pulmonary embolism", "icd10_code": "I26.99"}],
    "add_clinical_note": [{"note_type": "progress", "content": "stable", "diagnosis_codes": "I26.99"}],
    "transfer_to_specialist": [{"summary": "chest pain with ST elevation", "specialty": "cardiology"}],
    "think": [{"thought": "pulse and oxygen do not fit"}],
}  # fmt: skip
"""Valid arguments of the tools that need some, for running every tool on many charts."""
