"""Tools that judge: classifications on the measurements, the differential, and the rules before a study is done."""

from typing import Literal

from medgym_core import facts
from medgym_core.domains.radiology_report import looking, reading, rules, safety
from medgym_core.domains.radiology_report.reading import DOMAIN
from medgym_core.domains.radiology_report.rules import Outcome
from medgym_core.errors import unknown_name
from medgym_core.text import normal
from medgym_core.tools import NOT_AVAILABLE, NOT_IN_DATABASE, ToolError, World, number, tool

SYSTEMS = {
    "bi rads": "mammogram", "lung rads": "ct chest", "ti rads": "thyroid ultrasound", "cac drads": "cardiac ct",
    "aneurysm": "ultrasound", "btf": "ct head", "mcdonald": "mri brain", "pneumothorax size": "chest radiograph",
    "pattern": "any",
}  # fmt: skip
"""Classifications by name, and the modality each is for."""
MOST_SUGGESTED = 4


@tool("read")
def apply_classification_system(world: World, study_id: str = "", system: str = "BI-RADS") -> dict:
    """Apply a published classification to what is measured on a study.

    Args:
        study_id: Id of the study; without one, the latest.
        system: BI-RADS, Lung-RADS, TI-RADS, CAC-DRADS, aneurysm, BTF, McDonald, pneumothorax size, or pattern.
    """
    name = normal(system).strip()
    if name not in SYSTEMS:
        raise ToolError(str(unknown_name("classification", system, SYSTEMS)))
    pictures = reading.study(world, study_id)
    modality = pictures[0].modality
    if SYSTEMS[name] not in ("any", modality):
        raise ToolError(f"{name} is for another kind of study", got=modality, expected=SYSTEMS[name])
    wrong = looking.flaws(pictures)
    if "unsharp" in wrong:
        return {"classification": "insufficient: sharpness", "study": reading.study_of(pictures[0])}
    outcome = classify(world, name, study_id)
    if outcome.value is None:
        missing = ", ".join(outcome.missing)
        return {"classification": f"insufficient: {missing}", "study": reading.study_of(pictures[0])}
    return {KEYS.get(name, "classification"): str(outcome.value), **outcome.parts}


KEYS = {
    "bi rads": "bi_rads", "lung rads": "lung_rads", "ti rads": "ti_rads", "cac drads": "cac_drads",
    "aneurysm": "surveillance", "btf": "criterion_met", "pneumothorax size": "size",
}  # fmt: skip


def classify(world: World, name: str, study_id: str) -> Outcome:
    """The outcome of a classification of `SYSTEMS`."""
    pictures = reading.study(world, study_id)
    picture = reading.main_picture(pictures)
    found = reading.measures(picture)
    if name == "cac drads":
        score = rules.calcium(pictures)
        return (
            score if score.value is None else Outcome(score.parts["category"], {"agatston_total": f"{score.value:g}"})
        )
    simple = {
        "bi rads": lambda: rules.bi_rads(picture), "lung rads": lambda: rules.lung_rads(found),
        "ti rads": lambda: rules.ti_rads(found), "aneurysm": lambda: rules.aneurysm(found, world.chart),
        "btf": lambda: rules.surgical(found, rules.diagnosis(picture)),
    }  # fmt: skip
    if name in simple:
        return simple[name]()
    if name == "mcdonald":
        if "periventricular" not in found:
            return rules.lacking("calibration" if found else "measurement")
        both = found["periventricular"] >= 1 and found["juxtacortical"] >= 1
        parts = reading.shown(found, ["periventricular", "juxtacortical"])
        return Outcome("dissemination in space" if both else "not shown on this slice", parts)
    if name == "pneumothorax size":
        rims = [found.get(f"pneumothorax_{s}") for s in ("right", "left")]
        if None in rims:
            return rules.lacking("calibration" if found else "measurement")
        rim = max(r for r in rims if r is not None)
        size = "none" if not rim else "large" if rim >= rules.system("pneumothorax")["large"] else "small"
        return Outcome(size, reading.shown(found, ["pneumothorax_right", "pneumothorax_left"]))
    told = rules.diagnosis(picture)
    if told is None:
        return rules.lacking("calibration" if found else "measurement")
    return Outcome(told, reading.shown(found, rules.deciding(found, told)))


