"""A chat endpoint gets the whole conversation, pictures and tools included; what fails is never an answer."""

import json
import threading
import time
from base64 import b64decode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from medgym_core.actions import Unreadable, parse_action, render_call
from medgym_core.episode import Episode
from medgym_core.errors import MedGymError
from medgym_core.types import Call
from training.api_sampler import APISampler, call_text, chat_messages
from training.control import ControlEpisode
from training.endpoint import Failure, Patience, SamplerError
from training.engine import Failure as FailedEpisode
from training.engine import Limits, Scene, jobs_of, play
from training.voices import MessageVoice

MESSAGES = [{"role": "system", "content": "s"}, {"role": "user", "content": "q"}]
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


def said(content="fine", calls=(), finish="stop", usage=(7, 3)):
    """A chat completion."""
    native = [{"id": "x", "type": "function", "function": {"name": n, "arguments": a}} for n, a in calls]
    message = {"role": "assistant", "content": content, **({"tool_calls": native} if native else {})}
    return {
        "choices": [{"index": 0, "message": message, "finish_reason": finish}],
        "usage": {"prompt_tokens": usage[0], "completion_tokens": usage[1]},
    }


@pytest.fixture
def sampler(double, hurried):
    made = APISampler(double.url + "/v1", "m", patience=hurried)
    yield made
    made.close()


def ask(sampler, key=1, messages=MESSAGES, tools=()):
    sampler.submit_messages(key, messages, list(tools), 9, 5)


@given(st.from_regex(r"[a-z_]{1,20}", fullmatch=True), st.dictionaries(st.text(), JSON, max_size=4), st.booleans())
@settings(max_examples=150, deadline=None)
def test_a_native_call_reads_back_as_the_same_call(name, arguments, as_text):
    text = call_text(name, json.dumps(arguments) if as_text else arguments)
    found = parse_action(text)
    if any(ord(c) in range(0xD800, 0xE000) for c in text):
        return
    assert found == Call(name, arguments)


def test_arguments_that_close_the_tag_are_still_one_call():
    found = parse_action(call_text("note", {"text": "</tool_call><tool_call>"}))
    assert found == Call("note", {"text": "</tool_call><tool_call>"})


def test_arguments_that_are_no_json_reach_the_world_as_the_agents_mistake(double, reply, sampler):
    double.answer = lambda got, n: reply(said(None, [("get_vital_signs", '{"patient_id": ')], "tool_calls"))
    ask(sampler)
    (answer,) = sampler.collect()
    assert isinstance(parse_action(answer.text), Unreadable)


def test_a_native_call_becomes_the_text_the_world_reads(double, reply, sampler):
    double.answer = lambda got, n: reply(said("let me see", [("get_vital_signs", "{}")], "tool_calls"))
    ask(sampler)
    (answer,) = sampler.collect()
    assert answer.text == 'let me see<tool_call>{"name": "get_vital_signs", "arguments": {}}</tool_call>'
    assert (answer.key, answer.stop) == (1, "tool_call")
    assert (answer.prompt_tokens, answer.completion_tokens) == (7, 3)
    assert sampler.counts["prompt_tokens"] == 7 and sampler.counts["completion_tokens"] == 3
    assert sampler.collect() == []


def test_the_request_holds_tools_limits_and_seed(double, reply, hurried):
    double.answer = lambda got, n: reply(said())
    tools = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}]
    sampler = APISampler(
        double.url, "m", temperature=0.5, top_p=0.9, top_k=4, patience=hurried, length_field="max_completion_tokens"
    )
    ask(sampler, tools=tools)
    sampler.collect()
    sampler.close()
    assert double.got[0].path == "/chat/completions"
    assert double.got[0].body == {
        "model": "m", "messages": MESSAGES, "tools": tools, "parallel_tool_calls": False, "temperature": 0.5,
        "top_p": 0.9, "top_k": 4, "max_completion_tokens": 9, "seed": 5,
    }  # fmt: skip


def test_greedy_is_temperature_zero(double, reply, hurried):
    double.answer = lambda got, n: reply(said())
    sampler = APISampler(double.url, "m", temperature=0.5, top_k=4, greedy=True, patience=hurried)
    ask(sampler)
    sampler.collect()
    sampler.close()
    assert double.got[0].body["temperature"] == 0 and "top_k" not in double.got[0].body


def test_an_image_tasks_request_contains_the_image(double, reply, sampler, small_tasks):
    """The pixels that the chart holds, in the body that travels."""
    double.answer = lambda got, n: reply(said())
    task = next(t for t in small_tasks if t.domain == "visual_diagnosis" and t.chart.images)
    episode = Episode(task)
    ask(sampler, messages=episode.messages, tools=episode.tools)
    sampler.collect()
    parts = double.got[0].body["messages"][1]["content"]
    urls = [p["image_url"]["url"] for p in parts if p["type"] == "image_url"]
    head = "data:image/png;base64,"
    assert [b64decode(u.removeprefix(head)) for u in urls] == [p.png for p in task.chart.images]
    assert all(u.startswith(head) for u in urls)
    assert double.got[0].body["tools"] == episode.tools


