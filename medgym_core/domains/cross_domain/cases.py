"""Task types of the pathways: name to generator `(rng, knowledge) -> Draft | None`."""

from medgym_core.domains.cross_domain import (
    cases_allergy,
    cases_bleeding,
    cases_child,
    cases_dka,
    cases_heart,
    cases_missing,
    cases_poison,
    cases_pregnancy,
    cases_safety,
    cases_sepsis,
    cases_steps,
    cases_stroke,
    cases_surgery,
)  # fmt: skip

TYPES = {
    "chest_pain": cases_heart.chest_pain,
    "dka": cases_dka.dka,
    "stroke": cases_stroke.stroke,
    "sepsis": cases_sepsis.sepsis,
    "febrile_child": cases_child.febrile_child,
    "postoperative": cases_surgery.postoperative,
    "gi_bleed": cases_bleeding.gi_bleed,
    "preeclampsia": cases_pregnancy.preeclampsia,
    "overdose": cases_poison.overdose,
    "anaphylaxis": cases_allergy.anaphylaxis,
    "next_step": cases_steps.next_step,
    "handover_plan": cases_steps.handover_plan,
    "time_target_missed": cases_steps.time_target_missed,
    "unsafe_step": cases_safety.unsafe_step,
    "left_out": cases_safety.left_out,
    "insufficient": cases_missing.insufficient,
}
