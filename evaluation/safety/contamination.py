"""Whether a model has memorised a benchmark: two probes that need its likelihoods or its continuations.

- `permutation_probe`  the published order of an item's options should be no likelier than any other order. The idea of
  exchangeability is that of Oren et al. 2024 (arXiv 2310.17623), who permute the items of a dataset; Ni et al. 2024
  (arXiv 2409.01790) permute options. Here the ranks of all items give one exact p.
- `completion_probe`   given the first half of a question, how much of the rest the model writes word by word, against
  questions that it cannot have seen: paraphrases, or generated ones.

A small p speaks for memory. A large one does not speak against it: a paraphrase, a translation or one pass over the
data in a large model need not show. Items whose options are sorted (numbers, alphabet) are left out of the permutation
probe, because any model of text prefers sorted lists.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import permutations
from math import comb, factorial
from random import Random
from typing import Any, Protocol

import numpy as np

from evaluation.item import Item
from medgym_core.errors import MedGymError
from medgym_core.text import tokens

SHUFFLES = 23  # other orders of four options; more options are sampled
GRAM = 3  # words that must follow each other: three in a row are seldom chance, and tolerate a changed word nearby
SHARE = 0.5  # of a question that the model is given
LEAST_WORDS = 12  # of a question: below it the rest holds too few runs of words
DRAWS = 20_000  # relabellings where the exact test would need more
BATCH_TOKENS = 4096


class TextScorer(Protocol):
    """Total log-probability (natural logarithm) of each continuation after its prompt."""

    def score_text(self, prompts: Sequence[str], continuations: Sequence[str]) -> list[float]: ...


class TextCompleter(Protocol):
    """The likeliest continuation of each prompt, as bare text without a chat template."""

    def complete(self, prompts: Sequence[str], words: Sequence[int]) -> list[str]: ...


@dataclass(frozen=True)
class PermutationProbe:
    """Ranks of the published order among orders of the same options."""

    items: int
    sorted_out: int
    """Items left out because their options are sorted, or too few."""
    first: int
    """Items whose published order is the likeliest of all."""
    first_expected: float
    """What an uncontaminated model would give on average."""
    mean_rank: float
    """0: always likeliest, 1: always least likely, 0.5 expected."""
    p: float
    """Exact, one-sided: chance of ranks as low as these where every order is as likely."""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class CompletionProbe:
    """Share of the missing part's runs of words that the continuation holds."""

    items: int
    controls: int
    too_short: int
    overlap: float
    overlap_control: float
    p: float
    """One-sided permutation test of the difference of the means; exact where all relabellings can be listed."""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def permutation_probe(
    scorer: TextScorer, items: Sequence[Item], seed: int, shuffles: int = SHUFFLES
) -> PermutationProbe:
    """Rank of each item's published option order by log-probability, and the p of all ranks together."""
    usable = [item for item in items if len(item.options) >= 2 and not is_sorted(list(item.options.values()))]
    if not usable:
        raise MedGymError("no item to permute", got=f"0 of {len(items)}", expected="items with unsorted options")
    orders = [other_orders(len(item.options), shuffles, Random(f"{seed}/{item.id}")) for item in usable]
    prompts, continuations = [], []
    for item, others in zip(usable, orders, strict=True):
        for order in [tuple(range(len(item.options))), *others]:
            prompts.append(item.question + "\n")
            continuations.append(listed(item, order))
    scores = scorer.score_text(prompts, continuations)
    if len(scores) != len(prompts) or not np.isfinite(scores).all():
        raise MedGymError("texts were not scored", got=f"{len(scores)} numbers", expected=f"{len(prompts)}, finite")
    ranks, at = [], 0
    for others in orders:
        published, *rest = scores[at : at + 1 + len(others)]
        ranks.append(1 + sum(score >= published for score in rest))  # ties count against memory
        at += 1 + len(others)
    sizes = [1 + len(others) for others in orders]
    return PermutationProbe(
        items=len(usable),
        sorted_out=len(items) - len(usable),
        first=sum(rank == 1 for rank in ranks),
        first_expected=sum(1 / size for size in sizes),
        mean_rank=float(np.mean([(rank - 1) / (size - 1) for rank, size in zip(ranks, sizes, strict=True)])),
        p=rank_sum_p(ranks, sizes),
    )


def other_orders(options: int, most: int, rng: Random) -> list[tuple[int, ...]]:
    """Orders other than the published one: all of them, or `most` different ones drawn at random."""
    published = tuple(range(options))
    if factorial(options) - 1 <= most:
        return [order for order in permutations(published) if order != published]
    drawn: dict[tuple[int, ...], None] = {}
    while len(drawn) < most:
        order = tuple(rng.sample(published, options))
        if order != published:
            drawn[order] = None
    return list(drawn)


def listed(item: Item, order: Sequence[int]) -> str:
    """The options with letters in that order."""
    texts = list(item.options.values())
    return "\n".join(f"{letter}. {texts[place]}" for letter, place in zip(item.options, order, strict=True))


def is_sorted(texts: Sequence[str]) -> bool:
    """Whether options stand in alphabetical or numerical order, up or down: an order a model knows without memory."""
    words = [text.casefold() for text in texts]
    found = [[float(t) for t in tokens(text) if t.replace(".", "").isdigit()][:1] for text in texts]
    keys: list[list[Any]] = [words]
    if all(found):
        keys.append([number[0] for number in found])
    return any(key == sorted(key) or key == sorted(key, reverse=True) for key in keys)


