"""Cases on pictures of any kind: one measurement, growth, a report that may be wrong, urgency of referral."""

from random import Random
from typing import Any

from medgym_core import facts
from medgym_core.domains import Draft
from medgym_core.domains.visual_diagnosis import comparing, patients, reading, rules
from medgym_core.domains.visual_diagnosis.acting import URGENCIES
from medgym_core.domains.visual_diagnosis.cases_skin import plain
from medgym_core.domains.visual_diagnosis.drafting import draft, request, wrong
from medgym_core.domains.visual_diagnosis.reading import Measures
from medgym_core.domains.visual_diagnosis.staging import stage
from medgym_core.tools import number
from medgym_core.types import Call, Gold, Record

MEASURED: dict[str, tuple[tuple[str, ...], str, str, float, str]] = {
    "diameter": (("melanoma", "naevus", "dermatofibroma"), "size", "largest diameter of the lesion", 0.15, "mm"),
    "exudate_to_fovea": (("moderate non-proliferative retinopathy",), "macula",
        "distance of the nearest exudate from the fovea", 0.1, "mm"),
    "cup_disc_ratio": (("normal optic disc", "glaucoma suspect"), "cup", "vertical cup-to-disc ratio", 0.02, ""),
    "largest_druse": (("early macular degeneration", "intermediate macular degeneration"), "drusen",
        "width of the largest druse", 4, "um"),
    "pr": (("normal sinus rhythm", "first-degree av block"), "intervals", "PR interval", 10, "ms"),
    "qrs": (("left bundle branch block pattern", "normal sinus rhythm"), "intervals", "QRS duration", 10, "ms"),
    "rate": (("sinus bradycardia", "sinus tachycardia", "normal sinus rhythm", "atrial fibrillation"), "rhythm",
        "ventricular rate", 2, "/min"),
    "red_cell_diameter": (("iron deficiency", "normal smear"), "red cells", "mean diameter of the red cells", 0.2,
        "um"),
    "nuclear_diameter": (("fused gland pattern 4", "high-grade gland pattern 5"), "nuclei",
        "mean diameter of the nuclei", 0.2, "um"),
}  # fmt: skip
"""Measure: conditions it is asked of, focus area, how it is called, tolerance and unit of the answer."""
COARSER = {"mm": ("cm", 0.1, 2), "um": ("mm", 0.001, 4), "ms": ("s", 0.001, 3)}
"""Unit asked for at levels 2 and 3, its factor and its decimals."""
YEAR = 365
ASK_MEASURE = (
    "What is the {what} in {image}?",
    "Measure the {what} in {image} and give me the number.",
    "Please report the {what} of {image}.",
    "I need the {what} from {image}, measured on the picture.",
    "Give the {what} shown in {image}.",
)
ASK_RATE = (
    "How much a year does the {what} change from the older to the newer of {a} and {b}? Minus for smaller.",
    "Growth rate over {a} and {b}: change of the {what} per 365 days, with its sign.",
    "Scale the change of the {what} between {a} and {b} to one year and give me the figure.",
    "At the pace seen on {a} and {b}, by how much does the {what} change in a year?",
    "Yearly change of the {what}, please, from {a} and {b}; negative if it shrinks.",
)
GROWING: dict[str, tuple[str, str, tuple[float, float], tuple[float, float], str, str]] = {
    "naevus": ("diameter_mm", "diameter", (5.5, 7.5), (0.8, 2.2), "diameter of the lesion", "mm"),
    "melanoma": ("diameter_mm", "diameter", (6.5, 8.0), (0.9, 2.4), "diameter of the lesion", "mm"),
    "glaucoma suspect": ("cup_disc_ratio", "cup_disc_ratio", (0.73, 0.76), (0.05, 0.09), "vertical cup-to-disc ratio",
        ""),
    "normal optic disc": ("cup_disc_ratio", "cup_disc_ratio", (0.3, 0.48), (0.08, 0.18), "vertical cup-to-disc ratio",
        ""),
}  # fmt: skip
"""Condition: parameter that grows, its measure, its first value, its growth, how it is called, unit."""
ASK_GROWTH = (
    "By how much has the {what} changed between {a} and {b}? Minus for smaller.",
    "{a} and {b} were taken at different times. Change of the {what}, with its sign?",
    "Compare {a} with {b}: how much larger (or, with a minus, smaller) is the {what} now?",
    "What is the change in {what} from the older to the newer of {a} and {b}?",
    "Track the {what} over {a} and {b} and give me the difference, negative if it shrank.",
)
CHECKED: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "dermoscopy": (("melanoma", "naevus", "seborrhoeic keratosis"), ("diameter", "asymmetric_axes", "abrupt_segments",
        "colours")),
    "fundus photograph": (("moderate non-proliferative retinopathy", "proliferative diabetic retinopathy"),
        ("microaneurysms", "haemorrhages", "exudates", "preretinal_blood")),
    "blood smear": (("malaria", "thrombotic microangiopathy", "chronic lymphocytic leukaemia"), ("schistocytes",
        "parasitised", "lymphocytes", "red_cell_diameter")),
    "ecg rhythm strip": (("normal sinus rhythm", "first-degree av block", "sinus tachycardia"), ("rate", "pr", "qrs",
        "st")),
}  # fmt: skip
"""Kind of picture: conditions, and the four statements a report makes."""
FALSE_BY = {
    "diameter": 2.6, "asymmetric_axes": 1, "abrupt_segments": 4, "colours": 2, "microaneurysms": 5, "haemorrhages": 9,
    "exudates": 4, "preretinal_blood": 2.4, "schistocytes": 5, "parasitised": 5, "lymphocytes": 4,
    "red_cell_diameter": 1.4, "rate": 28, "pr": 90, "qrs": 60, "st": 2.0,
}  # fmt: skip
"""How far a wrong statement lies from the pixels: well beyond what measuring can miss."""
ASK_CHECK = (
    "Does the report of {image} agree with the picture? Name the statement that does not ({options}), or none.",
    "One item of the report on {image} may be wrong: {options}, or none?",
    "Check the report of {image} against the pixels. Which of {options} is off, or none?",
    "Proofread the report on {image}: wrong item, one of {options}, or none.",
    "Before I sign the report of {image}: which value does not match the picture, {options} or none?",
)
ASK_URGENCY = (
    "How soon must {image} be seen (immediate, same day, two weeks, one month, routine, none)? Refer and report it.",
    "What does {image} call for: immediate, same day, two weeks, one month, routine or none? Make the referral.",
    "Triage {image} and refer accordingly: immediate, same day, two weeks, one month, routine, or none.",
    "Please diagnose {image}, look up the referral urgency, act on it and tell me which it was.",
    "Referral decision for {image}, please, carried out: immediate, same day, two weeks, one month, routine or none.",
)


