"""Cross-domain pathways: handover in words, ordered levels, other ways, time targets, and the traps of each level."""

from collections.abc import Iterator
from functools import cache
from random import Random

import pytest
from msgspec.structs import replace

from medgym_core.actions import render_call
from medgym_core.domains import Draft
from medgym_core.domains.cross_domain import cases, cases_handover, rules
from medgym_core.domains.cross_domain.rules import table
from medgym_core.explain import reasons
from medgym_core.gates import play
from medgym_core.rewards import Reward
from medgym_core.tasks import split_of, task_of
from medgym_core.types import Call, Task

DOMAIN = "cross_domain"


@cache
def drafts(kind: str, count: int = 120) -> tuple[Draft, ...]:
    made = (cases.TYPES[kind](Random(f"words/{kind}/{i}"), None) for i in range(count))
    return tuple(d for d in made if d is not None)


def tasks(kind: str, level: int = 0) -> list[Task]:
    return [task_of(DOMAIN, d) for d in drafts(kind) if level in (0, d.level)]


def played(task: Task, calls: list[Call]) -> Reward:
    return play(replace(task, max_turns=40), [render_call(c) for c in calls], None).score()


def answered(task: Task, text: str) -> Reward:
    *calls, last = task.reference
    return played(task, [*calls, Call(last.name, last.arguments | {"answer": text})])


def facts_of(task: Task) -> dict[str, list[list[str]]]:
    return {name: a.terms for name, a in task.truth.gold.assertions.items()}


# ---- free texts


@pytest.mark.parametrize("kind", ["handover_line", "response_line"])
def test_the_reference_text_is_a_sentence_of_its_own_and_right(kind: str) -> None:
    for task in tasks(kind):
        assert answered(task, task.reference[-1].arguments["answer"]).correct, task.reference[-1]
        assert task.truth.gold.kind == "text" and 2 <= len(task.truth.gold.assertions) <= 4
        assert str(task.truth.gold.max_words) in task.prompt


@pytest.mark.parametrize("kind", ["handover_line", "response_line"])
def test_a_text_that_no_observation_backs_is_not_right(kind: str) -> None:
    for task in tasks(kind)[:20]:
        assert not played(task, [task.reference[-1]]).correct


def test_a_handover_in_other_words_is_right_and_with_a_doubt_is_not() -> None:
    for task in tasks("handover_line")[:30]:
        terms = facts_of(task)
        value, (done, minute), (due, by) = terms["finding"][1][0], terms["done"], terms["due"]
        text = f"{due[-1].capitalize()} has to be done by {by[0]}. {done[-1].capitalize()} at {minute[0]}. "
        label = terms["finding"][0][0]
        assert answered(task, f"{text}{label} {value} now").correct, text
        assert not answered(task, f"{text}{label} possibly {value} now").correct
        assert not answered(task, text).correct


def test_the_time_from_memory_and_the_order_are_not_what_was_done() -> None:
    found = [t for t in tasks("handover_line") if t.truth.gold.denied.get("the time from memory")]
    assert found
    for task in found:
        terms = facts_of(task)
        done, board = terms["done"], task.truth.gold.denied["the time from memory"].terms[1][1]
        right = task.reference[-1].arguments["answer"]
        wrong = right.replace(f"at {done[1][0]}", board)
        assert wrong != right and answered(task, wrong).verdict == "wrong"
        assert any(r.name.endswith(" ordered") for r in task.chart.records)


def test_a_deadline_counts_from_the_step_it_is_set_from() -> None:
    found = [t for t in tasks("handover_line") if "counted from arrival" in t.truth.gold.denied]
    assert found
    for task in found:
        wrong = task.truth.gold.denied["counted from arrival"].terms[1][0].removeprefix("by ")
        right = facts_of(task)["due"][1][0]
        text = task.reference[-1].arguments["answer"]
        assert not answered(task, text.replace(right, wrong)).correct


def test_a_response_told_in_the_wrong_direction_is_wrong() -> None:
    for task in tasks("response_line"):
        text = task.reference[-1].arguments["answer"]
        turned = text.replace(" rose ", " # ").replace(" fell ", " rose ").replace(" # ", " fell ")
        assert turned != text and answered(task, turned).verdict == "wrong"
        assert answered(task, text.replace(" rose ", " went up ").replace(" fell ", " came down ")).correct


