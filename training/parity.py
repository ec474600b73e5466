"""Whether an engine holds the model it should: the same tokens, the same log-probabilities.

A `Probe` is a fixed prompt that walks through the whole vocabulary, with its text by the own tokenizer and its
log-probabilities by the own model. An engine that reads other texts from the same ids has another vocabulary; one with
other log-probabilities has other weights (Hugging Face and vLLM agree to about 1e-6 in fp32).
"""

from dataclasses import dataclass
from typing import Any

from medgym_core.errors import MedGymError

LENGTH = 64  # tokens: enough that any matrix of the model moves some log-probability
TOLERANCE = 1e-4  # between two implementations in fp32; about 0.1 for an engine in bfloat16


@dataclass(frozen=True)
class Probe:
    """A prompt and what a model makes of it."""

    ids: list[int]  # (T,)
    text: str
    logprobs: list[float]  # (T - 1,) of each token after the first


def make_probe(model: Any, chat: Any, length: int = LENGTH) -> Probe:
    """The probe of a model (in fp32, in evaluation mode) and its `training.chat.Chat`."""
    from training.batches import token_logprobs

    size = len(chat.tokenizer)
    ids = [i * size // length for i in range(length)]
    (logprobs,) = token_logprobs(model, [ids], [list(range(1, length))], length)
    return Probe(ids, chat.decode(ids), logprobs.tolist())


def largest_difference(a: list[float], b: list[float]) -> float:
    """Over all positions. Raises MedGymError for different lengths."""
    if len(a) != len(b):
        raise MedGymError("log-probabilities of different lengths", got=len(a), expected=len(b))
    return max(abs(x - y) for x, y in zip(a, b, strict=True))


def check_parity(text: str, logprobs: list[float], probe: Probe, tolerance: float = TOLERANCE) -> float:
    """The largest difference of an engine's log-probabilities. Raises MedGymError if it is not the probe's model."""
    if text != probe.text:
        at = next((i for i, (a, b) in enumerate(zip(text, probe.text, strict=False)) if a != b), -1)
        got, expected = repr(text[at : at + 20]), repr(probe.text[at : at + 20])
        raise MedGymError("the engine has another vocabulary", got=got, expected=expected)
    difference = largest_difference(logprobs, probe.logprobs)
    if not difference <= tolerance:
        raise MedGymError(
            "the engine has other weights",
            got=f"log-probabilities of the probe differ by {difference:.2g}",
            expected=f"at most {tolerance:g}",
        )
    return difference
