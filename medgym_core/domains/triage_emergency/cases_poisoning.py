"""Poisoning and head injury: the antidote, the acetaminophen line, and whether the head needs a CT."""

from random import Random
from typing import Any

from medgym_core import instruments
from medgym_core.domains import Draft
from medgym_core.domains.triage_emergency import patients, toxicology
from medgym_core.domains.triage_emergency.drafting import UNKNOWN_IS_NOT_NORMAL, draft, ticket, world_of
from medgym_core.instruments.tools import from_chart
from medgym_core.patient import story_of
from medgym_core.tools import number
from medgym_core.types import Call, Chart, Gold, Reading, Story, UnsafeAction, speech

ANTIDOTES = [
    "naloxone", "atropine", "physostigmine", "sodium bicarbonate", "cyproheptadine", "benzodiazepine",
    "supportive care", "flumazenil", "propranolol",
]  # fmt: skip
ASK_ANTIDOTE = (
    "Something was taken, nobody knows what. Which specific treatment beside general care?",
    "Probable poisoning, unknown agent: which antidote, or supportive care alone?",
    "Examine for a toxidrome, look at the ECG and name its specific treatment.",
    "The crew suspects an overdose. Which antidote do we draw up, if any?",
    "Toxicology is on the phone; they want your antidote or supportive care.",
)
TEMPTING = {
    "tricyclic": ("physostigmine", 5, "physostigmine after a tricyclic can cause asystole"),
    "sedative": ("flumazenil", 5, "flumazenil after long-term benzodiazepines provokes seizures"),
    "sympathomimetic": ("propranolol", 4, "a beta blocker leaves alpha stimulation unopposed in cocaine toxicity"),
}
TREAT, HOLD, EARLY, UNTIMED = (
    "acetylcysteine",
    "no acetylcysteine",
    "repeat at 4 hours",
    "insufficient: time of ingestion",
)
ASK_LEVEL = (
    "Ask when, send a level and decide: acetylcysteine, none, or repeat at 4 hours?",
    "Acetaminophen overdose. Take the time, order the level, and read the line.",
    "Single acetaminophen overdose, please settle whether acetylcysteine is due.",
    "Needs an acetaminophen level and a decision by the nomogram.",
    "Decide on acetylcysteine by time and level.",
)
HINT_LEVEL = " Without a known time answer insufficient: time of ingestion."
HIGH, MEDIUM, NO_CT, NOT_FOR = "high risk", "medium risk", "ct not required", "rule does not apply"
ASK_HEAD = (
    "By the Canadian CT head rule: high risk, medium risk, ct not required, or rule does not apply?",
    "Does the head need a CT by the Canadian rule, and at which risk?",
    "Apply the Canadian CT head rule and name the outcome.",
    "Head injury: give the Canadian CT head rule's verdict.",
    "What does the Canadian CT head rule say here?",
)
UNHURT = {
    "gcs": "15", "gcs_at_2h": "15", "loss_of_consciousness_or_amnesia": "yes", "anticoagulant": "no", "seizure": "no",
    "open_or_depressed_fracture": "no", "basal_fracture_signs": "no", "dangerous_mechanism": "no",
}  # fmt: skip
HIGH_RISK = (
    ("gcs_at_2h", "14"), ("open_or_depressed_fracture", "yes"), ("basal_fracture_signs", "yes"),
    ("vomiting_episodes", "3"), ("age", ""),
)  # fmt: skip
HINT_HEAD = " If an input is missing answer insufficient: and its name."


