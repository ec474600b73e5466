"""Cases over time and of follow-up: a nodule against its prior, the next scan, a prior report that is wrong."""

from random import Random
from typing import Any

from medgym_core.domains import Draft
from medgym_core.domains.radiology_report import patients, reading, rules
from medgym_core.domains.radiology_report.drafting import draft, request, wrong
from medgym_core.tools import number
from medgym_core.types import SAY, Call, Chart, Gold, Picture, speech

ASK_COURSE = (
    "Compare {a} with {b}: stable, smaller, or doubling within 400 days, in 400 to 600 days, in over 600 days?",
    "Nodule of {a} and {b}: stable, smaller, doubling within 400 days, in 400 to 600 days, or in over 600 days?",
    "Course of the nodule between {a} and {b} by BTS classes (stable, smaller, doubling within 400 days, in 400 to 600 "
    "days, in over 600 days)?",
    "Which growth class: {a} and {b}? Stable, smaller, doubling within 400 days, in 400 to 600 days, in over 600 days.",
    "Nodule on {a} and {b}: give its growth, one of stable, smaller, doubling within 400 days, in 400 to 600 days, in "
    "over 600 days.",
)
ASK_TIME = (
    "Volume doubling time of the nodule on {a} and {b}, in {unit}?",
    "In how many {unit} does the nodule of {a} and {b} double its volume?",
    "Work out the doubling time from {a} and {b} ({unit}), please.",
    "The tumour board wants the doubling time in {unit} of the nodule on {a} and {b}.",
    "How fast does the nodule on {a} and {b} grow? Doubling time in {unit}.",
)
ASK_PRIOR = (
    "Change of the nodule's mean diameter between {a} and {b} in mm? The old report may be off.",
    "By how many mm did the nodule grow between {a} and {b}? Measure both, do not trust the report.",
    "{a} and {b} show the same nodule: difference of the mean diameters in mm, with its sign.",
    "Growth in mm between {a} and {b}, please; check the size that was reported then.",
    "True change in mm of the nodule on {a} and {b}, minus for smaller?",
)
ASK_SHARE = (
    "By how many per cent of its earlier mean diameter did the nodule on {a} and {b} change? Minus for smaller.",
    "{a} and {b} show the same nodule: change of the mean diameter in per cent of the earlier one, with its sign.",
    "For the trial form: percentage change in mean diameter from the former to the new study, {a} and {b}. The size "
    "reported then may be off.",
    "Express the change of the nodule's mean diameter on {a} and {b} as a percentage of the first, as measured.",
    "How much larger (or, with a minus, smaller) in per cent is the mean diameter now? The studies are {a} and {b}.",
)
ASK_FOLLOW = (
    "What follow-up by Fleischner 2017 does the nodule on {study} need, or does the guideline not apply? Heavy smoking "
    "counts as high risk; ask.",
    "Fleischner 2017 follow-up for {study}, in the tool's words, or: does not apply. Never a smoker is low risk, a "
    "heavy smoker high.",
    "Decide the follow-up of the nodule on {study} (Fleischner 2017, if it applies). Ask the patient about what is not "
    "on file, smoking for the risk.",
    "Next step for the nodule on {study} by Fleischner 2017, or does not apply? Risk goes by smoking, which is not on "
    "file.",
    "A nodule was found on {study} by chance: does Fleischner 2017 apply, and with which follow-up? Risk by smoking.",
)
DOUBLING = {
    "doubling within 400 days": (120, 320), "doubling in 400 to 600 days": (440, 560),
    "doubling in over 600 days": (680, 1000),
}  # fmt: skip
SMOKING = {
    "high": [("smoked", "a pack a day for thirty years"), ("smoked", "two packs a day for most of my life"),
        ("smoked", "from school until last year, a pack every day")],
    "low": [("never", "smoked"), ("never", "touched a cigarette"), ("never", "smoked and nobody smokes at home")],
}  # fmt: skip
UCUM = {"days": "d", "weeks": "wk"}
SMOKING_TOPIC = "smoke smoking smoker cigarettes tobacco"


