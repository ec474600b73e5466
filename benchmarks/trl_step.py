"""One GRPO step beside TRL's GRPOTrainer: same policy folder, tasks, tool, reward and token counts, on one CPU core.

    python3.11 -m venv trl-venv
    trl-venv/bin/pip install torch==2.13.0 trl==1.16.0 accelerate==1.15.0 datasets==5.2.0 -e .[train]
    trl-venv/bin/python benchmarks/trl_step.py [--steps 5] [--load short] [--size small] [--trl batch=8]

TRL is no dependency of the project: it has an environment of its own, and both sides run in it. A step is rollout and
update: 8 prompts x 8 samples, three tool calls and an answer each, one optimiser step, fp32, no KL term, no logging or
saving by TRL. The two sides are processes of one thread each that take turns step by step; the first step of each is
not counted. On a busy machine read the processor seconds.

A small Qwen3 policy is first cloned from scripts, so that at temperature 1 nearly every sample is a well-formed
episode of the same length; what it chooses (bed numbers) stays random, so every group has something to learn from.
`--load` is what is played:

- short: the tool is described in words, as in this project's own training.
- tools: its JSON schema stands in every prompt, as TRL does it.
- ragged: one to five calls and free text before them, so that episodes differ in length (and counts by some percent).

TRL plays with `tools=[...]`, its own multi-turn loop; its response template for Qwen3 parses the calls. `--trl` sets
its knobs: `batch` (episodes in a forward pass of the update), `engine` (generate, or batching: transformers' continuous
batching), `checkpointing` (0 or 1). The defaults are what was fastest here.
"""

import argparse
import json
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

