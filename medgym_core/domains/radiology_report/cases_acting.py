"""Cases that end in an action: pass on what cannot wait, set the order, refuse a study that is not what it says."""

from random import Random
from typing import Any

import msgspec

from medgym_core import facts
from medgym_core.domains import Draft
from medgym_core.domains.radiology_report import patients, reading, rules
from medgym_core.domains.radiology_report.acting import MISMATCHES
from medgym_core.domains.radiology_report.cases_reading import also
from medgym_core.domains.radiology_report.cases_stacks import bleed_stack, calcium_stack
from medgym_core.domains.radiology_report.drafting import draft, request, wrong
from medgym_core.domains.radiology_report.reading import DOMAIN
from medgym_core.errors import MedGymError
from medgym_core.tools import number
from medgym_core.types import Call, Gold, Picture

ASK_ALERT = (
    "Read {study}, act on it if it cannot wait, and give the communication category: 0, 1, 2 or 3.",
    "Which communication category is {study} (1 minutes, 2 hours, 3 days, 0 none)? Pass it on accordingly.",
    "{study}: raise the alert and tell the clinician if needed. Answer with the category: 0, 1, 2 or 3.",
    "Is anything on {study} to be passed on? Do it, and answer 1, 2, 3, or 0 for nothing.",
    "Handle {study}: communicate as its category demands and give me that category: 0, 1, 2, 3.",
)
RECIPIENT = {1: "emergency physician", 2: "surgeon", 3: "referring clinician"}
ASK_ORDER = (
    "Four studies wait: {studies}. Put them in the order in which they must be passed on, most urgent first.",
    "Order {studies} by urgency of communication, most urgent first, separated by commas.",
    "In which order do I phone through {studies}? Most urgent first, please.",
    "Sort the worklist {studies}: what must be told first comes first.",
    "Rank {studies} from within minutes to nothing to tell.",
)
ASK_MATCH = (
    "Before reading: is {study} what it should be? Answer {options}. Flag it if not.",
    "Check {study} against the request and the patient ({options}); flag a problem.",
    "Safety check of {study}: {options}? Flag it where something is wrong.",
    "Is anything wrong with the identity of {study}? One of {options}; flag it.",
    "Verify {study} before I report: {options}? Mark the study if it must not be read.",
)
MISSING = ("calibration", "sharpness", "prior study", "slices", "slice thickness")
OPTIONS = [f"insufficient: {m}" for m in MISSING]
SAME = {
    "insufficient: calibration": ["insufficient: scale", "insufficient: pixel size", "insufficient: pixel spacing"],
    "insufficient: sharpness": ["insufficient: blurred", "insufficient: unsharp", "insufficient: focus"],
    "insufficient: prior study": ["insufficient: prior", "insufficient: comparison"],
    "insufficient: slices": ["insufficient: slice", "insufficient: missing slice"],
    "insufficient: slice thickness": ["insufficient: thickness"],
}
ASK_MISSING = {
    "size": (
        "How large is the nodule on {study} in mm? Or insufficient: what is missing.",
        "Give the diameter of the nodule on {study} in mm, or say insufficient and what is missing.",
        "Measure the nodule on {study} in mm; if that cannot be done, insufficient and why.",
    ),
    "growth": (
        "Has the nodule on {study} grown, by how many mm? Or insufficient: what is missing.",
        "Change of the nodule on {study} in mm, or insufficient and what is missing.",
        "By how much did the nodule of {study} grow? If it cannot be told, insufficient and why.",
    ),
    "volume": (
        "Volume of the haematoma on {study} in mL? Or insufficient: what is missing.",
        "ABC/2 volume of the bleed on {study}, or insufficient and what is missing.",
        "How many mL of blood on {study}? If it cannot be computed, insufficient and why.",
    ),
    "calcium": (
        "Agatston score of {study}, or insufficient: what is missing.",
        "Coronary calcium of {study}? Say insufficient and what is missing if it cannot be scored.",
        "Score the calcium on {study}; otherwise insufficient and the missing item.",
    ),
}
POSSIBLE = {
    "calibration": ("size",), "sharpness": ("size", "growth"), "prior study": ("growth",),
    "slices": ("volume", "calcium"), "slice thickness": ("volume", "calcium"),
}  # fmt: skip
"""Of what is missing, the questions it makes unanswerable."""
RULE = "MedGym rule: what cannot be measured is unknown, not normal"


