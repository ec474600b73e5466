"""Task types of the triage desk: name to generator `(rng, knowledge) -> Draft`."""

from medgym_core.domains.triage_emergency import (
    cases_esi,
    cases_orders,
    cases_pathways,
    cases_poisoning,
    cases_scores,
    cases_text,
)

TYPES = {
    "esi_level": cases_esi.esi_level,
    "bed_assignment": cases_esi.bed_assignment,
    "news2": cases_scores.news2,
    "news2_risk": cases_scores.news2_risk,
    "perfusion": cases_scores.perfusion,
    "injury_score": cases_scores.injury_score,
    "sepsis_criteria": cases_scores.sepsis_criteria,
    "missing_input": cases_scores.missing_input,
    "ordered_test": cases_orders.ordered_test,
    "sepsis_bundle": cases_orders.sepsis_bundle,
    "heart_score": cases_orders.heart_score,
    "protocol": cases_pathways.protocol,
    "toxidrome": cases_poisoning.toxidrome,
    "overdose": cases_poisoning.overdose,
    "head_ct": cases_poisoning.head_ct,
    "handover_line": cases_text.handover_line,
    "team_call": cases_text.team_call,
}
