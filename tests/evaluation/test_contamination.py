"""Contamination probes: exact against enumeration, and on a small model that did or did not see the items."""

from itertools import product
from random import Random

import numpy as np
import pytest
import torch

from evaluation.item import Item
from evaluation.safety.contamination import (
    PolicyText,
    completion_probe,
    halved,
    higher_p,
    is_sorted,
    listed,
    other_orders,
    overlap,
    permutation_probe,
    rank_sum_p,
)
from medgym_core.errors import MedGymError
from training.config import PolicyConfig
from training.policy import Policy, build_base_policy

SMALL = PolicyConfig(
    vocabulary=800, whole_words=0, hidden=64, layers=2, heads=4, feed_forward=128, max_length=160, render_tools=False
)
WORDS = "fever cough rash pain edema murmur pallor stupor tremor nausea vertigo chills goiter icterus ascites".split()


def made(n: int, seed: int) -> list[Item]:
    """Questions of words drawn at random: nothing but memory completes them."""
    items = []
    for i in range(n):
        rng = Random(f"{seed}/{i}")
        question = f"Case {i + 100 * seed}: " + " ".join(rng.choice(WORDS) for _ in range(14)) + "?"
        texts = rng.sample(WORDS, 4)
        while is_sorted(texts):
            texts = rng.sample(WORDS, 4)
        items.append(Item(f"made/{seed}/{i}", question, "A", dict(zip("ABCD", texts, strict=True))))
    return items


SEEN, UNSEEN = made(10, 1), made(10, 2)


@pytest.fixture(scope="module")
def untrained(tmp_path_factory) -> Policy:
    torch.set_num_threads(1)
    texts = [f"{item.question}\n{listed(item, range(4))}" for item in [*SEEN, *UNSEEN]]
    return build_base_policy(texts, tmp_path_factory.mktemp("probe") / "base", SMALL, 0)


@pytest.fixture(scope="module")
def overfitted(untrained: Policy, tmp_path_factory) -> Policy:
    """The same model after it learned the ten seen items by heart."""
    policy = build_base_policy(
        [item.question for item in [*SEEN, *UNSEEN]], tmp_path_factory.mktemp("o") / "b", SMALL, 0
    )
    policy.tokenizer, policy.chat = untrained.tokenizer, untrained.chat
    policy.model = type(untrained.model)(untrained.model.config)
    policy.model.load_state_dict(untrained.model.state_dict())
    rows = [policy.chat.encode(f"{item.question}\n{listed(item, range(4))}") for item in SEEN]
    width = max(map(len, rows))
    ids = torch.tensor([row + [0] * (width - len(row)) for row in rows])
    labels = torch.tensor([row + [-100] * (width - len(row)) for row in rows])
    optimizer = torch.optim.AdamW(policy.model.parameters(), lr=5e-3)
    for _ in range(90):
        loss = policy.model(input_ids=ids, labels=labels).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    policy.model.eval()
    return policy


def test_a_model_that_learned_the_items_prefers_their_published_order(overfitted: Policy, untrained: Policy) -> None:
    seen = permutation_probe(PolicyText(overfitted), SEEN, 0, shuffles=7)
    assert seen.p < 0.001 and seen.first >= 8 and seen.items == 10
    for policy, items in ((untrained, SEEN), (overfitted, UNSEEN)):
        assert permutation_probe(PolicyText(policy), items, 0, shuffles=7).p > 0.05


def test_a_model_that_learned_the_items_completes_them(overfitted: Policy, untrained: Policy) -> None:
    known = completion_probe(PolicyText(overfitted), SEEN, UNSEEN, 0)
    assert known.p < 0.001 and known.overlap > 0.5 > known.overlap_control
    blank = completion_probe(PolicyText(untrained), SEEN, UNSEEN, 0)
    assert blank.p > 0.05


class Noise:
    """A model to which every order is as likely."""

    def __init__(self, seed: int):
        self.rng = np.random.default_rng(seed)

    def score_text(self, prompts, continuations):
        return list(self.rng.normal(size=len(prompts)))


def test_without_memory_small_p_values_are_as_rare_as_they_claim() -> None:
    p_values = [permutation_probe(Noise(seed), SEEN, 0).p for seed in range(200)]
    assert np.mean(np.array(p_values) < 0.05) < 0.1 and 0.4 < np.mean(p_values) < 0.6