def rank_sum_p(ranks: Sequence[int], sizes: Sequence[int]) -> float:
    """Exact chance that independent uniform ranks from 1 to each size have a sum as low as that of `ranks`."""
    counts = np.ones(1)  # chance of each sum of (rank - 1) so far
    for size in sizes:
        counts = np.convolve(counts, np.full(size, 1 / size))
    return min(1.0, float(counts[: sum(ranks) - len(ranks) + 1].sum()))


def completion_probe(
    completer: TextCompleter, items: Sequence[Item], controls: Sequence[Item], seed: int, share: float = SHARE
) -> CompletionProbe:
    """Overlap of continuations with the rest of each question, against that of the controls'."""
    halves = [[h for item in group if (h := halved(item.question, share))] for group in (items, controls)]
    if not all(halves):
        raise MedGymError("nothing to complete", got="0 long questions", expected=f"{LEAST_WORDS} words or more")
    both = [*halves[0], *halves[1]]
    texts = completer.complete([first for first, _ in both], [len(rest.split()) for _, rest in both])
    if len(texts) != len(both):
        raise MedGymError("prompts were not completed", got=len(texts), expected=len(both))
    found = [overlap(rest, text) for (_, rest), text in zip(both, texts, strict=True)]
    own, other = found[: len(halves[0])], found[len(halves[0]) :]
    return CompletionProbe(
        items=len(own),
        controls=len(other),
        too_short=len(items) + len(controls) - len(both),
        overlap=float(np.mean(own)),
        overlap_control=float(np.mean(other)),
        p=higher_p(own, other, seed),
    )


def halved(question: str, share: float = SHARE) -> tuple[str, str] | None:
    """The first part of a question and the rest; None where it is too short to tell anything."""
    words = question.split()
    cut = round(share * len(words))
    if len(words) < LEAST_WORDS or len(tokens(" ".join(words[cut:]))) < GRAM:
        return None
    return " ".join(words[:cut]), " ".join(words[cut:])


def overlap(rest: str, text: str) -> float:
    """Share of the runs of `GRAM` words of the rest that stand in the text."""
    wanted, held = _runs(rest), set(_runs(text))
    return sum(run in held for run in wanted) / len(wanted) if wanted else 0.0


def higher_p(first: Sequence[float], second: Sequence[float], seed: int) -> float:
    """One-sided permutation test that the mean of `first` is higher: exact for few values, else by `DRAWS` draws."""
    values, count = np.array([*first, *second], dtype=np.float64), len(first)
    observed = values[:count].sum() - 1e-12  # sums of the same numbers may differ in the last bit
    if comb(len(values), count) <= DRAWS:
        from itertools import combinations

        sums = [values[list(chosen)].sum() for chosen in combinations(range(len(values)), count)]
        return float(np.mean(np.array(sums) >= observed))
    rng = np.random.default_rng(seed)
    hits = sum(rng.permutation(values)[:count].sum() >= observed for _ in range(DRAWS))
    return (1 + hits) / (1 + DRAWS)


class PolicyText:
    """`TextScorer` and `TextCompleter` of a `training.policy.Policy`: bare text, no chat template, greedy."""

    def __init__(self, policy: Any, batch_tokens: int = BATCH_TOKENS):
        self.policy = policy
        self.batch_tokens = batch_tokens
        self.max_length = int(policy.model.config.get_text_config().max_position_embeddings)
        self.truncated = 0
        """Texts whose beginning did not fit the model."""

    def score_text(self, prompts: Sequence[str], continuations: Sequence[str]) -> list[float]:
        """As `TextScorer`. A prompt that is too long loses its beginning. Raises MedGymError for an empty text."""
        from training.batches import token_logprobs

        sequences, positions = [], []
        for prompt, continuation in zip(prompts, continuations, strict=True):
            before, after = self.policy.chat.encode(prompt), self.policy.chat.encode(continuation)
            room = self.max_length - len(after)
            if not before or not after or room < 1:
                raise MedGymError(
                    "text cannot be scored", got=f"{len(before)} and {len(after)} tokens", expected="some"
                )
            self.truncated += len(before) > room
            sequences.append([*before[-room:], *after])
            positions.append(range(len(sequences[-1]) - len(after), len(sequences[-1])))
        found = token_logprobs(self.policy.model, sequences, positions, self.batch_tokens)
        return [float(logprobs.double().sum()) for logprobs in found]

    def complete(self, prompts: Sequence[str], words: Sequence[int]) -> list[str]:
        """As `TextCompleter`: three tokens a word, so that a small vocabulary reaches the end of the question too."""
        from training.batches import buckets
        from training.sampler import Request

        ids, texts = [self.policy.chat.encode(prompt) for prompt in prompts], [""] * len(prompts)
        most = [max(1, min(3 * count, self.max_length // 2)) for count in words]
        for group in buckets([len(i) + m for i, m in zip(ids, most, strict=True)], self.batch_tokens):
            sampler = self.policy.sampler(greedy=True)
            rooms = {i: self.max_length - most[i] for i in group}
            self.truncated += sum(len(ids[i]) > rooms[i] for i in group)
            requests = [Request(i, ids[i][-rooms[i] :], 0, most[i]) for i in group]
            for i, sample in zip(group, sampler.sample(requests), strict=True):
                ended = sample.ids and sample.ids[-1] in self.policy.stop_ids
                texts[i] = self.policy.chat.decode(sample.ids[:-1] if ended else sample.ids)
            sampler.close()
        return texts


def _runs(text: str) -> list[tuple[str, ...]]:
    words = tokens(text)
    return [tuple(words[i : i + GRAM]) for i in range(len(words) - GRAM + 1)]
