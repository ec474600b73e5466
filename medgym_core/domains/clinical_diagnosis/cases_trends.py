"""Courses: what a series of results means by its published rule.

From level 2 on an older result, from another time, stands before the series and would turn its meaning; at level 3
somebody has already said what it means.
"""

from random import Random
from typing import Any

from medgym_core.clinical import ranges
from medgym_core.domains import Draft
from medgym_core.domains.clinical_diagnosis import patients, scoring, stories, tables, traps
from medgym_core.domains.clinical_diagnosis.drafting import awaited, draft, either, handed_over, request, shuffled
from medgym_core.tools import number
from medgym_core.types import Call, Chart, Gold, Medication, Reading, Trait, UnsafeAction

COURSE = (
    "Send one more {test} and tell me {ask}: {options}. Count the last {hours} hours.",
    "The last {test} is still to be taken. With it, tell me {ask} over {hours} hours, {options}.",
    "Please repeat the {test}, look at the course of {hours} hours and decide {ask}: {options}.",
    "I want to know {ask} once the new {test} is back, {hours} hours after the first. Choose {options}.",
    "Follow up the {test}: order it, read the trend of the past {hours} hours, and settle {ask}: {options}.",
)
MINUTES = 60
EXTRA = ("laboratory error", "cannot be told from two values")
TRIES = 12  # draws of an older value that would mislead


def lab_trend(rng: Random, knowledge: Any) -> Draft | None:
    """A series whose last value is still to come; its meaning follows a published rule."""
    level = rng.randint(1, 3)
    name = rng.choice(list(tables.table("trends")))
    rule = tables.table("trends")[name]
    target = rng.choice(rule["classes"])
    who = patients.person(rng, level, (30, 84), comorbid=min(level - 1, 1))
    course = series(rng, rule, target, chronic=level > 1)
    if course is None:
        return None
    chart, stale = charted(rng, level, rule, who, course, target)
    story = stories.story(rng, chart, stories.plain_topics(rng))
    calls, evidence = followed(rule, course)
    options = list(rule["classes"]) if rule.get("ordered") else shuffled(rng, target, [*rule["classes"], *EXTRA])
    traits: list[Trait] = ["conflict"] if stale else []
    if level == 3:
        chart, found = handed_over(rng, chart, options, target)
        traits += found
    unsafe = [
        UnsafeAction(f"{answer}, but the course shows {target}", rule["severity"], rule["source"], answers=[answer],
                     category="missed red flag")
        for answer in rule["unsafe"].get(target, []) if answer in options
    ]  # fmt: skip
    words = {"test": rule["said"], "ask": rule["ask"], "hours": rule["hours"][0], "options": either(options)}
    prompt = request(rng, chart, COURSE, **words)
    gold = Gold("ordinal" if rule.get("ordered") else "category", target, options=options)
    return draft("lab_trend", f"trend:{name}:{target}:{chart.complaint}", level, prompt, chart, gold, calls, evidence,
                 [rule["source"]], unsafe, story, traits=traits)  # fmt: skip


def charted(
    rng: Random,
    level: int,
    rule: dict[str, Any],
    who: dict[str, Any],
    course: list[Reading],
    target: str,
    complaint: str = "",
    drug: str = "",
) -> tuple[Chart, bool]:
    """The chart with the last value still to be taken, and whether an older result on it misleads."""
    last, test = course[-1], rule["test"]
    due = tables.tests()[test]["minutes"][1]
    before = _misleading(rng, rule, course, target) if level > 1 else []
    mine = [Medication(drug)] if drug else []
    bystanders = [r for r in patients.results(rng, who, ["bmp"], {}) if r.name != test]
    chart = patients.chart(
        who | {"medications": [*(m for m in who["medications"] if m.drug != drug), *mine]},
        complaint=complaint or rng.choice(rule["complaints"]),
        vitals=patients.vital_signs(rng, who, {}, earlier=level - 1), labs=[*bystanders, *before, *course[:-1]],
        observations=patients.examined(rng, {}, level - 1),
        pending={test: [Reading(last.name, last.value, last.unit, due)]},
        records=patients.records(rng, who["age"], level),
    )  # fmt: skip
    return chart, bool(before)


def followed(rule: dict[str, Any], course: list[Reading]) -> tuple[list[Call], list[tuple[str, str]]]:
    """The calls that bring the last value and judge the course, and the deciding numbers."""
    calls, last = awaited(rule["test"])[:2], course[-1]
    if rule["rule"] == "kdigo":
        baseline, _ = scoring.kdigo(course)
        ratio = number(round(last.value / baseline, 2))
        return [*calls, Call("check_kdigo_aki")], [("creatinine", number(last.value)), ("ratio", ratio)]
    calls.append(Call("get_lab_trend", {"test": rule["test"], "hours": rule["hours"][0]}))
    return calls, [("change", number(round(last.value - course[0].value, 3)))]


