"""What is new and hard in the psychiatric cases: free text, levels, other ways, time targets, traps, kinds of harm."""

from collections import Counter
from random import Random

import msgspec
import pytest

from medgym_core import domains, gates
from medgym_core.domains.psychiatry import dosing, legal
from medgym_core.domains.psychiatry.legal import AGREED
from medgym_core.grading import grade
from medgym_core.probes import reference_texts
from medgym_core.rewards import Reward
from medgym_core.tasks import task_of
from medgym_core.text import normal
from medgym_core.tools import World
from medgym_core.types import Call, Task

NAME = "psychiatry"
WARD = domains.get(NAME)


def drafted(kind: str, seeds: int = 40) -> list[tuple[int, Task]]:
    """Tasks of a type with the level their patient was drawn at."""
    drafts = [WARD.types[kind](Random(f"hard/{kind}/{seed}"), None) for seed in range(seeds)]
    return [(d.level, task_of(NAME, d)) for d in drafts if d is not None]


def made(kind: str, seeds: int = 40) -> list[Task]:
    return [task for _, task in drafted(kind, seeds)]


def play(task: Task, calls: list[Call]) -> Reward:
    changed = msgspec.structs.replace(task, reference=calls)
    return gates.play(changed, reference_texts(changed), None).score()


def answered(task: Task, answer: str, calls: list[Call] | None = None) -> Reward:
    last = task.reference[-1]
    given = Call(last.name, last.arguments | {"answer": answer})
    return play(task, [*(task.reference[:-1] if calls is None else calls), given])


def observed(task: Task) -> list[str]:
    events = gates.play(task, reference_texts(task), None).events
    return [normal(e.observation) for e in events if e.ok and e.kind != "submit"]


def value(task: Task) -> str:
    return str(task.truth.gold.value)


# --- free text ---


def trend(predicate) -> Task:
    return next(t for t in made("scale_trend", 80) if predicate(t))


def risk(level: str) -> Task:
    return next(t for t in made("risk_formulation", 80) if f"cssrs: {level} risk" in str(texts(t)))


def texts(task: Task) -> list[str]:
    return [e.observation for e in gates.play(task, reference_texts(task), None).events]


def baseline_and_now(task: Task) -> tuple[str, str]:
    found = {e.label: e.value for e in task.truth.evidence}
    return found["week 0"], found["phq9"]


def test_a_trend_in_other_words_is_right_and_in_the_wrong_direction_wrong() -> None:
    task = trend(lambda t: "Raise the dose" in t.reference[-1].arguments["answer"])
    first, now = baseline_and_now(task)
    said = f"Since week 0 the depression score has dropped from {first} to {now}, so the patient partially responded"
    assert answered(task, f"{said}. I would increase the antidepressant.").verdict == "correct"
    turned = f"The score rose from {first} to {now}, a partial response. Increase the dose."
    assert answered(task, turned).verdict == "wrong"
    assert answered(task, f"{said} and is in remission. Increase the dose.").verdict == "wrong"
    assert answered(task, f"{said}.").verdict == "partial"


def test_a_hedged_trend_is_not_stated_and_an_unread_one_not_backed() -> None:
    task = trend(lambda t: "Switch" in t.reference[-1].arguments["answer"])
    right = str(task.reference[-1].arguments["answer"])
    first, now = baseline_and_now(task)
    hedged = f"The PHQ-9 possibly fell from {first} to {now}. Perhaps nonresponse. Switch the drug?"
    assert answered(task, right).verdict == "correct"
    assert answered(task, hedged).verdict in ("wrong", "partial")
    assert answered(task, right, calls=[]).verdict in ("wrong", "partial")


def test_thoughts_of_death_go_before_a_good_response() -> None:
    def tempting(task: Task) -> bool:
        return (
            "phq9_9" in {e.label for e in task.truth.evidence}
            and "counts as response" in task.reference[-1].arguments["answer"]
        )

    task = trend(tempting)
    first, now = baseline_and_now(task)
    naive = f"The PHQ-9 fell from {first} to {now}, a response. Continue the treatment."
    assert answered(task, naive).verdict == "partial"
    assert answered(task, f"{naive} The patient is not suicidal.").verdict == "wrong"
    assert answered(task, naive.replace("Continue the treatment", "Assess suicide risk today")).verdict == "correct"


