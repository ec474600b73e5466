"""A real server: what is recorded is what the model read and said, before and after its weights change, and when it
dies."""

import copy
import json
import random
import threading
from dataclasses import asdict

import pytest
import torch
from safetensors.torch import save_file

from medgym_core.errors import MedGymError
from training.control import ControlEpisode, control_tasks
from training.distribution import Sampling, teacher_forced
from training.endpoint import Failure, Patience, SamplerError
from training.engine import Limits, Scene, jobs_of, play
from training.parity import make_probe
from training.players import Player, player
from training.policy import save_policy
from training.recording import record_run
from training.sampler import Request, SampleStop
from training.trajectory import iter_trajectories
from training.vllm_sampler import VLLMSampler
from training.vllm_server import VLLMServer, generate_body
from training.voices import TokenVoice
from training.weight_sync import sync_adapter, sync_weights

TOLERANCE = 1e-4
LIMITS = Limits(turn_tokens=16, episode_tokens=200)


def opened(server, policy, patience=None, **named):
    backend = VLLMServer(server.url, patience=patience) if patience else VLLMServer(server.url)
    return VLLMSampler(backend, policy.stop_ids, version=policy.digest, **named)


@pytest.fixture
def sampler(server, policy):
    made = opened(server, policy, probe=make_probe(policy.model, policy.chat))
    yield made
    made.close()


def sampled(sampler, requests):
    for request in requests:
        sampler.submit(request)
    found = {}
    while samples := sampler.collect():
        found |= {s.key: s for s in samples}
    return found


def random_requests(policy, n, seed, longest=60, most=40):
    rng = random.Random(seed)
    size = len(policy.tokenizer)
    return [
        Request(k, rng.choices(range(size), k=rng.randint(1, longest)), rng.randrange(2**60), rng.randint(1, most))
        for k in range(n)
    ]


def worst(model, requests, samples, sampling):
    """Largest difference between the log-probabilities of samples and those of plain forward passes."""
    keys = [r.key for r in requests]
    sequences = [r.ids + samples[r.key].ids for r in requests]
    positions = [list(range(len(r.ids), len(s))) for r, s in zip(requests, sequences, strict=True)]
    plain = teacher_forced(model, sequences, positions, sampling)
    return max(float((p - torch.tensor(samples[k].logprobs)).abs().max()) for p, k in zip(plain, keys, strict=True))


class Watched:
    """A sampler that remembers what it was asked and what it said, by episode."""

    def __init__(self, sampler):
        self.sampler, self.asked, self.said = sampler, {}, {}

    def submit(self, request):
        self.asked.setdefault(request.key, []).append(list(request.ids))
        self.sampler.submit(request)

    def collect(self):
        found = self.sampler.collect()
        for sample in found:
            self.said.setdefault(sample.key, []).append(list(sample.ids))
        return found

    def release(self, key):
        self.sampler.release(key)


def check_logprobs(policy, trajectories):
    positions = [[i for i, s in enumerate(t.sampled) if s] for t in trajectories]
    plain = teacher_forced(policy.model, [t.token_ids for t in trajectories], positions, Sampling())
    for t, at, logprobs in zip(trajectories, positions, plain, strict=True):
        assert torch.allclose(logprobs, torch.tensor([t.sampler_logprobs[i] for i in at]), atol=TOLERANCE)


def test_a_thousand_random_episodes_are_token_exact(sampler, policy):
    """`token_ids` are what the server read and said, turn by turn, and its log-probabilities are the model's own."""
    watched = Watched(sampler)
    voice = TokenVoice(policy.chat, watched, LIMITS, 0, {})
    tasks = control_tasks(200, 3)  # and 50 for validation
    scene = Scene(policy.digest, 0, make_episode=ControlEpisode, limits=LIMITS)
    trajectories = dict(play(voice, scene, jobs_of(tasks, 4), slots=64))
    assert len(trajectories) == 1000
    assert {t.turns for t in trajectories.values()} >= {2, 3}
    recorded = {}
    for t in trajectories.values():
        turns = [[], []]
        for turn in range(t.turns):
            said = [i for i, (s, at) in enumerate(zip(t.sampled, t.turn_id, strict=True)) if s and at == turn]
            turns[0].append(t.token_ids[: said[0]])
            turns[1].append([t.token_ids[i] for i in said])
        recorded.setdefault(json.dumps(turns), []).append(t)
    played = sorted(json.dumps([watched.asked[k], watched.said[k]]) for k in watched.asked)
    assert played == sorted(k for k, same in recorded.items() for _ in same)
    check_logprobs(policy, list(trajectories.values()))


@pytest.mark.parametrize(
    "sampling",
    [Sampling(0.7), Sampling(1.3, top_k=5), Sampling(top_p=0.8), Sampling(0.9, 0.7, 20), Sampling(greedy=True)],
    ids=["cool", "top-k", "top-p", "all", "greedy"],
)
def test_logprobs_are_those_of_the_distribution_sampled_from(server, policy, sampling):
    made = opened(server, policy, **asdict(sampling))
    requests = random_requests(policy, 48, 1)
    samples = sampled(made, requests)
    made.close()
    assert worst(policy.model, requests, samples, sampling) < TOLERANCE


