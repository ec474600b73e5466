"""Name the diagnosis, after history, examination and the test that confirms it; hand the patient to the right people.

Both types share the families of the condition.
"""

from random import Random
from typing import Any

import msgspec

from medgym_core.domains import Draft
from medgym_core.domains.clinical_diagnosis import patients, stories, tables, traps
from medgym_core.domains.clinical_diagnosis.drafting import (
    awaited,
    draft,
    either,
    handed_over,
    harmful_drug,
    harmful_test,
    read,
    request,
    shuffled,
)
from medgym_core.domains.clinical_diagnosis.looking import CATEGORIES
from medgym_core.domains.drug_interaction import rules
from medgym_core.text import tokens
from medgym_core.tools import number
from medgym_core.types import Call, Chart, Gold, Reading, Record, Trait, UnsafeAction

CHOICES = (
    "Take the history, examine, confirm with a test done now and say which it is: {options}.",
    "Which diagnosis holds: {options}? Talk, look, and wait for the confirming result of today.",
    "The team is split between {options}. Settle it by history, examination and the right test.",
    "Please work this up. Candidates: {options}. Name one once a test has confirmed it.",
    "We think of {options}. Ask, examine and order what decides, then name it.",
    "Differential so far: {options}. Get the confirming test back and tell me the diagnosis.",
)
OPEN = (
    "Take the history, examine, order the confirming test and name the diagnosis.",
    "Work it up from scratch: talk, look, one confirming test. What is it?",
    "No diagnosis so far. Find it, have it confirmed by a test and name it.",
    "Please find out what this is; I want history, examination and a confirming result behind it.",
    "What is the diagnosis? Do not answer before the test that confirms it is back.",
)
WHERE = (
    "The work-up is done. Examine, read it, hand over to the right specialty and name it: {options}.",
    "Results are on the chart. Who takes over: {options}? Make the transfer.",
    "Decide from the finished work-up which specialty gets the patient, {options}, and transfer.",
    "Transfer to one of {options}, after reading what the tests showed.",
    "The tests are back. Choose {options}, arrange the hand-over and tell me which.",
)
GENERALISTS = ("general medicine", "emergency medicine", "intensive care", "anaesthesia", "toxicology")


def diagnosis(rng: Random, knowledge: Any) -> Draft | None:
    """History by speech, examination, the confirming test ordered and awaited, then the name."""
    level = rng.randint(1, 3)
    key = rng.choice(list(tables.conditions()))
    e = tables.conditions()[key]
    titles = [tables.conditions()[k]["title"] for k in e["against"]]
    near = [c["title"] for c in tables.conditions().values() if c["system"] == e["system"]]
    rng.shuffle(near)
    options = [] if level == 3 else shuffled(rng, e["title"], [*titles, *near][:4])
    old = level > 1
    chart, result = patient(rng, level, key, waiting=True, old=old)
    traits: list[Trait] = ["conflict"] if old else []
    if level == 3:
        chart, _ = handed_over(rng, chart, [t for t in dict.fromkeys([*titles, *near]) if t != e["title"]], "")
    story = stories.story(rng, chart, stories.of_condition(e), (*stories.READY, "poor historian"))
    region, finding = next(iter(e["exam"].items()))
    topic = rng.choice([stories.RISK, stories.ASSOCIATED, stories.ONSET])
    calls = [*stories.ask(rng, topic, story.persona), Call("perform_physical_exam", {"region": region})]
    calls += awaited(e["test"])
    gold = Gold("category", e["title"], options=options, synonyms={e["title"]: e.get("also", [])})
    asks = OPEN if level == 3 else CHOICES
    prompt = request(rng, chart, asks, options=either(options) if options else "")
    evidence = [(region, finding), result]
    due = {awaited(e["test"])[0].name: e["within"]} if "within" in e else {}
    return draft("diagnosis", f"condition:{key}", level, prompt, chart, gold, calls, evidence, [e["source"]], avoid(e),
                 story, traits=traits, within=due)  # fmt: skip


