"""What the drug questions of both data sets share: spellings of routes, and which names make a list."""

from collections.abc import Sequence
from random import Random

from evaluation.benchmarks.record_questions import Draft, Stay
from medgym_core.text import tokens

MOST_NAMES = 6  # names a list asks for
ROUTES = (
    ("IV", "intravenous", "intraven", "intravenously"), ("PO", "oral", "orally", "by mouth"),
    ("SC", "subcutaneous", "subcutan", "subcut", "subq"), ("PR", "rectal", "rect", "rectally"), ("IM", "intramuscular"),
    ("IH", "inhalation", "inh", "inhaled"), ("SL", "sublingual"), ("TD", "transdermal"), ("TP", "topical", "top"),
    ("NG", "nasogastric", "ngt"),
)  # fmt: skip
"""Spellings of a route in the files; what the abbreviations stand for: HL7 version 2, table 0162."""
TELLING = frozenset(
    "tab tabs tablet tablets tbec chew cap caps capsule capsules supp supps suppository patch inj injection ij vial "
    "ivpb syr syringe soln solution cream oint ointment gel inhaler mdi neb nebu inhalation oral rectal topical iv po "
    "sc im pr re sl td tp ng".split()
)
"""Words in the name of a drug that tell its route; such a drug's route needs no record."""


def route_question(stay: Stay, rng: Random, table: str, given: Sequence[tuple[str, str]]) -> Draft | None:
    """The one route of a drug, from (drug, route) by row of `table`; only routes whose spellings are known."""
    rows: dict[str, list[int]] = {}
    for i, (drug, _) in enumerate(given):
        rows.setdefault(drug, []).append(i)
    choices = []
    for drug in sorted(name for name in rows if name and not TELLING & set(tokens(name))):
        groups = {route_group(given[i][1]) for i in rows[drug]}
        if len(groups) == 1 and () not in groups:
            choices.append((drug, groups.pop()))
    if not choices:
        return None
    route = rng.choice(sorted({group for _, group in choices}))  # routes in equal shares: most drugs go into a vein
    drug = rng.choice([name for name, group in choices if group == route])
    asked = f"By which route was {drug} prescribed in {stay.name}?"
    return Draft("short", asked, given[rows[drug][0]][1], {table: frozenset(rows[drug])}, accepted=route)


def route_group(route: str) -> tuple[str, ...]:
    """The spellings of a route; none for one that is not in the list."""
    said = route.strip().casefold()
    return next((group for group in ROUTES if said in {name.casefold() for name in group}), ())


def listable(names: Sequence[str]) -> bool:
    """Whether the names make a short list that can be read back: none holds a separator."""
    return 0 < len(names) <= MOST_NAMES and not any(mark in name for name in names for mark in ",;\n")
