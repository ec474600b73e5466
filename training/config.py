"""Every knob of training, typed and strict: an unknown key, preset or value is an error that lists the valid ones.

No torch here, so that the orchestrator can read configurations cheaply. Class defaults are the vetted settings; a
preset says only what differs. A field that no code reads would be a lie, so a test runs each trainer with a recording
configuration and fails on any field left unread.
"""

from typing import Any, Literal

import msgspec

from medgym_core.errors import MedGymError, unknown_name


class Config(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Base of all configurations: immutable, unknown keys refused."""


class PolicyConfig(Config):
    """The small Qwen3 policy that is trained from scratch."""

    vocabulary: int = 1792
    """Tokens in all: 256 bytes, markers, numbers, whole words, then byte-pair merges."""
    whole_words: int = 400
    """At most this many identifiers and copied words become whole tokens: choosing or copying one is one step."""
    hidden: int = 128
    layers: int = 4
    heads: int = 4
    feed_forward: int = 384
    max_length: int = 2048
    """Longest context in tokens."""
    render_tools: bool = False
    """Write the tools' JSON schemas into the system message. Off here: they are longer than the episodes."""


class BCConfig(Config):
    """Behaviour cloning: warm-up on copying, then cloning of episodes, plain and under a true outcome hint."""

    copy_steps: int = 40
    """Warm-up steps on repeated random segments: copying is the bottleneck of small policies."""
    steps: int = 1400
    """Cloning steps after the warm-up."""
    batch_tokens: int = 1024
    """Padded tokens in one step."""
    learning_rate: float = 2e-3
    warmup_steps: int = 20
    weight_decay: float = 0.01
    max_grad_norm: float = 1.0
    observation_weight: float = 0.1
    """Loss weight of tokens the policy reads (prompt, observations); sampled tokens weigh 1."""
    demonstrations: int = 0
    """Correct episodes used, drawn evenly over domains by seed; 0 means all. Few leave room for learning by doing."""
    hinted: float = 0.2
    """Share of the episodes shown that carry their true outcome as a hint. 0 makes hints unreadable."""
    scramble: float = 0.25
    """Share of the plain examples in which numbers are exchanged consistently, so that arguments have to be copied."""
    clone_incorrect: bool = False
    """Show incorrect episodes without a hint too: for a start from undirected behaviour, as in the control task."""
    checkpoint_every: int = 100


class CosineConfig(Config):
    """Cosine length reward (Yeo et al. 2025, arXiv 2502.03373), on sampled tokens, in training only."""

    weight: float = 0.3
    """Share of the shaped reward: (1 - weight) composite + weight cosine. 0 switches it off."""
    limit: int = 192
    """Length L in sampled tokens from which the reward is -0.5."""


class DegenerateConfig(Config):
    """What sampled text counts as degenerate (`training.degenerate`): such an episode is masked, in training only."""

    detect: bool = True
    """False: only episodes without a sampled token or with a number that is none are masked."""
    same_turns: int = 3
    """This often the same text in a row. Twice is a repeated call, which the reward sees to."""
    foreign_share: float = 0.2
    """More than this share of a turn's letters in a script that is not read here; a quoted word stays below."""
    loop_block: int = 32
    """Longest block of tokens, about a sentence, whose repetition is looked for."""
    loop_repeats: int = 4
    """More often than this the block stands in a row."""
    loop_tokens: int = 24
    """Shorter repetitions, such as a row of dots or zeros, are let pass."""


class EMAConfig(Config):
    """The teacher: theta_bar <- decay theta_bar + (1 - decay) theta."""

    decay: float = 0.8
    """About 1 - 5 / steps; 1 freezes the teacher (which switches the mechanism off)."""
    every: int = 1
    """Optimiser steps between two updates."""


class TruncationConfig(Config):
    """Turn-level truncation of the distillation. 0 means all."""

    turns: int = 2
    """K: only the first K turns are distilled."""
    tokens: int = 48
    """C: only the first C tokens of a turn are distilled."""


class DistillConfig(Config):
    """Distillation towards the hinted teacher."""

    weight: float = 0.1
    """lambda; 0 switches teacher, hint, EMA and truncation off and leaves GRPO."""
    schedule: Literal["constant", "phase_out"] = "phase_out"
    """phase_out falls along a cosine to 0 at the last step and never rises again."""
    form: Literal["full", "sampled"] = "full"
    """full: expectation over the vocabulary; sampled: policy gradient of the reverse KL on the sampled token."""
    clip: float = 1.0
    """c: bound of the log-ratio that enters the loss."""
    average: Literal["turn", "token"] = "turn"
    """turn: every turn weighs the same; token: every token does."""


class TTOPDConfig(Config):
    """GRPO with turn-level truncated on-policy distillation."""

    steps: int = 24
    prompts: int = 8
    samples: int = 8
    """Episodes per prompt: the group whose mean is the baseline."""
    temperature: float = 1.0
    turn_tokens: int = 80
    """Most tokens sampled in one turn."""
    episode_tokens: int = 768
    """Longest context of an episode."""
    learning_rate: float = 2e-4
    updates: int = 1
    """Optimiser steps a rollout; above 1 the batch is split by group and the ratio to the rollout policy is clipped."""
    clip_low: float = 0.2
    clip_high: float = 0.28
    """Clip-higher (Yu et al. 2025, DAPO)."""
    importance_cap: float = 2.0
    """Bound of the sampler correction w = pi_old / mu."""
    normalise_std: bool = False
    """Divide advantages by the group's standard deviation."""
    max_grad_norm: float = 1.0
    batch_tokens: int = 4096
    """Padded tokens in one forward pass."""
    hint: Literal["outcome", "contrast", "shuffled", "none"] = "contrast"
    """What the teacher is told; see `training.hints`."""
    cosine: CosineConfig = CosineConfig()
    degenerate: DegenerateConfig = DegenerateConfig()
    distill: DistillConfig = DistillConfig()
    ema: EMAConfig = EMAConfig()
    truncation: TruncationConfig = TruncationConfig()
    validate_every: int = 8
    validation_tasks: int = 64
    """At most this many validation tasks, the same ones each time; 0 means all."""
    select: Literal["best", "last"] = "best"
    """Which weights become the result: best on the validation split, or those of the last step."""
    gradient_norms_every: int = 5
    """Steps between two measurements of the gradient norm of each loss component."""
    episodes_every: int = 1
    """Steps between two writings of the on-policy episodes."""
    checkpoint_every: int = 8


class TrainingConfig(Config):
    """The three stages of one training job."""

    policy: PolicyConfig = PolicyConfig()
    bc: BCConfig = BCConfig()
    ttopd: TTOPDConfig = TTOPDConfig()


PRESETS: dict[str, TrainingConfig] = {
    # One core of a 2-core machine: about 2.6 min of cloning, then 2.4 min of reinforcement.
    "cpu_demo": TrainingConfig(),
    # What `benchmarks/learning.py` trains: longer, and validated on every validation task.
    "cpu_study": TrainingConfig(
        bc=BCConfig(steps=2400),
        ttopd=TTOPDConfig(steps=80, ema=EMAConfig(decay=0.94), validate_every=20, validation_tasks=0),
    ),
    # Seconds: for tests of the whole chain. Nothing is learnt.
    "quick": TrainingConfig(
        policy=PolicyConfig(vocabulary=1024, whole_words=120, hidden=64, layers=2, heads=2, feed_forward=128),
        bc=BCConfig(copy_steps=4, steps=12, checkpoint_every=8),
        ttopd=TTOPDConfig(
            steps=3, prompts=2, samples=4, validation_tasks=8, validate_every=2, checkpoint_every=2, turn_tokens=32
        ),
    ),
}


def preset(name: str, overrides: dict[str, Any] | None = None) -> TrainingConfig:
    """The preset of that name with dotted `overrides` such as `{"ttopd.distill.weight": 0}` (text values are parsed).

    Raises MedGymError naming the valid presets, keys or values.
    """
    if name not in PRESETS:
        raise unknown_name("training preset", name, PRESETS)
    tree = msgspec.to_builtins(PRESETS[name])
    for key, value in (overrides or {}).items():
        *parents, last = key.split(".")
        node: Any = tree
        for parent in parents:
            node = node.get(parent) if isinstance(node, dict) else None
        if not isinstance(node, dict) or last not in node or isinstance(node[last], dict):
            raise unknown_name("training configuration key", key, keys(tree))
        node[last] = value
    try:
        return msgspec.convert(tree, TrainingConfig, strict=False)
    except msgspec.ValidationError as error:
        raise MedGymError("bad training configuration", got=error, where=f"preset {name} with {overrides}") from None


def keys(tree: dict[str, Any], prefix: str = "") -> list[str]:
    """Every dotted key of a configuration as builtins."""
    found: list[str] = []
    for name, value in tree.items():
        found += keys(value, f"{prefix}{name}.") if isinstance(value, dict) else [prefix + name]
    return found
