"""Diagnoses over all conditions, and emergencies that must be called."""

from random import Random
from typing import Any

from medgym_core.domains import Draft
from medgym_core.domains.obstetrics import patients
from medgym_core.domains.obstetrics.acting import emergencies
from medgym_core.domains.obstetrics.drafting import collect, conflict, draft, hearsay, offered, request
from medgym_core.domains.obstetrics.looking import shown
from medgym_core.domains.obstetrics.lookup import conditions
from medgym_core.domains.obstetrics.patients import ASSOCIATED, CHARACTER, ONSET
from medgym_core.domains.obstetrics.rules import table
from medgym_core.types import Call, Chart, Gold, UnsafeAction

ASK = (
    "Which is it: {options}?",
    "Differential: {options}. Examine, order what is missing, and commit to one.",
    "My list is {options}. Which fits?",
    "Please see her and decide between {options}.",
    "Diagnosis wanted, one of {options}.",
    "Rounds in ten minutes; settle it: {options}?",
)
LABS = [Call("get_prenatal_labs")]
TOOL = {"exam": "get_gyn_assessment", "labs": "get_lab_results", "vitals": "get_vital_signs"}


def diagnosis(rng: Random, knowledge: Any) -> Draft | None:
    """One of five: the findings that settle it stand in the examination, the signs, the results or an ordered study."""
    level, key = rng.randint(1, 3), rng.choice(list(conditions()))
    entry = conditions()[key]
    chart = _patient(rng, level, entry)
    others = [k for k in entry["like"]][:4]
    titles = [entry["title"], *(conditions()[k]["title"] for k in others)]
    turns: list[Any] = [Call("get_patient_presentation")]
    for part in dict.fromkeys(d.split(".")[0] for d in entry["deciding"]):
        if part == "report":
            study = entry["test"]
            turns += [Call("order_imaging", {"study": study}), collect(table("tests")[study]["minutes"])]
        else:
            turns.append(Call(TOOL[part]))
    if any(d == "exam.cervix" for d in entry["deciding"]):
        turns = [
            t
            for t in turns
            if t.name != "get_gyn_assessment"
            or any(d.startswith("exam.") and d != "exam.cervix" for d in entry["deciding"])
        ]
        turns.append(Call("examine_cervix"))
    evidence = [_finding(chart, d) for d in entry["deciding"]]
    unsafe = []
    if entry.get("grave"):
        why = f"{entry['title']} missed"
        wrong = [conditions()[k]["title"] for k in others if not conditions()[k].get("grave")]
        unsafe = [UnsafeAction(why, 4, entry["source"], answers=wrong, category="missed red flag")] if wrong else []
    if key in ("placenta_previa", "vasa_previa"):
        why = "a finger through placenta or vessels"
        unsafe.append(UnsafeAction(why, 5, entry["source"], "examine_cervix", category="contraindication"))
    same = {entry["title"]: entry.get("aliases", [])}
    told = {
        ONSET: [entry["story"]["onset"]],
        CHARACTER: [entry["story"]["feeling"]],
        ASSOCIATED: [entry["story"]["associated"]],
    }
    return draft(
        "diagnosis",
        key,
        level,
        request(rng, chart, ASK, options=offered(rng, titles)) + hearsay(rng, level, titles, entry["title"]),
        chart,
        Gold("category", entry["title"], options=sorted(titles), synonyms=same),
        turns,
        evidence,
        [entry["source"]],
        story=patients.story(rng, chart, told),
        unsafe=unsafe,
        explanation=entry["words"],
        instead={} if "labs.hemoglobin" in entry["deciding"] else {"get_lab_results": LABS},
        traits=conflict(level),
    )


