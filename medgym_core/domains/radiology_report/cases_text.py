"""Cases whose answer is written: the impression of a report, and the comparison with a prior study."""

from random import Random
from typing import Any

from medgym_core import facts
from medgym_core.domains import Draft
from medgym_core.domains.common import claim
from medgym_core.domains.radiology_report import patients, reading, rules
from medgym_core.domains.radiology_report.cases_course import both, comparing, course, oldest, pair
from medgym_core.domains.radiology_report.cases_reading import side_of
from medgym_core.domains.radiology_report.drafting import capital, draft, request
from medgym_core.domains.radiology_report.reading import DOMAIN, Measures
from medgym_core.domains.radiology_report.staging import stage
from medgym_core.tools import number
from medgym_core.types import Assertion, Call, Gold, Picture

ASK_IMPRESSION = (
    "Write the impression of {study} in at most {most} words: the finding, its side, its size with unit, and whether "
    "it is passed on within minutes, within hours or within days.",
    "Dictate the impression for {study}: what it is, right or left, how large as measured, and how soon the clinician "
    "is told (minutes, hours, days). No more than {most} words.",
    "I need two sentences under {study}, {most} words at most: finding and side, measured size, and the time within "
    "which it is communicated: minutes, hours or days.",
    "Finish the report on {study} with its impression (up to {most} words). It names finding, side and size and says "
    "when it is communicated: within minutes, hours or days.",
    "Your impression of {study} for the referring doctor, please, in {most} words or fewer: side, finding, size, and "
    "within what time it must be passed on (minutes, hours, days).",
)
ASK_COMPARISON = (
    "Write the comparison sentence for {a} and {b}: how the nodule has behaved, both mean diameters in mm, and the "
    "days between. At most {most} words.",
    "For the report, compare {a} with {b} in at most {most} words: course of the nodule by the 25 % rule for its "
    "volume, mean diameter then and now, interval in days.",
    "Put into words what became of the nodule between {a} and {b} (up to {most} words): grown, smaller or stable by "
    "volume, the two measured diameters, the days that lie between.",
    "Dictate the line 'comparison' on {a} and {b}, {most} words or fewer. It gives course, sizes as measured and the "
    "interval in days.",
    "The chest team reads only one line: nodule on {a} against {b}, its course, both diameters and the interval in "
    "days, in no more than {most} words.",
)
IMPRESSIONS = (
    "{side}-sided {name}, {sized}. The team has to be told {haste}.",
    "There is a {said} on the {side}, {sized}. This is communicated {haste}.",
    "{said}, {side} side, {sized}. Result to be passed on {haste}.",
)
BONE_IMPRESSIONS = (
    "There is a {said} of the {place}, {sized}. This is communicated {haste}.",
    "{said}, {place}, {sized}. The team has to be told {haste}.",
)
COMPARISONS = {
    "smaller": "Against the study {days} days earlier the nodule has become smaller, from {before} mm to {now} mm.",
    "stable": "The nodule is stable after {days} days: it measured {before} mm and now measures {now} mm.",
    "grown": "Over {days} days the nodule has grown from {before} mm to {now} mm in mean diameter.",
}
COURSES = {
    "smaller": ["smaller", "shrunk", "shrunken", "decreased", "decrease", "regressed", "regression", "reduced",
        "diminished", "shrinking"],
    "stable": ["stable", "unchanged", "no significant change", "no relevant change", "no growth", "has not grown",
        "constant", "without change"],
    "grown": ["grown", "grew", "growing", "growth", "larger", "enlarged", "increased", "increase", "bigger",
        "progressed", "doubling"],
}  # fmt: skip
FALSE_COURSES = {
    "smaller": ["become smaller", "is smaller", "got smaller", "shrunk", "regressed", "decreased in size"],
    "stable": ["is stable", "remains stable", "stable nodule", "nodule stable", "unchanged"],
    "grown": ["has grown", "grew", "is growing", "become larger", "is larger", "enlarged", "increased in size",
        "is bigger"],
}  # fmt: skip
MOST_WORDS = 50
LATERAL = ("right", "left")


def sizes(value: float) -> list[str]:
    """How a length in mm may be written with its unit."""
    return [f"{number(value)} mm", f"{number(round(value / 10, 2))} cm"]


def impression_line(rng: Random, knowledge: Any) -> Draft | None:
    """Finding, side, size and haste of one study, in free words."""
    table = facts.load(DOMAIN, "wording")
    name, level = rng.choice(list(table)), rng.randint(1, 3)
    entry, category = table[name], rules.urgency(name)
    scene = patients.setting_of(name)
    who = patients.person(rng, scene, level)
    ids = patients.names(rng, 2)
    shot = patients.shot(rng, ids[0], name, who)
    found = reading.measures(shot)
    side, label = side_of(found, shot), entry["measure"]
    label = f"{label}_{side}" if f"{label}_{side}" in found else label
    if found.get(label, 0) <= 0 or category is None:
        return None
    options = [n for n in facts.load(DOMAIN, "conditions") if patients.setting_of(n) == scene]
    staged = stage(rng, who, level, shot, ids[1], name, options)
    case = patients.chart(who, staged.shots, staged.records)
    claims, denied = _impression(name, side, label, found, shot, category)
    return draft(
        "impression_line",
        f"impression:{name}:{side}:{who['complaint']}",
        level,
        request(rng, case, ASK_IMPRESSION, staged.note, study=staged.study, most=MOST_WORDS),
        case,
        Gold("text", list(claims), assertions=claims, denied=denied, max_words=MOST_WORDS),
        [
            *(staged.first or [Call("get_study_info", {"study_id": shot.id})]),
            Call("analyze_findings", {"study_id": shot.id}),
            Call("apply_classification_system", {"study_id": shot.id, "system": "pattern"}),
            Call("get_communication_category", {"finding": name}),
        ],
        {"classification": name, label: number(found[label]), "category": str(category)},
        [rules.condition(name)["source"], facts.load(DOMAIN, "urgency")[name]["source"], entry["source"]],
        patients.story(rng, case, scene),
        text=_worded(rng, name, side, number(found[label]), shot, category),
        instead={
            "get_study_info": [Call("list_studies")],
            "get_communication_category": [Call("generate_critical_finding_alert", {"study_id": shot.id})],
        },
        traits=staged.traits,
    )


