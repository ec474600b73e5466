"""The domain's fact tables as look-ups: conditions, tests, regions, guidelines, and names in any writing.

Everything is resolved once a process; a name that is not in the tables gives None, never a guess.
"""

from functools import cache
from typing import Any

from medgym_core import facts
from medgym_core.text import normal
from medgym_core.types import Chart

DOMAIN = "clinical_diagnosis"
SYSTEMS = (
    "cardiology", "pulmonology", "gastroenterology", "nephrology", "endocrine", "hematology", "infectious",
    "neurology", "rheumatology", "pediatrics", "toxicology",
)  # fmt: skip
FERTILE = range(12, 52)
"""Years in which a woman's pregnancy status matters before imaging and prescribing."""


def table(name: str) -> dict[str, dict[str, Any]]:
    """The facts of one table of this domain."""
    return facts.load(DOMAIN, name)


@cache
def conditions() -> dict[str, dict[str, Any]]:
    """All conditions, system by system; each entry knows its `system`."""
    return {k: e | {"system": s} for s in SYSTEMS for k, e in table(f"conditions_{s}").items()}


@cache
def _condition_names() -> dict[str, str]:
    found: dict[str, str] = {}
    for key, e in conditions().items():
        for name in (e["title"], key, *e.get("also", [])):
            found.setdefault(normal(name), key)
    return found


def condition_of(name: str) -> str | None:
    """The key of the condition of that name (title, abbreviation or key), or None."""
    return _condition_names().get(normal(name))


def tests() -> dict[str, dict[str, Any]]:
    return table("tests")


@cache
def _test_names() -> dict[str, str]:
    return {normal(n): t for t, e in tests().items() for n in (*e.get("aliases", []), t)}


def test_of(name: str) -> str | None:
    """The test of that name or alias, or None."""
    return _test_names().get(normal(name))


@cache
def of_kind(kind: str) -> frozenset[str]:
    """Names of the tests of a kind: lab, imaging, ecg, procedure."""
    return frozenset(t for t, e in tests().items() if e["kind"] == kind)


@cache
def shown_labs() -> frozenset[str]:
    """Laboratory tests that report words."""
    return frozenset(t for t in of_kind("lab") if "normal" in tests()[t])


def regions() -> dict[str, dict[str, Any]]:
    return table("exam")


def exam_name(region: str) -> str:
    """Where a region's finding stands among the observations of a chart."""
    return f"exam_{region}"


@cache
def guideline_of(key: str) -> str | None:
    """The guideline that speaks of a condition (its key), or None."""
    return next((g for g, e in table("guidelines").items() if key in e["conditions"]), None)


@cache
def specialties() -> tuple[str, ...]:
    return tuple(sorted({e["specialty"] for e in conditions().values()}))


def said_of(illness: str) -> list[str]:
    """Other ways of naming an illness that forbids a drug."""
    return [name for e in table("cautions").values() if e["condition"] == illness for name in e.get("said", [])]


def fits(entry: dict[str, Any], chart: Chart) -> bool:
    """Whether the patient is of the age and sex in which the condition is met."""
    low, high = entry["ages"]
    return low <= chart.age <= high and entry.get("sex", chart.sex) == chart.sex