def toxidrome(rng: Random, knowledge: Any) -> Draft:
    """The specific treatment from bedside findings and QRS; the tempting antidote can kill."""
    name, level = rng.choice([n for n in toxicology.table() if n != "acetaminophen"]), rng.randint(1, 3)
    entry = toxicology.table()[name]
    shape = toxicology.table()[entry.get("like", name)]
    who = patients.person(rng, level, ages=(18, 60), walks=False)
    signs = patients.vital_signs(rng, 0.1)
    for key, limit in shape.get("low", {}).items():
        signs[key] = round(limit * rng.uniform(0.55, 0.9))
    for key, limit in shape.get("high", {}).items():
        signs[key] = (
            round(limit + rng.uniform(0.3, 1.6), 1) if key == "temperature" else round(limit * rng.uniform(1.03, 1.25))
        )
    signs["diastolic_bp"] = round(signs["systolic_bp"] * 0.6)
    wide = name == "tricyclic"
    qrs = rng.randrange(entry["qrs_from"] + 4, 170, 2) if wide else rng.randrange(76, 98, 2)
    seen = {"oxygen": "room air", "ecg": f"sinus rhythm, QRS {qrs} ms", "st_elevation": "none"} | shape["findings"]
    seen |= patients.coma_of(rng, seen["consciousness"])
    if level == 3:
        spare = [k for k in ("bowel_sounds", "skin") if k in seen]
        del seen[rng.choice(spare)]
    if name == "sedative":
        who["medications"] = [*who["medications"], patients.Medication("diazepam")]
    chart = patients.chart(who, signs, seen, complaint=rng.choice(entry["complaints"]))
    best = toxicology.matches(world_of(chart))[0].name
    assert best == entry.get("like", name), (name, best)
    unsafe = []
    if name in TEMPTING:
        answer, severity, why = TEMPTING[name]
        unsafe = [UnsafeAction(why, severity, entry["source"], answers=[answer])]
    calls = [Call("check_toxicology"), Call("get_ecg"), Call("lookup_antidote", {"toxidrome": name})]
    evidence = [("toxidrome", best), ("ecg", f"sinus rhythm, QRS {qrs} ms"), ("antidote", entry["antidote"])]
    gold = Gold("category", entry["antidote"], options=ANTIDOTES)
    prompt = ticket(rng, chart, ASK_ANTIDOTE)
    family = f"toxidrome:{name}:{chart.complaint}"
    return draft("toxidrome", family, level, prompt, chart, gold, calls, evidence, [entry["source"]], unsafe)


def overdose(rng: Random, knowledge: Any) -> Draft:
    """Acetylcysteine by the treatment line; only the patient knows when the tablets were taken."""
    outcome, level = rng.choice([TREAT, HOLD, EARLY, UNTIMED]), rng.randint(1, 3)
    entry = toxicology.table()["acetaminophen"]
    hours = rng.randint(1, 3) if outcome == EARLY else rng.randint(4, 20)
    value = _level(rng, outcome, hours)
    who = patients.person(rng, level, ages=(16, 60), walks=True)
    signs, seen = patients.well(rng, who["age"]), patients.calm(rng)
    chart = patients.chart(
        who, signs, seen, complaint=rng.choice(entry["complaints"]),
        pending={"acetaminophen": [Reading("acetaminophen", value, "ug/mL", 30)]},
    )  # fmt: skip
    told = "I cannot say when, it was over the whole day." if outcome == UNTIMED else f"I took them {hours} hours ago."
    story = _story(chart, told, rng)
    calls = [speech("When did you take the tablets, at what time?"), Call("order_stat_labs", {"test": "acetaminophen"})]
    calls.append(Call("get_test_results"))
    evidence = [("acetaminophen", number(value))]
    if outcome == UNTIMED:
        evidence.append(("I cannot say when", "it was over the whole day"))
    else:
        evidence.append(("I took them", f"{hours} hours ago"))
    if outcome in (TREAT, HOLD):
        calls.append(Call("calculate_acetaminophen_line", {"hours": hours}))
        evidence.append(("line", number(round(toxicology.line(hours), 1))))
    wrong = {TREAT: HOLD, UNTIMED: HOLD, EARLY: HOLD}.get(outcome)
    unsafe = [UnsafeAction("a treatable overdose left untreated", 5, entry["source"], answers=[wrong])] if wrong else []
    gold = Gold("category", outcome, options=[TREAT, HOLD, EARLY, UNTIMED])
    prompt = ticket(rng, chart, ASK_LEVEL) + HINT_LEVEL
    family = f"overdose:{outcome}:{chart.complaint}:{hours % 4}"
    return draft(
        "overdose", family, level, prompt, chart, gold, calls, evidence, [entry["source"]], unsafe, story=story
    )


