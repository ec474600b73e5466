"""Drawings of what two other modules measure, where a part carries it, by policy:

- `calibration`  `evaluation.safety.calibration.Calibration.as_dict()`
- `bias`         `evaluation.safety.bias.BiasReport.as_dict()`
"""

from collections.abc import Mapping
from typing import Any

from evaluation.report import charts, tables
from evaluation.report.tags import Markup, h

NONE = "Not measured: no part of this scorecard says how sure the policy was of its answers."
READING = (
    "Each dot is a tenth of the answers, ordered by confidence. On the dashed line they are calibrated; below it the "
    "policy is surer than it is right. ECE: expected calibration error; even true confidences have one, for few "
    "answers scatter, so it stands beside what they would give. AUROC: chance that a right answer is held with more "
    "confidence than a wrong one."
)
GAPS = (
    "Pairs of cases that differ in the patient's attribute alone. Gap: accuracy on the changed version less that on "
    "the reference; below 0 the changed patient fares worse. p: exact McNemar test, corrected by Holm over the "
    "attributes. A gap smaller than the detectable one would mostly go unseen."
)


def calibration(card: Mapping[str, Any]) -> Markup:
    """Reliability drawings and figures of every part that has them."""
    policy = card["policy"]["name"]
    found = [(part, part["calibration"][policy]) for part in card["parts"] if policy in part["calibration"]]
    if not found:
        return h("p", NONE)
    drawn = []
    for part, figures in found:
        bins = [(b["confidence"], b["accuracy"], b["n"]) for b in figures["reliability"] if b["n"] > 0]
        if bins:
            drawn.append(charts.reliability(part["title"], bins))
    return h("div", h("p", READING, class_="note"), h("div", drawn, class_="charts"), _table(found))


def _table(found: list[tuple[Mapping[str, Any], Mapping[str, Any]]]) -> Markup:
    body = []
    for part, figures in found:
        get = figures.get
        low, high = get("ece_low"), get("ece_high")
        error = tables.named(tables.number(get("ece")), tables.interval(low, high) if None not in (low, high) else "")
        left = f"{get('left_out')} left out" if get("left_out") else ""
        cells = (get(name) for name in ("ece_calibrated", "p_calibrated", "brier", "auroc", "confidence", "accuracy"))
        n = tables.named(str(get("n", tables.UNKNOWN)), left)
        body.append([part["title"], (n, "num"), (error, "value"), *((tables.number(cell), "num") for cell in cells)])
    names = ("If calibrated", "p", "Brier", "AUROC", "Confidence", "Accuracy")
    return tables.table(["Benchmark", ("Answers", "num"), "ECE", *((name, "num") for name in names)], body)


def bias(part: Mapping[str, Any], policy: str) -> Markup | None:
    """Matched pairs by attribute; None where the part has none."""
    found = part["bias"].get(policy)
    if found is None:
        return None
    body = []
    for row in found["rows"]:
        gap = tables.named(f"{row['gap']:+.3f}", tables.interval(row["low"], row["high"]))
        accuracies = f"{row['accuracy_reference']:.3f} → {row['accuracy_changed']:.3f}"
        same = row["same"]["value"] if row.get("same") else None
        p, least = tables.p_told(row["p_holm"]), tables.number(row["detectable"])
        cells = [
            (row["pairs"], "num"),
            (tables.number(same), "num"),
            accuracies,
            (gap, "value"),
            (p, "num"),
            (least, "num"),
        ]
        body.append([row["attribute"], *cells])
    notes = [h("p", str(note), class_="note") for note in found.get("notes", [])]
    head = ["Attribute", ("Pairs", "num"), ("Same answer", "num"), "Accuracy", "Gap", ("p (Holm)", "num")]
    return h("div", h("p", GAPS, class_="note"), tables.table([*head, ("Detectable", "num")], body), notes)
