"""An evaluation from beginning to end: a policy, the parts of a suite, one scorecard.

Every policy answers the same items: the one that is measured, the gold policy, every null. Answers are kept under
`<home>/evaluations` by policy, benchmark and protocol (`evaluation.answer_cache`): an interrupted evaluation goes on.
The scorecard is plain JSON; nothing here reads a clock, so the same answers give the same document.
"""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

import medgym_core
from evaluation import agentic_items, parts, prompts
from evaluation.answer_cache import AnswerCache, answered
from evaluation.benchmarks import BENCHMARKS, Benchmark, load_benchmark
from evaluation.item import Item, Mode, Scorer, Spec
from evaluation.policies import Policy, Setting, is_script, null_policies, oracle, scripted
from evaluation.predictions import predictions, rescored
from evaluation.safety.bias import bias_report
from evaluation.safety.calibration import LEAST, calibration, confidences
from evaluation.suites import WHOLE, Part, modes_of, sample
from medgym_core.artifacts import digest_file, digest_json
from medgym_core.errors import unknown_name

ANSWER_TOKENS = {"choice": 64, "short": 64, "number": 64, "long": 256}
"""Room for an answer by kind, and for a submission call with it. A model that reasons before it answers needs more."""
EPISODE_TOKENS = 4096  # room for a vignette, the tools' descriptions and some observations

Progress = Callable[[str, int, int, Mapping[str, Any]], None]


@dataclass(frozen=True)
class Protocol:
    """What an evaluation depends on besides policy and items."""

    seed: int = 0
    answer_tokens: int | None = None
    """None: by kind (`ANSWER_TOKENS`)."""
    episode_tokens: int = EPISODE_TOKENS

    def setting(self, spec: Spec, knowledge: Any = None) -> Setting:
        """The setting of a benchmark's run."""
        most = self.answer_tokens or ANSWER_TOKENS[spec.kind]
        return Setting(most, self.episode_tokens, self.seed, knowledge)

    def facts(self, spec: Spec, mode: Mode, knowledge: Any = None) -> dict[str, Any]:
        """What the answers to a benchmark depend on: mode, words of the prompt, limits, and in episodes the world."""
        setting = self.setting(spec, knowledge)
        found: dict[str, Any] = {"mode": mode, "prompts": prompts.prompts_digest()}
        if mode == "logprob":
            return found
        found["answer_tokens"] = setting.answer_tokens
        if mode == "agentic":
            found |= {"episode_tokens": setting.episode_tokens, "seed": self.seed, "world": world_digest(spec)}
            found["knowledge"] = getattr(knowledge, "digest", "")
        return found


DEFAULT_PROTOCOL = Protocol()


def silent(name: str, done: int, total: int, facts: Mapping[str, Any]) -> None:
    """Progress that nobody sees."""


@dataclass(frozen=True)
class Bench:
    """Where an evaluation finds and keeps what it needs."""

    root: Path | None
    """The data folder."""
    kept: Path | None = None
    """The folder of kept answers; None: nothing is kept."""
    knowledge: Any = None
    """What the tools of an episode search; None: nothing."""
    progress: Progress = silent


def answers(
    policy: Policy,
    benchmark: Benchmark,
    items: Sequence[Item],
    mode: Mode,
    bench: Bench,
    protocol: Protocol = DEFAULT_PROTOCOL,
    digest: str = "",
) -> pa.Table:
    """The scored rows of `items`, in their order: kept ones, and new ones of `policy`. `digest` is that of all items of
    the benchmark, where it is known."""
    spec = benchmark.spec
    if mode not in modes_of(spec):
        raise unknown_name("benchmark mode", mode, modes_of(spec), where=spec.name)
    setting = protocol.setting(spec, bench.knowledge)
    key = {"policy": policy.digest, "benchmark": spec.name, "items": digest or items_digest(benchmark.items)}
    key |= protocol.facts(spec, mode, bench.knowledge)
    cache = AnswerCache(bench.kept, key, scorer_digest(spec.score))
    by_id = {item.id: item for item in benchmark.items}

    def ask(places: list[int]) -> pa.Table:
        chosen = [items[place] for place in places]
        return predictions(chosen, policy.replies(chosen, spec, mode, setting), spec.score, mode)

    def rescore(table: pa.Table) -> pa.Table:
        ids = table.column("item_id").to_pylist()
        return rescored(table, [by_id[name] for name in ids], spec.score, mode)

    def progress(done: int, total: int) -> None:
        bench.progress(spec.name, done, total, {"policy": policy.name, "mode": mode})

    return answered(cache, [item.id for item in items], policy.chunk, ask, rescore, progress)


