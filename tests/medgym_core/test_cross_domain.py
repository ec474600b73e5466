"""Cross-domain pathways: tasks, references, tools over many charts, sources."""

from collections import Counter
from functools import cache
from random import Random

import pytest

from medgym_core import domains
from medgym_core.actions import render_call
from medgym_core.decontamination import gold_text
from medgym_core.domains.cross_domain import cases, documents, rules
from medgym_core.domains.cross_domain.rules import table
from medgym_core.episode import Episode
from medgym_core.explain import reasons
from medgym_core.gates import play, run_gates
from medgym_core.knowledge.search import KnowledgeBase
from medgym_core.probes import reference_texts
from medgym_core.sensitivity import ToolOutputs, tool_outputs
from medgym_core.tasks import build_task_set
from medgym_core.text import normal
from medgym_core.types import SAY, Call, Task, encode

DOMAIN = "cross_domain"
PATHWAYS = tuple(table("pathways"))


@cache
def tasks() -> list[Task]:
    return build_task_set(0, 320, KnowledgeBase.shipped(), [DOMAIN])


@cache
def outputs() -> dict[str, ToolOutputs]:
    return tool_outputs(DOMAIN, tasks(), KnowledgeBase.shipped())


def of_type(kind: str) -> list[Task]:
    return [t for t in tasks() if t.type == kind]


@cache
def gates() -> dict[str, list[str]]:
    return {g.name: g.failures for g in run_gates(tasks(), KnowledgeBase.shipped()) if not g.passed}


# ---- tasks


def test_all_gates_pass() -> None:
    assert gates() == {}


@pytest.mark.parametrize("kind", list(cases.TYPES))
def test_every_reference_scores_full_marks(kind: str) -> None:
    for task in of_type(kind):
        episode = play(task, reference_texts(task), KnowledgeBase.shipped())
        reward = episode.score()
        assert reward.correct and reward.composite >= 0.95, (task.prompt, reasons(reward))
        assert task.max_turns >= len(task.reference) + 4


def test_there_are_ten_pathways_with_three_phases_or_more_each_with_its_own_task_type() -> None:
    assert len(PATHWAYS) >= 10
    assert all(3 <= len(e["phases"]) <= 5 for e in table("pathways").values())
    assert set(PATHWAYS) <= set(cases.TYPES) and len(cases.TYPES) >= 19


@pytest.mark.parametrize("kind", list(cases.TYPES))
def test_no_constant_answer_is_often_right(kind: str) -> None:
    generator = cases.TYPES[kind]
    drafts = [d for i in range(240) if (d := generator(Random(f"balance/{i}"), None))]
    answers = Counter(encode(d.truth.gold) for d in drafts)
    options = len(drafts[0].truth.gold.options) if drafts[0].truth.gold.kind == "ordinal" else 5
    assert answers.most_common(1)[0][1] / len(drafts) <= 0.1 + 1 / options


def test_prompts_are_short_and_do_not_repeat() -> None:
    assert all(12 <= len(t.prompt.split()) <= 96 for t in tasks())
    assert len({t.prompt for t in tasks()}) == len(tasks())


def test_families_are_many_and_levels_are_three() -> None:
    assert len({t.family for t in tasks()}) >= 150
    assert {t.level for t in tasks()} == {1, 2, 3}
    assert {t.split for t in tasks()} == {"train", "validation", "test"}


def test_plans_and_next_steps_that_share_the_deciding_finding_share_the_family() -> None:
    plans, steps = ({t.family for t in of_type(k)} for k in ("handover_plan", "next_step"))
    assert plans & steps


def test_drafts_are_deterministic() -> None:
    for kind, generator in cases.TYPES.items():
        first, second = (generator(Random(f"same/{kind}"), None) for _ in range(2))
        assert encode(first) == encode(second)


def test_four_hundred_tasks_of_another_seed_can_be_made() -> None:
    found = build_task_set(7, 400, KnowledgeBase.shipped(), [DOMAIN])
    assert len(found) == 400 and not {t.id for t in found} & {t.id for t in tasks()}


