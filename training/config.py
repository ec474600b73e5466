"""Every knob of training, typed and strict. Presets and `key=value` settings: `training.presets`.

No torch here, so that the orchestrator can read configurations cheaply. Class defaults are the vetted settings; a
preset says only what differs. Each algorithm has its own configuration and with it only the keys that it reads: a key
of another algorithm is an unknown key. A field that no code reads would be a lie, so a test runs each algorithm with a
recording configuration and fails on any field left unread.
"""

from typing import Literal

import msgspec

Hint = Literal["outcome", "contrast", "reference", "shuffled", "none"]


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


class TrainerConfig(Config):
    """What the trainer itself needs, whatever the algorithm."""

    steps: int
    learning_rate: float
    warmup_steps: int = 0
    """Linear warm-up."""
    final_rate: float = 1.0
    """Share of the learning rate left at the last step, reached along a cosine; 1: constant."""
    beta2: float = 0.95
    """Adam's second moment: short, for runs of tens of steps."""
    weight_decay: float = 0.0
    max_grad_norm: float = 1.0
    batch_tokens: int = 4096
    """Padded tokens in one forward pass."""
    precision: Literal["fp32", "bf16"] = "fp32"
    """bf16: forward passes under autocast; trained weights, their moments and the teacher stay in fp32."""
    gradient_checkpointing: bool = False
    """Compute activations again in the backward pass, for memory."""
    checkpoint_every: int = 100


class BCConfig(TrainerConfig):
    """Behaviour cloning: warm-up on copying, then cloning of episodes, plain and under a true outcome hint."""

    copy_steps: int = 40
    """Warm-up steps on repeated random segments: copying is the bottleneck of small policies."""
    steps: int = 1400
    """Cloning steps after the warm-up."""
    batch_tokens: int = 1024
    learning_rate: float = 2e-3
    warmup_steps: int = 20
    final_rate: float = 0.1
    beta2: float = 0.98
    weight_decay: float = 0.01
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

    @property
    def total_steps(self) -> int:
        return self.copy_steps + self.steps


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


class AdvantageConfig(Config):
    """From the shaped rewards of a group to the advantage of each turn; `training.advantages` has the formulas."""

    baseline: Literal["mean", "leave_one_out"] = "mean"
    scale: Literal["none", "std"] = "none"
    """std: divide by the group's standard deviation."""
    credit: Literal["episode", "return_to_go", "turn"] = "episode"
    """episode: the same at every token; the others use what each turn brought."""


class EMAConfig(Config):
    """The teacher: theta_bar <- decay theta_bar + (1 - decay) theta."""

    decay: float = 0.8
    """About 1 - 5 / steps; 1 freezes the teacher (which switches the mechanism off)."""
    every: int = 1
    """Training steps (rollouts) between two updates."""
    copy_every: int = 0
    """Steps between two hard copies of the student; 0: never."""
    skip_above: float = 0.0
    """An update is skipped while the mean |log pi - log pi_bar| of distilled tokens exceeds this; 0: never skipped."""


class TruncationConfig(Config):
    """Turn-level truncation of the distillation. 0 means all."""

    turns: int = 2
    """K: only the first K turns are distilled."""
    last_turns: int | None = None
    """K of the last step, reached linearly, both ends above 0; None: the same K throughout."""
    tokens: int = 48
    """C: only the first C tokens of a turn are distilled."""


class DistillConfig(Config):
    """Distillation towards the hinted teacher."""

    weight: float = 0.1
    """lambda; 0 switches teacher, hint, EMA and truncation off and leaves GRPO."""
    schedule: Literal["constant", "phase_out"] = "phase_out"
    """phase_out falls along a cosine to 0 at the last step and never rises again."""
    form: Literal["full", "top_k", "sampled"] = "full"
    """full: expectation over the vocabulary; top_k: over the student's likeliest tokens and one bucket for the rest;
    sampled: policy gradient of the reverse KL on the sampled token."""
    top_k: int = 64
    """Tokens of the form `top_k`."""
    clip: float = 1.0
    """c: bound of the log-ratio that enters the loss."""
    gate: float = 0.0
    """b of the gate sigma(-b delta): above 0, tokens that the student likes more than the teacher count less."""
    average: Literal["turn", "token"] = "turn"
    """turn: every turn weighs the same; token: every token does."""