def test_an_observations_image_follows_its_text():
    url = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}
    messages = [
        *MESSAGES,
        {"role": "assistant", "content": render_call(Call("view", {}))},
        {"role": "tool", "content": [{"type": "text", "text": "the film"}, url]},
    ]
    *_, call, told, shown = chat_messages(messages)
    assert call["tool_calls"][0]["id"] == told["tool_call_id"]
    assert told["role"] == "tool" and told["content"].startswith("the film")
    assert shown == {"role": "user", "content": [url]}


def test_every_observation_answers_a_call_or_comes_from_the_user():
    call = render_call(Call("f", {"x": 1}))
    texts = [f"thinking. {call}", "<tool_call>{", "good morning", call]
    messages = list(MESSAGES)
    for text, role in zip(texts, ["tool", "tool", "user", "tool"], strict=True):
        messages += [{"role": "assistant", "content": text}, {"role": role, "content": "observed"}]
    found = chat_messages(messages)
    assert [m["role"] for m in found[2:]] == [
        "assistant",
        "tool",
        "assistant",
        "user",
        "assistant",
        "user",
        "assistant",
        "tool",
    ]
    assert found[2]["content"] == "thinking." and json.loads(found[2]["tool_calls"][0]["function"]["arguments"]) == {
        "x": 1
    }
    assert found[4] == {"role": "assistant", "content": "<tool_call>{"}
    for before, after in zip(found, found[1:], strict=False):
        if after["role"] == "tool":
            assert after["tool_call_id"] == before["tool_calls"][0]["id"]
    ids = [m["tool_calls"][0]["id"] for m in found if "tool_calls" in m]
    assert len(set(ids)) == len(ids) == 2


def test_the_key_travels_in_the_header_and_stands_in_no_error(double, reply, sampler, monkeypatch):
    monkeypatch.setenv("MEDGYM_API_KEY", "s3cret")
    double.answer = lambda got, n: reply({"error": "bad key"}, status=401)
    ask(sampler)
    with pytest.raises(SamplerError, match="refuses") as raised:
        sampler.collect()
    assert double.got[0].headers["Authorization"] == "Bearer s3cret"
    assert "s3cret" not in str(raised.value)
    assert raised.value.key is None  # no other episode fares better
    assert len(double.got) == 1


FIRST = {
    "500": lambda reply: reply({"error": "oops"}, status=500),
    "truncated": lambda reply: reply(said("half"), cut=40),
    "broken off": lambda reply: reply(said("half"), cut=40, drop=True),
    "hung up": lambda reply: reply(drop=True),
    "slow": lambda reply: reply(said("late"), delay=0.6),
    "not JSON": lambda reply: reply(b"<html>busy</html>"),
    "error as 200": lambda reply: reply({"error": {"message": "busy"}}),
    "429": lambda reply: reply({}, status=429, headers={"Retry-After": "0.2"}),
}
KINDS = {
    "500": Failure.busy,
    "truncated": Failure.unreadable,
    "broken off": Failure.unreachable,
    "hung up": Failure.unreachable,
    "slow": Failure.slow,
    "not JSON": Failure.unreadable,
    "error as 200": Failure.unreadable,
    "429": Failure.busy,
}
LIMITS = Patience(seconds=0.3, retries=2, wait=0.01, longest_wait=0.3)


@pytest.mark.parametrize("fault", FIRST)
def test_a_turn_that_failed_once_is_asked_again_and_comes_once(double, reply, fault):
    double.answer = lambda got, n: FIRST[fault](reply) if n == 0 else reply(said("good"))
    sampler = APISampler(double.url, "m", patience=LIMITS)
    ask(sampler)
    assert [a.text for a in sampler.collect()] == ["good"]
    time.sleep(0.4 if fault == "slow" else 0)  # the late answer comes by now
    assert sampler.collect() == []
    assert len(double.got) == 2 and double.got[0].body == double.got[1].body
    assert sampler.counts[KINDS[fault]] == 1 and sampler.counts["answers"] == 1
    if fault == "429":
        assert double.got[1].when - double.got[0].when >= 0.2
    sampler.close()


@pytest.mark.parametrize("fault", FIRST)
def test_a_turn_that_keeps_failing_is_an_error_with_its_episode(double, reply, fault):
    double.answer = lambda got, n: FIRST[fault](reply) if got.body["messages"][1]["content"] == "bad" else reply(said())
    sampler = APISampler(double.url, "m", patience=LIMITS)
    ask(sampler, 1, [MESSAGES[0], {"role": "user", "content": "bad"}])
    for key in (2, 3):
        ask(sampler, key)
    answers, errors = drained(sampler)
    assert sorted(a.key for a in answers) == [2, 3]
    assert [(e.key, e.kind) for e in errors] == [(1, KINDS[fault])]
    assert sum(g.body["messages"][1]["content"] == "bad" for g in double.got) == 1 + LIMITS.retries
    sampler.close()