def test_every_story_has_six_topics_and_never_tells_where_a_pathway_ends() -> None:
    assert all(len(t.story.topics) >= 6 for t in tasks())
    for task in (t for t in tasks() if t.type in PATHWAYS):
        told = normal(" ".join(layer for layers in task.story.topics.values() for layer in layers))
        answer = normal(gold_text(task.truth))
        if len(answer.split()) >= 2:
            assert answer not in told, task.id


def test_the_decisive_fact_of_a_history_stands_nowhere_on_the_chart() -> None:
    asked = [t for t in of_type("left_out") if t.truth.gold.value != "none"]
    assert asked
    for task in asked:
        assert any(s.tool == SAY for s in task.truth.steps)
        fact = task.truth.evidence[0].value
        assert normal(fact) not in normal(encode(task.chart)), task.id


def test_unsafe_shortcuts_are_named_and_a_critical_one_caps_the_score() -> None:
    graver = [t for t in of_type("unsafe_step") if any(u.severity == 5 and u.answers for u in t.truth.unsafe)]
    assert graver
    task = graver[0]
    *calls, last = task.reference
    texts = [render_call(c) for c in calls] + [render_call(Call(last.name, last.arguments | {"answer": "none"}))]
    reward = play(task, texts, KnowledgeBase.shipped()).score()
    assert reward.critical and reward.composite <= 0.1


def test_insulin_started_on_a_low_potassium_is_critical() -> None:
    task = next(t for t in of_type("dka") if any(u.arguments.get("potassium") for u in t.truth.unsafe))
    read = next(u.arguments["potassium"] for u in task.truth.unsafe if u.arguments.get("potassium"))
    at = next(i for i, c in enumerate(task.reference) if c.name == "give_fluid")
    early = Call("start_insulin_infusion", {"units_per_kg_hour": 0.1, "potassium": read})
    calls = [*task.reference[:at], early, *task.reference[at:]]
    reward = play(task, [render_call(c) for c in calls], KnowledgeBase.shipped()).score()
    assert reward.critical and not reward.correct


@pytest.mark.parametrize("kind", PATHWAYS)
def test_looking_around_on_the_way_does_not_change_where_a_pathway_ends(kind: str) -> None:
    """State moves in whole steps: a minute here and there leaves the deciding values as they are."""
    looks = ["get_pathway_status", "get_time_targets", "get_lab_results", "get_patient_details", "get_timeline"]
    for task in of_type(kind)[:12]:
        used = {c.name for c in task.reference}
        extra = [n for n in looks if n not in used][:3]
        calls = list(task.reference)
        for i, name in enumerate(extra):
            calls.insert(2 + 2 * i if 2 + 2 * i < len(calls) else 1, Call(name))
        reward = play(task, [render_call(c) for c in calls], KnowledgeBase.shipped()).score()
        assert reward.correct and reward.composite >= 0.95, (task.id, reasons(reward))


def test_late_phases_depend_on_what_was_done_before() -> None:
    """Without fluid or pressor the septic patient is worse at the end of the same pathway."""
    for task in of_type("sepsis")[:8]:

        def last(calls: list[Call], task: Task = task) -> str:
            episode = Episode(task, KnowledgeBase.shipped())
            for call in calls:
                episode.step(render_call(call))
            return episode.world.written and episode.step(render_call(Call("reassess"))).message["content"]  # type: ignore[index]

        done = [c for c in task.reference[:-1] if c.name not in ("reassess", SAY)]
        without = [c for c in done if c.name not in ("give_fluid",)]
        assert last(done) != last(without)


# ---- tools


def test_there_are_at_least_28_tools_and_each_runs_on_sixty_charts() -> None:
    found = outputs()
    assert len(found) >= 28
    for name, o in found.items():
        assert o.charts >= 60, name
        assert o.distinct != {""}, f"{name} never gave an answer"


def test_reading_tools_answer_differently_for_different_patients() -> None:
    constant = [n for n, o in outputs().items() if o.kind == "read" and not o.static and len(o.distinct) < 2]
    assert constant == []


def test_observations_are_short() -> None:
    for task in tasks()[::4]:
        for event in play(task, reference_texts(task), KnowledgeBase.shipped()).events:
            assert len(event.observation.split()) <= 80, event.observation


