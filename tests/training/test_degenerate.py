"""What counts as degenerate, and that an ordinary bad episode does not."""

import json

import msgspec
import pytest
from safetensors.torch import load_file

from medgym_core.actions import render_call
from medgym_core.episode import Episode
from medgym_core.mediocre import Mediocre
from medgym_core.probes import NULLS
from medgym_core.types import Call
from training.advantages import set_advantages
from training.config import AdvantageConfig, CosineConfig, DegenerateConfig, DistillConfig, PolicyConfig, TTOPDConfig
from training.control import ControlEpisode
from training.degenerate import REASONS, why_degenerate
from training.demonstrations import demonstrations
from training.items import prepare
from training.policy import build_base_policy
from training.rl import train_rl
from training.rollout import play_script, rollout_scripted
from training.shaping import mark_degenerate
from training.trajectory import read_trajectories, write_trajectories

DEFAULT = DegenerateConfig()
OFF = DegenerateConfig(detect=False)


def saying(episodes, *said, prompt=""):
    """A two-turn episode in which the assistant says something else; its tokens are the characters' code points."""
    t = next(t for t in episodes if t.turns == 2)
    messages = [m for m in t.messages if m["role"] in ("system", "user")]
    ids, turn_id = [1], [-1]
    for turn, text in enumerate(said):
        messages += [{"role": "assistant", "content": text}, {"role": "tool", "content": "no"}]
        ids += [*map(ord, text), 2]
        turn_id += [turn] * (len(text) + 1)
    if prompt:
        messages[1] = {"role": "user", "content": prompt}
    return msgspec.structs.replace(
        t, messages=messages, token_ids=ids, turn_id=turn_id, sampled=[x >= 0 for x in turn_id],
        role=[2 if x >= 0 else 1 for x in turn_id], sampler_logprobs=[-1.0] * len(ids), turns=len(said),
    )  # fmt: skip


DEGENERATE = {
    "one token for ever": (["pull east", "a" * 40], "loop"),
    "a sentence for ever": (["I will check the potassium now. " * 6], "loop"),
    "a loop after a good start": (["The patient has chest pain. " + "and pain " * 9], "loop"),
    "the same words three times": (["pull east", "pull up", " pull up", "pull up\n"], "same_turn"),
    "another script": (["the potassium is high 患者血钾升高需要立即处理"], "script"),
    "another alphabet": (["калий высокий"], "script"),
    "nothing but white space": (["pull east", " \n\t "], "empty_turn"),
    "nothing at all": (["", "pull east"], "empty_turn"),
}


@pytest.mark.parametrize(("said", "reason"), DEGENERATE.values(), ids=DEGENERATE)
def test_degenerate_text_is_named_and_let_pass_when_switched_off(episodes, said, reason):
    t = saying(episodes, *said)
    assert why_degenerate(t, DEFAULT) == reason and reason in REASONS
    assert why_degenerate(t, OFF) == ""


CALL = '<tool_call>{{"name": "get_lab", "arguments": {{"test": "{}"}}}}</tool_call>'
ORDINARY = {
    "short": (["?", "b"],),
    "the same call twice": ([CALL.format("potassium")] * 2,),
    "the same call with other arguments": ([CALL.format(x) for x in ("potassium", "sodium", "urea", "lactate", "x")],),
    "the same call, then another, then again": ([CALL.format(x) for x in ("na", "na", "k", "na", "na", "k", "na")],),
    "unreadable": (["<tool_call>{]", "<tool_call>{[", "<tool_call>}["],),
    "a refusal": (["I am sorry, but I cannot help with that. Please see a doctor."],),
    "a list": (["".join(f"{n}. option {n}: not {'abcdefghijkl'[n]}\n" for n in range(12))],),
    "rows of dots and zeros": (["......... 0000000000 ------------"],),
    "Greek, units, accents": (["β-blocker, 5 µmol/L, 20 ℃, naïve, Sjögren, Å, Ω, α β γ δ ε"],),
    "a foreign word quoted": (["he wrote боль beside the word pain on the form of the clinic"],),
    "signs that are no letters": (["→ ± ≥ ½ ✓ 😀 … \ufffd\ufffd\ufffd"],),
}


@pytest.mark.parametrize("said", [s for (s,) in ORDINARY.values()], ids=ORDINARY)
def test_an_ordinary_bad_episode_is_not_degenerate(episodes, said):
    assert why_degenerate(saying(episodes, *said), DEFAULT) == ""


def test_the_script_of_the_prompt_may_be_answered_in(episodes):
    assert why_degenerate(saying(episodes, "калий высокий", prompt="Какой калий?"), DEFAULT) == ""
    assert why_degenerate(saying(episodes, "钾高", prompt="Какой калий?"), DEFAULT) == "script"


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        ({"same_turns": 4}, ["pull up"] * 3),
        ({"foreign_share": 0.6}, ["калий high"]),
        ({"loop_block": 6}, ["a sentence. " * 5]),
        ({"loop_repeats": 5}, ["a sentence. " * 5]),
        ({"loop_tokens": 61}, ["a sentence. " * 5]),
    ],
)
def test_every_limit_acts(episodes, limit, said):
    t = saying(episodes, *said)
    assert why_degenerate(t, DEFAULT) and not why_degenerate(t, DegenerateConfig(**limit))