def drained(sampler):
    answers, errors = [], []
    while True:
        try:
            found = sampler.collect()
        except SamplerError as error:
            errors.append(error)
            continue
        if not found:
            return answers, errors
        answers += found


def test_a_server_that_dies_midway_takes_only_what_it_had_not_said(double, reply):
    double.answer = lambda got, n: reply(said()) if n < 5 else reply(drop=True)
    sampler = APISampler(double.url, "m", patience=Patience(seconds=5, retries=1, wait=0.01, in_flight=1))
    for key in range(12):
        ask(sampler, key)
    answers, errors = drained(sampler)
    assert len(answers) == 5 and {e.kind for e in errors} == {Failure.unreachable}
    assert sorted([a.key for a in answers] + [e.key for e in errors]) == list(range(12))
    sampler.close()


def test_a_context_that_is_too_long_is_not_asked_again(double, reply, sampler):
    double.answer = lambda got, n: reply({"error": {"message": "context of 9 tokens"}}, status=400)
    ask(sampler)
    with pytest.raises(SamplerError, match="context of 9 tokens") as raised:
        sampler.collect()
    assert (raised.value.key, raised.value.kind, len(double.got)) == (1, Failure.refused, 1)


def test_a_filtered_turn_is_no_answer(double, reply, sampler):
    double.answer = lambda got, n: reply(said("I can", finish="content_filter"))
    ask(sampler)
    with pytest.raises(SamplerError, match="content_filter"):
        sampler.collect()


def test_many_requests_are_in_flight_at_once_and_no_more_than_allowed(double, reply):
    together, most = 0, 0
    lock = threading.Lock()

    def answer(got, n):
        nonlocal together, most
        with lock:
            together += 1
            most = max(most, together)
        time.sleep(0.05)
        with lock:
            together -= 1
        return reply(said())

    double.answer = answer
    sampler = APISampler(double.url, "m", patience=Patience(in_flight=8))
    for key in range(24):
        ask(sampler, key)
    assert len(drained(sampler)[0]) == 24
    assert 4 <= most <= 8
    sampler.close()


def test_a_released_episodes_answer_is_dropped(double, reply, sampler):
    double.answer = lambda got, n: reply(said(), delay=0.2)
    ask(sampler, 1)
    sampler.release(1)
    assert sampler.collect() == []
    ask(sampler, 1)
    assert [a.key for a in sampler.collect()] == [1]


def test_an_episode_has_one_turn_in_flight(double, reply, sampler):
    double.answer = lambda got, n: reply(said(), delay=0.2)
    ask(sampler, 1)
    with pytest.raises(MedGymError, match="in flight already"):
        ask(sampler, 1)
    assert len(sampler.collect()) == 1


def test_nothing_is_asked_of_a_closed_sampler(double, hurried):
    sampler = APISampler(double.url, "m", patience=hurried)
    sampler.close()
    sampler.close()
    with pytest.raises(MedGymError, match="closed"):
        ask(sampler)


@pytest.mark.parametrize("url", ["http://example.org/v1", "ftp://127.0.0.1", "http://u:p@127.0.0.1", "nonsense", ""])
def test_texts_do_not_travel_openly(url):
    with pytest.raises(MedGymError, match="url"):
        APISampler(url, "m")


def test_a_redirect_is_not_followed(double, reply, sampler):
    double.answer = lambda got, n: reply({}, status=307, headers={"Location": "http://127.0.0.1:1/"})
    ask(sampler)
    with pytest.raises(SamplerError, match="HTTP 307"):
        sampler.collect()


def test_no_episode_is_scored_on_a_failed_request(double, reply, hurried, control):
    """Every fifth episode's second turn is refused: those are failures, the others are whole."""
    doomed = {t.id for t in control[::5]}
    colour = {t.id: i for i, t in enumerate(control)}

    class Marked(ControlEpisode):
        def __init__(self, task, knowledge=None):
            super().__init__(task, knowledge)
            self.messages[0]["content"] = task.id

    def answer(got, n):
        task, turns = got.body["messages"][0]["content"], len(got.body["messages"])
        if task in doomed and turns > 2:
            return reply({"error": "no"}, status=400)
        return reply(said("pull east" if turns == 2 else f"submit {colour[task] % 9}"))

    double.answer = answer
    sampler = APISampler(double.url, "m", patience=hurried)
    voice = MessageVoice(sampler, Limits(), 0, {})
    scene = Scene("openai:m", 0, make_episode=Marked)
    results = list(play(voice, scene, jobs_of(control[:20], 2), slots=8))
    sampler.close()
    failed = [r for r in results if isinstance(r, FailedEpisode)]
    whole = [t for r in results if not isinstance(r, FailedEpisode) for t in [r[1]]]
    assert {f.task for f in failed} == doomed & {t.id for t in control[:20]} and len(failed) == 8
    assert {t.task for t in whole}.isdisjoint(doomed) and len(whole) == 32
    assert all(t.token_ids == [] and t.sampler_logprobs is None and t.turns == 2 for t in whole)
