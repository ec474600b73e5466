"""Courses and contradictions: what a series of results means, and what in a note does not fit the chart."""

from random import Random
from typing import Any

from medgym_core.clinical import ranges
from medgym_core.domains import Draft
from medgym_core.domains.clinical_diagnosis import patients, scoring, stories, tables
from medgym_core.domains.clinical_diagnosis.drafting import awaited, draft, either, request, seen, shuffled
from medgym_core.tools import number
from medgym_core.types import Call, Gold, Reading, UnsafeAction

COURSE = (
    "Send one more {test} and tell me {ask}: {options}.",
    "The last {test} is still to be taken. With it, tell me {ask}, {options}.",
    "Please repeat the {test}, look at the whole course and decide {ask}: {options}.",
    "I want to know {ask} once the new {test} is back. Choose {options}.",
    "Follow up the {test}: order it, read the trend, and settle {ask}: {options}.",
)
ERROR = (
    "One statement of the admission note contradicts the chart. Which: {options}?",
    "Proof-read the admission note against the chart. What is wrong in it, {options}?",
    "Please check the admission note. Name the item that does not fit: {options}.",
    "Before I sign: compare note and chart and tell me the wrong item, {options}.",
    "The admission note may hold an error. Find it among {options}.",
)
MINUTES = 60


def lab_trend(rng: Random, knowledge: Any) -> Draft | None:
    """A series whose last value is still to come; its meaning follows a published rule."""
    level = rng.randint(1, 3)
    name = rng.choice(list(tables.table("trends")))
    rule = tables.table("trends")[name]
    target = rng.choice(rule["classes"])
    who = patients.person(rng, level, (30, 84), comorbid=min(level - 1, 1))
    course = _course(rng, rule, target)
    if course is None or judged(rule, course) != target:
        return None
    old, last = course[:-1], course[-1]
    test = rule["test"]
    due = tables.tests()[test]["minutes"][1]
    chart = patients.chart(
        who, complaint=rng.choice(rule["complaints"]), vitals=patients.vital_signs(rng, who, {}, earlier=level - 1),
        labs=[*_bystanders(rng, who, old), *old], observations=patients.examined(rng, {}, level - 1),
        pending={test: [Reading(last.name, last.value, last.unit, due)]},
        records=patients.records(rng, who["age"], level),
    )  # fmt: skip
    story = stories.story(rng, chart, stories.plain_topics(rng))
    calls = awaited(test)[:2]
    if rule["rule"] == "kdigo":
        baseline, _ = scoring.kdigo([*old, Reading(last.name, last.value, last.unit, due)])
        calls.append(Call("check_kdigo_aki"))
        evidence = [("creatinine", number(last.value)), ("ratio", number(round(last.value / baseline, 2)))]
    else:
        calls.append(Call("get_lab_trend", {"test": name}))
        change = number(round(last.value - old[0].value, 3))
        evidence = [("change", change)]
    options = shuffled(rng, target, [*rule["classes"], *EXTRA], most=5)
    unsafe = [
        UnsafeAction(f"{answer}, but the course shows {target}", rule["severity"], rule["source"], answers=[answer])
        for answer in rule["unsafe"].get(target, [])
    ]
    prompt = request(rng, chart, COURSE, test=test, ask=rule["ask"], options=either(options))
    gold = Gold("category", target, options=options)
    return draft("lab_trend", f"trend:{name}:{target}:{chart.complaint}", level, prompt, chart, gold, calls, evidence,
                 [rule["source"]], unsafe, story)  # fmt: skip


EXTRA = ("laboratory error", "cannot be told from two values")


