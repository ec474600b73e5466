"""Retrieval evaluation: BEIR folders are read strictly, scores are trec_eval's, reported queries never tuned on."""

import json
import math
from pathlib import Path

import pytest

from medgym_core.errors import MedGymError
from medgym_core.knowledge.devsets import DEV_SETS
from medgym_core.knowledge.encoder import FastEncoder
from medgym_core.knowledge.evaluate import Query, evaluate_beir, read_beir, scores, table_of
from medgym_core.knowledge.lexicon import Lexicon
from medgym_core.knowledge.passages import passage_texts
from medgym_core.knowledge.search import KnowledgeBase
from medgym_core.knowledge.tuning import WEIGHTS, best_weight, weight_curve

TOPICS = ["asthma", "gout", "scurvy", "malaria", "rickets", "measles", "tetanus", "anthrax", "cholera", "rabies"]


def beir(folder: Path, *, test: str = "", dev: str = "", documents: list | None = None) -> Path:
    """Ten documents on ten diseases, one query each."""
    rows = documents or [{"_id": f"d{i}", "title": t, "text": f"{t} is treated early."} for i, t in enumerate(TOPICS)]
    (folder / "qrels").mkdir(parents=True, exist_ok=True)
    (folder / "corpus.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")
    queries = [{"_id": f"q{i}", "text": f"treatment of {t}"} for i, t in enumerate(TOPICS)]
    (folder / "queries.jsonl").write_text("".join(json.dumps(q) + "\n" for q in queries), encoding="utf-8")
    head = "query-id\tcorpus-id\tscore\n"
    lines = "".join(f"q{i}\td{i}\t1\n" for i in range(5))
    (folder / "qrels" / "test.tsv").write_text(test or head + lines, encoding="utf-8")
    if dev:
        (folder / "qrels" / "dev.tsv").write_text(head + dev, encoding="utf-8")
    return folder


def test_every_mode_of_an_easy_folder_finds_everything(tmp_path: Path) -> None:
    found = evaluate_beir(beir(tmp_path / "easy"), "fast", tmp_path / "cache")
    assert found["passages"] == 10 and found["queries"] == 5
    assert found["lexical"] == found["hybrid"] == {"ndcg@10": 1.0, "recall@10": 1.0, "mrr@10": 1.0}
    assert set(found["dense"]) == set(found["lexical"]) and set(found["seconds"]) == {"read", "index", "search"}


def test_the_weight_is_tuned_on_dev_judgements_and_never_on_the_reported_ones(tmp_path: Path) -> None:
    told = evaluate_beir(beir(tmp_path / "a", dev="q7\td7\t1\nq8\td8\t1\n"), "fast", tmp_path / "cache")
    assert told["weight_from"] == "tuned on 2 queries of qrels/dev.tsv"
    told = evaluate_beir(beir(tmp_path / "b"), "fast", tmp_path / "cache")
    assert told["weight_from"] == "the default of fast"
    told = evaluate_beir(tmp_path / "a", "fast", tmp_path / "cache", weight=0.35)
    assert (told["weight"], told["weight_from"]) == (0.35, "given")


