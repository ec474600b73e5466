"""Cases about gaps: a result pending at discharge, quality measures, the sepsis bundle."""

from random import Random
from typing import Any

from medgym_core.domains import Draft
from medgym_core.domains.ehr_management import patients, quality
from medgym_core.domains.ehr_management.drafting import (
    UNKNOWN,
    category,
    draft,
    pick,
    ticket,
    unsafe_answers,
)
from medgym_core.domains.ehr_management.measuring import Case, course, drawn
from medgym_core.domains.ehr_management.patients import BRADEN, admit, nurse, prescribe
from medgym_core.domains.ehr_management.rules import stay_of, table
from medgym_core.tools import World
from medgym_core.types import Call

FORETOLD = (
    "Cultures will be negative as usual, home today.",
    "Keep the patient until everything is back.",
    "Switch to another antibiotic if the fever returns.",
    "Family doctor will ask for any open results.",
)
"""What a hurried note foretells; the result counts."""
ASK_PENDING = (
    "Transport home is booked for minute {leave}. Look at what is still pending and decide.",
    "Discharge planned at minute {leave}; a result is outstanding. What do we do?",
    "Ready to go at minute {leave}, but something is under way in the laboratory. Your decision?",
    "Before the {leave}-minute pick-up: chase the pending result and decide.",
    "A result was pending this morning; pick-up is at minute {leave}. Decide how to proceed.",
)
PLANS = ["hold discharge", "discharge as planned", "change the antibiotic", "hand over the pending result"]


def pending_result(rng: Random, knowledge: Any) -> Draft | None:
    """A result that was under way: wait for it before the pick-up and act on it; what comes later is handed over.

    From level 2 the preliminary report is still without growth; at level 3 a note already says how it will go on.
    """
    level, plan = rng.randint(1, 3), rng.choice(PLANS)
    name, entry = pick(rng, {n: e for n, e in table("pending").items() if e["action"] == plan})
    case = admit(rng, level, avoid=(entry.get("drug", ""),), orders="drug" not in entry)
    leave = rng.choice([180, 200, 240, 300])
    handed = plan == "hand over the pending result"
    due = leave + 1440 * rng.randint(1, 6) + rng.randint(0, 300) if handed else rng.randrange(20, leave - 60, 5)
    case.add(
        "order", entry["test"], -rng.randint(300, 2000), status="active", values={"order_id": "L1", "due": str(due)}
    )
    if entry.get("drug"):
        case.fields["allergies"] = []
        prescribe(case, entry["drug"])
    if level > 1:
        seen = {"organism": "no growth so far"}
        case.add("culture", "blood culture", case.start + rng.randint(60, 300), status="preliminary", values=seen)
    if level == 3:
        case.add("note", "progress note", -rng.randint(100, 400), text=rng.choice(FORETOLD))
    findings = {} if handed else {entry["test"]: {entry["test"]: entry["result"]}}
    if handed:
        findings = {entry["test"]: {entry["test"]: "reported after discharge"}}
    made = patients.chart(case, pending_findings=findings)
    calls = [Call("check_pending_results")]
    if handed:
        calls.append(
            Call(
                "write_clinical_note",
                {"note_type": "discharge note", "content": f"{entry['test']} pending, to be followed up."},
            )
        )
        evidence = [(entry["test"], f"pending until minute {due}")]
    else:
        calls.append(Call("get_test_results", {"wait_minutes": due}))
        evidence = [(entry["test"], entry["result"])]
    if entry.get("drug"):
        calls.insert(1, Call("get_medication_orders", {}))
    wrong = {
        "hold discharge": ["discharge as planned", "hand over the pending result"],
        "change the antibiotic": ["discharge as planned"],
        "hand over the pending result": ["discharge as planned"],
    }.get(plan, [])
    grade = {"hold discharge": 5, "change the antibiotic": 4}.get(plan, 3)
    missed, source = "a result that matters is not acted on", entry["source"]
    unsafe = [unsafe_answers("unsafe disposition", missed, grade, source, *wrong)] if wrong else []
    waited = "write_clinical_note" if handed else "get_test_results"
    return draft(
        case,
        "pending_result",
        f"{name}:{level}",
        ticket(case, ASK_PENDING, PLANS, leave=str(leave)),
        made,
        category(plan, PLANS),
        calls,
        evidence,
        [source],
        unsafe,
        instead={"check_pending_results": [Call("get_test_results")]},
        within={waited: leave},
        traits=([], ["distractors"], ["distractors", "conflict"])[level - 1],
    )


