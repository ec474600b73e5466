"""What a vLLM server may say and what counts: only a whole answer to this very request. The server here is a double;
`tests/vllm` holds the real one."""

import math
import random
from base64 import b64decode

import pytest
import torch

from medgym_core.errors import MedGymError
from training.control import ControlEpisode
from training.endpoint import Failure, Patience, SamplerError
from training.engine import Limits
from training.parity import Probe, check_parity, make_probe
from training.players import Player
from training.recording import record_run
from training.sampler import Request, SampleStop
from training.vllm_sampler import VLLMSampler, one_placeholder_each
from training.vllm_server import VLLMServer
from training.voices import TokenVoice
from training.weight_sync import sync_adapter, sync_weights

STOP = 7
LONGEST = 200


class FakeServer:
    """As vLLM answers. `spoil(body, answer, n)` may change or replace the answer of a completion."""

    def __init__(self, double, reply):
        self.reply = reply
        self.models = [
            {"id": "policy", "max_model_len": LONGEST},
            {"id": "old", "max_model_len": None, "parent": "policy"},
        ]
        self.turn = random_turn
        self.spoil = lambda body, answer, n: answer
        self.values = lambda ids: [-1.0] * (len(ids) - 1)
        self.words = lambda ids: " ".join(map(str, ids))
        self.raw = False
        self.syncs = []
        double.answer = self.answer

    def answer(self, got, n):
        if got.path == "/v1/models":
            return self.reply({"data": self.models})
        if got.path == "/detokenize":
            return self.reply({"prompt": self.words(got.body["tokens"])})
        if got.path in ("/v1/load_lora_adapter", "/v1/unload_lora_adapter", "/collective_rpc"):
            self.syncs.append((got.path, got.body))
            return self.reply({})
        if got.body.get("prompt_logprobs") is not None:
            ids = got.body["prompt"]
            at = [None, *({str(t): {"logprob": v}} for t, v in zip(ids[1:], self.values(ids), strict=True))]
            return self.reply(
                completion(ids, [1], [-1.0], "length", None)
                | {"choices": [{"token_ids": [1], "prompt_token_ids": ids, "prompt_logprobs": at}]}
            )
        if got.path == "/inference/v1/generate":
            ids = [t for i in got.body["token_ids"] for t in ([i] * 3 if i == 99 else [i])]
            shape = got.body["sampling_params"]
            return self.reply(generation(ids, *self.turn(shape, ids)))
        if got.body["top_k"] == 1 and got.body["max_tokens"] == 1:
            return self.reply(completion(got.body["prompt"], [5], [-0.3 if self.raw else 0.0], "length", None))
        answer = completion(got.body["prompt"], *self.turn(got.body, got.body["prompt"]))
        spoilt = self.spoil(got.body, answer, n)
        return spoilt if isinstance(spoilt, self.reply) else self.reply(spoilt)


def random_turn(shape, ids):
    """Tokens (with their log-probabilities and the end) that depend on seed and prompt alone."""
    rng = random.Random(f"{shape['seed']}/{ids}")
    n = rng.randint(1, shape["max_tokens"])
    found = [rng.randrange(10, 90) for _ in range(n)]
    stopped = n < shape["max_tokens"]
    if stopped:
        found[-1] = STOP
    logprobs = [-rng.random() for _ in found]
    return found, logprobs, "stop" if stopped else "length", STOP if stopped else None


def completion(prompt, ids, logprobs, finish, stop):
    choice = {
        "index": 0, "text": "", "finish_reason": finish, "stop_reason": stop,
        "token_ids": ids, "prompt_token_ids": prompt,
        "logprobs": {"tokens": [f"token_id:{t}" for t in ids], "token_logprobs": logprobs},
    }  # fmt: skip
    return {"choices": [choice], "usage": {"prompt_tokens_details": {"cached_tokens": 2}}}


def generation(prompt, ids, logprobs, finish, stop):
    content = [{"token_id": t, "logprob": v} for t, v in zip(ids, logprobs, strict=True)]
    choice = {"token_ids": ids, "logprobs": {"content": content}, "finish_reason": finish, "stop_reason": stop}
    return {"choices": [choice], "prompt_token_ids": prompt, "usage": {}}


