"""DuckDB gives what Python counts, on files of every age; versions are kept apart; anything a record holds survives."""

from collections import defaultdict

import duckdb
import msgspec
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medgym_core.errors import MedGymError
from training.columns import VERSION_KEY
from training.engine import Scene, jobs_of, play
from training.players import player
from training.recording import record_run
from training.rollout import DEFAULT_LIMITS
from training.trajectory import (
    ASSISTANT,
    StopReason,
    Trajectory,
    content_digest,
    iter_trajectories,
    read_trajectories,
    require_tokens,
    validate,
    write_trajectories,
)
from training.trajectory_views import rows, views

PARTS = ("process", "format", "severity")
NAMES = st.text(max_size=12)
NUMBERS = st.floats(allow_nan=False, width=32)


@st.composite
def trajectories(draw):
    """Any record that keeps the invariants."""
    turns = draw(st.integers(0, 3))
    tokens = draw(st.booleans())
    ids, sampled, turn_id, role = [], [], [], []
    for turn in range(turns if tokens else 0):
        for kind in (0, 1, 3, ASSISTANT):
            count = draw(st.integers(1 if kind == ASSISTANT else 0, 3))
            ids += draw(st.lists(st.integers(0, 2**31 - 1), min_size=count, max_size=count))
            role += [kind] * count
            turn_id += [turn if kind == ASSISTANT else -1] * count
            sampled += [kind == ASSISTANT and draw(st.booleans())] * count

    def each(values):
        return draw(st.none() | st.lists(values, min_size=len(ids), max_size=len(ids)))

    def by_turn(values):
        return draw(st.none() | st.lists(values, min_size=turns, max_size=turns))

    messages = st.fixed_dictionaries({"role": st.sampled_from(["user", "assistant", "tool"]), "content": st.text()})
    parts = st.dictionaries(NAMES, NUMBERS, max_size=3)
    return Trajectory(
        policy=draw(NAMES), task=draw(st.text()), domain=draw(NAMES), split="train", seed=draw(st.integers(0, 2**60)),
        sample=draw(st.integers(0, 9)), group=draw(NAMES), messages=draw(st.lists(messages, max_size=4)),
        token_ids=ids, sampled=sampled, turn_id=turn_id, role=role, sampler_logprobs=each(NUMBERS),
        advantages=each(NUMBERS), teacher_logprobs=each(st.none() | NUMBERS), distill_mask=each(st.booleans()),
        reward=draw(NUMBERS), shaped_reward=draw(st.none() | NUMBERS), accuracy=draw(NUMBERS),
        correct=draw(st.booleans()), parts=draw(parts), turn_rewards=[0.5] * turns,
        turn_parts=by_turn(st.dictionaries(NAMES, st.floats(0, 1), max_size=2)), turn_tools=by_turn(NAMES),
        turn_errors=by_turn(st.booleans()), stop=draw(st.sampled_from(StopReason)), turns=turns, tool_calls=1,
        tool_errors=0, writes=0, milliseconds=draw(st.floats(0, 1e6)),
        provenance=draw(st.dictionaries(NAMES.filter(lambda n: n != "tokens"), NAMES, max_size=2))
        | ({} if tokens or not turns else {"tokens": "none"}),
    )  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(st.lists(trajectories(), max_size=5))
def test_anything_a_record_may_hold_survives_parquet(tmp_path_factory, found):
    file = tmp_path_factory.mktemp("any") / "a.parquet"
    digest = write_trajectories(file, found)
    again = read_trajectories(file)
    assert again == found and content_digest(again) == digest
    assert pq.read_schema(file).metadata[VERSION_KEY] == b"2"


@pytest.fixture(scope="module")
def some(small_tasks):
    """Tasks of two domains or more, several a domain."""
    return small_tasks[::12]


@pytest.fixture(scope="module")
def recorded(some, knowledge, tmp_path_factory):
    """A run of an agent that errs: (folder, its records)."""
    out = tmp_path_factory.mktemp("views") / "it's a run"
    record_run(player("null:random_tools"), some, 3, 0, out, knowledge, part=7)
    return out, read_trajectories(out)


def test_an_agent_without_a_tokenizer_is_recorded_without_tokens(recorded, some, knowledge):
    _, found = recorded
    assert {t.policy for t in found} == {"null:random_tools"} and len(found) == 3 * len(some)
    assert all(validate(t).provenance["tokens"] == "none" and not t.token_ids for t in found)
    with pytest.raises(MedGymError, match="cannot be trained on"):
        require_tokens(found)
    with player("null:random_tools").voice(DEFAULT_LIMITS, 0) as voice:
        replayed = play(voice, Scene("null:random_tools", 0, knowledge), jobs_of(some, 3))
        assert {t.key: t.messages for _, t in replayed} == {t.key: t.messages for t in found}
    assert len({str(t.messages) for t in found if t.task == some[0].id}) > 1  # samples of a random agent differ


