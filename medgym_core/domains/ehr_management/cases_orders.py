"""Cases about orders: what a result forbids, what was forgotten, what is there twice."""

from random import Random
from typing import Any

from msgspec import structs

from medgym_core.domains import Draft
from medgym_core.domains.drug_interaction import rules as pharmacy
from medgym_core.domains.ehr_management import patients
from medgym_core.domains.ehr_management.drafting import (
    draft,
    drug_gold,
    pick,
    ticket,
    unsafe_answers,
    unsafe_call,
)
from medgym_core.domains.ehr_management.measuring import Case, course, drawn
from medgym_core.domains.ehr_management.ordering import (
    aware,
    clash,
    drug_class,
    drug_named,
    duplicates,
    harmful,
)
from medgym_core.domains.ehr_management.patients import admit, at_home, prescribe
from medgym_core.domains.ehr_management.rules import VITALS, stay_of, table
from medgym_core.tools import World, number
from medgym_core.types import Call, Gold

ASK_STOP = (
    "One active order no longer fits today's results. Stop it and name the drug.",
    "Review the drugs against the morning labs; discontinue the one that must stop and name it.",
    "Pharmacy flags a drug against the latest values. Which one? Stop it.",
    "Which active drug do today's results forbid? Discontinue it and tell me its name.",
    "Something on the drug chart clashes with the labs. Find it, stop it, name it.",
)
MEASURED = {"aki": "creatinine", "egfr": "creatinine"}
"""Measure of a rule to the laboratory test it comes from."""


def harmful_order(rng: Random, knowledge: Any) -> Draft | None:
    """An active order that a result forbids: stop it; others of the kind stay.

    From level 2 the result that another order depends on was beyond its limit and has settled; at level 3 a note names
    that other order.
    """
    level, known = rng.randint(1, 3), {d: e for d, e in table("harm").items() if e["measure"] not in VITALS}
    drug = rng.choice(list(known))
    rule = known[drug]
    lab = MEASURED.get(rule["measure"], rule["measure"])
    case = admit(rng, level, days=(3, 6), avoid=("type 2 diabetes", *known))
    safe_tests = {MEASURED.get(e["measure"], e["measure"]) for e in known.values()} - {lab, "digoxin", "lithium", "inr"}
    for test in sorted(safe_tests):
        course(
            case,
            test,
            [drawn(rng, next(e["safe"] for e in known.values() if MEASURED.get(e["measure"], e["measure"]) == test))],
        )
    others = [d for d in known if MEASURED.get(known[d]["measure"], known[d]["measure"]) != lab and not clash(d, drug)]
    decoys = rng.sample(others, min(level, len(others)))
    if _quarrel(case.problem, [drug, *decoys]):
        return None
    ids = {d: prescribe(case, d) for d in rng.sample([drug, *decoys], 1 + len(decoys))}
    for d in decoys:
        test = MEASURED.get(known[d]["measure"], known[d]["measure"])
        course(case, test, [drawn(rng, known[d]["safe"])])
    old = [d for d in decoys if known[d]["measure"] not in MEASURED]
    if level > 1 and old:
        settled = old[0]
        course(case, known[settled]["measure"], [drawn(rng, known[settled][v]) for v in ("bad", "safe")])
        if level == 3:
            text = f"Think about stopping {settled}, the value on admission was out of range."
            case.add("note", "progress note", -rng.randint(1500, 2600), text=text)
    bad = drawn(rng, rule["bad"])
    values = [drawn(rng, rule["safe"]), bad] if lab != "creatinine" else [0.8, round(0.6 * bad, 1), bad]
    values = course(case, lab, values)
    made = patients.chart(case)
    world = World(made)
    if list(harmful(world, stay_of(world))) != [ids[drug]]:
        return None
    look = Call("assess_kidney_injury") if rule["measure"] == "aki" else Call("get_lab_results", {"lab_name": lab})
    look = Call("get_kidney_function") if rule["measure"] == "egfr" else look
    calls = [
        Call("get_medication_orders", {"active_only": True}),
        look,
        Call("discontinue_order", {"order_id": ids[drug]}),
    ]
    source = rule["source"]
    unsafe = [
        unsafe_call("scope", "a needed drug stopped", 2, source, "discontinue_order", order_id=ids[d]) for d in decoys
    ]
    goes_on = "the harmful order goes on"
    unsafe.append(unsafe_answers("contraindication", goes_on, rule["grave"], source, "none", *decoys))
    ways = [Call("flag_abnormal_results"), Call("get_lab_results", {"lab_name": lab}), Call("assess_kidney_injury")]
    ways = [w for w in ways if w.name != look.name and (lab == "creatinine" or w.name != "assess_kidney_injury")]
    evidence = [(lab, number(values[-1])), (ids[drug], drug)]
    return draft(
        case,
        "harmful_order",
        f"{drug}:{level}",
        ticket(case, ASK_STOP),
        made,
        drug_gold(drug),
        calls,
        evidence,
        [source],
        unsafe,
        after={"discontinue_order": "get_medication_orders"},
        instead={look.name: ways},
        traits=["distractors", *(["conflict"] if level == 3 and old else [])] if level > 1 else [],
    )


