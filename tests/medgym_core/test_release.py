"""A released set: levels that mean something, other good paths, a hard subset, and an agent between null and oracle."""

import re
from collections import Counter
from random import Random

import pytest
from msgspec.structs import replace

from medgym_core import difficulty, domains
from medgym_core.alternatives import alternatives, good
from medgym_core.gates import play
from medgym_core.mediocre import Mediocre
from medgym_core.probes import NULLS
from medgym_core.release import build_release, complete
from medgym_core.tasks import build_task_set, tasks_digest
from medgym_core.types import Call, Gold, Step, Task


@pytest.fixture(scope="module")
def released(small_tasks, knowledge) -> list[Task]:
    return complete(small_tasks, knowledge)


def draft_of(task: Task, **changes: object) -> domains.Draft:
    fields = {f: getattr(task, f) for f in domains.Draft.__struct_fields__}
    return replace(domains.Draft(**fields), **changes)


def test_the_same_arguments_give_the_same_bytes(knowledge) -> None:
    names = ["triage_emergency", "psychiatry"]
    first, second = (tasks_digest(build_release(3, 40, knowledge, names)) for _ in range(2))
    assert first == second != tasks_digest(build_release(4, 40, knowledge, names))


def test_no_two_prompts_of_a_domain_are_alike(knowledge) -> None:
    tasks = build_task_set(0, 300, knowledge, ["drug_interaction"])
    assert len({t.prompt.lower() for t in tasks}) == 300


def test_complexity_work_and_every_trait_but_temptation_add_to_the_level(small_tasks) -> None:
    plain = small_tasks[0]
    bare = replace(plain.truth, unsafe=[], steps=[Step("x")], gold=Gold("category", "a", options=["a", "b"]))
    chart = replace(plain.chart, pending={}, pending_findings={}, conditions=[])
    draft = draft_of(plain, level=1, truth=bare, chart=chart, reference=plain.reference[-1:], traits=[])
    assert difficulty.traits(draft) == [] and difficulty.level(draft) == 1
    three = replace(draft, traits=["atypical", "conflict", "open"])
    assert difficulty.level(three) == 2 and difficulty.level(replace(three, level=3)) == 3
    worked = replace(draft, level=3, reference=[Call("x")] * 4)  # three turns and the submission
    assert difficulty.level(worked) == 2 and difficulty.level(replace(worked, reference=[Call("x")] * 9)) == 3
    tempting = replace(draft, level=3, traits=["temptation"])
    assert difficulty.level(tempting) == 1 and difficulty.level(replace(tempting, traits=["distractors"])) == 2


def test_traits_that_show_in_the_case_need_no_declaration(small_tasks) -> None:
    found = {trait for t in small_tasks for trait in t.traits}
    assert {"history", "waiting", "temptation", "open", "missing data", "comorbidity"} <= found
    for task in small_tasks:
        assert ("history" in task.traits) >= any(s.tool == "say" for s in task.truth.steps)


def test_alternatives_are_other_paths_that_score_like_the_reference(released, knowledge) -> None:
    some = [t for t in released if t.alternatives]
    assert len(some) > len(released) / 4
    for task in some[::7]:
        for path in task.alternatives:
            assert path != task.reference and good(task, path, knowledge)


def test_a_path_that_skips_work_or_errs_is_no_alternative(released, knowledge) -> None:
    task = released[0]
    assert not good(task, task.reference[-1:], knowledge)
    assert not good(task, task.reference[:-1], knowledge)
    assert not good(task, [Call("no_such_tool"), *task.reference], knowledge)


