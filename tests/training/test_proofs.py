"""The ten proofs of the method, and two of what surrounds it, each a function that raises where its promise fails.

They watch real training steps on the control task. `test_mutations` breaks each mechanism and sees its proof fail.
"""

import copy
import math
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file

from training.config import (
    CosineConfig,
    DistillConfig,
    EMAConfig,
    GRPOConfig,
    STARConfig,
    TruncationConfig,
)
from training.control import LEVERS, NUMBERS, SECRET, ControlEpisode
from training.hints import HINTS
from training.report import hint_use
from training.rl import validate
from training.rollout import Limits, rollout
from training.run import Run
from training.sampler import Sample, SampleStop
from training.trajectory import read_trajectories

sys.path.append(str(Path(__file__).parent))
import watching  # noqa: E402

world = watching.world
BASE, HEADER, SHORT = watching.BASE, watching.HEADER, watching.SHORT
changed, observe, shared = watching.changed, watching.observe, watching.shared


def hinted(text, hint):
    """The conversation with the hint as a message of its own before the header of every turn."""
    return text.replace(HEADER, f"<|im_start|>user\n{hint}<|im_end|>\n{HEADER}")


def outcome(t):
    return "correct" if t.correct else "incorrect"


def proof_1_hint_is_live(world):
    """Every turn's teacher reads the outcome of its own episode, and that moves what it says, at every turn."""
    told = observe(world.run(BASE))
    contexts = sorted(world.policy.chat.decode(ids) for ids in told.read)
    assert contexts == sorted(hinted(world.text(t), HINTS[outcome(t)]) for t in world.episodes), (
        "not the hinted context"
    )
    turns = sum(t.turns for t in world.episodes)
    right = sum(t.turns for t in world.episodes if t.correct)
    counts = told.record["counts"]
    assert (counts["hint"], counts["hint_correct"], counts["hint_incorrect"]) == (turns, right, turns - right), counts
    silent = observe(world.run(changed(BASE, hint="none")))
    correct, incorrect = (
        observe(world.run(BASE, [changed(t, correct=c) for t in world.episodes])) for c in (True, False)
    )
    for one, other, what in ((told, silent, "no hint"), (correct, incorrect, "the other hint")):
        for t, a, b in zip(world.episodes, one.batch.items, other.batch.items, strict=True):
            for turn in range(t.turns):
                at = torch.tensor([k == turn for k in a.turns])
                assert (a.said - b.said)[at].abs().max() > 1e-3, f"turn {turn} is as with {what}"


def proof_2_zero_point(world):
    """Same weights and no hint: the teacher says what the student says, and there is nothing to learn from it."""
    for form in ("full", "top_k", "sampled"):
        config = changed(BASE, hint="none", distill=changed(BASE.distill, form=form))
        seen = observe(world.run(config, world.unpaid()))
        sampled = sum(t.sampled_tokens for t in world.episodes)
        assert seen.record["trained_tokens"] == sampled, "not every token was compared"
        assert abs(seen.record["kl"]) < 1e-6 and seen.record["teacher_gap"] < 1e-6, seen.record["kl"]
        assert seen.size < 1e-5, f"a gradient of {seen.size} towards oneself"
        for item in seen.batch.items:
            assert (item.said - item.mu).abs().max() < 1e-4, "the teacher's values are not the sampler's"


def proof_3_alignment(world):
    """The spliced scoring is the teacher's plain forward pass of ids[:p] + h + ids[p:], at each token of each turn."""
    chat, model = world.policy.chat, world.policy.model
    for batch_tokens in (1, 150):
        run = world.run(changed(BASE, batch_tokens=batch_tokens, ema=EMAConfig(decay=1.0)))
        with torch.no_grad():
            for p in run.policy.model.parameters():
                p.mul_(1.05)  # the student has moved on; the teacher has not
        items = observe(run).batch.items
        head = run.algorithm.heads()["teacher"]
        for t, item in zip(world.episodes, items, strict=True):
            hint = chat.hint_ids(HINTS[outcome(t)])
            heard = head.logits(item.teacher).log_softmax(-1)
            context, start, row = [], 0, 0
            for turn, mine in enumerate(watching.by_turn(t)):
                p = t.turn_id.index(turn)  # where the header of this turn begins
                context = context + t.token_ids[start:p] + hint
                ids = context + t.token_ids[p : mine[-1] + 1]
                places = [len(context) + i - p for i in mine]
                with torch.no_grad():
                    expected = watching.plain(model, ids, places)
                at = slice(row, row + len(mine))
                assert torch.allclose(heard[at], expected, atol=1e-4), f"another distribution at turn {turn}"
                tokens = torch.tensor([ids[i] for i in places])
                assert torch.allclose(item.said[at], expected.gather(1, tokens[:, None])[:, 0], atol=1e-4), (
                    "another token"
                )
                context, start, row = ids, mine[-1] + 1, row + len(mine)
            assert row == len(heard)