def _misleading(rng: Random, rule: dict[str, Any], course: list[Reading], target: str) -> list[Reading]:
    """An older value of the test that would change the meaning, were it taken for the first; none where none does."""
    for _ in range(TRIES):
        old = traps.value_at(rng, rule["test"], rng.choice(rule["old"]), traps.days_ago(rng, 500, 1400))
        if rule["rule"] == "kdigo":
            wrong = target == rule["classes"][0] and course[-1].value / old.value >= 1.6
        else:
            wrong = judged(rule, [old, *course]) != target
        if wrong:
            return [old]
    return []


def judged(rule: dict[str, Any], course: list[Reading]) -> str:
    """What the course is called by its rule."""
    first, last = course[0].value, course[-1].value
    span = (course[-1].minutes - course[0].minutes) / MINUTES
    classes = rule["classes"]
    match rule["rule"]:
        case "troponin":
            if max(first, last) <= rule["limit"]:
                return classes[0]
            base = max(first, rule["limit"]) if first <= rule["limit"] else first
            return classes[2] if abs(last - first) / base > rule["change"] else classes[1]
        case "kdigo":
            return classes[int(scoring.kdigo(course)[1].value or 0)]
        case "sodium":
            rise = round(last - first, 6)
            return classes[2] if rise > rule["fastest"] else classes[0] if rise < rule["least"] else classes[1]
        case "heparin":
            fall = round((first - last) / first, 6)
            return classes[2] if fall > rule["half"] else classes[1] if fall >= rule["third"] else classes[0]
        case "bleeding":
            return classes[0] if last > first else classes[2] if round(first - last, 6) >= rule["major"] else classes[1]
        case "lactate":
            share = round((first - last) / first, 6)
            return classes[0] if last < rule["normal"] else classes[1] if share >= rule["share"] else classes[2]
        case "glucose":
            pace = round((first - last) / span, 6)
            return classes[0] if pace < rule["slow"] else classes[2] if pace > rule["fast"] else classes[1]
    raise AssertionError(rule["rule"])


def series(rng: Random, rule: dict[str, Any], target: str, chronic: bool = False) -> list[Reading] | None:
    """First and last value of the class, and what lies between; None where rounding makes it another class.

    `chronic`: a stable creatinine is one of long-standing kidney disease.
    """
    first, last = _ends(rng, rule["rule"], rule["classes"].index(target), chronic)
    name, hours = rule["test"], rule["hours"]
    unit = ranges.unit(name)
    times = [-MINUTES * h for h in hours]
    found = []
    for i, t in enumerate(times):
        share = i / (len(times) - 1)
        wobble = rng.uniform(-0.06, 0.06) if 0 < i < len(times) - 1 else 0.0
        found.append(Reading(name, ranges.rounded(name, first + (last - first) * (share + wobble)), unit, t))
    return found if judged(rule, found) == target else None


def _ends(rng: Random, rule: str, index: int, chronic: bool) -> tuple[float, float]:
    """First and last value for a class of the rule."""
    u = rng.uniform
    match rule:
        case "troponin":
            steady = u(38, 90)
            return [(u(3, 8), u(3, 9)), (steady, steady * u(0.92, 1.08)), (u(6, 60), u(140, 900))][index]
        case "kdigo":
            base = u(1.7, 2.5) if chronic and index == 0 else u(0.7, 1.2)
            return base, base * [u(1.0, 1.12), u(1.6, 1.9), u(2.1, 2.8), u(3.2, 4.6)][index]
        case "sodium":
            low = u(110, 122)
            return low, low + [u(-1.4, 2.6), u(5.5, 9), u(12, 17)][index]
        case "heparin":
            count = u(190, 340)
            return count, count * [u(0.84, 1.05), u(0.55, 0.66), u(0.18, 0.44)][index]
        case "bleeding":
            blood = u(10.4, 13.8)
            return blood, blood + [u(0.4, 1.2), -u(0.3, 1.4), -u(2.3, 4.2)][index]
        case "lactate":
            high = u(4.6, 8.0)
            return high, [u(0.9, 1.7), max(high * u(0.45, 0.75), 2.3), high * u(0.97, 1.2)][index]
        case _:
            sugar = u(480, 620)
            return sugar, sugar - 4 * [u(12, 40), u(54, 71), u(84, 105)][index]
