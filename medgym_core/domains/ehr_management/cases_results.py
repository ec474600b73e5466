"""Cases about results: a course, an alert, what to see to first."""

from random import Random
from typing import Any

from medgym_core import facts
from medgym_core.clinical import physiology
from medgym_core.clinical.ranges import measurement
from medgym_core.domains import Draft
from medgym_core.domains.ehr_management import patients
from medgym_core.domains.ehr_management.drafting import (
    category,
    draft,
    pick,
    ticket,
    unsafe_answers,
)
from medgym_core.domains.ehr_management.measuring import Case, course, drawn, signs
from medgym_core.domains.ehr_management.patients import admit
from medgym_core.domains.ehr_management.results import change_of
from medgym_core.domains.ehr_management.rules import (
    DAY,
    SPOKEN,
    Stay,
    series,
    table,
)
from medgym_core.tools import number
from medgym_core.types import Call, Gold, Reading

ASK_TREND = (
    "By how much has the {lab} changed over this stay ({unit}, minus for a fall)? {extra}",
    "For the summary: net change of the {lab} since admission in {unit}, signed. {extra}",
    "How far did the {lab} move from the first to the last value, in {unit} with its sign? {extra}",
    "Please give the {lab} change of this admission, last minus first, {unit}. {extra}",
    "I need one number: {lab}, last less first value of the stay, {unit}. {extra}",
)
ASK_EXTREME = (
    "What was the {which} {lab} of this stay, in {unit}? {extra}",
    "For the summary: {which} {lab} of the admission ({unit}). {extra}",
    "Please look up the {which} {lab} since admission, {unit}. {extra}",
    "Which was the {which} {lab} value of this stay ({unit})? {extra}",
    "I need the {which} {lab} of these days in {unit}. {extra}",
)
OTHER_UNIT = {"glucose": "mmol/L", "creatinine": "umol/L", "calcium": "mmol/L", "bilirubin": "umol/L"}
"""Unit of the other convention that a letter abroad asks for."""
EXTRA = (
    "Leave earlier stays out.",
    "This admission only.",
    "Earlier admissions do not count.",
    "Only the present stay.",
)


def lab_trend(rng: Random, knowledge: Any) -> Draft | None:
    """Net change, lowest or highest value of a test over the stay; earlier stays do not count.

    From level 2 the course turns on the way; at level 3 a note quotes a value that is not in it, and some answers are
    wanted in the other convention's unit.
    """
    level = rng.randint(1, 3)
    what, entry = pick(rng, table("courses"))
    name = entry.get("lab", what)
    case = admit(rng, level, entry["problem"], days=(3, 6))
    first, last, size = drawn(rng, entry["first"]), drawn(rng, entry["last"]), min(len(case.mornings), 3 + level)
    steps = [first + (last - first) * i / (size - 1) for i in range(size)]
    swing = abs(last - first) * 0.12
    values = [v if i in (0, size - 1) else v + rng.uniform(-swing, swing) for i, v in enumerate(steps)]
    if level > 1:  # a turn on the way, so that the ends are not the extremes
        values[rng.randrange(1, size - 1)] += rng.choice([-1, 1]) * abs(last - first) * rng.uniform(0.8, 1.1)
    values = course(case, name, [max(v, 0.2 * min(first, last)) for v in values])
    old = case.start - rng.randint(20, 39) * DAY
    case.labs.append(physiology.reading(name, drawn(rng, entry["last"]) * 0.9, old))
    if level == 3:
        _misquoted(case, name, physiology.reading(name, rng.choice([0.8 * min(values), 1.2 * max(values)])).value)
    made = patients.chart(case)
    which = rng.choice(["change", "change", "lowest", "highest"])
    found = series(made.labs, Stay("", case.start, 0), name)
    gold = {"change": change_of(found), "lowest": min(values), "highest": max(values)}[which]
    unit, factor = _wanted_unit(name, level)
    asks = ASK_TREND if which == "change" else ASK_EXTREME
    prompt = ticket(case, asks, lab=measurement(name)["title"], which=which, unit=unit, extra=rng.choice(EXTRA))
    answer = gold if factor == 1 else float(f"{gold / factor:.3g}")
    calls = [Call("get_lab_results", {"lab_name": name}), Call("get_lab_trend", {"lab_name": name})]
    return draft(
        case,
        "lab_trend",
        f"{what}:{which}",
        prompt,
        made,
        Gold("number", answer, 0.0 if factor == 1 else ROUNDING * abs(answer), unit),
        calls,
        [(which, number(gold))],
        [entry["source"], *([facts.load("clinical", "conversions")[name]["source"]] if factor != 1 else [])],
        traits=["distractors"] if level == 2 else ["distractors", "conflict"] if level == 3 else [],
    )


ROUNDING = 0.015  # share of a converted value that rounding may cost


