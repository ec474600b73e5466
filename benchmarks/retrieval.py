"""Retrieval quality: lexical, dense and hybrid search on four development sets, alone and among distractors.

    MEDGYM_DATA=... python benchmarks/retrieval.py --distractors 700000

Alone: each set is an index of its own and dense scores are exact. Among distractors: one index of all sets and of real
passages with recombined ones. `fast` vectors are made for all of it and compared exactly; `quality` vectors, which cost
2 hours for as many, are made for the judged passages and for BM25's best fifty of each query, so its rows are
re-scorings of those fifty, and dense search alone in the whole is not measured.

The first table says which weights are best on the tuning halves of the queries, the second shows the shipped ones on
the other halves. Vectors are kept in the home, finished rows too: run it again and it goes on.
"""

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from itertools import chain, product
from pathlib import Path
from typing import Any

import numpy as np

from medgym_core.artifacts import write_atomic
from medgym_core.home import data, home
from medgym_core.knowledge.devsets import DEV_SETS
from medgym_core.knowledge.encoders import default_weight, open_encoder
from medgym_core.knowledge.evaluate import Judged, indexed, table_of
from medgym_core.knowledge.lexicon import Lexicon, build_lexicon, top
from medgym_core.knowledge.passages import Rows, Texts, read_passages, write_passages
from medgym_core.knowledge.recombine import recombined
from medgym_core.knowledge.search import CANDIDATES, KnowledgeBase, _z
from medgym_core.knowledge.tuning import CUTOFF, WEIGHTS, best_weight, retrieval_scores, weight_curve
from medgym_core.knowledge.vectors import encode_all, vectors_of

RESCORED = 50  # of BM25's best
SAFE = 0.002  # nDCG@10: a quarter of the standard error of a set of 250 queries
PART = 20_000  # passages encoded at once
ENCODERS = ("fast", "quality")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--distractors", type=int, default=700_000)
    parser.add_argument("--passages", type=Path, help="passages.parquet of real passages, the stuff of distractors")
    parser.add_argument("--queries", type=int, default=250, help="at most this many of each half of a set")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    sets = [cut(load(data()), given.queries) for load in DEV_SETS.values()]
    kept = home() / "cache" / "retrieval" / f"{given.queries}-{given.distractors}-{given.seed}.json"
    kept.parent.mkdir(parents=True, exist_ok=True)
    found = json.loads(kept.read_text(encoding="utf-8")) if kept.is_file() else {}
    for key, made in measured(sets, given, found):
        found[key] = made
        write_atomic(kept, json.dumps(found))
    show(sets, found, given.distractors)


def cut(judged: Judged, most: int) -> Judged:
    return Judged(judged.name, judged.passages, judged.queries[:most], judged.tuning[:most])


