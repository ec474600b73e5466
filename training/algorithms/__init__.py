"""The methods, one small module each: `bc`, `star`, `grpo`, `opsd`, `ttopd`. The trainer knows none of them."""

from typing import Any

from training.algorithms.base import Algorithm
from training.algorithms.grpo import GRPO
from training.algorithms.opsd import OPSD
from training.algorithms.star import STAR
from training.algorithms.ttopd import TTOPD
from training.config import RLConfig

METHODS: dict[str, Any] = {"star": STAR, "grpo": GRPO, "opsd": OPSD, "ttopd": TTOPD}


def name_of(config: RLConfig) -> str:
    """The method that a configuration is of."""
    return str(config.__struct_config__.tag)


def algorithm(config: RLConfig, model: Any) -> Algorithm:
    """The method of a configuration, for the weights of `model`."""
    return METHODS[name_of(config)](config, model)
