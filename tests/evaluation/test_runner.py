"""An evaluation asks each item once, keeps what it was told, and writes one honest scorecard."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from evaluation import runner
from evaluation.benchmarks import BENCHMARKS, Benchmark
from evaluation.item import Item, Score
from evaluation.policies import Scripted, policy_of
from evaluation.runner import DEFAULT_PROTOCOL, Bench, Protocol, answers, evaluate
from evaluation.suites import Part, parts_of, sample
from medgym_core.errors import MedGymError

SPEC = BENCHMARKS["medqa"]
OPTIONS = {"A": "rest", "B": "surgery", "C": "ice", "D": "heat"}


def items_of(count: int, letters: str = "ABCD") -> list[Item]:
    golds = [letters[n % len(letters)] for n in range(count)]
    return [
        Item(f"t/{n:05d}", f"Question {n}?", gold, OPTIONS, group="ab"[n % 4 == 0], cluster=f"c{n // 2}")
        for n, gold in enumerate(golds)
    ]


class Counting:
    """A scripted policy that counts how often each item is asked."""

    def __init__(self, chunk: int = 16):
        self.asked: Counter[str] = Counter()
        self.policy = Scripted("counting", "counting", self._answer, chunk)

    def _answer(self, item: Item) -> str:
        self.asked[item.id] += 1
        return "B"


def test_a_second_evaluation_asks_nothing_and_a_larger_sample_asks_what_is_new(tmp_path: Path) -> None:
    counting, benchmark, bench = Counting(), Benchmark(SPEC, items_of(100)), Bench(None, tmp_path)
    some = sample(benchmark.items, 40, 0)
    first = answers(counting.policy, benchmark, some, "text", bench)
    assert first.equals(answers(counting.policy, benchmark, some, "text", bench))
    whole = answers(counting.policy, benchmark, benchmark.items, "text", bench)
    assert set(counting.asked.values()) == {1} and len(counting.asked) == 100
    assert whole.column("item_id").to_pylist() == [item.id for item in benchmark.items]
    assert not [p for p in tmp_path.rglob("*") if p.name.startswith(".")]


def test_a_changed_prompt_mode_limit_or_item_asks_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    counting, benchmark, bench = Counting(), Benchmark(SPEC, items_of(4)), Bench(None, tmp_path)

    def asked(benchmark=benchmark, mode="text", protocol=DEFAULT_PROTOCOL) -> int:
        before = counting.asked.total()
        answers(counting.policy, benchmark, benchmark.items, mode, bench, protocol)
        return counting.asked.total() - before

    assert asked() == 4 and asked() == 0
    assert asked(mode="logprob") == 4 and asked(mode="agentic") == 4
    assert asked(protocol=Protocol(answer_tokens=7)) == 4
    assert asked(Benchmark(SPEC, [replace(item, context="x") for item in benchmark.items])) == 4
    monkeypatch.setattr(runner.prompts, "NOT_SHOWN", "{count}")
    assert asked() == 4 and asked(mode="agentic") == 4


def test_a_changed_scorer_scores_the_kept_texts_anew(tmp_path: Path) -> None:
    counting, benchmark, bench = Counting(), Benchmark(SPEC, items_of(8)), Bench(None, tmp_path)
    before = answers(counting.policy, benchmark, benchmark.items, "text", bench)

    def other(text: str, item: Item) -> Score:
        return Score("wrong", 0.5, text, {"length": float(len(text))})

    changed = Benchmark(replace(SPEC, score=other), benchmark.items)
    after = answers(counting.policy, changed, benchmark.items, "text", bench)
    assert counting.asked.total() == 8 and set(after.column("value").to_pylist()) == {0.5}
    assert after.column("text").equals(before.column("text"))
    assert answers(counting.policy, changed, benchmark.items, "text", bench).equals(after)
    assert answers(counting.policy, benchmark, benchmark.items, "text", bench).equals(before)


def test_a_broken_file_of_kept_answers_is_named(tmp_path: Path) -> None:
    counting, benchmark, bench = Counting(), Benchmark(SPEC, items_of(8)), Bench(None, tmp_path)
    answers(counting.policy, benchmark, benchmark.items, "text", bench)
    (file,) = tmp_path.rglob("*.parquet")
    file.write_bytes(b"cut off")
    with pytest.raises(MedGymError, match=file.name):
        answers(counting.policy, benchmark, benchmark.items, "text", bench)


KILLED = """
import sys, time
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_runner import SPEC, items_of
from evaluation.benchmarks import Benchmark
from evaluation.policies import Scripted
from evaluation.runner import Bench, answers