def measured(sets: list[Judged], given: argparse.Namespace, done: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """(key, result) of what is not done: weight curves of the tuning halves, scores at every weight of the others."""
    vectors = home() / "cache" / "vectors"
    for judged in sets:
        for encoder in ENCODERS:
            key = f"{judged.name}/alone/{encoder}"
            if key not in done:
                yield key, timed(key, lambda j=judged, e=encoder: both_halves(indexed(j.passages, e, vectors), j))
    if given.distractors and any(f"{j.name}/among/{e}" not in done for j in sets for e in ENCODERS):
        everything, lexicon = timed("distractors and their lexicon", lambda: crowd(sets, given))
        for encoder in ENCODERS:
            kb = timed(f"vectors of {encoder}", lambda e=encoder: among(sets, everything, lexicon, e, vectors))
            for judged in sets:
                key = f"{judged.name}/among/{encoder}"
                if key not in done:
                    yield key, timed(key, lambda j=judged, k=kb: both_halves(k, j))


def both_halves(kb: Any, judged: Judged) -> dict[str, Any]:
    """{"tuning": nDCG@10 by weight (none without tuning queries), "scores": by weight, and of its ends} of one set."""
    half = judged.tuning
    curve = weight_curve(kb, [q.text for q in half], [q.gains for q in half]) if half else []
    ids, every = kb.ids, [kb.candidates(q.text, CANDIDATES) for q in judged.queries]
    found = {}
    for weight in WEIGHTS:
        ranked = [
            [ids[int(rows[i])] for i in top((1 - weight) * lexical + weight * dense, CUTOFF)]
            for rows, lexical, dense in every
        ]
        found[str(weight)] = retrieval_scores(ranked, [q.gains for q in judged.queries])
    ends = {"lexical": found[str(WEIGHTS[0])], "dense": found[str(WEIGHTS[-1])]}
    return {"tuning": curve, "scores": found | ends}


def crowd(sets: list[Judged], given: argparse.Namespace) -> tuple[Rows, Lexicon]:
    """Every judged passage and the distractors as a passages file with its lexicon, made once."""
    folder = home() / "cache" / "retrieval" / f"crowd-{given.distractors}-{given.seed}"
    if not (folder / "lexicon").is_dir():
        judged = list({p.id: p for s in sets for p in s.passages}.values())
        relevant = {identity for s in sets for q in (*s.queries, *s.tuning) for identity in q.gains}
        told = [f"{p.title} {p.text}" for p in judged if p.id in relevant]
        more = recombined(read_passages(given.passages), given.distractors, given.seed, avoid_texts=told)
        folder.mkdir(parents=True, exist_ok=True)
        write_passages(chain([table_of(judged)], more), folder / "passages.parquet")
        build_lexicon(folder / "passages.parquet", folder / "part")
        (folder / "part").rename(folder / "lexicon")
    return Rows.open(folder / "passages.parquet"), Lexicon.load(folder / "lexicon")


def among(sets: list[Judged], everything: Rows, lexicon: Lexicon, encoder: str, vectors: Path) -> Any:
    texts = Texts(everything)
    if encoder == "fast":
        fitted = open_encoder("fast", texts)
        parts = [
            fitted.encode([texts[i] for i in range(at, min(at + PART, len(texts)))])
            for at in range(0, len(texts), PART)
        ]
        return KnowledgeBase(everything, lexicon, fitted, np.concatenate(parts))
    return Rescored(everything, texts, lexicon, open_encoder(encoder), vectors, sets)


class Rescored:
    """BM25's best fifty, scored by an encoder too: what it can do without a vector for each passage."""

    def __init__(
        self,
        passages: Rows,
        texts: Sequence[str],
        lexicon: Lexicon,
        encoder: Any,
        cache: Path,
        sets: Sequence[Judged],
    ):
        self._lexicon, self._encoder = lexicon, encoder
        self.ids, self.row = passages.ids, passages.row
        queries = [q.text for s in sets for q in (*s.queries, *s.tuning)]
        self._best = {query: lexicon.search(query, RESCORED) for query in dict.fromkeys(queries)}
        rows = sorted({row for hits in self._best.values() for row, _ in hits})
        ids = [self.ids[row] for row in rows]
        encode_all(ids, [texts[row] for row in rows], encoder, cache)
        self._place = {row: i for i, row in enumerate(rows)}
        self._matrix = vectors_of(ids, encoder, cache).astype(np.float32)

    def candidates(self, query: str, each: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(rows, lexical z-scores, dense z-scores) of BM25's best fifty."""
        hits = self._best[query]
        rows = np.array([row for row, _ in hits], dtype=np.int64)
        near = self._matrix[[self._place[int(row)] for row in rows]] @ self._encoder.encode_query(query)
        return rows, _z(np.array([score for _, score in hits])), _z(near)


def timed(what: str, work: Any) -> Any:
    began = time.perf_counter()
    result = work()
    print(f"{what}: {time.perf_counter() - began:.0f} s", flush=True)
    return result


def show(sets: list[Judged], found: dict[str, Any], distractors: int) -> None:
    """The table, and by encoder and condition the mean, its gain over BM25 and the worst set."""
    weights = {encoder: default_weight(encoder) for encoder in ENCODERS}
    print("\n| encoder | condition | best weight when tuning | where no set loses | shipped |")
    print("|---|---|---|---|---|")
    for encoder, where in product(ENCODERS, ("alone", "among")):
        keys = [key for key in found if key.endswith(f"/{where}/{encoder}") and found[key]["tuning"]]
        if keys:
            curves = np.array([found[key]["tuning"] for key in keys])
            safe = np.where((curves < curves[:, :1] - SAFE).any(axis=0), 0, curves.mean(axis=0))
            best = [best_weight(curve.tolist()) for curve in (curves.mean(axis=0), safe)]
            print(f"| {encoder} | {where} | {best[0]} | {best[1]} | {weights[encoder]} |")
    print()
    print("| set | passages | queries | mode | nDCG@10 | recall@10 | MRR@10 |\n|---|---:|---:|---|---|---|---|")
    for where in ("alone", "among"):
        for judged in sets:
            size = str(len(judged.passages)) if where == "alone" else f"all sets + {distractors:,}"
            rows = rows_of(judged.name, where, found, weights)
            for mode, got in rows.items():
                cells = " | ".join(f"{got[m]:.3f}" for m in ("ndcg@10", "recall@10", "mrr@10"))
                print(f"| {judged.name} | {size} | {len(judged.queries)} | {mode} | {cells} |")
    print("\n| | mean nDCG@10 over sets | less lexical | worst against the better part |\n|---|---|---|---|")
    for where in ("alone", "among"):
        for encoder in ENCODERS:
            tables = [rows_of(j.name, where, found, weights) for j in sets]
            tables = [t for t in tables if f"hybrid {encoder}" in t]
            if not tables:
                continue
            hybrid = np.array([t[f"hybrid {encoder}"]["ndcg@10"] for t in tables])
            lexical = np.array([t["lexical"]["ndcg@10"] for t in tables])
            dense = np.array([t[f"dense {encoder}"]["ndcg@10"] for t in tables])
            worst = (hybrid - np.maximum(lexical, dense)).min()
            print(f"| {encoder}, {where} | {hybrid.mean():.3f} | {(hybrid - lexical).mean():+.3f} | {worst:+.3f} |")


def rows_of(name: str, where: str, found: dict[str, Any], weights: dict[str, float]) -> dict[str, dict[str, float]]:
    rows: dict[str, dict[str, float]] = {}
    for encoder in ENCODERS:
        made = found.get(f"{name}/{where}/{encoder}")
        if made:
            rows.setdefault("lexical", made["scores"]["lexical"])
            rows[f"dense {encoder}"] = made["scores"]["dense"]
            rows[f"hybrid {encoder}"] = made["scores"][str(weights[encoder])]
    return rows


if __name__ == "__main__":
    main()
