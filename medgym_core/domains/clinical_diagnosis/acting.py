"""Tools that change the episode: prescriptions, stopped drugs, diagnoses, notes, referrals."""

from typing import Literal

from medgym_core.domains.clinical_diagnosis import safety, tables
from medgym_core.domains.drug_interaction import rules
from medgym_core.errors import unknown_name
from medgym_core.tools import NOT_AVAILABLE, NOT_IN_DATABASE, ToolError, World, tool

MOST_REASONS = 3


@tool("read")
def check_contraindications(world: World, drug_name: str) -> dict:
    """What on this patient's chart speaks against a drug: allergy, interaction, pregnancy, kidney, illness.

    Args:
        drug_name: Generic or brand name.
    """
    drug = rules.resolve(drug_name)
    if drug is None:
        return {drug_name: NOT_IN_DATABASE}
    found = safety.check(world, drug)
    return {drug: "contraindicated" if found.barriers else "no listed contraindication"} | reasons(found)


def reasons(found: safety.Check) -> dict[str, str]:
    """Barriers and unknown inputs as lines of an observation."""
    shown = {b.kind: f"{b.what}, {b.why}" for b in found.barriers[:MOST_REASONS]}
    return shown | ({NOT_AVAILABLE: ", ".join(found.unknown)} if found.unknown else {})


@tool("write")
def prescribe_medication(
    world: World, drug_name: str, dosage: str = "", frequency: str = "", route: str = "oral", override: bool = False
) -> dict:
    """Prescribe a drug. With a conflict (allergy, interaction, duplicate, ...) the order is held until overridden.

    Args:
        drug_name: Generic or brand name.
        dosage: Such as 500 mg.
        frequency: Such as twice daily.
        route: Such as oral.
        override: Prescribe in spite of a conflict.
    """
    drug = rules.resolve(drug_name)
    if drug is None:
        raise ToolError("drug is not in the database", got=drug_name, expected="a generic or brand name")
    found = safety.check(world, drug)
    if found.barriers and not override:
        return {"held": drug} | reasons(found)
    dose = " ".join(x for x in (dosage, frequency, route) if x)
    world.written.append({"prescribed": drug, "dose": dose})
    shown = {"prescribed": drug, "order": dose or NOT_AVAILABLE, "medicines now": str(len(safety.current(world)))}
    return shown | ({"overridden": ", ".join(b.kind for b in found.barriers)} if found.barriers else {})


@tool("write")
def stop_medication(world: World, drug_name: str) -> dict:
    """Stop one of the patient's current medicines.

    Args:
        drug_name: The medicine to stop.
    """
    drug = rules.resolve(drug_name) or drug_name
    taken = safety.current(world)
    if drug not in taken:
        raise ToolError("not on the patient's list", got=drug, expected=", ".join(taken) or "an empty list")
    world.written.append({"stopped": drug})
    return {"stopped": drug, "medications": ", ".join(safety.current(world)) or "none"}


@tool("write")
def record_diagnosis(
    world: World,
    diagnosis: str,
    icd10_code: str = "",
    confidence: Literal["low", "moderate", "high"] = "moderate",
    reasoning: str = "",
) -> dict:
    """Put a diagnosis on the chart, with its ICD-10-CM code from the tables; a wrong code is refused.

    Args:
        diagnosis: Name of the condition.
        icd10_code: ICD-10-CM code; leave out to have it looked up.
        confidence: low, moderate or high.
        reasoning: Why.
    """
    key = tables.condition_of(diagnosis)
    code = tables.conditions()[key]["icd10"] if key else NOT_IN_DATABASE
    given = icd10_code.strip().upper()
    if key and given and given != code:
        raise ToolError("code does not belong to the diagnosis", got=given, expected=code)
    name = tables.conditions()[key]["title"] if key else diagnosis
    entry = {"diagnosis": name, "code": code if key else given or code, "confidence": confidence}
    world.written.append(entry | {"reasoning": reasoning})
    return {"recorded": name, "icd10": entry["code"], "confidence": confidence}


@tool("write")
def add_clinical_note(world: World, note_type: str, content: str, diagnosis_codes: str = "") -> dict:
    """Write a note into the record.

    Args:
        note_type: Such as progress, admission or discharge.
        content: The text.
        diagnosis_codes: ICD-10-CM codes, separated by commas.
    """
    if not content.strip():
        raise ToolError("empty note", expected="some text")
    kind = note_type.strip().lower() or "progress"
    world.written.append({"note type": kind, "content": content, "codes": diagnosis_codes})
    shown = {"note": kind, "words": str(len(content.split()))}
    for code in (c.strip().upper() for c in diagnosis_codes.split(",") if c.strip()):
        shown[code] = _code_title(code)
    return shown


def _code_title(code: str) -> str:
    titles = [e["title"] for e in tables.conditions().values() if e["icd10"] == code]
    return " or ".join(titles) or NOT_IN_DATABASE


@tool("write")
def transfer_to_specialist(world: World, summary: str, specialty: str) -> dict:
    """Hand the patient over to a specialty; the episode goes on until an answer is submitted.

    Args:
        summary: What the specialist must know.
        specialty: Such as cardiology, general surgery or neurology.
    """
    name = specialty.strip().lower()
    if name not in tables.specialties():
        raise ToolError(str(unknown_name("specialty", specialty, tables.specialties())))
    if not summary.strip():
        raise ToolError("empty summary", expected="what the specialist must know")
    world.written.append({"transferred": name, "summary": summary})
    return {"transferred to": name, "minute": str(world.minutes)}