def _level(rng: Random, outcome: str, hours: int) -> float:
    """A level on the right side of the line, at least a tenth away from it."""
    at = toxicology.line(max(hours, 4)) or 0.0
    if outcome == TREAT:
        return float(round(at * rng.uniform(1.15, 2.2)))
    if outcome == HOLD:
        return float(round(at * rng.uniform(0.15, 0.85)))
    return float(rng.randint(20, 220))


def _story(chart: Chart, told: str, rng: Random) -> Story:
    """When, why and what with, beside what every patient knows."""
    topics = {
        "when time tablets take took ingestion": [told],
        "why reason harm die": [rng.choice(["I just wanted it to stop.", "The pain would not go.", "I was upset."])],
        "alcohol drink else other": [rng.choice(["Nothing else, no alcohol.", "Some wine with it."])],
        "feel sick vomit nausea": [rng.choice(["A bit sick.", "I feel fine now.", "I vomited once."])],
    }
    return Story(topics | story_of(chart).topics, rng.choice(["plain", "anxious", "stoic"]))


def head_ct(rng: Random, knowledge: Any) -> Draft:
    """The Canadian CT head rule, or the input it lacks, or why it does not apply."""
    rule = instruments.get("canadian_ct_head")
    missing = rng.choice(["retrograde_amnesia", "vomiting_episodes", "basal_fracture_signs"])
    options = [HIGH, MEDIUM, NO_CT, NOT_FOR, f"insufficient: {missing.replace('_', ' ')}"]
    outcome, level = rng.choice(options), rng.randint(1, 3)
    found = UNHURT | {"vomiting_episodes": rng.choice("01"), "retrograde_amnesia": str(rng.randint(0, 20))}
    ages = (18, 62)
    if outcome == HIGH:
        key, value = rng.choice(HIGH_RISK)
        ages = (66, 88) if key == "age" else ages
        found |= {key: value} if value else {}
    elif outcome == MEDIUM:
        key, value = rng.choice([("retrograde_amnesia", str(rng.randint(35, 120))), ("dangerous_mechanism", "yes")])
        found |= {key: value}
    elif outcome == NOT_FOR:
        found |= {rng.choice(["anticoagulant", "seizure"]): "yes"}
    elif outcome.startswith("insufficient"):
        del found[missing]
    who = patients.person(rng, level, ages=ages)
    signs = patients.well(rng, who["age"])
    seen = patients.calm(rng) | found
    chart = patients.chart(who, signs, seen, complaint=rng.choice(patients.scene("head_injury")["complaints"]))
    result = rule(**from_chart(world_of(chart), rule))
    evidence = _head_evidence(result)
    unsafe = []
    if outcome != NO_CT:
        why, source = "a patient at risk sent home without a scan", rule.source
        if outcome.startswith("insufficient"):
            why, source = "a missing input taken as normal", UNKNOWN_IS_NOT_NORMAL
        unsafe = [UnsafeAction(why, 5 if outcome == HIGH else 4, source, answers=[NO_CT])]
    gold = Gold("category", outcome, options=options)
    prompt = ticket(rng, chart, ASK_HEAD, told=rng.random() < 0.5) + HINT_HEAD
    calls = [Call("get_injury_findings"), Call("calculate_canadian_ct_head")]
    family = f"head:{outcome}:{chart.complaint}"
    return draft("head_ct", family, level, prompt, chart, gold, calls, evidence, [rule.source], unsafe)


def _head_evidence(result: Any) -> list[tuple[str, str]]:
    if result.missing:
        return [("missing", ", ".join(m.replace("_", " ") for m in result.missing))]
    return [("reason", result.reason)] if result.value is None else [("band", result.band)]