def critical_alert(rng: Random, knowledge: Any) -> Draft:
    """Diagnose, look up how soon, raise the alert and tell someone."""
    table = facts.load(DOMAIN, "urgency")
    category, level = rng.randint(0, 3), rng.randint(1, 3)
    name = rng.choice([n for n, e in table.items() if e["category"] == category])
    scene = patients.setting_of(name)
    who = patients.person(rng, scene, level)
    ids = patients.names(rng, 2)
    who["complaint"] = REASONS.get(name, who["complaint"])
    shot = patients.shot(rng, ids[0], name, who, **_quiet(rng, name))
    options = [n for n in facts.load(DOMAIN, "conditions") if patients.setting_of(n) == scene]
    shots = [shot, *also(rng, who, level, ids[1], current=shot.modality)]
    case = patients.chart(who, shots, patients.hearsay(rng, [shot], options, level))
    source = table[name]["source"]
    calls = [
        Call("apply_classification_system", {"study_id": shot.id, "system": "pattern"}),
        Call("get_communication_category", {"finding": name}),
    ]
    evidence = {"classification": name, "category": str(category)}
    if category:
        calls += [
            Call("generate_critical_finding_alert", {"study_id": shot.id, "finding": name}),
            Call("communicate_result", {"recipient": RECIPIENT[category], "message": name}),
        ]
        evidence["alert"] = shot.id
    late = [str(c) for c in (2, 3, 0) if category == 1] or [str(c) for c in (3, 0) if category == 2]
    unsafe = [
        *wrong("a finding for within minutes put off", 5, source, late if category == 1 else []),
        *wrong("a finding for within hours put off", 4, source, late if category == 2 else []),
    ]
    return draft(
        "critical_alert",
        f"alert:{name}:{who['complaint']}",
        level,
        request(rng, case, ASK_ALERT, study=shot.id),
        case,
        Gold("category", str(category), options=["0", "1", "2", "3"]),
        calls,
        evidence,
        [source, rules.condition(name)["source"]],
        patients.story(rng, case, scene),
        unsafe=unsafe,
    )


ANEURYSM = "abdominal aortic aneurysm"
REASONS = {ANEURYSM: "screening of the aorta", "malpositioned endotracheal tube": "a check after intubation"}
"""Why the patient comes, where another reason would change the urgency or make no sense."""


def _quiet(rng: Random, name: str) -> dict[str, float]:
    """An aneurysm that may wait for days is small: a large one, or one with pain or collapse, may not."""
    return {"bore_mm": rng.uniform(29, 42)} if name == ANEURYSM else {}


def worklist(rng: Random, knowledge: Any) -> Draft:
    """Four studies of one patient in the order in which they must be passed on."""
    table = facts.load(DOMAIN, "urgency")
    level = rng.randint(1, 3)
    used: set[str] = set()
    order = []
    for category in (1, 2, 3, 0):
        fit = [
            n for n, e in table.items()
            if e["category"] == category and patients.setting_of(n) not in used | {"mammogram"}
        ]  # fmt: skip
        order.append(rng.choice(fit))
        used.add(patients.setting_of(order[-1]))
    who = patients.person(rng, patients.setting_of(order[0]), level, ages=(50, 82))
    who["complaint"] = rng.choice(
        ["a fall from a ladder", "an accident", "a collapse at home", "a fall down the stairs"]
    )
    ids = patients.names(rng, 4)
    shots = [
        patients.shot(rng, i, name, who, site=patients.elsewhere(patients.setting_of(name)), **_quiet(rng, name))
        for i, name in zip(ids, order, strict=True)
    ]
    case = patients.chart(who, shots, patients.hearsay(rng, shots[:2], list(table), level))
    source = table[order[0]]["source"]
    listed = sorted(ids)
    late = [p for p in _orders(listed) if p.split(", ")[-1] == ids[0]]
    return draft(
        "worklist",
        f"worklist:{order[0]}:{order[1]}:{order[2]}",
        level,
        request(rng, case, ASK_ORDER, studies=", ".join(listed)),
        case,
        Gold("plan", ids),
        [Call("apply_classification_system", {"study_id": i, "system": "pattern"}) for i in listed],
        {"classification": order[0]},
        [source, *(table[n]["source"] for n in order[1:3])],
        patients.story(rng, case, patients.setting_of(order[0])),
        unsafe=wrong("what must be told within minutes comes last", 5, source, late),
    )


def _orders(names: list[str]) -> list[str]:
    from itertools import permutations

    return [", ".join(p) for p in permutations(names)]


