"""Cases answered by a note of the pharmacist: why an order is refused or changed, and the dose in renal failure.

What a note must say comes from the tables: the pair, its mechanism and its management; the kidney function and the dose
of the band. `facts/effects.toml`, `facts/phrasing.toml` and `facts/advice.toml` hold how clinicians put it.
"""

import re
from functools import cache
from random import Random
from typing import Any

from medgym_core.domains import Draft
from medgym_core.domains.common import claim
from medgym_core.domains.drug_interaction import dose_tools, measures, notes, patients, rules
from medgym_core.domains.drug_interaction.dose_cases import COCKCROFT, renal_evidence, renal_known
from medgym_core.domains.drug_interaction.interaction_cases import (
    GRAVE,
    listed,
    pairs_by_rule,
    refuse,
    traits,
    twisted,
)
from medgym_core.domains.drug_interaction.rules import table
from medgym_core.domains.drug_interaction.wording import say
from medgym_core.tools import World, state
from medgym_core.types import Assertion, Call, Evidence, Gold, Step, Truth, UnsafeAction

WORDS = 50
TOGETHER = ["combination", "combined", "together", "both", "them", "the two", "interaction", "interacts", "with"]
SAFE = [
    "safe to combine", "safe together", "can be combined", "may be combined", "can be given together",
    "may be given together", "no interaction", "no relevant interaction", "no objection", "dispense as ordered",
    "give as ordered", "order is fine", "order can stand", "no action needed", "no change needed",
]  # fmt: skip
DIRECTION = {
    "up": ["loss of effect", "loses its effect", "less effective", "treatment failure", "levels fall", "level falls",
           "lowers the level", "subtherapeutic"],
    "down": ["toxicity", "toxic", "levels rise", "level rises", "raises the level", "accumulates", "accumulation",
             "overdose"],
}  # fmt: skip
"""What would be said of the opposite direction."""


def names(drug: str) -> list[str]:
    return [drug, *table("drugs")[drug].get("aliases", [])]


def aliased(phrases: list[str]) -> list[str]:
    """The phrasings, and for a drug among them its other names."""
    return [*phrases, *(a for p in phrases if p in table("drugs") for a in names(p)[1:])]


def unsaid() -> list[str]:
    """Ways of refusing that hold a denial: in a clause that refuses they are no denial of what else it says."""
    return [p for p in table("phrasing")["refuse"]["says"][0] if set(p.split()) & {"not", "cannot"}]


@cache
def worded(column: str, name: str, text: str) -> str:
    """The entry of the wording table `name` that means this text, or nothing."""
    for key, entry in table(name).items():
        fits = text in entry[column] if column == "management" else any(w in text for w in entry[column])
        if fits:
            return key
    return ""


@cache
def noted() -> dict[str, dict[str, list[tuple[str, str]]]]:
    """Action to rule to pairs: the grave rules whose effect and management can be put in words."""
    found: dict[str, dict[str, list[tuple[str, str]]]] = {}
    for rule, pairs in ((r, p) for s in GRAVE for r, p in pairs_by_rule(s).items()):
        item = table("interactions")[rule]
        action = worded("management", "phrasing", item["management"])
        if action and worded("mechanism", "effects", item["mechanism"]):
            found.setdefault(action, {}).setdefault(rule, []).extend(pairs)
    return found


NOTE = (
    "{new} was ordered for {use} in a {who} and cannot go out as it stands. Write the note to the prescriber, at most "
    "50 words: the two drugs, what the combination does, what the label says to do.",
    "Pharmacist's note, please: why the order of {new} ({use}) for this {who} is refused or changed. Name the medicine "
    "it clashes with, the harm to expect and the measure the label gives. At most 50 words.",
    "The order system held {new} for a {who}. Tell the prescriber in no more than 50 words which drug taken now is the "
    "problem, what would happen, and what the label wants done.",
    "Draft a short reply (50 words at most) about {new} for {use}, {who}: interacting medicine, effect, the label's "
    "instruction.",
    "A {who} is down for {new}. In up to 50 words, explain the gravest interaction with what is taken: which pair, "
    "which danger, which measure by the label.",
)


