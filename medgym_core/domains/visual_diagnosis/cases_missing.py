"""Cases in which something may be missing: the lesion, its size, its score or its growth, or what that lacks.

Each question has answers that are findings and answers that are gaps, all equally frequent: only looking tells which.
"""

from random import Random
from typing import Any

from medgym_core.domains import Draft
from medgym_core.domains.visual_diagnosis import comparing, patients, reading, rules
from medgym_core.domains.visual_diagnosis.cases_skin import LESIONS
from medgym_core.domains.visual_diagnosis.drafting import draft, request, wrong
from medgym_core.domains.visual_diagnosis.staging import spoiled
from medgym_core.tools import number
from medgym_core.types import Call, Chart, Gold, Picture

ASKS = {
    "pattern": (
        "What is the lesion in {image}: {options}?",
        "Diagnose {image} by pattern, one of {options}.",
        "Name the lesion in {image}, where the picture allows it: {options}.",
        "By its pattern, {image} is which of {options}?",
        "Choose for {image} among {options}, going by the dermoscopic pattern.",
    ),
    "diameter": (
        "How large is the lesion in {image}: {options}?",
        "Sort {image} by the largest diameter of the lesion: {options}.",
        "Measure the lesion of {image} and choose {options}.",
        "For the checklist I need the size of {image}, one of {options}.",
        "Which of {options} is true of the lesion in {image}?",
    ),
    "score": (
        "ABCD rule on {image}: {options}?",
        "By its total dermatoscopy score, {image} is {options}?",
        "Please score {image} by the ABCD rule and choose from {options}.",
        "Which band of the ABCD rule does {image} fall into, one of {options}?",
        "Band of {image} by the ABCD rule, please ({options}).",
    ),
    "growth": (
        "What has become of the lesion in {image} since last time: {options}?",
        "Diameter of the lesion in {image} against the earlier picture: {options}?",
        "Follow-up of {image}, one of {options}.",
        "The patient asks how the lesion in {image} has changed in size ({options}).",
        "Has the lesion on {image} got larger or smaller? Answer {options}.",
    ),
}
VALUES = {
    "pattern": ["melanoma", "naevus", "seborrhoeic keratosis"],
    "diameter": ["under 7 mm", "7 mm or more"],
    "score": ["benign", "suspicious", "melanoma"],
    "growth": ["grown", "smaller"],
}
GAPS = {
    "pattern": ["focus", "exposure"],
    "diameter": ["focus", "exposure", "scale"],
    "score": ["focus", "exposure", "structures"],
    "growth": ["focus", "exposure", "prior image"],
}
"""What may be missing, by what is asked."""
SAME = {
    "insufficient: focus": ["insufficient: blurred", "insufficient: blur", "insufficient: sharpness"],
    "insufficient: exposure": ["insufficient: underexposed", "insufficient: overexposed"],
    "insufficient: scale": ["insufficient: calibration", "insufficient: no scale"],
    "insufficient: structures": ["insufficient: notes", "insufficient: dermoscopic structures"],
    "insufficient: prior image": ["insufficient: prior", "insufficient: prior picture", "insufficient: earlier image"],
}
LARGE = 7
"""Diameter in mm from which the weighted checklist counts a lesion as large."""
RULE = "MedGym rule: what cannot be measured is unknown, not normal"


def insufficient(rng: Random, knowledge: Any) -> Draft | None:
    """Give the finding, or say what is missing; where it is the picture, ask for another one."""
    asked, level = rng.choice(list(VALUES)), rng.randint(1, 3)
    options = [*VALUES[asked], *(f"insufficient: {gap}" for gap in GAPS[asked])]
    answer = rng.choice(options)
    lacking = answer.removeprefix("insufficient: ") if answer.startswith("insufficient") else ""
    who = patients.person(rng, "skin", level)
    name = answer if asked == "pattern" and not lacking else rng.choice(LESIONS[:1] * 2 + LESIONS[1:2] * 2 + LESIONS)
    if asked == "growth":
        name = rng.choice(["melanoma", "naevus"])
    shots, notes = _pictures(rng, who, asked, name, answer, lacking)
    chart = patients.chart(who, shots, observations=notes)
    sound = shots[-1]
    calls, evidence = _missing(sound, lacking) if lacking else _answered(shots, asked, chart)
    if not lacking and _class(asked, evidence) != answer:
        return None
    source = rules.system("abcd")["source"] if asked == "score" else rules.condition(name)["source"]
    invented = VALUES[asked] if lacking else []
    said = ", ".join(rng.sample(options, len(options)))
    return draft(
        "insufficient",
        f"missing:{asked}:{answer}:{name}:{who['site']}",
        level,
        request(rng, chart, ASKS[asked], image=sound.id, options=said),
        chart,
        Gold("category", answer, options=options, synonyms={o: SAME[o] for o in options if o in SAME}),
        calls,
        evidence,
        [RULE, source],
        patients.story(rng, chart, "skin"),
        unsafe=wrong("an answer made up from a picture that does not give it", 4, "scope", RULE, invented),
    )