def test_a_response_that_names_the_other_way_on_is_wrong() -> None:
    for task in tasks("response_line"):
        other = task.truth.gold.denied["the other way"].terms[0][0]
        assert answered(task, f"{task.reference[-1].arguments['answer']} Then {other}.").verdict == "wrong"


def test_every_word_of_a_step_that_can_be_handed_over_has_phrasings() -> None:
    for name in cases_handover.FOLLOWED:
        for step in table("pathways")[name]["steps"]:
            if step["since"] not in ("ingestion", "onset"):
                assert len(rules.said(step["name"])) >= 2


# ---- ordered levels


def test_the_level_beside_earns_a_quarter_and_a_gross_under_call_is_unsafe() -> None:
    high = [t for t in tasks("early_warning") if t.truth.gold.value == "high"]
    for task in high[:10]:
        assert answered(task, "medium").accuracy == 0.25
        assert answered(task, "low").severity == 4
        assert answered(task, "high").correct


def test_the_score_before_treatment_gives_another_risk_in_many_cases() -> None:
    changed = 0
    for task in tasks("early_warning"):
        before = play(task, [render_call(Call("calculate_news2"))], None).events[0].observation
        changed += f"band: {task.truth.gold.value}" not in before
    assert changed >= 0.5 * len(tasks("early_warning"))


def test_oxygen_that_runs_is_seen_and_counts_in_the_early_warning_score() -> None:
    task = next(t for t in tasks("early_warning") if any(s.tool == "set_oxygen" for s in t.truth.steps))
    calls = [Call("set_oxygen", {"litres_per_minute": 4}), Call("get_examination")]
    assert "oxygen: 4 L/min" in play(task, [render_call(c) for c in calls], None).events[-1].observation


# ---- other ways and the clock


def swapped(task: Task, old: str, new: Call) -> list[Call]:
    return [new if c.name == old else c for c in task.reference]


def test_reading_results_from_the_chart_is_as_good() -> None:
    task = tasks("dka")[0]
    calls: list[Call] = []
    for call in task.reference:
        read = call.name == "get_results"
        calls += [Call("wait", {"minutes": 20}), Call("get_lab_results")] if read else [call]
    reward = played(task, calls)
    assert reward.correct and reward.parts["process"] >= 0.8


def test_waiting_through_a_phase_is_as_good_as_moving_on() -> None:
    for kind in ("chest_pain", "gi_bleed", "postoperative"):
        for task in tasks(kind)[:6]:
            phases = {p: m for p, m in table("pathways")[kind]["phases"]}
            minutes = iter(list(phases.values())[1:])
            calls = [
                Call("wait", {"minutes": next(minutes)}) if c.name == "advance_phase" else c for c in task.reference
            ]
            reward = played(task, calls)
            assert reward.correct and reward.parts["process"] == 1, reasons(reward)


def test_the_vital_signs_again_do_for_a_reassessment() -> None:
    for task in tasks("gi_bleed")[:8]:
        reward = played(task, swapped(task, "reassess", Call("get_vital_signs")))
        assert reward.correct and reward.parts["process"] >= 0.89


def late(task: Task, tool: str) -> Reward:
    at = next(i for i, c in enumerate(task.reference) if c.name == tool)
    return played(task, [*task.reference[:at], Call("wait", {"minutes": 70}), *task.reference[at:]])


@pytest.mark.parametrize(
    ("kind", "tool"),
    [("chest_pain", "record_ecg"), ("stroke", "order_imaging"), ("sepsis", "give_treatment"), ("dka", "give_fluid")],
)
def test_a_time_target_missed_costs_half_the_step(kind: str, tool: str) -> None:
    for task in tasks(kind)[:5]:
        assert played(task, task.reference).parts["process"] == 1
        assert any(s.within for s in task.truth.steps)
        assert "late" in " ".join(reasons(late(task, tool)))


