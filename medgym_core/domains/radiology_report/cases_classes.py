"""Cases of classification: measure, apply the published system, give its category or score."""

from itertools import product
from random import Random
from typing import Any

from medgym_core.domains import Draft
from medgym_core.domains.radiology_report import patients, reading, rules
from medgym_core.domains.radiology_report.cases_reading import also
from medgym_core.domains.radiology_report.drafting import draft, request, wrong
from medgym_core.domains.radiology_report.staging import stage
from medgym_core.tools import number
from medgym_core.types import SAY, Call, Chart, Gold, Picture, speech

ASKS = {
    "BI-RADS": (
        "Assign the BI-RADS category (1, 2, 3, 4, 5) of {study}, a first examination.",
        "{study} is a first mammogram: which BI-RADS category, one of 1, 2, 3, 4, 5?",
        "BI-RADS assessment of {study} (1, 2, 3, 4 or 5), please, taken as a first examination.",
        "Which BI-RADS category (1, 2, 3, 4 or 5) does {study} get as a baseline?",
        "Classify {study} by BI-RADS; there are no earlier mammograms.",
    ),
    "Lung-RADS": (
        "{study} is a baseline screening CT: Lung-RADS category (1, 2, 3, 4A, 4B, 4X)?",
        "Assign the Lung-RADS v2022 category of the baseline study {study}.",
        "Which Lung-RADS category does the screening study {study} get, taken as a baseline?",
        "Lung-RADS v2022 for {study}, first round of screening.",
        "Screening, first round: category of {study} by Lung-RADS?",
    ),
    "TI-RADS": (
        "Level of the nodule on {study} by ACR TI-RADS, as a TR level?",
        "Score the thyroid nodule of {study} by TI-RADS and give its TR level.",
        "Which ACR TI-RADS level does {study} come to?",
        "TI-RADS level for the nodule on {study}, please.",
        "Add up the TI-RADS points on {study}; I want the TR level.",
    ),
    "aneurysm": (
        "By the SVS guideline, what surveillance does the aorta on {study} need?",
        "{study}: what does SVS 2018 advise for an aorta of this size?",
        "When, if at all, should the aorta of {study} be seen again (SVS 2018)?",
        "Measure the aorta on {study} and give the SVS 2018 advice.",
        "SVS 2018 advice on the aorta shown in {study}, as the classification words it?",
    ),
}
OPTIONS = {
    "BI-RADS": ["1", "2", "3", "4", "5"],
    "Lung-RADS": ["1", "2", "3", "4A", "4B", "4X"],
    "TI-RADS": ["TR1", "TR2", "TR3", "TR4", "TR5"],
    "aneurysm": ["no surveillance", "rescreen after 10 years", "every 3 years", "every 12 months", "every 6 months",
        "repair"],
}  # fmt: skip
MALE_REPAIR = rules.system("aneurysm")["bands"][-2][0]
"""Diameter in mm from which a man's aorta is for repair: a woman's is earlier."""
SCREENED = (50, 79)
"""Ages of lung screening."""
SCREENING = ("screening of the lungs", "lung screening, first round", "low-dose CT for a heavy smoker")
FIRST = ("BI-RADS", "Lung-RADS")
"""Systems asked of first examinations, which have no earlier one."""
KEYS = {"BI-RADS": "bi_rads", "Lung-RADS": "lung_rads", "TI-RADS": "ti_rads", "aneurysm": "surveillance"}
SYSTEM = {"BI-RADS": "bi_rads", "Lung-RADS": "lung_rads", "TI-RADS": "ti_rads", "aneurysm": "aneurysm"}


def _lung(rng: Random, category: str) -> tuple[str, dict[str, Any]]:
    if category == "1":
        return "no nodule", {}
    if category == "2" and rng.random() < 0.5:
        size = rng.uniform(6.5, 18)
        return "ground-glass nodule", {"diameter_mm": size, "solid_mm": 0.0}
    low, high = {"2": (4.2, 5.5), "3": (6.4, 7.6), "4A": (8.5, 14.3), "4B": (15.6, 20), "4X": (9.0, 15)}[category]
    size = rng.uniform(low, high)
    return "solid nodule", {
        "diameter_mm": size, "solid_mm": size, "spicules": rng.randint(5, 7) if category == "4X" else 0
    }  # fmt: skip


