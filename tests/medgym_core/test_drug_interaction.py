"""The medication safety domain: its cases are solvable through its tools, balanced and distinct."""

from collections import Counter, defaultdict
from random import Random

import pytest

from medgym_core import domains
from medgym_core.domains import Draft
from medgym_core.episode import Episode
from medgym_core.gates import chance, play
from medgym_core.learned import gold_answer
from medgym_core.probes import NULLS, reference_texts
from medgym_core.sensitivity import tool_outputs
from medgym_core.tasks import build_task_set, case_identity, split_of, task_of
from medgym_core.text import normal, tokens
from medgym_core.types import Call, Task, encode

DOMAIN = domains.get("drug_interaction")
EACH = 70  # drafts a type


def drafts(kind: str, count: int = EACH, seed: str = "t") -> list[Draft]:
    made = (DOMAIN.types[kind](Random(f"{seed}/{kind}/{i}"), None) for i in range(count * 2))
    return [d for d in made if d is not None][:count]


@pytest.fixture(scope="module")
def tasks() -> dict[str, list[Task]]:
    return {kind: [task_of("drug_interaction", d) for d in drafts(kind)] for kind in DOMAIN.types}


@pytest.fixture(scope="module")
def all_tasks(tasks: dict[str, list[Task]]) -> list[Task]:
    return [t for kind in tasks.values() for t in kind]


@pytest.mark.parametrize("kind", DOMAIN.types)
def test_every_reference_scores_full_marks(kind: str, tasks: dict[str, list[Task]]) -> None:
    for task in tasks[kind]:
        episode = play(task, reference_texts(task), None)
        reward = episode.score()
        assert reward.correct and reward.composite >= 0.999 and not episode.tool_errors, (task.prompt, reward.why)


@pytest.mark.parametrize("kind", DOMAIN.types)
def test_a_seed_fixes_the_draft(kind: str) -> None:
    assert [encode(d) for d in drafts(kind, 20)] == [encode(d) for d in drafts(kind, 20)]


@pytest.mark.parametrize("kind", DOMAIN.types)
def test_no_constant_answer_is_often_right(kind: str, tasks: dict[str, list[Task]]) -> None:
    wide = [d.truth.gold for d in drafts(kind, 250, "balance")]
    most = Counter(gold_answer(g) for g in wide).most_common(1)[0][1] / len(wide)
    assert most <= 0.30, kind
    assert len(tasks[kind]) == EACH


@pytest.mark.parametrize("kind", DOMAIN.types)
def test_the_prompt_does_not_give_the_answer_away(kind: str, tasks: dict[str, list[Task]]) -> None:
    for task in tasks[kind]:
        gold = task.truth.gold
        if not gold.options and gold.kind == "category":
            assert normal(str(gold.value)) not in normal(task.prompt)


def test_no_two_drafts_are_the_same_case() -> None:
    seen = [case_identity(d.prompt, d.chart) for kind in DOMAIN.types for d in drafts(kind, 60, "many")]
    assert len(seen) >= 850 and len(set(seen)) == len(seen)


def test_no_two_tasks_of_a_large_set_share_a_prompt() -> None:
    prompts = Counter(t.prompt for t in build_task_set(0, 600, None, ["drug_interaction"]))
    assert prompts.most_common(1)[0][1] == 1


def test_every_type_has_a_dozen_families_and_one_in_every_split(tasks: dict[str, list[Task]]) -> None:
    for kind in DOMAIN.types:
        families = {t.family for t in tasks[kind]} | {d.family for d in drafts(kind, EACH, "families")}
        splits = {split_of("drug_interaction", f) for f in families}
        assert len(families) >= 12 and splits == {"train", "validation", "test"}, kind