def benchmark_part(
    names: Sequence[str],
    policies: Mapping[str, Policy],
    benchmark: Benchmark,
    part: Part,
    bench: Bench,
    protocol: Protocol = DEFAULT_PROTOCOL,
) -> dict[str, Any]:
    """One benchmark of a scorecard. `names` are the policies measured, `policies` those of them that are no scripts."""
    spec, items = benchmark.spec, sample(benchmark.items, part.limit, protocol.seed)
    known = {policy.name: policy for policy in (oracle(spec), *null_policies(benchmark.items, spec))}
    known = {n: policies.get(n) or scripted(n, benchmark.items, spec) for n in names} | known
    digest = items_digest(benchmark.items)
    tables = {n: answers(p, benchmark, items, part.mode, bench, protocol, digest) for n, p in known.items()}
    arms = {n: np.asarray(table.column("value").to_pylist(), dtype=np.float64) for n, table in tables.items()}
    sees = bool(getattr(known[names[0]], "sees", False))
    return {
        "name": spec.name,
        "title": spec.title,
        "kind": spec.kind,
        "mode": part.mode,
        "items": len(items),
        "items_in_file": len(benchmark.items),
        "published_items": spec.published_items,
        "metric": spec.metric,
        "chance": spec.chance,
        "licence": spec.licence,
        "items_digest": digest,
        **parts.measured(parts.units_of(items), arms, names, protocol.seed),
        "details": parts.figures(tables),
        **_further(names, tables, benchmark, part.mode, protocol.seed),
        "failures": parts.failures(items, tables[names[0]], spec.kind, part.mode, sees, protocol.seed),
        "notes": _notes(benchmark, items, part, arms, sees),
    }


def _further(
    names: Sequence[str], tables: Mapping[str, pa.Table], benchmark: Benchmark, mode: Mode, seed: int
) -> dict[str, Any]:
    """Where letters have probabilities, their calibration; of matched pairs, whether the attribute counts."""
    found: dict[str, Any] = {}
    if mode == "logprob":
        read = [n for n in names if len(confidences(tables[n])[0]) >= LEAST]  # a script's letters have none
        found["calibration"] = {n: _plain_json(calibration(tables[n], seed).as_dict()) for n in read}
    if benchmark.spec.name == "bias":
        found["bias"] = {n: _plain_json(bias_report(tables[n], benchmark.items, seed).as_dict()) for n in names}
    return found


def _plain_json(figures: dict[str, Any]) -> dict[str, Any]:
    """The figures as a reader of the JSON finds them."""
    return json.loads(json.dumps(figures))


def evaluate(
    names: Sequence[str],
    policies: Mapping[str, Policy],
    suite: str,
    chosen: Sequence[Part],
    bench: Bench,
    protocol: Protocol = DEFAULT_PROTOCOL,
    tasks: Callable[[int | None], Sequence[Any]] | None = None,
    version: str | None = None,
) -> dict[str, Any]:
    """The scorecard of the first of `names`, beside the others, the gold policy and the nulls.

    `policies` holds the reading ones by name; `tasks(limit)` gives MedGym's test tasks for the part `agentic`.
    """
    from evaluation.task_parts import AGENTIC, task_parts

    found: list[dict[str, Any]] = []
    for part in chosen:
        if part.name == AGENTIC:
            if tasks is not None:
                found += task_parts(names, policies, tasks(part.limit), bench, protocol)
        elif not all(n in policies or is_script(n) for n in names):
            raise unknown_name("policy", names[0], policies)
        else:
            benchmark = load_benchmark(part.name, bench.root)
            found.append(benchmark_part(names, policies, benchmark, part, bench, protocol))
    parts.correct_all(found)
    return {
        "policy": {"name": names[0], "digest": _digest(names[0], policies), "version": version},
        "suite": suite,
        "protocol": protocol_facts(chosen, protocol, bench.knowledge),
        "parts": found,
        "absent": [name for name in BENCHMARKS if suite in WHOLE and name not in {p["name"] for p in found}],
    }


