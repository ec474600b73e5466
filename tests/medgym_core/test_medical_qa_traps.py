"""What a naive reader of a vignette gets wrong: other names, look-alikes, decimals, maxima, other people's beliefs; and
answers in words.
"""

from random import Random

import pytest
from msgspec.structs import replace

from medgym_core import domains
from medgym_core.actions import render_call
from medgym_core.domains.medical_qa import cases_dose, documents, tables
from medgym_core.domains.medical_qa.drafting import BELIEFS
from medgym_core.episode import Episode
from medgym_core.knowledge.passages import unique_passages
from medgym_core.knowledge.search import KnowledgeBase
from medgym_core.rewards import Reward
from medgym_core.text import normal
from medgym_core.tools import World
from medgym_core.types import Call, Chart, Medication, Task
from medgym_core.units import convert

QA = domains.get("medical_qa")
MANY = 150


@pytest.fixture(scope="module")
def knowledge() -> KnowledgeBase:
    return KnowledgeBase.of(unique_passages(documents.documents())[0])


def made(kind: str, knowledge: KnowledgeBase | None = None, count: int = MANY) -> list[Task]:
    drafts = [QA.types[kind](Random(f"trap/{kind}/{i}"), knowledge) for i in range(count)]
    fields = [{f: getattr(d, f) for f in d.__struct_fields__} for d in drafts if d is not None]
    return [Task(id=f"t/{kind}/{i}", domain=QA.name, split="train", **f) for i, f in enumerate(fields)]


def answered(task: Task, answer: str, knowledge: object = None, calls: list[Call] | None = None) -> Reward:
    """The reference (or other calls) with this answer."""
    episode = Episode(replace(task, max_turns=12), knowledge)
    submission = task.reference[-1]
    given = replace(submission, arguments=submission.arguments | {"answer": answer})
    for call in [*(task.reference[:-1] if calls is None else calls), given]:
        episode.step(render_call(call))
    return episode.score()


def reference(task: Task) -> str:
    return task.reference[-1].arguments["answer"]


# --- names ---


@pytest.mark.parametrize(
    ("feature", "record", "found"),
    [
        ("penicillin allergy", {"allergies": ["co-amoxiclav (anaphylaxis)"]}, "yes"),
        ("penicillin allergy", {"allergies": ["penicillamine (rash)"]}, "no"),
        ("sulfonamide allergy", {"allergies": ["co-trimoxazole (anaphylaxis)"]}, "yes"),
        ("sulfonamide allergy", {"allergies": ["sulfites (rash)"]}, "no"),
        ("NSAID allergy", {"allergies": ["aspirin (anaphylaxis)"]}, "yes"),
        ("ischaemic heart disease", {"conditions": ["previous myocardial infarction"]}, "yes"),
        ("nitrate treatment", {"medications": [Medication("glyceryl trinitrate")]}, "yes"),
        ("nitrate treatment", {"medications": [Medication("nitrofurantoin")]}, "no"),
        ("penicillin allergy", {"allergies": None}, "not recorded"),
    ],
)
def test_a_feature_counts_by_what_it_is_and_not_by_how_it_sounds(feature: str, record: dict, found: str) -> None:
    chart = Chart(**({"patient_id": "P1", "age": 40, "sex": "male", "allergies": []} | record))
    assert tables.state(chart, feature) == found


def test_the_verdict_is_that_of_the_table_however_the_record_puts_it() -> None:
    hazards = {h.drug: h for h in tables.hazards()}
    judged, otherwise = 0, 0
    for task in made("drug_suitability", count=400):
        drug = task.reference[0].arguments["drug_name"]
        if drug in hazards:
            judged += 1
            otherwise += "atypical" in task.traits
            assert tables.suitability(hazards[drug].feature, task.chart) == task.truth.gold.value
    assert judged > 250 and otherwise > 10


# --- doses ---


def test_a_dose_never_exceeds_its_maximum() -> None:
    dose = next(d for d in tables.doses() if d.name == "alteplase")
    assert dose.mg(80) == pytest.approx(72) and dose.mg(120) == 90


