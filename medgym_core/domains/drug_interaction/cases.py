"""The task types of the domain."""

from medgym_core.domains import Generator
from medgym_core.domains.drug_interaction.allergy_cases import allergy_conflict, prescribe_or_refuse
from medgym_core.domains.drug_interaction.dose_cases import (
    creatinine_clearance,
    drug_level,
    renal_dose,
)
from medgym_core.domains.drug_interaction.interaction_cases import (
    culprit,
    interacting_pair,
    stop_interacting,
    worst_severity,
)
from medgym_core.domains.drug_interaction.list_cases import (
    anticholinergic_burden,
    beers_screen,
    qt_risk,
)
from medgym_core.domains.drug_interaction.mother_cases import lactation_safety, pregnancy_safety
from medgym_core.domains.drug_interaction.note_cases import order_note, renal_note
from medgym_core.domains.drug_interaction.record_cases import opioid_total, reconciliation
from medgym_core.domains.drug_interaction.special_cases import hepatic_dose, pediatric_dose

TYPES: dict[str, Generator] = {
    "worst_severity": worst_severity,
    "culprit": culprit,
    "interacting_pair": interacting_pair,
    "stop_interacting": stop_interacting,
    "allergy_conflict": allergy_conflict,
    "prescribe_or_refuse": prescribe_or_refuse,
    "creatinine_clearance": creatinine_clearance,
    "renal_dose": renal_dose,
    "pregnancy_safety": pregnancy_safety,
    "drug_level": drug_level,
    "hepatic_dose": hepatic_dose,
    "lactation_safety": lactation_safety,
    "pediatric_dose": pediatric_dose,
    "qt_risk": qt_risk,
    "beers_screen": beers_screen,
    "anticholinergic_burden": anticholinergic_burden,
    "opioid_total": opioid_total,
    "reconciliation": reconciliation,
    "order_note": order_note,
    "renal_note": renal_note,
}