def protocol_facts(chosen: Sequence[Part], protocol: Protocol, knowledge: Any = None) -> dict[str, Any]:
    """The protocol as the scorecard tells it, with its digest."""
    limits = {part.limit for part in chosen}
    facts: dict[str, Any] = {
        "seed": protocol.seed,
        "limit": limits.pop() if len(limits) == 1 else None,
        "limits": {part.name: part.limit for part in chosen},
        "modes": {part.name: part.mode for part in chosen},
        "answer_tokens": protocol.answer_tokens or ANSWER_TOKENS,
        "episode_tokens": protocol.episode_tokens,
        "prompts": prompts.prompts_digest(),
        "scorers": {p.name: scorer_digest(BENCHMARKS[p.name].score) for p in chosen if p.name in BENCHMARKS},
        "knowledge": getattr(knowledge, "digest", ""),
    }
    return {"digest": digest_json(facts), **facts}


def items_digest(items: Sequence[Item]) -> str:
    """Digest of everything that a benchmark's items say."""
    return digest_json([_plain(item) for item in items])


def scorer_digest(score: Scorer) -> str:
    """Digest of the code that a score depends on: the scorers, the item, and the file of the function itself."""
    here = Path(__file__).parent
    own = sys.modules[getattr(score, "func", score).__module__].__file__
    files = [
        *sorted(p for p in (here / "scorers").iterdir() if p.suffix in (".py", ".toml")),
        here / "item.py",
        here / "predictions.py",
    ]
    return digest_json([digest_file(f) for f in files] + ([digest_file(Path(own))] if own else []))


def _plain(item: Item) -> dict[str, Any]:
    return {**vars(item), "images": [path.name for path in item.images]}


def world_digest(spec: Spec | None = None) -> str:
    """Digest of the code and facts that an episode depends on: the environment, and what makes episodes of items."""
    files = [Path(agentic_items.__file__)]
    if spec is not None and (spec.task is not None or agentic_items.exported(spec, "make_episode")):
        folder = Path(__file__).parent / "benchmarks"
        files += sorted(p for p in folder.iterdir() if p.suffix in (".py", ".toml"))
    return digest_json([_core_digest(), *(digest_file(path) for path in files)])


@cache
def _core_digest() -> str:
    root = Path(medgym_core.__file__).parent
    files = sorted(p for p in root.rglob("*") if p.suffix in (".py", ".toml", ".md"))
    return digest_json({p.relative_to(root).as_posix(): digest_file(p) for p in files})


def _digest(name: str, policies: Mapping[str, Policy]) -> str:
    return policies[name].digest if name in policies else digest_json(name)


def _notes(
    benchmark: Benchmark, items: Sequence[Item], part: Part, arms: Mapping[str, np.ndarray], sees: bool
) -> list[str]:
    """What a reader must know beside the figures."""
    spec, notes = benchmark.spec, []
    if spec.published_items is not None and len(benchmark.items) != spec.published_items:
        notes.append(f"The file holds {len(benchmark.items):,} of {spec.published_items:,} published items.")
    if len(items) < len(benchmark.items):
        notes.append(f"A sample of {len(items):,} of {len(benchmark.items):,} items, every group with its share.")
    pictured = [item for item in items if item.images]
    if pictured:
        there = sum(all(path.is_file() for path in item.images) for item in pictured)
        shown = "they were shown" if sees else "the policy is shown none"
        notes.append(f"{len(pictured):,} items have pictures; the files of {there:,} are there; {shown}.")
    if part.mode == "agentic":
        notes.append("Answers were submitted in the environment; an episode without a submission is unparsable.")
    if arms["oracle"].mean() < 1:
        notes.append(f"The gold policy scores {arms['oracle'].mean():.3f}: the scorer does not accept every gold.")
    return notes
