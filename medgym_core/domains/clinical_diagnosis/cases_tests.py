"""Choose the test that comes next, and read a panel once it is back."""

from random import Random
from typing import Any

from medgym_core.domains import Draft
from medgym_core.domains.clinical_diagnosis import patients, stories, tables, traps
from medgym_core.domains.clinical_diagnosis.cases_diagnosis import shown_value
from medgym_core.domains.clinical_diagnosis.drafting import (
    awaited,
    draft,
    either,
    handed_over,
    harmful_test,
    order,
    request,
    seen,
    shuffled,
)
from medgym_core.tools import number
from medgym_core.types import Call, Chart, Gold, Medication, Reading, Record, Trait

NEXT = (
    "This is about {ask}. Which test comes next, {options}? Look, order it and name it.",
    "The question is {ask}. Order the right next test out of {options} and tell me which.",
    "For {ask} we could do {options}. Check the patient, order one and name it.",
    "Please choose the next test for {ask}: {options}. Order it after looking at the chart.",
    "One test now, for {ask}: {options}. Which is right for this patient? Order it.",
    "Help me with {ask}. Of {options}, order what should come first here.",
)
PANEL = (
    "Please send {test} today and tell me the {ask}: {options}.",
    "Order {test}, wait for the result and give the {ask}, one of {options}.",
    "I need the {ask}. Get new {test} back and choose: {options}.",
    "What is the {ask}, {options}? Today's {test}: not sent yet.",
    "We need {test} of today first. Then name the {ask} from {options}.",
)


def next_test(rng: Random, knowledge: Any) -> Draft | None:
    """The guideline's next test, which turns on one finding of this patient."""
    level = rng.randint(1, 3)
    name = rng.choice(list(tables.table("next_tests")))
    question = tables.table("next_tests")[name]
    branch = rng.choice(question["branches"])
    chart = _branch_patient(rng, level, question, branch)
    story = stories.story(rng, chart, stories.plain_topics(rng))
    tool, arguments = branch["look"]
    look = Call(tool, arguments)
    value = shown_value(look, branch["key"], seen(chart, look)[branch["key"]])
    tests = [b["test"] for b in question["branches"]]
    options = shuffled(rng, branch["test"], [*tests, *question["decoys"]], most=6)
    first = [Call("get_patient_history")] if tool == "calculate_wells_score" else [Call("get_vital_signs")]
    calls = [*first, look, order(branch["test"])]
    harm = branch.get("harm", "contraindication")
    unsafe = [
        harmful_test(t, f"{t} harms or delays here ({branch['name']})", s, question["source"], harm)
        for t, s in branch.get("unsafe", {}).items()
    ]
    traits: list[Trait] = []
    if level > 1:
        chart, traits = handed_over(rng, chart, options, branch["test"])
    traits += ["distractors"] if any(r.minutes < 0 for r in chart.labs) else []
    prompt = request(rng, chart, NEXT, ask=question["ask"], options=either(options))
    gold = Gold("category", branch["test"], options=options, synonyms=_names(options))
    family = f"next:{name}:{branch['name']}"
    evidence = [(branch["key"].replace("_", " "), value)]
    ordered = calls[-1].name
    return draft("next_test", family, level, prompt, chart, gold, calls, evidence, [question["source"]], unsafe, story,
                 traits=traits, after={ordered: look.name},
                 within={ordered: branch["within"]} if "within" in branch else {})  # fmt: skip


def _names(options: list[str]) -> dict[str, list[str]]:
    return {t: tables.tests()[t].get("aliases", []) for t in options}


def _branch_patient(rng: Random, level: int, question: dict[str, Any], branch: dict[str, Any]) -> Chart:
    """A patient in whom the branch's finding holds and nothing of the other branches does."""
    pregnant = branch.get("pregnant")
    ages = branch.get("ages", question.get("ages", (20, 80)))
    who = patients.person(
        rng, level, ages, branch.get("sex", ""), pregnant=True if pregnant is True else None, comorbid=0,
    )  # fmt: skip
    if pregnant == "unknown":
        who["pregnant"] = None
    spans = question.get("vitals", {}) | branch.get("vitals", {})
    exam = question.get("exam", {}) | branch.get("exam", {})
    labs = patients.values(rng, question.get("labs", {}) | branch.get("labs", {}))
    drawn = patients.results(rng, who, ["bmp", "cbc"], labs)
    if any(b["test"] == "glucose" for b in question["branches"]) and "glucose" not in labs:
        drawn = [r for r in drawn if r.name != "glucose"]
    if level == 3 and branch["key"] in labs:  # the deciding result was unremarkable before
        drawn = [*traps.unremarkable(rng, who, [branch["key"]], traps.days_ago(rng)), *drawn]
    observed = patients.examined(rng, exam, level - 1, spans)
    observed |= {n: "yes" for n in branch.get("yes", [])} | {n: "no" for n in branch.get("no", [])}
    notes = [patients.note(branch["note"])] if "note" in branch else []
    return patients.chart(
        who, complaint=rng.choice(question["complaints"]), labs=drawn,
        vitals=patients.vital_signs(rng, who, spans, earlier=level - 1),
        observations=observed | branch.get("reports", {}),
        medications=[*who["medications"], *(Medication(m) for m in branch.get("meds", []))],
        records=[*notes, *patients.records(rng, who["age"], level)],
    )  # fmt: skip


