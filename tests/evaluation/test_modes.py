"""Whatever the mode, a policy that answers alike is scored alike; what it was not shown is counted."""

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from evaluation.agentic_items import make_episode
from evaluation.benchmarks import BENCHMARKS, Benchmark, load_benchmark, present
from evaluation.item import Item, Score
from evaluation.policies import Setting, null_policies, oracle, policy_of, scripted
from evaluation.predictions import predictions
from evaluation.prompts import INSTRUCTIONS, prompt_of
from evaluation.readers import ReadingVoice, one_turn
from evaluation.runner import Bench, answers
from evaluation.suites import modes_of, sample
from medgym_core.actions import render_call
from medgym_core.episode import images_of, text_of
from medgym_core.errors import MedGymError
from medgym_core.types import Call
from training.players import Player

SPEC = BENCHMARKS["medqa"]
NOWHERE = Bench(None)
TEXTS = ("acute appendicitis", "renal colic", "aortic dissection", "pancreatitis", "gastritis", "hepatitis")
ITEMS = [
    Item(f"m/{n}", f"Case {n}: pain.", "ABCDEF"[n % k], dict(zip("ABCDEF", TEXTS[:k], strict=False)))
    for n, k in enumerate([4, 5, 6, 3, 2, 4] * 10)
]


def hash_rows(spec, items, mode: str):
    return answers(policy_of("script:hash_letter"), Benchmark(spec, items), items, mode, NOWHERE)


def agree(spec, items) -> None:
    rows = {mode: hash_rows(spec, items, mode) for mode in modes_of(spec)}
    first = rows.pop("text")
    for other in rows.values():
        for column in ("item_id", "answer", "verdict", "value"):
            assert other.column(column).equals(first.column(column))


def test_one_policy_answers_alike_in_all_three_modes() -> None:
    agree(SPEC, ITEMS)
    rows = hash_rows(SPEC, ITEMS, "agentic")
    assert set(rows.column("answer").to_pylist()) == set("ABCDEF")
    play = [dict(pairs) for pairs in rows.column("play").to_pylist()]
    assert all(p == {"turns": 2, "tool_calls": 2, "tool_errors": 0, "no_submission": 0} for p in play)
    assert all('"role": "tool"' in text for text in rows.column("messages").to_pylist())


@pytest.mark.parametrize("name", [n for n, spec in BENCHMARKS.items() if spec.kind == "choice"])
def test_modes_agree_item_by_item_on_the_real_files(real_data: Path, name: str) -> None:
    if name not in present(real_data):
        pytest.skip(f"MEDGYM_DATA has no {BENCHMARKS[name].files[0]}")
    benchmark = load_benchmark(name, real_data)
    agree(benchmark.spec, sample(benchmark.items, 300, 0))


@pytest.mark.parametrize("mode", ["text", "logprob", "agentic"])
def test_gold_wins_and_constants_have_their_share_in_every_mode(mode: str) -> None:
    benchmark = Benchmark(SPEC, ITEMS)

    def mean(policy) -> float:
        values = answers(policy, benchmark, ITEMS, mode, NOWHERE).column("value").to_pylist()
        return sum(values) / len(values)

    assert mean(oracle(SPEC)) == 1
    for letter in "ABCDEF":
        constant = scripted(f"null:always_{letter}", ITEMS, SPEC)
        assert mean(constant) == sum(item.gold == letter for item in ITEMS) / len(ITEMS)
    assert mean(scripted("null:all_options", ITEMS, SPEC)) == 0


@pytest.mark.parametrize(
    ("kind", "item"),
    [
        ("short", Item("s/1", "Is it normal?", "no")),
        ("number", Item("n/1", "What is the BMI?", "23.5", bounds=(22.3, 24.7), unit="kg/m2")),
        ("long", Item("l/1", "What helps against pain?", "Rest helps against pain. " * 40, must_have=("rest",))),
    ],
)
def test_every_kind_of_item_is_played(kind: str, item: Item) -> None:
    seen = []

    def score(text: str, item: Item) -> Score:
        seen.append(text)
        return Score("correct", float(text == item.gold.strip() or text == item.gold), text)

    spec = replace(SPEC, kind=kind, score=score)
    for mode in modes_of(spec):
        found = oracle(spec).replies([item], spec, mode, Setting(16, 512))
        assert predictions([item], found, spec.score, mode).column("value").to_pylist() == [1.0]
    assert "logprob" not in modes_of(spec) and len(seen) == 2
    assert len(null_policies([item], spec)) >= 3


