"""Treatment tools: guidelines, conditions, drug safety on this chart, monitoring, and what changes the episode
(prescriptions, orders, observation, detention)."""

from typing import Literal

from medgym_core import facts
from medgym_core.domains.drug_interaction.lookup import check_interaction
from medgym_core.domains.psychiatry import dosing, judging, safety
from medgym_core.domains.psychiatry.looking import shown
from medgym_core.domains.psychiatry.scales import DOMAIN, rule
from medgym_core.errors import unknown_name
from medgym_core.tools import NOT_AVAILABLE, NOT_IN_DATABASE, ToolError, World, tool


def guideline(condition: str) -> dict | None:
    """The guideline entry for a condition or topic, or None."""
    known, wanted = facts.load(DOMAIN, "guidelines"), condition.strip()
    entry = known.get(wanted) or known.get(wanted.lower())
    return entry or next((g for g in known.values() if wanted in g.get("conditions", [])), None)


@tool("read", static=True)
def get_dose_rule(world: World, drug: str) -> dict:
    """Daily doses by the label for children and adolescents: by body weight, with its limits.

    Args:
        drug: The drug.
    """
    return dosing.told(drug.strip().lower()) or {drug: NOT_IN_DATABASE}


@tool("read", static=True)
def review_treatment_guidelines(world: World, condition: str) -> dict:
    """First-line treatment, next step and safety advice of the guideline for a condition.

    Args:
        condition: Condition or topic, such as acute mania.
    """
    entry = guideline(condition)
    if entry is None:
        return {condition: NOT_IN_DATABASE}
    return {"guideline": entry["title"]} | {k: entry[k] for k in ("first_line", "next_step", "safety") if k in entry}


@tool("read", static=True)
def get_condition_facts(world: World, condition: str) -> dict:
    """DSM-5-TR name, ICD-10-CM code, first-line treatment and what to avoid for a condition.

    Args:
        condition: Name of the condition, such as bipolar II disorder.
    """
    entry = facts.load(DOMAIN, "conditions").get(condition.strip())
    if entry is None:
        return {condition: NOT_IN_DATABASE}
    return {"name": entry["title"], "code": entry["icd10"], "first_line": entry["first_line"], "avoid": entry["avoid"]}


@tool("read", static=True)
def check_drug_interactions(world: World, drug_a: str, drug_b: str) -> dict:
    """Severity, mechanism and management of the interaction of two drugs.

    Args:
        drug_a: One drug.
        drug_b: The other drug.
    """
    return check_interaction(world, drug_a=drug_a, drug_b=drug_b)


@tool("read", static=True)
def get_drug_monitoring(world: World, drug: str) -> dict:
    """What to check before and during treatment with a psychiatric drug.

    Args:
        drug: The drug.
    """
    entry = facts.load(DOMAIN, "monitoring").get(drug.strip().lower())
    return {drug: NOT_IN_DATABASE} if entry is None else {k: entry[k] for k in ("before", "during", "source")}


@tool("read")
def check_contraindications(world: World, drug: str) -> dict:
    """Whether label, guideline or interaction tables forbid a psychiatric drug on this chart, and on what ground.

    Args:
        drug: The drug to be started.
    """
    name = safety.named(drug)
    if name is None:
        return {drug: NOT_IN_DATABASE}
    found, missing = safety.problems(name, world), safety.unknowns(name, world)
    if found:
        worst = found[0]
        return {name: worst.verdict, "ground": worst.ground, "why": worst.why}
    if missing:
        return {name: NOT_AVAILABLE, "missing": ", ".join(missing)}
    open_pairs = safety.unlisted(name, world)
    return {name: "no listed contraindication"} | ({"pairs_not_listed": ", ".join(open_pairs)} if open_pairs else {})


@tool("read")
def monitor_lithium(world: World) -> dict:
    """Lithium level with hours after the dose, signs of toxicity, eGFR, and drugs that raise the level."""
    rate = judging.egfr(world)
    hours = world.finding("hours_after_dose")
    return {
        "lithium": shown(world.lab("lithium")),
        "hours_after_dose": f"{hours} h" if hours else NOT_AVAILABLE,
        "toxic_signs": world.finding("toxic_signs") or NOT_AVAILABLE,
        "egfr": NOT_AVAILABLE if rate is None else f"{rate} mL/min",
        "raising_level": ", ".join(judging.raising_lithium(world)) or "none listed",
    }