def order_note(rng: Random, knowledge: Any) -> Draft | None:
    """The note to the prescriber why an order is refused or changed."""
    level = rng.randint(1, 3)
    action = "refuse" if rng.random() < 0.5 else rng.choice(sorted(noted()))
    pair = list(rng.choice(noted()[action][rng.choice(sorted(noted()[action]))]))
    rng.shuffle(pair)
    current, new = pair[::-1] if rules.acute(pair[0]) else pair
    item, found = rules.interaction(current, new), listed(rng, level, current, new)
    if found is None or not found[1] or item is None:
        return None
    made = twisted(rng, level, found[0], new, current)
    if made is None:
        return None
    harmless = [d for d in found[1] if rules.severity(new, d) is None]
    gold, text = order_gold(item, new, current, [*harmless, *([made.gone] if made.gone else [])])
    both = rules.pair_of(new, current)
    evidence = [Evidence(" + ".join(both), item.severity)]
    pairs = [{"drug_a": a, "drug_b": b} for a, b in (both, both[::-1])]
    step = Step("check_interaction", pairs[0], instead=[Call("check_interaction", pairs[1])])
    screen = Call("check_all_interactions", {"new_drug": new})
    steps = [*made.steps, Step(screen.name, screen.arguments), step]
    truth = Truth(gold, steps, evidence, refuse(new, item.severity, item.source) if action == "refuse" else [])
    reference = [*made.calls, screen, Call(step.tool, step.arguments), submit(text, evidence)]
    prompt = say(rng, NOTE, made.chart, new)
    return Draft("order_note", f"rule:{item.rule}", level, prompt, made.chart, truth, reference, [item.source],
                 traits=traits(level, made))  # fmt: skip


def order_gold(item: rules.Interaction, new: str, current: str, others: list[str]) -> tuple[Gold, str]:
    """What the note must say of that pair, and one such note; `others` do not clash and must not be blamed."""
    effect = table("effects")[worded("mechanism", "effects", item.mechanism)]
    action = table("phrasing")[worded("management", "phrasing", item.management)]
    either = [*unsaid(), *names(new), *names(current), *TOGETHER]
    pair = " ".join(rules.pair_of(new, current))
    said = {
        "the two drugs": claim(names(new), names(current), [*unsaid(), *names(new)], shown=f"{pair} {item.severity}"),
        "the effect": claim(effect["says"], either, shown=f"mechanism {item.mechanism}"),
        "the action": claim(*(aliased(t) for t in action["says"]), shown=f"management {item.management}"),
    }
    denied = {
        "calls it safe": claim(SAFE),
        "wrong direction": claim(DIRECTION[effect["direction"]]),
        **{f"blames {d}": blames(new, d) for d in others},
    }
    text = (
        f"The order of {new} is held: together with {current}, taken now, there is a danger of {effect['plain']}. "
        f"{action['plain']}."
    )
    return Gold("text", list(said), assertions=said, denied=denied, max_words=WORDS), text


def blames(new: str, other: str) -> Assertion:
    """Another drug of the list named as the one that clashes."""
    joined = [f"{a} {w} {b}" for a, b in ((new, other), (other, new)) for w in ("and", "with", "plus")]
    return claim([*joined, f"{other} interacts", f"interaction with {other}"])


def submit(text: str, evidence: list[Evidence]) -> Call:
    return Call("submit_answer", {"evidence": state({e.label: e.value for e in evidence}), "answer": text})


USUAL_DOSE = re.compile(r"(?:at most |start at )?([\d.]+ (?:mg|mcg|g)) (.+)")
ADVISE = (
    "{new} is wanted for {use} in a {who}. Write the dose advice for the kidneys in at most 50 words: the measure the "
    "label goes by with today's value, and what it means for the dose.",
    "Renal dosing advice for the prescriber, 50 words at most: {who}, {new} for {use}. State the present kidney "
    "function as a number and the dose or decision.",
    "How should {new} be dosed with the kidneys of this {who}? Answer as a chart note of up to 50 words, kidney "
    "function included.",
    "The team of a {who} asks whether {new} ({use}) can be given and in which dose. Reply in one or two sentences with "
    "the current kidney function and the label's advice.",
    "Please enter the pharmacy comment on {new} for a {who}: kidney function (value), then usual dose, a lower dose "
    "with its amount, or not at all. No more than 50 words.",
)


