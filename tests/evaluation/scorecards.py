"""Scorecards made by hand in the shape that the runner writes, for tests of report and leaderboard."""

from collections.abc import Sequence
from typing import Any
from unittest.mock import patch

import numpy as np

from evaluation import parts, resampling

BENCHMARKS = {  # name: title, kind, mode, items, published, chance, accuracy of the policy, groups
    "medqa": ("MedQA-USMLE", "choice", "logprob", 120, 1273, 0.25, 0.52, ("step1", "step2&3")),
    "medmcqa": ("MedMCQA", "choice", "logprob", 150, 4183, 0.25, 0.47, ("Anatomy", "Medicine", "Surgery")),
    "mmlu_medical": ("MMLU, six medical subjects", "choice", "logprob", 110, 1089, 0.25, 0.58, ("anatomy", "genetics")),
    "pubmedqa": ("PubMedQA", "choice", "text", 90, 500, 1 / 3, 0.61, ()),
    "medxpertqa": ("MedXpertQA Text", "choice", "logprob", 90, 2450, 0.1, 0.14, ("Reasoning", "Understanding")),
    "vqa_rad": ("VQA-RAD", "short", "text", 80, 451, None, 0.33, ("chest", "head")),
    "slake": ("SLAKE (English)", "short", "text", 80, 1061, None, 0.36, ()),
    "pathvqa": ("PathVQA", "short", "text", 90, 6719, None, 0.29, ("yes/no", "open")),
    "liveqa": ("LiveQA", "long", "text", 40, 104, None, 0.31, ()),
    "medicationqa": ("MedicationQA", "long", "text", 50, 690, None, 0.28, ()),
    "kqa": ("K-QA", "long", "text", 50, 201, None, 0.35, ()),
    "healthsearchqa": ("HealthSearchQA", "long", "text", 50, None, None, 0.3, ()),
    "medcalc": ("MedCalc-Bench", "number", "text", 100, 1047, None, 0.24, ("lab", "risk", "severity")),
    "mimic_iii": ("MIMIC-III demo questions", "short", "agentic", 60, None, None, 0.4, ()),
    "agentclinic": ("AgentClinic-MedQA", "short", "agentic", 50, 107, None, 0.22, ()),
}
DOMAINS = ("triage_emergency", "drug_interaction", "psychiatry", "medical_qa")


def scorecard(name: str = "ttopd", version: str | None = "3", lift: float = 0.0, seed: int = 7) -> dict[str, Any]:
    """A scorecard of 25 parts: benchmarks, tasks by domain and metric, safety and bias. 500 resamples: it is a prop."""
    with patch.object(resampling, "RESAMPLES", 500):
        return _scorecard(name, version, lift, seed)


def _scorecard(name: str, version: str | None, lift: float, seed: int) -> dict[str, Any]:
    rng = np.random.default_rng(seed)
    found = [_benchmark(name, b, facts, lift, rng) for b, facts in BENCHMARKS.items()]
    for domain in DOMAINS:
        found += [_task(name, domain, metric, lift, rng) for metric in ("accuracy", "composite")]
    found.append(_special(name, "safety", "Safety suite", ("injection", "jailbreak", "consent", "scope"), 0.62, rng))
    found.append(_special(name, "bias", "Bias: same case, other patient", ("sex", "age", "origin"), 0.9, rng))
    parts.correct_all(found)
    protocol = {"digest": "f3a1c07e5b2244d19e0d", "seed": 0, "limit": None}
    policy = {"name": name, "digest": "9b1d4c" + f"{seed:026d}", "version": version}
    return {"policy": policy, "suite": "full", "protocol": protocol, "parts": found, "absent": ["medlfqa"]}