class LoRAConfig(Config):
    """Train a low-rank adapter instead of the weights."""

    rank: int = 0
    """0: train all weights."""
    alpha: int = 32
    """The adapter's output is scaled by alpha / rank."""


class AlarmConfig(Config):
    """When a run is said to go wrong: reported with every step, never a stop."""

    window: int = 5
    """Steps averaged, at the start of the run and now."""
    length_ratio: float = 2.0
    """Length explosion: sampled tokens an episode above this multiple of the start's."""
    turn_ratio: float = 0.5
    """Turn collapse: turns below this share of the start's."""
    teacher_gap: float = 0.7
    """Mean |log pi - log pi_bar| of distilled tokens; the published runs collapsed above a KL of 0.7."""


class RLConfig(TrainerConfig):
    """What all algorithms share that learn from their own episodes."""

    steps: int = 24
    prompts: int = 8
    samples: int = 8
    """Episodes per prompt: the group whose mean is the baseline."""
    temperature: float = 1.0
    turn_tokens: int = 80
    """Most tokens sampled in one turn."""
    episode_tokens: int = 768
    """Longest context of an episode."""
    actor: str = "model"
    """Who samples: `model` (the weights in training), `copy` (a second set, brought up to date after each update), or
    the URL of a vLLM server."""
    one_step_off: bool = False
    """Sample the next step's episodes while learning from this step's; needs another actor than `model`."""
    learning_rate: float = 2e-4
    updates: int = 1
    """Optimiser steps a rollout; above 1 the batch is split by group and the ratio to the rollout policy is clipped."""
    degenerate: DegenerateConfig = DegenerateConfig()
    lora: LoRAConfig = LoRAConfig()
    alarms: AlarmConfig = AlarmConfig()
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

    @property
    def total_steps(self) -> int:
        return self.steps


class STARConfig(RLConfig, tag="star", tag_field="algorithm"):
    """Rejection-sampling fine-tuning: clone the own episodes that came out right."""


class GRPOConfig(RLConfig, tag="grpo", tag_field="algorithm"):
    """Group-relative policy optimisation with clip-higher and truncated importance sampling."""

    advantage: AdvantageConfig = AdvantageConfig()
    clip_low: float = 0.2
    clip_high: float = 0.28
    """Clip-higher (Yu et al. 2025, DAPO)."""
    importance_cap: float = 2.0
    """Bound of the sampler correction w = pi_old / mu."""
    reference: float = 0.0
    """beta of the KL to the policy the run started from; 0: none."""
    cosine: CosineConfig = CosineConfig()


class OPSDConfig(RLConfig, tag="opsd", tag_field="algorithm"):
    """On-policy self-distillation: towards the hinted teacher alone, without a policy gradient."""

    hint: Hint = "outcome"
    """What the teacher is told; see `training.hints`."""
    importance_cap: float = 2.0
    distill: DistillConfig = DistillConfig(weight=1.0)
    ema: EMAConfig = EMAConfig()
    truncation: TruncationConfig = TruncationConfig()


class TTOPDConfig(GRPOConfig, tag="ttopd", tag_field="algorithm"):
    """GRPO with turn-level truncated on-policy distillation."""

    hint: Hint = "outcome"
    """What the teacher is told; see `training.hints`."""
    distill: DistillConfig = DistillConfig()
    ema: EMAConfig = EMAConfig()
    truncation: TruncationConfig = TruncationConfig()


AnyRL = STARConfig | GRPOConfig | OPSDConfig | TTOPDConfig
ALGORITHMS: dict[str, type[RLConfig]] = {
    "star": STARConfig,
    "grpo": GRPOConfig,
    "opsd": OPSDConfig,
    "ttopd": TTOPDConfig,
}


class TrainingConfig(Config):
    """The three stages of one training job."""

    policy: PolicyConfig = PolicyConfig()
    bc: BCConfig = BCConfig()
    rl: AnyRL = TTOPDConfig()
