"""The report is one page that loads nothing, runs nothing, and shows the texts of models as text."""

import copy
import importlib.util
import json
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evaluation.benchmarks import BENCHMARKS
from evaluation.published import FILE, published, read_published
from evaluation.report import checked_card, read_card, read_metrics, summary, words, write_report
from evaluation.report.tags import VOID, h, visible
from medgym_core.errors import MedGymError

spec = importlib.util.spec_from_file_location("scorecards", Path(__file__).with_name("scorecards.py"))
scorecards = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = scorecards
spec.loader.exec_module(scorecards)

NASTY = "</div></details><script>alert(1)</script><img src=x onerror=alert(2)>\"' onclick='x' ]]> <!-- & &lt; \u202egnp.exe \x00 \x1b[31m \ud800 {{7*7}}"  # noqa: E501
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def card() -> dict:
    return scorecards.scorecard()


@pytest.fixture(scope="module")
def folder(card, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("report")
    write_report([card], path, {"seed 0": scorecards.metrics()})
    return path


class Page(HTMLParser):
    """Tags must be balanced; collects attributes, tags and the text outside of styles."""

    def __init__(self, text: str):
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str, str | None]] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open, f"not closed: {self.open}"

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open and self.open.pop() == tag, f"{tag} closes another tag"

    def handle_data(self, data):
        if "style" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return "".join(self.words)


def html_of(folder: Path) -> str:
    return (folder / "report.html").read_text(encoding="utf-8")


def with_text(card: dict, text: str) -> dict:
    """The card with the text wherever a model, a tool or a file may have written one."""
    spoilt = copy.deepcopy(card)
    spoilt["parts"] = spoilt["parts"][:2]
    part = spoilt["parts"][0]
    spoilt["suite"] = spoilt["policy"]["version"] = part["title"] = part["metric"] = text
    part["notes"], part["groups"] = [text], {text: part["estimates"]}
    part["details"] = {spoilt["policy"]["name"]: {text: 0.5}}
    part["failures"] = [
        dict.fromkeys(("item_id", "question", "gold", "answer", "verdict", "text", "group"), text)
        | {"messages": [{"role": text, "content": [{"type": "text", "text": text}], text: text}, text, None, 3]},
        {"question": None, "messages": text, "gold": {text: [text]}},
    ]
    part["comparisons"][0]["against"] = text
    return spoilt


def test_a_report_is_three_files_and_the_same_each_time(card, folder, tmp_path) -> None:
    paths = write_report([card], tmp_path, {"seed 0": scorecards.metrics()})
    assert [p.name for p in paths] == ["report.html", "report.md", "report.json"] == [p.name for p in paths]
    assert sorted(tmp_path.iterdir()) == sorted(paths)
    for path in paths:
        assert path.read_bytes() == (folder / path.name).read_bytes()


def test_every_part_stands_with_interval_counts_chance_null_and_comparison(card, folder) -> None:
    page, markdown = Page(html_of(folder)).text, (folder / "report.md").read_text(encoding="utf-8")
    assert len(card["parts"]) >= 18
    for row in summary.rows(card):
        for told in (
            f"{row['value']:.3f}",
            f"[{row['low']:.3f}, {row['high']:.3f}]",
            f"{row['best_null']['value']:.3f}",
        ):
            assert told in page and (told in markdown or words.plain(told) in markdown)
        assert row["title"] in page and words.plain(row["title"]) in markdown
        main = row["main"]
        assert f"{main['difference']:+.3f} [{main['low']:.3f}, {main['high']:.3f}]" in page and main["against"] == "bc"
    for told in ("not for clinical use", "synthetic", "of 1,273", "f3a1c07e5b2244d1", "20 families", "medlfqa"):
        assert told in page


def test_the_page_is_balanced_loads_nothing_and_runs_nothing(folder) -> None:
    page = Page(html_of(folder))
    assert not page.tags & {"script", "link", "iframe", "object", "embed", "img", "form", "base", "video", "audio"}
    assert not [
        a for a in page.attributes if a[1].startswith("on") or a[1] in ("src", "srcset", "action", "xlink:href")
    ]
    assert all(value.startswith("#") for _, name, value in page.attributes if name == "href")
    assert "url(" not in html_of(folder) and "@import" not in html_of(folder)
    assert not re.search(r"https?://", html_of(folder))
    assert any("default-src 'none'" in (v or "") for _, n, v in page.attributes if n == "content")


def test_every_link_of_the_contents_has_its_section(folder) -> None:
    page = Page(html_of(folder))
    ids = {value for _, name, value in page.attributes if name == "id"}
    links = [value[1:] for _, name, value in page.attributes if name == "href"]
    assert len(links) >= 10 and set(links) <= ids


def test_texts_of_models_are_text(card, tmp_path) -> None:
    write_report([with_text(card, NASTY)], tmp_path)
    page = Page(html_of(tmp_path))
    assert not page.tags & {"script", "img"} and not [a for a in page.attributes if a[1].startswith("on")]
    assert page.text.count("<script>alert(1)</script>") > 10
    assert "\u202e" not in html_of(tmp_path) and "⟨U+202E⟩gnp.exe" in page.text and "⟨U+D800⟩" in page.text
    markdown = (tmp_path / "report.md").read_text(encoding="utf-8")
    assert "<script" not in markdown and "&lt;script&gt;" in markdown
    assert json.loads((tmp_path / "report.json").read_text())["scorecards"][0]["suite"] == NASTY


