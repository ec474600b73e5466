"""A model in this process on a benchmark: batched by length; long prompts are cut on the left and counted."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch

from evaluation.policies import Generated, Scored
from evaluation.prompts import Messages
from medgym_core.episode import text_of
from medgym_core.errors import MedGymError
from training.batches import buckets, check_head, logits_at
from training.engine import Limits
from training.policy import Policy
from training.sampler import Request
from training.voices import TokenVoice

BATCH_TOKENS = 4096  # padded tokens of one forward pass: on one core larger batches are not faster
RESERVED = 0.25  # of the context, at most, that an answer may take from a prompt: a short context must hold a question


@dataclass
class _Encoded:
    """A prompt as the model reads it."""

    ids: list[int]
    images: list[bytes] = field(default_factory=list)
    truncated_tokens: int = 0
    images_missing: int = 0


class PolicyAnswerer:
    """Letters, texts and episodes of a `training.policy.Policy`. Answers are greedy, so nothing is random."""

    def __init__(self, policy: Policy, batch_tokens: int = BATCH_TOKENS):
        self.policy = policy
        self.batch_tokens = batch_tokens
        self.max_length = int(policy.model.config.get_text_config().max_position_embeddings)

    def score_letters(self, prompts: Sequence[Messages], letters: Sequence[Sequence[str]]) -> list[Scored]:
        """Log-probability of each letter as the first token of the answer."""
        check_head(self.policy.model)
        encoded = [self._encoded(messages, 1) for messages in prompts]
        wanted = {letter: self._letter_id(letter) for one in letters for letter in one}
        found = [Scored({})] * len(encoded)
        for group in self._groups(encoded, 0):
            logp = self._first_logprobs([encoded[i] for i in group])  # (B, V)
            for row, i in zip(logp, group, strict=True):
                logprobs = {letter: float(row[wanted[letter]]) for letter in letters[i]}
                found[i] = Scored(logprobs, encoded[i].truncated_tokens, encoded[i].images_missing)
        return found

    def generate(self, prompts: Sequence[Messages], most: int) -> list[Generated]:
        """The greedy answer to each prompt, at most `most` tokens long."""
        most = max(1, min(most, int(self.max_length * RESERVED)))
        encoded = [self._encoded(messages, most) for messages in prompts]
        texts = [""] * len(encoded)
        for group in self._groups(encoded, most):
            sampler = self.policy.sampler(greedy=True)
            samples = sampler.sample([Request(i, encoded[i].ids, 0, most, encoded[i].images) for i in group])
            for i, sample in zip(group, samples, strict=True):
                ended = sample.ids and sample.ids[-1] in self.policy.stop_ids
                texts[i] = self.policy.chat.decode(sample.ids[:-1] if ended else sample.ids)
        return [Generated(t, e.truncated_tokens, e.images_missing) for t, e in zip(texts, encoded, strict=True)]

    @contextmanager
    def voice(self, limits: Limits, seed: int) -> Iterator[TokenVoice]:
        """The policy in episodes; its context bounds them too."""
        tokens = min(limits.episode_tokens, self.max_length)
        bounded = Limits(limits.turn_tokens, tokens, limits.seconds)
        sampler = self.policy.sampler(greedy=True)
        try:
            yield TokenVoice(self.policy.chat, sampler, bounded, seed, {"temperature": "greedy"})
        finally:
            sampler.close()

    def _groups(self, encoded: Sequence[_Encoded], more: int) -> list[list[int]]:
        """Indices to be computed together; a prompt with pictures on its own."""
        plain = [i for i, one in enumerate(encoded) if not one.images]
        groups = buckets([len(encoded[i].ids) + more for i in plain], self.batch_tokens)
        return [[plain[i] for i in group] for group in groups] + [[i] for i, one in enumerate(encoded) if one.images]

    @torch.inference_mode()
    def _first_logprobs(self, group: list[_Encoded]) -> torch.Tensor:
        """Log-probabilities (B, V) of the first token after each prompt."""
        if not group[0].images:
            logits = logits_at(self.policy.model, [one.ids for one in group], [[len(one.ids)] for one in group])
            return logits.float().log_softmax(-1)
        from training.vision import embedder

        request = Request(0, group[0].ids, 0, 1, group[0].images)
        embeds = embedder(self.policy.model, self.policy.chat.vision)(request, 0)[None]  # (1, T, D)
        hidden = self.policy.model.get_decoder()(inputs_embeds=embeds, use_cache=False).last_hidden_state[:, -1]
        return self.policy.model.get_output_embeddings()(hidden).float().log_softmax(-1)

    def _encoded(self, messages: Messages, reserve: int) -> _Encoded:
        """A prompt with the generation header as token ids that leave room for `reserve`. What is too long loses its
        pictures first, then tokens on its left."""
        room = self.max_length - reserve
        transcript = self._transcript(messages)
        missing = len(transcript.images)
        if len(transcript) <= room:
            return _Encoded(transcript.token_ids, transcript.images)
        if missing:
            transcript = self._transcript([{**m, "content": text_of(m)} for m in messages])
        return _Encoded(transcript.token_ids[-room:], [], max(0, len(transcript) - room), missing)

    def _transcript(self, messages: Messages) -> Any:
        transcript = self.policy.chat.begin(messages, [])
        self.policy.chat.open_turn(transcript)
        return transcript

    def _letter_id(self, letter: str) -> int:
        tokens: list[Any] = self.policy.chat.encode(letter)
        if len(tokens) != 1:
            raise MedGymError(f"letter {letter} is not one token", got=f"{len(tokens)} tokens", expected=1)
        return tokens[0]
