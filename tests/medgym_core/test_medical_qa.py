"""Medical question answering: every case can be answered from what its tools show, and from nothing else."""

from collections import Counter, defaultdict
from random import Random

import pytest

from medgym_core import domains
from medgym_core.domains.medical_qa import documents, tables
from medgym_core.domains.medical_qa.cases import TYPES
from medgym_core.gates import play, run_gates
from medgym_core.knowledge.passages import unique_passages
from medgym_core.knowledge.search import KnowledgeBase
from medgym_core.learned import gold_answer
from medgym_core.probes import reference_texts
from medgym_core.sensitivity import tool_outputs
from medgym_core.tasks import build_task_set, case_identity
from medgym_core.text import normal, tokens
from medgym_core.types import Task

LONGEST_OBSERVATION = 90  # words and numbers


@pytest.fixture(scope="module")
def passages():
    return unique_passages(documents.documents())[0]


@pytest.fixture(scope="module")
def own_knowledge(passages) -> KnowledgeBase:
    return KnowledgeBase.of(passages)


@pytest.fixture(scope="module")
def tasks(own_knowledge) -> list[Task]:
    return build_task_set(5, 900, own_knowledge, ["medical_qa"])


@pytest.fixture(scope="module")
def played(tasks, own_knowledge):
    return {t.id: play(t, reference_texts(t), own_knowledge) for t in tasks}


def by_type(tasks: list[Task]) -> dict[str, list[Task]]:
    found = defaultdict(list)
    for t in tasks:
        found[t.type].append(t)
    return found


def test_every_gate_passes(tasks, passages, own_knowledge) -> None:
    texts = [f"{p.title} {p.text}" for p in passages]
    assert not [r for r in run_gates(tasks, own_knowledge, (), texts) if not r.passed]


def test_every_reference_scores_full_marks(tasks, played) -> None:
    assert min(played[t.id].score().composite for t in tasks) == pytest.approx(1.0)


def test_there_are_enough_cases_types_families_and_facts(tasks) -> None:
    assert len({case_identity(t.prompt, t.chart) for t in tasks}) == 900
    assert len({t.type for t in tasks}) == len(TYPES) == 18
    assert len({t.family for t in tasks}) >= 300
    assert len({f.of for f in tables.all_facts()}) >= 300
    assert {t.split for t in tasks} == {"train", "validation", "test"}


def test_every_type_has_test_families_and_varied_prompts(tasks) -> None:
    for kind, group in by_type(tasks).items():
        assert {"train", "test"} <= {t.split for t in group}, kind
        assert len({t.family for t in group}) >= 15, kind
        assert len({t.prompt for t in group}) > 0.95 * len(group), kind


def test_no_constant_answer_is_right_much_more_often_than_a_quarter(own_knowledge) -> None:
    for kind, group in by_type(build_task_set(5, 3600, own_knowledge, ["medical_qa"])).items():
        answer, count = Counter(gold_answer(t.truth.gold) for t in group).most_common(1)[0]
        assert count / len(group) <= 0.33, (kind, answer)


