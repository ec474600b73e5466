"""An engine of one's own: the same sampler, the same promises as over HTTP."""

import copy
import random

import pytest
import torch

from medgym_core.errors import MedGymError
from training.distribution import Sampling, teacher_forced
from training.endpoint import Failure, SamplerError
from training.parity import make_probe
from training.policy import save_policy
from training.sampler import Request
from training.vllm_engine import VLLMEngine
from training.vllm_sampler import VLLMSampler
from training.weight_sync import sync_weights


def test_an_engine_in_this_process_is_exact_before_and_after_new_weights(engine_environment, folder, policy, tmp_path):
    sampling = Sampling(0.8, top_k=50)
    made = VLLMSampler(
        VLLMEngine(folder, **engine_environment),
        policy.stop_ids,
        version=policy.digest,
        temperature=0.8,
        top_k=50,
        probe=make_probe(policy.model, policy.chat),
    )
    rng = random.Random(0)
    size = len(policy.tokenizer)
    requests = [Request(k, [7] * 300 + rng.choices(range(size), k=9), k, 20) for k in range(48)]

    def exact(model):
        for request in requests:
            made.submit(request)
        found = {}
        while samples := made.collect():
            found |= {s.key: s for s in samples}
        sequences = [r.ids + found[r.key].ids for r in requests]
        positions = [list(range(len(r.ids), len(s))) for r, s in zip(requests, sequences, strict=True)]
        for r, plain in zip(requests, teacher_forced(model, sequences, positions, sampling), strict=True):
            assert torch.allclose(plain, torch.tensor(found[r.key].logprobs), atol=1e-4)
        return {k: s.ids for k, s in found.items()}

    try:
        first = exact(policy.model)
        cached = made.counts["cached_tokens"]
        assert exact(policy.model) == first and made.counts["cached_tokens"] > cached
        other = copy.deepcopy(policy.model)
        with torch.no_grad():
            other.get_output_embeddings().weight.mul_(1.5)
        save_policy(other, policy.tokenizer, tmp_path / "other", render_tools=False)
        sync_weights(made, tmp_path / "other", make_probe(other, policy.chat))
        assert exact(other) != first
        made.submit(Request(1, [size + 9], 0, 4))
        with pytest.raises(SamplerError) as raised:
            made.collect()
        assert (raised.value.key, raised.value.kind) == (1, Failure.refused)
    finally:
        made.close()
    with pytest.raises(MedGymError, match="closed"):
        made.submit(requests[0])