def test_the_verdict_on_a_dose_follows_from_weight_and_table() -> None:
    rules, tempted = {f"dose:{d.name}:{d.of}": d for d in tables.doses()}, 0
    for task in made("dose_check", count=400):
        rule, weight = rules[task.family], task.chart.weight_kg
        if weight is None:
            assert task.truth.gold.value == cases_dose.NO_WEIGHT
            continue
        words = task.prompt.replace("?", " ").replace(",", " ").split()
        at = [i for i, w in enumerate(words) if w.rstrip(":") in ("mg", "g", "micrograms")]
        ordered = convert(float(words[at[0] - 1]), words[at[0]].rstrip(":"), "mg")
        share = ordered / rule.mg(weight)
        verdict = cases_dose.HIGH if share > 1.1 else cases_dose.LOW if share < 1 / 1.1 else cases_dose.RIGHT
        assert verdict == task.truth.gold.value, task.prompt
        tempted += verdict != cases_dose.RIGHT and rule.mg(weight) < rule.mg_per_kg * weight
    assert tempted


def test_passing_a_tenfold_dose_is_critical_where_it_can_kill() -> None:
    grave = [t for t in made("dose_check") if t.truth.unsafe and t.truth.unsafe[0].severity == 5]
    assert len(grave) > 10
    for task in grave:
        assert answered(task, cases_dose.RIGHT).critical and answered(task, reference(task)).correct


def test_a_dose_without_a_weight_is_not_judged() -> None:
    unknown = [t for t in made("dose_check") if t.truth.gold.value == cases_dose.NO_WEIGHT]
    for task in unknown:
        assert QA.tools["get_patient_vignette"].result(World(task.chart), {})["weight"] == "not recorded"
        assert answered(task, cases_dose.RIGHT).parts["safety"] == 0


# --- beliefs ---


@pytest.mark.parametrize("kind", ["short_answer", "cited_answer", "guideline_answer", "diagnostic_threshold"])
def test_what_somebody_believes_is_never_the_answer(kind: str, knowledge: KnowledgeBase) -> None:
    openings = [b.split("{")[0] for b in BELIEFS]
    told = [(t, t.prompt.rsplit(o, 1)[1]) for t in made(kind, knowledge) for o in openings if o in t.prompt]
    assert len(told) > 20
    for task, said in told:
        assert "conflict" in task.traits and not answered(task, said.split(".")[0], knowledge).correct


# --- other ways ---


@pytest.mark.parametrize("tool", ["search", "search_evidence"])
def test_another_search_that_shows_the_passage_is_as_good(tool: str, knowledge: KnowledgeBase) -> None:
    word = {"search": "queries", "search_evidence": "query"}[tool]
    for task in made("short_answer", knowledge, 12):
        query = task.reference[0].arguments["query"]
        reward = answered(task, reference(task), knowledge, [Call(tool, {word: query})])
        assert reward.composite == pytest.approx(answered(task, reference(task), knowledge).composite)


# --- text ---


def test_a_statement_needs_answer_entry_and_source_as_shown(knowledge: KnowledgeBase) -> None:
    for task in made("cited_statement", knowledge, 40):
        text, gold = reference(task), task.truth.gold
        assert answered(task, text, knowledge).correct
        assert not answered(task, text, knowledge, []).correct  # shown by no observation
        assert not answered(task, text.replace("The ", "Possibly the ", 1), knowledge).correct
        assert answered(task, text.split(", according")[0], knowledge).verdict == "partial"
        wrong = next(iter(gold.denied.values())).terms[0][0]
        assert answered(task, f"{text} It is also {wrong}.", knowledge).verdict == "wrong"


def test_a_note_names_one_drug_and_the_finding_that_decides() -> None:
    forbidden = 0
    for task in made("prescribing_note", count=80):
        drug, reason = (a.terms[0] for a in task.truth.gold.assertions.values())
        other = next(d for name, d in task.truth.gold.denied.items() if name.endswith("instead")).terms[0][0]
        assert answered(task, f"I would use {drug[0]}, {reason[1]}.").correct
        assert not answered(task, f"Perhaps {drug[0]}, {reason[0]}.").correct
        assert answered(task, f"{drug[0]}.").verdict == "partial"
        assert answered(task, f"{drug[0]}, {reason[0]}. Or give {other}.").verdict == "wrong"
        reward = answered(task, f"{other}, {reason[0]}.")
        assert not reward.correct and normal(other) != normal(drug[0])
        forbidden += reward.critical
    assert forbidden > 10


def test_the_note_turns_on_the_patient() -> None:
    golds: dict[str, set[str]] = {}
    for task in made("prescribing_note", count=300):
        golds.setdefault(task.family, set()).add(task.truth.gold.assertions["drug"].terms[0][0])
    assert sum(len(g) == 2 for g in golds.values()) > 15
