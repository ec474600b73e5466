"""What an evaluation costs beside the model: scripted policies on multiple-choice items, mode by mode.

    python benchmarks/evaluation_speed.py --items 20000

Prompts, scoring, writing the kept answers and reading them again count; the aim is 3,000 items/s in modes text and
logprob. An episode is a whole conversation with its tools, so mode agentic runs on a tenth of the items.
"""

import argparse
import tempfile
import time
from pathlib import Path

from evaluation.benchmarks import BENCHMARKS, Benchmark
from evaluation.item import Item
from evaluation.policies import Policy, oracle, policy_of, scripted
from evaluation.runner import Bench, Protocol, answers
from medgym_core.card import markdown

WORDS = "A patient of middle age comes with pain in the chest that began two hours ago while walking to work. " * 4
OPTIONS = {"A": "aortic dissection", "B": "myocardial infarction", "C": "pulmonary embolism", "D": "costochondritis"}
AGENTIC_SHARE = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--items", type=int, default=20_000)
    items = [
        Item(f"speed/{n}", f"{WORDS}Number {n}: what is it?", "ABCD"[n % 4], OPTIONS)
        for n in range(parser.parse_args().items)
    ]
    spec = BENCHMARKS["medqa"]
    policies = [oracle(spec), scripted("null:always_A", items, spec), policy_of("script:hash_letter")]
    rows = [_row(policy, items, mode) for mode in ("text", "logprob", "agentic") for policy in policies]
    print("\n".join(markdown(["mode", "policy", "items", "items/s", "again, from what was kept"], rows)))


def _row(policy: Policy, items: list[Item], mode: str) -> list[str]:
    chosen = items[::AGENTIC_SHARE] if mode == "agentic" else items
    with tempfile.TemporaryDirectory() as folder:
        first, second = (_seconds(policy, chosen, mode, Path(folder)) for _ in range(2))
    rates = [f"{len(chosen) / seconds:,.0f}" for seconds in (first, second)]
    return [mode, policy.name, f"{len(chosen):,}", *rates]


def _seconds(policy: Policy, items: list[Item], mode: str, kept: Path) -> float:
    """Processor seconds of one evaluation."""
    began = time.process_time()
    answers(policy, Benchmark(BENCHMARKS["medqa"], items), items, mode, Bench(None, kept), Protocol())
    return time.process_time() - began


if __name__ == "__main__":
    main()