def _wanted_unit(name: str, level: int) -> tuple[str, float]:
    """The unit the answer is asked in, and what a value in it is multiplied by to give the record's."""
    unit = physiology.unit(name)
    if level == 3 and name in OTHER_UNIT:
        return OTHER_UNIT[name], facts.load("clinical", "conversions")[name]["factors"][OTHER_UNIT[name]]
    return SPOKEN.get(unit, unit), 1


def _misquoted(case: Case, name: str, value: float) -> None:
    """A nursing note with a value that the laboratory never gave."""
    text = f"{measurement(name)['title'].capitalize()} {number(value)} by phone, could not find it on the screen."
    case.add("note", "nursing note", -case.rng.randint(200, 900), text=text)


ASK_ALERT = (
    "Which vital sign is in the red now, if any?",
    "Does any latest sign reach a NEWS2 red score? Name it, or none.",
    "Nurse is worried. Name the sign that needs a call at once, or none.",
    "Check the last set: which sign is at a red limit?",
    "Screen the vital signs for a single red score.",
)


def vital_alert(rng: Random, knowledge: Any) -> Draft:
    """The one vital sign at a red NEWS2 score in the latest set; what was red before may have settled."""
    level, known = rng.randint(1, 3), table("alerts")
    options = [*known, "none"]
    target = rng.choice(options)
    case = admit(rng, level)
    others = [n for n in known if n != target]
    if level == 3:
        past = rng.choice(others)
        signs(case, {past: drawn(rng, rng.choice(known[past]["red"]))}, back=rng.randint(1, 2))
    near = rng.sample(others, level - 1)
    signs(case, {n: drawn(rng, known[n]["near"]) for n in near})
    value = None
    if target != "none":
        value = drawn(rng, rng.choice(known[target]["red"]))
        signs(case, {target: value})
    made = patients.chart(case)
    source = known[rng.choice(list(known))]["source"]
    missed = "a red score left without a call"
    unsafe = [unsafe_answers("missed red flag", missed, 4, source, "none")] if value is not None else []
    evidence = [("alerts", "none")] if value is None else [(target, number(value))]
    return draft(
        case,
        "vital_alert",
        f"{target}:{case.problem}",
        ticket(case, ASK_ALERT, options),
        made,
        category(target, options),
        [Call("get_vital_signs"), Call("detect_vital_alerts")],
        evidence,
        [source],
        unsafe,
        traits=["distractors"] if level > 1 else [],
    )


ASK_FIRST = (
    "Rank these results by how soon someone must act: {labs}. Answer as an ordered list.",
    "Three results for the night team, most urgent first please: {labs}.",
    "Put in order of urgency, comma separated: {labs}.",
    "Which goes first, second, third: {labs}?",
    "Sort for the call list, critical before abnormal before normal: {labs}.",
)


def result_priority(rng: Random, knowledge: Any) -> Draft | None:
    """Order three results: critical, abnormal, normal. From level 2 what is normal now was critical on admission; at
    level 3 so was what is abnormal, and what is critical was normal."""
    level = rng.randint(1, 3)
    case, marked = admit(rng, level), {n: v for n, v in table("values")["marks"].items() if n != "source"}
    critical, abnormal, normal_one = rng.sample(list(marked), 3)
    course(case, critical, [drawn(rng, marked[critical][0])])
    settled = [normal_one, abnormal][: level - 1]
    if normal_one in settled:
        last = [r.value for r in case.labs if r.name == normal_one and r.minutes == case.mornings[-1]]
        course(case, normal_one, [drawn(rng, marked[normal_one][0]), *last])
    before = [drawn(rng, marked[abnormal][0])] if abnormal in settled else []
    course(case, abnormal, [*before, drawn(rng, marked[abnormal][1])])
    made = patients.chart(case)
    want = [critical, abnormal, normal_one]
    marks = [_mark(made.labs, made, n) for n in want]
    if not (marks[0].startswith("critical") and marks[1] in ("low", "high") and marks[2] == "normal"):
        return None
    values = {n: max((r for r in made.labs if r.name == n), key=lambda r: r.minutes).value for n in want}
    labs = ", ".join(n.replace("_", " ") for n in rng.sample(want, 3))
    source = table("values")["marks"]["source"]
    calls = [Call("get_lab_results", {}), Call("flag_abnormal_results")]
    return draft(
        case,
        "result_priority",
        f"{critical}:{abnormal}",
        ticket(case, ASK_FIRST, labs=labs),
        made,
        Gold("plan", want),
        calls,
        [(n, number(values[n])) for n in want[:2]],
        [source],
        traits=["distractors"] if level > 1 else [],
    )


def _mark(labs: list[Reading], made: Any, name: str) -> str:
    last = max((r for r in labs if r.name == name), key=lambda r: r.minutes)
    return physiology.flag(name, last.value, made.age, made.sex, made.pregnant)
