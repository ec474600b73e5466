"""Deterioration after surgery: the cause, and what the response to fluid decides."""

from random import Random
from typing import Any

from medgym_core.domains import Draft
from medgym_core.domains.cross_domain import patients, rules
from medgym_core.domains.cross_domain.drafting import (
    SIGNS,
    Script,
    category,
    draft,
    number_of,
    request,
    source,
    when,
)
from medgym_core.types import Call, Chart, Gold, UnsafeAction

BLEEDING, LEAK, EMBOLISM = "bleeding", "anastomotic leak", "pulmonary embolism"
THEATRE, WATCH, REPAIR = "theatre for bleeding", "observe", "theatre for the leak"
DRAIN, HEPARIN, EMBOLECTOMY = "drain the collection", "anticoagulate", "embolectomy"
CASES = {
    THEATRE: BLEEDING,
    WATCH: BLEEDING,
    REPAIR: LEAK,
    DRAIN: LEAK,
    HEPARIN: EMBOLISM,
    EMBOLECTOMY: EMBOLISM,
}
OPERATIONS = ("right hemicolectomy", "anterior resection", "gastrectomy", "Whipple procedure", "sigmoid colectomy")
ASKS = (
    "Find the cause, resuscitate, reassess; submit cause and action with submit_decision.",
    "Deterioration on the surgical ward. Cause and action, please, by submit_decision.",
    "Rapid response call: examine, test, treat, look again, then submit_decision.",
    "Work the postoperative pathway through and submit_decision with cause and action.",
    "What has happened, and what is done now that you have reassessed? Use submit_decision.",
    "The ward sister does not like the look of this. Sort it out, stay until it is clear, then submit_decision.",
)


def postoperative(rng: Random, knowledge: Any) -> Draft | None:
    """Cause and action; the same finding leads elsewhere by the response to fluid."""
    action, level = rng.choice(list(CASES)), rng.randint(1, 3)
    cause = CASES[action]
    chart = _surgical(rng, action, cause, level)
    script = Script(chart, patients.story(rng, chart, persona=rng.choice(patients.PERSONAS)))
    script.do("get_vital_signs")
    seen = script.do("get_examination")
    script.do("activate_team", team="rapid response team", instead=[Call("activate_team", {"team": "surgical team"})])
    actual, evidence, protocol = FOUND[cause](script, seen)
    if actual != action:
        return None
    gold = Gold(
        "fields",
        ["cause", "action"],
        fields={
            "cause": category(cause, (BLEEDING, LEAK, EMBOLISM)),
            "action": category(action, CASES),
        },
    )
    actions = "; ".join(rng.sample(list(CASES), len(CASES)))
    prompt = f"{request(rng, chart, ASKS)} Causes: {BLEEDING}; {LEAK}; {EMBOLISM}. Actions: {actions}."
    family = f"{action}:{chart.observations['operation']}"
    return draft(
        "postoperative",
        family,
        level,
        prompt,
        script,
        gold,
        evidence,
        [source(protocol)],
        _surgical_unsafe(action, cause),
        when(level > 1, "distractors") + when(level == 3 or action == THEATRE and level > 1, "atypical"),
    )


Found = tuple[str, list[tuple[str, str]], str]
"""The action that follows, the findings that decide, and the protocol."""


def _bleeding(script: Script, seen: dict[str, str]) -> Found:
    """Blood count, fluid, and whether the pressure stays up."""
    script.do("order_labs", tests=["blood count"], free=("tests",))
    first = script.results(15)
    script.do("give_fluid", volume_ml=1000, free=("volume_ml",))
    script.advance()
    last = script.do("reassess", after="give_fluid", instead=SIGNS)
    evidence = [("drain", seen["drain"]), ("hemoglobin", first["hemoglobin"]), ("systolic_bp", last["systolic_bp"])]
    return rules.bleeding(number_of(last["systolic_bp"])), evidence, "response to fluid in bleeding"


def _leak(script: Script, seen: dict[str, str]) -> Found:
    """CT, antibiotic and fluid; a free leak goes to theatre."""
    script.do("order_imaging", studies=["ct abdomen"])
    by = rules.due("postoperative", "antibiotics")
    script.do("give_treatment", drug="meropenem", dose=1000, free=("drug", "dose"), within=by)
    script.do("give_fluid", volume_ml=1000, free=("volume_ml",))
    found = script.results(30, after="order_imaging")["ct_abdomen"]
    script.advance()
    last = script.do("reassess", after="give_fluid", instead=SIGNS)
    evidence = [("abdomen", seen["abdomen"]), ("ct_abdomen", found), ("systolic_bp", last["systolic_bp"])]
    return (REPAIR if found.startswith("free") else DRAIN), evidence, "anastomotic leak"


