"""Cases that only talking solves: the chart shows one picture, and what decides is in the patient's answers."""

from random import Random
from typing import Any

from medgym_core import facts
from medgym_core.domains import Draft
from medgym_core.domains.psychiatry import hearsay, patients, scales
from medgym_core.domains.psychiatry.drafting import among, category, draft, ticket, unsafe_answers, workup
from medgym_core.domains.psychiatry.scales import DOMAIN
from medgym_core.text import tokens
from medgym_core.types import Call, speech

ASK = (
    "The record says little; talk to the patient and name the cause.",
    "Nothing on the chart decides. Take the history yourself and give the diagnosis.",
    "Please interview the patient, then tell me the diagnosis.",
    "The scales do not settle it. Ask, and name the diagnosis.",
    "Find out by conversation what lies behind this.",
    "Nobody has asked the right question yet. What is the diagnosis?",
)
UNASKED = (
    "alcohol", "drugs", "dast10", "cage", "audit", "mdq", "same_time", "problem_severity", "pcl5", "past_mania",
    "duration", "trauma", "past_episodes", "family_history",
)  # fmt: skip
"""Findings that nobody has asked for yet."""
GRAVE = ("bipolar II disorder", "alcohol withdrawal", "pheochromocytoma", "focal epilepsy")
"""Causes whose being missed harms at once."""


def entries(picture: str) -> dict[str, dict[str, Any]]:
    """The causes behind a picture."""
    return {n: e for n, e in facts.load(DOMAIN, "histories").items() if e.get("picture") == picture}


def history(rng: Random, knowledge: Any) -> Draft:
    """Find the cause of low mood, attacks or voices in what the patient tells."""
    picture, level = rng.choice(["depression", "attacks", "psychosis"]), rng.randint(1, 3)
    causes = entries(picture)
    name = rng.choice(list(causes))
    entry, which = causes[name], rng.randrange(2)
    seen = patients.examined(rng, _picture(rng, picture), level)
    seen = {name: value for name, value in seen.items() if not name.startswith(UNASKED)}
    who = patients.person(rng, level, (22, 52), avoid=("depression", "anxiety"))
    complaint = rng.choice(facts.load(DOMAIN, "histories")["pictures"][picture])
    case = patients.chart(rng, who, seen, complaint=complaint)
    topics = {e["topic"]: [e["none"]] for e in causes.values()}
    if "since" in entry:
        topics["start started begin began long since"] = [entry["since"]]
    topics[entry["topic"]] = [entry["answers"][which]]
    told = patients.story(rng, level, case, [f"It is this: {complaint}."], topics)
    questions = list(entry["asks"])
    rng.shuffle(questions)
    asked = [speech(q) for q in (questions if told.persona == "vague" else questions[:1])]
    options = among(rng, name, [n for n in causes if n != name], 5)
    case, marks = hearsay.referred(rng, level, case, name, [o for o in options if o != name])
    scale = {"depression": Call("administer_phq9"), "attacks": Call("administer_gad7")}
    look = workup(level, "get_patient_presentation", "screen_substance_use")
    calls = [*look, scale.get(picture, Call("perform_mental_status_exam")), *asked]
    words = tokens(entry["keys"][which])
    evidence = [(" ".join(words[:2]), " ".join(words[2:]))]
    unsafe = []
    if name in GRAVE:
        wrong = [o for o in options if o != name]
        unsafe = [unsafe_answers("missed red flag", f"{name} missed", 3, entry["source"], *wrong)]
    prompt = ticket(rng, case, ASK, options=options)
    return draft(
        "history", f"history:{picture}:{name}:{which}", level, prompt, case, category(name, options), calls, evidence,
        [entry["source"]], told, unsafe, traits=marks,
    )  # fmt: skip


def _picture(rng: Random, picture: str) -> dict[str, str]:
    """Findings that all causes of a picture share."""
    if picture == "depression":
        return {"mood": "low", "affect": "restricted"} | scales.answers(rng, "phq9", rng.randint(11, 21))
    if picture == "attacks":
        return {"mood": "anxious", "behavior": "fidgety"} | scales.answers(rng, "gad7", rng.randint(8, 19))
    return {
        "thought_content": rng.choice(["delusion of reference", "persecutory delusion"]),
        "perception": "voices",
        "affect": rng.choice(["suspicious", "blunted", "perplexed"]),
        "orientation": "full",
        "insight": "absent",
    }