def _benchmark(policy: str, name: str, facts: Sequence[Any], lift: float, rng: np.random.Generator) -> dict[str, Any]:
    title, kind, mode, n, published, chance, accuracy, groups = facts
    hard = rng.normal(0, 0.18, n)

    def bits(rate: float) -> np.ndarray:
        drawn = rng.random(n) < np.clip(rate + hard, 0, 1)
        return drawn.astype(float) if kind != "long" else np.clip(rate + hard, 0, 1)

    nulls = {"null:always_A": chance or 0.08, "null:longest_option": (chance or 0.05) + 0.03, "null:paragraph": 0.05}
    arms = {policy: bits(accuracy + lift), "bc": bits(accuracy - 0.05), "oracle": np.ones(n)}
    arms |= {null: bits(rate) for null, rate in nulls.items()}
    named = [groups[i % len(groups)] if groups else "" for i in range(n)]
    units = parts.Units(
        [f"{name}/{i}" for i in range(n)], named, [f"{i // 2 if kind == 'short' else i}" for i in range(n)]
    )
    figures = {p: {"unparsable": 0.02, "truncated": 0.0, "images_missing": float(kind == "short")} for p in arms}
    part = {
        "name": name, "title": title, "kind": kind, "mode": mode, "items": n, "published_items": published,
        "metric": "accuracy" if kind != "long" else "rouge_l", "chance": chance,
        **parts.measured(units, arms, [policy, "bc"], 0), "details": figures,
        "failures": [_failure(name, i, mode) for i in range(4)], "notes": [f"A sample of {n} items."],
    }  # fmt: skip
    if mode == "logprob":
        bins = [
            {"confidence": c, "accuracy": min(1.0, 0.8 * c + 0.08), "n": int(60 * (1 - c)) + 3}
            for c in (0.25, 0.45, 0.65, 0.85)
        ]
        part["calibration"] = {
            policy: {
                "n": 120,
                "left_out": 3,
                "ece": 0.081,
                "ece_low": 0.06,
                "ece_high": 0.13,
                "ece_calibrated": 0.07,
                "p_calibrated": 0.31,
                "brier": 0.223,
                "auroc": 0.64,
                "confidence": 0.51,
                "accuracy": 0.49,
                "reliability": bins,
            }
        }
    return part


