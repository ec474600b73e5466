"""The task set: deterministic, split by family, read back strictly."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from medgym_core.errors import MedGymError
from medgym_core.tasks import build_task_set, read_tasks, tasks_digest, write_tasks


def test_the_same_seed_gives_the_same_tasks_and_another_gives_others(knowledge) -> None:
    first, again, other = (build_task_set(s, 12, knowledge) for s in (1, 1, 2))
    assert tasks_digest(first) == tasks_digest(again) != tasks_digest(other)


def test_tasks_survive_the_file(small_tasks, tmp_path) -> None:
    write_tasks(tmp_path / "t.parquet", small_tasks)
    assert read_tasks(tmp_path / "t.parquet") == small_tasks
    assert list(tmp_path.iterdir()) == [tmp_path / "t.parquet"]


def test_reading_without_truth_gives_no_gold(small_tasks, tmp_path) -> None:
    write_tasks(tmp_path / "t.parquet", small_tasks)
    assert all(t.truth.gold.value == "" and not t.reference for t in read_tasks(tmp_path / "t.parquet", truth=False))


def test_an_unknown_domain_lists_the_valid_ones(small_tasks, tmp_path) -> None:
    write_tasks(tmp_path / "t.parquet", small_tasks)
    with pytest.raises(MedGymError, match="did you mean 'triage_emergency'"):
        read_tasks(tmp_path / "t.parquet", domain="triage_emergncy")


def test_a_bad_row_is_named(small_tasks, tmp_path) -> None:
    write_tasks(tmp_path / "t.parquet", small_tasks)
    rows = pq.read_table(tmp_path / "t.parquet").to_pylist()
    rows[2]["chart"] = '{"patient_id": 7}'
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "bad.parquet")
    with pytest.raises(MedGymError, match=r"bad chart.*row 3"):
        read_tasks(tmp_path / "bad.parquet")


def test_a_file_that_is_not_parquet_is_one_clear_error(tmp_path) -> None:
    (tmp_path / "x.parquet").write_text("hello")
    with pytest.raises(MedGymError, match="not readable"):
        read_tasks(tmp_path / "x.parquet")


def test_the_first_slice_is_large_enough(small_tasks) -> None:
    from medgym_core import domains

    assert sum(len(domains.get(d).tools) for d in domains.NAMES) >= 30
    assert {t.domain for t in small_tasks} == set(domains.NAMES)
    assert all({"train", "test"} <= {t.split for t in small_tasks if t.domain == d} for d in domains.NAMES)
