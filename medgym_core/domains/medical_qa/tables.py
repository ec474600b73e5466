"""The domain's sourced tables as typed facts, and the rules that its tools and its cases share.

A `Fact` is one relation of one entity (`first-line treatment of anaphylaxis` is `adrenaline`). Every fact is one
passage of the knowledge base: its title is the relation with the entity, its first sentence `<title>: <answer>.`
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

from medgym_core import facts
from medgym_core.text import normal
from medgym_core.types import Chart, Struct

DOMAIN = "medical_qa"
NOT_RECORDED = "not recorded"
FERTILE_AGES = range(12, 55)  # a woman of these ages may be pregnant; outside, pregnancy status is not asked for
ADULT = 18


@dataclass(frozen=True, slots=True)
class Relation:
    """What a table says of its entities."""

    key: str
    """Short name, as the overview shows it."""
    ask: str
    """The relation with `{}` for the entity."""
    stem: str = ""
    """The relation alone, where an answer leads back to one entity."""


RELATIONS: dict[str, Relation] = {
    "treatments": Relation("treatment", "first-line treatment of {}"),
    "tests": Relation("test", "key test for {}"),
    "organisms": Relation("pathogen", "usual pathogen in {}", "usual pathogen"),
    "antidotes": Relation("antidote", "antidote for {}", "antidote"),
    "vitamins": Relation("deficiency", "lacking nutrient in {}", "lacking nutrient"),
    "genes": Relation("gene", "gene symbol of {}", "gene symbol"),
    "enzymes": Relation("enzyme", "deficient enzyme in {}", "deficient enzyme"),
    "antibodies": Relation("antibody", "marker antibody of {}", "marker antibody"),
    "nerves": Relation("nerve", "injured nerve in {}", "injured nerve"),
    "class": Relation("class", "drug class of {}"),
    "target": Relation("target", "molecular target of {}"),
    "adverse": Relation("adverse effect", "hallmark adverse effect of {}"),
}
CONDITION_TABLES = tuple(RELATIONS)[:9]


class Fact(Struct, frozen=True):
    """One answerable statement."""

    relation: str
    """Key of RELATIONS."""
    of: str
    answer: str
    source: str
    kind: str = ""
    """Answers of one kind can stand beside each other as options."""
    also: list[str] = []
    """Other right names of the answer."""
    details: dict[str, str] = {}

    @property
    def ask(self) -> str:
        """Such as `first-line treatment of anaphylaxis`."""
        return RELATIONS[self.relation].ask.format(self.of)

    @property
    def title(self) -> str:
        """Title of the fact's passage."""
        return self.ask[0].upper() + self.ask[1:]

    @property
    def family(self) -> str:
        return f"{self.relation}:{self.of}"


class Hazard(Struct, frozen=True):
    """A listed contraindication of a drug."""

    drug: str
    feature: str
    """Such as `pregnancy`, `penicillin allergy` or a condition."""
    severity: int
    source: str


class Choice(Struct, frozen=True):
    """The usual drug of a condition and its replacement in patients with the feature `when`."""

    of: str
    usual: str
    alternative: str
    when: str
    severity: int
    kind: str
    source: str
    avoid: list[str] = []
    sex: str = ""
    ages: tuple[int, int] = (20, 75)
    gestation_weeks: int = 0


class Limits(Struct, frozen=True):
    """Reference limits that apply to one patient."""

    group: str
    low: float | None
    high: float | None
    unit: str


def table(name: str) -> dict[str, dict[str, Any]]:
    return facts.load(DOMAIN, name)


@cache
def all_facts() -> tuple[Fact, ...]:
    """Every fact, in table order."""
    found = [
        Fact(name, e["of"], e["is"], e["source"], e["kind"], e.get("also", []), e.get("details", {}))
        for name in CONDITION_TABLES
        for e in table(name).values()
    ]
    for drug in table("drugs").values():
        found.append(Fact("class", drug["name"], drug["class"], drug["source"], "class"))
        for relation, field in (("target", "target"), ("adverse", "adverse_effect")):
            if field in drug:
                first, *also = drug[field]
                found.append(Fact(relation, drug["name"], first, drug["source"], relation, also))
    return tuple(found)


def facts_of(entity: str) -> list[Fact]:
    """What the condition tables say of an entity; empty when it is in none."""
    return _by_entity().get(normal(entity), [])


@cache
def _by_entity() -> dict[str, list[Fact]]:
    found: dict[str, list[Fact]] = {}
    for fact in all_facts():
        if fact.relation in CONDITION_TABLES:
            found.setdefault(normal(fact.of), []).append(fact)
    return found


def named(entries: str, name: str, key: str = "name") -> dict[str, Any] | None:
    """The entry of the table `entries` with that name or other name, compared in normal form."""
    return _by_name(entries, key).get(normal(name))


@cache
def _by_name(entries: str, key: str) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for entry in table(entries).values():
        for name in (entry[key], *entry.get("also", [])):
            found.setdefault(normal(name), entry)
    return found


@cache
def choices_for() -> dict[str, list[Choice]]:
    """Drug choices by the normal form of their condition."""
    found: dict[str, list[Choice]] = {}
    for choice in choices():
        found.setdefault(normal(choice.of), []).append(choice)
    return found


