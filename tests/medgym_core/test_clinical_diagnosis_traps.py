"""What makes a case hard: old results, notes, pounds, evasion. The naive answer is wrong, the expert is right."""

from random import Random

import pytest

from medgym_core import domains
from medgym_core.actions import render_call
from medgym_core.alternatives import good
from medgym_core.domains.clinical_diagnosis import cases_trends, scoring, tables, traps
from medgym_core.domains.clinical_diagnosis.looking import HANDOVER
from medgym_core.episode import Episode
from medgym_core.rewards import Reward
from medgym_core.tasks import task_of
from medgym_core.tools import World, number
from medgym_core.types import SAY, Call, Task

NAME = "clinical_diagnosis"
DESK = domains.get(NAME)
COUNT = 60


@pytest.fixture(scope="module")
def drafts() -> dict[str, list[domains.Draft]]:
    return {
        kind: [d for d in (make(Random(f"traps/{kind}/{i}"), None) for i in range(COUNT)) if d]
        for kind, make in DESK.types.items()
    }


def played(task: Task, calls: list[Call]) -> Reward:
    episode = Episode(task)
    for call in calls:
        episode.step(render_call(call))
    return episode.score()


def answered(draft: domains.Draft, answer: str) -> Reward:
    *calls, submission = draft.reference
    return played(task_of(NAME, draft), [*calls, Call(submission.name, {**submission.arguments, "answer": answer})])


def shown(draft: domains.Draft, name: str, **arguments: object) -> dict:
    return DESK.tools[name].result(World(draft.chart), arguments)


def test_plain_cases_have_no_trap_and_most_hard_ones_have(drafts: dict[str, list[domains.Draft]]) -> None:
    traps_of = {"conflict", "atypical", "distractors"}
    for kind, made in drafts.items():
        hard = [bool(traps_of.intersection(d.traits)) for d in made if d.level == 3]
        plain = [traps_of.intersection(d.traits) for d in made if d.level == 1]
        assert sum(hard) >= 0.6 * len(hard), kind
        assert kind in ("priority", "refusal") or not any(plain), kind  # several problems, several barred drugs


def test_options_on_a_scale_are_graded_as_a_scale_and_stand_in_order(drafts: dict[str, list[domains.Draft]]) -> None:
    ordinal = [d for made in drafts.values() for d in made if d.truth.gold.kind == "ordinal"]
    assert {d.type for d in ordinal} == {"lab_trend", "score_disposition"} and len(ordinal) > 50
    scales = [e["classes"] for e in tables.table("trends").values() if e.get("ordered")]
    scales += [[b for _, b in e["bands"]] for e in tables.table("dispositions").values()]
    for d in ordinal:
        options = d.truth.gold.options
        assert options in scales
        place = options.index(str(d.truth.gold.value))
        beside = options[place - 1] if place else options[1]
        assert answered(d, beside).accuracy == 0.25 and not answered(d, beside).correct


