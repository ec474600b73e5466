"""The tools of the triage desk, in the order an agent sees them."""

from medgym_core.domains.common import submit_answer, think
from medgym_core.domains.triage_emergency import acting, department, handover, looking, scoring, toxicology
from medgym_core.instruments.tools import chart_tool

calculate_canadian_ct_head = chart_tool("canadian_ct_head")

TOOLS = [
    looking.get_patient_presentation,
    looking.get_vital_signs,
    looking.assess_airway_breathing,
    looking.get_medical_history,
    handover.get_handover_notes,
    looking.get_ecg,
    looking.get_lab_results,
    looking.get_test_results,
    looking.check_protocol,
    scoring.calculate_news2,
    scoring.calculate_qsofa,
    scoring.calculate_sirs_criteria,
    scoring.screen_sepsis,
    scoring.calculate_gcs,
    scoring.calculate_trauma_score,
    scoring.calculate_shock_index,
    scoring.calculate_map,
    scoring.calculate_heart_score,
    scoring.calculate_esi_level,
    calculate_canadian_ct_head,
    looking.get_injury_findings,
    toxicology.check_toxicology,
    toxicology.lookup_antidote,
    toxicology.calculate_acetaminophen_line,
    department.get_ed_status,
    department.wait,
    handover.record_vital_sign,
    acting.order_stat_labs,
    acting.order_imaging,
    acting.activate_emergency_protocol,
    acting.get_bed_assignment,
    think,
    submit_answer,
]

EXAMPLES = {
    "think": [{"thought": "pulse and pressure do not fit"}],
    "wait": [{"minutes": 20}],
    "lookup_antidote": [{"toxidrome": "opioid"}, {"toxidrome": "tricyclic"}],
    "calculate_acetaminophen_line": [{"hours": 6}],
    "calculate_news2": [{"spo2_scale": 1}, {"spo2_scale": 2}],
    "check_protocol": [{"protocol": "stroke"}, {"protocol": "chest pain"}],
    "record_vital_sign": [{"name": "heart_rate", "value": 84}],
    "order_stat_labs": [{"test": "lactate"}],
    "order_imaging": [{"modality": "ct", "body_part": "head"}],
    "activate_emergency_protocol": [{"protocol": "sepsis"}],
    "get_bed_assignment": [{"acuity": 2}],
}
"""Valid arguments of tools that need some, for running every tool on many charts."""
