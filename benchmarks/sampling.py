"""How fast turns are sampled when the cache is kept over turns, and whether what is sampled is exact.

    python benchmarks/sampling.py [--model demo|5M] [--threads 1] [--runs 3]   # the speed table
    python benchmarks/sampling.py --check [--episodes 1000]                    # exactness

Speed: 32 episodes of five turns with contexts of their own (nothing shared), 1,500 tokens at the first turn, 80 more
from the world after each, 32 sampled a turn; (a) `HFSampler`; (b) the same, each turn a new episode, so that everything
is prefilled again; (c) `transformers` `generate`, left-padded, once a turn. Sampled tokens/s, medians over the runs,
which alternate; where the time goes.

Check: random episodes of one to five turns. Their log-probabilities against a plain forward pass (<= 1e-4), then the
same episodes in another order and batch size: tokens and log-probabilities must be the same to the last bit.
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))  # this checkout, before any installed one

import torch
from transformers import Qwen3Config, Qwen3ForCausalLM

from training.distribution import Sampling, teacher_forced
from training.initialise import initialise
from training.sampler import HFSampler, Request, Sample, derive_seed

MODELS = {  # hidden, layers, heads, feed-forward: the demo's policy, and one of five million parameters
    "tiny": (64, 2, 4, 128),
    "demo": (128, 4, 4, 384),
    "5M": (256, 5, 8, 768),
}
VOCABULARY = 1792
BATCH, TURNS, CONTEXT, OBSERVATION, TURN = 32, 5, 1500, 80, 32
STOP = 0
TOLERANCE = 1e-4
SAMPLINGS = {"plain": {}, "tempered": {"temperature": 0.7}, "cut": {"temperature": 1.3, "top_p": 0.9, "top_k": 200}}


def make_model(name: str) -> Any:
    """A random model in fp32 whose distribution is neither flat nor a point."""
    hidden, layers, heads, feed_forward = MODELS[name]
    config = Qwen3Config(
        vocab_size=VOCABULARY,
        hidden_size=hidden,
        intermediate_size=feed_forward,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        num_key_value_heads=heads,
        head_dim=hidden // heads,
        max_position_embeddings=4096,
        tie_word_embeddings=False,
        eos_token_id=STOP,
        pad_token_id=STOP,
        dtype="float32",
    )
    model = Qwen3ForCausalLM(config)
    initialise(model, 0)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for layer in model.get_decoder().layers:  # paths that training would open
            for weight in (layer.self_attn.o_proj.weight, layer.mlp.down_proj.weight):
                weight += torch.randn(weight.shape, generator=generator) * 0.5 / weight.shape[1] ** 0.5
        model.get_output_embeddings().weight.mul_(4)
    return model.eval()


def tokens(seed: int, n: int) -> list[int]:
    """Random tokens, none of them the stop token."""
    return np.random.default_rng(seed).integers(1, VOCABULARY, n).tolist()


def play(
    turn: Callable[[int, dict[int, list[int]]], list[Sample]], contexts: dict[int, list[int]]
) -> tuple[int, float]:
    """Five turns of every context: tokens sampled and seconds in all."""
    contexts, sampled, began = {k: list(c) for k, c in contexts.items()}, 0, time.perf_counter()
    for number in range(TURNS):
        for sample in turn(number, contexts):
            sampled += len(sample.ids)
            contexts[sample.key] += sample.ids + tokens(derive_seed(sample.key, number), OBSERVATION)
    return sampled, time.perf_counter() - began


def ours(model: Any, contexts: dict[int, list[int]], *, keep: bool) -> tuple[int, float, dict[str, float]]:
    sampler = HFSampler(model, set())  # no stop token: every arm samples as many tokens

    def turn(number: int, contexts: dict[int, list[int]]) -> list[Sample]:
        offset = 0 if keep else number * BATCH
        requests = [Request(offset + k, list(c), derive_seed(k, number), TURN) for k, c in contexts.items()]
        samples = sampler.sample(requests)
        if not keep:
            for sample in samples:
                sampler.release(sample.key)
                sample.key -= offset
        return samples

    return *play(turn, contexts), sampler.seconds


def generate(model: Any, contexts: dict[int, list[int]]) -> tuple[int, float, dict[str, float]]:
    def turn(number: int, contexts: dict[int, list[int]]) -> list[Sample]:
        width = max(map(len, contexts.values()))
        ids = torch.tensor([[STOP] * (width - len(c)) + c for c in contexts.values()])
        mask = torch.tensor([[0] * (width - len(c)) + [1] * len(c) for c in contexts.values()])
        torch.manual_seed(number)
        out = model.generate(
            input_ids=ids,
            attention_mask=mask,
            do_sample=True,
            top_k=0,
            min_new_tokens=TURN,
            max_new_tokens=TURN,
        )
        return [Sample(k, row) for k, row in zip(contexts, out[:, width:].tolist(), strict=True)]

    with torch.inference_mode():
        return *play(turn, contexts), {}


def speed(name: str, runs: int) -> None:
    model = make_model(name)
    size = sum(p.numel() for p in model.parameters()) / 1e6
    contexts = {k: tokens(k, CONTEXT + 4 * k) for k in range(BATCH)}
    arms = {
        "a  cache kept": lambda: ours(model, contexts, keep=True),
        "b  prefilled each turn": lambda: ours(model, contexts, keep=False),
        "c  transformers.generate": lambda: generate(model, contexts),
    }
    rates: dict[str, list[float]] = {arm: [] for arm in arms}
    shares: dict[str, str] = {}
    for run in range(runs):
        for arm, call in arms.items():
            sampled, seconds, parts = call()
            rates[arm].append(sampled / seconds)
            parts = {**parts, "other": seconds - sum(parts.values())} if parts else {"all": seconds}
            shares[arm] = "  ".join(f"{part} {value:.2f} s" for part, value in parts.items())
            print(f"run {run} {arm}: {sampled / seconds:.0f} tokens/s", file=sys.stderr)
    best = statistics.median(rates["a  cache kept"])
    print(f"{name}: {size:.1f} M parameters, {torch.get_num_threads()} thread(s), batch {BATCH}, {runs} runs")
    for arm in arms:
        rate = statistics.median(rates[arm])
        print(f"  {arm:25} {rate:7.0f} tokens/s   a is {best / rate:4.2f} times as fast   {shares[arm]}")


def episodes(model: Any, n: int, batch: int, order: list[int], **sampling: Any) -> dict[int, tuple]:
    """Random episodes, `batch` in flight: key -> (token ids, positions of sampled ones, their log-probabilities)."""
    sampler = HFSampler(model, {STOP}, **sampling)
    waiting, found, turns = order[:n], {}, {}

    def submit(key: int) -> None:
        ids, _, _ = found[key]
        sampler.submit(
            Request(key, list(ids), derive_seed(key, turns[key]), 1 + derive_seed("n", key, turns[key]) % 24)
        )

    def begin() -> None:
        key = waiting.pop(0)
        prompt = tokens(key // 4, 70) + tokens(
            key // 2, derive_seed(key // 2) % 150
        )  # shared by twos, its start by fours
        found[key], turns[key] = (prompt, [], []), 0
        submit(key)

    for _ in range(min(batch, len(waiting))):
        begin()
    while done := sampler.collect():
        for sample in done:
            key, (ids, positions, logprobs) = sample.key, found[sample.key]
            positions += range(len(ids), len(ids) + len(sample.ids))
            logprobs += sample.logprobs
            ids += sample.ids
            turns[key] += 1
            if turns[key] <= derive_seed("turns", key) % 5:
                ids += tokens(derive_seed(key, turns[key]), 1 + derive_seed("w", key, turns[key]) % 60)
                submit(key)
            else:
                sampler.release(key)
                if waiting:
                    begin()
    sampler.close()
    return found


def check(name: str, n: int) -> bool:
    """Print what is exact; whether all of it is."""
    model, good = make_model(name), True
    for label, options in SAMPLINGS.items():
        keys = list(range(n))
        first = episodes(model, n, 32, keys, **options)
        forced = teacher_forced(
            model, [first[k][0] for k in keys], [first[k][1] for k in keys], Sampling(**options), 4096
        )
        worst = max(float((torch.tensor(first[k][2]) - f).abs().max()) for k, f in zip(keys, forced, strict=True))
        shuffled = [int(k) for k in np.random.default_rng(0).permutation(n)]
        moved, deltas = 0, [0.0]
        for batch, order in ((7, shuffled), (1, keys), (50, keys[::-1])):
            other = episodes(model, n, batch, order, **options)
            for key in keys:
                if other[key][0] != first[key][0]:
                    moved += 1
                else:
                    deltas += [abs(a - b) for a, b in zip(other[key][2], first[key][2], strict=True)]
        sampled = sum(len(first[k][1]) for k in keys)
        good = good and worst <= TOLERANCE and moved == 0
        print(
            f"{label:9} {n} episodes, {sampled} sampled tokens: teacher-forced max |delta| {worst:.1e}; "
            f"3 other batchings (7 shuffled, 1, 50 reversed): {moved} of {3 * n} episodes differ, "
            f"max |delta logprob| {max(deltas):.1e}",
            flush=True,
        )
    return good


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", choices=sorted(MODELS))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--episodes", type=int, default=1000)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    if args.check:
        sys.exit(0 if check(args.model or "tiny", args.episodes) else 1)
    for name in [args.model] if args.model else ["demo", "5M"]:
        speed(name, args.runs)


if __name__ == "__main__":
    main()
