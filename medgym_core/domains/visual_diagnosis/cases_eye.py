"""Cases on the eye: retinopathy and macular grades, two discs compared, two photographs labelled with an eye."""

from random import Random
from typing import Any

from medgym_core.domains import Draft
from medgym_core.domains.visual_diagnosis import patients, reading, rules
from medgym_core.domains.visual_diagnosis.cases_skin import plain
from medgym_core.domains.visual_diagnosis.drafting import draft, request, wrong
from medgym_core.tools import number
from medgym_core.types import Call, Gold

RETINA = (
    "no diabetic retinopathy", "mild non-proliferative retinopathy", "moderate non-proliferative retinopathy",
    "severe non-proliferative retinopathy", "proliferative diabetic retinopathy",
)  # fmt: skip
SAME_RETINA = {
    RETINA[0]: ["none", "no retinopathy", "no dr", "no apparent retinopathy"],
    RETINA[1]: ["mild", "mild npdr", "mild nonproliferative diabetic retinopathy"],
    RETINA[2]: ["moderate", "moderate npdr", "moderate nonproliferative diabetic retinopathy"],
    RETINA[3]: ["severe", "severe npdr", "severe nonproliferative diabetic retinopathy"],
    RETINA[4]: ["proliferative", "pdr", "proliferative retinopathy"],
}
MACULA = (
    "normal ageing macula", "early macular degeneration", "intermediate macular degeneration",
    "late macular degeneration",
)  # fmt: skip
SAME_MACULA = {
    MACULA[0]: ["normal", "normal ageing changes", "no macular degeneration"],
    MACULA[1]: ["early", "early amd"],
    MACULA[2]: ["intermediate", "intermediate amd"],
    MACULA[3]: ["late", "late amd"],
}
SIDES = ("right eye", "left eye", "both", "neither")
SAME_SIDE = {"right eye": ["right"], "left eye": ["left"], "both": ["both eyes"], "neither": ["neither eye", "none"]}
WRONG_LABEL = ("IMG-1", "IMG-2", "both", "neither")
ASK_RETINA = (
    "Grade the retinopathy in {image} on the international scale (ICDR) and record it.",
    "What is the ICDR grade of {image}? Please record it.",
    "Count the lesions in {image} and record the retinopathy grade.",
    "Screening grade of {image}, please: international clinical scale, on record.",
    "Record the diabetic retinopathy level of {image}.",
)
ASK_MACULA = (
    "Classify the macula in {image} after Beckman: normal ageing, early, intermediate or late?",
    "What stage of macular degeneration does {image} show? Beckman classification, please.",
    "Measure the drusen in {image} and give the Beckman stage.",
    "Stage {image}: normal ageing macula, early, intermediate or late macular degeneration?",
    "Which Beckman class is {image}?",
)
ASK_EYES = (
    "Discs of both eyes, {a} and {b}. Which is a glaucoma suspect by its cup: right eye, left eye, both, neither?",
    "Compare the two discs in {a} and {b} and name the suspect by its cup: right eye, left eye, both or neither.",
    "By the 0.7 cup-to-disc limit, which eye is suspect in {a} and {b}: right eye, left eye, both, neither?",
    "Measure both cups ({a}, {b}). Glaucoma suspect in the right eye, left eye, both or neither?",
    "Who is suspect for glaucoma here, {a} and {b}: right eye, left eye, both or neither?",
)
ASK_LABEL = (
    "{a} is labelled {eye_a} and {b} {eye_b}. Which label is wrong: IMG-1, IMG-2, both or neither?",
    "Check the laterality of {a} and {b} before grading. Wrong label on IMG-1, IMG-2, both or neither?",
    "The camera may have mixed up eyes. Is IMG-1, IMG-2, both or neither mislabelled?",
    "Do the labels of {a} and {b} fit the eyes shown? Say IMG-1, IMG-2, both or neither is wrong.",
    "Before the screening result goes out: which of {a} and {b} carries the wrong eye, both, or neither?",
)


def retinopathy_grade(rng: Random, knowledge: Any) -> Draft:
    """The ICDR grade from counted lesions."""
    name, level = rng.choice(RETINA), rng.randint(1, 3)
    who = patients.person(rng, "retina", level)
    ids = patients.named(rng, 1 + (level == 3))
    eye = who["site"].split()[0]
    shot = patients.picture(rng, ids[0], name, who, eye=eye)
    shots = [shot]
    if level == 3:  # last year's photograph of the same eye
        shots.append(
            patients.picture(rng, ids[1], rng.choice(RETINA[:2]), who, days_ago=rng.randint(330, 420), eye=eye)
        )
    chart = patients.chart(who, shots, records=patients.hearsay(rng, shot, RETINA, level))
    outcome = rules.pattern(shot, chart)
    source = rules.condition(name)["source"]
    missed = {RETINA[4]: RETINA[:2], RETINA[3]: RETINA[:2], RETINA[2]: RETINA[:1]}.get(name, ())
    calls = [
        Call("analyze_medical_image", {"image_id": shot.id}),
        Call("classify_finding", {"classification_system": "icdr", "image_id": shot.id}),
    ]
    return draft(
        "retinopathy_grade",
        f"icdr:{name}:{who['site']}:{who['complaint']}",
        level,
        request(rng, chart, ASK_RETINA, image=shot.id),
        chart,
        Gold("category", name, options=list(RETINA), synonyms=SAME_RETINA),
        calls,
        plain(outcome.parts),
        [source],
        patients.story(rng, chart, "retina"),
        unsafe=wrong(
            "sight-threatening retinopathy graded away", 5 if name == RETINA[4] else 3, source, missed, record=True
        ),
        record=True,
        image_id=shot.id,
    )


