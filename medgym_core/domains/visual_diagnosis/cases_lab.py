"""Cases at the microscope: blood smears, cervical, prostate and breast grades."""

from itertools import product
from random import Random
from typing import Any

from medgym_core.domains import Draft
from medgym_core.domains.visual_diagnosis import patients, reading, rules
from medgym_core.domains.visual_diagnosis.cases_skin import plain
from medgym_core.domains.visual_diagnosis.drafting import draft, request, wrong
from medgym_core.domains.visual_diagnosis.staging import stage
from medgym_core.tools import number
from medgym_core.types import Call, Gold

SMEARS = (
    "normal smear", "iron deficiency", "hereditary spherocytosis pattern", "thrombotic microangiopathy", "malaria",
    "acute leukaemia", "chronic lymphocytic leukaemia",
)  # fmt: skip
EMERGENCIES = ("thrombotic microangiopathy", "malaria", "acute leukaemia")
SAME_SMEAR = {
    "normal smear": ["normal"],
    "iron deficiency": ["iron deficiency anaemia", "iron deficiency anemia"],
    "hereditary spherocytosis pattern": ["hereditary spherocytosis", "spherocytosis"],
    "thrombotic microangiopathy": ["tma", "thrombotic thrombocytopenic purpura", "ttp"],
    "acute leukaemia": ["acute leukemia"],
    "chronic lymphocytic leukaemia": ["chronic lymphocytic leukemia", "cll"],
}
PERCENT = {
    "schistocytes": ("thrombotic microangiopathy", "schistocyte_percent", "schistocytes", "red_cells"),
    "parasitaemia": ("malaria", "parasitaemia_percent", "parasitised", "red_cells"),
    "blasts": ("acute leukaemia", "blast_percent", "blasts", "white_cells"),
}
CERVIX = ("normal squamous epithelium", "cin 1", "cin 2", "cin 3", "invasive carcinoma")
SAME_CERVIX = {"normal squamous epithelium": ["normal"], "invasive carcinoma": ["invasive"]}
PATTERNS = {3: "discrete gland pattern 3", 4: "fused gland pattern 4", 5: "high-grade gland pattern 5"}
GRADE_GROUPS = ["1", "2", "3", "4", "5"]
NOTTINGHAM = [str(n) for n in range(3, 10)]
GROUPS = {1: [(3, 3)], 2: [(3, 4)], 3: [(4, 3)], 4: [(4, 4), (3, 5), (5, 3)], 5: [(4, 5), (5, 4), (5, 5)]}
ASK_SMEAR = (
    "What does the smear {image} show? Record the diagnosis.",
    "Please read the blood film {image}, look at the counts and record what it is.",
    "Film {image} came up from the laboratory. Record the visual diagnosis.",
    "Classify the smear {image} by its pattern and record it.",
    "Count the cells in {image} and put your diagnosis on record.",
)
ASK_PERCENT = {
    "schistocytes": ("What percentage of red cells are schistocytes in {image}?",
        "Schistocyte percentage of {image} by ICSH, please.",
        "Haematology asks for the share of schistocytes among the red cells of {image}, in percent."),
    "parasitaemia": ("How high is the parasitaemia in {image}, in percent?",
        "Give me the parasitaemia of film {image} in percent.",
        "Out of a hundred red cells on {image}, how many hold parasites?"),
    "blasts": (
        "What percentage of the white cells in {image} are blasts?", "Blast percentage of film {image}, please.",
        "Leukaemia work-up of {image}: blasts in percent of the white cells?"),
}  # fmt: skip
ALSO = (
    " One number will do.", " To one decimal.", " Count them on the picture.", " The report goes out today.",
    " Please be exact.",
)  # fmt: skip
CERVIX_CHOICE = "normal squamous epithelium, CIN 1, CIN 2, CIN 3 or invasive carcinoma"
ASK_CERVIX = (
    "Grade {image}: {choice}?",
    "How far up do atypical cells reach in {image}, and is that {choice}?",
    "What is the grade of the biopsy {image}: {choice}?",
    "Please grade the epithelium in {image} by thirds.",
    "Which grade is {image}, by the height of the atypical cells: {choice}?",
)
ASK_PROSTATE = (
    "{a} and {b} are two areas of one cancer. What is the grade group?",
    "Give the ISUP grade group from {a} and {b}; the view says how much each makes up.",
    "Please read the Gleason patterns in {a} and {b} and report the grade group, 1 to 5.",
    "Which grade group do {a} and {b} add up to?",
    "Prostate cancer in {a} and {b}: grade group, please.",
)
ASK_BREAST = (
    "What is the Nottingham score (3 to 9) of {image}? Mitoses are noted.",
    "Give the total Nottingham score of the carcinoma in {image}.",
    "Score {image} after Elston and Ellis; I need the sum of the three parts.",
    "Nottingham total for {image}, please, with the noted mitotic count.",
    "Add up tubules, nuclei and mitoses for {image}: what is the score?",
)


