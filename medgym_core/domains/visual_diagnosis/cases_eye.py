"""Cases on the eye: retinopathy and macular grades, two discs compared, two photographs labelled with an eye."""

from random import Random
from typing import Any

from medgym_core.domains import Draft
from medgym_core.domains.visual_diagnosis import patients, reading, rules
from medgym_core.domains.visual_diagnosis.cases_skin import plain
from medgym_core.domains.visual_diagnosis.drafting import draft, request, wrong
from medgym_core.domains.visual_diagnosis.staging import spoiled, stage
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
UNSHARP = "insufficient: focus"
SIDES = ("right eye", "left eye", "both", "neither")
SAME_SIDE = {
    "right eye": ["right"], "left eye": ["left"], "both": ["both eyes"], "neither": ["neither eye", "none"],
    UNSHARP: ["insufficient: blurred", "insufficient: blur", "insufficient: sharpness"],
}  # fmt: skip
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
    "Discs of both eyes, {a} and {b}. Which is a glaucoma suspect by its cup: right eye, left eye, both, neither, or "
    "insufficient: focus?",
    "Compare the two discs in {a} and {b} and name the suspect by its cup: right eye, left eye, both, neither; or "
    "insufficient: focus, if one cannot be judged.",
    "By the 0.7 cup-to-disc limit, which eye is suspect in {a} and {b}: insufficient: focus, neither, both, left eye, "
    "right eye?",
    "Are {a} and {b} sharp enough (else insufficient: focus)? Then: glaucoma suspect in the right eye, left eye, both "
    "or neither?",
    "Who is suspect for glaucoma here, {a} and {b}: neither, both, left eye, right eye, or insufficient: focus?",
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
    ids = patients.named(rng, 2 if level == 3 else 1)
    shot = patients.picture(rng, ids[0], name, who, eye=who["site"].split()[0])
    other = rng.choice([n for n in RETINA if n != name])
    staged = stage(rng, who, level, shot, ids[-1], name, RETINA, other, "icdr")
    chart = patients.chart(who, staged.shots, records=staged.records)
    outcome = rules.pattern(shot, chart)
    source = rules.condition(name)["source"]
    missed = {RETINA[4]: RETINA[:2], RETINA[3]: RETINA[:2], RETINA[2]: RETINA[:1]}.get(name, ())
    return draft(
        "retinopathy_grade",
        f"icdr:{name}:{who['site']}:{who['complaint']}",
        level,
        request(rng, chart, ASK_RETINA, staged.note, image=staged.image),
        chart,
        Gold("ordinal", name, options=list(RETINA), synonyms=SAME_RETINA),
        [
            *staged.first,
            Call("analyze_medical_image", {"image_id": shot.id}),
            Call("classify_finding", {"classification_system": "icdr", "image_id": shot.id}),
        ],
        plain(outcome.parts),
        [source],
        patients.story(rng, chart, "retina"),
        unsafe=wrong("sight-threatening retinopathy graded away", 4 if name == RETINA[4] else 3, "missed red flag",
            source, missed),
        record=True,
        image_id=shot.id,
        instead={"analyze_medical_image": [Call("count_objects", {"image_id": shot.id})]},
        traits=staged.traits,
    )  # fmt: skip


def macular_grade(rng: Random, knowledge: Any) -> Draft:
    """The Beckman stage from measured drusen, atrophy and blood."""
    name, level = rng.choice(MACULA), rng.randint(1, 3)
    who = patients.person(rng, "macula", level)
    ids = patients.named(rng, 2 if level == 3 else 1)
    shot = patients.picture(rng, ids[0], name, who)
    other = rng.choice([n for n in MACULA if n != name])
    staged = stage(rng, who, level, shot, ids[-1], name, MACULA, other, "beckman")
    chart = patients.chart(who, staged.shots, records=staged.records)
    outcome = rules.pattern(shot, chart)
    source = rules.condition(name)["source"]
    missed = MACULA[:1] if name == MACULA[3] else ()
    return draft(
        "macular_grade",
        f"beckman:{name}:{who['site']}:{who['complaint']}",
        level,
        request(rng, chart, ASK_MACULA, staged.note, image=staged.image),
        chart,
        Gold("ordinal", name, options=list(MACULA), synonyms=SAME_MACULA),
        [
            *staged.first,
            Call("analyze_medical_image", {"image_id": shot.id}),
            Call("classify_finding", {"classification_system": "beckman", "image_id": shot.id}),
        ],
        plain(outcome.parts),
        [source],
        patients.story(rng, chart, "macula"),
        unsafe=wrong("late disease called normal", 4, "missed red flag", source, missed),
        instead={"analyze_medical_image": [Call("get_differential_visual", {"image_id": shot.id})]},
        traits=staged.traits,
    )


def which_eye(rng: Random, knowledge: Any) -> Draft:
    """Two discs: which of them is a glaucoma suspect, where both can be judged."""
    side, level = rng.choice([*SIDES, UNSHARP]), rng.randint(1, 3)
    who = patients.person(rng, "disc", level)
    ids = patients.named(rng, 2)
    bad = {side, *(("right eye", "left eye") if side == "both" else ()), *([rng.choice(SIDES)] * (side == UNSHARP))}
    names = {eye: "glaucoma suspect" if eye in bad else "normal optic disc" for eye in SIDES[:2]}
    near = {"cup_disc_ratio": rng.uniform(0.56, 0.63)} if level == 3 else {}
    if side == "neither":  # alike: eyes 0.2 apart would be suspect as well
        near = {"cup_disc_ratio": rng.uniform(0.56, 0.63) if level == 3 else rng.uniform(0.25, 0.6)}
    shots = {
        eye: patients.picture(rng, i, n, who, site=eye, **(near if n == "normal optic disc" else {}))
        for i, (eye, n) in zip(ids, names.items(), strict=True)
    }
    if side == UNSHARP:
        blurred = rng.choice(SIDES[:2])
        shots[blurred] = spoiled(rng, shots[blurred], "focus")
    chart = patients.chart(who, list(shots.values()))
    source = rules.system("cup_disc")["source"]
    ratios = {eye: number(reading.measures(p).get("cup_disc_ratio", 0.0)) for eye, p in shots.items()}
    calls = [Call("assess_image_quality", {"image_id": f"IMG-{i}"}) for i in (1, 2)]
    if side == UNSHARP:
        evidence = {"missing": "focus", "repeat_requested": shots[blurred].id}
        calls.append(Call("request_repeat_image", {"image_id": shots[blurred].id, "reason": "out of focus"}))
    else:
        evidence = {f"{eye}_ratio": r for eye, r in ratios.items()}
        calls.append(Call("compare_eyes", {"image_id": "IMG-1", "other_image_id": "IMG-2"}))
    away = [] if side == "neither" else ["neither"]
    return draft(
        "which_eye",
        f"suspect:{side}:{who['complaint']}:{level}",
        level,
        request(rng, chart, ASK_EYES, a="IMG-1", b="IMG-2"),
        chart,
        Gold("category", side, options=[*SIDES, UNSHARP], synonyms=SAME_SIDE),
        calls,
        evidence,
        [source],
        patients.story(rng, chart, "disc"),
        unsafe=wrong("a glaucoma suspect sent away", 4, "missed red flag", source, away),
        traits=["distractors"] if level == 3 else [],
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
        unsafe=wrong(
            "a wrong-side label let through", 4, "missed red flag", source, ["neither"] if bad != "neither" else []
        ),
        traits=["conflict"] if bad != "neither" else [],
    )
