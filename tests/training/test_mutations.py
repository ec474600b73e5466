"""Each mechanism broken on purpose, as the published system had it or as a slip would: its proof has to fail.

A mutation is a name, its proof, and a change to running code. A proof that does not notice one is no proof.
"""

import sys
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from medgym_core.errors import MedGymError
from training import advantages, hints, items, losses, report, rl, run, shaping, teacher, update
from training.algorithms import distillation, grpo, on_policy, ttopd
from training.batches import Head
from training.chat import Chat
from training.checkpoint import StepLog
from training.hints import HINTS, Hints
from training.teacher import Teacher, trained
from training.trajectory import ASSISTANT, TOOL

sys.path.append(str(Path(__file__).parent))
import test_proofs as proofs  # noqa: E402

world = proofs.world
Distillation = distillation.Distillation


def put(place, name, value):
    """Replace an attribute."""
    return lambda patch: patch.setattr(place, name, value)


def gives(place, name, change):
    """Change what a function gives: `change(result, *arguments)`."""
    real = getattr(place, name)
    return put(place, name, lambda *args, **more: change(real(*args, **more), *args))


def takes(place, name, change):
    """Change what a function is given: `change(*arguments)` are its arguments."""
    real = getattr(place, name)
    return put(place, name, lambda *args, **more: real(*change(*args), **more))


def named(place, name, **arguments):
    """Fix named arguments of a function."""
    real = getattr(place, name)
    return put(place, name, lambda *args, **more: real(*args, **{**more, **arguments}))


def both(*mutations):
    return lambda patch: [mutation(patch) for mutation in mutations]


# Hints.


def after_the_header(ids, turn_id, hint, width=3):
    """The hint follows the header, of `width` tokens, of each turn."""
    seen = Counter()
    late = []
    for turn in turn_id:
        seen[turn] += 1
        late.append(turn if seen[turn] > width else -1)
    return hints.splice(ids, late, hint)


def before_the_first_turn(ids, turn_id, hint):
    first = turn_id.index(0) if 0 in turn_id else 0
    return [*ids[:first], *hint, *ids[first:]], [p + len(hint) * (p >= first) for p in range(len(ids))]


def one_text(patch):
    patch.setitem(HINTS, "incorrect", HINTS["correct"])


def by_reward(kind, episodes, seed):
    return kind, [SimpleNamespace(correct=t.reward > 0) for t in episodes], seed


def in_the_first_turn_only(patch):
    real = Chat.open_turn
    patch.setattr(Chat, "open_turn", lambda self, t, hint="": real(self, t, "" if t.turns else hint))


# Places.


def late(model, sequences, positions, *rest):
    return model, sequences, [[min(p + 1, len(s) - 1) for p in at] for s, at in zip(sequences, positions, strict=True)]


def off_by_one_later(spliced, ids, turn_id, hint):
    return spliced[0], [p + (turn > 0) for p, turn in zip(spliced[1], turn_id, strict=True)]


def hints_counted_once(spliced, ids, turn_id, hint):
    return spliced[0], [i + len(hint) * (turn >= 0) for i, turn in enumerate(turn_id)]


# The average.

real_update = Teacher.update


def swapped(self):
    with torch.no_grad():
        for name, theirs in trained(self.model):
            self.weights[name].lerp_(theirs, self.decay)


def rounded(self):
    self.weights = {n: w.float() for n, w in self.weights.items()}
    real_update(self)
    self.weights = {n: w.bfloat16().float() for n, w in self.weights.items()}


def in_bf16(patch):
    def update(self):
        rounded(self)
        self.weights = {n: w.bfloat16() for n, w in self.weights.items()}

    patch.setattr(Teacher, "update", update)
    gives(Teacher, "head", lambda head, *_: Head(head.weight.float(), head.bias))(patch)


def with_gradient(self):
    self.weights = {n: self.decay * self.weights[n] + (1 - self.decay) * p for n, p in trained(self.model)}


def one_step_late(patch):
    before = {}

    def update(self):
        now = {n: p.detach().clone() for n, p in trained(self.model)}
        for name, weight in before.items():
            self.weights[name].lerp_(weight, 1 - self.decay)
        before.update(now)

    patch.setattr(Teacher, "update", update)


def shared_weights(self, model, decay):
    self.model, self.decay, self.weights = model, decay, {n: p.detach() for n, p in trained(model)}


def other_weights(patch):
    real = Teacher.__init__

    def begin(self, model, decay):
        real(self, model, decay)
        self.weights = {n: w * 1.01 for n, w in self.weights.items()}

    patch.setattr(Teacher, "__init__", begin)