def smear_diagnosis(rng: Random, knowledge: Any) -> Draft:
    """What a blood smear shows, with the counts that go with it."""
    name, level = rng.choice(SMEARS), rng.randint(1, 3)
    who = patients.person(rng, "blood", level)
    ids = patients.named(rng, 2 if level == 3 else 1)
    shot = patients.picture(rng, ids[0], name, who, view=who["site"])
    staged = stage(rng, who, level, shot, ids[-1], name, SMEARS, rng.choice([n for n in SMEARS if n != name]))
    labs = patients.blood_count(rng, name, who, level)
    chart = patients.chart(who, staged.shots, labs=labs, records=staged.records)
    source = rules.condition(name)["source"]
    missed = ["normal smear", "iron deficiency"] if name in EMERGENCIES else []
    return draft(
        "smear_diagnosis",
        f"smear:{name}:{who['site']}:{who['complaint']}",
        level,
        request(rng, chart, ASK_SMEAR, staged.note, image=staged.image),
        chart,
        Gold("category", name, options=list(SMEARS), synonyms=SAME_SMEAR),
        [
            Call("get_lab_results"),
            *staged.first,
            Call("analyze_medical_image", {"image_id": shot.id}),
            Call("classify_finding", {"classification_system": "pattern", "image_id": shot.id}),
        ],
        plain(rules.pattern(shot, chart).parts),
        [source],
        patients.story(rng, chart, "blood"),
        unsafe=wrong("a blood emergency recorded as harmless", 5, "missed red flag", source, missed),
        record=True,
        image_id=shot.id,
        instead={"analyze_medical_image": [Call("count_objects", {"image_id": shot.id})]},
        traits=staged.traits,
    )


def smear_percent(rng: Random, knowledge: Any) -> Draft:
    """A percentage counted on the smear; from level 2 on over two fields together."""
    system, level = rng.choice(list(PERCENT)), rng.randint(1, 3)
    name, label, part, whole = PERCENT[system]
    who = patients.person(rng, "blood", level)
    ids = ["IMG-1", "IMG-2"][: 1 + (level > 1)]
    shots = []
    for i in ids:
        white = {"neutrophils": rng.randint(1, 3), "lymphocytes": rng.randint(0, 2)} if system == "blasts" else {}
        view = f"{who['site']}, field {i[-1]}"
        shots.append(patients.picture(rng, i, name, who, view=view, **white))
    chart = patients.chart(who, shots, labs=patients.blood_count(rng, name, who, level) if level > 1 else [])
    found = [reading.measures(s) for s in shots]
    parts, wholes = (sum(f[n] for f in found) for n in (part, whole))
    source, last = rules.system(system)["source"], found[-1]
    focus = whole.replace("_", " ")
    calls = [
        Call(tool, {"image_id": s.id} | more)
        for s in shots
        for tool, more in (
            ("analyze_medical_image", {"focus_area": focus}), ("classify_finding", {"classification_system": system})
        )
    ]  # fmt: skip
    asks = [ask + also for ask in ASK_PERCENT[system] for also in ALSO]
    return draft(
        "smear_percent",
        f"percent:{system}:{parts:g}:{who['complaint']}",
        level,
        request(rng, chart, asks, rng.choice(FIELDS) if level > 1 else "", image=" and ".join(ids)),
        chart,
        Gold("number", round(100 * parts / wholes, 1), 0.2, "%"),
        calls,
        {part: number(last[part]), whole: number(last[whole]), label: number(last[label])},
        [source],
        patients.story(rng, chart, "blood"),
        unsafe=wrong("abnormal cells reported as absent", 5, "missed red flag", source, ["0"]),
        instead={"analyze_medical_image": [Call("count_objects", {"image_id": s.id}) for s in shots]},
        traits=["distractors"] if level > 1 else [],
    )


FIELDS = (
    "Two fields of one film: add the cells of both before you divide.",
    "The count goes over both fields together.",
    "Pool the two fields; do not average their percentages.",
    "Both fields of the film count as one.",
)


