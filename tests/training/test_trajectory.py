"""Trajectories survive Parquet unchanged, and broken ones are refused."""

import msgspec
import pyarrow.parquet as pq
import pytest

from medgym_core.errors import MedGymError
from medgym_core.probes import reference_texts
from medgym_core.rewards import per_turn
from training.config import PolicyConfig
from training.policy import build_base_policy
from training.rollout import play_script, rollout_scripted
from training.trajectory import content_digest, read_trajectories, validate, write_trajectories


def test_parquet_gives_back_what_was_written(episodes, tmp_path):
    digest = write_trajectories(tmp_path / "a.parquet", episodes)
    again = read_trajectories(tmp_path / "a.parquet")
    assert again == episodes
    assert content_digest(again) == digest
    assert [p.name for p in tmp_path.iterdir()] == ["a.parquet"]


def test_nullable_arrays_survive(episodes, tmp_path):
    t = msgspec.structs.replace(episodes[0])
    t.teacher_logprobs = [None if not s else -0.5 for s in t.sampled]
    t.distill_mask = t.sampled
    t.sampler_logprobs = None
    write_trajectories(tmp_path / "a.parquet", [t])
    assert read_trajectories(tmp_path) == [t]


def test_digest_ignores_wall_time_and_nothing_else(episodes):
    digest = content_digest(episodes)
    assert content_digest([msgspec.structs.replace(t, milliseconds=7.0) for t in episodes]) == digest
    for change in ({"reward": 0.123}, {"token_ids": episodes[0].token_ids[:-1]}, {"sample": 9}, {"hint_kind": "x"}):
        assert content_digest([msgspec.structs.replace(episodes[0], **change), *episodes[1:]]) != digest
    assert content_digest(episodes[::-1]) != digest


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: {"role": t.role[:-1]}, "role has the wrong length"),
        (lambda t: {"sampled": [True] * len(t.sampled)}, "outside an assistant turn"),
        (lambda t: {"turn_id": [-1] * len(t.sampled)}, "outside an assistant turn"),
        (lambda t: {"turn_id": [1 - x if x >= 0 else -1 for x in t.turn_id]}, "out of order"),
        (lambda t: {"turns": 7}, "number of turns"),
        (lambda t: {"turn_parts": [{"process": 1.0}]}, "turns with parts; got 1; expected 2"),
        (lambda t: {"turn_parts": [{"process": 1.0}, {"process": float("nan")}]}, "not a number.*turn 1"),
    ],
)
def test_broken_invariants_are_refused(episodes, change, message, tmp_path):
    t = next(t for t in episodes if t.turns == 2)
    broken = msgspec.structs.replace(t, **change(t))
    with pytest.raises(MedGymError, match=message):
        validate(broken)
    with pytest.raises(MedGymError, match=message):
        write_trajectories(tmp_path / "a.parquet", [broken])
    assert not list(tmp_path.iterdir())


def test_missing_or_foreign_files_are_named(tmp_path):
    with pytest.raises(MedGymError, match="no trajectories.*nowhere"):
        read_trajectories(tmp_path / "nowhere")
    (tmp_path / "x.parquet").write_text("not parquet")
    with pytest.raises(MedGymError, match="unreadable trajectories.*x.parquet"):
        read_trajectories(tmp_path / "x.parquet")


@pytest.fixture(scope="module")
def played(small_tasks, knowledge, tmp_path_factory):
    """Reference episodes of the world, each after one unreadable call: (tasks, their texts, records)."""
    config = PolicyConfig(vocabulary=600, whole_words=0, hidden=32, layers=2, heads=2)
    reader = build_base_policy(["a patient with pain"], tmp_path_factory.mktemp("reader"), config, 0)
    tasks = [t for t in small_tasks if len(t.reference) < t.max_turns][::9]
    texts = {t.id: ["<tool_call>{", *reference_texts(t)] for t in tasks}
    return tasks, texts, rollout_scripted(reader, tasks, lambda t: texts[t.id], knowledge, name="slip")


def test_each_turn_holds_what_it_brought(played, knowledge):
    tasks, texts, records = played
    for task, t in zip(tasks, records, strict=True):
        episode = play_script(task, texts[task.id], knowledge)
        assert t.turn_parts == per_turn(episode.score(), episode.events) and len(t.turn_parts) == t.turns
        assert [p["format"] for p in t.turn_parts] == [0.0] + [1.0] * (t.turns - 1)
        assert t.turn_parts[0]["process"] == 0.0 and not any(p["severity"] for p in t.turn_parts)
    assert any(sum(p["process"] for p in t.turn_parts) == pytest.approx(1.0) for t in records)


def test_parts_of_turns_survive_parquet(played, episodes, tmp_path):
    assert all(t.turn_parts is None for t in episodes)  # the control task has none
    both = [*played[2], *episodes]
    write_trajectories(tmp_path / "a.parquet", both)
    assert read_trajectories(tmp_path) == both
    changed = [msgspec.structs.replace(both[0], turn_parts=None), *both[1:]]
    assert content_digest(changed) != content_digest(both)


def test_files_from_before_a_column_read_with_its_default(played, tmp_path):
    write_trajectories(tmp_path / "a.parquet", played[2])
    table = pq.read_table(tmp_path / "a.parquet")
    pq.write_table(table.drop_columns(["turn_parts", "degenerate"]), tmp_path / "a.parquet")
    assert read_trajectories(tmp_path) == [msgspec.structs.replace(t, turn_parts=None) for t in played[2]]


def test_a_file_without_another_column_is_refused(played, tmp_path):
    write_trajectories(tmp_path / "a.parquet", played[2])
    table = pq.read_table(tmp_path / "a.parquet")
    pq.write_table(table.drop_columns(["parts", "turn_parts"]), tmp_path / "a.parquet")
    with pytest.raises(MedGymError, match=r"columns are missing; got \['parts'\].*a.parquet"):
        read_trajectories(tmp_path)