def lab_pattern(rng: Random, knowledge: Any) -> Draft | None:
    """A panel that has to be sent and read: what its values together mean."""
    level = rng.randint(1, 3)
    name = rng.choice(list(tables.table("patterns")))
    panel = tables.table("patterns")[name]
    pattern = rng.choice(panel["patterns"])
    who = patients.person(rng, level, (20, 80), comorbid=0)
    chart, evidence = _panel_patient(rng, level, who, panel, pattern)
    story = stories.story(rng, chart, stories.plain_topics(rng))
    options = shuffled(rng, pattern["is"], [p["is"] for p in panel["patterns"]])
    if level == 3:
        chart, _ = handed_over(rng, chart, options, pattern["is"])
    traits: list[Trait] = ["conflict"] if level > 1 else []
    also = panel.get("also")
    calls = [*([Call("get_lab_results", {"category": also})] if also else [Call("get_patient_info")])]
    calls += awaited(panel["test"])
    prompt = request(rng, chart, PANEL, test=panel["said"], ask=panel["ask"], options=either(options))
    gold = Gold("category", pattern["is"], options=options)
    family = f"pattern:{name}:{pattern['is']}"
    return draft("lab_pattern", family, level, prompt, chart, gold, calls, evidence, [panel["source"]], [], story,
                 traits=traits)  # fmt: skip


def _panel_patient(
    rng: Random, level: int, who: dict[str, Any], panel: dict[str, Any], pattern: dict[str, Any]
) -> tuple[Chart, list[tuple[str, str]]]:
    """Chart with the panel waiting, and what of it decides; from level 2 on it had another pattern before."""
    given = patients.values(rng, pattern.get("labs", {}))
    pending, words, evidence = {}, {}, []
    arrival = patients.results(rng, who, ["bmp"], {})
    if "words" in pattern:
        said = _varied(rng, pattern["words"]) if panel.get("vary") else pattern["words"]
        words[panel["test"]] = {panel["test"]: said}
        evidence.append((panel["test"], said))
        if given:
            arrival = patients.results(rng, who, ["bmp"], given)
            evidence.insert(0, (panel["also"], number(given[panel["also"]])))
    else:
        pending[panel["test"]] = patients.numeric(rng, who, panel["test"], pattern["labs"], {})
        now = {r.name: r.value for r in pending[panel["test"]]}
        evidence = [(n, number(now[n])) for n in panel["key"]]
    mine = set(tables.tests()[panel["test"]].get("components", ()))
    before, reports = _another(rng, who, panel, pattern) if level > 1 else ([], [])
    chart = patients.chart(
        who, complaint=rng.choice(panel["complaints"]), labs=[*before, *(r for r in arrival if r.name not in mine)],
        vitals=patients.vital_signs(rng, who, {}, earlier=level - 1),
        observations=patients.examined(rng, {}, level - 1),
        pending=pending, pending_findings=words, records=[*reports, *patients.records(rng, who["age"], level)],
    )  # fmt: skip
    return chart, evidence


def _another(
    rng: Random, who: dict[str, Any], panel: dict[str, Any], pattern: dict[str, Any]
) -> tuple[list[Reading], list[Record]]:
    """The panel as it was some time ago, when it looked different."""
    other = rng.choice([p for p in panel["patterns"] if p is not pattern])
    if "words" in other:
        return [], [traps.earlier_report(rng, panel["test"], other["words"])]
    found = patients.numeric(rng, who, panel["test"], other["labs"], {})
    return traps.older(found, traps.days_ago(rng)), []


def _varied(rng: Random, words: str) -> str:
    """The same finding with counts a little different: numbers above 30 change by up to a fifth."""

    def vary(token: str) -> str:
        return str(round(int(token) * rng.uniform(0.85, 1.2))) if token.isdigit() and int(token) > 30 else token

    return " ".join(vary(w) for w in words.split(" "))