@cache
def choices() -> tuple[Choice, ...]:
    import msgspec

    return tuple(msgspec.convert(e, Choice) for e in table("choices").values())


@cache
def hazards() -> tuple[Hazard, ...]:
    return tuple(
        Hazard(e["name"], e["contraindication"], e["severity"], e["contraindication_source"])
        for e in table("drugs").values()
        if "contraindication" in e
    )


class Dose(Struct, frozen=True):
    """A dose by body weight."""

    name: str
    of: str
    """What it is given for, and how."""
    mg_per_kg: float
    ages: tuple[int, int]
    severity: int
    """Harm of a multiple of it."""
    source: str
    max_mg: float | None = None
    under: int = 3
    """Harm of too little of it."""
    ceiling: bool = False
    """A largest dose: less is not too low."""

    @property
    def rule(self) -> dict[str, str]:
        """As the table shows it."""
        shown = {"dose": f"{self.mg_per_kg:g} mg/kg"}
        return shown | ({"maximum": f"{self.max_mg:g} mg"} if self.max_mg else {})

    def mg(self, weight_kg: float) -> float:
        """The dose of a patient of that weight."""
        dose = self.mg_per_kg * weight_kg
        return min(dose, self.max_mg) if self.max_mg else dose


@cache
def doses() -> tuple[Dose, ...]:
    import msgspec

    return tuple(msgspec.convert(e, Dose) for e in table("doses").values())


def may_be_pregnant(chart: Chart) -> bool:
    return chart.sex == "female" and chart.age in FERTILE_AGES


def state(chart: Chart, feature: str) -> str:
    """Whether the patient has the feature: `yes`, `no`, or the status that is `not recorded`."""
    if feature == "pregnancy":
        if not may_be_pregnant(chart):
            return "no"
        return NOT_RECORDED if chart.pregnant is None else "yes" if chart.pregnant else "no"
    if feature.endswith(" allergy"):
        if chart.allergies is None:
            return NOT_RECORDED
        return _yes_if(any(name in a for a in chart.allergies for name in names_of(feature)))
    if feature.endswith(" treatment"):
        return _yes_if(any(name in m.drug for m in chart.medications for name in names_of(feature)))
    return _yes_if(any(name in chart.conditions for name in names_of(feature)))


def names_of(feature: str) -> list[str]:
    """What a record may call the feature: itself (an allergy or treatment by its drug), and what is the same."""
    plain = feature.removesuffix(" allergy").removesuffix(" treatment")
    return [plain, *table("same_as").get(feature, {}).get("is", [])]


def _yes_if(found: bool) -> str:
    return "yes" if found else "no"


def status_name(feature: str) -> str:
    """What has to be recorded to judge the feature: `pregnancy status` or `allergy status`."""
    return "pregnancy status" if feature == "pregnancy" else "allergy status"


def suitability(feature: str, chart: Chart) -> str:
    """Verdict on a drug contraindicated by `feature` in this patient; unknown is not safe."""
    found = state(chart, feature)
    if found == NOT_RECORDED:
        return f"insufficient: {status_name(feature)}"
    return "contraindicated" if found == "yes" else "no listed contraindication"


def limits(entry: dict[str, Any], chart: Chart) -> Limits | str:
    """The reference limits of a test for this patient, or what is missing to choose them.

    Sources stand with the entries; age rules: D-dimer (Righini, JAMA 2014), sedimentation rate (Miller, BMJ 1983).
    """
    if chart.age < ADULT:
        return "range for children"
    group = "any" if "any" in entry else "men" if chart.sex == "male" else "women"
    if group == "women" and may_be_pregnant(chart):
        if chart.pregnant is None and "pregnant" in entry:
            return "pregnancy status"
        group = "pregnant" if chart.pregnant else "women"
    if group not in entry:
        return "range in pregnancy"
    row = entry[group]
    high = row.get("high")
    if "high_per_year" in row:
        high = max(row["high_per_year"] * chart.age + row.get("high_offset", 0.0), row.get("high_at_least", 0.0))
    return Limits("adults" if group == "any" else group, row.get("low"), high, entry["unit"])


def rounded(entry: dict[str, Any], value: float) -> float:
    """A result to the precision of the test's limits: two decimals for pH, one where a limit is small, else whole."""
    rows = [entry[group] for group in ("any", "men", "women", "pregnant") if group in entry]
    ends = [row[side] for row in rows for side in ("low", "high") if side in row]
    return round(value, 2 if 7.35 in ends else 1 if any(v % 1 or v < 20 for v in ends) else 0)


def band(value: float, found: Limits) -> str:
    """low, normal or high."""
    if found.low is not None and value < found.low:
        return "low"
    return "high" if found.high is not None and value > found.high else "normal"


def matched(findings: str) -> list[tuple[str, int, int]]:
    """(condition, findings matched, findings listed) of every pattern with a match, best first, then in table order."""
    said = normal(findings)
    counted = [(of, sum(f in said for f in listed), len(listed)) for of, listed in _patterns()]
    return sorted((c for c in counted if c[1]), key=lambda c: -c[1])


@cache
def _patterns() -> list[tuple[str, list[str]]]:
    return [(e["of"], [normal(f) for f in e["findings"]]) for e in table("patterns").values()]