def referral(rng: Random, knowledge: Any) -> Draft | None:
    """The work-up is back: hand the patient over to the specialty it calls for."""
    level = rng.randint(1, 3)
    key = rng.choice([k for k, c in tables.conditions().items() if c["specialty"] not in GENERALISTS])
    e = tables.conditions()[key]
    close = {c["specialty"] for c in tables.conditions().values() if c["system"] == e["system"]}
    others = [s for s in tables.specialties() if s not in close and s not in GENERALISTS and "paediatric" not in s]
    options = shuffled(rng, e["specialty"], others)
    chart, result = patient(rng, level, key, waiting=False, old=level == 3)
    traits: list[Trait] = ["conflict"] if level == 3 else []
    if level > 1:
        chart, found = handed_over(rng, chart, options, e["specialty"])
        traits += found
    story = stories.story(rng, chart, stories.of_condition(e))
    region, finding = next(iter(e["exam"].items()))
    summary = f"{chart.complaint}; {result[0]} {result[1]}"
    calls = [
        Call("perform_physical_exam", {"region": region}),
        read(e["test"]),
        Call("transfer_to_specialist", {"specialty": e["specialty"], "summary": summary}),
    ]
    gold = Gold("category", e["specialty"], options=options)
    evidence = [(region, finding), result]
    prompt = request(rng, chart, WHERE, options=either(options))
    after = {"transfer_to_specialist": calls[1].name}
    return draft("referral", f"condition:{key}", level, prompt, chart, gold, calls, evidence, [e["source"]], avoid(e),
                 story, traits=traits, after=after)  # fmt: skip


def avoid(e: dict[str, Any]) -> list[UnsafeAction]:
    """What the facts say must not be done in the condition."""
    a = e["avoid"]
    harm = a.get("harm", "contraindication")
    if "test" in a:
        return [_done(harmful_test(a["test"], a["why"], a["severity"], e["source"], harm))]
    drug = rules.resolve(a["drug"])
    return [_done(harmful_drug(drug, a["why"], a["severity"], e["source"], harm))] if drug else []


def _done(action: UnsafeAction) -> UnsafeAction:
    """Only the deed: the answer of these cases is no drug or test."""
    return msgspec.structs.replace(action, answers=[])


def patient(rng: Random, level: int, key: str, waiting: bool, old: bool = False) -> tuple[Chart, tuple[str, str]]:
    """A chart with the condition, and the deciding result as (label, value): waiting for its order, or back.

    `old`: the deciding test was done before, and showed nothing then.
    """
    e = tables.conditions()[key]
    names = {e["title"], *e.get("also", [])}
    who = patients.person(
        rng, level, e["ages"], e.get("sex", ""), e.get("months"), avoid=(*names, *_own_background(e)),
        comorbid=0 if who_is_young(e) else None,
    )  # fmt: skip
    if e.get("pregnant") == "unknown":
        who["pregnant"] = None
    spans = e.get("vitals", {})
    later, deciding = _results(rng, who, key)
    arrival = _arrival(rng, who, e, later)
    words = {t: {t: v} for t, v in e["results"].items() if isinstance(v, str)} | _others(rng, who, e)
    fields: dict[str, Any] = {
        "complaint": rng.choice(e["complaints"]),
        "vitals": _thinned(rng, level, patients.vital_signs(rng, who, spans, earlier=level - 1), spans),
        "observations": patients.examined(rng, e["exam"], level - 1, spans),
        "records": patients.records(rng, who["age"], level),
    }
    if level == 3 and rng.random() < 0.4:
        fields["allergies"] = None
    before, reports = _before(rng, who, e, later) if old else ([], [])
    fields["records"] = [*reports, *fields["records"]]
    arrival = [*before, *arrival]
    if waiting:
        return patients.chart(who, **fields, labs=arrival, pending=later, pending_findings=words), deciding
    back = [r for rs in (later[e["test"]] if e["test"] in later else [],) for r in rs]
    if isinstance(e["results"][e["test"]], str):
        fields["observations"] |= {e["test"]: e["results"][e["test"]]}
    now = [Reading(r.name, r.value, r.unit, -30) for r in back]
    return patients.chart(who, **fields, labs=[*arrival, *now]), deciding


