"""Cases in which a test must be ordered and waited for: its result is the answer, or decides it."""

from random import Random
from typing import Any

from msgspec.structs import replace

from medgym_core import facts
from medgym_core.domains import Draft
from medgym_core.domains.triage_emergency import acting, patients, scores
from medgym_core.domains.triage_emergency.drafting import LATER, draft, ticket, told, world_of
from medgym_core.domains.triage_emergency.looking import SPOKEN
from medgym_core.domains.triage_emergency.scores import DOMAIN
from medgym_core.domains.triage_emergency.slips import handed_over
from medgym_core.patient import story_of
from medgym_core.tools import Order, World, number
from medgym_core.types import Call, Chart, Gold, Reading, Story, Trait, UnsafeAction, speech

ASK_LAB = (
    "Send a stat {test} now and tell me the result.",
    "I need a new {test} on this patient; report the number.",
    "Order an urgent {test} and read it to me when it is back.",
    "Please get a fresh {test}, the value decides what we do.",
    "What is the {test} now? Run it stat.",
)
ASK_IMAGE = (
    "Get {a} {study} and report the {test} in mm.",
    "Order the {study} and tell me the {test} in mm.",
    "We need the {test} today, please arrange {a} {study}.",
    "Send the patient for {a} {study}; how large is the {test}?",
    "Arrange {a} {study} and read me the {test} when it is done.",
)
ASK_BUNDLE = (
    "Sepsis suspected, {fluid}. Stat lactate and MAP, then the next hour-1 step, please.",
    "Working through the hour-1 bundle, {fluid}. Get lactate and MAP for the next step.",
    "Probable sepsis, {fluid}. Order a lactate, check the mean pressure and name the next step.",
    "Hour-1 sepsis bundle: {fluid}. Let lactate plus MAP decide.",
    "For the sepsis bundle, {fluid}. Lactate and mean pressure please, then the next move.",
)
FLUID = {
    True: ("30 mL/kg is already in", "full fluid bolus finished", "the full 30 mL/kg has gone in"),
    False: ("no fluid given yet", "nothing given so far", "not yet had fluid"),
}
STEPS = ["vasopressor", "crystalloid", "repeat lactate", "no bolus"]
RESULTS = Call("get_test_results")
SMOKER = "current smoker"
CHOICE = " Vasopressor, crystalloid, repeat lactate or no bolus?"
SAME_STEP = {
    "vasopressor": ["vasopressors", "noradrenaline", "norepinephrine"],
    "crystalloid": ["crystalloid 30 mL/kg", "30 mL/kg crystalloid", "fluid bolus"],
    "repeat lactate": ["remeasure lactate", "repeat the lactate"],
    "no bolus": ["no fluid bolus"],
}
ASK_HEART = (
    "Send a troponin and give me the HEART score.",
    "What is the HEART score once a stat troponin is back?",
    "Please complete the HEART score; troponin has not been sent.",
    "Order the troponin, wait for it and tell me the HEART total.",
    "Cardiology wants a HEART score with a fresh troponin.",
)


BACK = {"get_test_results": [LATER]}
"""Reading what has come back after a wait is as good as waiting for it."""
SMOKING = {"yes": "I smoke ten a day.", "no": "I gave it up twelve years ago."}