@contextmanager
def as_the_student(self):
    with torch.no_grad():
        yield self.model


def head_of_the_student(self):
    head = teacher.head_of(self.model)
    return Head(head.weight.detach(), head.bias)


# Masks.


def learn_from(*roles):
    """Tokens of these roles are taken for sampled ones."""

    def change(episodes):
        found = []
        for t in episodes:
            sampled = [s or r in roles for s, r in zip(t.sampled, t.role, strict=True)]
            found.append(proofs.changed(t, sampled=sampled, advantages=[max(t.advantages, key=abs)] * len(sampled)))
        return (found,)

    return takes(grpo, "prepare", change)


def place_in_the_episode(turn_of, turns, tokens):
    return [(not turns or t < turns) and (not tokens or n < tokens) for n, t in enumerate(turn_of)]


def one_turn_more(turn_of, turns, tokens):
    return turn_of, turns and turns + 1, tokens


# Losses.


def flipped(values, self, chunk):
    return {n: torch.where(chunk.advantages < 0, -v, v) for n, v in values.items()}


real_missing = items.mask_missing


def counted_not_masked(given):
    before = [list(i.keep) for i in given]
    missing = real_missing(given)
    for item, keep in zip(given, before, strict=True):
        item.keep = keep
    return missing


def masked_not_counted(given):
    real_missing(given)
    return 0


# Checkpoints.


def forget(name, value):
    return gives(run, "load_checkpoint", lambda found, *_: (found[0], {**found[1], name: value}, found[2]))


def own_cursor(patch):
    """The order of the prompts begins anew with the process."""
    mine, real = {}, on_policy.draw_prompts

    def draw(tasks, n, step, seed):
        return real(tasks, n, mine.setdefault(step, len(mine)), seed)

    patch.setattr(on_policy, "draw_prompts", draw)


def of_use(patch):
    place = pytest.importorskip("pipelines.study.report")
    real = place.hint_findings
    patch.setattr(
        place, "hint_findings", lambda uses: [s.replace("carries nothing", "changes accuracy") for s in real(uses)]
    )


def shaped(episodes):
    return ([proofs.changed(t, reward=shaping.cosine_reward(t.correct, t.sampled_tokens, 5)) for t in episodes],)