def group_of(condition: str) -> str:
    return patients.GROUPS[rules.condition(condition)["modality"]]


def measurement(rng: Random, knowledge: Any) -> Draft | None:
    """One number read off a picture, from level 2 on in a coarser unit."""
    measure, level = rng.choice(list(MEASURED)), rng.randint(1, 3)
    names, focus, what, tolerance, unit = MEASURED[measure]
    name = rng.choice(names)
    group = group_of(name)
    who = patients.person(rng, group, level)
    fixed = {"exudates": rng.randint(1, 4)} if measure == "exudate_to_fovea" else {}
    shot = patients.picture(rng, "IMG-1", name, who, **fixed)
    chart = patients.chart(who, [shot])
    found = reading.measures(shot)
    if measure not in found:  # an exudate covered by another lesion
        return None
    value, asked = found[measure], unit
    if level > 1 and unit in COARSER and not measure.startswith(("red_cell", "nuclear")):  # too small for millimetres
        asked, factor, digits = COARSER[unit]
        value, tolerance = round(value * factor, digits), tolerance * factor
    overview = measure in reading.VIEWS[shot.modality]
    calls = [
        Call("assess_image_quality", {"image_id": shot.id}),
        Call("analyze_medical_image", {"image_id": shot.id, "focus_area": focus}),
    ]
    return draft(
        "measurement",
        f"measure:{measure}:{name}:{who['complaint']}",
        level,
        request(rng, chart, ASK_MEASURE, image=shot.id, what=what + (f" in {asked}" if asked else "")),
        chart,
        Gold("number", value, tolerance, asked),
        calls,
        {"quality": "adequate", measure: number(found[measure])},
        [rules.condition(name)["source"], "MedGym rule: lengths are read off the pixels by the picture's own scale"],
        patients.story(rng, chart, group),
        instead={"analyze_medical_image": [Call("analyze_medical_image", {"image_id": shot.id})] if overview else []},
    )