@pytest.fixture
def fake(double, reply):
    return FakeServer(double, reply)


@pytest.fixture
def sampler(fake, double, hurried):
    made = VLLMSampler(VLLMServer(double.url + "/v1", patience=hurried), {STOP}, version="v1")
    yield made
    made.close()


def drained(sampler):
    samples, errors = [], []
    while True:
        try:
            found = sampler.collect()
        except SamplerError as error:
            errors.append(error)
            continue
        if not found:
            return samples, errors
        samples += found


def test_samples_are_what_the_server_said(sampler, double):
    requests = {k: Request(k, [10 + k, 20], k, 9) for k in range(40)}
    for request in requests.values():
        sampler.submit(request)
    samples, errors = drained(sampler)
    assert not errors and sorted(s.key for s in samples) == list(requests)
    for s in samples:
        ids, logprobs, finish, _ = random_turn({"seed": s.key, "max_tokens": 9}, requests[s.key].ids)
        assert (s.ids, s.logprobs) == (ids, logprobs)
        assert s.stop == (SampleStop.end if finish == "stop" else SampleStop.length)
    assert sampler.counts["cached_tokens"] == 2 * 41  # the check of the start included


def test_nothing_that_shapes_a_sample_is_left_to_the_server(fake, double, hurried):
    made = VLLMSampler(
        VLLMServer(double.url, patience=hurried),
        {STOP, 3},
        version="v1",
        temperature=0.7,
        top_p=0.8,
        top_k=5,
        call_end=9,
    )
    made.submit(Request(1, [1, 2], 11, 6))
    made.collect()
    made.close()
    assert double.got[-1].path == "/v1/completions"
    assert double.got[-1].body == {
        "model": "policy", "prompt": [1, 2], "cache_salt": "v1", "seed": 11, "max_tokens": 6,
        "temperature": 0.7, "top_p": 0.8, "top_k": 5, "min_p": 0.0, "repetition_penalty": 1.0,
        "presence_penalty": 0.0, "frequency_penalty": 0.0, "ignore_eos": True, "stop_token_ids": [3, STOP, 9],
        "stop": [], "include_stop_str_in_output": True, "skip_special_tokens": False,
        "spaces_between_special_tokens": False, "logprobs": 0, "return_token_ids": True,
        "return_tokens_as_token_ids": True,
    }  # fmt: skip


def test_greedy_is_temperature_zero(fake, double, hurried):
    made = VLLMSampler(VLLMServer(double.url, patience=hurried), {STOP}, version="v1", top_k=5, greedy=True)
    made.submit(Request(1, [1, 2], 11, 6))
    made.collect()
    made.close()
    assert (double.got[-1].body["temperature"], double.got[-1].body["top_k"]) == (0.0, 0)


def changed(place, value):
    """Spoils one field of the only choice; `place` walks down into it."""

    def spoil(body, answer, n):
        *path, last = place
        at = answer["choices"][0]
        for step in path:
            at = at[step]
        at[last] = value(at[last]) if callable(value) else value
        return answer

    return spoil


SPOILT = {
    "another prompt": changed(["prompt_token_ids"], lambda ids: [*ids[:-1], ids[-1] + 1]),
    "a longer prompt": changed(["prompt_token_ids"], lambda ids: [1, *ids]),
    "one id less": changed(["token_ids"], lambda ids: ids[:-1]),
    "no ids": changed(["token_ids"], []),
    "ids missing": changed(["token_ids"], None),
    "another id": changed(["token_ids"], lambda ids: [ids[0] + 1, *ids[1:]]),
    "too many ids": changed(["token_ids"], lambda ids: ids * 40),
    "one log-probability less": changed(["logprobs", "token_logprobs"], lambda v: v[:-1]),
    "one log-probability more": changed(["logprobs", "token_logprobs"], lambda v: [*v, -1.0]),
    "no log-probabilities": changed(["logprobs"], None),
    "log-probabilities of other tokens": changed(["logprobs", "tokens"], lambda v: ["token_id:3"] * len(v)),
    "log-probabilities of words": changed(["logprobs", "tokens"], lambda v: ["x"] * len(v)),
    "an impossible token": changed(["logprobs", "token_logprobs", 0], -9999.0),
    "a positive log-probability": changed(["logprobs", "token_logprobs", 0], 0.5),
    "aborted": changed(["finish_reason"], "abort"),
    "a stop without a reason": changed(["stop_reason"], 12345),
    "two choices": lambda body, answer, n: {**answer, "choices": answer["choices"] * 2},
    "no choice": lambda body, answer, n: {**answer, "choices": []},
    "an error as an answer": lambda body, answer, n: {"error": {"message": "busy"}},
}


