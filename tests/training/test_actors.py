"""Who samples: a copy changes nothing, one step off is exactly one step, a server is proven or refused."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from medgym_core.errors import MedGymError
from training import checkpoint
from training.actors import actor_of
from training.batches import token_logprobs
from training.endpoint import SamplerError
from training.policy import load_policy
from training.trajectory import read_trajectories

sys.path.append(str(Path(__file__).parent))
import watching  # noqa: E402

# The server on loopback of the tests of endpoints.
FILE = Path(__file__).parent / "endpoints" / "conftest.py"
spec = importlib.util.spec_from_file_location("endpoints_conftest", FILE)
endpoints = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = endpoints
spec.loader.exec_module(endpoints)
double, reply = endpoints.double, endpoints.reply

world = watching.world
SHORT, changed = watching.SHORT, watching.changed
OFF = changed(SHORT, actor="copy", one_step_off=True, checkpoint_every=1, learning_rate=3e-3)


def lines(out):
    return [json.loads(line) for line in open(out / "metrics.jsonl")]


def test_an_unknown_actor_is_an_error_that_lists_the_valid_ones(world):
    with pytest.raises(MedGymError, match=r"no such actor.*got cpoy.*model, copy or the URL"):
        world.run(changed(SHORT, actor="cpoy"))


def test_one_step_off_needs_weights_of_its_own(world):
    with pytest.raises(MedGymError, match=r"one step off.*got actor=model.*expected copy"):
        world.run(changed(SHORT, one_step_off=True))


def test_a_copy_samples_what_the_model_does(world):
    out = world.fresh()
    figures = world.train(out, changed(SHORT, actor="copy"))
    assert (out / "metrics.jsonl").read_bytes() == (world.straight / "metrics.jsonl").read_bytes()
    assert figures == world.figures


def test_a_copy_follows_only_when_told(world):
    run = world.run(changed(SHORT, actor="copy"))
    theirs = dict(run.policy.model.named_parameters())
    assert run.actor.policy.model is not run.policy.model
    with torch.no_grad():
        for p in theirs.values():
            p.add_(1.0)
    mine = dict(run.actor.policy.model.named_parameters())
    assert not any(torch.equal(mine[n], p) or mine[n].requires_grad for n, p in theirs.items())
    run.actor.sync()
    assert all(torch.equal(mine[n], p) for n, p in theirs.items())


@pytest.fixture(scope="module")
def off(world):
    """A run one step off, with all its checkpoints."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(checkpoint, "KEEP", 99)
        out = world.fresh()
        return out, world.train(out, OFF)


def drift(world, t, weights):
    """The largest difference between what was said when sampled and what the weights say."""
    model = watching.with_weights(world.policy.model, weights)
    places = watching.positions(t)
    (said,) = token_logprobs(model, [t.token_ids], [places], 4096)
    return float((said - torch.tensor([t.sampler_logprobs[p] for p in places])).abs().max())


def test_episodes_come_from_the_weights_of_the_step_before(world, off):
    out, _ = off
    weights = [{n: p.detach() for n, p in world.policy.model.named_parameters()}]
    weights += [load_file(out / f"checkpoints/step-{k:06d}/model.safetensors") for k in range(1, OFF.steps)]
    for step in range(1, OFF.steps + 1):
        played = read_trajectories(out / f"episodes/step-{step:06d}.parquet")
        late = max(drift(world, t, weights[max(step - 2, 0)]) for t in played)
        assert late < 1e-4, f"step {step} was not sampled one step late"
        if step > 1:
            assert max(drift(world, t, weights[step - 1]) for t in played) > 1e-2


def test_the_importance_weights_of_late_episodes_are_not_one(off):
    mismatch = [r["mismatch_kl"] for r in lines(off[0]) if "mismatch_kl" in r]
    assert abs(mismatch[0]) < 1e-6 and all(m > 1e-5 for m in mismatch[1:])