def test_the_seed_decides_the_sample(sampler, policy):
    requests = random_requests(policy, 24, 2)
    first = sampled(sampler, requests)
    alone = {k: s for r in reversed(requests) for k, s in sampled(sampler, [r]).items()}
    assert {k: s.ids for k, s in first.items()} == {k: s.ids for k, s in alone.items()}
    ids = random_requests(policy, 1, 3)[0].ids
    assert len({tuple(s.ids) for s in sampled(sampler, [Request(k, ids, k, 20) for k in range(20)]).values()}) > 10


def opening(policy):
    """The context of a first turn."""
    transcript = policy.chat.begin(ControlEpisode(control_tasks(1, 0)[0]).messages, [])
    policy.chat.open_turn(transcript)
    return transcript.token_ids


def test_a_turn_ends_at_a_stop_token_a_closing_token_or_the_limit(server, policy):
    *_, closing = policy.chat.encode("pull north")
    requests = [Request(k, opening(policy), k, 1 + k % 12) for k in range(120)]
    made = opened(server, policy, call_end=closing)
    samples = sampled(made, requests)
    made.close()
    ends = dict.fromkeys(SampleStop, 0)
    for request in requests:
        s = samples[request.key]
        ends[s.stop] += 1
        assert not {closing, *policy.stop_ids} & set(s.ids[:-1])
        last = {SampleStop.end: s.ids[-1] in policy.stop_ids, SampleStop.tool_call: s.ids[-1] == closing}
        assert last.get(s.stop, len(s.ids) == request.max_tokens)
    assert all(ends.values()), ends
    assert worst(policy.model, requests, samples, Sampling()) < TOLERANCE


def test_a_closing_text_of_several_tokens_is_kept_whole(server, policy):
    """It may end inside a token; that token belongs to the turn, and nothing after it."""
    made = opened(server, policy, call_end="ull e")
    requests = [Request(k, opening(policy), k, 16) for k in range(40)]
    samples = sampled(made, requests)
    made.close()
    called = [s for s in samples.values() if s.stop == SampleStop.tool_call]
    assert called
    for s in called:
        assert "ull e" in policy.chat.decode(s.ids) and "ull e" not in policy.chat.decode(s.ids[:-1])
    assert worst(policy.model, requests, samples, Sampling()) < TOLERANCE


def test_a_temperature_the_server_does_not_take_is_refused_at_the_start(server, policy):
    with pytest.raises(SamplerError, match="temperature must be in"):
        opened(server, policy, temperature=5.0)


def test_a_later_turn_reads_its_earlier_ones_from_the_cache(sampler, policy):
    prompt = random_requests(policy, 1, 5, longest=1)[0].ids * 400
    sampled(sampler, [Request(1, prompt, 0, 4)])
    before = sampler.counts["cached_tokens"]
    sampled(sampler, [Request(1, prompt + [5] * 20, 0, 4)])
    assert sampler.counts["cached_tokens"] - before >= 256


def lora(model, folder, seed, rank=4, alpha=8):
    """An adapter in PEFT's format; the model with W + alpha / rank B A in place of W."""
    rng = torch.Generator().manual_seed(seed)
    merged, tensors = copy.deepcopy(model), {}
    targets = ["q_proj", "v_proj", "down_proj"]
    for name, module in merged.named_modules():
        if name.split(".")[-1] in targets:
            a = 0.1 * torch.randn(rank, module.in_features, generator=rng)
            b = 0.1 * torch.randn(module.out_features, rank, generator=rng)
            tensors |= {f"base_model.model.{name}.lora_A.weight": a, f"base_model.model.{name}.lora_B.weight": b}
            module.weight.data += alpha / rank * b @ a
    folder.mkdir()
    save_file(tensors, folder / "adapter_model.safetensors")
    config = {"peft_type": "LORA", "r": rank, "lora_alpha": alpha, "target_modules": targets, "bias": "none"}
    (folder / "adapter_config.json").write_text(json.dumps(config))
    return merged


def shaken(model, seed):
    rng = torch.Generator().manual_seed(seed)
    other = copy.deepcopy(model)
    with torch.no_grad():
        for weights in other.parameters():
            weights.add_(0.02 * torch.randn(weights.shape, generator=rng))
    return other


def test_new_weights_are_sampled_from_and_nothing_of_the_old_is_left_in_a_cache(server, folder, policy, tmp_path):
    """Two adapters, then all weights, then the first weights again: each time the same long prompt, cached before."""
    chat = policy.chat
    made = opened(server, policy)
    requests = [Request(k, [20 + k, *[9] * 400], k, 12) for k in range(8)]

    def exact(model):
        samples = sampled(made, requests)
        assert worst(model, requests, samples, Sampling()) < TOLERANCE

    exact(policy.model)
    for n in range(2):
        adapted = lora(policy.model, tmp_path / f"adapter{n}", n)
        assert sync_adapter(made, tmp_path / f"adapter{n}", make_probe(adapted, chat)) < TOLERANCE
        exact(adapted)
    other = shaken(policy.model, 7)
    save_policy(other, policy.tokenizer, tmp_path / "other", render_tools=False)
    assert sync_weights(made, tmp_path / "other", make_probe(other, chat)) < TOLERANCE
    exact(other)
    with pytest.raises(MedGymError, match="other weights"):
        opened(server, policy, probe=make_probe(policy.model, chat))
    assert sync_weights(made, folder, make_probe(policy.model, chat)) < TOLERANCE
    exact(policy.model)
    with pytest.raises(SamplerError, match="not in use"):  # the folder's weights are not those of the probe
        sync_weights(made, folder, make_probe(other, chat))