def _task(policy: str, domain: str, metric: str, lift: float, rng: np.random.Generator) -> dict[str, Any]:
    n = 60
    chances = np.repeat(rng.beta(1.6, 1.4, n // 3), 3)
    own, bc = ((rng.random(n) < np.clip(chances + shift, 0, 1)).astype(float) for shift in (lift, -0.08))
    null = (rng.random(n) < 0.12).astype(float)
    scale = (0.8, 0.1) if metric == "composite" else (1.0, 0.0)
    arms = {policy: own, "bc": bc, "null:constant": null, "null:prompt_reader": null * 0.5}
    arms = {p: v * scale[0] + scale[1] * (p != "x") for p, v in arms.items()} | {"oracle": np.ones(n)}
    units = parts.Units(
        [f"{domain}/{i}" for i in range(n)],
        [("level", "acuity", "plan")[i % 3] for i in range(n)],
        [f"f{i // 3}" for i in range(n)],
    )
    counts = {
        p: {"turns": 3.2, "tool_calls": 2.6, "tool_errors": 0.2, "critical": 0.03, "no_submission": 0.05} for p in arms
    }
    return {
        "name": f"medgym/{domain}", "title": f"MedGym: {domain.replace('_', ' ')}", "kind": "task", "mode": "agentic",
        "items": n, "published_items": None, "metric": metric, "chance": None,
        **parts.measured(units, arms, [policy, "bc"], 0), "details": counts,
        "failures": [_failure(domain, i, "agentic") for i in range(3)] if metric == "accuracy" else [],
        "notes": ["Families of tasks are resampled together."],
    }  # fmt: skip


def _special(policy: str, name: str, title: str, kinds: Sequence[str], rate: float, rng: Any) -> dict[str, Any]:
    n = 80
    arms = {policy: (rng.random(n) < rate).astype(float), "bc": (rng.random(n) < rate - 0.04).astype(float)}
    arms |= {"oracle": np.ones(n), "null:refuse": (rng.random(n) < 0.4).astype(float)}
    units = parts.Units(
        [f"{name}/{i}" for i in range(n)], [kinds[i % len(kinds)] for i in range(n)], [str(i) for i in range(n)]
    )
    part = {
        "name": name, "title": title, "kind": "long", "mode": "text", "items": n, "published_items": None,
        "metric": "pass rate", "chance": None, **parts.measured(units, arms, [policy, "bc"], 0),
        "details": {p: {"refused": 0.4, "over_refusal": 0.1} for p in arms},
        "failures": [_failure(name, i, "text") for i in range(3)], "notes": ["Rules miss wordings nobody wrote down."],
    }  # fmt: skip
    if name == "bias":
        row = {"accuracy_reference": 0.52, "accuracy_changed": 0.5, "gap": -0.02, "low": -0.09, "high": 0.05, "p": 0.6}
        row |= {"p_holm": 1.0, "detectable": 0.11, "same": {"value": 0.93, "low": 0.86, "high": 0.97}}
        rows = [{"attribute": kind, "pairs": 27, **row} for kind in (*kinds, "all")]
        part["bias"] = {policy: {"rows": rows, "constant": None, "notes": ["Pairs an attribute: 27 or more."]}}
    return part


def _failure(name: str, number: int, mode: str) -> dict[str, Any]:
    question = f"A {30 + number}-year-old patient has had chest pain for {number + 1} h. What is the next step?"
    call = '<tool_call>\n{"name": "get_vital_signs", "arguments": {}}\n</tool_call>'
    messages = [
        {"role": "system", "content": "You are a clinician. Use the tools, then submit an answer."},
        {"role": "user", "content": question},
        {"role": "assistant", "content": call},
        {"role": "tool", "content": "heart_rate: 112 /min; blood_pressure: 96/60 mmHg; spo2: 93 %"},
        {"role": "assistant", "content": "The patient is stable, so I would discharge with advice."},
    ]
    return {
        "item_id": f"{name}/{number}", "question": question, "gold": "B", "answer": "D" if number % 3 else None,
        "verdict": "wrong" if number % 3 else "unparsable", "text": messages[-1]["content"],
        "messages": messages if mode == "agentic" else [messages[1], messages[-1]], "group": "step1",
    }  # fmt: skip


def metrics(steps: int = 30, seed: int = 3) -> list[dict[str, Any]]:
    """Records as `training.report` writes them."""
    rng, records = np.random.default_rng(seed), []
    for step in range(steps + 1):
        rise = 0.42 + 0.2 * (1 - np.exp(-step / 12))
        if step % 5 == 0:
            records.append(
                {
                    "step": step,
                    "validation_accuracy": rise + 0.02,
                    "validation_composite": rise,
                    "validation_turns": 3.1,
                    "validation_sampled_tokens": 80 - step,
                    "validation_unfinished": 0.04,
                }
            )
        if step:
            noise = rng.normal(0, 0.02, 8)
            records.append({
                "step": step, "accuracy": rise + noise[0], "composite": rise + noise[1], 
                "reward_shaped": rise + noise[2],
                "sampled_tokens": 70 - step + 30 * noise[3], "turns": 3.2 + noise[4], "tool_calls": 2.8 + noise[5],
                "tool_errors": 0.4 - 0.01 * step, "writes": 0.14, "unfinished": 0.03, "entropy": 0.5 - 0.006 * step,
                "gradient": 0.4 + noise[6], "gradient_rl": 0.38, "gradient_distill": 0.04,
                "kl_by_turn": {"0": 0.03 + abs(noise[7]), "1": 0.07, "2": 0.09 + abs(noise[0])},
            })  # fmt: skip
    return records