def test_a_text_of_100_kilobytes_is_cut_in_the_middle_and_says_so(card, tmp_path) -> None:
    long = "begin " + "word " * 20_000 + "end"
    spoilt = copy.deepcopy(card)
    spoilt["parts"] = spoilt["parts"][:1]
    spoilt["parts"][0]["failures"] = [{"question": "q", "messages": [{"role": "assistant", "content": long}]}]
    write_report([spoilt], tmp_path)
    text = Page(html_of(tmp_path)).text
    assert "characters left out here" in text and "begin word" in text and "word end" in text
    assert len(html_of(tmp_path)) < 120_000
    assert long in (tmp_path / "report.json").read_text()


@given(st.text(alphabet=st.characters(), max_size=60))
@settings(max_examples=60, deadline=None)
def test_any_text_is_escaped_and_shown(text) -> None:
    page = Page(h("p", text, title=text))
    shown = visible(text)
    assert page.text == shown and page.tags == {"p"} and page.attributes == [("p", "title", shown)]


def test_what_was_not_measured_is_not_called_good(card, tmp_path) -> None:
    bare = {**card, "parts": [p for p in card["parts"] if summary.kind_of(p["name"]) == "benchmarks"][:3]}
    for part in (bare["parts"][0],):
        part = {k: part[k] for k in ("name", "estimates")}
        bare["parts"] = [part, *bare["parts"][1:]]
    write_report([bare], tmp_path)
    page, markdown = Page(html_of(tmp_path)).text, (tmp_path / "report.md").read_text()
    assert "Nothing here says that the policy is safe" in page and "Nothing here says" in markdown
    assert "Bias was not measured" in page and "No metrics file" in page and "not compared" in page


def test_a_difference_is_called_better_only_after_correction() -> None:
    base = {"policy": "a", "against": "b", "difference": 0.1, "low": 0.05, "high": 0.15, "p": 0.01, "n": 9}
    assert [summary.verdict({**base, "p_holm": p}) for p in (0.049, 0.05)] == ["better", "not shown"]
    assert summary.verdict({**base, "difference": -0.1, "p_holm": 0.01}) == "worse"
    part = {"comparisons": [{**base, "policy": "x", "against": "champion", "p_holm": 0.01}, {**base, "p_holm": 1.0}]}
    assert summary.main_comparison(part, "champion")["difference"] == -0.1  # turned round
    rivals = [{**base, "against": name, "p_holm": 1.0} for name in ("null:x", "bc", "champion")]
    assert summary.main_comparison({"comparisons": rivals}, "a")["against"] == "champion"
    assert summary.main_comparison({"comparisons": rivals[:2]}, "a")["against"] == "bc"


def test_an_answer_that_is_not_told_is_not_called_unreadable(card, tmp_path) -> None:
    rows = [{"question": "q", "answer": None, "verdict": verdict} for verdict in ("unparsable", "wrong")]
    for row, told in zip(rows, ("nothing that could be read", "see the transcript"), strict=True):
        write_report([{**card, "parts": [{**card["parts"][0], "failures": [row]}]}], tmp_path)
        assert told in Page(html_of(tmp_path)).text


def test_calibration_and_matched_pairs_stand_with_what_could_be_seen(folder) -> None:
    text = Page(html_of(folder)).text
    for told in (
        "If calibrated",
        "0.081",
        "[0.060, 0.130]",
        "3 left out",
        "-0.020",
        "[-0.090, 0.050]",
        "0.520 → 0.500",
    ):
        assert told in text
    assert html_of(folder).count('class="point s0 bin"') == 16  # four benchmarks, four bins


def test_training_curves_are_drawn_from_the_metrics(folder) -> None:
    text = html_of(folder)
    for told in ("KL to the teacher by turn", "turn 3", "Gradient norm", "Reward, 0 to 1", "validation"):
        assert told in text
    assert text.count("<polyline") >= 15 and "nan" not in re.sub(
        r"<style>.*?</style>", "", text, flags=re.S
    ).lower().split('"')


def test_several_policies_stand_side_by_side_and_parts_of_one_are_put_together(card, tmp_path) -> None:
    halves = [{**card, "parts": card["parts"][:9]}, {**card, "parts": card["parts"][9:]}]
    assert [len(c["parts"]) for c in summary.distinct(map(checked_card, halves))] == [len(card["parts"])]
    with pytest.raises(MedGymError, match="measure the same"):
        summary.distinct([checked_card(card)] * 2)
    other = copy.deepcopy({**card, "policy": {"name": "bc", "digest": "0", "version": "2"}})
    other["protocol"]["digest"] = "another"
    write_report([card, other], tmp_path)
    text = Page(html_of(tmp_path)).text
    assert "Policies side by side" in text and "Scorecard of bc" in text and "different protocols" in text


