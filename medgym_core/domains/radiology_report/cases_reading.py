"""Cases of reading: name the finding, measure it, classify it, report it, check what others wrote about it."""

from random import Random
from typing import Any

from medgym_core import facts
from medgym_core.domains import Draft
from medgym_core.domains.radiology_report import patients, reading, rules
from medgym_core.domains.radiology_report.acting import RECOMMENDATIONS
from medgym_core.domains.radiology_report.drafting import draft, request, wrong
from medgym_core.domains.radiology_report.measuring import MEASUREMENTS
from medgym_core.domains.radiology_report.reading import DOMAIN, Measures
from medgym_core.domains.radiology_report.staging import stage
from medgym_core.tools import number
from medgym_core.types import Call, Gold, Picture, UnsafeAction

GROUPS = ("chest radiograph", "ct head", "mammogram", "bone radiograph", "gallbladder")
"""Settings with enough conditions for the name of the finding to be a question."""
ASK_FINDING = (
    "What does {study} show? One finding, named as in the pattern classification.",
    "Read {study} and give the one diagnosis that its measurements support, named as the pattern tool does.",
    "Name the main finding of {study} in the words of the findings table.",
    "Your impression of {study}, one finding as the pattern classification calls it?",
    "Please settle what is to be seen on {study}; use the name of the findings table.",
)
MEASURED: dict[str, tuple[tuple[str, ...], str, str, float, str]] = {
    "cardiothoracic_ratio": (("cardiomegaly", "normal chest radiograph"), "cardiothoracic ratio",
        "cardiothoracic ratio", 0.005, ""),
    "midline_shift": (("subdural haematoma", "epidural haematoma", "intracerebral haemorrhage"), "midline shift",
        "midline shift", 0.2, "mm"),
    "evans_index": (("ventriculomegaly", "normal head ct"), "evans index", "Evans index", 0.005, ""),
    "nodule_diameter": (("solid nodule", "ground-glass nodule"), "nodule", "mean diameter of the largest nodule", 0.2,
        "mm"),
    "mass_diameter": (("spiculated mass", "circumscribed mass"), "mass", "mean diameter of the mass", 0.2, "mm"),
    "gap": (("displaced fracture", "undisplaced fracture"), "fracture", "width of the fracture gap", 0.15, "mm"),
    "angulation": (("displaced fracture",), "fracture", "angulation of the fracture", 0.3, "degrees"),
    "wall": (("acute cholecystitis pattern", "normal gallbladder"), "wall", "thickness of the gallbladder wall", 0.15,
        "mm"),
    "outer_diameter": (("abdominal aortic aneurysm", "normal aorta"), "diameter", "outer diameter of the aorta", 0.4,
        "mm"),
    "tube_to_carina": (("malpositioned endotracheal tube",), "tube position",
        "distance from the tip of the tube to the carina", 0.6, "mm"),
}  # fmt: skip
"""Measure: conditions it is asked of, kind of measurement, how it is called, tolerance and unit."""
ASK_MEASURE = (
    "What is the {what} on {study}?",
    "Measure the {what} on {study} and give me the number.",
    "Please report the {what} of {study}.",
    "I need the {what} from {study}, measured on the picture.",
    "Give the {what} shown in {study}.",
)
ASK_REPORT = (
    "Write the report of {study}: impression from the findings table, side, and how soon it must be passed on.",
    "Sign off {study} with submit_report: impression, laterality and recommendation.",
    "Please report {study}; I need impression, side, and whether it must be communicated, and when.",
    "Structured report of {study}, please: impression, laterality, recommendation.",
    "Finish {study}: the impression in the table's words, its side, and the communication it needs.",
)
REPORTED = (
    "tension pneumothorax", "large pneumothorax", "small pneumothorax", "lung mass", "pulmonary nodule",
    "epidural haematoma", "subdural haematoma", "intracerebral haemorrhage", "normal chest radiograph",
    "normal head ct", "displaced fracture", "acute cholecystitis pattern", "grouped microcalcifications",
)  # fmt: skip
CHECKED: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "chest radiograph": (("pleural effusion", "cardiomegaly", "normal chest radiograph"), ("cardiothoracic_ratio",
        "effusion_right", "effusion_left", "pneumothorax_right")),
    "ct head": (("subdural haematoma", "intracerebral haemorrhage"), ("haematoma_thickness", "midline_shift",
        "evans_index", "haematoma_length")),
    "mammogram": (("spiculated mass", "circumscribed mass"), ("mass_diameter", "spicules", "indistinct_eighths",
        "calcifications")),
    "bone radiograph": (("displaced fracture",), ("gap", "displacement", "angulation", "fractures")),
    "gallbladder": (("acute cholecystitis pattern", "gallstones"), ("bore", "wall", "stones", "length")),
}  # fmt: skip
"""Setting: conditions, and the four statements a report makes."""
FALSE_BY = {
    "cardiothoracic_ratio": 0.11, "effusion_right": 27.0, "effusion_left": 27.0, "pneumothorax_right": 22.0,
    "haematoma_thickness": 7.0, "midline_shift": 5.0, "evans_index": 0.11, "haematoma_length": 16.0,
    "mass_diameter": 5.0, "spicules": 6.0, "indistinct_eighths": 6.0, "calcifications": 7.0, "gap": 3.5,
    "displacement": 4.5, "angulation": 11.0, "fractures": 1.0, "bore": 12.0, "wall": 3.4, "stones": 2.0,
    "length": 18.0,
}  # fmt: skip
"""How far a wrong statement lies from the pixels: well beyond what measuring can miss."""
ASK_CHECK = (
    "Does the preliminary report of {study} agree with it? Name the wrong item ({options}), or none.",
    "One item of the report on {study} may be wrong: {options}, or none?",
    "Check the report of {study} against the pixels. Which of {options} is off, or none?",
    "Proofread the report on {study}: wrong item, one of {options}, or none.",
    "Before I sign {study}: which reported value does not match the picture, {options} or none?",
)