def pair(rng: Random, who: dict[str, Any], first: float, last: float, days: int, level: int) -> list[Picture]:
    """A solid nodule then and now: the same place and form, another size; at level 3 with a still older CT."""
    ids = patients.names(rng, 2 + (level == 3))
    seed, turn = rng.random(), rng.choice([0.72, 1.3])
    older = (days + rng.randint(90, 300), first * turn)
    return [
        patients.shot(Random(seed), i, "solid nodule", who, days_ago=ago, diameter_mm=size, solid_mm=size)
        for i, (ago, size) in zip(ids, ((days, first), (0, last), older), strict=False)
    ]


def course(shots: list[Picture]) -> tuple[float, float, int, rules.Outcome]:
    """Diameters then and now, days between, and how the nodule behaved."""
    before, now = (reading.measures(p)["nodule_diameter"] for p in shots[:2])
    days = (shots[1].minutes - shots[0].minutes) // patients.DAY
    return before, now, days, rules.doubling(now, before, days)


def comparing(shots: list[Picture]) -> Call:
    return Call("compare_with_prior_study", {"study_id": shots[1].id, "prior_study_id": shots[0].id})


def both(rng: Random, shots: list[Picture]) -> dict[str, str]:
    """What a prompt calls the two studies: their names, which say nothing about which is older, or their place."""
    if len(shots) > 2:
        now, before = rng.choice(PLACES)
        return {"a": now, "b": before}
    first, second = sorted(p.id for p in shots[:2])
    return {"a": first, "b": second}


def oldest(rng: Random, shots: list[Picture]) -> tuple[str, list[Call]]:
    """At level 3 a note on the still older CT, and the calls that find the studies and look at it."""
    found = [Call("list_studies")]
    if len(shots) == 2:
        return "", found
    look = Call("compare_with_prior_study", {"study_id": shots[1].id, "prior_study_id": shots[2].id})
    return rng.choice(OLDEST), [*found, look]


OLDEST = (
    "There is an even older CT: look at it, but judge the last interval.",
    "Three CTs are on file; see how it began, then answer for the last step only.",
    "Do not be misled by the first CT of the series, though it should be seen.",
    "The oldest CT is to be compared as well, for yourself.",
)
PLACES = (
    ("today's CT", "the CT just before it"), ("the new CT", "the last one before that"),
    ("the latest CT", "the most recent prior CT"), ("this CT", "the one that precedes it"),
)  # fmt: skip


def _found(shots: list[Picture]) -> dict[str, list[Call]]:
    """Where two studies were named, the data of either tell which is older."""
    return {"list_studies": [Call("get_study_info", {"study_id": shots[0].id})]} if len(shots) == 2 else {}


def growth_class(rng: Random, knowledge: Any) -> Draft | None:
    """Stable, smaller, or growing, and how fast."""
    value, level = rng.choice(rules.GROWTHS), rng.randint(1, 3)
    who = patients.person(rng, "ct chest", level)
    first, days = rng.uniform(7, 12), rng.randint(330, 420) if value != "doubling in over 600 days" else 720
    days += rng.randint(-9, 9)
    if value in DOUBLING:
        last = first * 2 ** (days / (3 * rng.uniform(*DOUBLING[value])))
    else:
        last = first * (rng.uniform(0.98, 1.03) if value == "stable" else rng.uniform(0.68, 0.82))
    if last > 24:
        return None
    shots = pair(rng, who, first, last, days, level)
    case = patients.chart(who, shots)
    before, now, _, outcome = course(shots)
    if outcome.value != value:
        return None
    source = rules.system("doubling_time")["source"]
    harmless = ["stable", "smaller"] if value == "doubling within 400 days" else []
    note, first_calls = oldest(rng, shots)
    return draft(
        "growth_class",
        f"course:{value}:{who['site']}:{who['complaint']}",
        level,
        request(rng, case, ASK_COURSE, note, **both(rng, shots)),
        case,
        Gold("ordinal", value, options=rules.GROWTHS),
        [first_calls[0], comparing(shots), *first_calls[1:]],
        {"diameter_before": number(before), "diameter_now": number(now), "course": value},
        [source],
        patients.story(rng, case, "ct chest"),
        unsafe=wrong("a fast-growing nodule called harmless", 4, "missed red flag", source, harmless),
        instead=_found(shots),
        traits=["distractors"] if level == 3 else [],
    )


