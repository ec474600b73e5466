"""What holds for every instrument: its numbers, its sources, its published worked examples."""

import itertools
import tomllib
from datetime import date
from pathlib import Path

import pytest

from medgym_core import instruments
from medgym_core.errors import MedGymError

FILES = sorted(Path(__file__).with_name("examples").glob("*.toml"))
EXAMPLES = [e for file in FILES for e in tomllib.loads(file.read_text(encoding="utf-8"))["example"]]
BY_INSTRUMENT = {e["instrument"]: e["inputs"] for e in EXAMPLES}


def bands(rule: dict) -> list:
    return rule.get("bands_below") or rule.get("bands") or []


def test_there_are_at_least_55_instruments():
    assert len(instruments.names()) >= 55


@pytest.mark.parametrize("name", instruments.names())
def test_every_instrument_has_two_published_worked_examples(name):
    sources = [e["source"] for e in EXAMPLES if e["instrument"] == name]
    assert len(sources) >= 2
    assert all(len(source) > 10 for source in sources)


@pytest.mark.parametrize("name", instruments.names())
def test_every_instrument_names_title_source_and_inputs(name):
    found = instruments.get(name)
    assert found.title and len(found.source) > 10 and found.inputs
    assert found.optional <= set(found.inputs)


@pytest.mark.parametrize("name", instruments.names())
def test_every_instrument_has_bands_or_is_a_plain_formula(name):
    found = instruments.get(name)
    outcome = found(**BY_INSTRUMENT[name])
    assert bands(found.rule) or outcome.band or not outcome.parts or found.rule.get("formula")


@pytest.mark.parametrize("name", instruments.names())
def test_bands_rise_and_cover_every_value(name):
    found = instruments.get(name)
    ends = [end for end, _ in bands(found.rule)]
    assert all(low < high for low, high in itertools.pairwise(ends))
    if ends:
        assert all(found.label(value) for value in (-1e6, *ends, 1e6))


@pytest.mark.parametrize("example", EXAMPLES, ids=[f"{e['instrument']}-{n}" for n, e in enumerate(EXAMPLES)])
def test_worked_example(example):
    found = instruments.get(example["instrument"])(**example["inputs"])
    assert found.value == pytest.approx(example["value"], abs=example.get("tolerance", 1e-9)), example["source"]
    assert "band" not in example or found.band == example["band"]
    assert "date" not in example or found.date == example["date"]


@pytest.mark.parametrize("name", instruments.names())
def test_a_missing_required_input_gives_no_value_and_is_named(name):
    found = instruments.get(name)
    for missing in set(BY_INSTRUMENT[name]) - found.optional:
        outcome = found(**{k: v for k, v in BY_INSTRUMENT[name].items() if k != missing})
        assert outcome.value is None
        assert missing in outcome.missing


@pytest.mark.parametrize("name", instruments.names())
def test_nothing_given_gives_nothing(name):
    outcome = instruments.get(name)()
    assert outcome.value is None
    assert outcome.missing or outcome.reason


@pytest.mark.parametrize("name", instruments.names())
def test_an_unknown_input_is_an_error(name):
    with pytest.raises(MedGymError, match="unknown input"):
        instruments.get(name)(shoe_size=42)


def test_an_unknown_instrument_is_an_error_with_a_suggestion():
    with pytest.raises(MedGymError, match="did you mean 'bishop'"):
        instruments.get("bishopp")


def test_a_date_is_taken_as_iso_text_or_as_a_date():
    dating = instruments.get("gestational_age")
    text = dating(last_menstrual_period="2024-01-01", on_date="2024-01-15")
    assert text.value == dating(last_menstrual_period=date(2024, 1, 1), on_date=date(2024, 1, 15)).value == 14


@pytest.mark.parametrize("text", ["01/02/2024", "2024-13-01", "yesterday", ""])
def test_what_is_not_a_date_is_refused(text):
    with pytest.raises(MedGymError, match="not a date"):
        instruments.get("naegele_due_date")(last_menstrual_period=text)