@pytest.mark.parametrize(
    "spoil, message",
    [
        (lambda c: c.pop("policy"), "field is missing; got .*; expected policy"),
        (lambda c: c["policy"].pop("name"), "expected name"),
        (lambda c: c["parts"].append(3), "a part has the wrong type; got int"),
        (lambda c: c["parts"][2].pop("estimates"), r"parts\[2\] \(mmlu_medical\)"),
        (lambda c: c["parts"][0]["estimates"].pop("ttopd"), "the policy has no estimate"),
        (lambda c: c["parts"][0]["estimates"]["bc"].update(low="x"), "low is no number.*bc"),
        (lambda c: c["parts"][0]["comparisons"][0].pop("p_holm"), r"comparisons\[0\]"),
        (lambda c: c["parts"][0].update(failures=["x"]), r"failures\[0\]"),
        (lambda c: c["parts"][0].update(chance="a"), "chance is no number"),
        (lambda c: c["parts"][0]["calibration"]["ttopd"]["reliability"][1].pop("n"), r"reliability\[1\]"),
        (lambda c: c["parts"][-1]["bias"]["ttopd"]["rows"][2].update(gap=None), r"gap is no number.*rows\[2\]"),
        (lambda c: c["parts"][0].update(groups=[]), "groups has the wrong type"),
    ],
)
def test_a_bad_scorecard_is_refused_with_its_place(card, tmp_path, spoil, message) -> None:
    spoilt = copy.deepcopy(card)
    spoil(spoilt)
    path = tmp_path / "card.json"
    path.write_text(json.dumps(spoilt))
    with pytest.raises(MedGymError, match=message) as error:
        read_card(path)
    assert "card.json" in str(error.value)


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"policy": NaN}', "[" * 100_000])
def test_what_is_no_scorecard_is_one_clear_error(tmp_path, text) -> None:
    path = tmp_path / "card.json"
    path.write_text(text)
    with pytest.raises(MedGymError):
        read_card(path)
    with pytest.raises(MedGymError, match="not readable"):
        read_card(tmp_path / "absent.json")


def test_a_bad_line_of_metrics_is_named(tmp_path) -> None:
    path = tmp_path / "metrics.jsonl"
    path.write_text('{"step": 1, "accuracy": 0.5}\n\n{"step": "x"}\n')
    with pytest.raises(MedGymError, match="metrics.jsonl:3"):
        read_metrics(path)
    path.write_text('{"step": 1, "accuracy": 0.5}\n')
    assert read_metrics(path) == [{"step": 1, "accuracy": 0.5}]


def test_published_figures_have_a_source_and_lie_between_0_and_1(tmp_path) -> None:
    assert len(published()) >= 10 and all("et al." in row["source"] for row in published())
    keys = [(row["benchmark"], row["system"]) for row in published()]
    assert len(keys) == len(set(keys)) and {benchmark for benchmark, _ in keys} <= set(BENCHMARKS)
    bad = tmp_path / "published.toml"
    for text, told in (
        ("value = 0.9", "value = 90.2"),
        ('source = "Jin', 'origin = "Jin'),
        ("[[result]]", "[[result]"),
    ):
        bad.write_text(FILE.read_text().replace(text, told, 1))
        with pytest.raises(MedGymError, match="published.toml"):
            read_published(bad)


def test_published_figures_stand_beside_ours_with_their_protocol(folder) -> None:
    text = Page(html_of(folder)).text
    for told in ("Med-PaLM 2", "Nori et al. 2023", "0.902", "a frame, not a comparison", "one annotator"):
        assert told in text


def test_a_browser_shows_the_page_without_complaint(card, tmp_path) -> None:
    if CHROMIUM is None:
        pytest.skip("no chromium on this machine")
    write_report([with_text(card, NASTY)], tmp_path, {"seed 0": scorecards.metrics()})
    command = [CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}/profile"]
    command += ["--host-resolver-rules=MAP * ~NOTFOUND", "--enable-logging=stderr", "--window-size=390,800"]
    command += ["--virtual-time-budget=1000", "--dump-dom", f"file://{tmp_path}/report.html"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and "Evaluation of ttopd" in done.stdout
    assert not [line for line in done.stderr.splitlines() if "CONSOLE" in line]


def test_the_command_writes_the_report(card, tmp_path, capsys) -> None:
    import typer

    from pipelines.cli import report

    app = typer.Typer()
    report.add(app)
    file, run = tmp_path / "card.json", tmp_path / "seed-0" / "metrics.jsonl"
    run.parent.mkdir()
    file.write_text(json.dumps(card))
    run.write_text("\n".join(map(json.dumps, scorecards.metrics(4))))
    arguments = ["report", str(file), "--out", str(tmp_path / "out"), "--metrics", str(run), "--json"]
    typer.main.get_command(app).main(arguments, standalone_mode=False)
    files = json.loads(capsys.readouterr().out)["files"]
    assert [Path(f).name for f in files] == ["report.html", "report.md", "report.json"]
    assert "seed-0" in Path(files[0]).read_text()