@pytest.mark.parametrize("fault", SPOILT)
def test_an_answer_to_another_question_is_never_a_sample(fake, sampler, fault):
    """The second episode's answers are always spoilt: it fails, and the others are as they were."""
    fake.spoil = lambda body, answer, n: SPOILT[fault](body, answer, n) if body["seed"] == 1 else answer
    fake.turn = lambda shape, ids: ([11, 12, STOP], [-0.5] * 3, "stop", STOP)
    for key in range(3):
        sampler.submit(Request(key, [10 + key, 20], key, 9))
    samples, errors = drained(sampler)
    assert sorted(s.key for s in samples) == [0, 2] and [s.ids for s in samples] == [[11, 12, STOP]] * 2
    assert [(e.key, e.kind) for e in errors] == [(1, Failure.unreadable)]
    assert "got" in str(errors[0]) and "/v1/completions" in str(errors[0])


def test_a_truncated_answer_is_asked_again_and_the_turn_comes_once(fake, sampler, reply):
    spoilt = []

    def spoil(body, answer, n):
        if body["seed"] in spoilt:
            return answer
        spoilt.append(body["seed"])
        return reply(answer, cut=60)

    fake.spoil = spoil
    for key in range(10):
        sampler.submit(Request(key, [1, 2], key, 5))
    samples, errors = drained(sampler)
    assert sorted(s.key for s in samples) == list(range(10)) and not errors
    assert sampler.counts[Failure.unreadable] == 10


@pytest.mark.parametrize("tag", [12, "</tool_call>"])
def test_a_closing_tag_ends_the_turn_as_a_tool_call(fake, double, hurried, tag):
    made = VLLMSampler(VLLMServer(double.url, patience=hurried), {STOP}, version="v1", call_end=tag)
    fake.turn = lambda shape, ids: ([11, 12], [-0.5] * 2, "stop", tag)
    made.submit(Request(1, [1], 0, 5))
    (sample,) = made.collect()
    made.close()
    assert (sample.ids, sample.stop) == ([11, 12], SampleStop.tool_call)
    body = double.got[-1].body
    assert (body["stop"], body["stop_token_ids"]) == (([tag], [STOP]) if isinstance(tag, str) else ([], [STOP, 12]))


def test_a_turn_that_does_not_fit_the_context_fails_alone(sampler):
    sampler.submit(Request(1, [1] * (LONGEST - 3), 0, 4))
    sampler.submit(Request(2, [1] * (LONGEST - 4), 0, 4))
    samples, errors = drained(sampler)
    assert [s.key for s in samples] == [2]
    assert [(e.key, e.kind) for e in errors] == [(1, Failure.refused)]


def test_raw_logprobs_are_refused_at_the_start(fake, double, hurried):
    fake.raw = True
    with pytest.raises(MedGymError, match="processed_logprobs"):
        VLLMSampler(VLLMServer(double.url, patience=hurried), {STOP}, version="v1")


def test_an_unknown_model_is_refused_and_the_known_ones_are_listed(fake, double, hurried):
    with pytest.raises(MedGymError, match=r"no such model; got 'other'; expected \['policy'\]"):
        VLLMSampler(VLLMServer(double.url, "other", hurried), {STOP}, version="v1")


def test_no_server_is_an_error_that_says_where_to_name_one(monkeypatch):
    monkeypatch.delenv("MEDGYM_VLLM_URL", raising=False)
    with pytest.raises(MedGymError, match="MEDGYM_VLLM_URL"):
        VLLMServer()