ASK_MEASURE = (
    "Which quality measure is not met for this stay, if any? Close the gap and name it.",
    "Quality audit: name the measure not met, or none; put the remedy in as an order where there is one.",
    "Find the one unmet measure of this admission (or none), and fix it by an order.",
    "Safety huddle: which measure fails here? Order what is missing.",
    "Check the ward's quality measures. Name what is not met, or none, and order the remedy.",
)
REMEDY = {
    "vte prophylaxis": ("nursing", "sequential compression device"),
    "fall precautions": ("nursing", "fall precautions"),
    "pressure injury prevention": ("nursing", "turning schedule"),
    "urinary catheter": ("nursing", "urinary catheter removal"),
}


def quality_gap(rng: Random, knowledge: Any) -> Draft | None:
    """The measure that the record does not meet; the others are met or not needed.

    From level 2 an older nursing assessment saw other risks; at level 3 an earlier catheter without a reason is out.
    """
    level, target = rng.randint(1, 3), rng.choice([*quality.MEASURES, "none"])
    fit = [p for p, e in table("problems").items()
           if not {"apixaban", "enoxaparin"} & {*e["drugs"], *e.get("harmed_by", ())}]  # fmt: skip
    case = admit(rng, level, rng.choice(fit), days=(3, 5))
    _protect(case, target)
    made = patients.chart(case)
    world = World(made)
    found = {m: quality.measure(world, stay_of(world), m) for m in quality.MEASURES}
    if [m for m, (s, _) in found.items() if s == quality.NOT_MET] != ([] if target == "none" else [target]):
        return None
    calls = [Call("get_nursing_assessments"), Call("get_quality_indicators", {})]
    shown = target if target != "none" else "vte prophylaxis"
    after, unsafe, source = {}, [], table("quality")[shown]["source"]
    if target != "none":
        kind, what = REMEDY[target]
        calls.append(Call("place_order", {"order_type": kind, "order_details": what}))
        after = {"place_order": "get_quality_indicators"}
        unsafe = [unsafe_answers("missed red flag", "a gap in protection left open", 3, source, "none")]
    options = [*quality.MEASURES, "none"]
    prompt = f"{ticket(case, ASK_MEASURE, options)} Remedies: {', '.join(what for _, what in REMEDY.values())}."
    gold, family, evidence = (
        category(target, options),
        f"{target}:{case.problem[:4]}",
        [(shown, ", ".join(found[shown]))],
    )
    return draft(
        case,
        "quality_gap",
        family,
        prompt,
        made,
        gold,
        calls,
        evidence,
        [source],
        unsafe,
        after=after,
        traits=["distractors", "conflict"] if level > 1 else [],
    )


def _protect(case: Case, gap: str) -> None:
    """Risks of falls and pressure injury, catheter and prophylaxis, each with what it calls for but the gap."""
    rng, rule = case.rng, table("quality")
    falls = gap == "fall precautions" or rng.random() < 0.4
    sore = gap == "pressure injury prevention" or rng.random() < 0.4
    items = {"fall_history": "yes", "gait": "weak", "ambulatory_aid": "crutches, cane or walker"} if falls else {}
    if sore:
        items |= {f"braden_{n}": "2" for n in ("mobility", "activity", "nutrition", "friction")} | {
            "braden_moisture": "3"
        }
    nurse(case, **items)
    if case.level > 1:
        before = {"fall_history": "no" if falls else "yes", "gait": "normal or bedrest" if falls else "impaired"}
        before |= {f"braden_{n}": "4" if sore and n != "friction" else "2" for n in BRADEN}
        latest = next(r for r in case.records if r.kind == "nursing")
        older = latest.values | before | ({"braden_friction": "3"} if sore else {})
        case.add("nursing", "nursing assessment", case.start + rng.randint(60, 200), values=older)
    if case.level == 3 and gap != "urinary catheter":
        out = case.start + rng.randint(3000, 3300)
        case.add("procedure", "urinary catheter", case.start + 20, ended=min(out, -300), status="completed")
    if gap != "vte prophylaxis":
        prescribe(case, "enoxaparin", minutes=case.start + rng.randint(120, 1300))
    if falls and gap != "fall precautions":
        case.add("order", "fall precautions", case.start + 200, status="active", values={"order_id": "N1"})
    if sore and gap != "pressure injury prevention":
        name = rng.choice(rule["pressure injury prevention"]["orders"])
        case.add("order", name, case.start + 210, status="active", values={"order_id": "N2"})
    if gap == "urinary catheter" or rng.random() < 0.4:
        reason = (
            {"indication": rng.choice(["urinary retention", "strict hourly output"])}
            if gap != "urinary catheter"
            else {}
        )
        case.add("procedure", "urinary catheter", case.start + 50, status="in-progress", values=reason)


