"""What a study compares: arms as settings on one base configuration, the tasks, and the reasons. No torch here."""

from collections.abc import Mapping
from typing import Any

import msgspec

from medgym_core.errors import MedGymError, unknown_name
from training.config import Config, TrainingConfig
from training.presets import PRESETS, leaves, put

START = "bc"
"""The arm that every other one starts from."""


class StudyConfig(Config):
    """One comparison: the same start, data, budget and seeds for every arm."""

    preset: str
    common: dict[str, Any]
    """Settings of all arms."""
    arms: dict[str, dict[str, Any]]
    """Settings of each arm, on top of the common ones; in the order of the table."""
    baseline: str
    """The arm that the others are compared with, beside the start."""
    domain: str
    types: tuple[str, ...]
    level: int
    per_domain: int
    """Tasks of the domain, all types and splits together."""


COSINE = {"rl.algorithm": "grpo", "rl.cosine.weight": 0.3, "rl.cosine.limit": 96}
TEACHER = {
    **COSINE, "rl.algorithm": "ttopd", "rl.distill.weight": 0.3, "rl.distill.schedule": "constant", "rl.hint": "none",
    "rl.truncation.turns": 0, "rl.truncation.tokens": 0, "rl.ema.decay": 1.0,
}  # fmt: skip
AVERAGED = {**TEACHER, "rl.ema.decay": 0.9}
HINTED = {**AVERAGED, "rl.hint": "outcome"}
TTOPD = {**HINTED, "rl.truncation.turns": 2, "rl.truncation.tokens": 48}

STUDIES: dict[str, StudyConfig] = {
    # lambda c = .3 is about one standard deviation of the advantage (design: `ttopd.md`), EMA decay about 1 - 5/steps,
    # the cosine's limit twice the usual length of an episode. The learning rate is the best of .0003 and .001 for plain
    # GRPO on validation tasks. The task types are those where the clone is right in 20 to 85 % of episodes at
    # temperature 1 on training tasks, in at least two of three tasks neither always nor never.
    "ttopd": StudyConfig(
        preset="cpu_demo",
        common={
            "rl.steps": 40, "rl.prompts": 8, "rl.samples": 8, "rl.learning_rate": 3e-4, "rl.validate_every": 10,
            "rl.validation_tasks": 64, "rl.select": "last", "rl.episodes_every": 40, "rl.gradient_norms_every": 10,
            "rl.checkpoint_every": 10,
        },
        arms={
            "grpo": {"rl.algorithm": "grpo", "rl.cosine.weight": 0.0},
            "+ cosine": COSINE,
            "+ frozen teacher": TEACHER,
            "+ EMA": AVERAGED,
            "+ hint": HINTED,
            "TT-OPD": TTOPD,
            "shuffled hints": {**TTOPD, "rl.hint": "shuffled"},
            "phase-out": {**TTOPD, "rl.distill.schedule": "phase_out"},
            "contrast": {**TTOPD, "rl.hint": "contrast"},
        },
        baseline="grpo",
        domain="triage_emergency",
        types=(
            "esi_level", "head_ct", "ordered_test", "protocol", "sepsis_bundle", "sepsis_criteria", "toxidrome",
        ),
        level=2,
        per_domain=4800,
    ),
    # Seconds: for tests of the runner. Nothing is learnt.
    "quick": StudyConfig(
        preset="quick",
        common={"rl.steps": 2, "rl.validation_tasks": 2, "rl.select": "last"},
        arms={"grpo": {"rl.algorithm": "grpo", "rl.cosine.weight": 0.0}, "TT-OPD": {"rl.algorithm": "ttopd"}},
        baseline="grpo",
        domain="triage_emergency",
        types=("esi_level", "protocol"),
        level=2,
        per_domain=120,
    ),
}  # fmt: skip


def study(name: str, settings: Mapping[str, Any] | None = None) -> StudyConfig:
    """The study of that name, with settings such as `{"rl.steps": "60"}` for all its arms.

    Raises MedGymError naming the valid studies or keys.
    """
    if name not in STUDIES:
        raise unknown_name("study", name, STUDIES)
    found = STUDIES[name]
    return msgspec.structs.replace(found, common={**found.common, **(settings or {})})


def arm_config(study: StudyConfig, arm: str) -> TrainingConfig:
    """The whole configuration of one arm; of the start, for its `policy` and `bc`. Common settings that an arm's
    algorithm does not have are left out; one that no arm has is an error."""
    tree = msgspec.to_builtins(PRESETS[study.preset])
    own = dict(study.arms.get(arm, {}))
    put(tree, {k: v for k, v in own.items() if k == "rl.algorithm"}, "setting")
    valid = leaves(tree)
    common = {k: v for k, v in study.common.items() if k in valid or not _somewhere(study, k)}
    put(tree, {**common, **own}, "setting")
    try:
        return msgspec.convert(tree, TrainingConfig, strict=False)
    except msgspec.ValidationError as error:
        raise MedGymError("bad setting", got=error, where=f"arm {arm}") from None


def _somewhere(study: StudyConfig, key: str) -> bool:
    """Whether some arm's algorithm has the key."""
    for own in study.arms.values():
        tree = msgspec.to_builtins(PRESETS[study.preset])
        put(tree, {k: v for k, v in own.items() if k == "rl.algorithm"}, "setting")
        if key in leaves(tree):
            return True
    return False