PROBE = Probe([1, 2, 3], "1 2 3", [-1.0, -1.0])


def test_a_server_with_another_vocabulary_or_other_weights_is_refused(fake, double, hurried):
    def start():
        VLLMSampler(VLLMServer(double.url, patience=hurried), {STOP}, version="v1", probe=PROBE).close()

    start()
    fake.values = lambda ids: [-1.0, -1.0002]
    with pytest.raises(MedGymError, match="other weights.*0.0002"):
        start()
    fake.values, fake.words = lambda ids: [-1.0, -1.0], lambda ids: "1 2 4"
    with pytest.raises(MedGymError, match="another vocabulary; got '4'; expected '3'"):
        start()


def test_the_probe_of_another_model_differs(policy):
    probe = make_probe(policy.model, policy.chat)
    assert len(probe.ids) == len(probe.logprobs) + 1 and max(probe.ids) < len(policy.tokenizer)
    assert check_parity(probe.text, probe.logprobs, probe) == 0
    rng = torch.Generator().manual_seed(0)
    for matrix in policy.model.parameters():  # none can be left behind unseen
        kept = matrix.detach().clone()
        with torch.no_grad():
            matrix.mul_(1 + 0.05 * torch.randn(matrix.shape, generator=rng))
            other = make_probe(policy.model, policy.chat)
            matrix.copy_(kept)
        with pytest.raises(MedGymError, match="other weights"):
            check_parity(other.text, other.logprobs, probe)
    with pytest.raises(MedGymError, match="other weights"):
        check_parity(probe.text, [math.nan] * len(probe.logprobs), probe)


@pytest.fixture
def weights(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"new")
    return tmp_path


@pytest.mark.parametrize("sync", [sync_adapter, sync_weights])
def test_new_weights_are_proven_and_salt_the_cache(fake, sampler, double, weights, sync):
    asked = iter([[-2.0, -2.0], [-1.0, -1.0]])
    fake.values = lambda ids: next(asked)
    assert sync(sampler, weights, PROBE) == 0
    sampler.submit(Request(1, [1], 0, 3))
    sampler.collect()
    (path, body), turn = fake.syncs[0], double.got[-1].body
    assert turn["cache_salt"] == sampler.version != "v1"
    if sync is sync_adapter:
        assert path == "/v1/load_lora_adapter" and body["lora_path"] == str(weights)
        assert turn["model"] == body["lora_name"] == f"adapter-{sampler.version[:16]}"
    else:
        assert body == {"method": "reload_weights", "kwargs": {"weights_path": str(weights)}}
        assert turn["model"] == "policy"


def test_the_adapter_before_is_unloaded(fake, sampler, weights):
    for data, before in ((b"a", -2.0), (b"b", -3.0)):
        (weights / "model.safetensors").write_bytes(data)
        asked = iter([[before, before], [-1.0, -1.0]])
        fake.values = lambda ids, asked=asked: next(asked)
        sync_adapter(sampler, weights, PROBE)
    (_, first), (_, second), (path, gone) = fake.syncs
    assert path == "/v1/unload_lora_adapter" and gone["lora_name"] == first["lora_name"] != second["lora_name"]


@pytest.mark.parametrize("kept", [-2.0, -1.00002])
def test_a_server_that_keeps_its_old_weights_is_found_out(fake, sampler, weights, kept):
    """Far from the new model, and also so near that the tolerance alone would not tell."""
    fake.values = lambda ids: [kept, -1.0]
    with pytest.raises(SamplerError, match="the new weights are not in use"):
        sync_weights(sampler, weights, PROBE)
    with pytest.raises(MedGymError, match="closed"):
        sampler.submit(Request(1, [1], 0, 3))


def test_the_same_weights_again_are_no_failure(fake, sampler, weights):
    fake.values = lambda ids: [-1.000001, -1.0]
    assert sync_weights(sampler, weights, PROBE) < 1e-5