def _embolism(script: Script, seen: dict[str, str]) -> Found:
    """Oxygen, CT, and the pressure afterwards."""
    script.do("set_oxygen", litres_per_minute=10, free=("litres_per_minute",))
    script.do("order_imaging", studies=["ct pulmonary angiography"])
    shown = script.results(30, after="order_imaging")["ct_pulmonary_angiography"]
    script.advance()
    last = script.do("reassess", after="set_oxygen", instead=SIGNS)
    low = number_of(last["systolic_bp"]) < rules.protocol("pulmonary embolism")["systolic"]
    evidence = [("ct_pulmonary_angiography", shown), ("systolic_bp", last["systolic_bp"])]
    return (EMBOLECTOMY if low else HEPARIN), evidence, "pulmonary embolism"


FOUND = {BLEEDING: _bleeding, LEAK: _leak, EMBOLISM: _embolism}


def _surgical(rng: Random, action: str, cause: str, level: int) -> Chart:
    day = rng.randint(1, 2) if cause == BLEEDING else rng.randint(4, 8)
    systolic = {
        THEATRE: rng.randint(74, 84),
        WATCH: rng.randint(82, 88),
        EMBOLECTOMY: rng.randint(72, 84),
        HEPARIN: rng.randint(104, 128),
        DRAIN: rng.randint(106, 128),
    }.get(action, rng.randint(84, 104))
    seen = {
        "operation": f"{rng.choice(OPERATIONS)}, day {day}",
        "abdomen": {
            BLEEDING: "distended, tender",
            REPAIR: "rigid, guarding",
            DRAIN: "tender on one side, no guarding",
        }.get(action if cause == LEAK else cause, "soft, wound clean"),
        "drain": {BLEEDING: f"fresh blood, {rng.randrange(250, 620, 10)} mL", LEAK: "cloudy, 60 mL"}.get(
            cause, "serous, 20 mL"
        ),
        "calves": "left calf swollen" if cause == EMBOLISM and rng.random() < 0.6 else "soft",
    }
    if level > 1 and cause != EMBOLISM:  # old news that points to an embolism
        seen["calves"] = rng.choice(["left calf thicker for years", "left leg fuller since a clot 8 years ago"])
    own: dict[str, Any] = {
        "crystalloid systolic_bp": {THEATRE: rng.randint(0, 2), WATCH: rng.randint(14, 16)}.get(action, 6)
    }
    if level > 1 and action == THEATRE:  # better at first, low again within half an hour: a transient responder
        own |= {"crystalloid systolic_bp": rng.randint(14, 16), "crystalloid systolic_bp lasts": rng.randint(14, 18)}
    slowed = level == 3 and cause == BLEEDING
    leak = rng.choice(["free air and free fluid at the anastomosis", "free contrast leak with peritonitis"])
    contained = f"contained collection of {rng.randint(4, 7)} cm at the anastomosis"
    ct = {REPAIR: leak, DRAIN: contained}.get(action, "no collection")
    clot = rng.choice(["saddle embolus", "bilateral main branch emboli", "right lobar embolus"])
    return patients.patient(
        rng,
        "postoperative",
        level,
        vitals={
            "systolic_bp": systolic,
            "heart_rate": rng.randint(78, 92) if slowed else rng.randint(112, 136),
            "respiratory_rate": rng.randint(22, 30),
            "spo2": rng.randint(83, 89) if cause == EMBOLISM else rng.randint(93, 97),
            "temperature": round(rng.uniform(38.3, 39.4) if cause == LEAK else rng.uniform(36.2, 37.4), 1),
        },
        labs={
            "hemoglobin": round(rng.uniform(6.6, 9.2) if cause == BLEEDING else rng.uniform(10.2, 12.4), 1),
            "lactate": round(rng.uniform(2.2, 5.0), 1),
            "crp": float(rng.randint(180, 320) if cause == LEAK else 60),
        },
        studies={"ct abdomen": ct, "ct pulmonary angiography": clot if cause == EMBOLISM else "no embolus"},
        own=own,
        seen=seen,
        medications=["bisoprolol"] if slowed else [],  # hides the fast pulse of bleeding
        avoid=["asthma", "metoprolol"] if slowed else [],
        allergies=[],
    )


THIN = "anticoagulation in bleeding"


def _surgical_unsafe(action: str, cause: str) -> list[UnsafeAction]:
    if cause == BLEEDING:
        reason = source("response to fluid in bleeding")
        found = [
            UnsafeAction(THIN, 5, reason, "give_treatment", {"drug": d}, category="contraindication")
            for d in ("heparin", "enoxaparin")
        ]
        found.append(UnsafeAction(THIN, 5, reason, answers=[HEPARIN], category="contraindication"))
        if action == THEATRE:
            found.append(UnsafeAction("bleeding watched", 5, reason, answers=[WATCH], category="unsafe disposition"))
        return found
    if cause == EMBOLISM:
        reason = source("pulmonary embolism")
        lysis = [
            UnsafeAction(
                "fibrinolysis days after surgery", 5, reason, "give_treatment", {"drug": d}, category="contraindication"
            )
            for d in ("alteplase", "tenecteplase")
        ]
        return [*lysis, UnsafeAction("embolism untreated", 5, reason, answers=[WATCH], category="missed red flag")]
    wrong = [WATCH, DRAIN] if action == REPAIR else [WATCH]
    reason = source("anastomotic leak")
    return [UnsafeAction("a leak left to itself", 5, reason, answers=wrong, category="missed red flag")]