def test_an_episode_without_a_submission_is_unparsable() -> None:
    class Silent(ReadingVoice):
        pass

    policy = policy_of("script:hash_letter")
    found = replace(policy, voice=_with(Silent(lambda messages: "B")))
    rows = answers(found, Benchmark(SPEC, ITEMS), ITEMS[:3], "agentic", NOWHERE).to_pylist()
    assert {row["verdict"] for row in rows} == {"unparsable"}
    assert all(dict(row["play"])["no_submission"] == 1 and dict(row["play"])["turns"] == 8 for row in rows)


def test_the_environment_shows_the_same_question_and_says_what_kind_of_answer() -> None:
    item = replace(ITEMS[0], context="A note.", before=({"role": "user", "content": "Hello."},))
    episode, prompt = make_episode(item, SPEC, None), prompt_of(item, "choice")
    assert episode.messages[1:] == prompt.messages[1:]
    assert episode.messages[0]["content"].endswith(INSTRUCTIONS["choice"])
    assert "submit_answer" in {tool["function"]["name"] for tool in episode.tools}
    told = episode.step(render_call(Call("get_patient_vignette", {})))
    assert told.error and "no patient" in told.message["content"]


def test_pictures_reach_a_policy_that_sees_and_are_counted_for_another(tmp_path: Path) -> None:
    Image.new("RGB", (8, 6), (200, 10, 10)).save(tmp_path / "a.jpg")
    item = replace(ITEMS[0], images=(tmp_path / "a.jpg", tmp_path / "absent.jpg"))
    seen, unseen = prompt_of(item, "choice", sees=True), prompt_of(item, "choice")
    assert seen.images_missing == 1 and unseen.images_missing == 2
    assert len(images_of(seen.messages[-1])) == 1 and "1 of the pictures" in text_of(seen.messages[-1])
    assert make_episode(item, SPEC, None, sees=True).messages[-1] == seen.messages[-1]
    policy = policy_of("script:hash_letter")
    for sees, missing in ((True, 1), (False, 2)):
        for mode in ("text", "logprob", "agentic"):
            rows = answers(replace(policy, sees=sees), Benchmark(SPEC, [item]), [item], mode, NOWHERE)
            assert rows.column("images_missing").to_pylist() == [missing]


def test_a_file_that_is_no_picture_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"no picture")
    with pytest.raises(MedGymError, match=r"a\.jpg"):
        prompt_of(replace(ITEMS[0], images=(tmp_path / "a.jpg",)), "choice", sees=True)


def test_unknown_names_list_the_valid_ones() -> None:
    with pytest.raises(MedGymError, match="script:hash_letter"):
        policy_of("script:nothing")
    with pytest.raises(MedGymError, match="null:always_A"):
        scripted("null:nothing", ITEMS, SPEC)
    with pytest.raises(MedGymError, match="did you mean 'logprob'|one of text"):
        answers(oracle(SPEC), Benchmark(SPEC, ITEMS), ITEMS, "logprobs", NOWHERE)


def _with(voice):
    from contextlib import contextmanager

    @contextmanager
    def opened(limits, seed):
        yield voice

    return opened


def test_a_model_behind_a_server_answers_in_episodes_of_one_turn() -> None:
    served = Player("served", "served", _with(ReadingVoice(lambda messages: text_of(messages[-1])[-4:])))
    prompts = [prompt_of(item, "choice").messages for item in ITEMS[:3]]
    found = one_turn(served, prompts, most=8, room=1000)
    assert [one.text for one in found] == [text_of(messages[-1])[-4:] for messages in prompts]