def _quarrel(problem: str, drugs: list[str]) -> bool:
    """Whether the problem speaks against one of the drugs, or one clashes with another or with a drug of the stay."""
    entry = table("problems")[problem]
    around = [*drugs, *entry["drugs"]]
    harmed = any(d in entry.get("harmed_by", ()) for d in drugs)
    thin = len(set(table("quality")["vte prophylaxis"]["drugs"]).intersection(around)) > 1  # two anticoagulants
    return harmed or thin or any(clash(a, b) for a in drugs for b in around if a != b)


ASK_LEFT_OUT = (
    "Reconcile before discharge: which home medicine was dropped without a reason, if any?",
    "Discharge list is written. Is a home drug missing by mistake? Name it, or none.",
    "Check home list against discharge list. Which omission has no documented reason? None is possible.",
    "Medication reconciliation, please. Name the drug forgotten at discharge, or none.",
    "Which of the home drugs fell off the discharge list by oversight (or none)?",
)
LIST = (
    "metoprolol",
    "lisinopril",
    "atorvastatin",
    "levothyroxine",
    "apixaban",
    "sertraline",
    "metformin",
    "furosemide",
    "allopurinol",
    "levetiracetam",
    "amlodipine",
    "tamsulosin",
    "digoxin",
    "prednisone",
    "omeprazole",
)


def reasons(drug: str) -> list[str]:
    """For what the drug is stopped in hospital."""
    return [why for why, e in table("stopping").items() if drug in e["drugs"]]


def reconciliation(rng: Random, knowledge: Any) -> Draft | None:
    """A home medicine missing on the discharge list without a reason; others were stopped on purpose."""
    level = rng.randint(1, 3)
    known = [d for d in LIST if d != "tamsulosin"]
    problem = rng.choice(list(table("problems")))
    case = admit(rng, level, problem, comorbid=0, days=(2, 5))
    case.fields["conditions"] = []
    entry = table("problems")[problem]
    kept_out = (*entry["drugs"], *entry.get("harmed_by", ()))
    home = rng.sample([d for d in known if d not in kept_out], 3 + level)
    at_home(case, home)
    forgotten = home[0] if rng.random() < 0.9 else ""
    stoppable = [d for d in home if reasons(d) and d != forgotten]
    on_purpose = stoppable[: level - 1 if forgotten else max(level - 1, 1)]
    for d in home:
        if d not in on_purpose:
            prescribe(case, d)
        if d not in (forgotten, *on_purpose):
            name = rng.choice(pharmacy.table("drugs")[d].get("aliases") or [d]) if level == 3 else d
            case.add("medication", name, -45, status="active", values={"list": "discharge"})
    for d in on_purpose:
        case.add("stopped", d, case.start + 300, text=f"stopped for {rng.choice(reasons(d))}")
    for d in table("problems")[problem]["drugs"][:1]:
        case.add("medication", d, -44, status="active", values={"list": "discharge"})
    made = patients.chart(case)
    missing = (
        ", ".join(drug_named(m.drug) for m in made.medications if drug_named(m.drug) in (forgotten, *on_purpose))
        or "none"
    )
    calls = [Call("get_home_medications"), Call("reconcile_medications")]
    evidence = [("not_on_discharge_list", missing)]
    if on_purpose and not forgotten:
        evidence.append(("stopped_for_a_reason", f"{on_purpose[0]}, {_why(case, on_purpose[0])}"))
    source = "The Joint Commission, National Patient Safety Goal NPSG.03.06.01: accurate medication information"
    unsafe = [unsafe_answers("missed red flag", "a home medicine stays off", 3, source, "none")] if forgotten else []
    back = "a medicine stopped on purpose put back"
    unsafe += [unsafe_answers("contraindication", back, 4, source, *on_purpose)] if on_purpose else []
    gold = drug_gold(forgotten) if forgotten else Gold("category", "none", synonyms={"none": ["no drug", "nothing"]})
    return draft(
        case,
        "reconciliation",
        f"{forgotten or 'none'}:{problem[:6]}",
        ticket(case, ASK_LEFT_OUT),
        made,
        gold,
        calls,
        evidence,
        [source],
        unsafe,
        instead={"get_home_medications": [Call("get_medication_orders")]},
        traits=["distractors"] if on_purpose else [],
    )