def doubling_time(rng: Random, knowledge: Any) -> Draft | None:
    """The doubling time in days."""
    level = rng.randint(1, 3)
    who = patients.person(rng, "ct chest", level)
    first, days = rng.uniform(6, 10), rng.randint(90, 400)
    last = first * 2 ** (days / (3 * rng.uniform(90, 420)))
    if last > 24:
        return None
    shots = pair(rng, who, first, last, days, level)
    case = patients.chart(who, shots)
    before, now, days, outcome = course(shots)
    if "doubling_time" not in outcome.parts:
        return None
    value = float(outcome.parts["doubling_time"].split()[0])
    asked, unit = (value, "days") if level == 1 else (round(value / 7, 1), "weeks")
    least = 3.0 if level == 1 else 0.5
    note, first_calls = oldest(rng, shots)
    source = rules.system("doubling_time")["source"]
    return draft(
        "doubling_time",
        f"doubling:{who['site']}:{int(value) // 60}:{who['complaint']}",
        level,
        request(rng, case, ASK_TIME, note, unit=unit, **both(rng, shots)),
        case,
        Gold("number", asked, max(least, round(0.02 * asked, 1)), UCUM[unit]),
        [*first_calls, comparing(shots)],
        {"diameter_before": number(before), "diameter_now": number(now), "doubling_time": number(value)},
        [source],
        patients.story(rng, case, "ct chest"),
        instead=_found(shots),
        traits=["distractors"] if level == 3 else [],
    )


def prior_report(rng: Random, knowledge: Any) -> Draft | None:
    """The change between two studies, where the older report gave another size."""
    level = rng.randint(1, 3)
    who = patients.person(rng, "ct chest", level)
    first, days = rng.uniform(7, 13), rng.randint(60, 500)
    last = first + rng.choice([-1, 1, 1]) * rng.uniform(1.2, 3.5)
    shots = pair(rng, who, first, last, days, level)
    before, now, days, _ = course(shots)
    said = round(before + rng.choice([-1, 1]) * rng.uniform(1.8, 3.2), 1)
    old = patients.report(shots[0].id, shots[0].minutes, "final", **{"nodule diameter": f"{number(said)} mm"})
    case = patients.chart(who, shots, [old])
    change = round(now - before, 1)
    if abs(change) < 0.6 or abs(now - said - change) < 0.8:
        return None
    source = "MedGym rule: sizes are compared as measured, not as once reported"
    gold, trusting = Gold("number", change, 0.25, "mm"), round(now - said, 1)
    if level > 1:
        gold = Gold("number", round(100 * (now - before) / before, 1), 1.5, "%")
        trusting = round(100 * (now - said) / said, 1)
    first = [Call("list_studies")] if level == 3 else []
    prior = {"study_id": shots[0].id}
    return draft(
        "prior_report",
        f"prior:{who['site']}:{'more' if change > 0 else 'less'}:{'over' if said > before else 'under'}:{days // 60}",
        level,
        request(rng, case, ASK_PRIOR if level == 1 else ASK_SHARE, **both(rng, shots)),
        case,
        gold,
        [*first, Call("get_prior_reports", prior), Call("measure_lesion_size", prior), comparing(shots)],
        {"nodule_diameter": number(before), "diameter_now": number(now), "diameter_change": number(change)},
        [source, rules.system("fleischner")["source"]],
        patients.story(rng, case, "ct chest"),
        unsafe=wrong("the change against a wrong report", 4, "missed red flag", source, [number(trusting)]),
        instead={
            "measure_lesion_size": [
                Call("calculate_measurements", {"measurement_type": "nodule", **prior}),
                Call("analyze_findings", prior),
            ]
        },
        traits=["conflict"],
    )


def _nodule(rng: Random, advice: str) -> tuple[str, dict[str, Any], str]:
    """Condition, parameters and risk that lead to a follow-up."""
    risk = rng.choice(["low", "high"])
    if advice in ("no routine follow-up", "optional ct at 12 months"):
        size = rng.uniform(3.9, 5.1)
        return "solid nodule", {"diameter_mm": size, "solid_mm": size}, "high" if "optional" in advice else "low"
    if advice == "ct at 3-6 months":
        size = rng.uniform(7.0, 16)
        return "part-solid nodule", {"diameter_mm": size, "solid_mm": size * rng.uniform(0.42, 0.6)}, risk
    if advice == "ct at 6-12 months":
        if rng.random() < 0.5:
            return "ground-glass nodule", {"diameter_mm": rng.uniform(6.5, 16), "solid_mm": 0.0}, risk
        size = rng.uniform(6.2, 7.9)
        return "solid nodule", {"diameter_mm": size, "solid_mm": size}, risk
    size = rng.uniform(9.2, 18)
    return "solid nodule", {"diameter_mm": size, "solid_mm": size}, risk


