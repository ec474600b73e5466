"""Peak memory of one TT-OPD update by vocabulary: `python benchmarks/training_memory.py [--tokens 4096]`.

A randomly initialised policy (hidden 128, 4 layers), full-vocabulary distillation to a hinted teacher, AdamW, one
optimiser step on that many sampled tokens, each vocabulary in a process of its own. Peak is the process's resident
memory. The state of training (weights, gradients, two Adam moments, the teacher, and the student's weights while the
teacher speaks) must grow with the vocabulary; everything else must not. With (tokens x vocabulary) in memory once,
4,096 tokens of 150,000 would take 2.3 GiB alone.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

COPIES = 6  # weights, gradients, two moments, teacher, student's weights while the teacher speaks
EPISODES = 16
LIMIT = 1.3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tokens", type=int, default=4096)
    parser.add_argument("--vocabularies", type=int, nargs=2, default=(2_000, 150_000))
    parser.add_argument("--one", type=int, help="measure this vocabulary in this process")
    chosen = parser.parse_args()
    if chosen.one:
        print(json.dumps(measure(chosen.one, chosen.tokens)))
        return
    rows = []
    for vocabulary in chosen.vocabularies:
        command = [sys.executable, __file__, "--one", str(vocabulary), "--tokens", str(chosen.tokens)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        rows.append(json.loads(done.stdout.splitlines()[-1]))
    print(f"{'vocabulary':>12}{'peak MiB':>12}{'before MiB':>12}{'state MiB':>12}{'seconds':>10}")
    for r in rows:
        print(f"{r['vocabulary']:>12,}{r['peak']:>12.0f}{r['before']:>12.0f}{r['state']:>12.0f}{r['seconds']:>10.1f}")
    small, large = rows
    bound = LIMIT * small["peak"] + large["state"] - small["state"]
    print(f"bound {LIMIT} x {small['peak']:.0f} + {large['state'] - small['state']:.0f} = {bound:.0f} MiB")
    print(f"{'holds' if large['peak'] < bound else 'does not hold'}: {large['peak']:.0f} MiB")


def measure(vocabulary: int, tokens: int) -> dict[str, float]:
    """MiB: the process's peak, what it held before the step, and the state of training."""
    import time

    import torch
    from transformers import Qwen3Config, Qwen3ForCausalLM

    from training.algorithms import algorithm
    from training.config import TTOPDConfig
    from training.items import ask_teacher
    from training.run import new_optimiser
    from training.update import update

    torch.set_num_threads(1)
    torch.manual_seed(0)
    shape = {"hidden_size": 128, "intermediate_size": 384, "num_hidden_layers": 4, "head_dim": 32}
    shape |= {"num_attention_heads": 4, "num_key_value_heads": 4, "max_position_embeddings": 4096}
    model = Qwen3ForCausalLM(Qwen3Config(vocab_size=vocabulary, tie_word_embeddings=False, **shape))
    each = tokens // EPISODES
    items = [_item(vocabulary, each) for _ in range(EPISODES)]
    config = TTOPDConfig(gradient_norms_every=0)
    method, optimiser = algorithm(config, model), new_optimiser(model, config)
    method.distillation.weight = 1.0
    before = _resident()
    began = time.perf_counter()
    with method.distillation.teacher.speaking() as teacher:
        for item, said in zip(items, ask_teacher(teacher, items, [[1, 2, 3]] * len(items), 4096), strict=True):
            item.teacher = said
    figures = update(model, optimiser, items, config, method)
    assert figures["trained_tokens"] == each * EPISODES
    size = sum(p.numel() * p.element_size() for p in model.parameters()) / 2**20
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    seconds = time.perf_counter() - began
    return {"vocabulary": vocabulary, "peak": peak, "before": before, "state": COPIES * size, "seconds": seconds}


def _item(vocabulary: int, n: int) -> Any:
    """An episode of 64 tokens read and n sampled in one turn."""
    import random

    import torch

    from training.items import Item

    ids = random.Random(n).choices(range(vocabulary), k=64 + n)
    positions = list(range(64, 64 + n))
    return Item(ids, [-1] * 64 + [0] * n, positions, torch.full((n,), -7.0), torch.ones(n), keep=[True] * n)


def _resident() -> float:
    """Resident memory of this process, MiB."""
    with open("/proc/self/statm", encoding="ascii") as stream:
        return int(stream.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


if __name__ == "__main__":
    main()