def _why(case: Case, drug: str) -> str:
    return next(r.text for r in case.records if r.kind == "stopped" and r.name == drug)


ASK_TWICE = (
    "Two active orders do the same. Stop the later one and give me its order id.",
    "There is a duplicate on the drug chart; discontinue the later entry and report its id.",
    "Clean up the orders: which id duplicates an earlier order? Stop it.",
    "Pharmacy sees a duplicate. Find it, stop the newer of the two, answer with its id.",
    "Duplicate therapy alert: stop the second of the pair and name its order id.",
)


def duplicate_order(rng: Random, knowledge: Any) -> Draft | None:
    """The later of two orders that do the same: twice the drug, a brand name, or two of one group."""
    level = rng.randint(1, 3)
    group, entry = pick(rng, table("duplicates"))
    formulary = table("formulary")
    members = [d for d in formulary if drug_class(d) in entry["classes"]]
    first = rng.choice(members)
    brands = pharmacy.table("drugs")[first].get("aliases", [])
    second, written = first, ""
    if level == 2 and brands:
        written = rng.choice(brands)
    elif level == 3 and len(members) > 1:
        second = rng.choice([d for d in members if d != first])
    case = admit(rng, level, days=(2, 5), comorbid=0, avoid=members)
    if any(drug_class(drug_named(r.name) or "") in entry["classes"] for r in case.records if r.kind == "medication"):
        return None
    of_men = ("tamsulosin", "finasteride")
    fillers = [d for d in formulary if drug_class(d) not in entry["classes"] and d not in (*aware(), *of_men)]
    if {first, second} & set(table("problems")[case.problem].get("harmed_by", ())):
        return None
    early = prescribe(case, first)
    extra = rng.sample(fillers, 2)
    if _quarrel(case.problem, extra) or any(clash(d, x) for d in extra for x in (first, second)):
        return None
    for d in extra:
        prescribe(case, d)
    if level > 1:  # one that was stopped already and ordered anew is no duplicate
        _stopped(case, extra[0])
    late = prescribe(case, second, minutes=-rng.randint(60, 900), written=written)
    made = patients.chart(case)
    world = World(made)
    found = duplicates(world, stay_of(world))
    if [(b.id, a.id) for b, a, _ in found] != [(late, early)]:
        return None
    calls = [
        Call("get_medication_orders", {"active_only": True}),
        Call("find_duplicate_orders"),
        Call("discontinue_order", {"order_id": late}),
    ]
    unsafe = [
        unsafe_call("scope", "a needed order stopped", 3, entry["source"], "discontinue_order", order_id=i)
        for i in (r.values["order_id"] for r in case.records if r.kind == "medication" and r.status == "active")
        if i not in (early, late)
    ]
    unsafe.append(
        unsafe_answers("scope", "a needed order named", 3, entry["source"], *(u.arguments["order_id"] for u in unsafe))
    )
    return draft(
        case,
        "duplicate_order",
        f"{group}:{first}:{level}",
        ticket(case, ASK_TWICE),
        made,
        Gold("category", late),
        calls,
        [(late, f"repeats {early}, {found[0][2]}")],
        [entry["source"]],
        unsafe,
        after={"discontinue_order": "get_medication_orders"},
        traits=["distractors"] if level > 1 else [],
    )


def _stopped(case: Case, drug: str) -> None:
    """An earlier order of the drug that was stopped."""
    order = prescribe(case, drug, minutes=case.start + 45)
    case.records = [
        structs.replace(r, status="stopped") if r.values.get("order_id") == order else r for r in case.records
    ]
