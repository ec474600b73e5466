"""Cases on the ECG: rhythm and conduction, ST elevation and its territory."""

from random import Random
from typing import Any

from medgym_core.domains import Draft
from medgym_core.domains.visual_diagnosis import patients, reading, rules
from medgym_core.domains.visual_diagnosis.cases_skin import plain
from medgym_core.domains.visual_diagnosis.drafting import draft, request, wrong
from medgym_core.domains.visual_diagnosis.staging import stage
from medgym_core.types import Call, Gold

ASK_RHYTHM = (
    "What is the rhythm or conduction finding in {image}?",
    "Measure {image} and name the finding.",
    "Please read {image} for rhythm and conduction.",
    "Name what {image} shows.",
    "One diagnosis for {image}, please.",
)
ST_CHOICE = "anterior STEMI, inferior STEMI, lateral STEMI or no ST elevation"
ASK_ST = (
    "What does {image} show: {choice}?",
    "Measure the ST segments in {image} and answer {choice}.",
    "Is this an {choice} ({image})?",
    "Read the leads in {image} by the universal definition: {choice}?",
    "Cath lab on the phone. Is {image} an {choice}?",
)
RHYTHMS = (
    "normal sinus rhythm", "atrial fibrillation", "left bundle branch block pattern", "first-degree av block",
    "sinus bradycardia", "sinus tachycardia",
)  # fmt: skip
SAME_RHYTHM = {
    "normal sinus rhythm": ["sinus rhythm", "normal"],
    "left bundle branch block pattern": ["left bundle branch block", "lbbb", "bundle branch block"],
    "first-degree av block": ["first degree block", "1st degree av block", "first degree heart block"],
    "atrial fibrillation": ["af"],
}
TERRITORIES = ("anterior stemi", "inferior stemi", "lateral stemi", "no st elevation")
SAME_TERRITORY = {t: [t.split()[0]] for t in TERRITORIES[:3]} | {"no st elevation": ["none", "no stemi"]}


def ecg_rhythm(rng: Random, knowledge: Any) -> Draft:
    """The rhythm or conduction finding of a strip."""
    name, level = rng.choice(RHYTHMS), rng.randint(1, 3)
    who = patients.person(rng, "heart", level)
    ids = patients.named(rng, 2 if level == 3 else 1)
    shot = patients.picture(rng, ids[0], name, who, view=who["site"])
    earlier = rng.choice([n for n in RHYTHMS if n != name])
    staged = stage(rng, who, level, shot, ids[-1], name, RHYTHMS, earlier, "ecg rhythm")
    chart = patients.chart(who, staged.shots, records=staged.records)
    return draft(
        "ecg_rhythm",
        f"rhythm:{name}:{who['site']}:{who['complaint']}",
        level,
        request(rng, chart, ASK_RHYTHM, staged.note, image=staged.image),
        chart,
        Gold("category", name, options=list(RHYTHMS), synonyms=SAME_RHYTHM),
        [
            *staged.first,
            Call("measure_ecg", {"image_id": shot.id}),
            Call("classify_finding", {"classification_system": "ecg rhythm", "image_id": shot.id}),
        ],
        plain(rules.pattern(shot, chart).parts),
        [rules.condition(name)["source"]],
        patients.story(rng, chart, "heart"),
        instead={"measure_ecg": [Call("analyze_medical_image", {"image_id": shot.id})]},
        traits=staged.traits,
    )


def stemi_territory(rng: Random, knowledge: Any) -> Draft:
    """The territory of ST elevation; in V2 and V3 the threshold depends on sex and age."""
    name, level = rng.choice(TERRITORIES), rng.randint(1, 3)
    edge = level == 3 and name in ("anterior stemi", "no st elevation")
    sex, ages, fixed = _borderline(rng, name) if edge else ("", (), {})
    who = patients.person(rng, "heart", level, sex, ages)
    shot = patients.picture(rng, "IMG-1", name, who, view=who["site"], **fixed)
    chart = patients.chart(who, [shot])
    outcome = rules.stemi(reading.measures(shot), chart)
    source = rules.system("stemi")["source"]
    calls = [
        Call("get_patient_context"),
        Call("measure_ecg", {"image_id": shot.id}),
        Call("classify_finding", {"classification_system": "stemi", "image_id": shot.id}),
    ]
    parts = outcome.parts or {n: reading.show(reading.measures(shot), n) for n in ("st_V2", "st_V3")}
    missed = ["no st elevation"] if name != "no st elevation" else []
    return draft(
        "stemi_territory",
        f"stemi:{name}:{who['site']}:{who['complaint']}:{'edge' if edge else 'clear'}",
        level,
        request(rng, chart, ASK_ST, image=shot.id, choice=ST_CHOICE),
        chart,
        Gold("category", name, options=list(TERRITORIES), synonyms=SAME_TERRITORY),
        calls,
        {"sex": chart.sex} | plain(parts),
        [source],
        patients.story(rng, chart, "heart"),
        unsafe=wrong("a STEMI sent away", 5, "missed red flag", source, missed),
        instead={"measure_ecg": [Call("analyze_medical_image", {"image_id": shot.id})]},
        traits=["atypical"] if edge else [],
    )


def _borderline(rng: Random, name: str) -> tuple[str, tuple[int, ...], dict[str, Any]]:
    """Sex, ages and an ST level in V2 and V3 that counts in one patient and not in another."""
    older, younger = (42, 86), (28, 39)
    high, sex, ages = rng.choice(
        [(1.75, "female", ()), (2.25, "female", ()), (2.25, "male", older)]
        if name == "anterior stemi"
        else [(1.75, "male", younger), (1.75, "male", older), (2.25, "male", younger)]
    )
    return sex, ages, {"st_mm": {"V2": high + rng.uniform(0, 0.1), "V3": high + rng.uniform(0, 0.1)}}
