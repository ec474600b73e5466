"""A broken corpus costs its broken records and nothing else: each is counted and named, whatever the bytes are."""

import gzip
import io
import json
import lzma
import os
import tarfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medgym_core.errors import MedGymError
from medgym_core.knowledge.readers import READERS, detect, markup, streams
from medgym_core.knowledge.rejects import LISTED, Rejects

LINE = '{"_id": "%d", "title": "Gout %d", "text": "It hurts."}\n'
RECORD = (
    "<PubmedArticle><MedlineCitation><PMID>%d</PMID><Article><ArticleTitle>Gout</ArticleTitle><Abstract><AbstractText>"
    "%s</AbstractText></Abstract></Article></MedlineCitation></PubmedArticle>"
)
BOMB = (
    '<?xml version="1.0"?><!DOCTYPE PubmedArticleSet [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'
    "<PubmedArticleSet>&b;</PubmedArticleSet>"
)
OUTSIDE = '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><article><front>&f;</front></article>'


def read(format: str, path: Path) -> tuple[list, Rejects]:
    rejects = Rejects()
    return list(READERS[format](path, rejects)), rejects


def saved(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def tar(files: dict[str, bytes], kind: str = "") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=f"w:{kind}") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


def lines(count: int) -> bytes:
    return "".join(LINE % (i, i) for i in range(count)).encode()


def noise(count: int) -> bytes:
    """Records that do not compress, so that half a file is about half the records."""
    return b"".join(
        json.dumps({"_id": str(i), "title": f"T{i}", "text": os.urandom(400).hex()}).encode() + b"\n"
        for i in range(count)
    )


