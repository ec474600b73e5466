"""The base policy: its tokenizer, its template, its folder."""

import json

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from medgym_core.actions import render_call
from medgym_core.artifacts import digest_files
from medgym_core.errors import MedGymError
from medgym_core.types import Call
from training.batches import check_head
from training.config import PolicyConfig
from training.policy import build_base_policy, load_policy, policy_digest, save_policy
from training.vocabulary import build_tokenizer

TEXTS = [
    "Takes warfarin 5 mg with aspirin; INR 2.5, potassium 4.1 mmol/L.",
    '<tool_call>{"name": "check_interaction", "arguments": {"drug": "warfarin", "other": "aspirin"}}</tool_call>',
    '{"potassium":"4.1 mmol/L","warfarin":"2.5 mg"}',
] * 4


@pytest.fixture(scope="module")
def tokenizer():
    return build_tokenizer(TEXTS, 900, 20)


def test_numbers_and_copied_words_are_whole_tokens_wherever_they_stand(tokenizer):
    def one(text):
        return tokenizer.tokenize(text)

    for n in range(301):
        assert one(str(n)) == [str(n)]
    assert one("1500") == ["150", "0"]
    assert "4.1" in one('"4.1 mmol') and "4.1" in one("is 4.1,")
    for text in ('"warfarin"', "of warfarin.", "warfarin", "(warfarin)"):
        assert "warfarin" in one(text)
    assert "warfarin" not in one("warfarinoid")


@settings(max_examples=200, deadline=None)
@given(st.text())
def test_any_text_survives_the_tokenizer(text):
    tokenizer = _tokenizer()
    assert tokenizer.decode(tokenizer.encode(text, add_special_tokens=False), skip_special_tokens=False) == text


def _tokenizer(made=[]):  # noqa: B006
    if not made:
        made.append(build_tokenizer(TEXTS, 900, 20))
    return made[0]


def test_tool_markers_are_single_tokens_that_decoding_keeps(tokenizer):
    text = '<tool_call>{"name": "x"}</tool_call>'
    ids = tokenizer.encode(text, add_special_tokens=False)
    assert ids[0] == tokenizer.convert_tokens_to_ids("<tool_call>")
    assert tokenizer.decode(ids, skip_special_tokens=True) == text


def test_template_renders_structured_calls_as_the_canonical_text(tokenizer):
    call = Call("order_test", {"test": "troponin", "urgent": True, "n": 3})
    structured = {"function": {"name": call.name, "arguments": call.arguments}}
    shown = tokenizer.apply_chat_template(
        [{"role": "assistant", "content": "", "tool_calls": [structured]}], tokenize=False
    )
    assert render_call(call) in shown


def test_tools_are_rendered_only_when_asked_for(tmp_path):
    tools = [{"type": "function", "function": {"name": "look_up_kidney"}}]
    messages = [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]
    for render in (True, False):
        config = PolicyConfig(vocabulary=900, hidden=32, layers=2, heads=2, render_tools=render)
        chat = build_base_policy(TEXTS, tmp_path / str(render), config, 0).chat
        shown = chat.decode(chat.begin(messages, tools).token_ids)
        assert ("look_up_kidney" in shown) == render


def test_same_inputs_give_the_same_folder_and_another_seed_another(tmp_path):
    config = PolicyConfig(vocabulary=900, hidden=32, layers=2, heads=2)
    files = {}
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        assert build_base_policy(TEXTS, tmp_path / name, config, seed).digest
        files[name] = digest_files(tmp_path / name)
    assert files["a"] == files["b"]
    assert {f for f in files["a"] if files["a"][f] != files["c"][f]} == {"model.safetensors"}


def test_the_demo_policy_has_about_a_million_parameters_and_free_embeddings(tmp_path):
    model = build_base_policy(TEXTS, tmp_path / "p", PolicyConfig(), 0).model
    assert 0.8e6 < sum(p.numel() for p in model.parameters()) < 1.3e6
    assert model.lm_head.weight.data_ptr() != model.model.embed_tokens.weight.data_ptr()
    deviation = model.model.layers[0].mlp.gate_proj.weight.detach().std() * 128**0.5
    assert abs(float(deviation) - 0.7) < 0.03


def test_a_missing_model_is_a_one_line_error(tmp_path):
    for bad in (tmp_path / "nowhere", "nowhere", "./some/where"):
        with pytest.raises(MedGymError, match="no such model") as error:
            load_policy(bad)
        assert "\n" not in str(error.value)
    (tmp_path / "empty").mkdir()
    with pytest.raises(MedGymError, match="config.json is missing"):
        load_policy(tmp_path / "empty")


def test_a_hub_name_that_cannot_be_had_is_a_one_line_error(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(MedGymError, match="model cannot be loaded") as error:
        load_policy("nobody/nothing-at-all")
    assert "\n" not in str(error.value)


def test_a_folder_without_weights_is_refused(cloned, tmp_path):
    for file in cloned.iterdir():
        if file.suffix != ".safetensors":
            (tmp_path / file.name).write_bytes(file.read_bytes())
    with pytest.raises(MedGymError, match="model cannot be loaded"):
        load_policy(tmp_path)


def test_an_architecture_that_changes_its_logits_is_refused(policy):
    class Capped(torch.nn.Module):
        def __init__(self, model):
            super().__init__()
            self.model = model
            self.device = model.device

        def forward(self, **kwargs):
            out = self.model(**kwargs)
            out.logits = torch.tanh(out.logits)
            return out

        def get_decoder(self):
            return self.model.get_decoder()

        def get_output_embeddings(self):
            return self.model.get_output_embeddings()

    check_head(policy.model)
    with pytest.raises(MedGymError, match="changes its logits"):
        check_head(Capped(policy.model))


def test_the_folder_says_whether_tools_are_rendered(cloned):
    assert json.loads((cloned / "medgym.json").read_text()) == {"render_tools": False}
    assert load_policy(cloned).chat.render_tools is False


def test_a_saved_policy_does_not_depend_on_how_it_was_loaded(tmp_path):
    small = PolicyConfig(vocabulary=900, whole_words=20, hidden=64, layers=2, heads=2, feed_forward=64)
    build_base_policy(TEXTS, tmp_path / "base", small, 0)
    digests = set()
    for offline in (True, False):
        policy = load_policy(tmp_path / "base")
        policy.tokenizer.init_kwargs["local_files_only"] = offline
        save_policy(policy.model, policy.tokenizer, tmp_path / str(offline), render_tools=False)
        digests.add(policy_digest(tmp_path / str(offline)))
    assert len(digests) == 1