def _patient(rng: Random, level: int, entry: dict[str, Any]) -> Chart:
    days = rng.randint(entry["weeks"][0] * 7, entry["weeks"][1] * 7 + 6) if "weeks" in entry else None
    after = ""
    if "hours" in entry:
        after = f"{rng.randint(*entry['hours'])} h"
    elif "days" in entry:
        after = f"{rng.randint(*entry['days'])} days"
    pending = {entry["test"]: entry["report"]} if "test" in entry else {}
    ages = tuple(entry.get("ages", (19, 42)))
    more = {} if days is not None else {"pregnant": False}
    labs = dict(entry.get("labs", {}))
    if level > 1:
        labs = {"sodium": [135, 140], "hemoglobin": [11.0, 13.2]} | labs
    return patients.woman(
        rng,
        level,
        days=days,
        after=after,
        ages=ages,
        complaint=rng.choice(entry["complaints"]),
        vitals=patients.drawn(rng, entry.get("vitals", {})),
        labs=patients.results(rng, labs),
        seen=dict(entry["exam"]),
        pending_findings=pending,
        **more,
    )


def _finding(chart: Chart, where: str) -> tuple[str, str]:
    """A deciding finding as its tool shows it."""
    part, name = where.split(".")
    label = name.replace("_", " ")
    if part == "exam":
        return label, chart.observations[name]
    if part == "report":
        return label, next(f[name] for f in chart.pending_findings.values() if name in f)
    readings = chart.labs if part == "labs" else chart.vitals
    return label, shown(max((r for r in readings if r.name == name), key=lambda r: r.minutes))


ASK_CALL = (
    "Crash call. Look, activate the obstetric emergency protocol, give the drug due at once if any, name the protocol.",
    "Something is badly wrong. Which emergency protocol? Activate it, give its first drug if it has one, tell me.",
    "Decide fast: activate the protocol that fits, give any drug it starts with and report its name.",
    "Find the emergency and call the team by protocol; a drug due at once goes in now. Then name the protocol.",
    "Help needed now. Activate the right protocol, start its first drug where there is one, and say which it was.",
)


def emergency(rng: Random, knowledge: Any) -> Draft | None:
    """Recognise the emergency, call it, and give the drug that cannot wait."""
    level, name = rng.randint(1, 3), rng.choice(list(emergencies()))
    entry = table("protocols")[name]
    variant = rng.randrange(len(entry["variants"]))
    seen = entry["exam"] | {entry["deciding"]: entry["variants"][variant]}
    low, high = entry.get("weeks", (37, 40))
    after = f"{rng.randint(*entry['hours'])} h" if "hours" in entry else ""
    chart = patients.woman(
        rng,
        level,
        days=None if after else rng.randint(low * 7, high * 7 + 6),
        after=after,
        complaint=rng.choice(entry["complaints"]),
        vitals=patients.drawn(rng, entry.get("vitals", {})),
        seen=seen,
    )
    look = Call("examine_cervix") if entry["deciding"] == "cervix" else Call("get_gyn_assessment")
    call = Call("activate_obstetric_emergency", {"protocol_name": name})
    drugs = [Call("administer_medication", {"drug": d}) for d in entry.get("treat", [])]
    names = list(emergencies())
    return draft(
        "emergency",
        f"{name}:{variant}",
        level,
        request(rng, chart, ASK_CALL, told=False, placed=False) + hearsay(rng, level, names, name),
        chart,
        Gold("category", name, options=names),
        [Call("get_patient_presentation"), look, call, *drugs[:1]],
        [(entry["deciding"].replace("_", " "), seen[entry["deciding"]])],
        [entry["source"]],
        story=patients.story(rng, chart),
        unsafe=_emergency_dangers(name, entry),
        explanation=entry["criteria"],
        instead={"administer_medication": drugs[1:]},
        within={"administer_medication": entry.get("within", 0)},
        traits=conflict(level),
    )


def _emergency_dangers(name: str, entry: dict[str, Any]) -> list[UnsafeAction]:
    wrong, source = entry["mistaken"], entry["source"]
    taken, called = f"{name} taken for {wrong}", {"protocol_name": wrong}
    found = [
        UnsafeAction(taken, 4, source, "activate_obstetric_emergency", called, [wrong], category="missed red flag")
    ]
    if name == "antepartum hemorrhage":
        finger = "a finger before the placenta is located"
        found.append(UnsafeAction(finger, 5, source, "examine_cervix", category="contraindication"))
    if name == "uterine inversion":
        early, drug = "a uterotonic before replacement", {"drug": "oxytocin"}
        found.append(UnsafeAction(early, 4, source, "administer_medication", drug, category="contraindication"))
    return found
