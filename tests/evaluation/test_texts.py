"""Every text of a benchmark file is seen, whatever the format; a broken file is named."""

import io
import json
import zipfile

import pytest

from evaluation.texts import benchmark_files, texts_of
from medgym_core.errors import MedGymError

LONG = "A question that is long enough to be compared with the prompts of tasks"
XML = f"<?xml version='1.0'?><q><a>{LONG}</a><b>short</b></q>"


def zipped(**members: str) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name, text in members.items():
            archive.writestr(name.replace("__", "/").replace("_", "."), text)
    return held.getvalue()


FILES = {
    "a.json": json.dumps({"items": [{"deep": [LONG, LONG]}]}).encode(),
    "b.json": (json.dumps({"q": LONG}) + "\n" + json.dumps({"q": LONG})).encode(),
    "c.jsonl": (json.dumps([{"q": LONG}]) + "\n\n").encode(),
    "d.csv": f'"{LONG}",A\n'.encode(),
    "e.xml": XML.encode(),
    "f.txt": (LONG + "\n").encode(),
    "g.xlsx": zipped(xl__sharedStrings_xml=XML),
    "h.zip": zipped(inner__f_txt=LONG, picture_png="x" * 100),
}


@pytest.mark.parametrize("name", FILES)
def test_the_text_is_found_in_every_format(name, tmp_path) -> None:
    (tmp_path / name).write_bytes(FILES[name])
    found = list(texts_of(tmp_path / name))
    assert found and all(LONG in text for text in found)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.json", b"{"),
        ("b.xml", b"<q>"),
        ("c.zip", b"no archive"),
        ("d.xml", b"<!DOCTYPE q [<!ENTITY a 'aaaa'>]><q>&a;</q>"),
    ],
)
def test_a_broken_or_dangerous_file_is_named(name, data, tmp_path) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(MedGymError, match=name):
        list(texts_of(tmp_path / name))


def test_only_readable_files_below_benchmarks_are_listed(tmp_path) -> None:
    (tmp_path / "benchmarks" / "x").mkdir(parents=True)
    for name in ("b.json", "a.csv", "picture.jpg"):
        (tmp_path / "benchmarks" / "x" / name).write_bytes(b"")
    assert [p.name for p in benchmark_files(tmp_path)] == ["a.csv", "b.json"]
    assert benchmark_files(None) == [] == benchmark_files(tmp_path / "nowhere")


def test_every_benchmark_file_at_hand_is_read(real_data) -> None:
    files = benchmark_files(real_data)
    assert len(files) > 30
    small = [path for path in files if path.stat().st_size < 300_000]
    assert all(isinstance(text, str) for path in small for text in texts_of(path))
