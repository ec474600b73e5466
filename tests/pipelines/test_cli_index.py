"""`medgym index`: from a user's files to a search, with clear words for what is wrong with them."""

import json
import re
from pathlib import Path

import pytest

from pipelines.cli import execute

TOPICS = ["asthma", "gout", "scurvy", "malaria", "rickets", "measles", "tetanus", "anthrax", "cholera", "rabies"]


def lines(path: Path, topics: list[str]) -> Path:
    rows = [
        {"id": t, "title": t.capitalize(), "contents": f"{t} is treated early with {t}omycin. Rest helps in {t}."}
        for t in topics
    ]
    path.write_text("".join(json.dumps(r | {"licence": "CC0"}) + "\n" for r in rows), encoding="utf-8")
    return path


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict:
    assert execute([*map(str, arguments), "--json"]) == 0, capsys.readouterr().err
    return json.loads(capsys.readouterr().out)


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    assert execute([*map(str, arguments)]) == 2
    error = capsys.readouterr().err
    assert "Traceback" not in error
    return error


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MEDGYM_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MEDGYM_DATA", raising=False)
    return tmp_path


def test_own_files_become_an_index_that_grows_and_shrinks(home: Path, capsys) -> None:
    first, second = lines(home / "one.jsonl", TOPICS[:6]), lines(home / "two.jsonl", TOPICS[6:])
    out = home / "kb"
    built = run(capsys, "index", "build", "--source", first, "--out", out)
    assert built["card"]["passages"] == 6 and built["encoded"] == 6
    grown = run(capsys, "index", "build", "--source", first, "--source", second, "--out", out)
    assert (grown["encoded"], grown["reused"]) == (4, 6) and grown["version"] != built["version"]
    (hit, *_) = run(capsys, "search", "treatment of rabies", "--index", out)["hits"]
    assert hit["title"] == "Rabies" and hit["source"] == "two"
    (hit,) = run(capsys, "search", "treated early", "--index", out, "--source", "one", "-k", 1)["hits"]
    assert hit["source"] == "one"
    (whole,) = run(capsys, "index", "read", hit["id"], "--document", "--index", out)["passages"]
    assert whole["id"] == hit["id"] and "Rest helps" in whole["text"]
    assert "no such passage" in refused(capsys, "index", "read", "0" * 32, "--index", out)
    again = run(capsys, "index", "build", "--source", first, "--out", out)
    assert again["version"] == built["version"]
    assert [v["current"] for v in run(capsys, "index", "list", out)["versions"]].count(True) == 1
    assert run(capsys, "search", "rabies", "--index", out / "versions" / grown["version"])["hits"]  # the old one stays


def test_a_broken_line_is_counted_and_the_rest_is_kept(home: Path, capsys) -> None:
    file = lines(home / "notes.jsonl", TOPICS)
    file.write_text('{"title": "cut\n' + file.read_text(encoding="utf-8"), encoding="utf-8")
    built = run(capsys, "index", "build", "--source", file, "--out", home / "kb")
    assert built["card"]["passages"] == 10 and sum(built["card"]["rejects"]["notes"].values()) == 1
    listed = (home / "kb" / "rejects.jsonl").read_text(encoding="utf-8")
    assert "notes.jsonl, line 1" in listed


def test_what_is_wrong_is_said_in_one_line(home: Path, capsys) -> None:
    told = refused(capsys, "index", "build", "--source", "nowhere.jsonl", "--out", home / "kb")
    assert "no such source" in told and "medquad" in told and "facts" in told
    assert "MEDGYM_DATA" in refused(capsys, "index", "build", "--source", "medquad", "--out", home / "kb")
    file = lines(home / "notes.jsonl", TOPICS)
    told = refused(capsys, "index", "build", "--source", file, "--out", home / "kb", "--encoder", "qualiti")
    assert "quality" in told
    (home / "empty.jsonl").write_text("")
    assert "empty corpus" in refused(capsys, "index", "build", "--source", home / "empty.jsonl", "--out", home / "kb")
    assert "no knowledge base" in refused(capsys, "search", "gout", "--index", home / "elsewhere")
    assert re.search("pubmed.*dailymed|dailymed.*pubmed", refused(capsys, "index", "fetch", "pubmet", "--out", home))


def test_text_without_a_licence_stays_out_until_it_is_given_one(home: Path, capsys) -> None:
    (home / "note.txt").write_text("Gout\n\nGout is treated with colchicine, and with rest in the acute attack.\n")
    told = refused(capsys, "index", "build", "--source", home / "note.txt", "--out", home / "kb")
    assert "1 left out under the licence 'unknown'" in told
    built = run(capsys, "index", "build", "--source", home / "note.txt", "--out", home / "kb", "--licence", "CC0")
    assert set(built["card"]["licences"]) == {"CC0"}


def test_the_known_corpora_are_listed_with_their_licences(home: Path, capsys) -> None:
    rows = {row["name"]: row for row in run(capsys, "index", "sources")["sources"]}
    assert rows["medquad"]["permissive"] and not rows["medquad"]["there"] and len(rows) >= 14


def test_shipped_facts_are_a_source_and_keep_the_works_they_cite(home: Path, capsys) -> None:
    run(capsys, "index", "build", "--source", "facts", "--out", home / "kb")
    (hit, *_) = run(
        capsys, "search", "first-line treatment of anaphylaxis", "--index", home / "kb", "--mode", "lexical"
    )["hits"]
    assert hit["source"].startswith("MedGym facts: ")


def test_an_index_is_evaluated_on_a_beir_folder(home: Path, capsys) -> None:
    folder = home / "beir"
    (folder / "qrels").mkdir(parents=True)
    rows = [{"_id": t, "title": t, "text": f"{t} is treated early."} for t in TOPICS]
    (folder / "corpus.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    (folder / "queries.jsonl").write_text(
        "".join(json.dumps({"_id": t, "text": f"cure of {t}"}) + "\n" for t in TOPICS)
    )
    (folder / "qrels" / "test.tsv").write_text("q\td\ts\n" + "".join(f"{t}\t{t}\t1\n" for t in TOPICS))
    found = run(capsys, "index", "evaluate", "--beir", folder, "--encoder", "fast")
    assert found["lexical"]["ndcg@10"] == 1.0 and {"dense", "hybrid", "seconds"} <= set(found)
    assert "corpus.jsonl" in refused(capsys, "index", "evaluate", "--beir", home / "qrels")