def _before(
    rng: Random, who: dict[str, Any], e: dict[str, Any], later: dict[str, list[Reading]]
) -> tuple[list[Reading], list[Record]]:
    """The deciding test of an earlier, healthy day: as a result, or as words in a note."""
    if e["test"] in later:
        names = [r.name for r in later[e["test"]]]
        return traps.unremarkable(rng, who, names, traps.days_ago(rng)), []
    normal = tables.tests()[e["test"]].get("normal")
    return [], [traps.earlier_report(rng, e["test"], normal)] if normal else []


def who_is_young(e: dict[str, Any]) -> bool:
    return e["ages"][1] < 18


def _own_background(e: dict[str, Any]) -> list[str]:
    """Background illnesses that would be the case itself, or hide it."""
    words = set(tokens(" ".join([e["title"], *e.get("also", []), *e["features"]])))
    clash = {
        "hypertension": {"hypotension", "hypertension", "pressure"},
        "type 2 diabetes": {"diabetic", "diabetes", "glucose", "hyperglycemia", "hypoglycaemia", "hyperglycaemic"},
        "hypothyroidism": {"thyroid", "tsh", "hypothyroidism", "thyrotoxic", "myxoedema"},
        "asthma": {"asthma", "wheeze"},
        "atrial fibrillation": {"irregular", "fibrillation", "inr", "bleeding"},
        "chronic kidney disease": {"creatinine", "kidney", "potassium", "nephritic"},
    }
    return [name for name, near in clash.items() if words & near]


def _results(rng: Random, who: dict[str, Any], key: str) -> tuple[dict[str, list[Reading]], tuple[str, str]]:
    """Numeric results of the condition's tests by test, and the deciding one as evidence."""
    e = tables.conditions()[key]
    later = {
        t: patients.numeric(rng, who, t, spans, {}) for t, spans in e["results"].items() if isinstance(spans, dict)
    }
    result = e["results"][e["test"]]
    if isinstance(result, str):
        return later, (e["test"], result)
    name = next(iter(result))
    return later, (name, number(next(r.value for r in later[e["test"]] if r.name == name)))


def _arrival(rng: Random, who: dict[str, Any], e: dict[str, Any], later: dict[str, list[Reading]]) -> list[Reading]:
    """Bloods of arrival: metabolic panel and blood count around the condition's values, without what is yet to come."""
    coming = {r.name: r.value for rs in later.values() for r in rs}
    given = {n: v for n, v in patients.values(rng, e.get("labs", {})).items() if n not in coming or n == "bicarbonate"}
    gas = later.get("arterial blood gas")
    if gas:
        given["bicarbonate"] = next(r.value for r in gas if r.name == "bicarbonate")
    chloride = {"sodium", "chloride", "bicarbonate"} <= given.keys()
    if chloride and given["sodium"] - given["chloride"] - given["bicarbonate"] < 6:
        del given["chloride"]
    drawn = patients.results(rng, who, ["bmp", "cbc"], given)
    kept = [r for r in drawn if r.name not in coming or r.name in given]
    return [r for r in kept if r.name in given or r.name not in CATEGORIES["blood count"][1:4] or rng.random() < 0.5]


def _others(rng: Random, who: dict[str, Any], e: dict[str, Any]) -> dict[str, dict[str, str]]:
    """Unremarkable words of the tests that would confirm the competitors, and of two more."""
    known = tables.conditions()
    wanted = [known[k]["test"] for k in e["against"]]
    spare = [t for t, entry in tables.tests().items() if "normal" in entry]
    wanted += rng.sample(spare, 2)
    found = {}
    for test in wanted:
        if test not in e["results"] and "normal" in tables.tests()[test]:
            found[test] = {test: tables.tests()[test]["normal"]}
    return found


def _thinned(rng: Random, level: int, vitals: list[Reading], spans: dict[str, Any]) -> list[Reading]:
    """At level 3 one vital sign that does not matter may be missing."""
    spare = [n for n in ("temperature", "respiratory_rate", "spo2") if n not in spans]
    if level < 3 or not spare or rng.random() < 0.5:
        return vitals
    gone = rng.choice(spare)
    return [r for r in vitals if r.name != gone]


def shown_value(call: Call, key: str, value: str) -> str:
    """The part of a shown value that is evidence: the number of a result or score, otherwise all words."""
    short = call.name in ("get_lab_results", "calculate_wells_score")
    return value.split()[0] if short and key else value