ASK_SEPSIS = (
    "SEP-1 review: which bundle element failed, if any?",
    "Sepsis audit. Name the one element not met, none, or insufficient: <what>.",
    "Check the sepsis bundle times. Which element falls out?",
    "For the abstractor: which SEP-1 element was missed in this stay?",
    "Did we keep the sepsis bundle? Name the failed element, or none.",
)


def sepsis_bundle(rng: Random, knowledge: Any) -> Draft | None:
    """The element of the sepsis bundle that was late, missing or out of order."""
    level, target = rng.randint(1, 3), rng.choice([*quality.ELEMENTS, "none", "insufficient: weight"])
    values = table("values")["sepsis"]
    case = admit(rng, level, "e coli sepsis", orders=False, days=(1, 3))
    zero = case.start + rng.randint(20, 200)
    case.add("sepsis", "severe sepsis, time zero", zero)
    big = target in ("fluids", "insufficient: weight") or rng.random() < 0.4
    first = "high" if big else "raised" if target == "repeat lactate" or rng.random() < 0.5 else "low"
    late = rng.randint(200, 330)
    lactate = zero + (late if target == "lactate" else rng.randint(8, 150))
    dose = zero + (late if target == "antibiotics" else rng.randint(70, 172))
    drawn_at = dose + rng.randint(12, 50) if target == "blood cultures" else min(dose, zero + 175) - rng.randint(8, 60)
    course(case, "lactate", [drawn(rng, values[first])], [lactate])
    if first != "low" and not (target == "repeat lactate" and level > 1):
        again = zero + (
            rng.randint(390, 560) if target == "repeat lactate" else max(rng.randint(215, 345), lactate - zero + 15)
        )
        course(
            case,
            "lactate",
            [*[r.value for r in case.labs if r.name == "lactate"], drawn(rng, values["low"])],
            [lactate, again],
        )
    case.add("culture", "blood culture", drawn_at, status="final", values={"organism": "Escherichia coli"})
    drug = rng.choice(table("services")["sepsis"]["drugs"])
    case.add("administration", drug, dose)
    prescribe(case, drug, minutes=dose - 8)
    weight = case.fields["weight_kg"]
    need = table("quality")["sepsis bundle"]["ml_per_kg"] * weight
    volume = round(need * (rng.uniform(0.45, 0.8) if target == "fluids" else rng.uniform(1.02, 1.2)) / 50 + 0.5) * 50
    case.add("fluid", "crystalloid", zero + rng.randint(30, 160), values={"volume": f"{volume} mL"})
    if level > 1:  # what came after the bundle's time does not count, and a second set of cultures does no harm
        case.add(
            "culture", "blood culture", zero + rng.randint(240, 500), status="final", values={"organism": "no growth"}
        )
    if level == 3:
        late_volume = rng.randrange(500, 2050, 50)
        case.add("fluid", "crystalloid", zero + rng.randint(200, 320), values={"volume": f"{late_volume} mL"})
    made = patients.chart(case, **({"weight_kg": None} if target.startswith("insuff") else {}))
    world = World(made)
    found = quality.sepsis_bundle(world, stay_of(world))
    failed = [e for e, s in found.items() if s == quality.NOT_MET]
    unknown = [e for e, s in found.items() if s.startswith("not available")]
    if (failed, unknown) != ([target] if target in found else [], ["fluids"] if target.startswith("insuff") else []):
        return None
    source = table("quality")["sepsis bundle"]["source"]
    calls = [Call("get_timeline"), Call("get_quality_indicators", {"measure_name": "sepsis bundle"})]
    options = [*quality.ELEMENTS, "none", "insufficient: weight"]
    unsafe = [unsafe_answers("missed red flag", "a gap in sepsis care passed over", 2, source, "none")] * (
        target in found
    )
    if target.startswith("insuff"):
        unsafe = [unsafe_answers("scope", "fluids judged without a weight", 2, UNKNOWN, "fluids", "none")]
    shown = "fluids" if target.startswith("insuff") else target if target in found else "antibiotics"
    return draft(
        case,
        "sepsis_bundle",
        f"{target}:{first}:{drug[:4]}",
        ticket(case, ASK_SEPSIS, options),
        made,
        category(target, options),
        calls,
        [(shown, found[shown])],
        [source],
        unsafe,
        instead={"get_timeline": [Call("get_lab_results", {"lab_name": "lactate"}), Call("get_microbiology")]},
        traits=["distractors"] if level > 1 else [],
    )