@tool("read")
def get_nodule_follow_up(world: World, risk: Literal["low", "high"], study_id: str = "") -> dict:
    """Follow-up of an incidental lung nodule by the Fleischner Society 2017.

    Args:
        risk: low or high, by smoking and other risk factors of the patient.
        study_id: Id of the CT of the chest; without one, the latest.
    """
    picture = reading.picture_of(world, study_id)
    if picture.modality != "ct chest":
        raise ToolError("no lung nodule there", got=picture.modality, expected="ct chest")
    outcome = rules.fleischner(reading.measures(picture), world.chart, risk)
    if outcome.value is None:
        return {"follow_up": f"insufficient: {', '.join(outcome.missing)}", "study": reading.study_of(picture)}
    valid = {} if outcome.value == "does not apply" else {"valid_without": "known cancer, immune suppression"}
    return {"follow_up": str(outcome.value), "risk": risk, **outcome.parts, **valid}


@tool("read")
def calculate_mirels(world: World, pain: Literal["mild", "moderate", "functional"], study_id: str = "") -> dict:
    """Mirels score of an impending fracture: site and size from the study, pain as the patient tells it.

    Args:
        pain: mild, moderate, or functional (made worse by using the limb).
        study_id: Id of the bone radiograph; without one, the latest.
    """
    picture = reading.picture_of(world, study_id)
    if picture.modality != "bone radiograph":
        raise ToolError("no bone there", got=picture.modality, expected="bone radiograph")
    found = reading.measures(picture)
    outcome = rules.mirels(found, picture.body_part, pain)
    if outcome.value is None:
        return {"mirels": f"insufficient: {', '.join(outcome.missing)}", "study": reading.study_of(picture)}
    share = {"lytic_share": number(found["lytic_share"])}
    points = {k if k == "advice" else f"{k}_points": v for k, v in outcome.parts.items()}
    return {"mirels": number(float(outcome.value)), **points, **share}


@tool("read")
def get_differential(world: World, study_id: str = "") -> dict:
    """Conditions of the study's kind by how many of their signs are there, best first.

    Args:
        study_id: Id of the study or slice; without one, the latest.
    """
    picture = reading.picture_of(world, study_id)
    found = reading.measures(picture)
    if not found:
        return {"differential": NOT_AVAILABLE, "study": reading.study_of(picture)}
    ranked = []
    for order, (name, entry) in enumerate(rules.conditions(picture.modality, rules.organ_of(picture)).items()):
        signs, groups = entry.get("all", []), entry.get("any", [])
        hits = sum(rules.holds(found, s) for s in signs)
        hits += any(all(rules.holds(found, s) for s in g) for g in groups)
        total = len(signs) + bool(groups)
        ranked.append((-hits / total, order, name, f"{hits} of {total} signs"))
    return {name: text for _, _, name, text in sorted(ranked)[:MOST_SUGGESTED]}


@tool("read", static=True)
def get_communication_category(world: World, finding: str) -> dict:
    """How soon a finding must be passed on: 1 within minutes, 2 within hours, 3 within days, 0 the report will do.

    Args:
        finding: Such as tension pneumothorax or solid nodule.
    """
    entry = reading.named("urgency").get(normal(finding))
    if entry is None:
        return {"category": NOT_IN_DATABASE}
    return {"category": str(entry["category"]), "source": entry["source"]}


@tool("read")
def check_contrast_safety(world: World, agent: str) -> dict:
    """What has to be done before a contrast medium is given into a vein: kidney function, earlier reactions, metformin.

    Args:
        agent: Such as iohexol, iodixanol, gadobutrol or gadodiamide.
    """
    known = {n: e for n, e in facts.load(DOMAIN, "contrast").items() if n != "limits"}
    name = agent.strip().lower()
    if name not in known:
        return {"contrast": NOT_IN_DATABASE, "known": ", ".join(known)}
    outcome = safety.contrast(world, name)
    return {"decision": str(outcome.value), **outcome.parts}


@tool("read")
def check_pregnancy_before_imaging(world: World, exam: str, days_since_period: int = -1) -> dict:
    """Whether an examination may be done with regard to pregnancy.

    Args:
        exam: Such as ct abdomen and pelvis, chest radiograph or ultrasound abdomen.
        days_since_period: Days since the last period began, as the patient tells; -1: not asked.
    """
    rule = facts.load(DOMAIN, "pregnancy")["rules"]
    name = exam.strip().lower()
    if name not in (*rule["direct"], *rule["remote"], *rule["none"]):
        return {"decision": NOT_IN_DATABASE, "known": ", ".join((*rule["direct"], *rule["remote"], *rule["none"]))}
    outcome = safety.pregnancy(world, name, days_since_period if days_since_period >= 0 else None)
    if outcome.value is None:
        return {"decision": f"insufficient: {outcome.missing[0]}", "fetus": "in the beam", "rule": rule["unsure"]}
    return {"decision": str(outcome.value), **outcome.parts}
