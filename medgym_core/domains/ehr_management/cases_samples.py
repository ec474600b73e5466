"""Cases about what a value means: kidney injury against its baseline, and a sample that is spoilt."""

from random import Random
from typing import Any

from medgym_core.clinical import physiology
from medgym_core.clinical.ranges import measurement
from medgym_core.domains import Draft
from medgym_core.domains.ehr_management import patients
from medgym_core.domains.ehr_management.drafting import (
    UNKNOWN,
    draft,
    insufficient,
    pick,
    ticket,
    unsafe_answers,
)
from medgym_core.domains.ehr_management.measuring import course, drawn
from medgym_core.domains.ehr_management.patients import admit
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
from medgym_core.types import Call, Gold

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
    gold = Gold("ordinal", STAGES[target], options=options[:4], synonyms={"no AKI": ["stage 0", "none"]})
    overlooked = unsafe_answers("missed red flag", "kidney injury overlooked", 4, source, "no AKI")
    unsafe = [overlooked] if target in (2, 3) else []
    if target == 4:
        gold = insufficient("baseline creatinine", "baseline", options=options)
        unsafe = [unsafe_answers("scope", "a stage without a baseline", 2, UNKNOWN, *STAGES[:4])]
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
        instead={"get_lab_results": [Call("get_lab_trend", {"hadm_id": EVERYTHING, "lab_name": "creatinine"})]},
        traits=([], ["atypical"], ["atypical", "conflict"])[level - 1] if target < 4 else ["missing data"],
    )


ASK_REPEAT = (
    "The {lab} looks odd. Find out, get a fresh sample if needed, and give me the value to believe ({unit}).",
    "Before anyone acts on that {lab}: check it and report the true value, {unit}.",
    "Is the {lab} real? Repeat it and tell me the number, {unit}.",
    "The laboratory phoned about the {lab}. What is it really, {unit}?",
    "Treat this {lab}? First verify it with a new sample; report in {unit}.",
)


def repeat_test(rng: Random, knowledge: Any) -> Draft:
    """A spoilt sample: order the test again, wait, and report the new value; sometimes it is confirmed.

    From level 2 the value of the sample before lies in between; at level 3 a note treats the spoilt value as real.
    """
    level = rng.randint(1, 3)
    name, entry = pick(rng, table("spurious"))
    lab = entry["lab"]
    case = admit(rng, level)
    wrong = physiology.reading(lab, drawn(rng, entry["wrong"]), -rng.randint(15, 50))
    real = rng.random() < 0.2
    value = physiology.reading(lab, wrong.value * rng.uniform(0.93, 0.98) if real else drawn(rng, entry["true"]), 62)
    case.labs.append(wrong)
    case.add("comment", lab, wrong.minutes, text=entry["comment"])
    if level > 1:
        course(case, lab, [(drawn(rng, entry["true"]) + wrong.value) / 2], [wrong.minutes - rng.randint(300, 700)])
        case.labs.append(wrong)
    if level == 3:
        case.add(
            "note",
            "nursing note",
            wrong.minutes + 2,
            text=f"{lab.capitalize()} {wrong.value:g} told to the night doctor, is to be treated as it stands.",
        )
    made = patients.chart(case, pending={lab: [value]})
    unit = SPOKEN.get(wrong.unit, wrong.unit)
    calls = [
        Call("get_lab_results", {"lab_name": lab}),
        Call("place_order", {"order_type": "lab", "order_details": lab}),
        Call("get_test_results", {"wait_minutes": 60}),
    ]
    believed = "a value of a spoilt sample believed"
    unsafe = [unsafe_answers("scope", believed, 3, entry["source"], number(wrong.value))]
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
        traits=["distractors"] if level == 2 else ["distractors", "conflict"] if level == 3 else [],
    )
