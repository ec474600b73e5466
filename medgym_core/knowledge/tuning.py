"""Retrieval metrics, and the choice of the dense weight on development queries."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from medgym_core.errors import MedGymError
from medgym_core.knowledge.lexicon import top
from medgym_core.knowledge.search import CANDIDATES, KnowledgeBase

WEIGHTS = tuple(i / 20 for i in range(21))
CUTOFF = 10  # the depth every figure is given at


def ndcg(ranked: Sequence, gain: Mapping, k: int = CUTOFF) -> float:
    """Normalised discounted cumulative gain at `k` (Järvelin and Kekäläinen 2002), gains linear as in trec_eval."""
    ideal = sorted(gain.values(), reverse=True)[:k]
    best = sum(value / math.log2(i + 2) for i, value in enumerate(ideal))
    return sum(gain.get(item, 0) / math.log2(i + 2) for i, item in enumerate(ranked[:k])) / best if best else 0.0


def retrieval_scores(rankings: Sequence[Sequence], gains: Sequence[Mapping]) -> dict[str, float]:
    """Means over queries of nDCG@10, recall@10 and MRR@10; `gains` maps each query's relevant items to their grade."""
    if not rankings or len(rankings) != len(gains):
        raise MedGymError(
            "rankings and judgements differ", got=f"{len(rankings)} and {len(gains)}", expected="one a query"
        )
    total = {"ndcg@10": 0.0, "recall@10": 0.0, "mrr@10": 0.0}
    for ranked, gain in zip(rankings, gains, strict=True):
        found = [i for i, item in enumerate(ranked[:CUTOFF]) if gain.get(item, 0) > 0]
        total["ndcg@10"] += ndcg(ranked, gain)
        total["recall@10"] += len(found) / max(sum(value > 0 for value in gain.values()), 1)
        total["mrr@10"] += 1 / (found[0] + 1) if found else 0.0
    return {name: value / len(rankings) for name, value in total.items()}


def weight_curve(kb: Any, queries: Sequence[str], gains: Sequence[Mapping[str, int]]) -> list[float]:
    """Mean nDCG@10 of hybrid search on judged queries for each of WEIGHTS; `gains` maps passage ids to grades.

    `kb` needs `row(id)` and `candidates(query, each)`.
    """
    if not queries or len(queries) != len(gains):
        raise MedGymError(
            "nothing to tune on", got=f"{len(queries)} queries, {len(gains)} judgements", expected="one a query"
        )
    totals = [0.0] * len(WEIGHTS)
    for query, wanted in zip(queries, gains, strict=True):
        rows, lexical, dense = kb.candidates(query, CANDIDATES)
        gain = {kb.row(identity): grade for identity, grade in wanted.items()}
        for i, weight in enumerate(WEIGHTS):
            best = top((1 - weight) * lexical + weight * dense, CUTOFF)
            totals[i] += ndcg([int(rows[j]) for j in best], gain)
    return [total / len(queries) for total in totals]


def best_weight(curve: Sequence[float]) -> float:
    """The weight with the highest value; the smaller of equals, 0 allowed."""
    return WEIGHTS[max(range(len(WEIGHTS)), key=lambda i: (round(curve[i], 6), -i))]


def tune_weight(kb: KnowledgeBase, queries: Sequence[str], gains: Sequence[Mapping[str, int]]) -> float:
    """The weight of the dense score with the best mean nDCG@10 on these queries. Without vectors the answer is 0."""
    return best_weight(weight_curve(kb, queries, gains)) if kb.vectors is not None else 0.0