HINT, ZERO, PLACES, AVERAGE, CUT, MASK, LAMBDA, MISSING, USE, RESUME, VALIDATION, GROUPS = proofs.PROOFS
MUTATIONS = [
    ("no hint is written", HINT, put(Chat, "hint_ids", lambda self, hint: [])),
    ("both hints say the same", HINT, one_text),
    ("the hint follows the header", HINT, put(teacher, "splice", after_the_header)),
    ("the hint stands before the first turn only", HINT, put(teacher, "splice", before_the_first_turn)),
    ("reward above 0 counts as correct", HINT, takes(distillation, "hint_kinds", by_reward)),
    ("every hint reinforces", HINT, gives(distillation, "hint_kinds", lambda f, *_: [Hints("correct")] * len(f))),
    ("hints of the next episode", HINT, gives(distillation, "hint_kinds", lambda found, *_: found[1:] + found[:1])),
    ("the teacher looks one token late", ZERO, takes(teacher, "hidden_at", late)),
    ("the teacher starts elsewhere", ZERO, other_weights),
    ("the teacher's states are in bf16", ZERO, gives(teacher, "hidden_at", lambda h, *_: h.bfloat16().float())),
    ("places are off by one after the first turn", PLACES, gives(teacher, "splice", off_by_one_later)),
    ("places count one hint", PLACES, gives(teacher, "splice", hints_counted_once)),
    ("answers of the token before", PLACES, gives(items, "teacher_hidden", lambda fs, *_: [f.roll(1, 0) for f in fs])),
    ("the student speaks for the teacher", PLACES, put(Teacher, "speaking", as_the_student)),
    ("the teacher has the student's head", PLACES, put(Teacher, "head", head_of_the_student)),
    ("the average never moves", AVERAGE, put(Teacher, "update", lambda self: None)),
    ("decay and its complement are swapped", AVERAGE, put(Teacher, "update", swapped)),
    ("the average is kept in bf16", AVERAGE, in_bf16),
    ("the average is rounded to bf16", AVERAGE, put(Teacher, "update", rounded)),
    ("the average has a gradient", AVERAGE, put(Teacher, "update", with_gradient)),
    ("the average is the student", AVERAGE, put(Teacher, "update", Teacher.copy_student)),
    ("the average shares the student's memory", AVERAGE, put(Teacher, "__init__", shared_weights)),
    ("the average is a step late", AVERAGE, one_step_late),
    ("the average is taken and not asked", AVERAGE, put(Teacher, "speaking", as_the_student)),
    ("the mask keeps everything", CUT, put(items, "truncation_mask", lambda turn_of, *_: [True] * len(turn_of))),
    ("K is 0 everywhere", CUT, takes(ttopd, "truncate", lambda given, *_: (given, 0, 0))),
    ("one turn more than K", CUT, takes(items, "truncation_mask", one_turn_more)),
    ("C counts within the episode", CUT, put(items, "truncation_mask", place_in_the_episode)),
    ("observations are learnt", MASK, learn_from(TOOL)),
    ("headers are learnt", MASK, learn_from(ASSISTANT)),
    ("predictions are read one token late", MASK, takes(update, "hidden_at", late)),
    ("lambda is ignored", LAMBDA, put(distillation, "distill_weight", lambda *_: 1.0)),
    ("lambda is squared", LAMBDA, gives(distillation, "distill_weight", lambda found, *_: found**2)),
    ("lambda is never 0", LAMBDA, gives(distillation, "distill_weight", lambda found, *_: max(found, 0.01))),
    ("the sign is flipped for bad episodes", LAMBDA, gives(Distillation, "loss", flipped)),
    ("the log-ratio is not clipped", LAMBDA, takes(losses, "distill_full", lambda logp, gap, clip: (logp, gap, 99.0))),
    ("every token weighs the same", LAMBDA, takes(distillation, "turn_shares", lambda t, k, average: (t, k, "token"))),
    ("left-out tokens stand in the mean", LAMBDA, takes(
        distillation, "turn_shares", lambda t, k, average: (t, [[True] * len(row) for row in k], average)
    )),
    ("a missing value is some state", MISSING, gives(
        items, "teacher_hidden", lambda found, *_: [f.nan_to_num(0.0, 0.0, 0.0) for f in found]
    )),
    ("a missing value is probability 1", MISSING, both(
        put(distillation, "mask_missing", lambda given: 0),
        gives(update._Tokens, "_said", lambda found, *_: None if found is None else found.nan_to_num(0.0)),
    )),
    ("missing values are counted, not masked", MISSING, put(distillation, "mask_missing", counted_not_masked)),
    ("missing values are masked, not counted", MISSING, put(distillation, "mask_missing", masked_not_counted)),
    ("a context too long is read all the same", MISSING, takes(teacher, "_spliced", lambda asked, _: (asked, 10**6))),
    ("no hint is in the prompt", USE, named(report, "rollout", hint="")),
    ("both prompts say the same", USE, one_text),
    ("the prompt has the hint in its first turn only", USE, in_the_first_turn_only),
    ("every hint is called useful", USE, of_use),
    ("the optimiser begins anew", RESUME, put(run, "restore_optimiser", lambda *_: None)),
    ("the generator begins anew", RESUME, put(torch, "set_rng_state", lambda *_: None)),
    ("the average begins anew", RESUME, put(Distillation, "restore", lambda *_: None)),
    ("the data begin anew", RESUME, own_cursor),
    ("counters begin anew", RESUME, forget("counters", {})),
    ("the best weights are forgotten", RESUME, forget("best", {})),
    ("the log is not cut", RESUME, put(StepLog, "cut", lambda *_: None)),
    ("validation is shaped", VALIDATION, takes(rl, "summary", shaped)),
    ("validation draws", VALIDATION, named(rl, "rollout", greedy=False)),
    ("degenerate episodes stand in the mean", GROUPS, put(advantages, "degenerate", lambda t: False)),
    ("degenerate episodes are learnt from", GROUPS, put(items, "degenerate", lambda t: False)),
    ("degenerate episodes are not counted", GROUPS, gives(grpo, "mark_degenerate", lambda *_: Counter())),
    ("groups of equal rewards are not counted", GROUPS, gives(grpo, "set_advantages", lambda *_: 0)),
]  # fmt: skip


@pytest.mark.parametrize(("name", "proof", "mutation"), MUTATIONS, ids=[m[0] for m in MUTATIONS])
def test_its_proof_notices(world, monkeypatch, record_property, name, proof, mutation):
    mutation(monkeypatch)
    with pytest.raises((AssertionError, MedGymError)) as noticed:
        proof(world)
    record_property("noticed", str(noticed.value).splitlines()[0] if str(noticed.value) else "")


def test_every_proof_has_two_mutations_and_every_name_is_its_own():
    assert {p: n for p, n in Counter(m[1] for m in MUTATIONS).items() if n >= 2}.keys() == set(proofs.PROOFS)
    assert len({m[0] for m in MUTATIONS}) == len(MUTATIONS)
