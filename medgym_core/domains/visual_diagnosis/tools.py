"""The tools of visual diagnosis, in the order an agent sees them."""

from medgym_core.domains.common import submit_answer, think
from medgym_core.domains.visual_diagnosis import acting, comparing, deciding, looking, measuring

TOOLS = [
    looking.list_images,
    looking.get_patient_context,
    looking.get_image_report,
    looking.get_examination_notes,
    looking.get_lab_results,
    looking.assess_image_quality,
    looking.calculate_image_metrics,
    measuring.analyze_medical_image,
    measuring.crop_region,
    measuring.measure_lesion,
    measuring.measure_asymmetry,
    measuring.measure_border,
    measuring.measure_colors,
    measuring.count_objects,
    measuring.measure_cup_disc_ratio,
    measuring.measure_ecg,
    measuring.identify_eye,
    comparing.compare_with_prior,
    comparing.track_lesion_changes,
    comparing.compare_eyes,
    comparing.search_similar_cases,
    deciding.classify_finding,
    deciding.score_weighted_checklist,
    deciding.grade_prostate_cancer,
    deciding.stage_melanoma,
    deciding.get_differential_visual,
    deciding.get_diagnostic_criteria,
    deciding.get_referral_urgency,
    deciding.search_imaging_knowledge,
    acting.annotate_regions,
    acting.order_test,
    acting.get_test_results,
    acting.request_repeat_image,
    acting.refer_patient,
    think,
    acting.record_visual_diagnosis,
    submit_answer,
]

EXAMPLES = {
    "crop_region": [{"region": "20,20,60,60"}],
    "classify_finding": [{"classification_system": "pattern"}, {"classification_system": "abcd rule"}],
    "score_weighted_checklist": [
        {"change_in_size": True, "inflammation": False, "oozing": False, "change_in_sensation": True}
    ],
    "grade_prostate_cancer": [{"first_pattern": 3, "second_pattern": 4}],
    "stage_melanoma": [{"breslow_mm": 1.4}],
    "get_diagnostic_criteria": [{"name": "melanoma"}, {"name": "icdr"}],
    "get_referral_urgency": [{"diagnosis": "melanoma"}],
    "search_imaging_knowledge": [{"query": "total dermatoscopy score", "modality": "dermoscopy"}],
    "annotate_regions": [{"regions": "10,10,40,40; 50,20,70,40"}],
    "order_test": [{"test": "excision biopsy"}],
    "request_repeat_image": [{"reason": "blurred"}],
    "refer_patient": [{"urgency": "two weeks", "diagnosis": "melanoma"}],
    "record_visual_diagnosis": [{"diagnosis": "naevus"}],
    "think": [{"thought": "check the colours"}],
}
"""Valid arguments of tools that need some, for running every tool on many charts."""