def _impression(
    name: str, side: str, label: str, found: Measures, shot: Picture, category: int
) -> tuple[dict[str, Assertion], dict[str, Assertion]]:
    """What the impression must say, and what would be false."""
    entry, haste = facts.load(DOMAIN, "wording")[name], facts.load(DOMAIN, "haste")
    size = f"{label}: {reading.show(found, label)}"
    shown_side = f"haematoma_side: {side}" if "haematoma_thickness" == label else size
    if shot.body_part.startswith(LATERAL):
        shown_side = shot.body_part
    other = LATERAL[1 - LATERAL.index(side)]
    claims = {
        "finding": claim(entry["said"], shown=f"classification: {name}"),
        "side": claim(entry["said"], [p.format(side=side) for p in entry["sided"]], shown=shown_side),
        "size": claim(sizes(found[label]), shown=size),
        "haste": claim(haste[str(category)]["said"], shown=f"category: {category}"),
    }
    normal = [n for n in rules.conditions(shot.modality) if n.startswith("normal")]
    denied = {
        "wrong side": claim(entry["said"], [p.format(side=other) for p in entry["sided"]]),
        "called normal": claim([*normal, "no acute finding", "no abnormality", "unremarkable"]),
        "wrong haste": claim([w for c, e in haste.items() if c != str(category) for w in e["said"][:2]]),
    }
    return claims, denied


def _worded(rng: Random, name: str, side: str, size: str, shot: Picture, category: int) -> str:
    entry, haste = facts.load(DOMAIN, "wording")[name], facts.load(DOMAIN, "haste")
    sized = entry["sized"].format(size=f"{size} mm")
    said = rng.choice(entry["said"][:2])
    place = shot.body_part if shot.body_part.startswith(LATERAL) else ""
    template = rng.choice(BONE_IMPRESSIONS if place else IMPRESSIONS)
    words = {"side": side, "name": name, "said": said, "sized": sized, "place": place}
    return capital(template.format(haste=haste[str(category)]["said"][0], **words))


def comparison_line(rng: Random, knowledge: Any) -> Draft | None:
    """The course of a nodule in free words; from level 2 on the earlier report has another size."""
    value, level = rng.choice(list(COURSES)), rng.randint(1, 3)
    who = patients.person(rng, "ct chest", level)
    first, days = rng.uniform(7, 12), rng.randint(60, 500)
    change = {"smaller": (0.68, 0.84), "stable": (0.97, 1.03), "grown": (1.13, 1.5)}[value]
    shots = pair(rng, who, first, first * rng.uniform(*change), days, level)
    before, now, days, outcome = course(shots)
    got = str(outcome.value) if outcome.value in COURSES else "grown"
    if got != value or before == now:
        return None
    said = round(before + rng.choice([-1, 1]) * rng.uniform(1.8, 3.2), 1) if level > 1 else before
    old = patients.report(shots[0].id, shots[0].minutes, "final", **{"nodule diameter": f"{number(said)} mm"})
    case = patients.chart(who, shots, [old])
    claims = {
        "course": claim(["nodule", "lesion", "it"], COURSES[value], shown=f"course: {outcome.value}"),
        "sizes": claim(
            [*sizes(before), number(before)], [*sizes(now), number(now)], shown=f"diameter_before: {number(before)} mm"
        ),
        "interval": claim([f"{days} days", f"{days} day"], shown=f"days_between: {days}"),
    }
    denied = {f"called {c}": claim(words) for c, words in FALSE_COURSES.items() if c != value}
    if value == "grown":
        denied["growth denied"] = claim(["no growth", "has not grown"])
    if said not in (before, now):
        denied["the size once reported"] = claim([f"{number(said)} mm"])
    prior = {"study_id": shots[0].id}
    note, found = oldest(rng, shots)
    return draft(
        "comparison_line",
        f"comparison:{value}:{who['site']}:{days // 60}",
        level,
        request(rng, case, ASK_COMPARISON, note, most=MOST_WORDS, **both(rng, shots)),
        case,
        Gold("text", list(claims), assertions=claims, denied=denied, max_words=MOST_WORDS),
        [*found, Call("get_prior_reports", prior), comparing(shots)],
        {"diameter_before": number(before), "diameter_now": number(now), "course": str(outcome.value)},
        [rules.system("doubling_time")["source"]],
        patients.story(rng, case, "ct chest"),
        text=COMPARISONS[value].format(days=days, before=number(before), now=number(now)),
        traits=["conflict", *(["distractors"] if level == 3 else [])] if level > 1 else [],
    )