def test_targets_that_count_from_another_step_add_up() -> None:
    assert rules.due("stroke", "thrombolysis") == 60
    assert rules.due("chest_pain", "fibrinolysis") == 20
    assert rules.due("preeclampsia", "antihypertensive") == 75


# ---- traps


def test_the_wire_time_is_the_sum_of_two_legs() -> None:
    two = [t for t in tasks("chest_pain") if "transfer takes" in str(t.chart.pending_findings)]
    far = [t for t in two if t.truth.gold.value != "primary pci"]
    assert far and len(far) < len(two)
    limit = rules.protocol("reperfusion in stemi")["pci_within"]
    for task in two:
        legs = _legs(task)
        assert (sum(legs) > limit) is (task in far)
    assert any(max(_legs(t)) < limit for t in far)


def _legs(task: Task) -> list[int]:
    answer = next(v for k, v in task.chart.pending_findings["course"].items() if k.startswith("team"))
    return [int(w) for w in answer.split() if w.isdigit()]


def test_a_transient_response_to_fluid_looks_well_at_first() -> None:
    found = [t for t in tasks("postoperative") if t.truth.gold.fields["action"].value == "theatre for bleeding"]
    fooled = 0
    for task in found:
        at = next(i for i, c in enumerate(task.reference) if c.name == "give_fluid")
        calls = [*task.reference[: at + 1], Call("get_vital_signs"), Call("reassess")]
        shown = play(task, [render_call(c) for c in calls], None).events[-1].observation
        fooled += int(shown.split("systolic_bp: ")[1].split()[0]) >= 90
    assert 0 < fooled < len(found)


def test_a_diastolic_pressure_alone_can_be_severe() -> None:
    found = [e for t in tasks("preeclampsia") for e in t.truth.evidence if e.label == "diastolic_bp"]
    assert found and all(int(e.value.split()[0]) >= 110 for e in found)


def test_the_mean_pressure_counts_where_the_systolic_one_looks_well() -> None:
    shown = []
    for task in tasks("sepsis", 3):
        if task.truth.gold.value in ("add vasopressin", "continue norepinephrine"):
            at = next(i for i, c in enumerate(task.reference) if c.name == "reassess")
            events = play(task, [render_call(c) for c in task.reference[: at + 1]], None).events
            shown.append(int(events[-1].observation.split("systolic_bp: ")[1].split()[0]))
    assert shown and max(shown) >= 90


def test_haemoglobin_below_eight_is_transfused_for_the_heart_only() -> None:
    values: dict[str, list[float]] = {"transfuse red cells": [], "endoscopy within 24 hours": []}
    for level in (2, 3):
        for task in tasks("gi_bleed", level):
            if task.truth.gold.value in values:
                last = [e.value for e in task.truth.evidence if e.label == "hemoglobin"][-1]
                values[str(task.truth.gold.value)].append(float(last.split()[0]))
                heart = "coronary artery disease" in task.chart.conditions
                assert heart is (task.truth.gold.value == "transfuse red cells")
    given, spared = values.values()
    assert given and spared and min(spared) < max(given) < 8


def test_an_anticoagulant_that_was_stopped_days_ago_does_not_forbid_alteplase() -> None:
    listed = [t for t in tasks("stroke") if any(m.drug == "apixaban" for m in t.chart.medications)]
    treated = [t for t in listed if any(c.arguments.get("drug") == "alteplase" for c in t.reference)]
    assert treated and len(treated) < len(listed)


def test_what_is_of_the_same_kind_and_forbids_nothing_is_not_the_answer() -> None:
    near = {n: i["item"] for e in table("checks").values() for i in e["items"] for n in i.get("near", [])}
    seen = 0
    for task in tasks("unsafe_step", 2) + tasks("unsafe_step", 3):
        on_chart = [*task.chart.conditions, *(m.drug for m in task.chart.medications), *(task.chart.allergies or [])]
        decoys = [near[f] for f in on_chart if f in near]
        seen += bool(decoys)
        assert task.truth.gold.value not in decoys or any(f not in near for f in on_chart), task.truth.gold.value
    assert seen >= 10