def test_weights_do_not_change_under_a_turn(fake, sampler, weights):
    sampler.submit(Request(1, [1], 0, 3))
    with pytest.raises(MedGymError, match="turns are in flight"):
        sync_weights(sampler, weights, PROBE)
    assert len(sampler.collect()) == 1 and not fake.syncs


def test_a_folder_without_weights_is_refused(sampler, tmp_path):
    with pytest.raises(MedGymError, match="no weights"):
        sync_weights(sampler, tmp_path, PROBE)


def test_a_request_with_pictures_contains_them(fake, double, hurried):
    """PNG bytes as data URLs; the placeholder once each; and what the server made of it is compared."""
    made = VLLMSampler(VLLMServer(double.url, patience=hurried), {STOP}, version="v1", image_id=99)
    pictures = [b"\x89PNG one", b"\x89PNG two"]
    made.submit(Request(1, [4, 99, 99, 99, 5, 99, 99, 99, 6], 3, 5, images=pictures))
    (sample,) = made.collect()
    body = double.got[-1].body
    assert double.got[-1].path == "/inference/v1/generate"
    assert body["token_ids"] == [4, 99, 5, 99, 6]
    assert [b64decode(p["url"].removeprefix("data:image/png;base64,")) for p in body["content_parts"]] == pictures
    assert body["sampling_params"]["seed"] == 3 and body["cache_salt"] == "v1" and sample.ids
    made.submit(Request(2, [4, 99, 99, 5, 99, 99, 99, 6], 3, 5, images=pictures))  # one picture of another size
    _, errors = drained(made)
    assert [e.key for e in errors] == [2] and "prompt read by the engine" in str(errors[0])
    made.close()


def test_pictures_without_a_placeholder_are_refused():
    with pytest.raises(SamplerError, match="pictures and their placeholders"):
        one_placeholder_each(Request(1, [4, 99, 5], 0, 3, images=[b"a", b"b"]), 99)
    with pytest.raises(SamplerError, match="pictures and their placeholders"):
        one_placeholder_each(Request(1, [4, 99, 5], 0, 3, images=[b"a"]), None)


def test_a_server_that_dies_midway_costs_no_episode_and_doubles_none(fake, double, reply, policy, control, tmp_path):
    """The run reports and stops; going on with a healthy server gives what an undisturbed run gives."""
    words = ["pull east", "pull north", "submit 3", "submit 5", "what?"]

    def turn(shape, ids):
        rng = random.Random(f"{shape['seed']}/{ids}")
        said = [*policy.chat.encode(rng.choice(words)), policy.chat.tokenizer.eos_token_id][: shape["max_tokens"]]
        return said, [-rng.random() for _ in said], "stop", said[-1]

    fake.turn = turn
    patience = Patience(seconds=5, retries=1, wait=0.0)

    def run(out):
        class Voiced:
            def __init__(self, limits, seed):
                self.sampler = VLLMSampler(VLLMServer(double.url, patience=patience), policy.stop_ids, version="v")
                self.voice = TokenVoice(policy.chat, self.sampler, limits, seed, {})

            def __enter__(self):
                return self.voice

            def __exit__(self, *_):
                self.sampler.close()

        limits = Limits(turn_tokens=32, episode_tokens=200)
        player = Player("p", policy.digest, Voiced, slots=4)
        return record_run(player, control, 2, 0, tmp_path / out, limits=limits, part=16, make_episode=ControlEpisode)

    whole = run("whole")
    began = len(double.got)
    fake.spoil = lambda body, answer, n: answer if n - began < 60 else reply(drop=True)
    with pytest.raises(MedGymError, match=r"nothing but failures.*episodes are kept"):
        run("cut")
    fake.spoil = lambda body, answer, n: answer
    resumed = run("cut")
    assert resumed["complete"] and 0 < resumed["new"] < resumed["episodes"] == whole["episodes"] == 2 * len(control)
    assert len(_files(tmp_path / "whole")) > 2
    assert _files(tmp_path / "cut") == _files(tmp_path / "whole")


def _files(folder):
    """Episode files by name; `_facts` hold what time it took."""
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*.parquet") if "_facts" not in p.parts}