def test_a_server_too_slow_for_the_limit_is_reported_and_serves_others(server, policy, sampler):
    hasty = opened(server, policy)
    hasty.backend.endpoint.patience = Patience(seconds=0.002, retries=1, wait=0.0)
    hasty.submit(Request(1, [5, 6], 0, 200))
    with pytest.raises(SamplerError) as raised:
        hasty.collect()
    hasty.close()
    assert (raised.value.key, raised.value.kind) == (1, Failure.slow)
    assert sampled(sampler, [Request(1, [5, 6], 0, 200)])


def test_a_context_the_server_refuses_fails_alone(sampler, policy):
    outside = Request(1, [len(policy.tokenizer) + 5], 0, 4)
    sampler.submit(outside)
    with pytest.raises(SamplerError, match="out of vocabulary") as raised:
        sampler.collect()
    assert (raised.value.key, raised.value.kind) == (1, Failure.refused)
    assert sampled(sampler, [Request(2, [1], 0, 4)])


def test_a_request_with_pictures_is_one_that_vllm_reads(server, policy):
    """There is no vision model here: vLLM's own types read the body, and this server says why it cannot take it."""
    from vllm.entrypoints.scale_out.token_in_token_out.protocol import GenerateRequest

    made = opened(server, policy, image_id=9)
    request = Request(1, [4, 9, 9, 5], 3, 6, images=[b"\x89PNG"])
    read = GenerateRequest.model_validate(generate_body(made._job(request), "policy"))
    assert read.token_ids == [4, 9, 5] and read.content_parts[0]["url"] == "data:image/png;base64,iVBORw=="
    assert read.sampling_params.seed == 3 and read.sampling_params.max_tokens == 6
    made.submit(request)
    with pytest.raises(SamplerError, match="not a multimodal model"):
        made.collect()
    made.close()


def test_a_policy_is_played_on_the_server_that_the_environment_names(server, folder, policy, tmp_path, monkeypatch):
    """As `medgym rollout` does; a server with other weights is refused before the first episode."""
    monkeypatch.setenv("MEDGYM_VLLM_URL", server.url)
    who = player(str(folder))
    assert who.facts["sampler"] == "vllm"
    tasks = control_tasks(10, 5)
    summary = record_run(who, tasks, 2, 0, tmp_path / "run", limits=LIMITS, make_episode=ControlEpisode)
    assert summary["complete"] and summary["episodes"] == 2 * len(tasks)
    other = copy.deepcopy(policy.model)
    with torch.no_grad():
        other.get_output_embeddings().weight.mul_(3)
    save_policy(other, policy.tokenizer, tmp_path / "other", render_tools=False)
    with pytest.raises(MedGymError, match="parity|weights|log-probabilit"):
        record_run(
            player(str(tmp_path / "other")), tasks, 1, 0, tmp_path / "no", limits=LIMITS, make_episode=ControlEpisode
        )


def test_a_server_killed_midway_costs_no_episode_and_doubles_none(server, policy, tmp_path):
    """`kill -9`: the run reports and stops, keeps what it had, and goes on with a server started anew."""
    tasks = control_tasks(120, 5)  # and 30
    killed = threading.Event()

    class Voiced:
        def __init__(self, limits, seed):
            self.sampler = opened(server, policy, Patience(seconds=20, retries=1, wait=0.05))
            self.voice = TokenVoice(policy.chat, self.sampler, limits, seed, {})

        def __enter__(self):
            return self.voice

        def __exit__(self, *_):
            self.sampler.close()

    def kill_midway(done, total, figures):
        if done > 0 and not killed.is_set():
            killed.set()
            server.kill()

    def run(progress=None):
        player = Player("p", policy.digest, Voiced, slots=32)
        return record_run(
            player, tasks, 2, 0, tmp_path / "run",
            limits=LIMITS, part=50, make_episode=ControlEpisode, progress=progress,
        )  # fmt: skip

    with pytest.raises(MedGymError, match=r"nothing but failures.*of 300 episodes are kept; the same call goes on"):
        run(kill_midway)
    server.start()
    summary = run()
    assert summary["complete"] and 0 < summary["new"] < 300
    trajectories = [t for p in sorted((tmp_path / "run").glob("domain=*/**/*.parquet")) for t in iter_trajectories(p)]
    assert sorted((t.task, t.sample) for t in trajectories) == sorted((t.id, n) for t in tasks for n in range(2))
    check_logprobs(policy, trajectories)
