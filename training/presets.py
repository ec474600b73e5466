"""Named configurations of a whole training job, and `key=value` settings on top of them. No torch here."""

from collections.abc import Mapping
from typing import Any

import msgspec

from medgym_core.errors import MedGymError, unknown_name
from training.config import (
    ALGORITHMS,
    AdvantageConfig,
    BCConfig,
    CosineConfig,
    DistillConfig,
    EMAConfig,
    LoRAConfig,
    PolicyConfig,
    TrainingConfig,
    TruncationConfig,
    TTOPDConfig,
)

TAG = "algorithm"
# One GPU of 80 GB or more: a 9B policy in bf16, an adapter, and a teacher that is a second adapter. Nothing here was
# tuned: the sizes are those of the paper (arXiv 2605.02943) where it gives them, the mechanisms those of `cpu_demo`.
GPU_LORA = TTOPDConfig(
    steps=60, prompts=16, samples=8, turn_tokens=1024, episode_tokens=8192, batch_tokens=16384, precision="bf16",
    gradient_checkpointing=True, learning_rate=1e-5, warmup_steps=3, lora=LoRAConfig(rank=32, alpha=64),
    cosine=CosineConfig(limit=2048), distill=DistillConfig(form="top_k"), ema=EMAConfig(decay=0.92),
    truncation=TruncationConfig(turns=3, tokens=256), validate_every=10, checkpoint_every=5,
)  # fmt: skip
PRESETS: dict[str, TrainingConfig] = {
    # One core of a 2-core machine: about 2.6 min of cloning, then 2.4 min of reinforcement.
    "cpu_demo": TrainingConfig(),
    # Seconds: for tests of the whole chain. Nothing is learnt.
    "quick": TrainingConfig(
        policy=PolicyConfig(vocabulary=1024, whole_words=120, hidden=64, layers=2, heads=2, feed_forward=128),
        bc=BCConfig(copy_steps=4, steps=12, checkpoint_every=8),
        rl=TTOPDConfig(
            steps=3, prompts=2, samples=4, validation_tasks=8, validate_every=2, checkpoint_every=2, turn_tokens=32
        ),
    ),
    "gpu_lora_9b": TrainingConfig(rl=GPU_LORA),
    # `torchrun --nproc-per-node 8`: all weights, sharded; each rank samples from a whole fp32 copy, or set
    # `rl.actor` to a vLLM server.
    "fsdp_9b": TrainingConfig(
        rl=msgspec.structs.replace(GPU_LORA, lora=LoRAConfig(), actor="copy", prompts=64, learning_rate=1e-6)
    ),
    # The paper's own numbers where it gives them: lambda 4, EMA .995 every 5 steps with a hard copy every 30, outcome
    # hints. Its clip is not given: c = .25 keeps lambda c within about one standard deviation of the advantage.
    "ttopd_paper": TrainingConfig(
        rl=msgspec.structs.replace(
            GPU_LORA,
            hint="outcome",
            advantage=AdvantageConfig(scale="none"),
            distill=DistillConfig(weight=4.0, clip=0.25, schedule="constant", form="sampled"),
            ema=EMAConfig(decay=0.995, every=5, copy_every=30),
        )
    ),
}


def preset(name: str, overrides: Mapping[str, Any] | None = None) -> TrainingConfig:
    """The preset of that name with dotted `overrides` such as `{"rl.distill.weight": 0}` (text values are parsed).

    `rl.algorithm` is applied first; keys that both algorithms have keep their values. Raises MedGymError naming the
    valid presets, keys or values.
    """
    if name not in PRESETS:
        raise unknown_name("training preset", name, PRESETS)
    tree = msgspec.to_builtins(PRESETS[name])
    put(tree, overrides or {}, "training configuration key")
    try:
        return msgspec.convert(tree, TrainingConfig, strict=False)
    except msgspec.ValidationError as error:
        raise MedGymError("bad training configuration", got=error, where=f"preset {name} with {overrides}") from None


def put(tree: dict[str, Any], settings: Mapping[str, Any], what: str) -> None:
    """Write dotted settings into a configuration tree whose section `rl` is that of one algorithm.

    Raises MedGymError for an unknown key (listing the valid ones; `what` names them) or algorithm.
    """
    for key in sorted(settings, key=lambda k: k != f"rl.{TAG}"):
        if key == f"rl.{TAG}":
            tree["rl"] = of_algorithm(tree["rl"], settings[key])
            continue
        if key not in leaves(tree):
            raise unknown_name(what, key, leaves(tree))
        *parents, last = key.split(".")
        node = tree
        for parent in parents:
            node = node[parent]
        node[last] = settings[key]


def of_algorithm(section: Mapping[str, Any], name: Any) -> dict[str, Any]:
    """The section `rl` for another algorithm: its own defaults, and every value that both have."""
    if name not in ALGORITHMS:
        raise unknown_name("algorithm", name, ALGORITHMS)
    fresh = msgspec.to_builtins(ALGORITHMS[name]())
    return {**fresh, **{k: v for k, v in section.items() if k in fresh and k != TAG}}


def leaves(tree: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Every dotted key of a configuration as builtins."""
    found: list[str] = []
    for name, value in tree.items():
        found += leaves(value, f"{prefix}{name}.") if isinstance(value, dict) else [prefix + name]
    return found
