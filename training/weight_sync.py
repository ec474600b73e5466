"""New weights for a running vLLM engine, and the proof that it samples from them.

Either a LoRA adapter (a folder in PEFT's format) beside the weights the engine has, or a whole Hugging Face folder that
replaces them. Both are files the engine can read. No turn may be in flight.

After each change the engine answers the probe of the new model (`training.parity`). It must agree with the new model,
and it must not answer exactly as before if the model has changed: an engine can take new weights without an error and
keep old ones (a head tied to the embedding stays as it was), and a small step of training can hide below the tolerance.
A change that cannot be proven closes the sampler: nobody knows what it would sample from.
"""

from pathlib import Path

from medgym_core.artifacts import digest_files, digest_json
from medgym_core.errors import MedGymError
from training.endpoint import Failure, SamplerError
from training.parity import TOLERANCE, Probe, check_parity, largest_difference
from training.vllm_sampler import VLLMSampler

NOISE = 0.1  # of the tolerance: less than this between old and new weights may be arithmetic


def sync_adapter(sampler: VLLMSampler, folder: Path, probe: Probe, tolerance: float = TOLERANCE) -> float:
    """Sample from the base model with the adapter in `folder` from now on.

    `probe` is that of the model with the adapter merged. Gives the largest difference on it. Raises SamplerError.
    """
    version = _version(folder)
    before = _answers(sampler, probe)
    # Named by content: no cache of another adapter can be taken for its own.
    sampler.run(sampler.backend.load_adapter(f"adapter-{version[:16]}", str(Path(folder).resolve())))
    return _proven(sampler, version, before, probe, tolerance)


def sync_weights(sampler: VLLMSampler, folder: Path, probe: Probe, tolerance: float = TOLERANCE) -> float:
    """Replace the engine's weights by those of the Hugging Face model in `folder`, which has the same shape.

    `probe` is that of the new model. Gives the largest difference on it. Raises SamplerError.
    """
    version = _version(folder)
    before = _answers(sampler, probe)
    sampler.run(sampler.backend.reload(str(Path(folder).resolve())))
    return _proven(sampler, version, before, probe, tolerance)


def _version(folder: Path) -> str:
    if not any(Path(folder).glob("*.safetensors")):
        raise MedGymError("no weights", got=folder, expected="a folder with safetensors files")
    return digest_json(digest_files(Path(folder)))


def _answers(sampler: VLLMSampler, probe: Probe) -> list[float]:
    return sampler.run(sampler.backend.prompt_logprobs(probe.ids))


def _proven(sampler: VLLMSampler, version: str, before: list[float], probe: Probe, tolerance: float) -> float:
    after = _answers(sampler, probe)
    moved = largest_difference(before, probe.logprobs)
    try:
        if after == before and moved > NOISE * tolerance:
            raise MedGymError(
                "the engine answers as before", got="the same log-probabilities", expected=f"a change of {moved:.2g}"
            )
        difference = check_parity(probe.text, after, probe, tolerance)
    except MedGymError as error:
        sampler.close()
        raise SamplerError("the new weights are not in use", kind=Failure.unreadable, got=error) from error
    sampler.version = version
    return difference
