"""Policies: a small Qwen3 model with its own tokenizer, made from scratch, and the loader of any local or hub model.

A policy is a plain Hugging Face folder (safetensors, `tokenizer.json`, chat template), plus `medgym.json` with the one
thing those files cannot say: whether tools are written into the system message. The tokenizer itself is made in
`training.vocabulary`; text becomes tokens in `training.chat` and nowhere else.
"""

import json
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from transformers import (
    AutoConfig,
    AutoModelForCausalLM,
    AutoModelForImageTextToText,
    AutoProcessor,
    AutoTokenizer,
    Qwen3Config,
    Qwen3ForCausalLM,
)
from transformers.utils import logging

from medgym_core.artifacts import digest_files, digest_json, write_atomic
from medgym_core.errors import MedGymError
from training.adapters import frozen_type, has_adapter, merged, prepare
from training.batches import check_head
from training.chat import Chat
from training.config import PolicyConfig, TrainerConfig
from training.hints import HINTS
from training.initialise import initialise
from training.sampler import HFSampler
from training.vision import Vision, embedder
from training.vocabulary import END, PAD, build_tokenizer

ROPE_THETA = 1_000_000.0  # most rotary pairs then keep their meaning over an episode, which copying needs
HINT_COUNT = 300  # hints stand in every teacher context, so their words count as common

logging.disable_progress_bar()  # one bar a shard of a 5 MB model says nothing


@dataclass
class Policy:
    """A model, how to talk to it, and which one it is."""

    model: Any = field(repr=False)
    """A causal language model in fp32 on the CPU, in evaluation mode."""
    tokenizer: Any = field(repr=False)
    chat: Chat = field(repr=False)
    digest: str
    """Content digest of its files; of the name for a hub model."""
    name: str

    @property
    def stop_ids(self) -> set[int]:
        return self.chat.stop_ids

    def sampler(self, **sampling: Any) -> HFSampler:
        """A sampler of this model in this process; `sampling` are `HFSampler`'s options."""
        embed = embedder(self.model, self.chat.vision) if self.chat.vision else None
        return HFSampler(self.model, self.stop_ids, embed=embed, **sampling)


def build_base_policy(texts: Iterable[str], out_dir: Path, config: PolicyConfig, seed: int) -> Policy:
    """A randomly initialised policy whose tokenizer is made from `texts`, saved as `out_dir` (replaced whole).

    The same texts, configuration and seed give the same files.
    """
    common = list(HINTS.values()) * HINT_COUNT
    tokenizer = build_tokenizer([*texts, *common], config.vocabulary, config.whole_words)
    if config.hidden % config.heads:
        raise MedGymError(
            "hidden size is no multiple of the heads", got=config.hidden, expected=f"a multiple of {config.heads}"
        )
    settings = Qwen3Config(
        vocab_size=len(tokenizer),
        hidden_size=config.hidden,
        intermediate_size=config.feed_forward,
        num_hidden_layers=config.layers,
        num_attention_heads=config.heads,
        num_key_value_heads=config.heads,
        head_dim=config.hidden // config.heads,
        max_position_embeddings=config.max_length,
        rope_parameters={"rope_type": "default", "rope_theta": ROPE_THETA},
        tie_word_embeddings=False,  # vLLM's weight reload silently keeps a tied head
        eos_token_id=tokenizer.convert_tokens_to_ids(END),
        pad_token_id=tokenizer.convert_tokens_to_ids(PAD),
        bos_token_id=None,
        dtype="float32",
    )
    model = Qwen3ForCausalLM(settings)
    initialise(model, seed)
    save_policy(model, tokenizer, out_dir, render_tools=config.render_tools)
    return load_policy(out_dir)


def save_policy(model: Any, tokenizer: Any, out_dir: Path, *, render_tools: bool) -> None:
    """Write a Hugging Face folder beside `out_dir`, then put it in its place. An adapter is merged into the weights."""
    out_dir = Path(out_dir)
    beside = out_dir.with_name(f".{out_dir.name}.part")
    shutil.rmtree(beside, ignore_errors=True)
    (merged(model) if has_adapter(model) else model).save_pretrained(beside)
    tokenizer.init_kwargs.pop("local_files_only", None)  # how it was loaded is no part of what it is
    tokenizer.save_pretrained(beside)
    write_atomic(beside / "medgym.json", json.dumps({"render_tools": render_tools}))
    if out_dir.exists():
        shutil.rmtree(out_dir)
    beside.rename(out_dir)


def load_policy(source: Path | str, template: Path | None = None, *, trained: TrainerConfig | None = None) -> Policy:
    """The policy in a local folder, or the hub model `owner/name`; with images where the model has a vision part.

    `template` takes the place of the tokenizer's chat template. With `trained` it is made ready for that training: on
    the GPU where there is one, with an adapter or checkpointing where asked. Raises MedGymError when there is no such
    model.
    """
    path = Path(source)
    local = path.is_dir()
    if not local and (path.is_absolute() or str(source).count("/") != 1 or str(source).startswith(".")):
        raise MedGymError("no such model", got=source, expected="a model folder or a hub name such as owner/name")
    if local and not (path / "config.json").is_file():
        raise MedGymError(
            "not a model folder: config.json is missing", got=path, expected="a Hugging Face model folder"
        )
    try:
        sees = hasattr(AutoConfig.from_pretrained(str(source)), "vision_config")
        vision = Vision(AutoProcessor.from_pretrained(str(source))) if sees else None
        tokenizer = vision.processor.tokenizer if vision else AutoTokenizer.from_pretrained(str(source))
        kind = AutoModelForImageTextToText if sees else AutoModelForCausalLM
        dtype = frozen_type(trained) if trained is not None else torch.float32
        model = kind.from_pretrained(str(source), dtype=dtype, attn_implementation="sdpa")
    except OSError as error:
        raise MedGymError(
            "model cannot be loaded", got=str(error).splitlines()[0], expected="a complete model", where=source
        ) from None
    check_head(model)
    extra = path / "medgym.json"
    render_tools = json.loads(extra.read_text(encoding="utf-8"))["render_tools"] if local and extra.is_file() else True
    if template is not None:
        tokenizer.chat_template = Path(template).read_text(encoding="utf-8")
    chat = Chat(tokenizer, render_tools=render_tools, vision=vision)
    digest = policy_digest(path) if local else digest_json(str(source))
    if trained is not None:
        model = prepare(model, trained)
    return Policy(model.eval(), tokenizer, chat, digest, path.name if local else str(source))


def policy_digest(path: Path) -> str:
    """Content digest of a policy's files."""
    return digest_json(digest_files(Path(path)))
