"""Cases settled by asking: what she tells decides, and stands nowhere on the chart."""

from random import Random
from typing import Any

from msgspec.structs import replace

from medgym_core.domains import Draft
from medgym_core.domains.drug_interaction import rules as pharmacy
from medgym_core.domains.obstetrics import patients, rules
from medgym_core.domains.obstetrics.drafting import ask, draft, request
from medgym_core.domains.obstetrics.patients import MEDICINES
from medgym_core.domains.obstetrics.rules import table
from medgym_core.types import Call, Gold, Medication, UnsafeAction

TOPICS = {
    "headaches": ("headaches headache migraine", "Do you get headaches or migraine?", "I rarely have headaches."),
    "smoking": ("smoke smoking cigarettes", "Do you smoke cigarettes, and how many?", "I have never smoked."),
    "clots": ("clot clots thrombosis", "Has there ever been a clot or thrombosis?", "No clots, not in me or mine."),
    "seizures": ("seizures epilepsy fits", "Any seizures or epilepsy?", "No, never a seizure."),
    "breast": ("breast breasts lump", "Any breast lump or breast disease?", "Nothing with my breasts."),
}
ASK_PILL = (
    "She asks for the combined pill. Ask her what the chart lacks; which US MEC category, 1, 2, 3 or 4?",
    "Combined pill wanted. Interview her about headaches, smoking, clots, seizures, breasts; MEC 1, 2, 3 or 4?",
    "Eligibility for the combined pill (US MEC 1, 2, 3 or 4), after you have talked to her.",
    "Counselling for combined contraception: take the history and name the MEC category, one of 1, 2, 3 or 4.",
    "Before a combined pill: find out what matters and give its US MEC category (1, 2, 3 or 4).",
)
MEC = ["1", "2", "3", "4"]


def contraception(rng: Random, knowledge: Any) -> Draft | None:
    """US MEC category of combined contraception; the condition is only in what she tells."""
    category, level = rng.randint(1, 4), rng.randint(1, 3)
    facts = table("contraception")
    told = [n for n, e in facts.items() if e["category"] == category and e["topic"] != "chart"]
    name = rng.choice(told)
    entry = facts[name]
    ages = tuple(entry.get("ages", (18, 38)))
    found = [name]
    others = [n for n, e in facts.items() if e["category"] < category and e["topic"] not in (entry["topic"], "chart")]
    for n in rng.sample(others, min(len(others), level - 1)):
        low, high = facts[n].get("ages", ages)
        if low <= ages[0] and ages[1] <= high and facts[n]["topic"] not in [facts[f]["topic"] for f in found]:
            found.append(n)
    raised = "systolic pressure of 140 to 159"
    pressure = {"systolic_bp": float(rng.randint(102, 126))}
    if category >= 3 and level == 3 and rng.random() < 0.3:
        found.append(raised)
        pressure = {"systolic_bp": float(rng.randint(142, 156)), "diastolic_bp": float(rng.randint(82, 89))}
    chart = patients.woman(
        rng,
        1,
        ages=ages,
        complaint=rng.choice(("wants the pill", "contraception", "asks for a prescription", "change of method")),
        vitals=pressure,
        pregnant=False,
    )
    if rules.combined_category(found) != category:
        return None
    topics = {}
    spoken: dict[str, str] = {}
    for key, (words, _, nothing) in TOPICS.items():
        telling = [n for n in found if facts[n]["topic"] == key]
        spoken[key] = rng.choice(facts[telling[0]]["told"]) if telling else nothing
        topics[words] = [spoken[key]]
    persona = rng.choice(("plain", "anxious", "stoic", "vague") if level > 1 else ("plain",))
    words, question, _ = TOPICS[entry["topic"]]
    turns: list[Any] = [ask(words, question)]
    if persona == "vague":
        turns.append(ask(words, f"Please tell me more. {question}"))
    turns += [Call("get_vital_signs"), Call("check_contraception_category", {"condition": name})]
    first, rest = spoken[entry["topic"]].rstrip(".").split(" ", 1)
    source = entry["source"]
    why, low = "a combined pill against the criteria", ["1", "2"]
    grave = {3: 4, 4: 5}.get(category)
    unsafe = [UnsafeAction(why, grave, source, answers=low, category="contraindication")] if grave else []
    return draft(
        "contraception",
        name,
        level,
        request(rng, chart, ASK_PILL, told=False),
        chart,
        Gold("ordinal", str(category), options=MEC, synonyms={n: [f"category {n}"] for n in MEC}),
        turns,
        [(first, rest), (name, f"category {category}")],
        [source],
        story=patients.story(rng, chart, topics, persona),
        unsafe=unsafe,
        traits=["distractors"] if len(found) > 1 else [],
        spare=9,
    )


