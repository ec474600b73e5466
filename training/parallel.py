"""Several processes that train one model, started by torchrun: joining, sharding, and noticing when one is gone.

    torchrun --nproc-per-node 8 -m training.launch jobs.json

`join` reads torchrun's environment; outside it, or with one process, there is no process group and nothing is sharded.
Weights, gradients, moments and the teacher are cut by rows over all processes (FSDP2). Gradients are summed, not
averaged: each process's losses are already shares of the whole batch. The output head is cut too, but gathered by
`training.batches.head_of`, since it runs outside the model's forward pass.

Processes wait for each other as long as a rollout may take, so a wait says nothing about whether the other one lives.
That is told by a beat that every process writes: a process that misses the beat of another ends itself.
"""

import atexit
import os
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import MixedPrecisionPolicy, fully_shard
from torch.distributed.rendezvous import rendezvous
from torch.distributed.tensor import Shard, distribute_tensor

from medgym_core.errors import MedGymError
from training.batches import whole
from training.checkpoint import model_tensors
from training.config import TrainerConfig
from training.ranks import ALONE, Ranks

JOIN = timedelta(minutes=10)  # until all processes have started: imports take a minute on a busy machine
WAIT = timedelta(hours=2)  # one process may play its episodes this much longer than another
BEAT = 2.0  # seconds
SILENCE = 20.0  # seconds without a beat: all processes are to end within 30 s of the death of one
DONE = b"done"


def join() -> Ranks:
    """This process among those that torchrun started; connects them at the first call."""
    if int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return ALONE
    if not dist.is_initialized():
        _connect()
    return Ranks(dist.get_rank(), dist.get_world_size())


def _connect() -> None:
    backend = "gloo"
    if torch.cuda.is_available():
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
        backend = "cpu:gloo,cuda:nccl"  # episodes and figures go through gloo
    store, rank, size = next(iter(rendezvous("env://", timeout=JOIN)))
    dist.init_process_group(backend, store=store, rank=rank, world_size=size, timeout=WAIT)
    over = threading.Event()
    beat = threading.Thread(target=watch, args=(store.clone(), rank, size, _end, over), daemon=True)
    beat.start()

    def leave() -> None:
        if hasattr(sys, "last_value"):  # set by the interpreter: this process ends by an error
            return
        over.set()
        beat.join()
        dist.destroy_process_group()

    atexit.register(leave)


def watch(
    store: Any, rank: int, size: int, end: Callable[[str], None], over: threading.Event,
    beat: float = BEAT, silence: float = SILENCE,
) -> None:  # fmt: skip
    """Write this process's beat and read the others'; `end(why)` when one is silent, or whoever started this is gone.

    Returns when this process is `over`; the others then no longer expect a beat.
    """
    parent, heard, count = os.getppid(), {}, 0
    while not over.wait(beat):
        count += 1
        try:
            store.set(f"beat/{rank}", str(count))
            said = {r: store.get(f"beat/{r}") for r in range(size) if r != rank and store.check([f"beat/{r}"])}
        except (RuntimeError, ValueError) as error:  # the store went with the process that held it
            return end(f"the store is gone: {error}")
        now = time.monotonic()
        for other in (r for r in range(size) if r != rank):
            value = said.get(other, b"")
            if value != DONE and heard.setdefault(other, (value, now))[0] == value:
                if now - heard[other][1] > silence:
                    return end(f"process {other} of {size} has been silent for {silence:.0f} s")
            else:
                heard[other] = (value, now)
        if os.getppid() != parent:
            return end("the launcher is gone")
    store.set(f"beat/{rank}", DONE)


def _end(why: str) -> None:
    """End this process at once: its main thread may be waiting for one that is gone."""
    print(f"training ends: {why}", file=sys.stderr, flush=True)
    os._exit(1)


def shard(model: Any, config: TrainerConfig, ranks: Ranks) -> None:
    """Cut the decoder (layer by layer) and the head of a model over the processes, in place; one process: nothing.

    Raises MedGymError for a model whose head is its embedding, or that has no list of layers.
    """
    if ranks.size == 1:
        return
    decoder, head = model.get_decoder(), model.get_output_embeddings()
    if head.weight is model.get_input_embeddings().weight:
        raise MedGymError(
            "a head tied to the embedding cannot be trained by several processes",
            got=type(model).__name__,
            expected="tie_word_embeddings = false (a vLLM server keeps a tied head through an update, too)",
        )
    if not hasattr(decoder, "layers"):
        raise MedGymError("a decoder without layers", got=type(decoder).__name__, expected="decoder.layers")
    device = model.device.type
    mesh = init_device_mesh(device, (ranks.size,))
    half = device == "cuda" and config.precision == "bf16"
    policy = MixedPrecisionPolicy(torch.bfloat16, torch.float32) if half else MixedPrecisionPolicy()
    for module in (*decoder.layers, decoder):
        # Cut again after each pass, the root too: the teacher's weights take the place of the shards between passes.
        fully_shard(module, mesh=mesh, reshard_after_forward=True, mp_policy=policy)
        module.set_gradient_divide_factor(1.0)
        module.set_force_sum_reduction_for_comms(True)
    for name, parameter in list(head.named_parameters(recurse=False)):
        part = distribute_tensor(parameter.detach(), mesh, [Shard(0)], src_data_rank=None)
        setattr(head, name, torch.nn.Parameter(part, requires_grad=parameter.requires_grad))


@torch.no_grad()
def whole_tensors(model: Any, ranks: Ranks) -> dict[str, torch.Tensor]:
    """Copies of the weights that train, whole, on the first process; nothing on the others. All must ask."""
    if ranks.size == 1:
        return {name: p.detach().clone().contiguous() for name, p in model_tensors(model).items()}
    return _gathered(model_tensors(model), ranks)


@torch.no_grad()
def whole_model(model: Any, ranks: Ranks) -> Any:
    """The model in one piece: itself where there is one process, else a copy on the first one's CPU and None on the
    others. All must ask for it."""
    if ranks.size == 1:
        return model
    tensors = _gathered(dict(model.named_parameters()), ranks)
    if not ranks.first:
        return None
    with torch.device("meta"):
        bare = type(model)(model.config)
    for name, adapter in getattr(model, "peft_config", {}).items():
        from peft import inject_adapter_in_model

        bare = inject_adapter_in_model(adapter, bare, name, low_cpu_mem_usage=True)
    missing = bare.load_state_dict(tensors, strict=False, assign=True)
    if missing.unexpected_keys or {n for n, _ in bare.named_parameters()} - tensors.keys():
        raise MedGymError("a model that cannot be made again from its configuration", got=missing)
    bare.generation_config = model.generation_config
    return bare.eval()


def _gathered(tensors: dict[str, torch.Tensor], ranks: Ranks) -> dict[str, torch.Tensor]:
    kept = {}
    for name, tensor in tensors.items():
        value = whole(tensor.detach())  # on all: it is a collective
        if ranks.first:
            kept[name] = value.cpu().clone().contiguous()
    return kept
