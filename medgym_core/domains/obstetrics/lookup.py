"""Look-ups in sourced tables: protocols, conditions, contraception categories, and drugs in pregnancy and lactation."""

from functools import cache

from medgym_core.domains.drug_interaction import rules as pharmacy
from medgym_core.domains.obstetrics.patients import dated
from medgym_core.domains.obstetrics.rules import table, trimester
from medgym_core.errors import unknown_name
from medgym_core.text import normal
from medgym_core.tools import NOT_AVAILABLE, NOT_IN_DATABASE, ToolError, World, tool
from medgym_core.types import Chart


@cache
def protocols() -> dict[str, dict]:
    """Protocols by name in normal form."""
    return {normal(name): {"protocol": name} | entry for name, entry in table("protocols").items()}


def protocol(name: str) -> dict:
    """One protocol. Raises ToolError naming those there are."""
    found = protocols().get(normal(name))
    if found is None:
        raise ToolError(str(unknown_name("protocol", name, table("protocols"))))
    return found


@tool("read", static=True)
def check_ob_protocol(world: World, protocol_name: str) -> dict:
    """Criteria, first steps and target of a protocol.

    Args:
        protocol_name: Such as postpartum hemorrhage, eclampsia, GBS prophylaxis or magnesium sulfate.
    """
    entry = protocol(protocol_name)
    return {k: entry[k] for k in ("criteria", "first", "target")}


@cache
def conditions() -> dict[str, dict]:
    """Conditions by key: of pregnancy, birth and gynaecology."""
    return table("conditions_pregnancy") | table("conditions_birth") | table("conditions_gyn")


@cache
def _condition_names() -> dict[str, str]:
    return {normal(n): key for key, e in conditions().items() for n in (e["title"], *e.get("aliases", []))}


@tool("read", static=True)
def check_condition(world: World, condition: str) -> dict:
    """ICD-10-CM code, definition, management and contraindications of a condition.

    Args:
        condition: Such as placenta previa or ovarian torsion.
    """
    key = _condition_names().get(normal(condition))
    if key is None:
        return {condition: NOT_IN_DATABASE}
    entry = conditions()[key]
    return {entry["title"]: entry["icd10"]} | {k: entry[k] for k in ("words", "management", "contraindications")}


@tool("read", static=True)
def check_contraception_category(world: World, condition: str) -> dict:
    """US MEC category (1 to 4) of combined hormonal contraception for one condition.

    Args:
        condition: Such as migraine with aura or varicose veins.
    """
    wanted = normal(condition)
    name = _contraception().get(wanted)
    if name is not None:
        return {name: f"category {table('contraception')[name]['category']}"}
    words = set(wanted.split())
    near = [n for listed, n in _contraception().items() if not words.isdisjoint(listed.split())]
    return {condition: NOT_IN_DATABASE, "listed": ", ".join(near or table("contraception"))}


@cache
def _contraception() -> dict[str, str]:
    """Conditions of the eligibility criteria in normal form, to their name."""
    return {normal(n): n for n in table("contraception")}


@tool("read")
def check_medication_safety(world: World, drug_name: str, trimester: int = 0) -> dict:
    """What the label says about a drug in pregnancy (or while breastfeeding, after birth), for this woman.

    Args:
        drug_name: Generic or brand name.
        trimester: 1 to 3; 0 takes it from her gestation.
    """
    if trimester not in (0, 1, 2, 3):
        raise ToolError("no such trimester", got=trimester, expected="0, 1, 2 or 3")
    c, drug = world.chart, pharmacy.resolve(drug_name)
    if c.pregnant:
        entry = pharmacy.table("pregnancy").get(drug or "")
        if entry is None:
            return {drug or drug_name: NOT_IN_DATABASE}
        return {drug: entry["advice"], "reason": entry["reason"]} | _stands(c, trimester)
    if "time_after_birth" in c.observations:
        entry = pharmacy.table("lactation").get(drug or "")
        return {drug or drug_name: NOT_IN_DATABASE} if entry is None else {drug: entry["advice"]} | _reason(entry)
    return {drug or drug_name: NOT_AVAILABLE, "missing": "pregnancy status" if c.pregnant is None else "not pregnant"}


def _stands(chart: Chart, wanted: int) -> dict[str, str]:
    if wanted:
        return {"trimester": str(wanted)}
    if chart.gestation_days is None:
        return {"trimester": NOT_AVAILABLE}
    return {"trimester": str(trimester(chart.gestation_days)), "gestation": dated(chart)}


def _reason(entry: dict) -> dict[str, str]:
    return {"reason": entry["reason"]} if "reason" in entry else {}
