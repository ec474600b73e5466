"""Pictures on their way to a vision-language model: placeholders in the token ids, tensors beside them.

The chat template writes one placeholder token where a picture stands; `expand` puts the model's own run of image tokens
in its place, so `token_ids` are exactly what the model consumes. `tensors` gives the model's image inputs.
Models whose positions count along one axis (LLaVA and its kin) are sampled here; others through a server.
"""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from medgym_core.artifacts import digest_bytes
from medgym_core.errors import MedGymError


@dataclass
class Vision:
    """The image side of a processor from transformers (PIL backend)."""

    processor: Any = field(repr=False)
    _runs: dict[str, list[int]] = field(default_factory=dict, repr=False)

    @property
    def token_id(self) -> int:
        """The placeholder's id; the model's image tokens have it too."""
        return self.processor.tokenizer.convert_tokens_to_ids(self.processor.image_token)

    def run(self, image: bytes) -> list[int]:
        """The tokens that stand for one PNG, start and end marks included where the model has some."""
        digest = digest_bytes(image)
        if digest not in self._runs:
            text = [self.processor.image_token]
            made = self.processor(text=text, images=[_open(image)], add_special_tokens=False)
            self._runs[digest] = list(made["input_ids"][0])
        return self._runs[digest]

    def expand(self, ids: Sequence[int], images: Sequence[bytes]) -> list[int]:
        """`ids` with each placeholder replaced by the tokens of its image. Raises MedGymError where counts differ."""
        places = sum(token == self.token_id for token in ids)
        if places != len(images):
            raise MedGymError("placeholders and images differ", got=f"{places} and {len(images)}", expected="one each")
        left = iter(images)
        return [out for token in ids for out in (self.run(next(left)) if token == self.token_id else [token])]

    def tensors(self, images: Sequence[bytes]) -> dict[str, Any]:
        """The model's image inputs for PNGs in order, such as `pixel_values` (N, 3, H, W)."""
        return dict(self.processor.image_processor(images=[_open(image) for image in images], return_tensors="pt"))


def embedder(model: Any, vision: Vision) -> Callable[[Any, int], Any]:
    """`embed(request, start)` for `training.sampler.HFSampler`: input embeddings (T - start, D) of a context with
    images, their places filled with what the model's eyes make of them.

    Raises MedGymError for a model whose positions count along several axes (Qwen-VL): those are sampled by a server.
    """
    import torch

    rope = getattr(model.config.get_text_config(), "rope_parameters", None) or {}
    if "mrope_section" in rope:
        expected = "positions along one axis; sample this model through MEDGYM_VLLM_URL"
        raise MedGymError("images of this model", got=type(model).__name__, expected=expected)

    def embed(request: Any, start: int) -> Any:
        ids = torch.tensor(request.ids, device=model.device)  # (T,)
        place = ids == vision.token_id
        tensors = {name: value.to(model.device) for name, value in vision.tensors(request.images).items()}
        seen = model.get_image_features(**tensors)
        seen = getattr(seen, "pooler_output", seen)
        seen = torch.cat(list(seen)).to(model.dtype) if not torch.is_tensor(seen) else seen.flatten(0, -2)  # (P, D)
        if len(seen) != int(place.sum()):
            got = f"{len(seen)} features, {int(place.sum())} tokens"
            error = MedGymError("image features and tokens differ", got=got, expected="one each: was one sampled?")
            error.key = request.key  # this episode is lost, the others go on
            raise error
        embeds = model.get_input_embeddings()(ids[start:])
        embeds[place[start:]] = seen[int(place[:start].sum()) :]
        return embeds

    return embed


def _open(image: bytes) -> Any:
    from PIL import Image

    return Image.open(io.BytesIO(image)).convert("RGB")
