"""The leaderboard ranks what was measured alike, with intervals, and calls a tie what is not shown to differ."""

import copy
import json

import pytest

from evaluation.leaderboard import as_dict, html, leaderboard, markdown, overall
from evaluation.report import checked_card
from medgym_core.errors import MedGymError


def card(name: str, values: dict[str, float], n: int = 200, protocol: str = "p", version: str | None = None) -> dict:
    parts = []
    for domain, value in values.items():
        for metric in ("accuracy", "composite"):
            estimate = {"value": value, "low": value - 0.06, "high": value + 0.06, "n": n}
            parts.append({"name": f"medgym/{domain}", "metric": metric, "items": n, "estimates": {name: estimate}})
    policy = {"name": name, "digest": f"d-{name}-{version}", "version": version}
    return checked_card({"policy": policy, "suite": "agentic", "protocol": {"digest": protocol}, "parts": parts})


def both(value: float) -> dict[str, float]:
    return {"triage": value, "ehr": value}


def test_the_best_is_first_and_ties_share_its_rank() -> None:
    found = leaderboard([card("c", both(0.2)), card("a", both(0.6)), card("b", both(0.58))])
    (board,) = found.boards
    assert [(e.policy, e.rank, e.tied) for e in board.entries] == [("a", 1, True), ("b", 1, True), ("c", 3, False)]
    assert board.entries[0].p_holm is None and board.entries[2].behind == pytest.approx(-0.4)
    assert (
        board.entries[0].domains == 2 and board.entries[0].n == 400 and board.entries[0].composite == pytest.approx(0.6)
    )


def test_accuracy_over_domains_weighs_tasks_and_narrows_the_interval() -> None:
    own = card("a", {"triage": 0.4, "ehr": 0.8})
    own["parts"][2]["estimates"]["a"]["n"] = 600
    value, low, high, n = overall([own["parts"][0], own["parts"][2]], "a")
    assert (value, n) == (pytest.approx(0.25 * 0.4 + 0.75 * 0.8), 800)
    half = 0.06 * (0.25**2 + 0.75**2) ** 0.5
    assert (low, high) == (pytest.approx(value - half), pytest.approx(value + half))


def test_the_combined_interval_holds_the_truth() -> None:
    import numpy as np

    from evaluation import statistics

    rng, held = np.random.default_rng(1), 0
    for _ in range(300):
        parts = []
        for rate in (0.2, 0.5, 0.7):
            e = statistics.proportion(rng.random(60) < rate, 0)
            parts.append({"items": 60, "estimates": {"a": vars(e)}})
        _, low, high, _ = overall(parts, "a")
        held += low <= 1.4 / 3 <= high
    assert 0.91 <= held / 300 <= 0.99


def test_more_policies_make_a_difference_harder_to_show() -> None:
    pair = [card("a", both(0.60)), card("b", both(0.47))]
    two = leaderboard(pair).boards[0].entries[1]
    rest = [card(f"x{i}", both(0.59)) for i in range(8)]
    many = next(
        e
        for e in leaderboard([card("a", both(0.60)), card("b", both(0.47)), *rest]).boards[0].entries
        if e.policy == "b"
    )
    assert many.p_holm == pytest.approx(min(1, 9 * two.p_holm))


def test_other_protocols_and_other_tasks_are_ranked_apart() -> None:
    cards = [card("a", both(0.6)), card("b", both(0.5)), card("c", both(0.9), protocol="q"), card("d", {"ehr": 0.9})]
    found = leaderboard(cards)
    assert [[e.policy for e in b.entries] for b in found.boards] == [["a", "b"], ["c"], ["d"]]


def test_versions_of_one_name_are_told_apart_and_found_in_the_registry() -> None:
    cards = [card("ttopd", both(0.5), version="1"), card("ttopd", both(0.7), version="2")]
    registry = {"2": {"aliases": ["champion"], "decision": "promoted"}}
    entries = leaderboard(cards, registry).boards[0].entries
    assert [(e.version, e.aliases, e.decision) for e in entries] == [("2", ("champion",), "promoted"), ("1", (), "")]


def test_a_policy_without_tasks_is_named() -> None:
    bare = checked_card(
        {**card("e", {}), "parts": [{"name": "medqa", "estimates": {"e": {"value": 1, "low": 1, "high": 1}}}]}
    )
    found = leaderboard([card("a", both(0.6)), bare])
    assert found.without == ["e"] and "Without results on MedGym's tasks: e." in markdown(found)


def test_a_policy_measured_twice_is_refused() -> None:
    with pytest.raises(MedGymError, match="measure the same"):
        leaderboard([card("a", both(0.6)), copy.deepcopy(card("a", both(0.6)))])
    with pytest.raises(MedGymError, match="nothing to rank"):
        leaderboard([])


def test_pages_hold_every_policy_as_text() -> None:
    name = "<b>evil</b> | x"
    found = leaderboard([card(name, both(0.6)), card("b", both(0.55))])
    page = html(found)
    assert "<b>evil" not in page and "&lt;b&gt;evil" in page and "http" not in page.replace("http-equiv", "")
    assert "&lt;b&gt;evil&lt;/b&gt; \\| x" in markdown(found) and "=1" in markdown(found)
    assert json.loads(json.dumps(as_dict(found)))["boards"][0]["entries"][0]["policy"] == name


def test_the_command_reads_a_folder(tmp_path, capsys, home) -> None:
    import typer

    from pipelines.cli import report

    app = typer.Typer()
    report.add(app)
    folder = home / "scorecards"
    folder.mkdir(parents=True)
    for name, value in (("a", 0.6), ("b", 0.2)):
        (folder / f"{name}.json").write_text(json.dumps(card(name, both(value))))
    command = typer.main.get_command(app)
    command.main(["leaderboard", "--json"], standalone_mode=False)
    told = json.loads(capsys.readouterr().out)
    assert [e["policy"] for e in told["boards"][0]["entries"]] == ["a", "b"]
    command.main(["leaderboard", str(folder), "--out", str(tmp_path / "out")], standalone_mode=False)
    assert "0.600 [0.558, 0.642]" in capsys.readouterr().out
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "leaderboard.html",
        "leaderboard.json",
        "leaderboard.md",
    ]
    with pytest.raises(MedGymError, match="no scorecards"):
        command.main(["leaderboard", str(tmp_path / "none")], standalone_mode=False)