def _thyroid(rng: Random, level: str) -> tuple[str, dict[str, Any]]:
    w = rng.uniform(9, 26)
    flat = {"width_mm": w, "height_mm": w * rng.uniform(0.65, 0.85), "lobulated": False, "punctate_foci": 0}
    if level == "TR1":
        return "cystic thyroid nodule", flat
    if level in ("TR2", "TR3"):
        echo = "hyperechoic" if level == "TR2" else "hypoechoic"
        return "mixed thyroid nodule", flat | {"echo": echo}
    if level == "TR4":
        return "solid thyroid nodule", flat | {"echo": rng.choice(["hypoechoic", "very hypoechoic"])}
    taller = {"width_mm": w * 0.75, "height_mm": w * 0.95, "punctate_foci": 0}
    worse = rng.choice([{"lobulated": True}, {"lobulated": False} | taller])
    return "solid thyroid nodule", flat | {"echo": "very hypoechoic"} | worse


def _aorta(rng: Random, advice: str) -> tuple[str, dict[str, Any]]:
    low, high = {
        "no surveillance": (16, 23.5), "rescreen after 10 years": (25.8, 29.2), "every 3 years": (31, 39),
        "every 12 months": (41, 49), "every 6 months": (50.8, 54.2), "repair": (50.8, 66),
    }[advice]  # fmt: skip
    outer = rng.uniform(low, high)
    name = "abdominal aortic aneurysm" if outer >= 30 else "normal aorta"
    return name, {"bore_mm": outer - 4, "length_mm": outer - 4, "wall_mm": 2.0}


def _wanted(rng: Random, system: str, value: str) -> tuple[str, dict[str, Any]]:
    """A condition and parameters that come to that category."""
    if system == "BI-RADS":
        table = rules.system("bi_rads")["categories"]
        return rng.choice([n for n, c in table.items() if c == value]), {}
    return {"Lung-RADS": _lung, "TI-RADS": _thyroid, "aneurysm": _aorta}[system](rng, value)


def outcome_of(system: str, shot: Picture, case: Chart) -> rules.Outcome:
    found = reading.measures(shot)
    return {
        "BI-RADS": lambda: rules.bi_rads(shot), "Lung-RADS": lambda: rules.lung_rads(found),
        "TI-RADS": lambda: rules.ti_rads(found), "aneurysm": lambda: rules.aneurysm(found, case),
    }[system]()  # fmt: skip


def classification(rng: Random, knowledge: Any) -> Draft | None:
    """The category of a published system."""
    system, level = rng.choice(list(ASKS)), rng.randint(1, 3)
    value = rng.choice(OPTIONS[system])
    name, fixed = _wanted(rng, system, value)
    scene = patients.setting_of(name)
    sex = "male" if value == "every 6 months" else ""
    who = patients.person(rng, scene, level, sex=sex, ages=SCREENED if system == "Lung-RADS" else ())
    if system == "Lung-RADS":
        who["complaint"] = rng.choice(SCREENING)
    ids = patients.names(rng, 2)
    shot = patients.shot(rng, ids[0], name, who, **fixed)
    staged = stage(rng, who, min(level, 2) if system in FIRST else level, shot, ids[1], value, OPTIONS[system], system)
    more = also(rng, who, level, ids[1], current=shot.modality) if system in FIRST else []
    case = patients.chart(who, [*staged.shots, *more], staged.records)
    outcome = outcome_of(system, shot, case)
    if outcome.value != value:
        return None
    woman = value == "repair" and case.sex == "female" and reading.measures(shot)["outer_diameter"] < MALE_REPAIR
    source = rules.system(SYSTEM[system])["source"]
    dangerous = OPTIONS[system][:2] if OPTIONS[system].index(value) >= len(OPTIONS[system]) - 2 else []
    key = next(k for k in ("nodule_diameter", "nodules", "points", "outer_diameter", "pattern") if k in outcome.parts)
    return draft(
        "classification",
        f"class:{system}:{value}:{name}:{who['complaint']}",
        level,
        request(rng, case, ASKS[system], staged.note, study=staged.study),
        case,
        Gold("ordinal", value, options=OPTIONS[system]),
        [
            *staged.first,
            Call("analyze_findings", {"study_id": shot.id}),
            Call("apply_classification_system", {"study_id": shot.id, "system": system}),
        ],
        {KEYS[system]: value, key: outcome.parts[key].removesuffix(" mm")},
        [source],
        patients.story(rng, case, scene),
        unsafe=wrong(
            "a category that means no action for a finding that needs it", 4, "missed red flag", source, dangerous
        ),
        instead={"analyze_findings": [Call("get_differential", {"study_id": shot.id})]},
        traits=[*staged.traits, *(["atypical"] if woman else [])],
    )


