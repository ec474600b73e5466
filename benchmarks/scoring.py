"""What scoring an episode costs: the expert's episodes of every domain, with and without a free text.

    python benchmarks/scoring.py --per-domain 60

Each episode is scored once with the words of observations not seen before (the cache of normal forms is emptied), as in
a rollout. Aims: 0.1 ms median without free-text assertions, 0.5 ms with.
"""

import argparse
import time
from statistics import median, quantiles

from medgym_core.card import markdown
from medgym_core.episode import Episode
from medgym_core.gates import play
from medgym_core.knowledge.search import KnowledgeBase
from medgym_core.probes import reference_texts
from medgym_core.rewards import score
from medgym_core.tasks import build_task_set
from medgym_core.text import quick_normal

ROUNDS = 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--per-domain", type=int, default=60)
    knowledge = KnowledgeBase.shipped()
    tasks = build_task_set(0, parser.parse_args().per_domain, knowledge)
    episodes = [play(t, reference_texts(t), knowledge) for t in tasks]
    groups = {"without": [e for e in episodes if not _text(e)], "with": [e for e in episodes if _text(e)]}
    rows = []
    for name, held in groups.items():
        timed(held)  # tables are loaded once per process
        spent = [ms for _ in range(ROUNDS) for ms in timed(held)]
        cuts = quantiles(spent, n=100)
        rows.append([f"{name} a free text", len(held), f"{median(spent):.3f}", f"{cuts[94]:.3f}", f"{cuts[98]:.3f}"])
    print("\n".join(markdown(["episodes", "n", "median ms", "p95 ms", "p99 ms"], rows)))


def timed(episodes: list[Episode]) -> list[float]:
    """Milliseconds of each episode's scoring."""
    spent = []
    for episode in episodes:
        quick_normal.cache_clear()
        began = time.perf_counter()
        score(episode.task, episode.events)
        spent.append((time.perf_counter() - began) * 1e3)
    return spent


def _text(episode: Episode) -> bool:
    gold = episode.task.truth.gold
    return "text" in {gold.kind, *(g.kind for g in gold.fields.values())}


if __name__ == "__main__":
    main()