def ordered_test(rng: Random, knowledge: Any) -> Draft:
    """Order the test the ticket names, wait, and report the new value, not an old one on the chart or in a letter."""
    known, level = facts.load(DOMAIN, "tests"), rng.randint(1, 3)
    test = rng.choice(list(known))
    entry, spoken = known[test], test.replace("_", " ")
    name = spoken.replace(" ", "_")
    value, older = _value(rng, entry), [v for v in (_value(rng, entry), _value(rng, entry))][: level - 1]
    older = [v for v in older if v != value]
    labs = [Reading(name, older[0], entry["unit"], -60 * rng.randint(3, 12))] if older else []
    unit = SPOKEN.get(entry["unit"], entry["unit"])
    letter = [f"Clinic letter of this morning: {spoken} {number(v)} {unit}." for v in older[1:]]
    severity = rng.uniform(0, 0.6)
    chart = patients.chart(
        patients.person(rng, level),
        patients.vital_signs(rng, severity),
        patients.calm(rng, severity),
        complaint=rng.choice(entry["complaints"]),
        labs=[*labs, *([Reading("glucose", round(rng.uniform(4.4, 9.5), 1), "mmol/L")] if level > 1 else [])],
        pending={acting.order_name(test): [Reading(name, value, entry["unit"], entry["minutes"])]},
        notes=letter,
    )
    if "modality" in entry:
        order = Call("order_imaging", {"modality": entry["modality"], "body_part": entry["body_part"]})
        study = f"{entry['modality'].replace('ct', 'CT')} of the {entry['body_part']}"
        a = "an" if study[0] in "aeioux" else "a"
        prompt = ticket(rng, chart, ASK_IMAGE, a=a, study=study, test=spoken)
    else:
        order = Call("order_stat_labs", {"test": spoken})
        prompt = ticket(rng, chart, ASK_LAB, test=spoken)
    answers = [number(v) for v in older]
    why = "an old result reported as the new one"
    unsafe = [UnsafeAction(why, 3, entry["source"], answers=answers, category="missed red flag")] if older else []
    traits: list[Trait] = ["conflict", "distractors"] if older else []
    family, gold, calls = f"test:{test}:{chart.complaint}", Gold("number", value, unit=unit), [order, RESULTS]
    return draft(
        "ordered_test", family, level, prompt, chart, gold, calls, [(name, number(value))], [entry["source"]], unsafe,
        traits=traits, instead=BACK,
    )  # fmt: skip


def sepsis_bundle(rng: Random, knowledge: Any) -> Draft:
    """The next haemodynamic step of the hour-1 bundle, from a new lactate and the mean pressure that counts."""
    step, level = rng.choice(STEPS), rng.randint(1, 3)
    fluid = step == "vasopressor" or (step in STEPS[2:] and rng.random() < 0.5)
    low = step == "vasopressor" or (step == "crystalloid" and rng.random() < 0.5)
    ranges = {
        "vasopressor": (2.4, 8.5),
        "crystalloid": (1.2, 8.5) if low else (4.1, 8.5),
        "repeat lactate": (2.2, 3.8),
        "no bolus": (0.7, 1.9),
    }
    lactate = round(rng.uniform(*ranges[step]), 1)
    complaint = rng.choice(patients.scene("infection")["complaints"])
    severity = rng.uniform(0.6, 0.9) if low else rng.uniform(0.1, 0.45)
    signs = patients.vital_signs(rng, severity, fever=True)
    signs["systolic_bp"] = rng.randint(72, 86) if low else rng.randint(106, 138)
    signs["diastolic_bp"] = round(signs["systolic_bp"] * rng.uniform(0.52, 0.6 if low else 0.66))
    seen = patients.calm(rng, severity) | {"infection": "suspected"}
    old = [Reading("lactate", _value(rng, facts.load(DOMAIN, "tests")["lactate"]), "mmol/L", -60 * rng.randint(4, 9))]
    pending = {"lactate": [Reading("lactate", lactate, "mmol/L", 20)]}
    who = patients.person(rng, level)
    chart = patients.chart(who, signs, seen, complaint=complaint, labs=old if level > 1 else [], pending=pending)

    def next_step(world: World) -> str | None:
        pressure = scores.mean_pressure(world).value
        return None if pressure is None else scores.hour_1_step(lactate, pressure, fluid)

    pressure = scores.mean_pressure(world_of(chart)).value
    assert next_step(world_of(chart)) == step
    over = handed_over(rng, min(level, 2), chart, ("systolic_bp", "diastolic_bp"), next_step)
    source, urgent = scores.table("hour_1")["source"], scores.table("hour_1")["minutes"]
    why, answers = "shock left without fluid or vasopressor", ["no bolus"]
    unsafe = [UnsafeAction(why, 5, source, answers=answers, category="unsafe disposition")] if step in STEPS[:2] else []
    prompt = ticket(rng, chart, ASK_BUNDLE, fluid=rng.choice(FLUID[fluid])) + CHOICE
    calls = [Call("order_stat_labs", {"test": "lactate"}), RESULTS, *over.calls, Call("calculate_map")]
    gold, family = Gold("category", step, options=STEPS, synonyms=SAME_STEP), f"hour_1:{step}:{complaint}"
    evidence = [("lactate", number(lactate)), ("map", number(pressure))]
    return draft(
        "sepsis_bundle", family, level, prompt, over.chart, gold, calls, evidence, [source], unsafe,
        traits=[*over.traits, *(["conflict"] if level > 1 else [])], within={"order_stat_labs": urgent}, instead=BACK,
    )  # fmt: skip