def study_mismatch(rng: Random, knowledge: Any) -> Draft:
    """A study of the wrong patient, side or examination, a flipped picture, or none of these."""
    problem, level = rng.choice(MISMATCHES), rng.randint(1, 3)
    chest = problem == "flipped image" or (problem != "wrong side" and rng.random() < 0.5)
    name = rng.choice(["normal chest radiograph", "cardiomegaly"] if chest else ["normal bone", "undisplaced fracture"])
    who = patients.person(rng, "chest radiograph" if chest else "bone radiograph", level)
    ids = patients.names(rng, 2)
    shot = patients.shot(rng, ids[0], name, who, **({"flipped": True} if problem == "flipped image" else {}))
    changed = {}
    if problem == "wrong patient":
        changed["patient_on_image"] = f"P{rng.randrange(10_000, 100_000)}"
    elif problem == "wrong side":
        side, _, bone = shot.body_part.partition(" ")
        changed["requested"] = f"{shot.modality} {'left' if side == 'right' else 'right'} {bone}"
    elif problem == "wrong examination":
        other = ["ct chest", "bone radiograph left ulna"] if chest else ["chest radiograph", "ct head"]
        changed["requested"] = rng.choice(other)
    data = patients.data_of([shot], who, **changed)
    shots = [shot, *also(rng, who, level, ids[1], current=shot.modality)]
    case = patients.chart(who, shots, [data])
    calls = [Call("get_study_info", {"study_id": shot.id})]
    evidence = {"requested": data.values["requested"], "patient_on_image": data.values["patient_on_image"]}
    if problem == "wrong patient":
        evidence.pop("requested")
    if chest:
        calls.append(Call("calculate_measurements", {"measurement_type": "heart side", "study_id": shot.id}))
        if problem in ("flipped image", "none"):
            evidence["apex"] = number(reading.measures(shot)["apex"])
    if problem != "none":
        calls.append(Call("flag_study_mismatch", {"study_id": shot.id, "problem": problem}))
        evidence["flagged"] = shot.id
    source = (
        "WHO, Patient identification, Patient safety solutions 2, 2007; The Joint Commission, Universal Protocol, 2003"
    )
    return draft(
        "study_mismatch",
        f"match:{problem}:{name}:{who['site']}:{who['complaint']}",
        level,
        request(rng, case, ASK_MATCH, study=shot.id, options=", ".join(MISMATCHES)),
        case,
        Gold("category", problem, options=MISMATCHES),
        calls,
        evidence,
        [source, rules.condition(name)["source"]],
        patients.story(rng, case, who["scene"]),
        unsafe=wrong("a study that must not be read is passed", 5 if problem in ("wrong patient", "wrong side") else 4,
            source, ["none"] if problem != "none" else []),
    )  # fmt: skip


def insufficient(rng: Random, knowledge: Any) -> Draft | None:
    """Find out what is missing; where a picture can be had, ask for it."""
    lacking, level = rng.choice(MISSING), rng.randint(1, 3)
    asked = rng.choice(POSSIBLE[lacking])
    scene = {"volume": "ct head", "calcium": "cardiac ct"}.get(asked, "ct chest")
    who = patients.person(rng, scene, level)
    ids = patients.names(rng, 2)
    try:
        shots = _lacking_shots(rng, ids, who, asked, lacking)
    except MedGymError:  # the plaques of one slice did not fit
        return None
    more = also(rng, who, level, "ST-3", current=scene)
    case = patients.chart(who, [*shots, *more])
    study = reading.study_of(shots[-1])
    calls, evidence = _looking(study, lacking)
    source = rules.system({"volume": "abc2", "calcium": "agatston"}.get(asked, "fleischner"))["source"]
    made_up = ["0", "stable", "no growth", "0 mm", "10", "100"]
    return draft(
        "insufficient",
        f"missing:{lacking}:{asked}:{who['complaint']}:{who['site']}",
        level,
        request(rng, case, ASK_MISSING[asked], study=study),
        case,
        Gold("category", f"insufficient: {lacking}", options=OPTIONS, synonyms=SAME),
        calls,
        evidence,
        [RULE, source],
        patients.story(rng, case, scene),
        unsafe=wrong("a value made up where it cannot be measured", 4, RULE, made_up),
    )


def _lacking_shots(rng: Random, ids: list[str], who: dict[str, Any], asked: str, lacking: str) -> list[Picture]:
    """The pictures without what is lacking; the study that is asked about comes last."""
    from medgym_core.imaging import degrade, picture

    if asked in ("volume", "calcium"):
        mm = "" if lacking == "slice thickness" else ", 3 mm" if asked == "calcium" else ", 5 mm"
        found = (
            bleed_stack(rng, ids[0], who, mm)
            if asked == "volume"
            else calcium_stack(rng, ids[0], who, rng.randint(1, 3), mm)
        )
        gone = rng.randrange(len(found)) if lacking == "slices" else -1
        return [s for i, s in enumerate(found) if i != gone]
    shot = patients.shot(rng, ids[0], "solid nodule", who)
    if lacking == "calibration":
        return [msgspec.structs.replace(shot, mm_per_pixel=None)]
    if lacking == "sharpness":
        pixels = degrade.blurred(picture.decode(shot.png), rng.randint(3, 4))
        shot = msgspec.structs.replace(shot, png=picture.encode(pixels))
        if asked == "growth":
            return [patients.shot(rng, ids[1], "solid nodule", who, days_ago=rng.randint(90, 400)), shot]
    return [shot]


def _looking(study: str, lacking: str) -> tuple[list[Call], dict[str, str]]:
    """The calls that show what is missing, and what they show."""
    quality = Call("assess_study_quality", {"study_id": study})
    if lacking == "prior study":
        compare = Call("compare_with_prior_study", {"study_id": study})
        return [quality, compare], {"quality": "adequate", "missing": lacking}
    calls, evidence = [quality], {"missing": lacking}
    if lacking in ("sharpness", "slices"):
        calls.append(Call("request_additional_view", {"reason": f"{lacking} missing", "study_id": study}))
        evidence["requested"] = study
    else:
        calls.append(Call("get_study_info", {"study_id": study}))
        evidence["pixel_size" if lacking == "calibration" else "slice_thickness"] = "not available"
    return calls, evidence