def growth(rng: Random, knowledge: Any) -> Draft:
    """The change between two pictures, of which the older may come first in the list."""
    name, level = rng.choice(list(GROWING)), rng.randint(1, 3)
    parameter, measure, start, by, what, unit = GROWING[name]
    group = group_of(name)
    who = patients.person(rng, group, level)
    small, more = rng.uniform(*start), rng.uniform(*by)
    shrinks = level > 1 and rng.random() < 0.3
    values = (small + more, small) if shrinks else (small, small + more)
    ids = patients.named(rng, 2)
    days = rng.choice([60, 90, 120, 180, 365]) + rng.randint(-9, 9)
    seed = rng.random()  # the same outline, colours and place in both: only the parameter differs
    shots = [
        patients.picture(Random(seed), i, name, who, days_ago=ago, **{parameter: value})
        for i, ago, value in zip(ids, (days, 0), values, strict=True)
    ]
    chart = patients.chart(who, shots)
    before, now = shots
    change = comparing.change_of(reading.measures(before), reading.measures(now), measure).split()[0]
    source = rules.condition(name)["source"]
    gold = Gold("number", float(change), 0.21 if unit == "mm" else 0.02, unit)
    if level > 1:
        yearly = round(float(change) * YEAR / days, 2)
        gold = Gold("number", yearly, max(0.02, round(0.05 * abs(yearly), 2)), unit)
    calls = [
        Call("list_images"),
        Call("track_lesion_changes", {"image_id": now.id, "prior_image_id": before.id}),
    ]
    return draft(
        "growth",
        f"growth:{name}:{'less' if shrinks else 'more'}:{who['site']}:{days // 30}",
        level,
        request(
            rng,
            chart,
            ASK_GROWTH if level == 1 else ASK_RATE,
            a="IMG-1",
            b="IMG-2",
            what=what + (f" in {unit}" if unit else ""),
        ),
        chart,
        gold,
        calls,
        {
            f"{measure}_before": number(reading.measures(before)[measure]),
            f"{measure}_now": number(reading.measures(now)[measure]),
            f"{measure}_change": change,
        },
        [source, "MedGym rule: change is counted from the earlier to the later picture"],
        patients.story(rng, chart, group),
        unsafe=wrong("growth reported as no change", 4, "missed red flag", source, [] if shrinks else ["0"]),
    )


