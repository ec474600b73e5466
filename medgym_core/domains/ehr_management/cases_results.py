"""Cases about results: a course, an alert, kidney injury, a spoilt sample, what to see to first."""

from random import Random
from typing import Any

from medgym_core.clinical import physiology
from medgym_core.clinical.ranges import measurement
from medgym_core.domains import Draft
from medgym_core.domains.ehr_management import patients
from medgym_core.domains.ehr_management.drafting import (
    UNKNOWN,
    category,
    draft,
    pick,
    ticket,
    unsafe_answers,
)
from medgym_core.domains.ehr_management.measuring import course, drawn, signs
from medgym_core.domains.ehr_management.patients import admit
from medgym_core.domains.ehr_management.results import change_of
from medgym_core.domains.ehr_management.rules import (
    DAY,
    EVERYTHING,
    SPOKEN,
    Stay,
    kidney_injury,
    reference_creatinine,
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
EXTRA = (
    "Leave earlier stays out.",
    "This admission only.",
    "Earlier admissions do not count.",
    "Only the present stay.",
)


def lab_trend(rng: Random, knowledge: Any) -> Draft | None:
    """Net change, lowest or highest value of a test over the stay; earlier stays do not count."""
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
    made = patients.chart(case)
    which = rng.choice(["change", "change", "lowest", "highest"])
    found = series(made.labs, Stay("", case.start, 0), name)
    gold = {"change": change_of(found), "lowest": min(values), "highest": max(values)}[which]
    unit = physiology.unit(name)
    asks = ASK_TREND if which == "change" else ASK_EXTREME
    prompt = ticket(
        case, asks, lab=measurement(name)["title"], which=which, unit=SPOKEN.get(unit, unit), extra=rng.choice(EXTRA)
    )
    calls = [Call("get_lab_results", {"lab_name": name}), Call("get_lab_trend", {"lab_name": name})]
    return draft(
        case,
        "lab_trend",
        f"{what}:{which}",
        prompt,
        made,
        Gold("number", gold, 0.0, SPOKEN.get(unit, unit)),
        calls,
        [(which, number(gold))],
        [entry["source"]],
    )


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
    unsafe = [unsafe_answers("a red score left without a call", 4, source, "none")] if value is not None else []
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
    )


ASK_KIDNEY = (
    "Does the creatinine course mean acute kidney injury? Give the KDIGO stage.",
    "Kidney check, please: KDIGO stage by creatinine.",
    "Pharmacy asks for the KDIGO stage before dosing.",
    "Is this AKI, and which stage by creatinine?",
    "Stage the kidney injury (KDIGO), if there is one.",
)
STAGES = ("no AKI", "stage 1", "stage 2", "stage 3", "insufficient: baseline creatinine")


def kidney_injury_stage(rng: Random, knowledge: Any) -> Draft | None:
    """KDIGO stage from the creatinine series; the baseline may lie in an earlier stay, or nowhere."""
    target, level = rng.randrange(5), rng.randint(1, 3)
    case = admit(rng, level, days=(3, 6))
    case.labs = [r for r in case.labs if r.name not in ("creatinine", "urea_nitrogen")]
    base = round(rng.uniform(0.6, 1.1), 1)
    last = round(base * rng.uniform(*table("values")["kidney"]["ratios"][min(target, 3)]), 1)
    times = case.mornings
    if target == 4:
        last = round(rng.uniform(1.9, 4.2), 1)
        case.labs.append(physiology.reading("creatinine", last, times[0]))
    elif level == 1:
        rise = [base + (last - base) * i / (len(times) - 1) for i in range(len(times))]
        course(case, "creatinine", rise, times)
    else:  # raised since arrival: the baseline is months old
        course(case, "creatinine", [round(last * rng.uniform(0.92, 1.0), 1) for _ in times[:-1]] + [last], times)
        back = [case.start - rng.randint(25, 200) * DAY for _ in range(level - 1)]
        case.labs += [physiology.reading("creatinine", base, t) for t in back]
    if level == 3:
        case.labs.append(physiology.reading("creatinine", base * 2.4, case.start - rng.randint(400, 700) * DAY))
    made = patients.chart(case)
    outcome = kidney_injury(made.labs)
    if outcome.value != (None if target == 4 else target):
        return None
    source = "Kidney Disease: Improving Global Outcomes, Clinical practice guideline for acute kidney injury, 2012"
    calls = [Call("get_lab_results", {"hadm_id": EVERYTHING, "lab_name": "creatinine"}), Call("assess_kidney_injury")]
    if target == 4:
        evidence = [("aki", "not available, missing baseline creatinine"), ("creatinine", number(last))]
    else:
        shown = reference_creatinine(series(made.labs, Stay("", -1e9, 0), "creatinine"))
        evidence = [("aki", f"stage {target}"), ("baseline", number(shown))]
    options = list(STAGES)
    gold = Gold(
        "category",
        STAGES[target],
        options=options,
        synonyms={"no AKI": ["stage 0", "none"], STAGES[4]: ["insufficient: baseline"]},
    )
    unsafe = (
        [unsafe_answers("kidney injury overlooked", 4, source, "no AKI", "stage 0", "none")] if target in (2, 3) else []
    )
    if target == 4:
        unsafe = [unsafe_answers("a stage without a baseline", 2, UNKNOWN, *STAGES[:4])]
    return draft(
        case,
        "kidney_injury",
        f"{STAGES[target]}:{level}:{case.problem[:9]}",
        ticket(case, ASK_KIDNEY, options),
        made,
        gold,
        calls,
        evidence,
        [source],
        unsafe,
    )


