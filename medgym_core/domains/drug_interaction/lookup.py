"""Look-ups that do not depend on the patient: pairs, drugs, classes, metabolism, kinetics, food, equal doses."""

from functools import cache
from typing import Literal

from medgym_core.domains.drug_interaction import regimens, rules
from medgym_core.domains.drug_interaction.rules import resolve, table
from medgym_core.text import normal
from medgym_core.tools import NOT_IN_DATABASE, ToolError, World, number, tool


def pair(drug_a: str, drug_b: str) -> tuple[str, rules.Interaction | None]:
    """The pair's names and its listed interaction, if any. Raises ToolError for the same drug twice."""
    a, b = resolve(drug_a), resolve(drug_b)
    if a is not None and a == b:
        raise ToolError("the same drug twice", got=a, expected="two drugs")
    return " + ".join(sorted((a or drug_a, b or drug_b))), rules.interaction(a, b) if a and b else None


def entry_of(name: str, drug: str) -> tuple[str, dict | None]:
    """The drug's name and its entry in the table `name`, or None."""
    found = resolve(drug)
    return found or drug, table(name).get(found or "")


@tool("read", static=True)
def check_interaction(world: World, drug_a: str, drug_b: str) -> dict:
    """Severity, mechanism and management of the interaction of two drugs.

    Args:
        drug_a: One drug.
        drug_b: The other drug.
    """
    names, found = pair(drug_a, drug_b)
    if found is None:
        return {names: NOT_IN_DATABASE}
    return {names: found.severity, "mechanism": found.mechanism, "management": found.management}


@tool("read", static=True)
def calculate_interaction_severity_score(world: World, drug_a: str, drug_b: str) -> dict:
    """The severity of an interaction as a number: minor 1, moderate 2, major 3, contraindicated 4.

    A pair that is not in the database has no score: unknown is not 0.

    Args:
        drug_a: One drug.
        drug_b: The other drug.
    """
    names, found = pair(drug_a, drug_b)
    if found is None:
        return {names: NOT_IN_DATABASE}
    return {names: rules.severity_score(found.severity), "severity": found.severity, "scale": "1 minor to 4"}


@tool("read", static=True)
def get_drug_info(world: World, drug: str) -> dict:
    """Class, mechanism of action and main use of a drug.

    Args:
        drug: Generic or brand name.
    """
    name, entry = entry_of("drugs", drug)
    if entry is None:
        return {drug: NOT_IN_DATABASE}
    shown = {"drug": name, "class": entry["class"], "mechanism": rules.mechanism(name), "use": entry["use"]}
    return shown | ({"rxcui": entry["rxcui"]} if "rxcui" in entry else {}) | {"source": entry["source"]}


@cache
def _classes() -> dict[str, list[str]]:
    return {normal(c): drugs for c, drugs in rules.by_class().items()}


@tool("read", static=True)
def search_drugs_by_class(world: World, drug_class: str) -> dict:
    """Drugs of a class in the database.

    Args:
        drug_class: The class, such as statin.
    """
    return {"drugs": ", ".join(_classes().get(normal(drug_class), [])) or NOT_IN_DATABASE}


def _roles(table: str, drug: str) -> dict:
    """Everything a table says about a drug, its source left out."""
    name, entry = entry_of(table, drug)
    if entry is None:
        return {name: NOT_IN_DATABASE}
    return {"drug": name} | {k.replace("_", " "): v for k, v in entry.items() if k != "source"}


@tool("read", static=True)
def check_cyp450_metabolism(world: World, drug: str) -> dict:
    """Cytochrome P450 roles of a drug, or how it leaves where these enzymes hardly touch it.

    Args:
        drug: The drug.
    """
    return _roles("cyp", drug)


@tool("read", static=True)
def check_transporters(world: World, drug: str) -> dict:
    """Transporter roles of a drug: P-gp, BCRP, OATP1B1, OATP1B3, OAT, OCT2, MATE.

    Args:
        drug: The drug.
    """
    return _roles("transporters", drug)


@tool("read", static=True)
def get_pharmacokinetics(world: World, drug: str) -> dict:
    """Half-life, route of elimination and protein binding of a drug.

    Args:
        drug: The drug.
    """
    return _roles("pharmacokinetics", drug)


@tool("read", static=True)
def check_food_interactions(world: World, drug: str) -> dict:
    """Food and drink that matter with a drug.

    Args:
        drug: The drug.
    """
    name, entry = entry_of("food", drug)
    return {name: NOT_IN_DATABASE} if entry is None else {name: entry["food"], "advice": entry["advice"]}


@tool("read", static=True)
def calculate_hepatic_dose_adjustment(world: World, drug: str, child_pugh: Literal["A", "B", "C"]) -> dict:
    """Whether liver function changes the dose of a drug: no change, reduce, avoid, monitor or not studied.

    Args:
        drug: The drug to dose.
        child_pugh: The Child-Pugh class.
    """
    name, entry = entry_of("hepatic", drug)
    found = regimens.hepatic_dose(name, child_pugh) if entry else None
    if found is None:
        return {name: NOT_IN_DATABASE, "child-pugh": child_pugh}
    return {name: found[0], "dose": found[1], "child-pugh": child_pugh}


@tool("read", static=True)
def calculate_steroid_equivalent(world: World, drug: str, dose_mg: float, target: str) -> dict:
    """The dose of another corticosteroid with the same anti-inflammatory effect.

    Args:
        drug: The corticosteroid taken.
        dose_mg: Its dose in mg, above 0.
        target: The corticosteroid wanted.
    """
    (name, entry), (other, wanted) = entry_of("steroids", drug), entry_of("steroids", target)
    if entry is None or wanted is None:
        return {name if entry is None else other: NOT_IN_DATABASE}
    if not 0 < dose_mg < float("inf"):
        raise ToolError("not a dose", got=dose_mg, expected="milligrams above 0")
    return {other: f"{number(regimens.steroid_equivalent(name, dose_mg, other))} mg", name: f"{number(dose_mg)} mg"}