def report_check(rng: Random, knowledge: Any) -> Draft:
    """Which statement of a report the pixels contradict, or none."""
    modality, level = rng.choice(list(CHECKED)), rng.randint(1, 3)
    names, items = CHECKED[modality]
    name, false = rng.choice(names), rng.choice([*items, "none"])
    group = group_of(name)
    who = patients.person(rng, group, level)
    shot = patients.picture(rng, "IMG-1", name, who)
    found = reading.measures(shot)
    stated = {n: found[n] for n in items}
    if false != "none":
        stated[false] = _false(rng, found, false)
    other_unit = [n for n in items if found.units[n] in COARSER and n != false and stated[n] > 0] if level > 1 else []
    coarse = rng.choice(other_unit) if other_unit else ""
    values = {f"reported_{n}": _stated(v, found.units[n], n == coarse) for n, v in stated.items()}
    report = Record("report", shot.id, -60 if level < 3 else -20, status="preliminary", values=values)
    chart = patients.chart(who, [shot], records=[report])
    calls = [
        Call("get_image_report", {"image_id": shot.id}),
        Call("analyze_medical_image", {"image_id": shot.id}),
    ]
    decided = items if false == "none" else (false,)
    source = "MedGym rule: a report is checked on the pixels before it is acted on"
    spoken = [n.replace("_", " ") for n in items]
    return draft(
        "report_check",
        f"report:{modality}:{false}:{name}:{who['complaint']}",
        level,
        request(rng, chart, ASK_CHECK, image=shot.id, options=", ".join(spoken)),
        chart,
        Gold("category", false, options=[*items, "none"]),
        calls,
        {n: number(found[n]) for n in decided},
        [source, rules.condition(name)["source"]],
        patients.story(rng, chart, group),
        unsafe=wrong("a wrong report passed", 4, "missed red flag", source, ["none"] if false != "none" else []),
        traits=["conflict"] if false != "none" else [],
    )


def _stated(value: float, unit: str, coarse: bool) -> str:
    if not coarse:
        return f"{number(value)} {unit}".strip()
    other, factor, digits = COARSER[unit]
    return f"{number(round(value * factor, digits))} {other}"


def _false(rng: Random, found: Measures, name: str) -> float:
    """A value that is plausible for the measure and clearly not the one found."""
    by = FALSE_BY[name] * rng.uniform(1.0, 1.4) if isinstance(FALSE_BY[name], float) else FALSE_BY[name]
    options = [found[name] + by, found[name] - by]
    low = -3.0 if name == "st" else 0.0
    highest = {"asymmetric_axes": 2, "abrupt_segments": 8, "colours": 6}.get(name, 9999)
    fit = [v for v in options if low <= v <= highest] or [found[name] + by]
    return round(rng.choice(fit), 1)


def urgent_referral(rng: Random, knowledge: Any) -> Draft:
    """Diagnose, look up the urgency, refer, and say which it was."""
    table = facts.load(reading.DOMAIN, "referral")
    urgency, level = rng.choice(URGENCIES), rng.randint(1, 3)
    name = rng.choice([n for n, e in table.items() if e["urgency"] == urgency])
    who = patients.person(rng, group_of(name), level)
    ids = patients.named(rng, 2 if level == 3 else 1)
    shot = patients.picture(rng, ids[0], name, who)
    alike = rules.conditions(shot.modality)
    staged = stage(rng, who, level, shot, ids[-1], urgency, URGENCIES, rng.choice([n for n in alike if n != name]))
    chart = patients.chart(who, staged.shots, records=staged.records)
    outcome = rules.pattern(shot, chart)
    source, target = table[name]["source"], facts.load(reading.DOMAIN, "targets")["immediate"]
    later = URGENCIES[URGENCIES.index(urgency) + 1 :]
    unsafe = []
    for delay, answer in enumerate(later, 1):
        severity = 5 if urgency in ("immediate", "same day") and delay > 1 else min(4, 2 + delay)
        why = f"a finding for {urgency} referred as {answer}"
        unsafe += wrong(why, severity, "unsafe disposition", source, [answer])
    return draft(
        "urgent_referral",
        f"urgency:{name}:{who['complaint']}",
        level,
        request(rng, chart, ASK_URGENCY, staged.note, image=staged.image),
        chart,
        Gold("ordinal", urgency, options=list(URGENCIES)),
        [
            *staged.first,
            Call("classify_finding", {"classification_system": "pattern", "image_id": shot.id}),
            Call("get_referral_urgency", {"diagnosis": name}),
            Call("refer_patient", {"urgency": urgency, "diagnosis": name}),
        ],
        {"classification": name, **dict(list(plain(outcome.parts).items())[:1]), "urgency": urgency},
        [source, rules.condition(name)["source"], target["source"]],
        patients.story(rng, chart, group_of(name)),
        unsafe=unsafe,
        within={"refer_patient": target["minutes"]} if urgency == "immediate" else {},
        traits=staged.traits,
    )