def test_there_are_enough_families_in_every_split(all_tasks: list[Task]) -> None:
    families = {t.family for t in all_tasks}
    splits = Counter(split_of("drug_interaction", f) for f in families)
    assert len(families) >= 200 and min(splits.values()) >= 20
    rules = defaultdict(set)
    for t in all_tasks:
        if t.family.startswith("rule:"):
            rules[t.family].add(t.type)
    assert any(len(types) > 1 for types in rules.values()), "one rule is one family across task types"


def test_references_take_three_to_six_turns(all_tasks: list[Task]) -> None:
    lengths = sorted(len(t.reference) for t in all_tasks)
    assert lengths[0] == 3 and lengths[-1] <= 6 and lengths[len(lengths) // 2] == 4


def test_prompts_and_observations_are_short(all_tasks: list[Task]) -> None:
    for task in all_tasks:
        assert 10 <= len(task.prompt.split()) <= 60, task.prompt
        for event in play(task, reference_texts(task), None).events:
            notes = event.call is not None and event.call.name == "get_clinical_notes"
            assert len(tokens(event.observation)) <= (60 if notes else 40), event.observation


@pytest.mark.parametrize("probe", NULLS)
def test_null_agents_gain_nothing(probe: str, all_tasks: list[Task]) -> None:
    rewards = [play(t, NULLS[probe](t, 0), None).score() for t in all_tasks]
    guessed = sum(chance(t.truth.gold) for t in all_tasks) / len(all_tasks)
    assert sum(r.accuracy for r in rewards) / len(rewards) <= guessed + 0.15
    assert sum(r.composite for r in rewards) / len(rewards) <= 0.25


def test_every_tool_runs_on_many_charts_and_depends_on_them(all_tasks: list[Task]) -> None:
    for name, outputs in tool_outputs("drug_interaction", all_tasks, None).items():
        assert outputs.charts >= 50, name
        assert outputs.static or len(outputs.distinct) >= 2, name
        if outputs.kind == "read":
            assert not outputs.failures, name


@pytest.mark.parametrize("kind", DOMAIN.types)
def test_the_missing_input_is_the_answer_where_one_is_missing(kind: str, tasks: dict[str, list[Task]]) -> None:
    for task in tasks[kind]:
        value = str(task.truth.gold.value)
        if value.startswith("insufficient: "):
            what = value.removeprefix("insufficient: ")
            shown = " ".join(e.observation for e in play(task, reference_texts(task), None).events)
            assert normal(f"missing {what}") in normal(shown) or "1 hour after the dose" in shown


def test_giving_a_forbidden_drug_caps_the_score(tasks: dict[str, list[Task]]) -> None:
    refused = [t for t in tasks["prescribe_or_refuse"] if t.truth.gold.value in ("allergy", "interaction")]
    critical = 0
    for task in refused:
        drug = next(a for a in task.truth.unsafe if a.tool).arguments
        texts = reference_texts(task)
        episode = Episode(task)
        episode.step(texts[0])
        for text in (reference_text("prescribe_medication", drug), *texts[1:]):
            if not episode.done:
                episode.step(text)
        reward = episode.score()
        critical += reward.critical
        assert reward.composite <= 0.1 if reward.critical else reward.parts["safety"] <= 0.2
    assert critical >= 10


def reference_text(name: str, arguments: dict) -> str:
    from medgym_core.actions import render_call

    return render_call(Call(name, arguments))


def test_another_creatinine_changes_the_answer() -> None:
    golds = {d.truth.gold.value for d in drafts("creatinine_clearance", 200) if d.truth.gold.kind == "number"}
    assert len(golds) >= 40


def test_women_in_pregnancy_cases_take_nothing_forbidden(tasks: dict[str, list[Task]]) -> None:
    from medgym_core.domains.drug_interaction.rules import resolve, table

    for task in tasks["pregnancy_safety"]:
        assert task.chart.sex == "female" and task.chart.age <= 43
        for m in task.chart.medications:
            advice = table("pregnancy").get(resolve(m.drug), {}).get("advice", "")
            assert advice in ("", "no increased risk seen")