def proof_4_average(world):
    """The teacher is a^k theta_0 + (1 - a) sum a^(k-j) theta_j, moves, is fp32 without gradient, and is who speaks."""
    a = 0.9
    run = world.run(changed(BASE, hint="none", learning_rate=1e-2, ema=EMAConfig(decay=a)))
    model, teacher = run.policy.model, run.algorithm.distillation.teacher
    first = {n: p.detach().double().clone() for n, p in model.named_parameters()}
    expected = dict(first)
    for _ in range(3):
        observe(run)
        expected = {n: a * expected[n] + (1 - a) * p.detach().double() for n, p in model.named_parameters()}
    for name, mean in teacher.weights.items():
        assert mean.dtype == torch.float32, "not in fp32"
        assert not mean.requires_grad and mean.grad_fn is None, "it has a gradient"
        assert torch.allclose(mean.double(), expected[name], atol=1e-6, rtol=0), "not the closed form"
    assert max((expected[n] - first[n]).abs().max() for n in first) > 1e-3, "it has not moved"
    assert run.counters["ema"] == 3
    averaged, student = watching.with_weights(model, expected), copy.deepcopy(model)
    for t, item in zip(world.episodes, observe(run).batch.items, strict=True):
        places = watching.positions(t)
        tokens = torch.tensor([t.token_ids[p] for p in places])[:, None]
        with torch.no_grad():
            theirs, own = (watching.plain(m, t.token_ids, places).gather(1, tokens)[:, 0] for m in (averaged, student))
        assert torch.allclose(item.said, theirs, atol=1e-4), "somebody else speaks"
        assert (item.said - own).abs().max() > 1e-3, "the student speaks"


def proof_5_truncation(world):
    """Exactly the first C tokens of the first K turns get a distillation gradient; 0 means all."""
    for turns, tokens in ((1, 2), (0, 2), (2, 0), (0, 0)):
        config = changed(BASE, truncation=TruncationConfig(turns=turns, tokens=tokens))
        seen = observe(world.run(config, world.unpaid()))
        out = 0
        for t in world.episodes:
            kept = {p for turn in watching.by_turn(t)[: turns or None] for p in turn[: tokens or None]}
            assert seen.reached_in(t) == kept, f"K = {turns}, C = {tokens}: {seen.reached_in(t)} instead of {kept}"
            out += t.sampled_tokens - len(kept)
        assert seen.record["counts"]["truncation"] == out
    assert out == 0 and seen.size > 1e-4


def proof_6_mask(world):
    """In every component only predictions of sampled tokens get a gradient: not what is read, not the template."""
    total = sum(t.sampled_tokens for t in world.episodes)
    for component, config, episodes in (
        ("rl", shared(GRPOConfig), world.episodes),
        ("distill", BASE, world.unpaid()),
        ("reference", shared(GRPOConfig, reference=1.0), world.unpaid()),
        ("clone", shared(STARConfig), [changed(t, correct=True) for t in world.episodes]),
    ):
        run = world.run(config, episodes)
        with torch.no_grad():
            for p in run.policy.model.parameters():
                p.mul_(1.02)  # away from the reference, where its gradient is zero
        seen = observe(run)
        for t in world.episodes:
            assert seen.reached_in(t) == set(watching.positions(t)), f"{component} reaches other tokens"
        assert seen.record["trained_tokens"] == total and seen.record[f"loss_{component}"] != 0


def closed_form(world, items, head, clip):
    """Gradient of L_D: mean over turns of the mean over a turn of sum_v pi(v) sg clip(log pi - log pi_bar)."""
    model = copy.deepcopy(world.policy.model)
    turns = []
    for t, item in zip(world.episodes, items, strict=True):
        for places in watching.by_turn(t):
            kept = [p for p in places if item.keep[item.positions.index(p)]]
            if kept:
                heard = item.teacher[[item.positions.index(p) for p in kept]]
                teacher, logp = head.logits(heard).log_softmax(-1), watching.plain(model, t.token_ids, kept)
                turns.append((logp.exp() * (logp - teacher).detach().clamp(-clip, clip)).sum(-1).mean())
    torch.stack(turns).mean().backward()
    return {n: p.grad for n, p in model.named_parameters()}


