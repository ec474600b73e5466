"""The task types of the domain."""

from medgym_core.domains import Generator
from medgym_core.domains.drug_interaction.allergy_cases import allergy_conflict, prescribe_or_refuse
from medgym_core.domains.drug_interaction.dose_cases import (
    creatinine_clearance,
    drug_level,
    pregnancy_safety,
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
    opioid_total,
    qt_risk,
    reconciliation,
)
from medgym_core.domains.drug_interaction.special_cases import hepatic_dose, lactation_safety, pediatric_dose

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
}
