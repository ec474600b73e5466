"""Policies by name: every setting reaches the sampler, and an unknown name lists what there is."""

from pathlib import Path

import pytest

from medgym_core.errors import MedGymError
from training import chat as chat_module
from training.engine import Limits, Scene, jobs_of, play
from training.players import Sampling, player
from training.sampler import Request, SampleStop


@pytest.fixture(scope="module")
def folder(made) -> str:
    return str(made[0])


def opened(name: str, sampling: Sampling, template: Path | None = None):
    return player(name, sampling, template=template).voice(Limits(), 0)


def test_a_turn_ends_at_the_call_only_where_that_is_asked(folder: str, policy, monkeypatch) -> None:
    end = policy.chat.call_end
    assert isinstance(end, int) and policy.chat.closes_call([*policy.chat.encode('{"a": 1}'), end])
    with opened(folder, Sampling()) as voice:
        assert voice.sampler._call_end is None and voice.sampler._closes is None
    with opened(folder, Sampling(stop_at_call=True)) as voice:
        assert voice.sampler._call_end == end
        # a stop at a token that this policy does say shows that the setting acts
        voice.sampler._call_end = said = said_first(voice)
        voice.sampler.submit(Request(2, context(policy), 0, 8))
        (sample,) = voice.sampler.collect()
        assert sample.stop == SampleStop.tool_call and sample.ids[-1] == said


def context(policy) -> list[int]:
    transcript = policy.chat.begin([{"role": "system", "content": "s"}, {"role": "user", "content": "u"}], [])
    policy.chat.open_turn(transcript)
    return transcript.token_ids


def said_first(voice) -> int:
    transcript = voice.chat.begin([{"role": "system", "content": "s"}, {"role": "user", "content": "u"}], [])
    voice.chat.open_turn(transcript)
    voice.sampler.submit(Request(1, transcript.token_ids, 0, 8))
    return voice.sampler.collect()[0].ids[0]


def test_a_closing_tag_of_several_tokens_is_found_in_the_words(policy, monkeypatch) -> None:
    monkeypatch.setattr(chat_module, "CALL_END", "</end of call>")
    ids = policy.chat.encode('{"x": 2}</end of call>')
    assert policy.chat.call_end == "</end of call>"
    assert policy.chat.closes_call(ids) and not policy.chat.closes_call(ids[:-1])


def test_the_tag_closes_the_episode_of_a_turn_cut_at_it(folder: str, policy, control) -> None:
    """Through the engine: what follows the tag is the template's, and unsampled."""
    from training.control import ControlEpisode

    with opened(folder, Sampling(stop_at_call=True)) as voice:
        voice.sampler._call_end = None
        voice.sampler._closes = lambda ids: len(ids) == 2
        played = list(play(voice, Scene("p", 0, None, ControlEpisode), jobs_of(control[:2], 1), slots=2))
    for _, t in played:
        for turn in range(t.turns):
            assert sum(s and n == turn for s, n in zip(t.sampled, t.turn_id, strict=True)) <= 2


def test_a_template_of_ones_own_takes_the_models_place(folder: str, policy, tmp_path: Path) -> None:
    template = tmp_path / "other.jinja"
    template.write_text(policy.tokenizer.chat_template.replace("<tool_response>", "<seen>"), encoding="utf-8")
    with opened(folder, Sampling(), template) as voice:
        begun = voice.chat.begin([{"role": "system", "content": "s"}, {"role": "user", "content": "u"}], [])
        voice.chat.open_turn(begun)
        voice.chat.write(begun, "a")
        voice.chat.observe(begun, {"role": "tool", "content": "x"})
        assert "<seen>x" in voice.chat.decode(begun.token_ids)
    facts = [player(folder, template=t).facts["template"] for t in (None, template)]
    assert facts[0] != facts[1]  # another template is another run


@pytest.mark.parametrize("name", ["gpt", "null:nobody", "openai:http://127.0.0.1:1", "models:/x@y", "../nowhere"])
def test_an_unknown_policy_lists_the_valid_forms(name: str) -> None:
    with pytest.raises(MedGymError) as told:
        player(name)
    assert any(form in str(told.value) for form in ("oracle", "openai:URL#MODEL", "models:/NAME@ALIAS"))
