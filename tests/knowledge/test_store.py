"""Passages on disk come back as they were, one at a time, from a file that several threads and processes share."""

import os
import threading

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medgym_core.errors import MedGymError
from medgym_core.knowledge import store
from medgym_core.knowledge.passages import build_passages
from medgym_core.knowledge.store import PASSAGE_SCHEMA, Rows, as_table, read_passages, write_passages
from medgym_core.knowledge.types import Document, Passage


@pytest.fixture
def table() -> pa.Table:
    return build_passages(
        [Document("s", f"Title {i}", [("Part", f"Fact {i} – ünïcode.")], "CC0", "") for i in range(95)]
    )


def test_rows_are_the_passages_in_order(table, tmp_path, monkeypatch):
    monkeypatch.setattr(store, "GROUP", 10)
    path = tmp_path / "passages.parquet"
    assert write_passages(table, path) == 95 and read_passages(path).equals(table)
    assert pq.ParquetFile(path).metadata.num_row_groups == 10
    for rows in (Rows.open(path), Rows(table), Rows(read_passages(path))):
        assert len(rows) == 95 and rows.ids == table["id"].to_pylist()
        assert as_table(list(rows)).equals(table)
        assert [rows.row(identity) for identity in rows.ids] == list(range(95))
        assert rows.row("0" * 32) is rows.row("") is rows.row("ü" * 40) is None
        assert rows.column("title").to_pylist() == table["title"].to_pylist()
        for outside in (95, -1):
            with pytest.raises(IndexError):
                rows[outside]


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=6), unique=True, max_size=20))
@settings(max_examples=50, deadline=None)
def test_any_ids_are_found(ids):
    rows = Rows(as_table([Passage(identity, "s", "t", "", "x", "CC0", "") for identity in ids]))
    assert [rows.row(identity) for identity in ids] == list(range(len(ids)))
    assert rows.row("not one of them") is None


def test_many_ids_are_found_at_once_and_an_unknown_one_is_named(table):
    rows = Rows(table)
    asked = list(reversed(rows.ids))
    assert rows.rows(asked).tolist() == [rows.row(identity) for identity in asked]
    with pytest.raises(MedGymError, match="no such passage.*0000"):
        rows.rows([rows.ids[0], "0" * 32])


def test_tables_are_written_one_after_another(table, tmp_path):
    path = tmp_path / "passages.parquet"
    more = as_table([Passage("f" * 32, "recombined", "More", "", "Text.", "CC0", "")])
    assert write_passages(iter([table, more]), path) == 96
    assert read_passages(path).equals(pa.concat_tables([table, more]))
    assert read_passages(path).schema.metadata[b"stats"] == table.schema.metadata[b"stats"]
    assert Rows.open(path).row("f" * 32) == 95 and Rows.open(path)[95].source == "recombined"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["passages.arrow", "passages.parquet"]


def test_only_the_columns_asked_for_are_read(table, tmp_path):
    path = tmp_path / "passages.parquet"
    write_passages(table, path)
    assert read_passages(path, columns=["id", "date"]).column_names == ["id", "date"]
    with pytest.raises(MedGymError, match="unknown column.*colour"):
        read_passages(path, columns=["colour"])


def test_rows_open_without_the_second_file_and_refuse_another_corpus(table, tmp_path):
    one, other = tmp_path / "one.parquet", tmp_path / "other.parquet"
    write_passages(table, one)
    write_passages(table.take(list(range(95))[::-1]), other)
    os.replace(tmp_path / "other.arrow", tmp_path / "one.arrow")
    with pytest.raises(MedGymError, match="rows of another passages file"):
        Rows.open(one)
    assert len(Rows.open(other)) == 95, "the Parquet file alone is enough"
    (tmp_path / "one.arrow").write_bytes(b"ARROW1 cut off")
    with pytest.raises(MedGymError, match="unreadable passages file.*one.arrow"):
        Rows.open(one)


def test_files_of_an_older_version_and_of_something_else_are_refused(table, tmp_path):
    path = tmp_path / "passages.parquet"
    pq.write_table(table.drop_columns(["document", "position", "date"]), path)
    for read in (read_passages, Rows.open):
        with pytest.raises(MedGymError, match="older version: build it again.*without document, position, date"):
            read(path)
    pq.write_table(pa.table({"a": [1]}), path)
    with pytest.raises(MedGymError, match="not a passages file"):
        read_passages(path)
    with pytest.raises(MedGymError, match="not a passages file"):
        write_passages(pa.table({"a": [1]}), path)
    write_passages(PASSAGE_SCHEMA.empty_table(), path)
    for read in (read_passages, Rows.open):
        with pytest.raises(MedGymError, match="empty corpus"):
            read(path)


def test_a_failed_write_leaves_the_old_files_and_nothing_beside(table, tmp_path):
    path = tmp_path / "passages.parquet"
    write_passages(table, path)

    def broken():
        yield table.slice(1)
        raise RuntimeError("out of text")

    with pytest.raises(RuntimeError):
        write_passages(broken(), path)
    assert len(Rows.open(path)) == 95
    assert sorted(file.name for file in tmp_path.iterdir()) == ["passages.arrow", "passages.parquet"]


def test_threads_and_forked_processes_share_one_object(table, tmp_path):
    path = tmp_path / "passages.parquet"
    write_passages(table, path)
    rows, wrong = Rows.open(path), []

    def read() -> None:
        for i in range(95):
            if rows.row(rows[i].id) != i:
                wrong.append(i)

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    child = os.fork()
    if not child:
        read()
        os._exit(len(wrong))
    assert os.waitpid(child, 0)[1] == 0 and not wrong