def test_every_reference_tool_and_required_argument_has_an_example() -> None:
    domain = domains.get(DOMAIN)
    for name, tool in domain.tools.items():
        if tool.schema["function"]["parameters"]["required"]:
            assert name in domain.examples, name


# ---- facts


def test_protocols_pathways_and_treatments_are_counted_and_sourced() -> None:
    assert len(table("protocols")) >= 24
    assert len(table("treatments")) >= 35
    assert len(table("checks")) >= 10 and sum(len(e["items"]) for e in table("checks").values()) >= 40
    for name in (
        "protocols",
        "pathways",
        "treatments",
        "tests",
        "doses",
        "plans",
        "checks",
        "told",
        "teams",
        "stories",
        "responses",
        "wording",
    ):
        for key, entry in table(name).items():
            assert len(entry["source"]) > 8, (name, key)


def test_every_step_with_a_time_target_has_a_source_and_an_anchor() -> None:
    for name, entry in table("pathways").items():
        assert len(entry["steps"]) >= 2, name
        for step in entry["steps"]:
            assert step["source"] and step["rule"] and step["action"] and step["within"] > 0 and step["since"]
            assert step["phase"] in [p for p, _ in entry["phases"]]


def test_effects_name_measures_and_plans_name_protocols_that_exist() -> None:
    from medgym_core.clinical import ranges

    for name, entry in table("treatments").items():
        for effect in entry["effects"]:
            assert effect["on"] in table("measures") or effect["on"] in ranges.measurements(), name
            assert effect["by"][0] <= effect["by"][1], name
    assert all(e["protocol"] in table("protocols") for e in table("plans").values())
    assert all(e["pathway"] in PATHWAYS for t in ("plans", "checks", "told") for e in table(t).values())


def test_documents_cover_every_pathway_and_protocol() -> None:
    found = list(documents.documents())
    titles = {d.title for d in found}
    assert {e["title"] for e in table("pathways").values()} <= titles
    assert len(found) >= len(table("protocols")) + len(PATHWAYS)
    assert all(d.source and d.sections for d in found)


@pytest.mark.parametrize(
    ("drug", "weight", "age", "dose"),
    [
        ("alteplase", 80, 60, 72.0), ("alteplase", 120, 60, 90.0), ("tenecteplase", 59.9, 60, 30.0),
        ("tenecteplase", 60, 60, 35.0), ("tenecteplase", 95, 80, 25.0), ("ceftriaxone", 12, 2, 1200.0),
        ("ceftriaxone", 50, 12, 4000.0), ("acetylcysteine loading", 120, 40, 15000.0), ("lorazepam", 14, 3, 1.4),
    ],
)  # fmt: skip
def test_doses_by_weight_keep_their_limits(drug: str, weight: float, age: int, dose: float) -> None:
    assert rules.weight_dose(drug, weight, age) == dose


def test_decisions_turn_at_the_published_limits() -> None:
    assert rules.after_fibrinolysis(4.0, 2.0) != rules.after_fibrinolysis(4.0, 2.1)
    assert rules.troponin(10, 12) == "rule out" and rules.troponin(10, 13) == "observe"
    assert rules.troponin(10, 15) == rules.troponin(52, 52) == "angiography within 24 hours"
    assert rules.ketoacidosis(3.4, 150, 0.4, 20, 1.0) == "hold insulin and replace potassium"
    assert rules.ketoacidosis(3.5, 199, 0.5, 18, 1.0) == "change to subcutaneous insulin"
    assert rules.ketoacidosis(3.5, 249, 2.0, 12, 0.5) == "add dextrose and halve insulin"
    assert rules.ketoacidosis(3.5, 250, 2.0, 12, 0.4) == "increase insulin"
    assert (
        rules.shock(64, 3, False, False) == "start norepinephrine"
        and rules.shock(65, 2, False, False) == "no escalation"
    )
    assert rules.hypertension_step(159, 109, 16, False, 238) == "deliver"
    assert rules.hypertension_step(160, 90, 16, True, 238) == "hydralazine 10 mg"
    assert rules.tricyclic(100, 90) == "observe" and rules.tricyclic(102, 90) == "repeat sodium bicarbonate"
    assert rules.transfuse(7.5, True) and not rules.transfuse(7.0, False)
