"""Training an adapter: nothing else trains, its average is all the teacher holds, and the result needs no peft."""

import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from medgym_core.errors import MedGymError
from training.adapters import frozen_type, has_adapter, merged, with_adapter
from training.config import BCConfig, GRPOConfig, LoRAConfig
from training.policy import load_policy

peft = pytest.importorskip("peft", reason="peft is not installed: medgym[lora]")
sys.path.append(str(Path(__file__).parent))
import watching  # noqa: E402

world = watching.world
changed = watching.changed
LORA = changed(watching.SHORT, lora=LoRAConfig(rank=4, alpha=8), learning_rate=1e-2)


def adapter_of(model):
    return {n: p for n, p in model.named_parameters() if "lora_" in n}


def logits(model, ids=tuple(range(3, 30))):
    with torch.no_grad():
        return model(input_ids=torch.tensor([ids])).logits


def moved(policy):
    """A policy with an adapter that does something."""
    torch.manual_seed(0)
    model = with_adapter(load_policy(policy).model, GRPOConfig(lora=LoRAConfig(rank=4, alpha=8)))
    with torch.no_grad():
        for p in adapter_of(model).values():
            p.normal_(std=0.1)
    return model


def test_a_fresh_adapter_changes_nothing_and_is_all_that_trains(cloned, policy):
    model = load_policy(cloned, trained=LORA).model
    assert torch.equal(logits(model), logits(policy.model))
    training = {n for n, p in model.named_parameters() if p.requires_grad}
    layers = len(policy.model.model.layers) * 7  # q, k, v, o, gate, up, down
    assert training == set(adapter_of(model)) and len(training) == 2 * layers
    assert not any("lm_head" in n or "embed" in n for n in training)
    assert all(p.dtype == torch.float32 for p in adapter_of(model).values())
    assert all(4 in p.shape for p in adapter_of(model).values())


def test_a_fresh_adapter_does_not_depend_on_the_process(cloned):
    found = []
    for process in (1, 2):
        torch.manual_seed(process)
        before = torch.get_rng_state()
        found.append(adapter_of(load_policy(cloned, trained=LORA).model))
        assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(p, found[1][n]) for n, p in found[0].items())
    assert any(p.any() for p in found[0].values())


def test_beside_frozen_bf16_weights_the_adapter_is_fp32(cloned, world):
    config = changed(LORA, precision="bf16", steps=1)
    assert (frozen_type(config), frozen_type(changed(config, lora=LoRAConfig()))) == (torch.bfloat16, torch.float32)
    assert frozen_type(BCConfig()) == torch.float32
    run = world.run(config)
    kinds = {(p.requires_grad, p.dtype) for p in run.policy.model.parameters()}
    assert kinds == {(True, torch.float32), (False, torch.bfloat16)}
    record = watching.observe(run).record
    assert record["gradient"] > 0 and record["trained_tokens"] > 0
    assert all(w.dtype == torch.float32 for w in run.algorithm.distillation.teacher.weights.values())


def test_rank_zero_trains_all(cloned):
    model = load_policy(cloned, trained=changed(LORA, lora=LoRAConfig())).model
    assert all(p.requires_grad for p in model.parameters()) and not has_adapter(model)


def test_a_step_moves_the_adapter_alone_and_its_average_is_the_teacher(world):
    run = world.run(changed(LORA, ema=watching.EMAConfig(decay=0.9)))
    model, teacher = run.policy.model, run.algorithm.distillation.teacher
    first = {n: p.detach().clone() for n, p in model.named_parameters()}
    for _ in range(2):
        watching.observe(run)
    names = set(adapter_of(model))
    assert {n for n, p in model.named_parameters() if not torch.equal(p, first[n])} == names
    assert set(teacher.weights) == names
    assert all(w.dtype == torch.float32 and not w.requires_grad for w in teacher.weights.values())
    assert 0 < teacher.distance() and run.counters["ema"] == 2
    with teacher.speaking() as speaking:
        assert all(torch.equal(p, teacher.weights[n]) for n, p in adapter_of(speaking).items())
        assert all(torch.equal(p, first[n]) for n, p in speaking.named_parameters() if n not in names)


def test_merging_adds_the_adapter_to_the_weights_of_a_copy(cloned, policy):
    model = moved(cloned)
    before = logits(model)
    assert not torch.allclose(before, logits(policy.model), atol=1e-2)  # it does something
    whole = merged(model)
    assert torch.allclose(logits(whole), before, atol=1e-4)
    assert not has_adapter(whole) and has_adapter(model)
    assert {n for n, _ in whole.named_parameters()} == {n for n, _ in policy.model.named_parameters()}
    assert torch.equal(logits(model), before)  # the trained one is as it was


@pytest.fixture(scope="module")
def straight(world):
    torch.manual_seed(0)
    out = world.fresh()
    return out, world.train(out, LORA)


def test_a_checkpoint_holds_the_adapter_alone_and_resumes_bit_for_bit(world, straight):
    def kill(record):
        if record["step"] == 3:
            raise watching.Killed

    out = world.fresh()
    torch.manual_seed(0)
    with pytest.raises(watching.Killed):
        world.train(out, LORA, progress=kill)
    torch.manual_seed(99)  # another process
    assert world.train(out, LORA) == straight[1]
    assert (out / "metrics.jsonl").read_bytes() == (straight[0] / "metrics.jsonl").read_bytes()
    for name in ("model", "teacher", "optimiser"):
        a, b = (load_file(d / f"checkpoints/step-000004/{name}.safetensors") for d in (out, straight[0]))
        assert a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)
        assert name == "optimiser" or all("lora_" in key for key in a)


def test_the_saved_policy_needs_no_peft(world, straight, monkeypatch):
    out, figures = straight
    expected = with_adapter(load_policy(world.source).model, LORA)
    best = load_file(out / f"checkpoints/best-{figures['selected_step']:06d}.safetensors")
    with torch.no_grad():
        for n, p in adapter_of(expected).items():
            p.copy_(best[n])
    monkeypatch.setitem(sys.modules, "peft", None)
    saved = load_policy(out / "policy").model
    assert not has_adapter(saved)
    assert torch.allclose(logits(saved), logits(expected), atol=1e-4)
    with pytest.raises(MedGymError, match=r"needs peft.*medgym\[lora\]"):
        load_policy(world.source, trained=LORA)
