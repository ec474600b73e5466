"""Who samples the episodes of a run, and how new weights reach it.

model      the weights in training themselves: nothing to bring up to date
copy       a second set of weights in this process; needed where the trained ones are sharded, or while they change
http://... a vLLM server, which is given a folder of weights (an adapter's where an adapter is trained) and must
           prove on a probe that it samples from them (`training.weight_sync`)
"""

import copy
import dataclasses
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import torch

from medgym_core.errors import MedGymError
from training.adapters import has_adapter, save_adapter
from training.batches import whole
from training.policy import Policy, save_policy
from training.ranks import ALONE, Ranks


class Actor(Protocol):
    """A sampling policy that follows the one in training."""

    policy: Any
    """What `training.rollout.rollout` plays."""

    def sync(self) -> None:
        """Take the weights of the policy in training. No episode may be under way."""

    def close(self) -> None:
        """Free what is held."""


def actor_of(name: str, policy: Policy, ranks: Ranks = ALONE) -> Actor:
    """The actor of that name for the policy in training. Raises MedGymError naming the valid ones."""
    if name == "model":
        return ModelActor(policy)
    if name == "copy":
        return CopyActor(policy)
    if name.startswith(("http://", "https://")):
        return ServedActor(policy, name, ranks)
    raise MedGymError("no such actor", got=name, expected="model, copy or the URL of a vLLM server", where="actor")


class ModelActor:
    """The policy in training."""

    def __init__(self, policy: Policy):
        self.policy = policy

    def sync(self) -> None:
        return None

    def close(self) -> None:
        return None


class CopyActor:
    """A whole copy of the policy in training, on this process; made before the trained one is sharded."""

    def __init__(self, policy: Policy):
        self.trained = policy.model
        model = copy.deepcopy(policy.model).eval().requires_grad_(False)
        self.policy = dataclasses.replace(policy, model=model)

    @torch.no_grad()
    def sync(self) -> None:
        theirs = dict(self.trained.named_parameters())
        for name, mine in self.policy.model.named_parameters():
            mine.copy_(whole(theirs[name].detach()))

    def close(self) -> None:
        return None


class ServedActor:
    """A vLLM server (made with `--enable-lora` where an adapter is trained; it must be able to read this disk).

    The first process sends the weights, once after each update; every process samples, and proves on the probe that the
    server has them.
    """

    def __init__(self, policy: Policy, url: str, ranks: Ranks):
        self.trained, self.url, self.ranks = policy, url, ranks
        self._folder = tempfile.TemporaryDirectory(prefix="medgym-weights-")
        self._made = 0
        self._adapter = ""
        self._probe: Any = None
        self.policy = Served(policy.chat, policy.digest, self._sampler)

    def sync(self) -> None:
        """Write the weights and send them. What is not proven to be in use is an error."""
        from training.parallel import whole_model
        from training.parity import make_probe

        self._made += 1
        self._probe = make_probe(self.trained.model, self.trained.chat)
        model = whole_model(self.trained.model, self.ranks)
        self.ranks.wait()  # nobody samples with the old weights any more
        self._adapter = self.ranks.tell(self._send(model) if self.ranks.first else "")

    def _send(self, model: Any) -> str:
        """Name of the adapter that the server samples with from now on; none where it has whole weights."""
        from training.weight_sync import sync_adapter, sync_weights

        target = Path(self._folder.name) / f"weights-{self._made}"
        adapter = has_adapter(model)
        if adapter:
            save_adapter(model, target)
        else:
            save_policy(model, self.trained.tokenizer, target, render_tools=self.trained.chat.render_tools)
        sampler = self._open(probe=None)
        try:
            (sync_adapter if adapter else sync_weights)(sampler, target, self._probe)
            return sampler.backend.adapter
        finally:
            sampler.close()

    def _sampler(self, *, temperature: float = 1.0, greedy: bool = False) -> Any:
        return self._open(probe=self._probe, temperature=temperature, greedy=greedy)

    def _open(self, **options: Any) -> Any:
        from training.vllm_sampler import VLLMSampler
        from training.vllm_server import VLLMServer

        server = VLLMServer(self.url)
        server.adapter = self._adapter
        version = f"{self.trained.digest}-{self._made}"
        return VLLMSampler(server, self.trained.stop_ids, version=version, **options)

    def close(self) -> None:
        self._folder.cleanup()


@dataclasses.dataclass
class Served:
    """What a rollout needs of a policy whose weights are elsewhere."""

    chat: Any
    digest: str
    sampler: Callable[..., Any]