def test_an_equivalent_call_makes_an_alternative(small_tasks, knowledge) -> None:
    task = next(t for t in small_tasks if t.type == "esi_level")
    step = replace(
        task.truth.steps[0], instead=[Call("get_patient_presentation", {"patient_id": task.chart.patient_id})]
    )
    spoilt = replace(step, instead=[Call("get_queue_status")])
    steps = task.truth.steps[1:]
    found = alternatives(replace(task, truth=replace(task.truth, steps=[step, *steps])), knowledge)
    assert [step.instead[0], *task.reference[1:]] in found
    none = alternatives(replace(task, truth=replace(task.truth, steps=[spoilt, *steps])), knowledge)
    assert all(Call("get_queue_status") not in path for path in none)


def test_the_mediocre_agent_stands_between_null_and_oracle(small_tasks, knowledge) -> None:
    agent = Mediocre([t for t in small_tasks if t.split == "train"], knowledge)
    held_out = [t for t in small_tasks if t.split != "train"]

    def mean(script) -> float:
        return sum(play(t, script(t, 0), knowledge).score().composite for t in held_out) / len(held_out)

    assert max(map(mean, NULLS.values())) + 0.05 < mean(agent.texts) < 0.75


def test_the_mediocre_agent_never_sees_a_gold(small_tasks, knowledge) -> None:
    """With another gold value and other submissions in the reference it says the same."""
    agent = Mediocre([t for t in small_tasks if t.split == "train"], knowledge)
    for task in [t for t in small_tasks if t.split != "train"][::5]:
        gold = task.truth.gold
        if gold.fields:
            continue
        value = next((o for o in gold.options if o != gold.value), gold.value)
        blind = replace(
            task,
            truth=replace(task.truth, gold=replace(gold, value=value), evidence=[], unsafe=[]),
            reference=[*task.reference[:-1], Call(task.reference[-1].name, {"answer": value})],
        )
        assert agent.texts(blind) == agent.texts(task)


def test_hard_tasks_are_held_out_of_level_three_and_fool_the_mediocre_agent(released, small_tasks, knowledge) -> None:
    agent = Mediocre([t for t in small_tasks if t.split == "train"], knowledge)
    hard = [t for t in released if t.hard]
    assert hard
    for task in hard:
        assert task.split != "train" and task.level == 3
        assert not play(task, agent.texts(task), knowledge).score().correct
    assert all(t.hard or t.level < 3 or play(t, agent.texts(t), knowledge).score().correct
               for t in released if t.split != "train")  # fmt: skip


def phrasings(prompts: list[str]) -> int:
    """Number of wordings among prompts: those count as one that share most of the runs of four words which recur."""
    words = [re.sub(r"\d+", "#", prompt).split() for prompt in prompts]
    runs = [{tuple(w[i : i + 4]) for i in range(len(w) - 3)} for w in words]
    often = Counter(run for found in runs for run in found)
    kept: list[set] = []
    for found in sorted(({r for r in f if often[r] >= 3} for f in runs), key=len, reverse=True):
        if found and not any(len(found & other) >= 0.7 * min(len(found), len(other)) for other in kept):
            kept.append(found)
    return len(kept)


@pytest.mark.parametrize("domain", domains.NAMES)
def test_every_type_is_asked_in_at_least_five_ways(domain: str, knowledge) -> None:
    for kind, make in domains.get(domain).types.items():
        drafts = [d for i in range(60) if (d := make(Random(f"ways/{kind}/{i}"), knowledge)) is not None]
        assert phrasings([d.prompt for d in drafts]) >= 5, kind


@pytest.mark.parametrize("domain", domains.NAMES)
def test_every_domain_tempts_asks_for_more_and_varies_its_answers(domain: str, small_tasks) -> None:
    here = [t for t in small_tasks if t.domain == domain]
    tempting = {t.type for t in here if any(u.severity >= 3 for u in t.truth.unsafe)}
    golds = {g.kind for t in here for g in [t.truth.gold, *t.truth.gold.fields.values()]}
    assert len({t.type for t in here}) >= 6 and len(tempting) >= 3
    assert any("missing data" in t.traits for t in here)
    assert "text" in golds and len(golds) >= 4
    assert {t.level for t in here} == {1, 2, 3}