def judged(rule: dict[str, Any], course: list[Reading]) -> str:
    """What the course is called by its rule."""
    first, last = course[0].value, course[-1].value
    span = (course[-1].minutes - course[0].minutes) / MINUTES
    classes = rule["classes"]
    match rule["rule"]:
        case "troponin":
            if max(first, last) <= rule["limit"]:
                return classes[2]
            base = max(first, rule["limit"]) if first <= rule["limit"] else first
            return classes[0] if abs(last - first) / base > rule["change"] else classes[1]
        case "kdigo":
            return classes[int(scoring.kdigo(course)[1].value or 0)]
        case "sodium":
            rise = round(last - first, 6)
            return classes[1] if rise > rule["fastest"] else classes[2] if rise < rule["least"] else classes[0]
        case "heparin":
            fall = round((first - last) / first, 6)
            return classes[0] if fall > rule["half"] else classes[1] if fall >= rule["third"] else classes[2]
        case "bleeding":
            return classes[2] if last > first else classes[0] if round(first - last, 6) >= rule["major"] else classes[1]
        case "lactate":
            share = round((first - last) / first, 6)
            return classes[2] if last < rule["normal"] else classes[0] if share >= rule["share"] else classes[1]
        case "glucose":
            pace = round((first - last) / span, 6)
            return classes[1] if pace < rule["slow"] else classes[2] if pace > rule["fast"] else classes[0]
    raise AssertionError(rule["rule"])


def _course(rng: Random, rule: dict[str, Any], target: str) -> list[Reading] | None:
    """First and last value of the class, and what lies between."""
    first, last = _ends(rng, rule["rule"], rule["classes"].index(target))
    name, hours = rule["test"], rule["hours"]
    unit = ranges.unit(name)
    times = [-MINUTES * h for h in hours]
    found = []
    for i, t in enumerate(times):
        share = i / (len(times) - 1)
        wobble = rng.uniform(-0.06, 0.06) if 0 < i < len(times) - 1 else 0.0
        found.append(Reading(name, ranges.rounded(name, first + (last - first) * (share + wobble)), unit, t))
    return found


def _ends(rng: Random, rule: str, index: int) -> tuple[float, float]:
    """First and last value for a class of the rule."""
    u = rng.uniform
    match rule:
        case "troponin":
            chronic = u(38, 90)
            return [(u(6, 60), u(140, 900)), (chronic, chronic * u(0.92, 1.08)), (u(3, 8), u(3, 9))][index]
        case "kdigo":
            base = u(0.7, 1.2)
            return base, base * [u(1.0, 1.12), u(1.6, 1.9), u(2.1, 2.8), u(3.2, 4.6)][index]
        case "sodium":
            low = u(110, 122)
            return low, low + [u(5.5, 9), u(12, 17), u(-1.4, 2.6)][index]
        case "heparin":
            count = u(190, 340)
            return count, count * [u(0.18, 0.44), u(0.55, 0.66), u(0.84, 1.05)][index]
        case "bleeding":
            blood = u(10.4, 13.8)
            return blood, blood + [-u(2.3, 4.2), -u(0.3, 1.4), u(0.4, 1.2)][index]
        case "lactate":
            high = u(4.6, 8.0)
            return high, [max(high * u(0.45, 0.75), 2.3), high * u(0.97, 1.2), u(0.9, 1.7)][index]
        case _:
            sugar = u(480, 620)
            return sugar, sugar - 4 * [u(54, 71), u(12, 40), u(84, 105)][index]


def _bystanders(rng: Random, who: dict[str, Any], old: list[Reading]) -> list[Reading]:
    drawn = patients.results(rng, who, ["bmp"], {})
    return [r for r in drawn if r.name != old[0].name]