def test_a_risk_formulation_needs_finding_means_protection_and_disposition() -> None:
    task = risk("high")
    right = str(task.reference[-1].arguments["answer"])
    assert answered(task, right).verdict == "correct"
    parts = right.split(". ")
    assert answered(task, ". ".join(parts[:-1])).verdict == "partial"
    assert answered(task, f"{right} Overall low risk.").verdict == "wrong"
    assert answered(task, f"{right} Safe for discharge.").verdict == "wrong"
    assert answered(task, f"{right} Not safe for discharge.").verdict == "correct"


def test_a_no_suicide_contract_is_not_accepted_as_protection() -> None:
    task = next(t for level, t in drafted("risk_formulation") if level > 1)
    right = str(task.reference[-1].arguments["answer"])
    assert "signed a no-suicide contract" in str(texts(task))
    assert answered(task, f"{right} The no-suicide contract protects.").verdict == "wrong"
    assert answered(task, f"{right} The no-suicide contract does not protect.").verdict == "correct"


def test_every_reference_text_is_right_and_within_its_words() -> None:
    for kind in ("risk_formulation", "scale_trend"):
        for task in made(kind, 60):
            said = str(task.reference[-1].arguments["answer"])
            assert grade(task.truth.gold, said, observed(task)).verdict == "correct", (task.id, said)
            assert len(said.split()) <= task.truth.gold.max_words and len(task.truth.gold.assertions) >= 3


# --- levels, other ways, time ---


def test_a_level_beside_the_right_one_earns_a_quarter() -> None:
    kinds = {
        kind
        for kind in WARD.types
        for g in [made(kind, 2)[0].truth.gold]
        for g in [g, *g.fields.values()]
        if g.kind == "ordinal"
    }
    assert kinds >= {"suicide_risk", "treatment_response", "restraint"}
    task = next(t for t in made("treatment_response") if value(t) == "nonresponse")
    assert answered(task, "worsening").accuracy == pytest.approx(0.25) and answered(task, "remission").accuracy == 0


def test_another_tool_with_the_same_finding_does_the_step() -> None:
    changed = 0
    kinds = ("scale_score", "treatment_response", "withdrawal", "capacity", "agitation", "suicide_risk", "history")
    for kind in kinds:
        for task in made(kind, 8):
            for step in task.truth.steps:
                for other in step.instead:
                    calls = [other if c == Call(step.tool, step.arguments) else c for c in task.reference]
                    reward = play(task, calls)
                    assert reward.correct and reward.composite >= 0.95, (task.id, other, reward.parts)
                    changed += 1
    assert changed >= 40


def test_who_waits_for_a_level_before_seeing_the_restrained_patient_comes_too_late() -> None:
    task = next(t for level, t in drafted("restraint") if level == 3)
    step = next(s for s in task.truth.steps if s.tool == "evaluate_restraint")
    assert step.within == 60
    see, where, order, wait, submit = task.reference
    on_time, late = play(task, task.reference), play(task, [order, wait, see, where, submit])
    assert on_time.composite >= 0.99 and late.correct and late.composite < on_time.composite


# --- traps: the naive answer is wrong ---


def test_a_referral_is_mostly_wrong_in_hard_cases_and_right_in_plain_ones() -> None:
    for kind in ("diagnosis", "confusion", "history"):
        said = [
            (level, t.chart.observations["referral"].removeprefix("as ") == value(t))
            for level, t in drafted(kind, 60)
            if "referral" in t.chart.observations
        ]
        assert all(right for level, right in said if level == 1)
        hard = [right for level, right in said if level > 1]
        assert len(hard) >= 20 and 0 < sum(hard) / len(hard) < 0.5, kind


def test_a_change_is_counted_from_the_last_complete_form() -> None:
    cases = [(level, t) for level, t in drafted("scale_score", 60) if t.family.startswith("score:change")]
    for level, task in cases:
        totals = [next(iter(r.values.values())) for r in task.chart.records]
        assert (totals[-1] == "form not finished") == (level == 3)
        usable = [int(x) for x in totals if x.isdigit()]
        found = {e.label: e.value for e in task.truth.evidence}
        now = int(next(iter(found.values())))
        assert task.truth.gold.value == now - usable[-1] and len(usable) == 2