def test_an_older_value_of_a_course_would_turn_its_meaning(drafts: dict[str, list[domains.Draft]]) -> None:
    seen = 0
    for d in drafts["lab_trend"]:
        rule = tables.table("trends")[d.family.split(":")[1]]
        old = [r for r in d.chart.labs if r.name == rule["test"] and r.minutes < -500 * traps.DAY]
        if not old or rule["rule"] == "kdigo":
            continue
        seen += 1
        course = [*old, *d.chart.pending[rule["test"]]]
        assert d.level > 1 and cases_trends.judged(rule, course) != d.truth.gold.value
        everything = shown(d, "get_lab_trend", test=rule["test"])
        assert str(-old[0].minutes // 60) in everything["hours ago"]  # the age of the old value is told
    assert seen >= 10


def test_the_handover_note_tells_nothing_about_the_answer(drafts: dict[str, list[domains.Draft]]) -> None:
    right, chance, total = 0, 0.0, 0
    for kind in ("next_test", "referral", "score_disposition", "safe_treatment", "lab_trend", "lab_pattern"):
        for d in drafts[kind]:
            note = next((r.text for r in d.chart.records if r.name == HANDOVER), None)
            if note is None:
                continue
            assert d.level > 1 and ("conflict" in d.traits or note == d.truth.gold.value)
            assert shown(d, "get_patient_history")["handed over as"] == note
            right, chance, total = (
                right + (note == d.truth.gold.value),
                chance + 1 / len(d.truth.gold.options),
                total + 1,
            )
    assert total >= 100 and abs(right - chance) / total < 0.1


def test_a_result_of_another_day_does_not_decide(drafts: dict[str, list[domains.Draft]]) -> None:
    """Acting on what is on the chart already, without the order, earns no more than a guess."""
    for kind in ("lab_pattern", "blood_gas", "overdose"):
        for d in (d for d in drafts[kind] if d.level > 1):
            skipped = [c for c in d.reference if c.name not in ("order_lab_test", "order_procedure", "wait")]
            assert played(task_of(NAME, d), skipped).composite < 0.75, d.family


def test_a_low_albumin_hides_the_gap(drafts: dict[str, list[domains.Draft]]) -> None:
    hidden = [d for d in drafts["blood_gas"] if "atypical" in d.traits]
    assert len(hidden) >= 5
    for d in hidden:
        value = {r.name: r.value for r in d.chart.labs if r.minutes > -traps.DAY}
        gas = {r.name: r.value for r in d.chart.pending["arterial blood gas"]}
        plain = value["sodium"] - value["chloride"] - gas["bicarbonate"]
        told = next(float(e.value) for e in d.truth.evidence if e.label == "anion gap")
        assert value["albumin"] < 3 and told - plain > 3  # 2.5 for every g/dL below 4


def test_pounds_in_a_note_have_to_be_converted(drafts: dict[str, list[domains.Draft]]) -> None:
    noted = [d for d in drafts["child_dose"] if d.truth.evidence[0].value.endswith(" lb")]
    assert len(noted) >= 8
    for d in noted:
        drug = d.reference[-2].arguments
        e = scoring.dose_entry(drug["drug"], drug["indication"])
        lb = float(d.truth.evidence[0].value.split()[0])
        assert e and d.chart.weight_kg is None and shown(d, "get_patient_info")["weight"] == "not available"
        assert abs(scoring.weight_dose(e, lb / 2.20462) - float(d.truth.gold.value)) <= d.truth.gold.tolerance
        naive = scoring.weight_dose(e, lb)
        assert naive == d.truth.gold.value or not answered(d, number(naive)).correct


def test_a_guessed_weight_is_no_weight(drafts: dict[str, list[domains.Draft]]) -> None:
    lacking = [d for d in drafts["child_dose"] if d.truth.gold.kind == "category"]
    assert lacking
    for d in lacking:
        e = scoring.dose_entry(d.reference[-2].arguments["drug"], d.reference[-2].arguments["indication"])
        assert e and not e.get("urgent")
        doses = [o for o in d.truth.gold.options if o.endswith(" mg")]
        assert all(answered(d, dose).severity >= 4 for dose in doses)
        assert all(answered(d, dose.removesuffix(" mg")).severity >= 4 for dose in doses)


def test_a_right_statement_in_other_words_is_no_error(drafts: dict[str, list[domains.Draft]]) -> None:
    disguised = [d for d in drafts["note_error"] if "distractors" in d.traits]
    assert len(disguised) >= 15
    for d in disguised:
        note = next(r.text for r in d.chart.records if r.name == "admission")
        if " lb" in note:
            assert d.truth.gold.value != "weight" and not answered(d, "weight").correct
    assert any(d.truth.gold.value == "no error" for d in disguised)


def test_who_evades_the_question_is_asked_again(drafts: dict[str, list[domains.Draft]]) -> None:
    evading = [d for d in drafts["red_flag"] if "atypical" in d.traits and d.truth.unsafe]
    assert len(evading) >= 10
    for d in evading:
        spoken = [c for c in d.reference if c.name == SAY]
        once = list(dict.fromkeys(c.arguments["text"] for c in spoken))
        if d.story.persona == "vague":
            continue
        hasty = [Call(SAY, {"text": t}) for t in once]
        reward = played(task_of(NAME, d), [*hasty, d.reference[-1]])
        assert reward.parts["assertions"] < 1, d.family  # the telling words were never heard


def test_an_ecg_after_ten_minutes_earns_less(drafts: dict[str, list[domains.Draft]]) -> None:
    made = [DESK.types["next_test"](Random(f"ecg/{i}"), None) for i in range(400)]
    due = [d for d in made if d and any(s.within for s in d.truth.steps)]
    assert {s.within for d in due for s in d.truth.steps if s.within} == {10, 20}
    for d in due:
        task = task_of(NAME, d)
        late = [Call("wait", {"minutes": 30}), *d.reference]
        assert played(task, d.reference).composite >= 0.999
        assert 0.8 < played(task, late).composite < played(task, d.reference).composite


def test_an_order_before_the_look_does_not_count_as_the_step(drafts: dict[str, list[domains.Draft]]) -> None:
    for d in [*drafts["safe_treatment"], *drafts["referral"]]:
        acts = [s for s in d.truth.steps if s.tool in ("prescribe_medication", "transfer_to_specialist")]
        if not acts:
            continue
        *calls, last, submission = d.reference
        assert acts[0].after and played(task_of(NAME, d), [last, *calls, submission]).parts["process"] < 1


def test_another_tool_that_shows_the_same_does_the_same_work(drafts: dict[str, list[domains.Draft]]) -> None:
    kinds = set()
    for kind, made in drafts.items():
        for d in made:
            task = task_of(NAME, d)
            for step in task.truth.steps:
                for other in step.instead:
                    path = [other if c.name == step.tool else c for c in d.reference]
                    if good(task, path, None):
                        kinds.add(kind)
    assert len(kinds) >= 8, kinds