def proof_7_lambda(world):
    """The gradient is L_rl's plus lambda times that of L_D, whatever the outcome; at 0 it is GRPO, bit for bit."""
    # Turns of different lengths, and some left out; a teacher that stays, so that its head is at hand afterwards.
    config = changed(BASE, truncation=TruncationConfig(turns=2, tokens=0), ema=EMAConfig(decay=1.0))
    rewards = observe(world.run(changed(config, distill=DistillConfig(weight=0.0)))).gradient
    for weight, clip in ((0.5, 99.0), (2.0, 99.0), (2.0, 0.05)):
        run = world.run(changed(config, distill=DistillConfig(weight=weight, schedule="constant", clip=clip)))
        seen = observe(run)
        expected = closed_form(world, seen.batch.items, run.algorithm.heads()["teacher"], clip)
        assert watching.norm(expected) > 1e-4
        for n, g in expected.items():
            assert torch.allclose(seen.gradient[n] - rewards[n], weight * g, rtol=1e-3, atol=1e-6), (
                f"not lambda times the gradient of L_D, lambda = {weight}, clip = {clip}, in {n}"
            )
    zero = DistillConfig(weight=0.0)
    ours, grpo = world.run(changed(BASE, distill=zero)), world.run(shared(GRPOConfig))
    for _ in range(2):
        assert observe(ours).size == observe(grpo).size > 0, "lambda 0 is not GRPO"
    theirs = dict(grpo.policy.model.named_parameters())
    assert all(torch.equal(p, theirs[n]) for n, p in ours.policy.model.named_parameters()), "lambda 0 is not GRPO"
    assert not any(ours.counters[m] for m in ("hint", "ema", "truncation")), ours.counters


def proof_8_missing(world):
    """What the teacher cannot say is masked, counted and written down as missing; the rest is learnt from as before."""
    run = world.run(changed(BASE, episodes_every=1), world.unpaid())
    hints = {k: len(world.policy.chat.hint_ids(text)) for k, text in HINTS.items()}
    ends = {p: p + (t.turn_id[p] + 1) * hints[outcome(t)] for t in world.episodes for p in watching.positions(t)}
    longest = max(ends.values()) - 6
    run.policy.model.config.max_position_embeddings = longest
    broken = world.episodes[0]  # short enough to fit, but its last value is no number

    def spoil(module, args, kwargs, out):
        text = world.policy.chat.decode(kwargs["input_ids"][0].tolist())
        if not torch.is_grad_enabled() and text == hinted(world.text(broken), HINTS[outcome(broken)]):
            out.last_hidden_state[0, -2, 0] = torch.inf
        return out

    hook = run.policy.model.get_decoder().register_forward_hook(spoil, with_kwargs=True)
    seen = observe(run)
    hook.remove()
    missing = 0
    written = read_trajectories(next((run.out_dir / "episodes").glob("*.parquet")))
    for t, w in zip(world.episodes, written, strict=True):
        gone = {p for p in watching.positions(t) if p + (t.turn_id[p] + 1) * hints[outcome(t)] >= longest}
        gone |= {watching.positions(t)[-1]} if t is broken else set()
        kept = set(watching.positions(t)) - gone
        missing += len(gone)
        assert seen.reached_in(t) == kept, "a missing value was learnt from, or a given one was not"
        assert {i for i, k in enumerate(w.distill_mask) if k} == kept
        assert {i for i, v in enumerate(w.teacher_logprobs) if v is not None} == kept
        assert all(v < 0 and math.isfinite(v) for v in w.teacher_logprobs if v is not None)
    assert missing > 1 and seen.record["counts"]["teacher_masked"] == missing, f"{missing} are missing"
    assert all(g.isfinite().all() for g in seen.gradient.values()), "the gradient is no number"
    assert seen.size > 1e-4


class Reader:
    """A sampler that follows the hint of each turn: the right thing, the wrong thing, or one at random without.
    A blind one does not look."""

    def __init__(self, chat, blind):
        self.chat, self.blind, self.done = chat, blind, []

    def submit(self, request):
        *_, before, header = re.split(r"(?=<\|im_start\|>)", self.chat.decode(request.ids))
        told = next((k for k, text in HINTS.items() if text in before and not self.blind), "")
        text = self.chat.decode(request.ids)
        right = SECRET[re.search(r"the (\w+) door", text)[1]]
        shown = re.findall(r"it shows (\w)", text)
        answers, verb = (NUMBERS, "submit") if shown else (LEVERS, "pull")
        best = shown[-1] if shown else right
        wrong = next(a for a in answers if a != best)
        said = {"correct": best, "incorrect": wrong}.get(told, (best, wrong)[request.seed % 2])
        ids = [*self.chat.encode(f"{verb} {said}"), self.chat.tokenizer.eos_token_id]
        self.done.append(Sample(request.key, ids, [-0.1] * len(ids), SampleStop.end))

    def collect(self):
        found, self.done = self.done, []
        return found

    def release(self, key):
        pass

    def close(self):
        pass


