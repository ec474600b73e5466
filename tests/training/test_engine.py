"""The engine: slots refilled at once, failures never scored, limits of time, and nothing depends on what ends when."""

import random
from collections import deque

import pytest

from medgym_core.errors import MedGymError
from training.control import ControlEpisode
from training.engine import Failure, Limits, Scene, jobs_of, play
from training.rollout import rollout
from training.sampler import Sample, derive_seed
from training.trajectory import StopReason, content_digest, require_tokens, validate
from training.voices import MessageVoice, ScriptVoice, TokenVoice

LIMITS = Limits(turn_tokens=16, episode_tokens=200)


class RequestError(MedGymError):
    """As a sampler raises it: `key` is the episode, None the whole sampler."""

    def __init__(self, key=None):
        super().__init__("the server hung up")
        self.key = key


class OddSampler:
    """Says what the seed decides, in an order of its own; `fails(request, n)` makes the n-th request of all fail."""

    def __init__(self, chat, order=0, fails=lambda request, n: False):
        self.chat, self.rng, self.fails = chat, random.Random(order), fails
        self.flying, self.count, self.released, self.most = [], 0, [], 0

    def submit(self, request):
        assert request.key not in {r.key for r in self.flying} and request.key not in self.released
        self.flying.append(request)
        self.most = max(self.most, len(self.flying))

    def collect(self):
        if not self.flying:
            return []
        request = self.flying.pop(self.rng.randrange(len(self.flying)))
        self.count += 1
        if self.fails(request, self.count):
            raise RequestError(request.key)
        rng = random.Random(request.seed)
        text = rng.choice(["pull east", "pull north", "submit 3", "submit 5", "what?"])
        ids = [*self.chat.encode(text), self.chat.tokenizer.eos_token_id][: request.max_tokens]
        return [Sample(request.key, ids, [-rng.random()] * len(ids))]

    def release(self, key):
        self.flying = [r for r in self.flying if r.key != key]
        self.released.append(key)


def scene(policy="p", **named):
    return Scene(policy, 0, make_episode=ControlEpisode, limits=named.pop("limits", LIMITS), **named)


def played(policy, tasks, n, sampler, **named):
    """(records by place, failures)."""
    limits = named.pop("limits", LIMITS)
    voice = TokenVoice(policy.chat, sampler, limits, 0, {})
    found = list(play(voice, scene(limits=limits), jobs_of(tasks, n), **named))
    failures = [r for r in found if isinstance(r, Failure)]
    return dict(r for r in found if not isinstance(r, Failure)), failures


def digest(records):
    return content_digest(records[place] for place in sorted(records))


@pytest.mark.parametrize("slots", [1, 3, 7, 100])
def test_what_ends_when_and_how_many_fly_changes_no_episode(policy, control, slots):
    calm, _ = played(policy, control[:6], 3, OddSampler(policy.chat), slots=1)
    assert list(calm) == list(range(18))
    for order in range(3):
        sampler = OddSampler(policy.chat, order)
        found, failures = played(policy, control[:6], 3, sampler, slots=slots)
        assert digest(found) == digest(calm) and not failures
        assert sampler.most == min(slots, 18)  # never more in flight than slots, and all of them used
        assert len(sampler.released) == len(set(sampler.released)) == 18
    assert len({t.key for t in calm.values()}) == 18


def test_a_free_slot_is_used_at_once(policy, control):
    voice = TokenVoice(policy.chat, sampler := OddSampler(policy.chat), LIMITS, 0, {})
    begun = []
    jobs = (begun.append(job.place) or job for job in jobs_of(control[:8], 4))
    for ended, _ in enumerate(play(voice, scene(), jobs, slots=4), 1):
        assert len(begun) <= 4 + ended  # no episode is begun ahead of its slot
        assert len(begun) >= min(32, 3 + ended) and len(sampler.flying) <= 4
    assert begun == list(range(32))


def test_a_failed_request_is_played_again_from_the_start_and_never_scored(policy, control):
    calm, _ = played(policy, control[:6], 2, OddSampler(policy.chat), slots=4)
    sampler = OddSampler(policy.chat, 1, fails=lambda request, n: n % 5 == 0)
    found, failures = played(policy, control[:6], 2, sampler, slots=4, attempts=50)
    assert not failures and digest(found) == digest(calm)
    assert sampler.count > sum(t.turns for t in calm.values())