def test_nothing_sampled_and_numbers_that_are_none_hold_whatever_is_configured(episodes):
    silent = msgspec.structs.replace(episodes[0], sampled=[False] * len(episodes[0].sampled))
    lost = msgspec.structs.replace(episodes[0], shaped_reward=float("nan"))
    lost_too = msgspec.structs.replace(episodes[0], sampler_logprobs=[float("-inf")] * len(episodes[0].token_ids))
    assert [why_degenerate(t, OFF) for t in (silent, lost, lost_too)] == ["silent", "not_finite", "not_finite"]


def members(episodes):
    """A group of four with rewards, the third of them a loop with a reward that would move the mean."""
    looping = saying(episodes, "and pain " * 9)
    chosen = [episodes[0], episodes[1], looping, episodes[2]]
    return [
        msgspec.structs.replace(t, group="g", shaped_reward=r)
        for t, r in zip(chosen, (1.0, 0.0, -7.0, 0.5), strict=True)
    ]


@pytest.mark.parametrize("scale", ["none", "std"])
def test_a_looping_episode_changes_nothing_for_the_others(episodes, scale):
    group, others = members(episodes), members(episodes)
    del others[2]
    assert mark_degenerate(group, DEFAULT) == {"degenerate": 1, "degenerate_loop": 1}
    assert set_advantages(group, AdvantageConfig(scale=scale)) == set_advantages(others, AdvantageConfig(scale=scale))
    assert [t.advantages for t in group if not t.degenerate] == [t.advantages for t in others]
    assert not any(group[2].advantages) and any(group[0].advantages)
    items = prepare(group)
    assert [i.masked for i in items] == [False, False, True, False]
    assert not any(items[2].keep) and all(items[0].keep)  # no distillation either


def test_switched_off_it_takes_part(episodes):
    group = members(episodes)
    assert mark_degenerate(group, OFF) == {}
    set_advantages(group, AdvantageConfig())
    assert any(group[2].advantages) and group[0].advantages != members(episodes)[0].advantages
    assert not any(i.masked for i in prepare(group))


def test_the_mark_survives_parquet(episodes, tmp_path):
    group = members(episodes)
    mark_degenerate(group, DEFAULT)
    set_advantages(group, AdvantageConfig())
    write_trajectories(tmp_path / "a.parquet", group)
    assert [t.degenerate for t in read_trajectories(tmp_path)] == ["", "", "loop", ""]


@pytest.fixture(scope="module")
def reader(tmp_path_factory):
    """A policy whose tokenizer renders scripted episodes."""
    config = PolicyConfig(vocabulary=600, whole_words=0, hidden=32, layers=2, heads=2)
    return build_base_policy(["a patient with pain"], tmp_path_factory.mktemp("reader"), config, 0)


def test_no_scripted_agent_of_the_world_is_degenerate_unless_it_repeats_itself(reader, small_tasks, knowledge):
    """Experts, wrong answers, the mediocre agent and the null agents are behaviour; only pure repetition is masked."""
    assert not [t.task for t in demonstrations(reader, small_tasks[::3], knowledge) if why_degenerate(t, DEFAULT)]
    mediocre = Mediocre([t for t in small_tasks if t.split == "train"], knowledge)
    scripts = {"mediocre": mediocre.texts, **{n: (lambda t, f=f: f(t, 0)) for n, f in NULLS.items()}}
    for name, texts in scripts.items():
        for t in rollout_scripted(reader, small_tasks[::11], texts, knowledge, name=name):
            assert why_degenerate(t, DEFAULT) in ("", "same_turn"), (name, t.task)


def test_a_real_episode_of_repeated_calls_is_told_from_one_that_is_stuck(reader, small_tasks, knowledge):
    task = small_tasks[0]
    first = next(c for c in task.reference if c.name != "say")
    stuck, other = render_call(first), render_call(Call("no_such_tool", {"x": 1}))
    assert isinstance(play_script(task, [stuck], knowledge), Episode)
    for texts, reason in (
        ([stuck] * 2 + [other] * 2, ""),
        ([stuck, other, stuck, other, stuck], ""),
        ([other] * 3, "same_turn"),
    ):
        t = rollout_scripted(reader, [task], lambda _, said=texts: said, knowledge, name="stuck")[0]
        assert why_degenerate(t, DEFAULT) == reason


@pytest.mark.parametrize("detect", [True, False])
def test_the_trainer_masks_and_counts_what_its_limits_say(cloned, control, tmp_path, detect):
    """With a limit that calls every episode degenerate nothing is learnt; switched off, something is."""
    config = TTOPDConfig(
        steps=1, prompts=4, samples=8, turn_tokens=12, episode_tokens=200, validation_tasks=2, select="last",
        cosine=CosineConfig(weight=0.0), distill=DistillConfig(weight=0.0),
        degenerate=DegenerateConfig(detect=detect, same_turns=1),
    )  # fmt: skip
    train_rl(cloned, control, None, tmp_path, config, 0, make_episode=ControlEpisode)
    record = next(r for r in map(json.loads, open(tmp_path / "metrics.jsonl")) if "counts" in r)
    played = read_trajectories(tmp_path / "episodes")
    assert {t.degenerate for t in played} == ({"same_turn"} if detect else {""})
    assert record["counts"]["degenerate"] == record["counts"]["degenerate_same_turn"] == len(played) * detect
    assert {f"degenerate_{r}" for r in REASONS} <= set(record["counts"])
    before, after = (load_file(d / "model.safetensors") for d in (cloned, tmp_path / "policy"))
    assert all((before[k] == after[k]).all() for k in before) == detect