def test_views_count_what_python_counts(recorded):
    out, found = recorded
    with duckdb.connect() as con:
        views(con, out)
        answer = rows(con, "SELECT domain, turns, avg(correct::int) c, count(*) n FROM episodes GROUP BY ALL")
        by_key = {r["key"]: r for r in rows(con, "SELECT * FROM episodes")}
        turns = rows(con, "SELECT * FROM turns ORDER BY key, turn")
    groups = defaultdict(list)
    for t in found:
        groups[t.domain, t.turns].append(t.correct)
    assert {(r["domain"], r["turns"]): (r["c"], r["n"]) for r in answer} == {
        k: (sum(v) / len(v), len(v)) for k, v in groups.items()
    }
    for t in found:
        row = by_key[t.key]
        assert all(
            row[name] == getattr(t, name) for name in ("policy", "task", "sample", "group", "reward", "tool_errors")
        )
        assert (row["tokens"], row["sampled_tokens"], dict(row["parts"])) == (0, 0, t.parts)
    expected = [
        (t.key, n, t.turn_tools[n], t.turn_errors[n], t.turn_rewards[n], *(t.turn_parts[n][p] for p in PARTS))
        for t in sorted(found, key=lambda t: t.key)
        for n in range(t.turns)
    ]
    names = ("key", "turn", "tool", "error", "reward", *PARTS)
    assert [tuple(r[name] for name in names) for r in turns] == expected
    assert any(r["tool"] for r in turns) and any(r["error"] for r in turns)


def test_views_count_tokens_by_turn(episodes, tmp_path):
    write_trajectories(tmp_path / "a.parquet", episodes)
    with duckdb.connect() as con:
        views(con, tmp_path)
        turns = rows(con, "SELECT key, turn, sampled_tokens, tool FROM turns ORDER BY key, turn")
        totals = {r["key"]: (r["tokens"], r["sampled_tokens"]) for r in rows(con, "SELECT * FROM episodes")}
    assert totals == {t.key: (len(t.token_ids), t.sampled_tokens) for t in episodes}
    expected = [(t.key, n, c, None) for t in sorted(episodes, key=lambda t: t.key) for n, c in enumerate(t.turn_tokens)]
    assert [tuple(r.values()) for r in turns] == expected
    assert all(sum(t.turn_tokens) == t.sampled_tokens for t in episodes)


def test_a_file_of_the_first_version_reads_and_is_viewed(episodes, tmp_path):
    file = tmp_path / "a.parquet"
    write_trajectories(file, episodes)
    old = pq.read_table(file).drop_columns(
        ["turn_tools", "turn_errors", "turn_tokens", "turn_parts", "degenerate", "key", "tokens", "sampled_tokens"]
    )
    pq.write_table(old.replace_schema_metadata(None), file)
    assert read_trajectories(file) == episodes
    with duckdb.connect() as con:
        views(con, file)
        totals = rows(con, "SELECT tokens, sampled_tokens, key, degenerate FROM episodes")
        assert rows(con, "SELECT count(*) n FROM turns") == [{"n": sum(t.turns for t in episodes)}]
    assert [tuple(r.values()) for r in totals] == [(len(t.token_ids), t.sampled_tokens, None, "") for t in episodes]


def test_a_file_of_a_newer_version_is_refused(episodes, tmp_path):
    file = tmp_path / "a.parquet"
    write_trajectories(file, episodes)
    pq.write_table(pq.read_table(file).replace_schema_metadata({VERSION_KEY: b"3"}), file)
    with pytest.raises(MedGymError, match="newer version; got 3; expected at most 2.*a.parquet"):
        read_trajectories(file)
    with duckdb.connect() as con, pytest.raises(MedGymError, match="newer version"):
        views(con, file)


def test_rows_of_another_kind_are_told(episodes, tmp_path):
    file = tmp_path / "a.parquet"
    write_trajectories(file, episodes)
    table = pq.read_table(file)
    pq.write_table(table.set_column(table.schema.get_field_index("stop"), "stop", [["asleep"] * len(episodes)]), file)
    with pytest.raises(MedGymError, match="unreadable trajectories.*asleep.*a.parquet"):
        read_trajectories(file)


def test_a_reader_holds_a_row_group_not_the_file(recorded, monkeypatch):
    out, found = recorded
    stream = iter_trajectories(out)
    assert next(stream) == found[0]
    opened = []
    real = pq.ParquetFile.read_row_group
    monkeypatch.setattr(pq.ParquetFile, "read_row_group", lambda *a, **k: opened.append(a) or real(*a, **k))
    for _ in range(6):
        next(stream)
    assert not opened  # the rest of the first part was there
    assert next(stream) == found[7] and len(opened) == 1


def test_a_path_that_duckdb_would_expand_is_refused(episodes, tmp_path):
    write_trajectories(tmp_path / "a[1].parquet", episodes)
    with duckdb.connect() as con, pytest.raises(MedGymError, match="as a pattern"):
        views(con, tmp_path / "a[1].parquet")


def test_the_key_names_task_sample_seed_and_policy(episodes):
    first = episodes[0]
    keys = {first.key} | {
        msgspec.structs.replace(first, **change).key
        for change in ({"task": "x"}, {"sample": 9}, {"seed": 5}, {"policy": "x"}, {"reward": 0.123})
    }
    assert len(keys) == 5 and all(len(k) == 16 for k in keys)