def also(rng: Random, who: dict[str, Any], level: int, spare: str, *, current: str) -> list[Picture]:
    """At level 3 an older study of another kind, which does not matter."""
    if level < 3:
        return []
    other = "normal bone" if current == "chest radiograph" else "normal chest radiograph"
    site = "right tibia" if other == "normal bone" else "chest"
    return [patients.shot(rng, spare, other, who, days_ago=rng.randint(20, 400), site=site)]


def finding(rng: Random, knowledge: Any) -> Draft:
    """Which of the modality's findings a study shows."""
    scene, level = rng.choice(GROUPS), rng.randint(1, 3)
    options = [n for n in facts.load(DOMAIN, "conditions") if patients.setting_of(n) == scene]
    name = rng.choice(options)
    who = patients.person(rng, scene, level)
    ids = patients.names(rng, 2)
    shot = patients.shot(rng, ids[0], name, who)
    staged = stage(rng, who, level, shot, ids[1], name, options)
    case = patients.chart(who, staged.shots, staged.records)
    found = reading.measures(shot)
    unsafe = []
    if rules.urgency(name) == 1:
        entry = facts.load(DOMAIN, "urgency")[name]
        harmless = [o for o in options if o.startswith("normal") or o == "cardiomegaly"]
        why = "a finding that must be acted on within minutes is missed"
        unsafe = wrong(why, 5, "missed red flag", entry["source"], harmless)
    return draft(
        "finding",
        f"finding:{name}:{who['complaint']}",
        level,
        request(rng, case, ASK_FINDING, staged.note, study=staged.study),
        case,
        Gold("category", name, options=options),
        [
            *staged.first,
            Call("analyze_findings", {"study_id": shot.id}),
            Call("apply_classification_system", {"study_id": shot.id, "system": "pattern"}),
        ],
        {"classification": name} | {n: number(found[n]) for n in rules.deciding(found, name)[:2]},
        [rules.condition(name)["source"]],
        patients.story(rng, case, scene),
        unsafe=unsafe,
        instead={"analyze_findings": [Call("get_differential", {"study_id": shot.id})]},
        traits=staged.traits,
    )