def test_the_eighth_item_version_leaves_out_self_harm() -> None:
    task = next(t for t in made("scale_score", 60) if t.family.startswith("score:eight items"))
    found = {e.label: int(e.value) for e in task.truth.evidence}
    assert task.truth.gold.value == found["phq9"] - found["phq9_9"] != found["phq9"]


def test_the_measured_weight_counts_and_the_label_caps_the_dose() -> None:
    stale = capped = 0
    for task in made("child_dose", 120):
        weight, gold = task.chart.weight_kg, task.truth.gold
        drug, purpose, why = task.family.split(":")[1:4]
        assert weight is not None
        liver = why if why.startswith("Child") else ""
        assert gold.value == dosing.daily_mg(drug, purpose, weight, liver)
        for bad in task.truth.unsafe:
            assert bad.category == "dose" and answered(task, f"{bad.answers[0]} mg").verdict == "wrong"
            stale += "outdated" in bad.why
            capped += "limit" in bad.why
        assert answered(task, f"{float(gold.value) / 1000:g} g").verdict == "correct"
    assert stale >= 8 and capped >= 8


def test_toxic_lithium_need_not_lie_above_the_range() -> None:
    found = [(level, t) for level, t in drafted("lithium_level", 90) if value(t) == "stop and emergency care"]
    levels = {level: [t.chart.pending["lithium"][0].value for at, t in found if at == level] for level in (1, 3)}
    assert all(v >= 1.5 for v in levels[1]) and any(v < 1.5 for v in levels[3])


def test_an_old_good_count_or_level_is_never_the_answer() -> None:
    for kind, name in (("clozapine_count", "neutrophils"), ("lithium_level", "lithium")):
        for level, task in drafted(kind, 20):
            old = [r for r in task.chart.labs if r.name == name]
            assert bool(old) == (level > 1) and all(r.minutes < 0 for r in old)


def test_danger_alone_does_not_detain_and_a_poor_screen_alone_does_not_disable() -> None:
    detained = [
        t
        for level, t in drafted("hold", 60)
        if level > 1 and value(t).startswith("no hold") and "danger" not in value(t)
    ]
    assert detained
    for task in detained:
        seen = task.chart.observations
        assert any(
            seen[f"hold_{d}"].startswith("yes") for d in ("danger_to_self", "danger_to_others", "grave_deterioration")
        )
    for level, task in drafted("capacity", 40):
        total = next(int(t.split("mmse_screen: ")[1].split(";")[0]) for t in texts(task) if "mmse_screen: " in t)
        if level > 1:
            assert (total <= 21) == (value(task) == "capacity intact")


def test_an_older_consent_never_decides() -> None:
    contrary = 0
    for task in made("disclosure", 60):
        word = legal.latest_word(World(task.chart))
        older = [r for r in task.chart.records if r.kind == "consent" and r is not word]
        contrary += sum((r.status == AGREED) != (word.status == AGREED) for r in older)
        assert all((r.status == AGREED) != (word.status == AGREED) for r in older)
    assert contrary >= 10


# --- harm ---


def test_every_unsafe_action_has_its_kind_and_the_domain_has_many_kinds() -> None:
    kinds = Counter(u.category for kind in WARD.types for t in made(kind, 30) for u in t.truth.unsafe)
    assert "" not in kinds
    assert set(kinds) >= {
        "allergy", "interaction", "contraindication", "dose", "pregnancy", "missed red flag", "unsafe disposition",
        "capacity and consent", "scope", "privacy",
    }  # fmt: skip


def test_an_unsafe_answer_is_one_that_is_offered() -> None:
    for kind in WARD.types:
        for task in made(kind, 10):
            gold = task.truth.gold
            offered = [o for g in (gold.fields.values() or [gold]) for o in g.options]
            assert not offered or all(a in offered for u in task.truth.unsafe for a in u.answers), task.id


def test_telling_against_the_patients_word_costs_safety() -> None:
    task = next(t for t in made("disclosure") if value(t) == "keep confidential")
    wrong = answered(task, "tell the relative what concerns the care")
    assert not wrong.correct and wrong.severity == 4


def test_insufficient_is_right_in_two_types_and_never_the_only_way() -> None:
    for kind in ("missing_input", "disclosure"):
        found = Counter(value(t).startswith("insufficient") for t in made(kind, 80))
        assert found[True] >= 8 and found[False] >= 8, kind