def test_what_is_reported_follows_the_ranking_depth(tmp_path: Path) -> None:
    """nDCG@10 by hand: one relevant of grade 2 in second place and one of grade 1 that is not found."""
    folder = beir(tmp_path / "graded", test="query-id\tcorpus-id\tscore\nq0\td1\t2\nq0\td9\t1\nq0\td2\t0\n")
    judged = read_beir(folder)
    (query,) = judged.queries
    assert sorted(query.gains.values()) == [1, 2]  # a grade of 0 is not relevant

    class Fixed:
        ids = [p.id for p in judged.passages]

        def rank(self, *_):
            return [(0, 1.0), (1, 0.9)]

    got = scores(Fixed(), [query], 0.5)["hybrid"]
    assert got["ndcg@10"] == pytest.approx((2 / math.log2(3)) / (2 + 1 / math.log2(3)))
    assert (got["recall@10"], got["mrr@10"]) == (0.5, 0.5)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda d: (d / "corpus.jsonl").unlink(), "corpus.jsonl"),
        (lambda d: (d / "qrels" / "test.tsv").unlink(), "qrels/test.tsv"),
        (lambda d: (d / "corpus.jsonl").write_text('{"_id": "a", "text": "x"}\n{"_id": "a", "text": "y"}\n'), "twice"),
        (lambda d: (d / "corpus.jsonl").write_text('{"_id": "a", "text": "x"}\n{"_id": '), "after 1 records"),
        (lambda d: (d / "corpus.jsonl").write_text('{"_id": "a"}\n'), "line 1"),
        (lambda d: (d / "corpus.jsonl").write_text(""), "0 documents"),
        (lambda d: (d / "corpus.jsonl").write_bytes(b'{"_id": "a", "text": "\xff"}\n'), "after 0 records"),
        (lambda d: (d / "qrels" / "test.tsv").write_text("h\th\tscore\nq0\td0\tmuch\n"), "line 2"),
        (lambda d: (d / "qrels" / "test.tsv").write_text("h\th\tscore\nq0\td77\t1\n"), "unknown document"),
        (lambda d: (d / "qrels" / "test.tsv").write_text("h\th\tscore\nq77\td0\t1\n"), "unknown query"),
        (lambda d: (d / "qrels" / "test.tsv").write_text("h\th\tscore\nq0\td0\t0\n"), "no judged queries"),
    ],
)
def test_a_broken_folder_is_refused_with_file_and_line(tmp_path: Path, spoil, said: str) -> None:
    folder = beir(tmp_path / "broken")
    spoil(folder)
    with pytest.raises(MedGymError, match=said):
        read_beir(folder)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(MedGymError, match="no such folder"):
        read_beir(tmp_path / "nowhere")


def test_the_best_weight_is_the_smaller_of_equals() -> None:
    assert best_weight([0.5] * len(WEIGHTS)) == 0.0
    assert best_weight([0.1, 0.9, 0.9, *[0.2] * (len(WEIGHTS) - 3)]) == WEIGHTS[1]


def test_a_curve_ends_in_lexical_and_dense_quality(tmp_path: Path) -> None:
    judged = read_beir(beir(tmp_path / "curve"))
    texts = passage_texts(table_of(judged.passages))
    encoder = FastEncoder.fit(texts)
    kb = KnowledgeBase(judged.passages, Lexicon.build(texts), encoder, encoder.encode(texts))
    queries: list[Query] = judged.queries
    curve = weight_curve(kb, [q.text for q in queries], [q.gains for q in queries])
    found = scores(kb, queries, 0.0)
    assert curve[0] == pytest.approx(found["lexical"]["ndcg@10"])
    assert curve[-1] == pytest.approx(found["dense"]["ndcg@10"])


@pytest.mark.parametrize("name", DEV_SETS)
def test_development_sets_are_judged_and_halved(name: str, real_data: Path) -> None:
    judged = DEV_SETS[name](real_data)
    ids = {p.id for p in judged.passages}
    assert len(ids) == len(judged.passages) and all(p.text or p.title for p in judged.passages)
    assert judged.tuning == [] if name == "Reviews" else abs(len(judged.queries) - len(judged.tuning)) <= 1
    assert not {q.text for q in judged.queries} & {q.text for q in judged.tuning}
    assert all(q.gains and ids >= set(q.gains) for q in (*judged.queries, *judged.tuning))


def test_the_test_split_of_pubmedqa_is_no_query(real_data: Path) -> None:
    held_out = json.loads((real_data / "benchmarks/pubmedqa/test_ground_truth.json").read_text(encoding="utf-8"))
    rows = json.loads((real_data / "benchmarks/pubmedqa/ori_pqal.json").read_text(encoding="utf-8"))
    judged = DEV_SETS["PubMedQA"](real_data)
    asked = {q.text for q in (*judged.queries, *judged.tuning)}
    assert asked and not asked & {rows[pmid]["QUESTION"] for pmid in held_out if pmid in rows}