def test_an_episode_that_fails_at_every_attempt_is_no_result(policy, control):
    cursed = {derive_seed(0, control[2].id, 1, 0)}
    sampler = OddSampler(policy.chat, fails=lambda request, n: request.seed in cursed)
    found, failures = played(policy, control[:4], 2, sampler, slots=3)
    assert [(f.place, f.task, f.sample) for f in failures] == [(5, control[2].id, 1)]
    assert "hung up" in failures[0].reason
    assert sorted(found) == [0, 1, 2, 3, 4, 6, 7]


def test_a_dead_sampler_stops_the_run(policy, control):
    sampler = OddSampler(policy.chat, fails=lambda request, n: n > 10)
    with pytest.raises(MedGymError, match="nothing but failures.*hung up"):
        played(policy, control, 4, sampler, slots=4)
    assert sampler.count < 40

    class Broken(OddSampler):
        def collect(self):
            raise RequestError(None)

    with pytest.raises(MedGymError, match="hung up"):
        played(policy, control, 4, Broken(policy.chat))


def test_an_episode_out_of_time_begins_no_further_turn(policy, control):
    now = [0.0]

    class Slow(OddSampler):
        def collect(self):
            now[0] += 1.0
            return super().collect()

    limits = Limits(16, 200, seconds=2.0)
    found, _ = played(policy, control[:8], 2, Slow(policy.chat), slots=1, limits=limits, clock=lambda: now[0])
    assert {t.turns for t in found.values() if t.stop == StopReason.time_limit} == {2}
    assert all(t.milliseconds == 1000.0 * t.turns for t in found.values())
    assert all(t.turns < 3 for t in found.values())
    free, _ = played(policy, control[:8], 2, Slow(policy.chat), slots=1, clock=lambda: now[0])
    assert any(t.turns == 3 for t in free.values()) and StopReason.time_limit not in {t.stop for t in free.values()}


def test_asked_to_stop_it_gives_back_what_is_finished_and_lets_the_rest_go(policy, control):
    sampler, done = OddSampler(policy.chat), []
    voice = TokenVoice(policy.chat, sampler, LIMITS, 0, {})
    for result in play(voice, scene(), jobs_of(control, 2), slots=5, stopping=lambda: len(done) >= 7):
        done.append(result)
    assert 7 <= len(done) < 12 and not sampler.flying


def test_an_endpoint_without_tokens_gives_episodes_that_training_refuses(control):
    class Chat:
        def __init__(self):
            self.asked = deque()

        def submit_messages(self, key, messages, tools, max_tokens, seed):
            self.asked.append((key, messages[-1]["content"], seed))

        def collect(self):
            key, last, _ = self.asked.popleft()
            return [Answer(key, "pull east" if "door" in last else f"submit {last[-1]}")]

        def release(self, key):
            pass

    class Answer:
        def __init__(self, key, text):
            self.key, self.text = key, text

    voice = MessageVoice(Chat(), LIMITS, 0, {})
    found = [t for _, t in play(voice, scene("openai:m"), jobs_of(control[:4], 2), slots=3)]
    assert all(validate(t).turns == 2 and t.stop == "submitted" for t in found)
    assert all(t.token_ids == [] and t.provenance["tokens"] == "none" and not t.turn_tokens for t in found)
    with pytest.raises(MedGymError, match="without tokens cannot be trained on.*openai:m"):
        require_tokens(found)


def test_the_wrapper_is_the_engine_and_refuses_to_lose_an_episode(policy, control, episodes, monkeypatch):
    limits = Limits(turn_tokens=16, episode_tokens=200)
    alone = rollout(policy, control[:4], 4, 0, limits=limits, make_episode=ControlEpisode, batch=1)
    assert content_digest(alone) == content_digest(episodes)
    failing = OddSampler(policy.chat, fails=lambda request, n: request.key == 0 or n > 20)
    failing.close = lambda: None
    monkeypatch.setattr("training.policy.HFSampler", lambda *_, **__: failing)
    with pytest.raises((RuntimeError, MedGymError), match="hung up"):
        rollout(policy, control[:4], 4, 0, limits=limits, make_episode=ControlEpisode)


def test_a_script_that_ends_early_is_told(control):
    voice = ScriptVoice(lambda task, sample: ["pull east"] * sample)
    found = [t for _, t in play(voice, scene("script"), jobs_of(control[:1], 3), slots=2)]
    assert [(t.turns, t.stop) for t in found] == [(0, "script_end"), (1, "script_end"), (2, "script_end")]


def test_engine_settings_that_are_none_are_refused(control):
    with pytest.raises(MedGymError, match="0 slots"):
        list(play(ScriptVoice(lambda task, sample: []), scene(), jobs_of(control, 1), slots=0))
