"""Weight-based daily doses of psychiatric drugs for children and adolescents, from `facts/dosing.toml`."""

from typing import Any

from medgym_core import facts
from medgym_core.domains.psychiatry.scales import DOMAIN
from medgym_core.tools import number


def purposes(drug: str) -> list[str]:
    """The doses the label gives: starting, target, maximum and the like."""
    return [name for name, value in _entry(drug).items() if isinstance(value, dict) and "mg_per_kg" in value]


def daily_mg(drug: str, purpose: str, weight_kg: float, liver: str = "") -> float:
    """The daily dose in mg; `liver` is a Child-Pugh class that the label names, or nothing."""
    entry = _entry(drug)
    dose = entry[purpose]
    by_weight = dose["mg_per_kg"] * weight_kg
    usual = dose["above"] if "above" in dose and weight_kg > entry["up_to_kg"] else by_weight
    share = entry["liver"][liver] if liver and purpose in entry.get("liver_for", []) else 1.0
    return round(min(usual, dose.get("most", usual)) * share, 2)


def told(drug: str) -> dict[str, str] | None:
    """The label's doses in words, or None for a drug that is not in the table."""
    if drug not in facts.load(DOMAIN, "dosing"):
        return None
    entry = _entry(drug)
    found = {name: _words(entry, entry[name]) for name in purposes(drug)}
    liver = [f"{grade}: {number(100 * share)} % of {' and '.join(entry['liver_for'])} dose" for grade, share in
             entry.get("liver", {}).items()]  # fmt: skip
    return found | ({"liver": ", ".join(liver)} if liver else {})


def _words(entry: dict[str, Any], dose: dict[str, float]) -> str:
    limit = f" up to {entry['up_to_kg']} kg, {number(dose['above'])} mg above" if "above" in dose else ""
    most = f", at most {number(dose['most'])} mg a day" if "most" in dose else ""
    return f"{number(dose['mg_per_kg'])} mg/kg a day{limit}{most}"


def _entry(drug: str) -> dict[str, Any]:
    return facts.load(DOMAIN, "dosing")[drug]
