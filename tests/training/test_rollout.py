"""Rollouts: records that keep their promises, on the control task and on every domain's own world."""

import pytest

from medgym_core.probes import reference_texts
from medgym_core.types import SAY
from training.config import PolicyConfig
from training.control import ControlEpisode, explorer_texts
from training.demonstrations import demonstrations, imperfect_texts
from training.policy import build_base_policy
from training.report import hint_use, summary
from training.rollout import Limits, conversation_text, play_script, rollout, rollout_scripted
from training.trajectory import HINT, StopReason, validate

LIMITS = Limits(turn_tokens=16, episode_tokens=200)


def test_records_are_valid_and_complete(episodes, policy):
    for t in episodes:
        validate(t)
        assert t.sampled_tokens == sum(t.sampled) > 0
        assert t.turn_rewards == [0.0] * (t.turns - 1) + [t.reward]
        assert t.provenance.keys() >= {"tokenizer", "template", "code", "temperature", "turn_tokens", "episode_tokens"}
        assert t.policy == policy.digest
        assert all((p != 0) <= s for p, s in zip(t.sampler_logprobs, t.sampled, strict=True))
    assert {t.stop for t in episodes} >= {StopReason.submitted}
    assert len({t.group for t in episodes}) == 4


def test_text_given_to_the_world_is_the_decoded_sample(episodes, policy):
    for t in episodes:
        said = [m["content"] for m in t.messages if m["role"] == "assistant"]
        for turn, text in enumerate(said):
            ids = [i for i, s, n in zip(t.token_ids, t.sampled, t.turn_id, strict=True) if s and n == turn]
            assert policy.chat.decode(ids).removesuffix("<|im_end|>") == text


def test_limits_end_turns_and_episodes(policy, control):
    short = rollout(policy, control[:4], 2, 0, limits=Limits(turn_tokens=1), make_episode=ControlEpisode)
    assert all(t.sampled_tokens == t.turns for t in short)
    assert {t.stop for t in short} <= {StopReason.turn_limit, StopReason.submitted}
    for room in (5, 40):
        cut = rollout(policy, control[:1], 1, 0, limits=Limits(16, room), make_episode=ControlEpisode)[0]
        assert cut.stop == StopReason.token_limit and cut.turns == (room == 40)


def test_hint_is_read_before_every_turn_and_marked(policy, control):
    hinted = rollout(policy, control[:4], 2, 0, limits=LIMITS, hint="Outcome: right.", make_episode=ControlEpisode)
    plain = rollout(policy, control[:4], 2, 0, limits=LIMITS, make_episode=ControlEpisode)
    length = len(policy.chat.hint_ids("Outcome: right."))
    for t in hinted:
        assert sum(r == HINT for r in t.role) == t.turns * length
        assert (t.hint_kind, t.hint_text) == ("custom", "Outcome: right.")
        assert not any(s for s, r in zip(t.sampled, t.role, strict=True) if r == HINT)
    assert all(HINT not in t.role and t.hint_text == "" for t in plain)
    by_task = rollout(policy, control[:2], 1, 0, limits=LIMITS, hint=lambda t: t.colour, make_episode=ControlEpisode)
    assert [t.hint_text for t in by_task] == [t.colour for t in control[:2]]


def test_hint_use_reports_every_kind(policy, control):
    use = hint_use(policy, control[:2], 2, 0, limits=LIMITS, make_episode=ControlEpisode)
    assert list(use) == ["none", "correct", "incorrect"]
    assert all(0 <= f["accuracy"] <= 1 for f in use.values())


def test_scripted_episodes_sample_exactly_the_assistants_words(policy, control):
    for t in rollout_scripted(policy, control, explorer_texts, name="explorer", make_episode=ControlEpisode):
        validate(t)
        assert t.policy == "explorer" and t.sampler_logprobs is None
        assert t.stop == StopReason.submitted and t.turns == 2
    cut = rollout_scripted(policy, control[:1], lambda t: ["pull east"], name="x", make_episode=ControlEpisode)[0]
    assert cut.stop == StopReason.script_end


@pytest.fixture(scope="module")
def world_policy(small_tasks, knowledge, tmp_path_factory):
    texts = [conversation_text(play_script(t, reference_texts(t), knowledge).messages) for t in small_tasks]
    config = PolicyConfig(hidden=32, layers=2, heads=2)
    return build_base_policy(texts, tmp_path_factory.mktemp("world"), config, 0)


def test_reference_rollouts_meet_every_domains_charts_and_knowledge(world_policy, small_tasks, knowledge):
    found = demonstrations(world_policy, small_tasks, knowledge)
    reference, imperfect = found[: len(small_tasks)], found[len(small_tasks) :]
    assert all(t.correct and t.tool_errors == 0 and t.stop == "submitted" for t in reference)
    assert {t.domain for t in reference} == {t.domain for t in small_tasks}
    assert not any(t.correct for t in imperfect)
    seen = {m["content"] for t in reference for m in t.messages if m["role"] == "tool"}
    assert len(seen) > len(small_tasks) / 2  # answers come from the charts, not from constants
    assert not any("not found" in s for s in seen)


def test_other_good_paths_can_be_shown_too(world_policy, small_tasks, knowledge):
    from medgym_core.release import complete

    some = complete(small_tasks[::6], knowledge)
    found = demonstrations(world_policy, some, knowledge, imperfect=False, alternatives=True)
    other = [t for t in found if t.policy == "alternative"]
    assert len(other) == sum(bool(t.alternatives) for t in some) > 0
    assert all(t.correct and t.tool_errors == 0 for t in other)
    assert all(t.policy == "reference" for t in found[: len(some)]) and len(found) == len(some) + len(other)


def test_policy_rollouts_run_in_every_domain(world_policy, small_tasks, knowledge):
    by_domain = {t.domain: t for t in small_tasks}
    done = rollout(world_policy, list(by_domain.values()), 2, 0, knowledge, limits=Limits(16, 700))
    assert [t.domain for t in done[::2]] == list(by_domain)
    assert all(t.turns > 0 and t.sampled_tokens > 0 for t in done)
    assert summary(done)["accuracy"] <= 1


def test_imperfect_scripts_are_deterministic_and_wrong_in_form_only(small_tasks):
    for task in small_tasks:
        texts = imperfect_texts(task, 0)
        assert texts == imperfect_texts(task, 0)
        spoken = [c.arguments["text"] for c in task.reference if c.name == SAY]
        assert all(t.startswith("<tool_call>") or t in spoken for t in texts)