def test_references_take_two_to_four_turns(tasks) -> None:
    turns = sorted(len(t.reference) for t in tasks)
    assert (turns[0], turns[len(turns) // 2], turns[-1]) == (2, 3, 4)


def test_prompts_and_observations_are_short(tasks, played) -> None:
    assert max(len(t.prompt.split()) for t in tasks) <= 75
    seen = [len(tokens(e.observation)) for t in tasks for e in played[t.id].events]
    assert max(seen) <= LONGEST_OBSERVATION and sorted(seen)[len(seen) // 2] <= 40


@pytest.mark.parametrize("kind", TYPES)
def test_the_same_seed_gives_the_same_draft(kind: str, own_knowledge) -> None:
    assert TYPES[kind](Random("7"), own_knowledge) == TYPES[kind](Random("7"), own_knowledge)


def test_every_tool_runs_on_many_charts_without_an_error(tasks, own_knowledge) -> None:
    for name, outputs in tool_outputs("medical_qa", tasks, own_knowledge).items():
        assert outputs.charts >= 50 and not outputs.failures and outputs.refused == 0, name
        assert outputs.static or len(outputs.distinct) > 1, name


def test_a_case_whose_fact_the_knowledge_base_does_not_show_is_not_made(passages) -> None:
    bare = KnowledgeBase.of(passages[:1])
    drafts = [TYPES["short_answer"](Random(i), bare) for i in range(20)]
    assert all(d is None or normal(d.truth.gold.value) in normal(passages[0].text) for d in drafts)


def test_a_contraindicated_answer_is_capped(tasks, own_knowledge) -> None:
    grave = [(t, u) for t in tasks for u in t.truth.unsafe if u.severity == 5 and u.answers]
    assert len(grave) >= 20
    for task, unsafe in grave:
        denied = task.truth.gold.denied
        said = " ".join(term[0] for term in denied[unsafe.answers[0]].terms) if denied else unsafe.answers[0]
        wrong = reference_texts(task)[:-1]
        wrong.append(f'<tool_call>{{"name": "submit_answer", "arguments": {{"answer": "{said}"}}}}</tool_call>')
        reward = play(task, wrong, own_knowledge).score()
        assert reward.critical and not reward.correct and reward.composite <= 0.1


def test_gold_is_never_a_forbidden_answer(tasks) -> None:
    for t in tasks:
        assert str(t.truth.gold.value) not in [a for u in t.truth.unsafe for a in u.answers], t.id
        assert all(u.source for u in t.truth.unsafe) and all(t.sources)


def test_missing_information_is_a_right_answer_of_several_types(tasks) -> None:
    golds = {(t.type, t.truth.gold.value) for t in tasks if str(t.truth.gold.value).startswith("insufficient")}
    assert {k for k, _ in golds} == {
        "drug_suitability", "lab_interpretation", "treatment_comparison", "score_missing", "dose_check",
    }  # fmt: skip
    assert {v for _, v in golds} >= {"insufficient: pregnancy status", "insufficient: allergy status"}


def test_the_patient_decides_the_choice(tasks) -> None:
    golds = defaultdict(set)
    for t in by_type(tasks)["safe_choice"]:
        shown = [f"{e.label}" for e in t.truth.evidence]
        golds[t.family].add(shown[0] == "usual drug")
    assert sum(len(g) == 2 for g in golds.values()) >= 8


def test_options_hold_the_gold_once_and_are_all_different(tasks) -> None:
    for t in tasks:
        if t.truth.gold.kind == "letter":
            assert t.truth.gold.value in t.truth.gold.options and 4 <= len(t.truth.gold.options) <= 5
            options = t.prompt.split("A) ")[1]
            parts = [normal(p) for p in ("A) " + options).replace("?", ",").replace(".", ",").split(", ") if ") " in p]
            assert len(parts) == len(set(parts)) == len(t.truth.gold.options), t.prompt


def test_search_shows_every_fact_among_public_passages(real_data) -> None:
    """The reference query finds the domain's passage in the top 3 among MedQuAD, MedlinePlus and drug labels."""
    from medgym_core.domains.medical_qa.searching import search_passages
    from medgym_core.knowledge.readers import SOURCES
    from medgym_core.tools import World
    from medgym_core.types import Chart

    public = [SOURCES[name] for name in ("medquad", "medlineplus", "drug_labels")]
    corpus = [d for s in public for d in s.reader(real_data / "corpus" / s.file)]
    knowledge = KnowledgeBase.of(unique_passages([*documents.documents(), *corpus])[0])
    world = World(Chart("P1", 40, "male"), knowledge)
    assert len(knowledge) > 25_000
    for fact in tables.all_facts()[::6]:
        seen = search_passages.run(world, {"query": fact.ask})
        assert normal(f"{fact.of} {fact.answer}") in normal(seen), (fact.ask, seen)
        assert len(tokens(seen)) <= LONGEST_OBSERVATION


def test_the_domain_offers_its_tools_with_one_submission() -> None:
    tools = domains.get("medical_qa").tools
    assert len(tools) == 34 and [t.name for t in tools.values() if t.kind == "submit"] == ["submit_answer"]
    assert [t.name for t in tools.values() if t.kind == "write"] == ["save_citation", "think"]
    assert len(domains.get("medical_qa").policy.split()) <= 60