def test_a_model_that_cannot_tell_orders_apart_is_not_accused() -> None:
    class Flat:
        def score_text(self, prompts, continuations):
            return [0.0] * len(prompts)

    found = permutation_probe(Flat(), SEEN, 0)
    assert found.p == pytest.approx(1) and found.mean_rank == 1


def test_the_p_of_ranks_is_that_of_enumeration() -> None:
    sizes, ranks = [4, 3, 6], [1, 2, 3]
    sums = [sum(drawn) for drawn in product(*(range(1, size + 1) for size in sizes))]
    assert rank_sum_p(ranks, sizes) == pytest.approx(np.mean([total <= 6 for total in sums]))
    assert rank_sum_p([1, 1], [24, 24]) == pytest.approx(1 / 576)


def test_the_p_of_a_difference_is_exact_for_few_values_and_close_for_many() -> None:
    assert higher_p([1, 1, 1], [0, 0, 0], 0) == pytest.approx(1 / 20)
    assert higher_p([0, 0], [0, 0], 0) == 1
    rng = np.random.default_rng(0)
    assert higher_p(list(rng.normal(1, 1, 60)), list(rng.normal(0, 1, 60)), 0) < 0.001
    assert higher_p(list(rng.normal(0, 1, 60)), list(rng.normal(0, 1, 60)), 0) > 0.01


def test_orders_differ_from_the_published_one_and_from_each_other() -> None:
    assert len(other_orders(4, 23, Random(0))) == len(set(other_orders(4, 23, Random(0)))) == 23
    few = other_orders(5, 10, Random(0))
    assert len(set(few)) == 10 and tuple(range(5)) not in few
    assert other_orders(2, 23, Random(0)) == [(1, 0)]


def test_sorted_options_are_left_out_and_counted() -> None:
    assert is_sorted(["aspirin", "Heparin", "warfarin"]) and is_sorted(["10 mg", "2.5 mg", "1 mg"])
    assert not is_sorted(["5 mg", "10 mg", "2 mg"]) and not is_sorted(["warfarin", "aspirin", "heparin"])
    tidy = Item("x/1", "q", "A", {"A": "1 g", "B": "2 g"})
    assert permutation_probe(Noise(0), [*SEEN, tidy], 0).sorted_out == 1
    with pytest.raises(MedGymError, match="no item to permute"):
        permutation_probe(Noise(0), [tidy], 0)


def test_overlap_counts_runs_of_words_not_words() -> None:
    assert overlap("one two three four", "zero one two three four five") == 1
    assert overlap("one two three four", "four three two one") == 0
    assert overlap("one two three four", "One, two: THREE") == 0.5
    assert halved("too short") is None
    first, rest = halved(" ".join(f"w{i}" for i in "abcdefghijklmnopqrst"))
    assert first.split()[-1] == "wj" and rest.split()[0] == "wk"


def test_a_scorer_that_leaves_something_out_is_an_error() -> None:
    class Broken:
        def score_text(self, prompts, continuations):
            return [float("nan")] * len(prompts)

        def complete(self, prompts, words):
            return []

    with pytest.raises(MedGymError, match="not scored"):
        permutation_probe(Broken(), SEEN, 0)
    with pytest.raises(MedGymError, match="not completed"):
        completion_probe(Broken(), SEEN, UNSEEN, 0)
    with pytest.raises(MedGymError, match="nothing to complete"):
        completion_probe(Broken(), [], UNSEEN, 0)


def test_the_adapter_gives_the_models_own_log_probability(untrained: Policy) -> None:
    policy_text = PolicyText(untrained)
    (found,) = policy_text.score_text(["fever cough"], [" rash pain"])
    before, after = (untrained.chat.encode(text) for text in ("fever cough", " rash pain"))
    with torch.no_grad():
        logp = untrained.model(input_ids=torch.tensor([before + after])).logits[0].log_softmax(-1)
    own = sum(float(logp[len(before) + i - 1, token]) for i, token in enumerate(after))
    assert found == pytest.approx(own, abs=1e-4) and policy_text.truncated == 0
    assert np.isfinite(policy_text.score_text(["fever " * 400], ["cough"])[0]) and policy_text.truncated == 1
    with pytest.raises(MedGymError, match="cannot be scored"):
        policy_text.score_text([""], ["cough"])