os.environ |= {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1"}
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

PROMPTS = SAMPLES = 8
CALLS = 3
TASKS = 64
TURN_TOKENS, EPISODE_TOKENS = 80, 1024  # never reached by a well-formed episode
LEARNING_RATE = 2e-4
SIZES = {"small": {}, "medium": {"hidden": 256, "layers": 6, "feed_forward": 768}}
CLONING = {"small": 250, "medium": 200}  # steps after which more than 95 % of sampled episodes are well formed
SAME = 0.05  # pairs of steps that differ by more are not compared
# The logits' factor after cloning. Without it one sample in some hundred runs on for a turn, and while it does all of
# TRL's batch waits for it: that would measure stragglers, in this project's favour.
SHARPER = 2.0
# Continuous batching sizes itself by the memory of a GPU; on a CPU its buffers then do not end, so they are given.
BATCHING = {"page_size": 64, "num_blocks": 640, "max_batch_tokens": 2048, "max_requests_per_batch": 64}
KNOBS = {"batch": "8", "engine": "generate", "checkpointing": "0"}
SYSTEM = (
    "You are the nurse in charge of the night round of a small ward with ten beds, numbered 0 to 9. The tool look "
    "shows what the monitor of one bed says; its arguments are the bed and the round. Look at one bed in each round. "
    "After the last round name the bed that needs a doctor first and the bed that comes second."
)
_CALL = re.compile(r"<tool_call>(.*?)</tool_call>", re.DOTALL)
_NAMED = re.compile(r"\d")


@dataclass(frozen=True)
class Task:
    """A ward; `worst` is the bed that the reward wants."""

    id: str
    split: str
    worst: int
    domain: str = "ward"

    @property
    def messages(self) -> list[dict[str, Any]]:
        number = int(self.id.split("/")[1])
        text = f"Night {number}. The ward is full and quiet. Which bed needs a doctor first?"
        return [{"role": "system", "content": SYSTEM}, {"role": "user", "content": text}]


def tasks() -> list[Task]:
    return [Task(f"ward/{i}", "train" if i < TASKS else "validation", i * 7 % 10) for i in range(TASKS + 2)]


def look(bed: int, round: int) -> str:
    """
    Read the monitor of one bed.

    Args:
        bed: Number of the bed.
        round: Number of the round.
    """
    n = bed * 31 + round * 17
    return (
        f"bed {bed}: heart rate {60 + n % 60}, oxygen saturation {88 + n % 12}, blood pressure {95 + n % 50} over "
        f"{55 + n % 30}, breathing rate {12 + n % 14}, temperature {36 + n % 4} degrees"
    )


def reward(task: Task, texts: list[str]) -> float:
    """Near 1 where all named beds are near the worst one; the weights make equal sums rare."""
    named = [int(digit) for text in texts for digit in _NAMED.findall(text)]
    weights = [0.731**k for k in range(len(named))]
    return sum(w * (1 - abs(n - task.worst) / 9) for w, n in zip(weights, named, strict=True)) / max(sum(weights), 1)


def script(task: Task, load: str) -> list[str]:
    """The assistant's messages of one well-formed episode that chooses at random."""
    rng = random.Random(f"{task.id}/{load}")
    words = ("The ward is calm. ", "I go on. ", "That one can wait a little. ", "Next. ")
    ragged = load == "ragged"
    texts = []
    for n in range(rng.randint(1, 5) if ragged else CALLS):
        said = "".join(rng.choices(words, k=rng.randint(0, 4))) if ragged else ""
        call = {"name": "look", "arguments": {"bed": rng.randrange(10), "round": n + 1}}
        texts.append(f"{said}<tool_call>{json.dumps(call)}</tool_call>")
    return [*texts, f"Bed {rng.randrange(10)} needs a doctor first, then bed {rng.randrange(10)}."]


class Ward:
    """The task being played, with the interface of `medgym_core.episode.Episode` and the rules of TRL's loop."""

    def __init__(self, task: Task, knowledge: Any = None):
        from transformers.utils import get_json_schema

        self.task, self.tools, self.messages = task, [get_json_schema(look)], list(task.messages)
        self.turns = self.tool_calls = self.tool_errors = self.writes = 0
        self.done = self.truncated = False

    def step(self, text: str) -> Any:
        from training.control import ControlStep

        self.messages.append({"role": "assistant", "content": text})
        self.turns += 1
        found = _CALL.search(text)
        message = None
        if found is None:
            self.done = True
        else:
            self.tool_calls += 1
            message = {"role": "tool", "content": self._answer(found[1])}
            self.messages.append(message)
        return ControlStep(message, self.done, False, False, "look" if found else None)

    def _answer(self, call: str) -> str:
        try:
            return look(**json.loads(call)["arguments"])
        except (ValueError, TypeError, KeyError) as error:
            self.tool_errors += 1
            return str({"error": str(error)})

    def score(self) -> Any:
        from medgym_core.rewards import Reward

        value = reward(self.task, [m["content"] for m in self.messages if m["role"] == "assistant"])
        return Reward(value, value, value > 0.5, {}, False, "")


def make_policy(folder: Path, size: str, load: str) -> Path:
    """The policy folder both sides start from: a small Qwen3 model that knows the format of an episode."""
    from medgym_core.knowledge.search import KnowledgeBase
    from training.bc import train_bc
    from training.config import BCConfig, PolicyConfig
    from training.policy import build_base_policy, load_policy, save_policy
    from training.rollout import conversation_text, play_script, rollout_scripted
    from training.trajectory import write_trajectories

    shown = [Task(f"ward/{i}", "train", 0) for i in range(1200)]
    knowledge = KnowledgeBase.shipped()
    texts = [conversation_text(play_script(t, script(t, load), make_episode=Ward).messages) for t in shown[:200]]
    texts += [knowledge.read(id).text for id in knowledge.ids]  # fill the vocabulary
    base = build_base_policy(texts, folder / "base", PolicyConfig(render_tools=load == "tools", **SIZES[size]), 0)
    if load != "tools":  # TRL hands the tools to the template in any case
        base.tokenizer.chat_template = base.tokenizer.chat_template.replace("and tools", "and shows_tools")
        save_policy(base.model, base.tokenizer, folder / "base", render_tools=False)
        base = load_policy(folder / "base")
    episodes = rollout_scripted(base, shown, lambda t: script(t, load), name="script", make_episode=Ward)
    write_trajectories(folder / "shown.parquet", episodes)
    config = BCConfig(
        copy_steps=0, steps=CLONING[size], batch_tokens=4096, hinted=0.0, scramble=0.0, clone_incorrect=True
    )
    train_bc(folder / "base", folder / "shown.parquet", folder / "bc", config, 0)
    cloned = load_policy(folder / "bc" / "policy")
    cloned.model.get_output_embeddings().weight.data *= SHARPER
    save_policy(cloned.model, cloned.tokenizer, folder / "policy", render_tools=cloned.chat.render_tools)
    return folder / "policy"


def our_steps(policy: Path, out: Path, steps: int) -> Iterator[dict[str, float]]:
    """MedGym's steps, one at each `next`: seconds, phases and counts."""
    import torch

    from training.config import CosineConfig, GRPOConfig
    from training.rl import start
    from training.trainer import train_step

    torch.set_num_threads(1)
    config = GRPOConfig(
        prompts=PROMPTS, samples=SAMPLES, turn_tokens=TURN_TOKENS, episode_tokens=EPISODE_TOKENS,
        learning_rate=LEARNING_RATE, cosine=CosineConfig(weight=0), gradient_norms_every=0,
    )  # fmt: skip
    run = start(policy, tasks(), None, out, config, 0, make_episode=Ward)
    for _ in range(steps):
        began, used = time.perf_counter(), time.process_time()
        record = train_step(run)
        seconds, phases = time.perf_counter() - began, record["clock"].seconds
        yield {
            "seconds": seconds,
            "processor": time.process_time() - used,
            "rollout": phases["rollout"] + phases["score"],
            "update": phases["update"],
            "sampled": record["sampled"],
            "tokens": record["tokens"],
            "calls": record["tool_calls"] * PROMPTS * SAMPLES,
        }


def trl_steps(policy: Path, out: Path, steps: int, knobs: dict[str, str]) -> Iterator[dict[str, float]]:
    """TRL's steps, one at each `next`. The trainer owns its loop, so it runs in a thread that waits between steps."""
    import queue
    import threading

    from transformers import TrainerCallback

    go: queue.Queue[None] = queue.Queue()
    done: queue.Queue[dict[str, float] | BaseException] = queue.Queue()

    class Gate(TrainerCallback):
        def on_step_begin(self, *args: Any, **kwargs: Any) -> None:
            go.get()
            self.began, self.used = time.perf_counter(), time.process_time()

        def on_step_end(self, *args: Any, **kwargs: Any) -> None:
            seconds, processor = time.perf_counter() - self.began, time.process_time() - self.used
            done.put({"seconds": seconds, "processor": processor, **counts, "update": seconds - counts["rollout"]})

    counts: dict[str, float] = {}
    trainer = trl_trainer(policy, out, steps, knobs, counts, Gate())

    def train() -> None:
        try:
            trainer.train()
        except BaseException as error:  # noqa: BLE001 the other thread raises it
            done.put(error)

    threading.Thread(target=train, daemon=True).start()
    for _ in range(steps):
        go.put(None)
        result = done.get()
        if isinstance(result, BaseException):
            raise result
        yield result


def trl_trainer(policy: Path, out: Path, steps: int, knobs: dict[str, str], counts: dict[str, float], gate: Any) -> Any:
    """GRPOTrainer as a user of TRL would set it up for speed on a CPU; `counts` gets what each rollout did."""
    import torch
    from datasets import Dataset
    from transformers import AutoTokenizer
    from trl import GRPOConfig, GRPOTrainer
    from trl.chat_template_utils import qwen3_template

    torch.set_num_threads(1)
    tokenizer = AutoTokenizer.from_pretrained(policy, padding_side="left", truncation_side="left")
    tokenizer.response_template = qwen3_template
    batch = int(knobs["batch"])
    config = GRPOConfig(
        output_dir=str(out), max_steps=steps, per_device_train_batch_size=batch,
        gradient_accumulation_steps=PROMPTS * SAMPLES // batch, num_generations=SAMPLES,
        max_completion_length=EPISODE_TOKENS // 2, temperature=1.0, learning_rate=LEARNING_RATE,
        lr_scheduler_type="constant", beta=0.0, epsilon=0.2, epsilon_high=0.28, scale_rewards="none",
        max_grad_norm=1.0, use_cpu=True, bf16=False, gradient_checkpointing=knobs["checkpointing"] == "1",
        model_init_kwargs={"dtype": "float32", "attn_implementation": "sdpa"}, use_vllm=False,
        use_transformers_continuous_batching=knobs["engine"] == "batching",
        transformers_continuous_batching_config=BATCHING, logging_strategy="no",
        save_strategy="no", eval_strategy="no", report_to="none", disable_tqdm=True, seed=0,
        dataloader_pin_memory=False, remove_unused_columns=False,
    )  # fmt: skip
    train = [t for t in tasks() if t.split == "train"]
    rows = Dataset.from_list([{"prompt": t.messages, "worst": t.worst} for t in train])

    def score(completions: list[list[dict[str, Any]]], worst: list[int], **_: Any) -> list[float]:
        said = [[_said(m) for m in messages if m["role"] == "assistant"] for messages in completions]
        return [reward(Task("ward/0", "train", w), texts) for w, texts in zip(worst, said, strict=True)]

    trainer = GRPOTrainer(
        model=str(policy), reward_funcs=score, args=config, train_dataset=rows, processing_class=tokenizer,
        tools=[look], callbacks=[gate],
    )  # fmt: skip
    play, generate = trainer._generate_and_score_completions, trainer._generate

    def timed(inputs: Any) -> Any:
        began = time.perf_counter()
        found = play(inputs)
        counts["rollout"] = time.perf_counter() - began
        return found

    def counted(prompts: Any) -> Any:
        found = generate(prompts)
        prompt_ids, completion_ids, mask, completions = found[:4]
        counts["sampled"] = sum(map(sum, mask))
        counts["tokens"] = sum(map(len, prompt_ids)) + sum(map(len, completion_ids))
        counts["calls"] = sum(len(m.get("tool_calls") or ()) for messages in completions for m in messages)
        return found

    trainer._generate_and_score_completions, trainer._generate = timed, counted
    return trainer


def _said(message: dict[str, Any]) -> str:
    calls = message.get("tool_calls") or ()
    return str(message.get("content") or "") + "".join(json.dumps(c["function"]) for c in calls)


def work(side: str, policy: Path, steps: int, knobs: dict[str, str]) -> None:
    """One side in its own process: a step for each line of standard input, its figures as a line of JSON."""
    answers, sys.stdout = sys.stdout, sys.stderr
    with tempfile.TemporaryDirectory() as out:
        plays = our_steps(policy, Path(out), steps) if side == "ours" else trl_steps(policy, Path(out), steps, knobs)
        for _ in sys.stdin:
            print(json.dumps(next(plays)), file=answers, flush=True)


def alternate(policy: Path, steps: int, knobs: dict[str, str]) -> dict[str, list[dict[str, float]]]:
    """Steps of both sides in turn; each side's first one is dropped."""
    command = [sys.executable, __file__, "--policy", str(policy), "--steps", str(steps), "--trl", *_told(knobs)]
    sides = {
        side: subprocess.Popen([*command, "--side", side], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for side in ("ours", "trl")
    }
    found: dict[str, list[dict[str, float]]] = {side: [] for side in sides}
    for _ in range(steps + 1):
        for side, process in sides.items():
            print("step", file=process.stdin, flush=True)
            line = process.stdout.readline()
            if not line:
                raise RuntimeError(f"the {side} side ended with {process.wait()}")
            found[side].append(json.loads(line))
    for process in sides.values():
        process.stdin.close()
        process.wait()
    return {side: rows[1:] for side, rows in found.items()}


def report(found: dict[str, list[dict[str, float]]]) -> None:
    """Medians by side, and the ratio of each pair of neighbouring steps, of pairs with the same work alone."""
    pairs = list(zip(found["ours"], found["trl"], strict=True))
    equal = [(o, t) for o, t in pairs if abs(t["sampled"] / o["sampled"] - 1) <= SAME]
    print(f"{len(equal)} of {len(pairs)} pairs of steps have the same sampled tokens within {SAME:.0%}; of those:")
    if not equal:
        return
    print(f"{'median of a step':<34}{'MedGym':>12}{'TRL':>12}{'TRL / MedGym':>24}")
    rows = {
        "seconds": lambda r: r["seconds"],
        "processor seconds": lambda r: r["processor"],
        "rollout, seconds": lambda r: r["rollout"],
        "update, seconds": lambda r: r["update"],
        "milliseconds a sampled token": lambda r: 1e3 * r["seconds"] / r["sampled"],
        "sampled tokens": lambda r: r["sampled"],
        "all tokens of the episodes": lambda r: r["tokens"],
        "tool calls": lambda r: r["calls"],
    }
    for name, figure in rows.items():
        ours, theirs = [figure(o) for o, _ in equal], [figure(t) for _, t in equal]
        ratios = [t / o for o, t in zip(ours, theirs, strict=True)]
        told = f"{statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})"
        print(f"{name:<34}{statistics.median(ours):>12.3f}{statistics.median(theirs):>12.3f}{told:>24}")


def _told(knobs: dict[str, str]) -> list[str]:
    return [f"{k}={v}" for k, v in knobs.items()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=5, help="counted steps of each side")
    parser.add_argument("--load", choices=("short", "tools", "ragged"), default="short")
    parser.add_argument("--size", choices=tuple(SIZES), default="small")
    parser.add_argument("--trl", nargs="*", default=[], metavar="KNOB=VALUE", help=f"default {_told(KNOBS)}")
    parser.add_argument("--policy", type=Path, help="a folder made before; it is made anew without")
    parser.add_argument("--save", type=Path, help="keep the policy here")
    parser.add_argument("--side", choices=("ours", "trl"), help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    knobs = {**KNOBS, **dict(k.split("=", 1) for k in chosen.trl)}
    if chosen.side:
        work(chosen.side, chosen.policy, chosen.steps + 1, knobs)
        return
    with tempfile.TemporaryDirectory() as made:
        policy = chosen.policy or make_policy(chosen.save or Path(made), chosen.size, chosen.load)
        print(f"{chosen.load}, {chosen.size} policy, {_told(knobs)}, " + ", ".join(
            f"{name} {version(name)}" for name in ("torch", "transformers", "trl", "accelerate")
        ))  # fmt: skip
        report(alternate(policy, chosen.steps, knobs))


if __name__ == "__main__":
    main()