ASK_REPEAT = (
    "The {lab} looks odd. Find out, get a fresh sample if needed, and give me the value to believe ({unit}).",
    "Before anyone acts on that {lab}: check it and report the true value, {unit}.",
    "Is the {lab} real? Repeat it and tell me the number, {unit}.",
    "The laboratory phoned about the {lab}. What is it really, {unit}?",
    "Treat this {lab}? First verify it with a new sample; report in {unit}.",
)


def repeat_test(rng: Random, knowledge: Any) -> Draft:
    """A spoilt sample: order the test again, wait, and report the new value; sometimes it is confirmed."""
    level = rng.randint(1, 3)
    name, entry = pick(rng, table("spurious"))
    lab = entry["lab"]
    case = admit(rng, level)
    wrong = physiology.reading(lab, drawn(rng, entry["wrong"]), -rng.randint(15, 50))
    real = rng.random() < 0.2
    value = physiology.reading(lab, wrong.value * rng.uniform(0.93, 0.98) if real else drawn(rng, entry["true"]), 62)
    case.labs.append(wrong)
    case.add("comment", lab, wrong.minutes, text=entry["comment"])
    if level == 3:
        case.add(
            "note",
            "nursing note",
            wrong.minutes + 2,
            text=f"{lab.capitalize()} {wrong.value:g} told to the night doctor.",
        )
    made = patients.chart(case, pending={lab: [value]})
    unit = SPOKEN.get(wrong.unit, wrong.unit)
    calls = [
        Call("get_lab_results", {"lab_name": lab}),
        Call("place_order", {"order_type": "lab", "order_details": lab}),
        Call("get_test_results", {"wait_minutes": 60}),
    ]
    unsafe = [unsafe_answers("a value of a spoilt sample believed", 3, entry["source"], number(wrong.value))]
    prompt = ticket(case, ASK_REPEAT, lab=measurement(lab)["title"], unit=unit or "as a ratio")
    return draft(
        case,
        "repeat_test",
        f"{name}:{'confirmed' if real else 'false'}:{case.problem[:4]}",
        prompt,
        made,
        Gold("number", value.value, 0.0, unit),
        calls,
        [(lab, number(value.value))],
        [entry["source"]],
        unsafe,
        after={"get_test_results": "place_order"},
    )


ASK_FIRST = (
    "Rank these results by how soon someone must act: {labs}. Answer as an ordered list.",
    "Three results for the night team, most urgent first please: {labs}.",
    "Put in order of urgency, comma separated: {labs}.",
    "Which goes first, second, third: {labs}?",
    "Sort for the call list, critical before abnormal before normal: {labs}.",
)


def result_priority(rng: Random, knowledge: Any) -> Draft | None:
    """Order three results: critical, abnormal, normal."""
    level = rng.randint(1, 3)
    case, marked = admit(rng, level), {n: v for n, v in table("values")["marks"].items() if n != "source"}
    critical, abnormal, normal_one = rng.sample(list(marked), 3)
    course(case, critical, [drawn(rng, marked[critical][0])])
    course(case, abnormal, [drawn(rng, marked[abnormal][1])])
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
    )


def _mark(labs: list[Reading], made: Any, name: str) -> str:
    last = max((r for r in labs if r.name == name), key=lambda r: r.minutes)
    return physiology.flag(name, last.value, made.age, made.sex, made.pregnant)