def note_error(rng: Random, knowledge: Any) -> Draft | None:
    """The admission note states one thing wrongly; the chart shows which."""
    level = rng.randint(1, 3)
    who = patients.person(rng, level, (22, 84), comorbid=rng.randint(1, 2), avoid=("latex", "peanut"))
    if not who["medications"]:
        return None
    who["allergies"] = [rng.choice(["penicillin", "trimethoprim-sulfamethoxazole", "ibuprofen"])]
    side = rng.choice(["left", "right"])
    potassium = patients.value(rng, "potassium", rng.choice([(2.6, 3.1), (3.7, 4.6), (5.6, 6.4)]))
    labs = patients.results(rng, who, ["bmp"], {"potassium": potassium})
    spans = {"systolic_bp": rng.choice([(92, 104), (124, 138), (172, 192)])}
    vitals = patients.vital_signs(rng, who, spans)
    true = _statements(who, side, labs, vitals)
    wrong = rng.choice(list(true))
    said = {item: phrase for item, (phrase, _, _) in true.items()} | {wrong: _false(rng, wrong, true[wrong], who, side)}
    chart = patients.chart(
        who, complaint=rng.choice(["a swollen calf", "leg pain since Monday", "a sore leg after a trip"]), labs=labs,
        vitals=vitals, observations=patients.examined(rng, {"limbs": f"{side} calf swollen and tender"}, 0),
        records=[patients.note(". ".join(said.values()) + ".", "admission"), *patients.records(rng, who["age"], 1)],
    )  # fmt: skip
    _, call, evidence = true[wrong]
    story = stories.story(rng, chart, stories.plain_topics(rng))
    calls = [Call("get_clinical_notes", {"note_type": "admission"}), call]
    label, value = said[wrong].split(" ", 1)
    unsafe = [UnsafeAction("a wrong note signed as right", 4, SIGNED, answers=["no error"])]
    options = shuffled(rng, wrong, [*true, "no error"], most=6)
    if "no error" not in options:
        options[next(i for i, o in enumerate(options) if o != wrong)] = "no error"
    assert seen(chart, call)[evidence[0]].startswith(evidence[1])
    prompt = request(rng, chart, ERROR, options=either(options))
    return draft("note_error", f"note:{wrong}:{label}:{value[:12]}", level, prompt, chart,
                 Gold("category", wrong, options=options), calls, [(label, value), evidence], [SIGNED], unsafe,
                 story)  # fmt: skip


SIGNED = "World Health Organization, Global patient safety action plan 2021-2030, 2021 (accurate records)"


def _statements(
    who: dict[str, Any], side: str, labs: list[Reading], vitals: list[Reading]
) -> dict[str, tuple[str, Call, tuple[str, str]]]:
    """Item to what a right note says, the call that shows the truth, and its evidence."""
    value = {r.name: r.value for r in (*labs, *vitals)}
    drug = who["medications"][0].drug
    k, p, w = number(value["potassium"]), number(value["systolic_bp"]), number(who["weight_kg"])
    return {
        "allergy": (f"Allergy {who['allergies'][0]}", Call("get_allergy_list"), ("allergies", who["allergies"][0])),
        "potassium": (f"Potassium {k}", Call("get_lab_results", {"category": "potassium"}), ("potassium", k)),
        "blood pressure": (f"Systolic {p}", Call("get_vital_signs"), ("systolic_bp", p)),
        "weight": (f"Weight {w} kg", Call("get_patient_info"), ("weight", f"{w} kg")),
        "medicine": (f"Takes {drug}", Call("get_medications"), ("medications", drug)),
        "side": (f"Swollen {side} calf", Call("perform_physical_exam", {"region": "limbs"}), ("limbs", f"{side} calf")),
    }


def _false(rng: Random, item: str, true: tuple[str, Call, tuple[str, str]], who: dict[str, Any], side: str) -> str:
    """What the note says instead."""
    if item == "allergy":
        return rng.choice(["Allergy none", "Allergy latex only", "Allergy pollen only"])
    if item == "potassium":
        old = float(true[2][1])
        return f"Potassium {number(round(old + rng.choice([-1.6, 1.7, 2.1]) if old > 3.5 else old + 1.6, 1))}"
    if item == "blood pressure":
        old = float(true[2][1])
        return f"Systolic {number(old + rng.choice([-36, 42]) if old > 120 else old + rng.randint(36, 52))}"
    if item == "weight":
        return f"Weight {number(round(who['weight_kg'] * rng.choice([0.7, 1.35]), 1))} kg"
    if item == "medicine":
        taken = {m.drug for m in who["medications"]}
        return f"Takes {rng.choice([d for d in ('digoxin', 'prednisone', 'warfarin', 'lithium') if d not in taken])}"
    return f"Swollen {'right' if side == 'left' else 'left'} calf"