ASK_MIRELS = (
    "Mirels score of the lesion on {study}? Ask about the pain.",
    "What does the lesion on {study} score by Mirels? The pain is for you to ask.",
    "Please work out the Mirels score for {study}, with the pain as the patient tells it.",
    "Impending fracture on {study}? Give the Mirels total; the patient is here to answer.",
    "Talk to the patient about the pain and score {study} by Mirels.",
)
SIDES = ("right", "left")
PAIN = {
    "mild": [("a slight ache", "now and then"), ("a slight ache", "in the evening only")],
    "moderate": [("a steady ache", "all day, even at rest"), ("a steady ache", "that keeps me awake")],
    "functional": [("a sharp pain", "whenever I put weight on it"), ("a sharp pain", "as soon as I use the limb")],
}
SITES: dict[int, list[str]] = {
    points: [f"{side} {bone}" for bone, p in rules.system("mirels")["site"].items() if p == points for side in SIDES]
    for points in sorted(set(rules.system("mirels")["site"].values()))
}
"""Bones by the points of their site."""
THIRDS = {1: (4, 5), 2: (7, 10), 3: (12.3, 14.3)}
"""Width in mm of a lesion by its points."""
SCORES = {
    total: [
        (site, pain, size)
        for site, (number_of, pain), size in product(SITES, enumerate(PAIN, 1), THIRDS)
        if site + number_of + 3 + size == total
    ]
    for total in range(6, 13)
}
"""Total to the points that make it: site, pain in words, size; a lytic lesion counts 3."""
MIRELS = [str(n) for n in range(4, 13)]
PAIN_TOPIC = "pain hurts ache walking lifting load"


def mirels_score(rng: Random, knowledge: Any) -> Draft | None:
    """Site and size from the picture, pain from the patient."""
    total, level = rng.choice(list(SCORES)), rng.randint(1, 3)
    site_points, pain, size_points = rng.choice(SCORES[total])
    site = rng.choice(SITES[site_points])
    who = patients.person(rng, "bone radiograph", level, ages=(45, 84), site=site)
    who["complaint"] = rng.choice(["a lesion found in the bone", "a check before radiotherapy", "a known tumour"])
    ids = patients.names(rng, 2)
    shot = patients.shot(rng, ids[0], "lytic bone lesion", who, lytic_mm=rng.uniform(*THIRDS[size_points]))
    shots = [shot, *also(rng, who, level, ids[1], current="bone radiograph")]
    case = patients.chart(who, shots)
    outcome = rules.mirels(reading.measures(shot), site, pain)
    if outcome.value != total:
        return None
    how, when = rng.choice(PAIN[pain])
    persona = rng.choice(["plain", "anxious", "stoic", "vague"])
    asked = [speech("How bad is the pain in the limb?")]
    if persona == "vague":
        asked.append(speech("When does it hurt: at rest, walking, lifting?"))
    source = rules.system("mirels")["source"]
    return draft(
        "mirels_score",
        f"mirels:{site}:{pain}:{outcome.parts['size']}:{level}",
        level,
        request(rng, case, ASK_MIRELS, study=shot.id),
        case,
        Gold("ordinal", number(total), options=MIRELS),
        [*asked, Call("calculate_mirels", {"pain": pain, "study_id": shot.id})],
        {how: when, "mirels": number(float(outcome.value)), "size_points": outcome.parts["size"]},
        [source],
        patients.story(
            rng, case, "bone radiograph", persona, **{PAIN_TOPIC.replace(" ", "_"): [f"It is {how} {when}."]}
        ),
        unsafe=wrong("an impending fracture scored below fixation", 4, "missed red flag", source, MIRELS[:4])
        if total >= 9
        else [],
        after={"calculate_mirels": SAY},
    )