def test_a_run_one_step_off_goes_on_where_it_stopped(world, off):
    def kill(record):
        if record["step"] == 3:
            raise watching.Killed

    config, out = changed(OFF, checkpoint_every=2), world.fresh()
    straight = world.fresh()
    figures = world.train(straight, config)
    with pytest.raises(watching.Killed):
        world.train(out, config, progress=kill)
    held = read_trajectories(out / "checkpoints/step-000002/ahead.parquet")
    assert {t.step for t in held} == {2} and len(held) == config.prompts * config.samples
    assert world.train(out, config) == figures
    assert (out / "metrics.jsonl").read_bytes() == (straight / "metrics.jsonl").read_bytes()
    assert lines(out) == lines(off[0])  # how often it is kept changes nothing
    for name in ("model", "optimiser", "teacher"):
        a, b = (load_file(d / f"checkpoints/step-000004/{name}.safetensors") for d in (out, straight))
        assert a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)
    assert not (out / "checkpoints/step-000004/ahead.parquet").exists()


# A vLLM server, as a double on loopback


class Server:
    """Answers as vLLM does, from the folder of weights it was last told to load; a `deaf` one keeps its own."""

    def __init__(self, double, reply, policy, deaf=False):
        self.reply, self.policy, self.deaf = reply, policy, deaf
        self.loaded = []
        double.answer = self.answer

    def answer(self, got, n):
        body = got.body
        if got.path == "/v1/models":
            return self.reply({"data": [{"id": "policy", "max_model_len": 256}]})
        if got.path == "/detokenize":
            return self.reply({"prompt": self.policy.chat.decode(body["tokens"])})
        if got.path == "/collective_rpc":
            self.loaded.append(body["kwargs"]["weights_path"])
            if not self.deaf:
                self.policy = load_policy(self.loaded[-1])
            return self.reply({})
        return self.reply(self.score(body) if body.get("prompt_logprobs") is not None else self.say(body))

    def logprobs(self, ids, start=1):
        return token_logprobs(self.policy.model, [ids], [list(range(start, len(ids)))], 4096)[0].tolist()

    def score(self, body):
        ids = body["prompt"]
        values = [None, *({str(t): {"logprob": v}} for t, v in zip(ids[1:], self.logprobs(ids), strict=True))]
        return answered(ids, [1], [-1.0], "length", None, prompt_logprobs=values)

    def say(self, body):
        """Always the same words, with the probability they have."""
        chat, prompt = self.policy.chat, body["prompt"]
        said = "submit 3" if "it shows" in chat.decode(prompt) else ("pull east", "pull north")[body["seed"] % 2]
        ids = [*chat.encode(said), chat.tokenizer.eos_token_id][: body["max_tokens"]]
        if body["temperature"] == 0.0 or body["top_k"] == 1:
            values = [0.0] * len(ids)
        else:
            values = [min(v, 0.0) for v in self.logprobs([*prompt, *ids], len(prompt))]
        ended = ids[-1] == chat.tokenizer.eos_token_id
        return answered(prompt, ids, values, "stop" if ended else "length", ids[-1] if ended else None)


def answered(prompt, ids, logprobs, finish, stop, **more):
    choice = {
        "index": 0, "text": "", "finish_reason": finish, "stop_reason": stop, "token_ids": ids,
        "prompt_token_ids": prompt,
        "logprobs": {"tokens": [f"token_id:{t}" for t in ids], "token_logprobs": logprobs}, **more,
    }  # fmt: skip
    return {"choices": [choice], "usage": {}}


def test_a_server_samples_from_the_weights_of_each_step(world, double, reply):
    server = Server(double, reply, load_policy(world.source))
    out, config = world.fresh(), changed(SHORT, actor=double.url, steps=2, checkpoint_every=1)
    world.train(out, config)
    assert len(server.loaded) == 3  # at the start, and after each step
    model = load_policy(out / "policy").model  # the best
    final = load_file(out / "checkpoints/step-000002/model.safetensors")
    assert all(torch.equal(p, final[n]) for n, p in server.policy.model.named_parameters())
    assert not any(Path(folder).exists() for folder in server.loaded)  # nothing is left lying about
    assert type(model) is type(server.policy.model)
    steps = [r for r in lines(out) if "mismatch_kl" in r]
    assert len(steps) == 2 and all(abs(r["mismatch_kl"]) < 1e-6 for r in steps)


def test_a_server_that_keeps_its_weights_is_refused(world, double, reply):
    Server(double, reply, load_policy(world.source), deaf=True)
    policy = load_policy(world.source)
    actor = actor_of(double.url, policy)
    actor.sync()  # nothing has changed yet
    with torch.no_grad():
        for p in policy.model.parameters():
            p.mul_(1.01)
    with pytest.raises(SamplerError, match="the new weights are not in use"):
        actor.sync()
    actor.close()