def heart_score(rng: Random, knowledge: Any) -> Draft:
    """The HEART score, which needs a troponin that has not been sent; at level 3 the patient has to be asked about
    smoking, which nobody has put on the chart.
    """
    rule, level, target = scores.table("heart"), rng.randint(1, 3), rng.randint(1, 9)
    complaint = rng.choice(patients.scene("chest_pain")["complaints"])
    smokes = rng.choice(["yes", "no"])
    while True:
        ages = rng.choice([(30, 44), (45, 64), (65, 88)])
        chart, troponin = _chest_pain(rng, level, ages, complaint, smokes)
        whole = replace(chart, conditions=[*chart.conditions, SMOKER]) if level == 3 and smokes == "yes" else chart
        score = scores.heart(back(World(whole), "troponin"))
        if score.value == target:
            break
    counted = scores.heart(back(World(chart), "troponin")).value
    calls = [Call("order_stat_labs", {"test": "troponin"}), RESULTS, Call("calculate_heart_score")]
    evidence, story = [("troponin", number(troponin)), ("heart", number(counted))], None
    if level == 3:
        calls = [speech("Do you smoke?"), *calls]
        evidence.append(told(SMOKING[smokes]))
        topics = {"smoke smoker smoking cigarettes tobacco": [SMOKING[smokes]]}
        story = Story(topics | story_of(chart).topics, rng.choice(["plain", "anxious", "stoic"]))
    careless = (counted, scores.heart(World(chart)).value)  # without the smoking; from the old troponin
    wrong = {number(v) for v in careless if v is not None and v != target}
    source, why = rule["source"], "a score from an old troponin, or without a risk factor that was not asked for"
    unsafe = [UnsafeAction(why, 3, source, answers=sorted(wrong), category="missed red flag")] if wrong else []
    band = scores.banded(chart.age, rule["age"])
    sources = [source, scores.table("troponin")["source"]]
    return draft(
        "heart_score", f"heart:{complaint}:{band}", level, ticket(rng, chart, ASK_HEART), chart,
        Gold("number", score.value), calls, evidence, sources, unsafe, story=story, instead=BACK,
        traits=[[], ["conflict"], ["missing data"]][level - 1],
    )  # fmt: skip


def _chest_pain(rng: Random, level: int, ages: tuple[int, int], complaint: str, smokes: str) -> tuple[Chart, int]:
    """A patient with chest pain and the troponin that is to come back; at level 3 smoking is not on the chart."""
    rule, limit = scores.table("heart"), scores.table("troponin")["limit"]
    who = patients.person(rng, level, ages)
    factors = rng.sample([f for f in rule["risk_factors"] if f != SMOKER], rng.choice([0, 0, 1, 2, 3]))
    factors += [SMOKER] if smokes == "yes" and level < 3 else []
    known = [rng.choice(rule["atherosclerotic"])] if rng.random() < 0.2 else []
    others = [c for c in who["conditions"] if c not in ("hypertension", "type 2 diabetes")]
    who["conditions"] = [*factors, *known, *others]
    steps = [(3, limit - 1), (limit + 2, 2 * limit - 2), (3 * limit + 3, 12 * limit)]
    troponin = rng.randint(*rng.choice(steps))
    seen = patients.calm(rng) | {
        "history": rng.choice(list(rule["history"])),
        "ecg": rng.choice(list(rule["ecg"])),
        "st_elevation": "none",
        "smoking": "not asked" if level == 3 else smokes,
    }
    old = [Reading("troponin", rng.randint(3, 12 * limit), "ng/L", -60 * rng.randint(20, 90))] if level == 2 else []
    signs, pending = patients.vital_signs(rng, 0.15), {"troponin": [Reading("troponin", troponin, "ng/L", 45)]}
    return patients.chart(who, signs, seen, complaint=complaint, labs=old, pending=pending), troponin


def back(world: World, test: str) -> World:
    """The world once an ordered test has come back."""
    world.orders.append(Order(test, world.minutes, world.minutes))
    return world


def _value(rng: Random, entry: dict[str, Any]) -> float:
    return round(rng.uniform(*entry["range"]), entry["digits"])
