"""A loaded model made ready for training: device, low-rank adapter, checkpointing of activations.

An adapter (LoRA, Hu et al. 2021, arXiv 2106.09685; by the library `peft`, extra `lora`) trains in fp32 beside frozen
weights, which are in bf16 where the run is. What trains is what has a gradient, here as everywhere.
"""

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from transformers.modeling_layers import GradientCheckpointingLayer

from medgym_core.errors import MedGymError
from training.config import TrainerConfig

SEED = 0  # of a fresh adapter: the same in every process of a run, and in every run


def frozen_type(config: TrainerConfig) -> torch.dtype:
    """The type to load weights in: fp32 where they train, else that of the run."""
    return torch.bfloat16 if _rank(config) and config.precision == "bf16" else torch.float32


def prepare(model: Any, config: TrainerConfig) -> Any:
    """The model on the device it trains on, with what the configuration asks for."""
    if torch.cuda.is_available():
        model = model.to(torch.cuda.current_device())
    if _rank(config):
        model = with_adapter(model, config)
    if config.gradient_checkpointing:
        model.enable_input_require_grads()
        model.gradient_checkpointing_enable({"use_reentrant": False})
    return model


def with_adapter(model: Any, config: Any) -> Any:
    """The model with a fresh adapter on all its linear layers but the head; only the adapter trains."""
    try:
        from peft import LoraConfig, inject_adapter_in_model
    except ModuleNotFoundError:
        raise MedGymError(
            "training an adapter needs peft", got="it is not installed", expected="medgym[lora]"
        ) from None
    lora = LoraConfig(
        r=config.lora.rank, lora_alpha=config.lora.alpha, target_modules="all-linear", task_type="CAUSAL_LM"
    )
    model.requires_grad_(False)
    with torch.random.fork_rng([model.device] if model.device.type == "cuda" else []):
        torch.manual_seed(SEED)
        model = inject_adapter_in_model(lora, model)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_("lora_" in name)
        if parameter.requires_grad:
            parameter.data = parameter.data.float()
    return model


@contextmanager
def recomputing(model: Any, config: TrainerConfig) -> Iterator[None]:
    """Where the configuration asks for it, activations are computed again in the backward pass.

    Layers do so in training mode only, and then keep no cache: so they are in it for the length of the block, and
    nothing inside them is (a dropout would be).
    """
    layers = [m for m in model.modules() if config.gradient_checkpointing and isinstance(m, GradientCheckpointingLayer)]
    for layer in layers:
        layer.training = True
    try:
        yield
    finally:
        for layer in layers:
            layer.training = False


def save_adapter(model: Any, folder: Path) -> None:
    """Write the adapter alone, in PEFT's format: what a vLLM server loads."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {
        "base_model.model." + name.replace(".default.", "."): p.detach().contiguous().clone()
        for name, p in model.named_parameters()
        if "lora_" in name
    }
    save_file(tensors, folder / "adapter_model.safetensors")
    model.peft_config["default"].save_pretrained(folder)


def has_adapter(model: Any) -> bool:
    return any("lora_" in name for name, _ in model.named_parameters())


def merged(model: Any) -> Any:
    """A copy of the model with its adapter added into the weights."""
    from peft.tuners.tuners_utils import BaseTunerLayer

    whole = copy.deepcopy(model)
    for name, layer in list(whole.named_modules()):
        if isinstance(layer, BaseTunerLayer):
            layer.merge()
            parent, _, child = name.rpartition(".")
            setattr(whole.get_submodule(parent), child, layer.get_base_layer())
    return whole


def _rank(config: TrainerConfig) -> int:
    return getattr(getattr(config, "lora", None), "rank", 0)
