"""Cases over time and of follow-up: a nodule against its prior, the next scan, a prior report that is wrong."""

from random import Random
from typing import Any

from medgym_core.domains import Draft
from medgym_core.domains.radiology_report import patients, reading, rules
from medgym_core.domains.radiology_report.drafting import draft, request, wrong
from medgym_core.tools import number
from medgym_core.types import Call, Chart, Gold, Picture, speech

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
    "Volume doubling time of the nodule on {a} and {b}, in days?",
    "In how many days does the nodule of {a} and {b} double its volume?",
    "Work out the doubling time from {a} and {b} (days), please.",
    "The tumour board wants the doubling time in days of the nodule on {a} and {b}.",
    "How fast does the nodule on {a} and {b} grow? Doubling time in days.",
)
ASK_PRIOR = (
    "Change of the nodule's mean diameter between {a} and {b} in mm? The old report may be off.",
    "By how many mm did the nodule grow between {a} and {b}? Measure both, do not trust the report.",
    "{a} and {b} show the same nodule: difference of the mean diameters in mm, with its sign.",
    "Growth in mm between {a} and {b}, please; check the size that was reported then.",
    "True change in mm of the nodule on {a} and {b}, minus for smaller?",
)
ASK_FOLLOW = (
    "What follow-up by Fleischner 2017 does the incidental nodule on {study} need? Heavy smoking counts as high risk; "
    "ask.",
    "Fleischner 2017 follow-up for {study}, in the tool's words; never a smoker is low risk, a heavy smoker high.",
    "Decide the follow-up of the nodule on {study} (Fleischner 2017). Ask the patient about smoking for the risk.",
    "Next step for the nodule on {study} by Fleischner 2017? Risk goes by smoking, which is not on file.",
    "An incidental nodule on {study}: follow-up by Fleischner 2017, risk low or high by smoking, please.",
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
SMOKING_TOPIC = "smoke smoking smoker cigarettes tobacco"


def pair(rng: Random, who: dict[str, Any], first: float, last: float, days: int, level: int) -> list[Picture]:
    """A solid nodule then and now: the same place and form, another size; at level 3 with an old radiograph."""
    ids = patients.names(rng, 2 + (level == 3))
    seed = rng.random()
    shots = [
        patients.shot(Random(seed), i, "solid nodule", who, days_ago=ago, diameter_mm=size, solid_mm=size)
        for i, ago, size in zip(ids, (days, 0), (first, last), strict=False)
    ]
    if level == 3:
        site = "chest"
        shots.append(patients.shot(rng, ids[2], "normal chest radiograph", who, days_ago=days + 40, site=site))
    return shots


def course(shots: list[Picture]) -> tuple[float, float, int, rules.Outcome]:
    """Diameters then and now, days between, and how the nodule behaved."""
    before, now = (reading.measures(p)["nodule_diameter"] for p in shots[:2])
    days = (shots[1].minutes - shots[0].minutes) // patients.DAY
    return before, now, days, rules.doubling(now, before, days)


def comparing(shots: list[Picture]) -> Call:
    return Call("compare_with_prior_study", {"study_id": shots[1].id, "prior_study_id": shots[0].id})


def both(shots: list[Picture]) -> dict[str, str]:
    """Names of the two studies for a prompt, which says nothing about which is older."""
    first, second = sorted(p.id for p in shots[:2])
    return {"a": first, "b": second}


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
    return draft(
        "growth_class",
        f"course:{value}:{who['site']}:{who['complaint']}",
        level,
        request(rng, case, ASK_COURSE, **both(shots)),
        case,
        Gold("category", value, options=rules.GROWTHS),
        [Call("list_studies"), comparing(shots)],
        {"diameter_before": number(before), "diameter_now": number(now), "course": value},
        [source],
        patients.story(rng, case, "ct chest"),
        unsafe=wrong("a fast-growing nodule called harmless", 4, source, harmless),
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
    source = rules.system("doubling_time")["source"]
    return draft(
        "doubling_time",
        f"doubling:{who['site']}:{int(value) // 60}:{who['complaint']}",
        level,
        request(rng, case, ASK_TIME, **both(shots)),
        case,
        Gold("number", value, max(3.0, round(0.02 * value)), "days"),
        [Call("list_studies"), comparing(shots)],
        {"diameter_before": number(before), "diameter_now": number(now), "doubling_time": number(value)},
        [source],
        patients.story(rng, case, "ct chest"),
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
    trusting = number(round(now - said, 1))
    return draft(
        "prior_report",
        f"prior:{who['site']}:{'more' if change > 0 else 'less'}:{'over' if said > before else 'under'}:{days // 60}",
        level,
        request(rng, case, ASK_PRIOR, **both(shots)),
        case,
        Gold("number", change, 0.25, "mm"),
        [
            Call("get_prior_reports", {"study_id": shots[0].id}),
            Call("measure_lesion_size", {"study_id": shots[0].id}),
            comparing(shots),
        ],
        {"nodule_diameter": number(before), "diameter_now": number(now), "diameter_change": number(change)},
        [source, rules.system("fleischner")["source"]],
        patients.story(rng, case, "ct chest"),
        unsafe=wrong("the change against a wrong report", 4, source, [trusting, f"{trusting} mm"]),
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
    """Follow-up of an incidental nodule; the risk has to be asked."""
    value, level = rng.choice(rules.FOLLOW_UPS), rng.randint(1, 3)
    name, fixed, risk = _nodule(rng, value)
    who = patients.person(rng, "ct chest", level)
    who["complaint"] = rng.choice(
        ["a scan after an accident", "pain below the ribs", "a finding on a chest radiograph"]
    )
    ids = patients.names(rng, 2)
    shot = patients.shot(rng, ids[0], name, who, **fixed)
    shots = [shot]
    if level == 3:
        old = rng.randint(30, 300)
        shots.append(patients.shot(rng, ids[1], "normal chest radiograph", who, days_ago=old, site="chest"))
    case: Chart = patients.chart(who, shots)
    outcome = rules.fleischner(reading.measures(shot), case, risk)
    if outcome.value != value:
        return None
    label, told = rng.choice(SMOKING[risk])
    persona = rng.choice(["plain", "anxious", "stoic", "vague"])
    asked = [speech("Do you smoke, or did you ever?")]
    if persona == "vague":
        asked.append(speech("How many cigarettes, and for how long did you smoke?"))
    source = rules.system("fleischner")["source"]
    harmless = ["no routine follow-up", "optional ct at 12 months"] if value.startswith("consider") else []
    return draft(
        "nodule_follow_up",
        f"fleischner:{value}:{name}:{risk}:{who['site']}",
        level,
        request(rng, case, ASK_FOLLOW, study=shot.id),
        case,
        Gold("category", value, options=rules.FOLLOW_UPS),
        [*asked, Call("get_nodule_follow_up", {"risk": risk, "study_id": shot.id})],
        {label: told, "nodule_diameter": number(reading.measures(shot)["nodule_diameter"]), "follow_up": value},
        [source],
        patients.story(rng, case, "ct chest", persona, **{SMOKING_TOPIC.replace(" ", "_"): [f"I {label} {told}."]}),
        unsafe=wrong("a nodule of more than 8 mm left alone", 4, source, harmless),
    )
