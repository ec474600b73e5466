"""Questionnaires of mental health and substance use: the scales of `facts/mental.toml`.

Every function takes the entry of the fact file and the inputs, as `base` describes. Item scores are the published
points of the answer given. Copyrighted wordings are not reproduced: items have their numbers, sections their names.
"""

from typing import Any

from medgym_core.instruments.base import Inputs, Outcome, instrument, total

Rule = dict[str, Any]


def added(rule: Rule, x: Inputs) -> Outcome:
    """The sum of all item scores."""
    return total({name: int(score) for name, score in x.items()})


def counted(rule: Rule, x: Inputs) -> Outcome:
    """The number of items answered yes."""
    return total({name: int(answer) for name, answer in x.items()})


instrument("phq9", "mental")(added)
instrument("gad7", "mental")(added)
instrument("audit", "mental")(added)
instrument("epds", "mental")(added)
instrument("ciwa_ar", "mental")(added)
instrument("mmse_screen", "mental")(added)
instrument("cage", "mental")(counted)
instrument("scoff", "mental")(counted)


@instrument("audit_c", "mental")
def audit_c(rule: Rule, x: Inputs) -> Outcome:
    """The first three AUDIT items; the cut-off depends on the sex."""
    parts = {item: int(x[item]) for item in rule["items"]}
    score = sum(parts.values())
    return Outcome(float(score), parts, rule["positive"] if score >= rule["cut"][x["sex"]] else rule["negative"])


@instrument("dast10", "mental")
def dast10(rule: Rule, x: Inputs) -> Outcome:
    """Yes counts one, except for the reversed item, where no does."""
    return total({name: int(answer != (name == rule["reversed"])) for name, answer in x.items()})


@instrument("cssrs", "mental")
def cssrs(rule: Rule, x: Inputs) -> Outcome:
    """The highest triage level any answer reaches; follow-up questions are needed only where their gate was yes."""
    missing = [item for gate, items in rule["after"].items() if x[gate] for item in items if x[item] is None]
    if missing:
        return Outcome(None, missing=missing)
    parts = {item: float(level) for item, level in rule["levels"].items() if x[item]}
    return Outcome(max(parts.values(), default=0.0), parts)


@instrument("mdq", "mental")
def mdq(rule: Rule, x: Inputs) -> Outcome:
    """Symptoms answered yes; positive with enough of them, at the same time, and a problem of some size."""
    parts = {name: int(x[name]) for name in x if name.startswith("mdq_")}
    positive = (
        sum(parts.values()) >= rule["symptoms"] and x["same_time"] and x["problem_severity"] in rule["problem_from"]
    )
    return Outcome(float(sum(parts.values())), parts, rule["positive"] if positive else rule["negative"])


@instrument("pcl5", "mental")
def pcl5(rule: Rule, x: Inputs) -> Outcome:
    """The sum of the twenty items, with the sum of each DSM-5 cluster."""
    scores = [int(score) for score in x.values()]  # items in their order in the fact file
    return total({cluster: sum(scores[first - 1 : last]) for cluster, (first, last) in rule["clusters"].items()})
