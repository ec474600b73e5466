"""Near duplicates are found, and nothing else is: not another subject, another number, or a short definition."""

import random

import numpy as np
import pytest

pytest.importorskip("rensa", reason="near duplicates need the package rensa")

from medgym_core.knowledge.near import PERMUTATIONS, SHORTEST, near_duplicates
from medgym_core.knowledge.passages import merge_passages, source_passages
from medgym_core.knowledge.types import Document

VOCABULARY = [f"{a}{b}{c}" for a in "bdfgklmnprst" for b in "aeiou" for c in ("ra", "ten", "lis", "mo", "k", "nal")]


def made_up(rng: random.Random, length: int = 120) -> list[str]:
    return [rng.choice(VOCABULARY) for _ in range(length)]


def document(words: list[str], title: str, source: str = "a") -> Document:
    text = " ".join(words)
    return Document(source, title, [("Overview", text[0].upper() + text[1:] + ".")], "CC0", "")


def merged(documents: list[Document], near: bool = True):
    by_source: dict[str, list[Document]] = {}
    for one in documents:
        by_source.setdefault(one.source, []).append(one)
    return merge_passages([source_passages(found) for found in by_source.values()], near=near)


def edited(rng: random.Random, words: list[str], kind: int) -> list[str]:
    """A near copy: two words replaced, a clause dropped at the end, a preface, or two words left out."""
    words = list(words)
    if kind == 0:
        for place in rng.sample(range(len(words)), 2):
            words[place] = rng.choice(VOCABULARY)
    elif kind == 1:
        del words[-10:]
    elif kind == 2:
        words[:0] = ["as", "we", "said", "before"]
    else:
        for place in sorted(rng.sample(range(len(words)), 2), reverse=True):
            del words[place]
    return words


def test_planted_near_duplicates_are_found_and_nothing_else():
    rng = random.Random(7)
    originals = [made_up(rng) for _ in range(300)]
    documents = [document(words, f"Subject {i}") for i, words in enumerate(originals)]
    planted = [document(edited(rng, originals[i], i % 4), f"Subject {i}", "b") for i in range(200)]
    table, stats = merged(documents + planted)
    left = set(table["title"].to_pylist())
    assert len(left) == 300, "an original was dropped"
    assert stats["near_duplicates"] >= 0.95 * 200
    assert table["source"].to_pylist().count("a") == 300, "the kept one is the first in order"
    assert merged(documents)[1]["near_duplicates"] == 0
    assert merged(documents + planted, near=False)[1]["near_duplicates"] == 0


@pytest.mark.parametrize(
    "titles",
    [
        ("Usher syndrome type 1", "Usher syndrome type 2"),
        ("Ann Arbor Stage IV B-Cell Non-Hodgkin Lymphoma", "Ann Arbor Stage IV T-Cell Non-Hodgkin Lymphoma"),
        ("Gout", ""),
    ],
)
def test_one_text_on_two_subjects_stays(titles):
    words = made_up(random.Random(1))
    table, stats = merged([document(words, titles[0]), document(words[:-3], titles[1], "b")])
    assert table.num_rows == 2 and stats["near_duplicates"] == 0


def test_candidates_are_compared_exactly_whatever_their_signatures_say():
    rng = random.Random(9)
    one, other = " ".join(made_up(rng)), " ".join(made_up(rng))
    passages = [("Gout", one), ("Gout", other), ("Asthma", one), ("Gout", "so " + one), ("Asthma", one + " so")]
    same = np.zeros((len(passages), PERMUTATIONS + 1), dtype=np.uint32)
    found = near_duplicates(same, np.full(len(passages), 120), passages.__getitem__)
    assert found.tolist() == [-1, -1, -1, 0, 2]


def test_order_case_and_punctuation_of_a_title_do_not_make_it_another():
    words = made_up(random.Random(1))
    for title in ("Gout, acute", "acute GOUT."):
        table, _ = merged([document(words, "Acute gout"), document(words[:-3], title, "b")])
        assert table["source"].to_pylist() == ["a"]


def test_another_dose_is_another_fact_but_a_reference_mark_is_not():
    words = made_up(random.Random(2))
    low, high, marked = ([*words[:50], *dose, *words[50:]] for dose in (["5", "mg"], ["10", "mg"], ["5", "mg", "12"]))
    assert merged([document(low, "Aspirin"), document(high, "Aspirin", "b")])[0].num_rows == 2
    assert merged([document(low, "Aspirin"), document(marked, "Aspirin", "b")])[0].num_rows == 1


def test_short_passages_are_compared_exactly_only():
    words = made_up(random.Random(3), SHORTEST)
    documents = [document(words[:-1], "Gout"), document([*words[:-2], "dominant"], "Gout", "b")]
    assert merged(documents)[0].num_rows == 2
    longer = [document([*words, *words[::-1]], "Gout"), document([*words, *words[::-1], "dominant"], "Gout", "b")]
    assert merged(longer)[0].num_rows == 1


def test_recombined_text_never_takes_part():
    words = made_up(random.Random(4))
    table, _ = merged([document(words, "Gout"), document([*words, "more"], "Gout", "recombined")])
    assert table.num_rows == 2


def test_a_hundred_copies_under_one_title_leave_one():
    rng = random.Random(5)
    words = made_up(rng)
    table, stats = merged([document([*words[:i], *words[i + 1 :]], "Gout") for i in range(100)])
    assert table.num_rows == 1 and stats["near_duplicates"] + stats["duplicates"] == 99


def test_signatures_do_not_depend_on_the_batch(monkeypatch):
    from medgym_core.knowledge import passages

    rng = random.Random(6)
    words = made_up(rng)
    documents = [document(edited(rng, words, i % 4), f"Subject {i % 7}", f"s{i}") for i in range(60)]
    whole = merged(documents)
    monkeypatch.setattr(passages, "BATCH", 7)
    parts = merged(documents)
    assert parts[0].equals(whole[0]) and parts[1] == whole[1]
    assert np.all(np.array(whole[0]["source"].to_pylist()) != "")
