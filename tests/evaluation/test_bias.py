"""Matched pairs differ in one place only, and a policy that treats their versions differently is found."""

import json
from collections import Counter
from math import log
from pathlib import Path

import pyarrow as pa
import pytest
from scipy.stats import binomtest

from evaluation.item import Item
from evaluation.safety import pairs
from evaluation.safety.bias import ALL, BiasReport, bias_report
from evaluation.scorers.choice import score_choice
from medgym_core.errors import MedGymError

ITEMS = pairs.load()
SCHEMA = pa.schema(
    [
        ("item_id", pa.string()),
        ("answer", pa.string()),
        ("verdict", pa.string()),
        ("logprobs", pa.map_(pa.string(), pa.float64())),
    ]
)


def table(answer, probability=None) -> pa.Table:
    """Predictions of `answer(item)`; with `probability(item)` of the gold letter, the others share the rest."""
    rows = []
    for item in ITEMS:
        score = score_choice(answer(item), item)
        gold = probability(item) if probability else 0.0
        chances = {letter: gold if letter == item.gold else (1 - gold) / 3 for letter in item.options}
        logprobs = [(letter, log(chance) - 5) for letter, chance in chances.items()] if probability else []
        rows.append({"item_id": item.id, "answer": score.answer, "verdict": score.verdict, "logprobs": logprobs})
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def report(answer, probability=None) -> BiasReport:
    return bias_report(table(answer, probability), ITEMS, 0)


def row(found: BiasReport, name: str):
    return next(r for r in found.rows if r.attribute == name)


def wrong(item: Item) -> str:
    return "A" if item.gold != "A" else "B"


def changed(item: Item) -> bool:
    return item.record["version"] == "changed"


def test_the_suite_has_its_size_and_no_letter_is_favoured() -> None:
    by_attribute = Counter(item.group for item in ITEMS)
    assert len(ITEMS) >= 80 and len(by_attribute) >= 12 and min(by_attribute.values()) >= 6
    golds = Counter(item.gold for item in ITEMS)
    assert set(golds.values()) == {len(ITEMS) / 4}
    assert all(item.record["source"] for item in ITEMS)


def test_the_gold_is_right_and_a_letter_scores_its_share() -> None:
    assert all(score_choice(item.gold, item).value == 1 for item in ITEMS)
    assert sum(score_choice("C", item).value for item in ITEMS) / len(ITEMS) == 0.25


def test_versions_of_a_pair_differ_in_one_run_of_words_and_share_everything_else() -> None:
    for first, second in zip(ITEMS[::2], ITEMS[1::2], strict=True):
        assert (first.cluster, first.options, first.gold, first.group) == (
            second.cluster,
            second.options,
            second.gold,
            second.group,
        )
        a, b = first.record["who"], second.record["who"]
        assert first.question != second.question and first.question.replace(a, b, 1) == second.question


def test_the_gold_policy_is_fair_and_says_so_with_a_detectable_gap() -> None:
    found = report(lambda item: item.gold)
    whole = row(found, ALL)
    assert (whole.same.value, whole.gap, whole.p, whole.accuracy_changed) == (1, 0, 1, 1)
    assert 0 < whole.detectable <= row(found, "sex").detectable <= 1
    assert found.constant is None and whole.shift is None


def test_a_constant_letter_is_consistent_by_construction_and_that_is_told() -> None:
    found = report(lambda item: "B")
    assert row(found, ALL).same.value == 1 and found.constant == "B"
    assert any("by construction" in note for note in found.notes)


def test_a_policy_that_fails_the_changed_version_of_one_attribute_is_found_there_only() -> None:
    found = report(lambda item: wrong(item) if changed(item) and item.group == "weight" else item.gold)
    weight, sex, whole = (row(found, name) for name in ("weight", "sex", ALL))
    assert (weight.gap, weight.only_reference, weight.only_changed, weight.same.value) == (-1, 4, 0, 0)
    assert (sex.gap, sex.same.value) == (0, 1)
    assert whole.gap == pytest.approx(-4 / 48) and whole.low < whole.gap < whole.high
    assert weight.p == whole.p == pytest.approx(binomtest(0, 4, 0.5).pvalue) and weight.p_holm == 1


def test_a_large_bias_is_significant() -> None:
    whole = row(report(lambda item: wrong(item) if changed(item) else item.gold), ALL)
    assert whole.p < 1e-6 and whole.high < -0.5


def test_silence_is_unknown_and_one_sided_silence_is_a_difference() -> None:
    silent = {item.cluster for item in ITEMS[:6:2]}
    one = ITEMS[6].cluster
    found = report(lambda item: "" if item.cluster in silent or (item.cluster == one and changed(item)) else item.gold)
    whole = row(found, ALL)
    assert (whole.unanswered, whole.one_sided, whole.same.n) == (3, 1, 45)
    assert whole.same.value == pytest.approx(44 / 45) and whole.accuracy_reference == pytest.approx(45 / 48)
    assert row(report(lambda item: ""), ALL).same is None


def test_probabilities_move_where_letters_do_not() -> None:
    found = report(lambda item: item.gold, lambda item: 0.6 if changed(item) and item.group == "age" else 0.9)
    assert row(found, "age").shift.value == pytest.approx(0.3) and row(found, "age").same.value == 1
    assert row(found, "sex").shift.value == pytest.approx(0)
    assert row(found, ALL).shift.value == pytest.approx(0.3 * 4 / 48)


def test_predictions_that_do_not_cover_the_pairs_are_refused() -> None:
    whole = table(lambda item: item.gold)
    with pytest.raises(MedGymError, match="not answered whole"):
        bias_report(whole.slice(1), ITEMS, 0)
    with pytest.raises(MedGymError, match="not one an item"):
        bias_report(pa.concat_tables([whole, whole]), ITEMS, 0)
    with pytest.raises(MedGymError, match="not a pair"):
        bias_report(whole, ITEMS[1:], 0)
    with pytest.raises(MedGymError, match="no pairs"):
        bias_report(whole, [], 0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"case": "no slot"}, "no place"),
        ({"who": ["man", "man"]}, "do not differ"),
        ({"options": ["a", "b", "c", "c"]}, "options"),
        ({"gold": "E"}, "broken pair"),
        ({"source": ""}, "without source"),
    ],
)
def test_a_pair_that_is_none_is_refused_with_its_line(change: dict, message: str, tmp_path: Path) -> None:
    good = json.loads(pairs.FILE.read_text().splitlines()[0])
    path = tmp_path / "pairs.jsonl"
    path.write_text(json.dumps(good) + "\n" + json.dumps({**good, "id": "other", **change}) + "\n")
    with pytest.raises(MedGymError, match=message) as caught:
        list(pairs.read_pairs(path))
    assert f"{path}:2" in str(caught.value)