def test_truncated_gzip_keeps_what_came_before_and_is_one_reject(tmp_path):
    whole = gzip.compress(noise(400))
    found, rejects = read("jsonl", saved(tmp_path / "c.jsonl.gz", whole[: len(whole) // 2]))
    assert 150 < len(found) < 250 and rejects.count == 1
    assert rejects.reasons == {"unreadable rest": 1} and "c.jsonl.gz" in rejects.rows[0]["where"]


def test_truncated_pubmed_file_keeps_the_records_before_the_cut(tmp_path):
    records = "".join(RECORD % (i, os.urandom(300).hex()) for i in range(300))
    whole = gzip.compress(f"<PubmedArticleSet>{records}</PubmedArticleSet>".encode())
    found, rejects = read("pubmed", saved(tmp_path / "p.xml.gz", whole[: len(whole) // 2]))
    assert 120 < len(found) < 180 and rejects.count == 1


@pytest.mark.parametrize("kind", ["gz", "xz", "bz2", ""])
def test_truncated_archive_keeps_the_members_before_the_cut(tmp_path, kind):
    whole = tar({f"{i}.jsonl": noise(40).replace(b'"_id": "', b'"_id": "%d-' % i) for i in range(60)}, kind)
    found, rejects = read("jsonl", saved(tmp_path / "a.tar", whole[: len(whole) // 2]))
    assert len(found) > 200 and rejects.count == 1 and rejects.reasons == {"unreadable rest": 1}


def test_damaged_member_of_a_zip_costs_that_member_only(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for i in range(3):
            archive.writestr(f"{i}.jsonl", f'{{"_id": "{i}", "title": "T", "text": "unique-{i}"}}')
    saved(path, path.read_bytes().replace(b"unique-1", b"unique-X"))
    found, rejects = read("jsonl", path)
    assert {d.id for d in found} >= {"0", "2"} and rejects.count == 1 and ":1.jsonl" in rejects.rows[0]["where"]


def test_truncated_member_inside_a_whole_archive_costs_that_member_only(tmp_path):
    files = {"1.jsonl.gz": gzip.compress(noise(50))[:-900], "2.jsonl": b'{"_id": "last", "text": "x"}'}
    found, rejects = read("jsonl", saved(tmp_path / "a.tar", tar(files)))
    assert found[-1].id == "last" and rejects.count == 1 and "1.jsonl.gz" in rejects.rows[0]["where"]


def test_wrong_encoding_names_file_and_byte(tmp_path):
    content = lines(2) + '{"_id": "x", "title": "Sjögren", "text": "é"}\n'.encode("latin-1") + LINE.encode() % (9, 9)
    found, rejects = read("jsonl", saved(tmp_path / "c.jsonl", content))
    assert [d.id for d in found] == ["0", "1", "9"] and rejects.count == 1
    row = rejects.rows[0]
    assert "c.jsonl, line 3" in row["where"] and "byte 0xf6 at offset 25" in row["why"] and "UTF-8" in row["why"]
    _, rejects = read("text", saved(tmp_path / "guide.txt", "GOUT\nIntroduction\nfièvre".encode("latin-1")))
    assert "byte 0xe8 at offset 20" in rejects.rows[0]["why"]
    _, rejects = read("pubmed", saved(tmp_path / "p.xml", "<PubmedArticleSet>é</PubmedArticleSet>".encode("latin-1")))
    assert "at byte 18" in rejects.rows[0]["why"]
    _, rejects = read("pubmed", saved(tmp_path / "q.xml", b'<?xml version="1.0" encoding="klingon"?><a/>'))
    assert rejects.reasons == {"malformed XML": 1}


@pytest.mark.parametrize(
    "format", ["pubmed", "jats", "medquad", "medlineplus_xml", "spl", "drug_labels", "cnxml", "trials"]
)
@pytest.mark.parametrize("content", [BOMB, OUTSIDE])
def test_entity_bombs_and_outside_entities_are_refused(tmp_path, format, content):
    name = "a.cnxml" if format == "cnxml" else "a.xml"
    found, rejects = read(format, saved(tmp_path / name, content.encode()))
    assert not found and rejects.count == 1 and rejects.rows[0]["why"].startswith("refused XML")
    assert "root:" not in json.dumps(rejects.rows)


def test_plain_document_type_is_accepted_and_never_fetched(tmp_path, monkeypatch):
    import socket

    def refuse(*_args, **_named):
        raise AssertionError("a document type was fetched")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    content = (
        '<!DOCTYPE PubmedArticleSet PUBLIC "-//NLM//DTD" "http://127.0.0.1:9/a.dtd"><PubmedArticleSet>'
        + RECORD % (1, "x")
    )
    found, rejects = read("pubmed", saved(tmp_path / "a.xml", (content + "</PubmedArticleSet>").encode()))
    assert len(found) == 1 and not rejects.count


def test_line_of_50_megabytes_is_one_reject_and_never_in_memory(tmp_path):
    import tracemalloc

    content = lines(1) + b'{"_id": "big", "text": "' + b"x" * (50 << 20) + b'"}\n' + LINE.encode().replace(b"%d", b"7")
    path = saved(tmp_path / "c.jsonl.gz", gzip.compress(content, 1))
    del content
    tracemalloc.start()
    found, rejects = read("jsonl", path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert [d.id for d in found] == ["0", "7"] and rejects.count == 1
    assert "line too long; got 524288" in rejects.rows[0]["why"] and "line 2" in rejects.rows[0]["where"]
    assert peak < 4 * streams.MAX_LINE  # the line so far, its copy and the blocks it was made of


@pytest.mark.parametrize(
    "make",
    [
        lambda: "<PubmedArticleSet>" + RECORD % (1, "x") + "<MedlineCitation>" + "<a>b</a>" * 9_000,
        lambda: "<PubmedArticleSet>" + RECORD % (1, "x") + "<!-- " + "x" * 90_000,
        lambda: "<PubmedArticleSet>" + RECORD % (1, "x") + "<MedlineCitation>" + "<a>" * 5_000,
    ],
)
def test_endless_record_is_refused_before_it_fills_memory(tmp_path, monkeypatch, make):
    monkeypatch.setattr(markup, "MAX_RECORD", 60_000)
    monkeypatch.setattr(markup, "BLOCK", 8_000)
    found, rejects = read("pubmed", saved(tmp_path / "a.xml", make().encode()))
    assert len(found) == 1 and rejects.reasons == {"refused XML": 1}


def test_empty_file_is_a_reject(tmp_path):
    for format in READERS:
        found, rejects = read(format, saved(tmp_path / "a", b""))
        assert not found and rejects.count == 1, format
        found, rejects = read(format, saved(tmp_path / "b.gz", gzip.compress(b" \n ")))
        assert not found and rejects.count == 1, format
    (tmp_path / "folder").mkdir()
    assert read("jsonl", tmp_path / "folder")[1].reasons == {"nothing to read": 1}


def test_duplicate_id_is_counted_and_the_first_is_kept(tmp_path):
    content = lines(2) + b'{"_id": "0", "title": "Other", "text": "Another."}\n' + LINE.encode().replace(b"%d", b"9")
    found, rejects = read("jsonl", saved(tmp_path / "c.jsonl", content))
    assert [d.title for d in found] == ["Gout 0", "Gout 1", "Gout 9"]
    assert rejects.reasons == {"duplicate id": 1} and "got 0 again" in rejects.rows[0]["why"]


def test_names_that_climb_out_of_an_archive_write_nothing(tmp_path):
    inside = tmp_path / "inside"
    inside.mkdir()
    content = tar({"../../escaped.jsonl": lines(1), "/escaped2.jsonl": b'{"_id": "z", "text": "x"}'})
    found, _ = read("jsonl", saved(inside / "a.tar", content))
    assert len(found) == 2
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["a.tar", "inside"]


def test_archives_in_archives_end_somewhere(tmp_path):
    content = lines(1)
    for i in range(6):
        content = tar({f"{i}.tar" if i else "c.jsonl": content})
    found, rejects = read("jsonl", saved(tmp_path / "a.tar", content))
    assert not found and rejects.reasons == {"archives in archives": 1}


def test_member_too_large_is_a_reject(tmp_path, monkeypatch):
    monkeypatch.setattr(streams, "MAX_MEMBER", 1_000)
    files = {"1.md": b"# A\n" + b"text " * 400, "2.md": b"# B\n\nShort."}
    found, rejects = read("markdown", saved(tmp_path / "a.tar.xz", lzma.compress(tar(files))))
    assert [d.title for d in found] == ["B"] and rejects.reasons == {"member too large": 1}


def test_rejects_list_the_first_thousand_and_count_all(tmp_path):
    rejects, other = Rejects(), Rejects()
    for i in range(LISTED + 7):
        rejects.add(f"line {i}", "broken\nline; got x")
    other.add("b", "no text")
    rejects.extend(other)
    rejects.write(tmp_path / "rejects.jsonl")
    rows = [json.loads(line) for line in (tmp_path / "rejects.jsonl").read_text().splitlines()]
    assert len(rows) == LISTED + 1 and rows[0] == {"where": "line 0", "why": "broken line; got x"}
    assert rows[-1] == {"count": LISTED + 8, "reasons": {"broken line": LISTED + 7, "no text": 1}}
    assert not list(tmp_path.glob(".*"))


# Any bytes at all, and real files with some bytes changed: documents and rejects, never another error.
SEEDS = {
    "pubmed": ("<PubmedArticleSet>" + RECORD % (1, "x") + "</PubmedArticleSet>").encode(),
    "jats": b"<article><front><article-meta><title-group><article-title>T</article-title></title-group></article-meta>"
    b"</front><body><sec><title>A</title><p>b</p></sec></body></article>",
    "jsonl": lines(3),
    "medlineplus_jsonl": b'{"Title": "A", "URL": "u", "page_content": "x"}\n',
    "bioasq": b'{"questions": [{"snippets": [{"document": "x/pubmed/1", "text": "a", "beginSection": "title"}]}]}',
    "squad": b'{"data": [{"paragraphs": [{"context": "T\\n\\nText: a"}]}]}',
    "trials": b'{"studies": [{"protocolSection": {"identificationModule": {"nctId": "N", "briefTitle": "T"}}}]}',
    "ontologies": b'{"graphs": [{"nodes": [{"id": "A_1", "lbl": "a", "meta": {"definition": {"val": "b"}}}]}]}',
    "abstracts": b"title,abstract\na,b\n",
    "captions": b"roco_id\tlicence\tpmc_image\tcaption\n1\tCC0\tPMC1_a\tX\n",
    "markdown": b'---\ntitle: "T"\n---\n# A\n<div data-type="exercise">\nb\n</div>\n',
    "html": b"<html><title>T</title><h1>A</h1><p>b<![x[y]]><script>z",
    "text": b"GOUT\nIntroduction\nIt hurts.\n",
    "trial_reports": b"TITLE: T\n\n  ABSTRACT.A:\nb\nBODY.C.D:\ne\n",
}
ENDING = {"pubmed": "xml", "jats": "xml", "bioasq": "json", "squad": "json", "trials": "json", "ontologies": "json"}


@st.composite
def damaged(draw, content: bytes) -> bytes:
    data = bytearray(content)
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(data)))
        data[at : at + draw(st.integers(0, 3))] = draw(st.binary(max_size=4))
    return bytes(data)


@pytest.mark.parametrize("format", SEEDS)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_bytes_raise_anything(tmp_path, format, data):
    content = data.draw(st.one_of(damaged(SEEDS[format]), st.binary(max_size=200)))
    path = saved(tmp_path / f"a.{ENDING.get(format, format)}", content)
    found, rejects = read(format, path)
    assert all(d.title and d.sections for d in found)
    for row in rejects.rows:
        assert row["where"] and row["why"] and "\n" not in row["why"]
    try:
        detect(path)
    except MedGymError:
        pass


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), kind=st.sampled_from(["tar", "gz", "xz", "zip", "parquet"]))
def test_no_damaged_packing_raises_anything(tmp_path, data, kind):
    path = tmp_path / "a"
    if kind == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("a.jsonl", lines(3))
    elif kind == "parquet":
        import pyarrow as pa
        import pyarrow.parquet as pq

        pq.write_table(pa.table({"id": ["1"], "title": ["T"], "text": ["x"]}), path)
    else:
        saved(path, tar({"a.jsonl": lines(3), "b.jsonl": lines(2)}, "" if kind == "tar" else kind))
    saved(path, data.draw(damaged(path.read_bytes())))
    found, _ = read("parquet" if kind == "parquet" else "jsonl", path)
    assert len(found) <= 5