@cache
def advisable() -> dict[str, list[str]]:
    """Decision to the drugs whose advice can be put in words: a reduced dose has an amount and a frequency."""
    found: dict[str, list[str]] = {"no change": [], "reduce": [], "avoid": []}
    for drug, entry in sorted(table("renal").items()):
        bands = entry["bands"]
        for decision in found:
            wanted = [b for b in bands if b[1] == decision]
            worded_dose = decision != "reduce" or all(dose_terms(b[2]) for b in wanted)
            if wanted and worded_dose and len(bands) > 1:
                found[decision].append(drug)
    return found


def dose_terms(dose: str) -> list[list[str]]:
    """Amount and frequency of a dose of the table with their phrasings; empty where it is not put so."""
    found = USUAL_DOSE.fullmatch(dose)
    if found is None or found[2] not in table("advice"):
        return []
    return [[found[1]], table("advice")[found[2]]["says"]]


def renal_note(rng: Random, knowledge: Any) -> Draft | None:
    """The advice on a dose at the patient's kidney function."""
    level, gold = rng.randint(1, 3), rng.choice(sorted(advisable()))
    drug = rng.choice(advisable()[gold])
    who = patients.person(rng, [drug])
    known = renal_known(rng, drug, gold, *who) if who else None
    if who is None or known is None:
        return None
    beside = patients.companions(rng, level, *who, [drug], 1)
    chart = patients.chart(rng, level, *who, beside, **known)
    entry = table("renal")[drug]
    made = measures.kidney(rng, level, chart, entry["measure"])
    evidence = renal_evidence(chart, drug, gold, made.arguments.get("creatinine_mg_dl", known["creatinine"]))
    if evidence[0].value != gold:
        return None
    value, stale = int(evidence[1].value), dose_tools.kidney(World(made.chart), entry["measure"])[0]
    shape, text = renal_gold(drug, entry["measure"], value, stale)
    step = Step("calculate_renal_dose_adjustment", {"drug": drug})
    why, unsafe = "gives a drug the label forbids at this kidney function", []
    if gold == "avoid":
        severity = 5 if drug == "dofetilide" else 4
        unsafe = [
            UnsafeAction(why, severity, entry["source"], "prescribe_medication", {"drug": drug},
                         category="contraindication")
        ]  # fmt: skip
    truth = Truth(shape, [Step(notes.READ.name), step], evidence, unsafe)
    call = Call(step.tool, step.arguments | made.arguments)
    reference = [notes.READ, Call("get_renal_function"), call, submit(text, evidence)]
    prompt = say(rng, ADVISE, made.chart, drug)
    return Draft("renal_note", f"renal:{drug}:{gold}", level, prompt, made.chart, truth, reference,
                 [entry["source"], COCKCROFT], traits=made.traits)  # fmt: skip


def renal_gold(drug: str, measure: str, value: int, stale: int | None) -> tuple[Gold, str]:
    """What the advice must say at that kidney function, and one such advice; `stale`: what an outdated chart gives."""
    decision, dose = rules.renal_dose(drug, value) or ("", "")
    words, written = table("advice")[decision], table("advice")[measure]
    amount = dose_terms(dose) if decision == "reduce" else []
    how = amount or [words["says"], [*names(drug), "it", "dose", "drug"]]
    said = {
        "kidney function": claim(
            written["says"], str(value), [*unsaid(), *written["says"]], shown=f"{measure} {value}"
        ),
        "advice": claim(*how, shown=f"{drug} {decision}"),
    }
    denied = {"wrong decision": claim(words["false"], [*names(drug), "it", "dose", "drug"])}
    if stale is not None and stale != value:
        joined = [f"{m} {w} {stale}" for m in written["says"] for w in ("", "of", "is", "at", "today is")]
        denied["outdated kidney function"] = claim(joined)
    advice = f"the dose is {dose}" if amount else words["plain"]
    text = f"The {written['plain']} today is {value}. For {drug} {advice}."
    return Gold("text", list(said), assertions=said, denied=denied, max_words=WORDS), text