@tool("read")
def monitor_clozapine(world: World) -> dict:
    """Neutrophil count with weeks of clozapine, baseline type, chest symptoms and troponin."""
    benign = "benign ethnic neutropenia" in world.chart.conditions
    return {
        "neutrophils": shown(world.lab("neutrophils")),
        "weeks": world.finding("weeks_on_clozapine") or NOT_AVAILABLE,
        "baseline": "benign ethnic neutropenia" if benign else "general population",
        "chest_symptoms": world.finding("chest_symptoms") or NOT_AVAILABLE,
        "troponin": shown(world.lab("troponin")),
    }


@tool("write")
def order_lab(world: World, test: str) -> dict:
    """Order a blood test; read it later with get_test_results.

    Args:
        test: Such as lithium, neutrophils, creatinine, glucose or troponin.
    """
    name, known = test.strip().lower().replace(" ", "_"), facts.load(DOMAIN, "tests")
    if name not in known:
        raise ToolError(str(unknown_name("test", name, known)))
    order = world.place(name, known[name]["minutes"])
    world.written.append({"ordered": name})
    return {"ordered": name, "ready_in": f"{order.due - world.minutes} min"}


@tool("write")
def prescribe_medication(world: World, drug: str, dose: str = "") -> dict:
    """Start a drug for the patient.

    Args:
        drug: The drug.
        dose: Dose and frequency, if decided.
    """
    name = _drug(drug)
    world.written.append({"prescribed": name, "dose": dose})
    return {"prescribed": f"{name} {dose}".strip()}


@tool("write")
def stop_medication(world: World, drug: str) -> dict:
    """Stop one of the patient's drugs; of a drug that is not on the list nothing is stopped.

    Args:
        drug: A drug on the patient's list.
    """
    name = _drug(drug)
    if name not in [m.drug for m in world.chart.medications]:
        return {name: "not a current drug, nothing stopped"}
    world.written.append({"stopped": name})
    return {"stopped": name}


@tool("write")
def set_observation_level(world: World, level: Literal["routine", "every 15 minutes", "constant"]) -> dict:
    """Set how closely nursing observes the patient.

    Args:
        level: routine, every 15 minutes or constant.
    """
    world.written.append({"observation": level})
    return {"observation": level}


@tool("write")
def place_involuntary_hold(world: World, ground: str) -> dict:
    """Detain the patient for evaluation on one ground of the model law.

    Args:
        ground: danger to self, danger to others or grave deterioration.
    """
    grounds = [o.removeprefix("hold for ") for o in rule("hold")["outcomes"] if o.startswith("hold for ")]
    name = ground.strip().lower()
    if name not in grounds:
        raise ToolError(str(unknown_name("ground", name, grounds)))
    world.written.append({"hold": name})
    return {"hold": name}


@tool("submit", static=True)
def submit_assessment(
    world: World, diagnosis: str, risk_level: str = "", treatment_plan: str = "", disposition: str = "",
    evidence: str = "",
) -> dict:  # fmt: skip
    """Commit to a structured assessment and end the episode.

    Args:
        diagnosis: The diagnosis, or the severity asked for.
        risk_level: none, low, moderate or high, where asked.
        treatment_plan: The treatment, where asked.
        disposition: Where the patient goes or what happens next, where asked.
        evidence: The findings that decided, as shown by the tools, separated by semicolons.
    """
    told = {"diagnosis": diagnosis, "risk_level": risk_level, "treatment_plan": treatment_plan}
    world.written.append(told | {"disposition": disposition, "evidence": evidence})
    return {"submitted": diagnosis}


def _drug(drug: str) -> str:
    name = safety.named(drug)
    if name is None:
        raise ToolError("unknown drug", got=repr(drug), expected="a drug of the database")
    return name