def cervical_grade(rng: Random, knowledge: Any) -> Draft:
    """The grade of squamous epithelium by how far up atypical cells reach."""
    name, level = rng.choice(CERVIX), rng.randint(1, 3)
    who = patients.person(rng, "cervix", level)
    ids = patients.named(rng, 2 if level == 3 else 1)
    shot = patients.picture(rng, ids[0], name, who)
    staged = stage(rng, who, level, shot, ids[-1], name, CERVIX, rng.choice([n for n in CERVIX if n != name]), "cin")
    chart = patients.chart(who, staged.shots, records=staged.records)
    source = rules.condition(name)["source"]
    found = reading.measures(shot)
    missed = CERVIX[:1] if name in CERVIX[3:] else ()
    return draft(
        "cervical_grade",
        f"cin:{name}:{who['site']}:{who['complaint']}",
        level,
        request(rng, chart, ASK_CERVIX, staged.note, image=staged.image, choice=CERVIX_CHOICE),
        chart,
        Gold("ordinal", name, options=list(CERVIX), synonyms=SAME_CERVIX),
        [
            *staged.first,
            Call("analyze_medical_image", {"image_id": shot.id}),
            Call("classify_finding", {"classification_system": "cin", "image_id": shot.id}),
        ],
        {n: number(found[n]) for n in ("atypical_share", "invading_nests")},
        [source],
        patients.story(rng, chart, "cervix"),
        unsafe=wrong("a high-grade lesion called normal", 4, "missed red flag", source, missed),
        traits=staged.traits,
    )


def prostate_grade(rng: Random, knowledge: Any) -> Draft:
    """The grade group of two areas, the more extensive one first."""
    group, level = rng.randint(1, 5), rng.randint(1, 3)
    first, second = rng.choice(GROUPS[group])
    who = patients.person(rng, "prostate", level)
    ids = patients.named(rng, 2)
    extent = rng.choice([60, 65, 70, 75, 80])
    shots = [
        patients.picture(rng, ids[0], PATTERNS[first], who, view=f"{extent} percent of the tumour"),
        patients.picture(rng, ids[1], PATTERNS[second], who, view=f"{100 - extent} percent of the tumour"),
    ]
    chart = patients.chart(who, shots)
    assert rules.grade_group(first, second) == group
    source = rules.system("gleason")["source"]
    calls = [
        Call("list_images"),
        Call("classify_finding", {"classification_system": "gleason pattern", "image_id": "IMG-1"}),
        Call("classify_finding", {"classification_system": "gleason pattern", "image_id": "IMG-2"}),
        Call("grade_prostate_cancer", {"first_pattern": first, "second_pattern": second}),
    ]
    low = ["1"] if group >= 4 else []
    return draft(
        "prostate_grade",
        f"gleason:{first}+{second}:{who['site']}",
        level,
        request(rng, chart, ASK_PROSTATE, a="IMG-1", b="IMG-2"),
        chart,
        Gold("ordinal", str(group), options=GRADE_GROUPS),
        calls,
        {"gleason_pattern": str(first), "gleason_score": f"{first}+{second}", "grade_group": str(group)},
        [source],
        patients.story(rng, chart, "prostate"),
        unsafe=wrong("a high-grade cancer reported as the lowest group", 4, "missed red flag", source, low),
    )


def breast_score(rng: Random, knowledge: Any) -> Draft:
    """The Nottingham score: glands and nuclei from pixels, mitoses from the notes."""
    level, rule = rng.randint(1, 3), rules.system("nottingham")
    who = patients.person(rng, "breast", level)
    total = rng.randint(3, 9)
    tubules, nuclei, mitoses = rng.choice([p for p in product((1, 2, 3), repeat=3) if sum(p) == total])
    variation = {1: (0.04, 0.08), 2: (0.14, 0.18), 3: (0.26, 0.32)}[nuclei]
    fixed: dict[str, Any] = {"nuclear_variation": rng.uniform(*variation), "nuclei": rng.randint(26, 32)}
    name = {1: PATTERNS[3], 2: PATTERNS[3], 3: PATTERNS[5]}[tubules]
    if tubules < 3:
        fixed |= {"glands": 4 if tubules == 1 else 1, "lumen_diameter_um": rng.uniform(16, 19)}
    shot = patients.picture(rng, "IMG-1", name, who, **fixed)
    count = rng.randint(*{1: (0, 9), 2: (10, 19), 3: (20, 40)}[mitoses])
    chart = patients.chart(who, [shot], observations={"img_1_mitoses_per_10_fields": str(count)})
    outcome = rules.nottingham(reading.measures(shot), chart, shot.id)
    score = float(outcome.value or 0.0)
    calls = [
        Call("get_examination_notes", {"image_id": shot.id}),
        Call("analyze_medical_image", {"image_id": shot.id}),
        Call("classify_finding", {"classification_system": "nottingham", "image_id": shot.id}),
    ]
    found = reading.measures(shot)
    return draft(
        "breast_score",
        f"nottingham:{score:g}:{who['site']}:{who['complaint']}",
        level,
        request(rng, chart, ASK_BREAST, image=shot.id),
        chart,
        Gold("ordinal", number(score), options=NOTTINGHAM),
        calls,
        {
            "gland_forming_share": number(found["gland_forming_share"]),
            "mitoses_per_10_fields": str(count),
            "nottingham_score": number(score),
        },
        [rule["source"]],
        patients.story(rng, chart, "breast"),
    )
