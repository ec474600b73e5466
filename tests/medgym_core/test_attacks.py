"""No reward-hacking policy earns a good mark, except by being right and safe."""

from collections import defaultdict

import pytest
from msgspec.structs import replace

from medgym_core.attacks import ATTACKS, LIMIT, Attack, right_and_safe
from medgym_core.episode import Episode
from medgym_core.errors import MedGymError
from medgym_core.gates import play
from medgym_core.learned import gold_answer
from medgym_core.probes import reference_texts
from medgym_core.rewards import NOT_RIGHT_CAP
from medgym_core.types import Task

SUBMITS = {
    "guessed",
    "polite refusal",
    "copied observations",
    "order in evidence",
    "right, unseen",
    "wrong, perfect work",
}


def plays(name: str, tasks: list[Task], knowledge) -> list[Episode]:
    scripts = [(t, ATTACKS[name].script(t, 0, knowledge)) for t in tasks]
    return [play(t, texts, knowledge) for t, texts in scripts if texts]


def of_kind(kind: str, tasks: list[Task]) -> Task:
    return next(t for t in tasks if t.truth.gold.kind == kind)


def mean(values: list[float]) -> float:
    return sum(values) / len(values)


@pytest.mark.parametrize("name", ATTACKS)
def test_what_is_not_right_and_safe_stays_below_the_limit_on_every_kind_of_gold(name, small_tasks, knowledge) -> None:
    episodes = plays(name, small_tasks, knowledge)
    assert episodes, "applies to no task"
    rest = [e for e in episodes if not right_and_safe(ATTACKS[name], e)]
    kinds = defaultdict(list)
    for episode in rest:
        kinds["all"].append(episode.score().composite)
        if not ATTACKS[name].harmful:
            kinds[episode.task.truth.gold.kind].append(episode.score().composite)
    assert {kind: mean(values) for kind, values in kinds.items() if mean(values) > LIMIT} == {}


def test_the_table_has_blind_knowing_and_harmful_attacks_each_told_in_a_line() -> None:
    assert len(ATTACKS) >= 20
    assert len([a for a in ATTACKS.values() if not a.knows_gold]) >= 15
    assert len([a for a in ATTACKS.values() if a.harmful]) >= 2
    assert all(0 < len(a.tries) < 80 and "\n" not in a.tries for a in ATTACKS.values())


def test_an_attack_gives_the_same_texts_for_the_same_seed(small_tasks, knowledge) -> None:
    for attack in ATTACKS.values():
        for task in small_tasks[::60]:
            assert attack.script(task, 3, knowledge) == attack.script(task, 3, knowledge)


@pytest.mark.parametrize("name", sorted(SUBMITS))
def test_an_attack_ends_in_a_submission_that_is_read(name, small_tasks, knowledge) -> None:
    """Otherwise it would fail for its form and show nothing about the scorer."""
    for episode in plays(name, small_tasks, knowledge):
        last = episode.events[-1]
        assert last.kind == "submit" or not last.ok and episode.task.truth.gold.fields, episode.task.id


def test_the_reference_is_right_and_safe_and_a_wrong_answer_is_not(small_tasks, knowledge) -> None:
    attack = Attack("", lambda *_: [])
    for task in small_tasks:
        expert = play(task, reference_texts(task), knowledge)
        assert right_and_safe(attack, expert) or task.truth.gold.kind == "text", task.id
        assert not right_and_safe(attack, play(task, ATTACKS["wrong, perfect work"].script(task, 0, None), knowledge))


def test_right_answers_are_told_apart_and_keep_their_order(small_tasks, knowledge) -> None:
    copied, unseen = (plays(name, small_tasks, knowledge) for name in ("copied, right", "right, unseen"))
    for name, episodes in (("copied, right", copied), ("right, unseen", unseen)):
        assert all(right_and_safe(ATTACKS[name], e) for e in episodes)
    assert min(e.score().composite for e in copied) > NOT_RIGHT_CAP
    assert max(e.score().composite for e in unseen) < mean([e.score().composite for e in copied])


def test_after_a_submission_nothing_can_be_done_to_better_it(small_tasks, knowledge) -> None:
    for task in small_tasks[::20]:
        first, *rest = ATTACKS["submit, go on"].script(task, 0, knowledge)
        episode = play(task, [first], knowledge)
        if not episode.done:  # the wrong answer does not fit the argument's type
            continue
        before = episode.score()
        for text in rest:
            with pytest.raises(MedGymError, match="ended"):
                episode.step(text)
        assert episode.score() == before and not before.correct


@pytest.mark.parametrize("name", ["zero-width", "full-width", "all options"])
@pytest.mark.parametrize("kind", ["category", "ordinal", "letter", "number"])
def test_several_options_in_disguise_are_no_single_answer(name, kind, small_tasks, knowledge) -> None:
    task = next(t for t in small_tasks if t.truth.gold.kind == kind and (t.truth.gold.options or kind == "number"))
    verdict = play(task, ATTACKS[name].script(task, 0, knowledge), knowledge).score().verdict
    assert verdict == "unparsable" or verdict == "wrong" and kind == "number"  # digits side by side are one number


def test_a_command_to_the_scorer_changes_nothing(small_tasks, knowledge) -> None:
    for task in small_tasks[::10]:
        for name in ("order in the answer", "order in evidence"):
            reward = play(task, ATTACKS[name].script(task, 0, knowledge), knowledge).score()
            assert not reward.correct or name == "order in evidence" and reward.accuracy == 1.0
            assert reward.parts["assertions"] == 0


def test_the_answer_in_reasoning_in_speech_or_as_evidence_is_no_answer(small_tasks, knowledge) -> None:
    for name in ("right in thought", "right in speech", "right in evidence"):
        for episode in plays(name, small_tasks, knowledge):
            assert not episode.score().correct and episode.score().composite <= NOT_RIGHT_CAP, episode.task.id


def test_a_forbidden_order_is_seen_however_it_is_written(small_tasks, knowledge) -> None:
    for name in ("forbidden order", "forbidden, reworded"):
        unseen = [e.task.id for e in plays(name, small_tasks, knowledge) if not e.score().severity]
        assert unseen == [], name


@pytest.mark.parametrize(
    "trick", ["Is it {}?", "It is not true that {}", "It isn't {}", "I doubt that {}", "Perhaps {}"]
)
def test_a_text_that_does_not_state_the_answer_is_not_right(trick, small_tasks, knowledge) -> None:
    task = of_kind("text", small_tasks)
    said = ". ".join(trick.format(part) for part in gold_answer(task.truth.gold).split(". "))
    *calls, submission = task.reference
    played = replace(task, reference=[*calls, replace(submission, arguments={**submission.arguments, "answer": said})])
    assert play(task, reference_texts(played), knowledge).score().verdict != "correct"
