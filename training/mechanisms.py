"""The four mechanisms of the method, each with a counter that must move. No torch here."""

from collections import Counter

from medgym_core.errors import MedGymError
from training.config import GRPOConfig, OPSDConfig, RLConfig, TTOPDConfig

MECHANISMS = ("hint", "ema", "truncation", "cosine")


def enabled_mechanisms(config: RLConfig) -> dict[str, bool]:
    """Which of the mechanisms the configuration switches on. Without distillation only the cosine can be."""
    on = dict.fromkeys(MECHANISMS, False)
    if isinstance(config, OPSDConfig | TTOPDConfig) and config.distill.weight > 0:
        on["hint"] = config.hint != "none"
        on["ema"] = config.ema.decay < 1
        on["truncation"] = bool(config.truncation.turns or config.truncation.tokens)
    if isinstance(config, GRPOConfig):
        on["cosine"] = config.cosine.weight > 0
    return on


def check_mechanisms(config: RLConfig, counters: Counter[str], step: int) -> None:
    """After the first step (the teacher: its first due step) an enabled mechanism must have done something."""
    for name, enabled in enabled_mechanisms(config).items():
        due, moved = 1, counters[name]
        if name == "ema" and isinstance(config, OPSDConfig | TTOPDConfig):
            due, moved = min(config.ema.every, config.steps), moved + counters["ema_skipped"]
        if enabled and step == due and not moved:
            got = f"counter 0 after step {step}"
            raise MedGymError(
                f"mechanism {name!r} is on and did nothing", got=got, expected="above 0", where="training"
            )