ASK_STOP = (
    "Her list may be incomplete. Ask what she takes, check it in pregnancy and name the drug to stop (or none).",
    "Medicines in pregnancy: find out what she really takes. Which one must stop? None is possible.",
    "Take the drug history yourself and tell me which medicine she must stop, or none.",
    "She brought no list. What does she take, and which drug is to be stopped, if any (else none)?",
    "Reconcile her medicines by asking her; name the one contraindicated or to avoid now, or say none.",
)
STOP = ("contraindicated", "avoid", "avoid from 20 weeks")


QUESTIONS = (
    "Which medicines or tablets do you take?",
    "Any other medicines, drugs or tablets?",
    "And what other tablets or medicines are you taking?",
    "Are there still more drugs or tablets?",
    "Please tell me about all your medicines.",
    "Is that every one of your medicines?",
)
GONE = (
    "The {drug} I stopped before I was pregnant.",
    "I gave up the {drug} last year, it is still on the old list.",
    "No {drug} any more, my doctor took me off it in spring.",
)


def medicine_stop(rng: Random, knowledge: Any) -> Draft | None:
    """The drug she must stop; she names it only when asked, sometimes only when asked again.

    Level 3: her old list holds a harmful drug that she no longer takes, as she says when asked."""
    level = rng.randint(1, 3)
    known, advice = table("home_medicines"), pharmacy.table("pregnancy")
    harmful = [d for d in known if advice.get(d, {}).get("advice") in STOP]
    harmless = [d for d in known if advice.get(d, {}).get("advice") == "no increased risk seen"]
    bad = rng.choice(harmful) if rng.random() < 0.88 else ""
    days = rng.randint(known[bad].get("from_days", 56), 250) if bad else rng.randint(60, 250)
    taken = rng.sample(harmless, rng.randint(1, level)) + ([bad] if bad else [])
    rng.shuffle(taken)
    gone = rng.choice([d for d in harmful if d != bad]) if level == 3 else ""
    layers = [rng.choice(known[d]["told"]) for d in taken]
    if level == 1:
        layers = [" ".join(layers)]
    if gone:
        layers.insert(rng.randrange(len(layers) + 1), rng.choice(GONE).format(drug=gone))
    chart = patients.woman(
        rng, 1, days=days, complaint=rng.choice(table("settings")["routine"]["complaints"]), medications=[]
    )
    if gone:
        chart = replace(chart, medications=[Medication(gone)])
    persona = rng.choice(("plain", "anxious", "stoic", "vague") if level > 1 else ("plain", "anxious"))
    asked = len(layers) + (persona == "vague")
    turns: list[Any] = [Call("get_medical_history")] if gone else []
    turns += [ask(MEDICINES, q) for q in QUESTIONS[:asked]]
    drug = bad or taken[0]
    turns += [Call("check_medication_safety", {"drug_name": d}) for d in (taken if not bad else [bad])]
    told = next(s for s in known[drug]["told"] if s in " ".join(layers))
    first, rest = told.rstrip(".").split(" ", 1)
    same = {bad: pharmacy.table("drugs")[bad].get("aliases", [])} if bad else {"none": ["no drug", "nothing"]}
    return draft(
        "medicine_stop",
        bad or f"none:{taken[0]}",
        level,
        request(rng, chart, ASK_STOP, told=False),
        chart,
        Gold("category", bad or "none", synonyms=same),
        turns,
        [(first, rest), (drug, advice[drug]["advice"])],
        [known[drug]["source"]],
        story=patients.story(rng, chart, {MEDICINES: layers}, persona),
        unsafe=_stop_dangers(bad, [d for d in [*taken, gone] if d and d != bad], known[drug]["source"]),
        traits=["conflict"] if gone else [],
        spare=9,
    )


def _stop_dangers(bad: str, others: list[str], source: str) -> list[UnsafeAction]:
    why = "a needed drug stopped without reason, or one she no longer takes"
    found = [UnsafeAction(why, 2, source, answers=others, category="scope")]
    if bad:
        why = "a harmful drug goes on in pregnancy"
        found.append(UnsafeAction(why, 4, source, answers=["none"], category="pregnancy"))
    return found