log, slow_from = open({log!r}, "a"), int(sys.argv[1])

def answer(item):
    print(item.id, file=log, flush=True)
    if int(item.id[2:]) >= slow_from:
        time.sleep(60)
    return "B"

items = items_of(200)
answers(Scripted("p", "p", answer, 16), Benchmark(SPEC, items), items, {mode!r}, Bench(None, Path({kept!r})))
"""


@pytest.mark.parametrize("mode", ["text", "agentic"])
def test_killed_half_way_it_repeats_no_finished_item(tmp_path: Path, mode: str) -> None:
    """kill -9 in the middle; then the rest. Only the chunk under way is asked again."""
    log, kept = tmp_path / "asked.log", tmp_path / "kept"
    code = KILLED.format(tests=str(Path(__file__).parent), log=str(log), kept=str(kept), mode=mode)
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    begun = subprocess.Popen([sys.executable, "-c", code, "100"], env=environment)
    deadline = time.monotonic() + 60
    while "t/00100" not in (log.read_text() if log.exists() else "") and time.monotonic() < deadline:
        time.sleep(0.05)
    begun.send_signal(signal.SIGKILL)
    assert begun.wait() == -signal.SIGKILL
    finished = {name for path in kept.rglob("*.parquet") for name in pq.read_table(path)["item_id"].to_pylist()}
    assert len(finished) == 96, "six chunks of 16 were finished before item 100"
    subprocess.run([sys.executable, "-c", code, "1000"], env=environment, check=True)
    asked = Counter(log.read_text().split())
    assert len(asked) == 200 and {name for name, times in asked.items() if times > 1} == {
        f"t/{n:05d}" for n in range(96, 101)
    }


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Benchmark:
    """MedQA with 80 items of our own."""
    found = Benchmark(SPEC, items_of(80, "AABC"))
    monkeypatch.setattr(runner, "load_benchmark", lambda name, root: found)
    return found


def scorecard(parts: list[Part], kept: Path | None = None) -> dict:
    name = "script:hash_letter"
    return evaluate([name], {name: policy_of(name)}, "medqa", parts, Bench(None, kept))


def test_the_scorecard_says_everything_that_is_promised(small: Benchmark, tmp_path: Path) -> None:
    found = scorecard([Part("medqa", "logprob"), Part("medqa", "text", 40)], tmp_path)
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["policy"]["name"] == "script:hash_letter" and found["protocol"]["digest"]
    first, second = found["parts"]
    assert (first["mode"], first["items"], second["mode"], second["items"]) == ("logprob", 80, "text", 40)
    oracle = first["estimates"]["oracle"]
    assert oracle["value"] == 1 and oracle["n"] == 80 and oracle["clusters"] == 40
    ours = first["estimates"]["script:hash_letter"]
    assert ours["low"] <= ours["value"] <= ours["high"] and 0 < ours["detectable"] < 1
    assert first["estimates"]["null:always_A"]["value"] == 0.5
    assert set(first["groups"]) == {"a", "b"} and first["groups"]["b"]["oracle"]["n"] == 20
    (comparison,) = first["comparisons"]
    assert comparison["against"] == "null:always_A" and comparison["p_mcnemar"] is None, "items share clusters"
    assert all(c["p_holm"] >= c["p"] for part in found["parts"] for c in part["comparisons"])
    assert first["details"]["null:all_options"]["unparsable"] == 1
    failure = first["failures"][0]
    assert len(first["failures"]) == 20 and failure["verdict"] == "wrong"
    assert [m["role"] for m in failure["messages"]] == ["system", "user", "assistant"]
    assert any("80 of 1,273 published" in note for note in first["notes"])
    assert any("sample of 40 of 80" in note for note in second["notes"])


def test_the_same_answers_give_the_same_scorecard(small: Benchmark, tmp_path: Path) -> None:
    parts = [Part("medqa", "agentic", 40)]
    first = scorecard(parts, tmp_path)
    assert first == scorecard(parts, tmp_path) == scorecard(parts)
    conversation = first["parts"][0]["failures"][0]["messages"]
    assert [m["role"] for m in conversation] == ["system", "user", "assistant", "tool", "assistant"]


def test_comparisons_are_corrected_over_all_parts(small: Benchmark) -> None:
    alone = scorecard([Part("medqa", "text")])["parts"][0]["comparisons"][0]
    among = scorecard([Part("medqa", "text")] * 5)["parts"][0]["comparisons"][0]
    assert among["p"] == alone["p"] and among["p_holm"] == pytest.approx(min(1, 5 * alone["p_holm"]))


def test_medgym_tasks_are_parts_by_domain_and_metric(knowledge, small_tasks, tmp_path: Path) -> None:
    tasks = [t for t in small_tasks if t.domain in ("medical_qa", "triage_emergency")][::6]
    arguments = (["null:submit_at_once"], {}, "agentic", [Part("agentic", "agentic")], Bench(None, tmp_path, knowledge))
    found = evaluate(*arguments, tasks=lambda limit: tasks)
    assert [(p["name"], p["metric"]) for p in found["parts"]] == [
        (f"medgym/{domain}", metric)
        for domain in ("medical_qa", "triage_emergency")
        for metric in ("accuracy", "composite")
    ]
    for part in found["parts"]:
        assert part["estimates"]["oracle"]["value"] >= 0.95 and part["estimates"]["oracle"]["n"] == 10
    with pytest.raises(MedGymError, match="null:submit_at_once"):
        evaluate(["null:always_A"], *arguments[1:], tasks=lambda limit: tasks)


def test_a_sample_has_every_group_with_its_share_and_is_not_the_first_items() -> None:
    items = items_of(400)
    chosen = sample(items, 40, 0)
    assert Counter(item.group for item in chosen) == {"a": 30, "b": 10}
    assert chosen == sample(items[::-1], 40, 0)[::-1] and chosen != items[:40] and chosen != sample(items, 40, 1)
    assert len({i.id for i in chosen} & {i.id for i in sample(items, 80, 0)}) == 40
    assert sample(items, None, 0) == sample(items, 400, 0) == items
    assert len(sample(items, 3, 0)) == 3


def test_suites_name_their_parts(tmp_path: Path) -> None:
    here = ["medqa", "medmcqa"]
    assert {p.name for p in parts_of("nightly", None, here=here)} == {*here, "agentic"}
    assert {p.limit for p in parts_of("full", None, here=here)} == {None}
    assert parts_of("medqa,agentic", None, 7, "text", here) == [Part("medqa", "text", 7), Part("agentic", "agentic", 7)]
    with pytest.raises(MedGymError, match="did you mean 'nightly'"):
        parts_of("nightli", tmp_path)
    with pytest.raises(MedGymError, match="no benchmark files.*phrases_no_exclude"):
        parts_of("medqa", tmp_path)
    with pytest.raises(MedGymError, match="unknown benchmark mode"):
        parts_of("medqa", None, None, "letters", here)


def test_twenty_thousand_items_would_take_seconds() -> None:
    """`benchmarks/evaluation_speed.py` measures it whole; the bound here is loose for a busy machine."""
    items = items_of(4000)
    policy = policy_of("script:hash_letter")
    began = time.process_time()
    answers(policy, Benchmark(SPEC, items), items, "logprob", Bench(None))
    assert 4000 / (time.process_time() - began) > 1000
