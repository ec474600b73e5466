"""The distillation of OPSD and TT-OPD: a teacher that is the average of the student and has been told the outcome.

L_D = lambda sum_t share_t d_t,   zero outside the first K turns and the first C tokens of each
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import torch

from medgym_core.errors import MedGymError
from training.algorithms.base import Batch, Chunk, Tensors, Values
from training.batches import Head
from training.config import OPSDConfig, TTOPDConfig
from training.hints import HINTS, REFERENCE, hint_kinds, reference_text
from training.items import Item, ask_teacher, mask_missing
from training.losses import distillation, turn_shares
from training.sampler import derive_seed
from training.teacher import Teacher


class Distillation:
    """Component `distill`."""

    def __init__(self, config: OPSDConfig | TTOPDConfig, model: Any):
        if config.truncation.last_turns is not None and not (config.truncation.turns and config.truncation.last_turns):
            got = f"{config.truncation.turns} to {config.truncation.last_turns}"
            raise MedGymError("a changing K needs both ends", got=got, expected="turns and last_turns above 0")
        self.config = config
        self.weight = 0.0
        """lambda of the step under way."""
        self.teacher = Teacher(model, config.ema.decay)

    def begin(self, step: int) -> int:
        """Set lambda for the step; its K."""
        self.weight = distill_weight(self.config, step)
        return turn_limit(self.config, step)

    def teach(self, run: Any, batch: Batch) -> Counter[str]:
        """Score every kept token under the teacher's hint; mark what is missing; count turns by hint kind."""
        if not self.weight:
            return Counter()
        hints = hint_kinds(self.config.hint, batch.episodes, derive_seed(run.seed, "hints", run.step))
        told = [[self._tokens(run, t.task, kind) for kind in h] for t, h in zip(batch.episodes, hints, strict=True)]
        mine = [n for n, i in enumerate(batch.items) if i.mine]
        items = [batch.items[n] for n in mine]
        with self.teacher.speaking() as model:
            for place, name in enumerate(("teacher", "baseline")):
                if hints and hints[0][place] is None:
                    continue
                hinted = [told[n][place] for n in mine]
                said = ask_teacher(model, items, hinted, self.config.batch_tokens, run.ranks)
                for item, values in zip(items, said, strict=True):
                    setattr(item, name, values)
        counts: Counter[str] = Counter()
        for t, item, hint, (heard, *_) in zip(batch.episodes, batch.items, hints, told, strict=True):
            t.hint_kind, t.hint_text = hint.teacher, self._text(run, t.task, hint.teacher)
            counts["truncation"] += 0 if item.masked else item.keep.count(False)
            turns = len({turn for turn, kept in zip(item.turns, item.keep, strict=True) if kept})
            counts["hint"] += turns if heard else 0
            counts[f"hint_{hint.teacher or 'none'}"] += turns
        counts["teacher_masked"] = int(run.ranks.sums({"missing": mask_missing(items)})["missing"])
        kept = dict(run.ranks.gather([(n, batch.items[n].keep) for n in mine]))
        for n, item in enumerate(batch.items):
            item.keep, item.taught = kept[n], True
        return counts

    def heads(self) -> Mapping[str, Head]:
        return {"teacher": self.teacher.head()} if self.weight else {}

    def share(self, items: Sequence[Item]) -> None:
        if self.weight:
            shares = turn_shares([i.turns for i in items], [i.keep for i in items], self.config.distill.average)
            for item, values in zip(items, shares, strict=True):
                item.shares["distill"] = torch.tensor(values)
        else:
            for item in items:
                item.shares["distill"] = torch.zeros(len(item.positions))

    def loss(self, chunk: Chunk) -> Values:
        if chunk.teacher is None:
            return {}
        config, at, said = self.config.distill, chunk.kept, chunk.said
        d = distillation(
            chunk.logp[at], chunk.teacher, chunk.baseline, chunk.targets[at], chunk.old_or_now(said)[at], chunk.mu[at],
            form=config.form, top_k=config.top_k, clip=config.clip, gate=config.gate,
            importance_cap=self.config.importance_cap,
        )  # fmt: skip
        return {"distill": torch.zeros_like(said).index_put((at,), self.weight * d)}

    def follow(self, run: Any, figures: Mapping[str, Any]) -> Counter[str]:
        """The average moves where it is due: after the optimiser step, `run.step` is the number of steps done."""
        ema = self.config.ema
        if not self.config.distill.weight or ema.decay >= 1:
            return Counter()
        if ema.copy_every and run.step % ema.copy_every == 0:
            self.teacher.copy_student()
            return Counter(ema=1, ema_copies=1)
        if run.step % ema.every:
            return Counter()
        if ema.skip_above and figures.get("teacher_gap", 0.0) > ema.skip_above:
            return Counter(ema_skipped=1)
        self.teacher.update()
        return Counter(ema=1)

    def report(self) -> dict[str, Any]:
        return {"distill_weight": self.weight, "ema_distance": self.teacher.distance()}

    def state(self) -> Tensors:
        return {"teacher": self.teacher.weights}

    def restore(self, tensors: Tensors) -> None:
        self.teacher.restore(tensors["teacher"])

    def _text(self, run: Any, task: str, kind: str | None) -> str:
        if kind == REFERENCE:
            return reference_text(run.reference(task))
        return HINTS.get(kind or "", "")

    def _tokens(self, run: Any, task: str, kind: str | None) -> list[int]:
        text = self._text(run, task, kind)
        return run.policy.chat.hint_ids(text) if text else []


def distill_weight(config: OPSDConfig | TTOPDConfig, step: int) -> float:
    """lambda at this step: constant, or a cosine from the full weight to 0 after the last step, never rising."""
    if config.distill.schedule == "constant":
        return config.distill.weight
    return config.distill.weight * (1 + math.cos(math.pi * step / config.steps)) / 2


def turn_limit(config: OPSDConfig | TTOPDConfig, step: int) -> int:
    """K at this step: constant, or linear from the first step's to the last step's, rounded; 0 means all."""
    first, last = config.truncation.turns, config.truncation.last_turns
    if last is None:
        return first
    return round(first + (last - first) * step / max(config.steps - 1, 1))