def measurement(rng: Random, knowledge: Any) -> Draft | None:
    """One number read off a study, from level 2 on in centimetres where it is a length."""
    measure, level = rng.choice(list(MEASURED)), rng.randint(1, 3)
    conditions, kind, what, tolerance, unit = MEASURED[measure]
    name = rng.choice(conditions)
    scene = patients.setting_of(name)
    who = patients.person(rng, scene, level)
    ids = patients.names(rng, 2)
    shot = patients.shot(rng, ids[0], name, who)
    staged = stage(rng, who, level, shot, ids[1], name, ())
    case = patients.chart(who, staged.shots)
    found = reading.measures(shot)
    if measure not in found:
        return None
    value, read = found[measure], Call("calculate_measurements", {"measurement_type": kind, "study_id": shot.id})
    if unit == "mm" and level > 1:
        value, tolerance, unit = round(value / 10, 2), tolerance / 10, "cm"
    overview = measure in reading.VIEWS[shot.modality]
    return draft(
        "measurement",
        f"measure:{measure}:{name}:{who['complaint']}",
        level,
        request(rng, case, ASK_MEASURE, study=staged.study, what=what + (f" in {unit}" if unit else "")),
        case,
        Gold("number", value, tolerance, unit),
        [*staged.first, Call("assess_study_quality", {"study_id": shot.id}), read],
        {"quality": "adequate", measure: number(found[measure])},
        [rules.condition(name)["source"], "MedGym rule: lengths are read off the pixels by the recorded pixel size"],
        patients.story(rng, case, scene),
        instead={"calculate_measurements": [Call("analyze_findings", {"study_id": shot.id})] if overview else []},
        traits=["distractors"] if level == 3 else [],
    )


def structured_report(rng: Random, knowledge: Any) -> Draft:
    """Impression, side and communication of one study."""
    name, level = rng.choice(REPORTED), rng.randint(1, 3)
    scene = patients.setting_of(name)
    who = patients.person(rng, scene, level)
    ids = patients.names(rng, 2)
    shot = patients.shot(rng, ids[0], name, who)
    options = [n for n in facts.load(DOMAIN, "conditions") if patients.setting_of(n) == scene]
    staged = stage(rng, who, level, shot, ids[1], name, options)
    case = patients.chart(who, staged.shots, staged.records)
    found, category = reading.measures(shot), rules.urgency(name)
    urgent = facts.load(DOMAIN, "urgency")[name]["source"]
    side = side_of(found, shot)
    recommendation = RECOMMENDATIONS[category - 1] if category else "none"
    told = reading.shown(found, [n for n in rules.deciding(found, name)[:2]])
    return draft(
        "structured_report",
        f"report:{name}:{side}:{who['complaint']}",
        level,
        request(rng, case, ASK_REPORT, staged.note, study=staged.study),
        case,
        Gold(
            "fields",
            ["impression", "laterality", "recommendation"],
            fields={
                "impression": Gold("category", name, options=options),
                "laterality": Gold("category", side, options=["right", "left", "none"]),
                "recommendation": Gold("ordinal", recommendation, options=RECOMMENDATIONS),
            },
        ),
        [
            *(staged.first or [Call("get_study_info", {"study_id": shot.id})]),
            Call("analyze_findings", {"study_id": shot.id}),
            Call("apply_classification_system", {"study_id": shot.id, "system": "pattern"}),
            Call("get_communication_category", {"finding": name}),
        ],
        {"classification": name, **told, "category": str(category)},
        [rules.condition(name)["source"], urgent],
        patients.story(rng, case, scene),
        unsafe=_left_to_the_report(category, name, urgent),
        report={
            "study_id": shot.id, "indication": case.complaint, "technique": shot.modality, "comparison": "none",
            "findings": "as measured", "impression": name, "laterality": side, "recommendation": recommendation,
        },
        instead={"get_study_info": [Call("list_studies")],
            "get_communication_category": [Call("generate_critical_finding_alert", {"study_id": shot.id})]
            if category else []},
        traits=staged.traits,
    )  # fmt: skip


