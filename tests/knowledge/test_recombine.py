"""Distractors are new, say what they are, hold no real passage, and leave out what they are told to avoid."""

from itertools import pairwise

import pyarrow as pa
import pytest

from medgym_core.errors import MedGymError
from medgym_core.knowledge.passages import build_passages
from medgym_core.knowledge.recombine import LICENCE, RECOMBINED, recombined
from medgym_core.knowledge.store import PASSAGE_SCHEMA
from medgym_core.knowledge.text import sentences
from medgym_core.knowledge.types import Document

SUBJECTS = "gout asthma angina eczema".split()


@pytest.fixture(scope="module")
def real() -> pa.Table:
    def body(source: str, i: int, size: int) -> str:
        return " ".join(
            f"In {source} {i} of the {SUBJECTS[i % 4]} group, point {j} was seen in {i * 7 + j} of {i + 90} people "
            "who had been treated for some weeks."
            for j in range(size)
        )

    documents = [
        Document(
            s, f"Report on {SUBJECTS[i % 4]} {i}", [("Results", body(s, i, 2 if i % 5 == 0 else 6))], lic, "", f"{s}{i}"
        )
        for s, lic in (("trials", "CC BY 4.0"), ("books", "CC0"))
        for i in range(80)
    ]
    return build_passages(documents)


@pytest.fixture(scope="module")
def made(real) -> pa.Table:
    return pa.concat_tables(recombined(real, 1500, seed=3))


def origin(real: pa.Table) -> dict[str, tuple[str, str]]:
    """Sentence to (source, document)."""
    columns = (real[name].to_pylist() for name in ("text", "source", "document"))
    return {s: (source, key) for text, source, key in zip(*columns, strict=True) for s in sentences(text)}


def test_they_are_new_different_and_of_the_size_of_a_passage(real, made):
    assert made.num_rows == 1500 and made.schema.equals(PASSAGE_SCHEMA)
    ids = made["id"].to_pylist() + real["id"].to_pylist()
    assert len(set(ids)) == len(ids) and len(set(made["text"].to_pylist())) == 1500
    assert all(100 <= len(text.split()) <= 200 for text in made["text"].to_pylist())


def test_they_say_what_they_are(made):
    assert set(made["source"].to_pylist()) == {RECOMBINED}
    assert set(made["licence"].to_pylist()) == {LICENCE + "CC BY 4.0", LICENCE + "CC0"}


def test_sentences_are_real_of_one_source_and_each_of_another_document(real, made):
    known = origin(real)
    for text in made["text"].to_pylist():
        found = [known[sentence] for sentence in sentences(text)]
        assert len({source for source, _ in found}) == 1
        assert len({key for _, key in found}) == len(found) >= 3


def test_no_real_passage_and_no_two_of_its_sentences_stand_in_one(real, made):
    everything = "\n".join(made["text"].to_pylist())
    for text in real["text"].to_pylist():
        found = sentences(text)
        assert not any(f"{a} {b}" in everything for a, b in pairwise(found))
        assert len(found) >= 3 or not any(sentence in everything for sentence in found)


def test_avoided_documents_and_texts_give_no_sentence(real):
    known = origin(real)
    keys = sorted({key for _, key in known.values()})[::2]
    text = next(row["text"] for row in real.to_pylist() if row["document"] not in keys and row["position"] == 0)
    made = pa.concat_tables(recombined(real, 500, 0, avoid=keys, avoid_texts=["Quoted: " + text[:200]]))
    used = {known[sentence][1] for found in made["text"].to_pylist() for sentence in sentences(found)}
    assert used and not used & set(keys) and known[sentences(text)[0]][1] not in used


def test_seed_and_passages_decide_and_more_begin_as_fewer_do(real, made):
    assert pa.concat_tables(recombined(real, 1500, seed=3)).equals(made)
    assert not pa.concat_tables(recombined(real, 1500, seed=4)).equals(made)
    assert list(recombined(real, 0, seed=3)) == []


def test_too_little_text_is_an_error(real):
    with pytest.raises(MedGymError, match="too little text to recombine.*4 documents"):
        list(recombined(real.filter(pa.array([i % 32 == 1 for i in range(real.num_rows)])), 10**4, 0))
    with pytest.raises(MedGymError, match="0 sentences"):
        list(recombined(real, 10, 0, avoid=set(real["document"].to_pylist())))