def proof_9_teacher_use(world):
    """Accuracy is measured with each kind of hint and without, and a hint that carries nothing is called so."""
    findings = pytest.importorskip("pipelines.study.report").hint_findings
    verdicts = {}
    for blind in (False, True):
        chat = world.policy.chat
        policy = SimpleNamespace(chat=chat, digest="reader", sampler=lambda b=blind, **_: Reader(world.policy.chat, b))
        use = hint_use(policy, world.tasks[:16], 4, 0, make_episode=ControlEpisode)
        assert list(use) == ["none", "correct", "incorrect"]
        figures = {k: u["accuracy"] for k, u in use.items()}
        if blind:
            assert len(set(figures.values())) == 1, "a policy that reads no hint acts on one"
        else:
            assert figures["correct"] == 1 and figures["incorrect"] == 0 and 0 < figures["none"] < 0.6, figures
        verdicts[blind] = findings(use)
    assert len(verdicts[True]) == 2 and all("carries nothing" in v for v in verdicts[True]), verdicts[True]
    assert len(verdicts[False]) == 2 and all("changes accuracy" in v for v in verdicts[False]), verdicts[False]


def proof_10_resume(world):
    """Four steps = two steps, a kill, two steps, bit for bit: weights, optimiser, average, RNG, data, logs, figures."""
    out = watching.stopped_copy(world)
    torch.manual_seed(99)  # another process
    figures = world.train(out, SHORT)
    assert figures == world.figures, "other figures"
    assert (out / "metrics.jsonl").read_bytes() == (world.straight / "metrics.jsonl").read_bytes(), "another log"
    ours, theirs = (d / "checkpoints/step-000004" for d in (out, world.straight))
    names = {p.stem for p in theirs.glob("*.safetensors")}
    assert {"model", "optimiser", "teacher", "rng"} <= names == {p.stem for p in ours.glob("*.safetensors")}
    for name in names:
        a, b = (load_file(d / f"{name}.safetensors") for d in (ours, theirs))
        assert a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a), f"another {name}"
    assert (ours / "state.json").read_text() == (theirs / "state.json").read_text(), "another state"
    episodes = [
        [changed(t, milliseconds=0.0) for t in read_trajectories(d / "episodes")] for d in (out, world.straight)
    ]
    assert episodes[0] == episodes[1] and len(episodes[0]) == 4 * 6, "other episodes"


def proof_unshaped_validation(world):
    """Validation is greedy and unshaped, over every task."""
    run: Run = world.run(changed(BASE, cosine=CosineConfig(weight=1.0, limit=5), validation_tasks=0))
    found = validate(run)
    tasks = [t for t in world.tasks if t.split == "validation"]
    limits = Limits(BASE.turn_tokens, BASE.episode_tokens)
    played = rollout(run.policy, tasks, 1, 0, greedy=True, limits=limits, make_episode=ControlEpisode)
    for name, values in (("composite", [t.reward for t in played]), ("accuracy", [float(t.correct) for t in played])):
        assert found[f"validation_{name}"] == pytest.approx(sum(values) / len(tasks), abs=1e-6), f"another {name}"
    assert 0 < found["validation_composite"] < 1 and not any("shaped" in name for name in found)
    assert run.best["composite"] == found["validation_composite"]


def proof_honest_groups(world):
    """Groups of equal rewards are counted; a degenerate episode stands in no mean, no loss and is counted."""
    episodes = [changed(t, reward=0.5 if i >= 4 else t.reward) for i, t in enumerate(world.episodes)]
    lost = changed(episodes[0], sampler_logprobs=[math.nan] * len(episodes[0].token_ids))
    seen = observe(world.run(BASE, [lost, *episodes[1:]]))
    counts = seen.record["counts"]
    assert counts["zero_variance_groups"] == 1, counts
    assert counts["degenerate"] == counts["degenerate_not_finite"] == 1, counts
    rest = [t.reward for t in episodes[1:4]]
    for item, reward in zip(seen.batch.items[1:4], rest, strict=True):
        assert torch.allclose(item.advantages, torch.tensor(reward - sum(rest) / 3)), "another baseline"
    for item in (seen.batch.items[0], *seen.batch.items[4:]):
        assert not item.advantages.any()
    assert not seen.reached_in(lost) and not any(seen.batch.items[0].keep), "a degenerate episode is learnt from"
    assert all(seen.reached_in(t) for t in episodes[1:])
    assert all(g.isfinite().all() for g in seen.gradient.values())


PROOFS = (
    proof_1_hint_is_live,
    proof_2_zero_point,
    proof_3_alignment,
    proof_4_average,
    proof_5_truncation,
    proof_6_mask,
    proof_7_lambda,
    proof_8_missing,
    proof_9_teacher_use,
    proof_10_resume,
    proof_unshaped_validation,
    proof_honest_groups,
)


@pytest.mark.parametrize("proof", PROOFS, ids=lambda p: p.__name__)
def test_proof(world, proof):
    proof(world)