def test_a_missing_record_is_an_answer_among_others() -> None:
    kinds = {"unsafe_step": 0, "insufficient": 0}
    for kind in kinds:
        golds = [str(t.truth.gold.value) for t in tasks(kind)]
        kinds[kind] = sum(g.startswith("insufficient") for g in golds)
        assert 0 < kinds[kind] < 0.6 * len(golds)
        offered = [t for t in tasks(kind) if any("insufficient" in o for o in t.truth.gold.options)]
        assert any(not str(t.truth.gold.value).startswith("insufficient") for t in offered)


def test_the_plan_that_is_left_depends_on_the_finding_not_on_the_list() -> None:
    by_list: dict[str, set[str]] = {}
    for task in tasks("handover_plan"):
        steps = frozenset(s for s in task.truth.gold.value)  # type: ignore[union-attr]
        name = next(n for n, e in table("plans").items() if steps <= set(e["steps"]))
        pair = frozenset([name, table("plans")[name].get("pair", name)])
        by_list.setdefault(str(sorted(pair)), set()).add(str(task.truth.gold.value))
    assert sum(len(v) >= 3 for v in by_list.values()) >= 8


def test_what_was_ordered_is_not_what_was_done() -> None:
    for task in tasks("time_target_missed", 2):
        assert any(r.name.endswith(" ordered") for r in task.chart.records)
        assert not str(task.truth.gold.fields["missed"].value).endswith("ordered")


def test_nobody_with_pre_eclampsia_is_a_man() -> None:
    for kind in cases.TYPES:
        for task in tasks(kind):
            if task.chart.pending_findings.get("course", {}).get("pathway") == "preeclampsia":
                assert task.chart.sex == "female" and task.chart.pregnant, task.prompt


# ---- the set as a whole


def harms() -> Iterator[str]:
    for kind in cases.TYPES:
        for task in tasks(kind):
            for action in task.truth.unsafe:
                assert action.category, (kind, action.why)
                yield action.category


def test_every_unsafe_action_has_its_kind_of_harm_and_eight_kinds_occur() -> None:
    assert len(set(harms())) >= 8


@pytest.mark.parametrize("kind", list(cases.TYPES))
def test_a_type_has_twelve_families_and_some_in_every_split(kind: str) -> None:
    families = {d.family for i in range(400) if (d := cases.TYPES[kind](Random(f"fam/{i}"), None))}
    assert len(families) >= 12
    assert {split_of(DOMAIN, f) for f in families} == {"train", "validation", "test"}


@pytest.mark.parametrize("kind", list(cases.TYPES))
def test_a_type_is_asked_for_in_five_ways_or_more(kind: str) -> None:
    from medgym_core.domains.cross_domain import (
        cases_allergy,
        cases_audit,
        cases_bleeding,
        cases_child,
        cases_dka,
        cases_heart,
        cases_missing,
        cases_poison,
        cases_pregnancy,
        cases_response,
        cases_safety,
        cases_sepsis,
        cases_steps,
        cases_stroke,
        cases_surgery,
        cases_warning,
    )  # fmt: skip

    asks = {
        "anaphylaxis": cases_allergy.ALLERGY_ASKS, "time_target_missed": cases_audit.ASK_AUDIT,
        "gi_bleed": cases_bleeding.GI_ASKS, "febrile_child": cases_child.CHILD_ASKS, "dka": cases_dka.ASKS,
        "chest_pain": cases_heart.ASKS, "insufficient": cases_missing.ASK_MISSING,
        "overdose": cases_poison.POISON_ASKS, "preeclampsia": cases_pregnancy.ASKS,
        "response_line": cases_response.ASKS, "unsafe_step": cases_safety.ASK_CHECK,
        "left_out": cases_safety.ASK_LEFT, "sepsis": cases_sepsis.ASKS, "handover_plan": cases_steps.ASK_PLAN,
        "next_step": cases_steps.ASK_NEXT, "stroke": cases_stroke.ASKS, "postoperative": cases_surgery.ASKS,
        "early_warning": cases_warning.ASKS, "handover_line": cases_handover.ASKS,
    }  # fmt: skip
    assert len(set(asks[kind])) >= 5