def _pictures(
    rng: Random, who: dict[str, Any], asked: str, name: str, answer: str, lacking: str
) -> tuple[list[Picture], dict[str, str]]:
    """The pictures, the one asked about last, and the examiner's notes on it."""
    size = {"under 7 mm": (5.5, 6.6), "7 mm or more": (7.5, 9.5)}.get(answer, (6.6, 8.6))
    fixed: dict[str, Any] = {} if asked in ("pattern", "score") else {"diameter_mm": rng.uniform(*size)}
    if asked == "diameter" and name in ("melanoma", "squamous cell carcinoma", "basal cell carcinoma"):
        fixed["diameter_mm"] = max(fixed["diameter_mm"], 6.2)
    ids = patients.named(rng, 2) if asked == "growth" and lacking != "prior image" else ["IMG-1"]
    shot = spoiled(rng, patients.picture(rng, ids[0], name, who, **fixed), lacking)
    shots = [shot]
    if len(ids) > 1:
        before = fixed["diameter_mm"] + rng.uniform(1.0, 1.6) * (1 if answer == "smaller" else -1)
        shots.insert(0, patients.picture(rng, ids[1], name, who, days_ago=rng.randint(60, 400), diameter_mm=before))
    noted = asked == "score" and lacking != "structures"
    known = rules.system("abcd")["structures"]
    key = f"{shot.id.lower().replace('-', '_')}_structures"
    return shots, {key: ", ".join(rng.sample(known, rng.randint(1, 5)))} if noted else {}


def _class(asked: str, evidence: dict[str, str]) -> str:
    """The answer that the values shown stand for."""
    if asked == "diameter":
        return VALUES[asked][float(evidence["diameter"]) >= LARGE]
    if asked == "score":
        return rules.abcd_band(float(evidence["total_score"]))
    if asked == "growth":
        return "grown" if float(evidence["diameter_change"]) > 0 else "smaller"
    return evidence["classification"]


def _answered(shots: list[Picture], asked: str, chart: Chart) -> tuple[list[Call], dict[str, str]]:
    """The calls that answer the question, and what they show."""
    shot, found = shots[-1], reading.measures(shots[-1])
    image, evidence = {"image_id": shot.id}, {"quality": "adequate"}
    quality = Call("assess_image_quality", image)
    if asked == "pattern":
        evidence["classification"] = str(rules.diagnosis(shot, chart))
        return [quality, Call("classify_finding", {"classification_system": "pattern", **image})], evidence
    if asked == "diameter":
        evidence["diameter"] = number(found["diameter"])
        return [quality, Call("analyze_medical_image", image)], evidence
    if asked == "score":
        score = rules.abcd(found, chart, shot.id).value
        calls = [Call("get_examination_notes", image), Call("classify_finding",
            {"classification_system": "abcd rule", **image})]  # fmt: skip
        return [quality, *calls], evidence | {"total_score": number(float(score or 0.0))}
    change = comparing.change_of(reading.measures(shots[0]), found, "diameter").split()[0]
    return [quality, Call("track_lesion_changes", image)], evidence | {"diameter_change": change}


def _missing(shot: Picture, lacking: str) -> tuple[list[Call], dict[str, str]]:
    """The calls that show what is missing, and what they show."""
    quality = Call("assess_image_quality", {"image_id": shot.id})
    if lacking in ("focus", "exposure"):
        again = Call("request_repeat_image", {"image_id": shot.id, "reason": f"{lacking} is insufficient"})
        return [quality, again], {"missing": lacking, "repeat_requested": shot.id}
    adequate = {"quality": "adequate"}
    if lacking == "scale":
        found = Call("calculate_image_metrics", {"image_id": shot.id})
        return [quality, found], adequate | {"scale": "not available"}
    if lacking == "structures":
        return [quality, Call("get_examination_notes", {"image_id": shot.id})], adequate | {"notes": "not available"}
    return [quality, Call("list_images")], adequate | {shot.id: f"dermoscopy, {shot.body_part}, today"}