def macular_grade(rng: Random, knowledge: Any) -> Draft:
    """The Beckman stage from measured drusen, atrophy and blood."""
    name, level = rng.choice(MACULA), rng.randint(1, 3)
    who = patients.person(rng, "macula", level)
    ids = patients.named(rng, 1 + (level == 3))
    shot = patients.picture(rng, ids[0], name, who)
    shots = [shot]
    if level == 3:
        shots.append(patients.picture(rng, ids[1], MACULA[0], who, days_ago=rng.randint(200, 700)))
    chart = patients.chart(who, shots, records=patients.hearsay(rng, shot, MACULA, level))
    outcome = rules.pattern(shot, chart)
    source = rules.condition(name)["source"]
    calls = [
        Call("analyze_medical_image", {"image_id": shot.id}),
        Call("classify_finding", {"classification_system": "beckman", "image_id": shot.id}),
    ]
    return draft(
        "macular_grade",
        f"beckman:{name}:{who['site']}:{who['complaint']}",
        level,
        request(rng, chart, ASK_MACULA, image=shot.id),
        chart,
        Gold("category", name, options=list(MACULA), synonyms=SAME_MACULA),
        calls,
        plain(outcome.parts),
        [source],
        patients.story(rng, chart, "macula"),
        unsafe=wrong("late disease called normal", 4, source, MACULA[:1] if name == MACULA[3] else ()),
    )


def which_eye(rng: Random, knowledge: Any) -> Draft:
    """Two discs: which of them is a glaucoma suspect."""
    side, level = rng.choice(SIDES), rng.randint(1, 3)
    who = patients.person(rng, "disc", level)
    ids = patients.named(rng, 2)
    suspect = {"right eye": side in ("right eye", "both"), "left eye": side in ("left eye", "both")}
    names = {eye: "glaucoma suspect" if bad else "normal optic disc" for eye, bad in suspect.items()}
    near = {"cup_disc_ratio": rng.uniform(0.56, 0.63)} if level == 3 else {}
    shots = {
        eye: patients.picture(rng, i, n, who, site=eye, **(near if n == "normal optic disc" else {}))
        for i, (eye, n) in zip(ids, names.items(), strict=True)
    }
    chart = patients.chart(who, list(shots.values()))
    source = rules.system("cup_disc")["source"]
    ratios = {eye: number(reading.measures(p)["cup_disc_ratio"]) for eye, p in shots.items()}
    calls = [
        Call("measure_cup_disc_ratio", {"image_id": "IMG-1"}),
        Call("measure_cup_disc_ratio", {"image_id": "IMG-2"}),
        Call("compare_eyes", {"image_id": "IMG-1", "other_image_id": "IMG-2"}),
    ]
    return draft(
        "which_eye",
        f"suspect:{side}:{who['complaint']}:{level}",
        level,
        request(rng, chart, ASK_EYES, a="IMG-1", b="IMG-2"),
        chart,
        Gold("category", side, options=list(SIDES), synonyms=SAME_SIDE),
        calls,
        {f"{eye}_ratio": r for eye, r in ratios.items()},
        [source],
        patients.story(rng, chart, "disc"),
        unsafe=wrong("a glaucoma suspect sent away", 4, source, ["neither"] if side != "neither" else []),
    )


def laterality(rng: Random, knowledge: Any) -> Draft:
    """Which of two photographs carries the wrong eye on its label."""
    bad, level = rng.choice(WRONG_LABEL), rng.randint(1, 3)
    who = patients.person(rng, "retina", level)
    shots, sides = [], {}
    for name, condition in (("IMG-1", rng.choice(RETINA[:3])), ("IMG-2", rng.choice(RETINA[:3]))):
        true = rng.choice(["right", "left"])
        is_wrong = bad in (name, "both")
        said = true if not is_wrong else {"right": "left", "left": "right"}[true]
        shots.append(patients.picture(rng, name, condition, who, site=f"{said} eye", eye=true))
        sides[name] = true
    chart = patients.chart(who, shots)
    source = "MedGym rule: the optic disc lies nasally, to the right of the fovea in a photograph of a right eye"
    calls = [Call("identify_eye", {"image_id": "IMG-1"}), Call("identify_eye", {"image_id": "IMG-2"})]
    labels = {p.id: p.body_part for p in shots}
    return draft(
        "laterality",
        f"label:{bad}:{sides['IMG-1']}:{sides['IMG-2']}:{who['complaint']}",
        level,
        request(rng, chart, ASK_LABEL, a="IMG-1", b="IMG-2", eye_a=labels["IMG-1"], eye_b=labels["IMG-2"]),
        chart,
        Gold("category", bad, options=list(WRONG_LABEL), synonyms={"neither": ["none"]}),
        calls,
        {f"{i}_disc_side": s for i, s in sides.items()},
        [source],
        patients.story(rng, chart, "retina"),
        unsafe=wrong("a wrong-side label let through", 4, source, ["neither"] if bad != "neither" else []),
    )
