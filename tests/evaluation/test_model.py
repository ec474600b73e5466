"""A trained policy answers a benchmark the same way in any batch, and says what it could not read."""

import time
from dataclasses import replace

import pytest

from evaluation.benchmarks import BENCHMARKS, load_benchmark
from evaluation.item import Item
from evaluation.predictions import predictions, truncation
from evaluation.prompts import prompt_of
from medgym_core.errors import MedGymError
from training.config import PolicyConfig
from training.presets import PRESETS

torch = pytest.importorskip("torch")

from evaluation.model import PolicyAnswerer  # noqa: E402
from evaluation.policies import Setting, model_policy  # noqa: E402
from training.policy import Policy, build_base_policy  # noqa: E402

ITEMS = [
    Item(
        f"t/{n}",
        "A patient has pain. " * (n + 1),
        "ABCD"[n % 4],
        {"A": "rest", "B": "surgery", "C": "ice", "D": "heat"},
    )
    for n in range(9)
]


@pytest.fixture(scope="module")
def policy(tmp_path_factory) -> Policy:
    torch.set_num_threads(1)
    texts = [text for item in ITEMS for text in (item.question, *item.options.values())]
    return build_base_policy(texts, tmp_path_factory.mktemp("policy") / "p", PRESETS["quick"].policy, 0)


SPEC = BENCHMARKS["medqa"]
PROMPTS = [prompt_of(item, "choice").messages for item in ITEMS]


def run(answerer: PolicyAnswerer, mode: str = "logprob", items=ITEMS):
    """Rows of an answerer as the runner makes them."""
    found = model_policy(answerer.policy, "p")
    found = replace(found, generate=answerer.generate, score_letters=answerer.score_letters)
    return predictions(items, found.replies(items, SPEC, mode, Setting(8, 512)), SPEC.score, mode)


def test_letter_logprobs_are_the_models_own(policy) -> None:
    scored = PolicyAnswerer(policy).score_letters([PROMPTS[0]], ["ABCD"])[0]
    text = policy.tokenizer.apply_chat_template(PROMPTS[0], tokenize=False, add_generation_prompt=True)
    ids = policy.tokenizer(text, return_tensors="pt", add_special_tokens=False).input_ids
    with torch.no_grad():
        logp = policy.model(ids).logits[0, -1].log_softmax(-1)
    expected = {letter: float(logp[policy.tokenizer.convert_tokens_to_ids(letter)]) for letter in "ABCD"}
    assert scored.logprobs == pytest.approx(expected, abs=1e-4)


def test_batching_does_not_change_an_answer(policy) -> None:
    together, apart = PolicyAnswerer(policy), PolicyAnswerer(policy, batch_tokens=1)
    for mode in ("logprob", "text"):
        first, second = run(together, mode), run(apart, mode)
        assert first.column("answer").equals(second.column("answer"))
        assert first.column("text").equals(second.column("text"))
        for a, b in zip(first.column("logprobs").to_pylist(), second.column("logprobs").to_pylist(), strict=True):
            assert dict(a) == pytest.approx(dict(b), abs=1e-4)


def test_what_does_not_fit_the_model_is_counted_and_the_end_is_kept(policy) -> None:
    answerer = PolicyAnswerer(policy)
    assert truncation(run(answerer)) == {"truncated_items": 0, "truncated_tokens": 0}
    whole = [answerer._encoded(messages, 1) for messages in PROMPTS]
    answerer.max_length = max(len(one.ids) for one in whole) - 4
    cut = [answerer._encoded(messages, 1) for messages in PROMPTS]
    dropped = [one.truncated_tokens for one in cut]
    assert dropped == [max(0, len(one.ids) - answerer.max_length + 1) for one in whole] and max(dropped) == 5
    assert all(_bytes(a.ids).endswith(_bytes(b.ids)) for a, b in zip(whole, cut, strict=True))
    for mode, lost in (("logprob", 5), ("text", 12)):
        assert max(run(answerer, mode).column("truncated_tokens").to_pylist()) == lost


def _bytes(ids: list[int]) -> str:
    return " ".join(map(str, ["", *ids]))


def test_a_letter_of_several_tokens_is_refused(policy) -> None:
    with pytest.raises(MedGymError, match="not one token"):
        PolicyAnswerer(policy).score_letters([PROMPTS[0]], [["QX"]])


def test_medqa_takes_less_than_a_minute_on_one_core(real_data, tmp_path) -> None:
    items = load_benchmark("medqa", real_data).items[::10]
    texts = [item.question for item in items]
    answerer = PolicyAnswerer(build_base_policy(texts, tmp_path / "p", PolicyConfig(), 0))
    began = time.process_time()
    table = run(answerer, items=items)
    assert (time.process_time() - began) * 10 < 60
    assert table.num_rows == len(items) and truncation(table)["truncated_items"] == 0