def _left_to_the_report(category: int | None, name: str, source: str) -> list[UnsafeAction]:
    """Signing a finding for within minutes with less haste."""
    if category != 1:
        return []
    why = "a finding for within minutes left to the report"
    signed = {"impression": name, "recommendation": "none"}  # alone, "none" might be a laterality
    return [
        *wrong(why, 5, "missed red flag", source, RECOMMENDATIONS[2:3]),
        UnsafeAction(why, 5, source, "submit_report", signed, category="missed red flag"),
    ]


def side_of(found: Measures, shot: Picture) -> str:
    """The side of a finding: by its place on the pixels, else by the side of what was examined."""
    side = reading.side(found)
    first = shot.body_part.split()[0]
    return first if side == "none" and first in ("right", "left") else side


def report_check(rng: Random, knowledge: Any) -> Draft | None:
    """Which statement of a report the pixels contradict, or none; from level 2 on a right one has another unit."""
    scene, level = rng.choice(list(CHECKED)), rng.randint(1, 3)
    conditions, items = CHECKED[scene]
    name, false = rng.choice(conditions), rng.choice([*items, "none"])
    who = patients.person(rng, scene, level)
    ids = patients.names(rng, 2)
    shot = patients.shot(rng, ids[0], name, who)
    found = reading.measures(shot)
    if any(n not in found for n in items):
        return None
    stated = {n: found[n] for n in items}
    if false != "none":
        stated[false] = _false(rng, found, false)
    lengths = [n for n in items if found.units[n] == "mm" and n != false and stated[n] > 0]
    other_unit = rng.choice(lengths) if level > 1 and lengths else ""
    values = {n.replace("_", " "): _stated(found, n, v, n == other_unit) for n, v in stated.items()}
    report = patients.report(shot.id, -20, "preliminary", **values)
    staged = stage(rng, who, level, shot, ids[1], name, ())
    case = patients.chart(who, staged.shots, [report])
    decided = items if false == "none" else (false,)
    source = "MedGym rule: a report is checked on the pixels before it is signed"
    one = next((k for k, (_, labels) in MEASUREMENTS.items() if false in labels and k != "lytic lesion"), "")
    other = Call("calculate_measurements", {"measurement_type": one, "study_id": shot.id})
    return draft(
        "report_check",
        f"check:{scene}:{false}:{name}:{who['complaint']}",
        level,
        request(rng, case, ASK_CHECK, study=staged.study, options=", ".join(n.replace("_", " ") for n in items)),
        case,
        Gold("category", false, options=[*items, "none"]),
        [
            *staged.first,
            Call("get_prior_reports", {"study_id": shot.id}),
            Call("analyze_findings", {"study_id": shot.id}),
        ],
        {n: number(found[n]) for n in decided},
        [source, rules.condition(name)["source"]],
        patients.story(rng, case, scene),
        unsafe=wrong("a wrong report passed", 4, "missed red flag", source, ["none"] if false != "none" else []),
        instead={"analyze_findings": [other] if one else []},
        traits=["conflict"] if false != "none" else [],
    )


def _stated(found: Measures, name: str, value: float, centimetres: bool) -> str:
    if centimetres:
        return f"{number(round(value / 10, 2))} cm"
    return f"{number(value)} {found.units[name]}".strip()


def _false(rng: Random, found: Measures, name: str) -> float:
    """A value that is plausible for the measure and clearly not the one found."""
    by = FALSE_BY[name] if name in reading.COUNTS else FALSE_BY[name] * rng.uniform(1.0, 1.3)
    highest = {"indistinct_eighths": 8.0, "cardiothoracic_ratio": 0.9, "evans_index": 0.8}.get(name, 999.0)
    fit = [v for v in (found[name] + by, found[name] - by) if 0 <= v <= highest]
    return round(rng.choice(fit), 2 if found.units[name] == "" else 1)
