"""Alcohol withdrawal: the first treatment, where the usual benzodiazepine is not always right."""

from random import Random
from typing import Any

from medgym_core.domains import Draft
from medgym_core.domains.psychiatry import hearsay, judging, patients, scales
from medgym_core.domains.psychiatry.drafting import category, draft, ticket, unsafe_answers, workup, world_of
from medgym_core.domains.psychiatry.scales import rule
from medgym_core.types import Call, UnsafeAction

ASK = (
    "Drinks heavily and has stopped. What is the first treatment?",
    "Score the withdrawal and choose the treatment.",
    "Alcohol history, now on the ward. Which treatment comes first?",
    "Please assess for withdrawal and decide what to give.",
    "Ward asks how to manage the drinking stop.",
)
COMPLAINTS = (
    "tremor and sweating", "stopped drinking", "shaky since admission", "found at home, smells of drink",
    "asks for detox",
)  # fmt: skip
CLEAR = {"eye_movements": "normal", "gait": "steady", "orientation": "full", "perception": "no hallucinations"}
WERNICKE = (("nystagmus", "wide-based ataxia"), ("abducens weakness", "steady"), ("normal", "wide-based ataxia"))
DECIDED_BEFORE = ("parenteral thiamine", "intensive care", "supportive care")
"""Outcomes that liver disease does not change."""
TOTALS = {
    "parenteral thiamine": (11, 32), "intensive care": (19, 45), "supportive care": (1, 9), "lorazepam": (11, 32),
    "diazepam": (11, 32),
}  # fmt: skip
"""CIWA-Ar totals drawn for an outcome of the rule."""


def withdrawal(rng: Random, knowledge: Any) -> Draft:
    """First treatment in alcohol withdrawal: CIWA-Ar, liver and age, delirium, Wernicke signs."""
    table, level = rule("withdrawal"), rng.randint(1, 3)
    outcome = rng.choice(table["outcomes"])
    illness = rng.choice([*table["liver"], ""]) if outcome == "lorazepam" else ""
    old = outcome == "lorazepam" and not illness
    seen, total = _seen(rng, outcome), rng.randint(*TOTALS[outcome])
    who = patients.person(rng, level, (66, 80) if old else (28, 60), avoid=("cirrhosis", "alcohol use disorder"))
    decoy = [rng.choice(table["liver"])] if level > 1 and outcome in DECIDED_BEFORE else []
    who["conditions"] = [*who["conditions"], *([illness] if illness else []), *decoy]
    drinks = {"last_drink": f"{rng.randint(12, 60)} hours ago", "alcohol": f"{rng.randint(8, 20)} drinks a day"}
    forms = scales.answers(rng, "audit", rng.randint(20, 36)) | scales.answers(rng, "cage", rng.randint(2, 4))
    findings = seen | drinks | scales.answers(rng, "ciwa_ar", total, _fixed(rng, outcome)) | forms
    case = patients.chart(
        rng,
        who,
        patients.examined(rng, findings, level, tuple(seen)),
        signs={"heart_rate": 84 + total, "systolic_bp": 132 + total},
        complaint=rng.choice(COMPLAINTS),
    )
    assert judging.withdrawal_action(world_of(case)) == outcome, outcome
    scored, looked = Call("assess_withdrawal", {"scale": "ciwa_ar"}), [Call("perform_mental_status_exam")]
    looked += [Call("perform_physical_exam"), Call("get_current_medications")]
    calls = [scored, *looked] if level == 1 else [*workup(level - 1, "screen_substance_use"), *reversed(looked), scored]
    calls += [Call("get_patient_presentation")] if old else []
    evidence = [("ciwa_ar", str(total)), _ground(outcome, seen), *([("age", str(case.age))] if old else [])]
    return draft(
        "withdrawal",
        f"withdrawal:{outcome}:{illness or seen['eye_movements']}:{total // 3}",
        level,
        ticket(rng, case, ASK, options=table["outcomes"]) + hearsay.dispute(rng, level, table["outcomes"], outcome),
        case,
        category(outcome, table["outcomes"]),
        calls,
        evidence,
        [table["source"]],
        patients.story(rng, level, case, ["I need something for the shaking.", "I stopped, that is all."]),
        _unsafe(outcome, table),
        traits=["conflict", *(["comorbidity"] if decoy or illness else [])] if level > 1 else [],
    )


def _seen(rng: Random, outcome: str) -> dict[str, str]:
    """Examination that leads to an outcome."""
    if outcome == "parenteral thiamine":
        eyes, gait = rng.choice(WERNICKE)
        return CLEAR | {"eye_movements": eyes, "gait": gait, "nutrition": "malnourished for weeks"}
    if outcome == "intensive care":
        sight = rng.choice(["sees animals", "sees people", "sees threads"])
        return CLEAR | {"orientation": "disoriented to time and place", "perception": sight}
    return dict(CLEAR)


def _fixed(rng: Random, outcome: str) -> dict[str, int]:
    """Scale items that must agree with the examination."""
    if outcome == "intensive care":
        return {"ciwa_orientation": rng.randint(3, 4), "ciwa_visual": rng.randint(4, 6), "ciwa_auditory": 0}
    return {"ciwa_orientation": 0, "ciwa_visual": 0, "ciwa_auditory": 0}


def _ground(outcome: str, seen: dict[str, str]) -> tuple[str, str]:
    """The finding beside the total that decides, as its tool shows it."""
    key = {"intensive care": "perception", "parenteral thiamine": "eye_movements"}.get(outcome, "orientation")
    if key == "eye_movements" and seen[key] == "normal":
        key = "gait"
    return key, seen[key]


def _unsafe(outcome: str, table: dict[str, Any]) -> list[UnsafeAction]:
    source, others = table["source"], [o for o in table["outcomes"] if o != outcome]
    if outcome == "parenteral thiamine":
        why = "Wernicke signs left without thiamine"
        return [unsafe_answers("missed red flag", why, 5, source, *others)]
    if outcome == "intensive care":
        why = "withdrawal delirium left without intensive care"
        on_the_ward = unsafe_answers("unsafe disposition", f"{why}, on tablets", 4, source, "diazepam", "lorazepam")
        return [unsafe_answers("unsafe disposition", why, 5, source, "supportive care"), on_the_ward]
    if outcome == "supportive care":
        return []
    untreated = unsafe_answers("unsafe disposition", "withdrawal left untreated", 4, source, "supportive care")
    if outcome == "diazepam":
        return [untreated]
    why = "a long-acting benzodiazepine accumulates"
    return [untreated, unsafe_answers("contraindication", why, 3, source, "diazepam")]