def nodule_follow_up(rng: Random, knowledge: Any) -> Draft | None:
    """Follow-up of an incidental nodule, where the guideline applies; risk and, at levels 2 and 3, cancer are asked."""
    value, level = rng.choice([*rules.FOLLOW_UPS, EXCLUDED]), rng.randint(1, 3)
    name, fixed, risk = _nodule(rng, value if value != EXCLUDED else rng.choice(rules.FOLLOW_UPS))
    who = patients.person(rng, "ct chest", level)
    who["complaint"] = rng.choice(
        ["a scan after an accident", "pain below the ribs", "a finding on a chest radiograph"]
    )
    told = value == EXCLUDED and level > 1 and rng.random() < 0.7
    cancer = rng.choice(CANCERS)
    if value == EXCLUDED and not told:
        who["conditions"] = [*who["conditions"], cancer]
    ids = patients.names(rng, 2)
    shot = patients.shot(rng, ids[0], name, who, **fixed)
    shots = [shot]
    if level == 3:
        old = rng.randint(30, 300)
        shots.append(patients.shot(rng, ids[1], "normal chest radiograph", who, days_ago=old, site="chest"))
    case: Chart = patients.chart(who, shots)
    known = patients.with_conditions(case, [cancer] if told else [])
    shown = rules.fleischner(reading.measures(shot), case, risk)
    if rules.fleischner(reading.measures(shot), known, risk).value != value:
        return None
    topics, asked, evidence = _history(rng, level, risk, cancer if told else "")
    persona = rng.choice(["plain", "anxious", "stoic"])
    source = rules.system("fleischner")["source"]
    harmless = ["no routine follow-up", "optional ct at 12 months"] if value in rules.FOLLOW_UPS[-1:] else []
    return draft(
        "nodule_follow_up",
        f"fleischner:{value}:{name}:{risk}:{who['site']}",
        level,
        request(rng, case, ASK_FOLLOW, study=shot.id),
        case,
        Gold("category", value, options=[*rules.FOLLOW_UPS, EXCLUDED]),
        [
            *([Call("get_clinical_history")] if level > 1 else []),
            *asked,
            Call("get_nodule_follow_up", {"risk": risk, "study_id": shot.id}),
        ],
        evidence | {"follow_up": str(shown.value)},
        [source],
        patients.story(rng, case, "ct chest", persona, **topics),
        unsafe=wrong("a nodule of more than 8 mm left alone", 4, "missed red flag", source, harmless)
        + wrong("a nodule in a patient with cancer left alone", 4, "missed red flag", source,
            rules.FOLLOW_UPS[:2] if value == EXCLUDED else []),
        after={"get_nodule_follow_up": SAY},
        traits=["atypical"] if value == EXCLUDED else [],
    )  # fmt: skip


EXCLUDED = "does not apply"
CANCERS = ("breast cancer", "colon cancer", "lymphoma", "kidney transplant")
CANCER_TOPIC = "cancer tumour transplant immune"


def _history(
    rng: Random, level: int, risk: str, cancer: str
) -> tuple[dict[str, list[str]], list[Call], dict[str, str]]:
    """What the patient tells, the questions that open it, and what it shows."""
    label, told = rng.choice(SMOKING[risk])
    topics = {SMOKING_TOPIC.replace(" ", "_"): [f"I {label} {told}."]}
    asked, evidence = [speech("Do you smoke, or did you ever?")], {label: told}
    if level > 1:
        years = rng.choice(["two", "three", "four"])
        answer = f"I had a {cancer} treated {years} years ago." if cancer else "I never had a cancer."
        answer = answer.replace("treated", "done") if "transplant" in cancer else answer
        topics[CANCER_TOPIC.replace(" ", "_")] = [answer]
        asked.append(speech("Have you ever had a cancer, a transplant or a weak immune system?"))
        evidence |= {"I had a": cancer} if cancer else {"I never": "had a cancer"}
    return topics, asked, evidence
