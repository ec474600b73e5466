"""Pictures of a study: each arm's mean over seeds with the range of the seeds, by optimiser step."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

PANELS = {
    "validation_accuracy": "validation accuracy (greedy, unshaped)",
    "validation_composite": "validation composite (greedy, unshaped)",
    "sampled_tokens": "sampled tokens an episode",
    "turns": "turns an episode",
    "tool_calls": "tool calls an episode",
    "kl": "log pi - log pi_bar, nats a token",
}
SMOOTH = 5  # training steps averaged: a step's 64 episodes are of eight tasks, others each time
DPI = 100

Curve = tuple[list[int], list[list[float]]]  # steps, and values by seed


def curves(logs: Mapping[str, Sequence[Sequence[Mapping[str, Any]]]], key: str) -> dict[str, Curve]:
    """Per arm the values of one figure over the log lines of its seeds; steps that not all seeds have are left out."""
    found = {}
    for arm, runs in logs.items():
        by_seed = [{int(r["step"]): float(r[key]) for r in run if key in r} for run in runs]
        steps = sorted(set.intersection(*(set(s) for s in by_seed))) if by_seed else []
        if steps:
            found[arm] = steps, [smoothed([s[step] for step in steps], key) for s in by_seed]
    return found


def smoothed(values: Sequence[float], key: str) -> list[float]:
    """Mean of each value and the `SMOOTH` - 1 before it; validation figures as they are."""
    if key.startswith("validation_"):
        return list(values)
    return [sum(values[max(0, i - SMOOTH + 1) : i + 1]) / (i + 1 - max(0, i - SMOOTH + 1)) for i in range(len(values))]


def draw(path: Path, logs: Mapping[str, Sequence[Sequence[Mapping[str, Any]]]]) -> Path:
    """One picture with a panel a figure."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, grid = pyplot.subplots(3, 2, figsize=(11, 11), dpi=DPI)
    colours = {arm: pyplot.get_cmap("tab10")(i % 10) for i, arm in enumerate(logs)}
    for axes, (key, title) in zip(grid.flat, PANELS.items(), strict=True):
        for arm, (steps, values) in curves(logs, key).items():
            columns = list(zip(*values, strict=True))
            mean = [sum(c) / len(c) for c in columns]
            axes.plot(steps, mean, color=colours[arm], linewidth=1.5, label=arm)
            axes.fill_between(steps, list(map(min, columns)), list(map(max, columns)), color=colours[arm], alpha=0.1)
        axes.set(title=title, xlabel="optimiser step")
        axes.grid(alpha=0.25)
    handles, labels = grid.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower center", ncol=5, frameon=False)
    figure.tight_layout(rect=(0, 0.05, 1, 1))
    beside = path.with_name(f".{path.name}")
    figure.savefig(beside, format="png")
    pyplot.close(figure)
    beside.replace(path)
    return path
