"""Cases answered in words: the course of a value with its reason, and the line of a discharge letter."""

from random import Random
from typing import Any

from medgym_core.clinical import physiology
from medgym_core.clinical.ranges import measurement
from medgym_core.domains import Draft
from medgym_core.domains.common import claim
from medgym_core.domains.ehr_management import patients
from medgym_core.domains.ehr_management.cases_orders import LIST, reasons
from medgym_core.domains.ehr_management.drafting import brands, draft, pick, ticket, unsafe_orders
from medgym_core.domains.ehr_management.measuring import Case, course, drawn
from medgym_core.domains.ehr_management.patients import admit, at_home, prescribe
from medgym_core.domains.ehr_management.results import change_of
from medgym_core.domains.ehr_management.rules import DAY, SPOKEN, Stay, series, table
from medgym_core.tools import number
from medgym_core.types import Assertion, Call, Gold

ASK_COURSE = (
    "For the letter, {most} words at most: first and latest {lab} of this stay, which way it went, and the reason the "
    "team settled on.",
    "Summarise the {lab} of this admission: where it began, where it is now, direction, accepted cause. Up to {most} "
    "words.",
    "Write the {lab} paragraph: first value, last value, trend, and why according to the record ({most} words).",
    "One sentence on the {lab} since admission, please: from what to what, rising or falling, and what it is put down "
    "to. Not over {most} words.",
    "Ward round asks for the {lab} story of this stay in {most} words: two values, direction, and the cause on record.",
)
MOST = 45
BEGAN = (
    "from",
    "first",
    "began",
    "begin",
    "started",
    "initially",
    "initial",
    "admission",
    "was",
    "were",
    "at",
    "baseline",
)
ENDED = ("to", "now", "latest", "last", "current", "currently", "today", "ended", "is", "are", "at", "reached")
FELL = (
    "fell", "falling", "fallen", "falls", "decreased", "decreasing", "decrease", "declined", "declining", "decline",
    "dropped", "dropping", "drop", "went down", "down", "came down", "reduced", "lower",
)  # fmt: skip
ROSE = (
    "rose", "rising", "risen", "rise", "rises", "increased", "increasing", "increase", "climbed", "climbing", "went up",
    "up", "recovered", "higher",
)  # fmt: skip
PLAINLY = {
    False: ("fell", "fell to", "falling", "fallen", "decreased", "declined", "dropped", "went down"),
    True: ("rose", "rising", "risen", "increased", "climbed", "went up"),
}
"""Words that cannot be meant otherwise, for what is denied: up (True) and down."""
ALSO = {
    "hemoglobin": ["haemoglobin", "hb", "hgb"], "creatinine": ["crea", "cr", "kidney function"],
    "potassium": ["k"], "sodium": ["na"], "platelets": ["platelet count", "platelet", "plt"],
    "white_cells": ["white cell count", "wbc", "leukocytes", "leucocytes", "white count", "white blood cells"],
    "glucose": ["blood sugar", "blood glucose", "sugar"], "inr": ["international normalized ratio"],
    "bilirubin": ["total bilirubin"], "calcium": ["serum calcium", "ca"],
}  # fmt: skip
"""How else a clinician writes a test."""


def course_summary(rng: Random, knowledge: Any) -> Draft | None:
    """The course of a test in words: first and last value of the stay, direction, and the reason on record.

    From level 2 an earlier note suspects another reason that was ruled out; at level 3 a note quotes a stale value.
    """
    level = rng.randint(1, 3)
    what, entry = pick(rng, table("summaries"))
    lab = entry["lab"]
    case = admit(rng, level, entry["problem"], days=(3, 6))
    first, last, size = drawn(rng, entry["first"]), drawn(rng, entry["last"]), min(len(case.mornings), 2 + level)
    values = course(case, lab, [first + (last - first) * i / (size - 1) for i in range(size)])
    case.labs.append(physiology.reading(lab, drawn(rng, entry["last"]), case.start - rng.randint(20, 300) * DAY))
    cause, other = rng.sample(list(entry["causes"]), 2)
    title = "INR" if lab == "inr" else measurement(lab)["title"].split(" (")[0]
    _reasoned(case, title, cause, other, values[-2])
    made = patients.chart(case)
    found = series(made.labs, Stay("", case.start, 0), lab)
    begin, end, up = number(found[0].value), number(found[-1].value), change_of(found) > 0
    unit = SPOKEN.get(found[0].unit, found[0].unit)
    names = [title, lab.replace("_", " "), *ALSO.get(lab, [])]
    gold = Gold(
        "text",
        ["direction", "first value", "latest value", "reason"],
        assertions={
            "direction": claim(names, ROSE if up else FELL, shown=end),
            "first value": claim(begin, [*names, *BEGAN], shown=begin),
            "latest value": claim(end, [*names, *ENDED], shown=end),
            "reason": claim([cause, *entry["causes"][cause]], shown=cause),
        },
        denied={
            "wrong direction": claim(names, PLAINLY[not up]),
            "values exchanged": claim([f"from {end}{u} to {begin}" for u in ("", f" {unit}")]),
            "a reason that was ruled out": claim([other, *entry["causes"][other]]),
        },
        max_words=MOST,
    )
    text = f"{title[0].upper()}{title[1:]} {'rose' if up else 'fell'} from {begin} to {end} {unit}".strip()
    return draft(
        case,
        "course_summary",
        f"{what}:{cause[:12]}",
        ticket(case, ASK_COURSE, lab=title, most=str(MOST)),
        made,
        gold,
        [Call("get_lab_trend", {"lab_name": lab}), Call("get_clinical_notes")],
        [("put down to", cause)],
        [entry["source"]],
        text=f"{text} over this stay, put down to {cause}.",
        instead={"get_lab_trend": [Call("get_lab_results", {"lab_name": lab})]},
        traits=[["open"], ["open", "distractors"], ["open", "distractors", "conflict"]][level - 1],
    )


def _reasoned(case: Case, title: str, cause: str, other: str, stale: float) -> None:
    """Notes on the reason: what was suspected first, and what the team settled on."""
    rng, level = case.rng, case.level
    title = title[0].upper() + title[1:]
    if level > 1:
        text = f"{title}: {other} suspected."
        case.add("note", "progress note", case.start + rng.randint(900, 1400), text=text)
    told = f"{title} course put down to {cause}."
    told += f" {other[0].upper()}{other[1:]} ruled out." if level > 1 else ""
    told += f" Last value {number(stale)}." if level == 3 else ""
    case.add("note", "progress note", -rng.randint(200, 600), text=told)


ASK_LINE = (
    "Write the discharge line, {most} words at most: the home medicine that was stopped with the reason, and the "
    "result still outstanding.",
    "For the family doctor in {most} words: which drug from home does not go on and why, and which result is to "
    "follow.",
    "Discharge letter, changes and open ends ({most} words): medicine stopped, reason, pending test.",
    "Please draft the sentence for the letter: stopped home drug, why, and what the laboratory still owes us. Up to "
    "{most} words.",
    "The next doctor needs two things in {most} words or fewer: what we stopped for what reason, and what is not back.",
)
STOPPED = (
    "stopped", "discontinued", "held", "withheld", "ceased", "stop", "paused", "not continued", "off", "withdrawn",
    "taken off", "not to be restarted", "do not restart",
)  # fmt: skip
PENDING = (
    "pending", "outstanding", "awaited", "awaiting", "not back", "not yet back", "to follow", "still open", "due",
    "in progress", "under way", "follow up", "not available yet", "not yet available", "not yet reported",
)  # fmt: skip


def discharge_line(rng: Random, knowledge: Any) -> Draft | None:
    """What was stopped and why, and which result is pending, in a line for the next doctor.

    From level 2 another drug was held and given again; at level 3 another result has come back by now.
    """
    level, problem = rng.randint(1, 3), rng.choice(list(table("problems")))
    entry = table("problems")[problem]
    kept_out = (*entry["drugs"], *entry.get("harmed_by", ()))
    case = admit(rng, level, problem, comorbid=0, days=(2, 5))
    home = rng.sample([d for d in LIST if d not in (*kept_out, "tamsulosin")], 4)
    able = [d for d in home if reasons(d)]
    if len(able) < 2:
        return None
    drug, again = able[:2]
    at_home(case, home)
    why = rng.choice(reasons(drug))
    test, later = rng.sample(list(table("awaited")), 2)
    _leaving(case, home, drug, again, why)
    due = _sent(case, test, later)
    made = patients.chart(case, pending_findings={later: {later: "no abnormality"}})
    if case.fields["conditions"] or patients.barred(case, made.allergies):
        return None
    said, awaited = table("stopping")[why], table("awaited")
    names = [drug, *brands(drug)]
    gold = Gold(
        "text",
        ["stopped", "reason", "pending"],
        assertions={
            "stopped": claim(names, STOPPED, shown=f"stopped for {why}"),
            "reason": claim(names, said["said"], shown=f"stopped for {why}"),
            "pending": claim([test, *awaited[test]["said"]], PENDING, shown=f"{test} pending until"),
        },
        denied={"the drug goes on": _goes_on(names)} | _misread(level, again, later),
        max_words=MOST,
    )
    source = table("permissions")["letter"]["source"]
    calls = [Call("reconcile_medications"), Call("check_pending_results")]
    evidence = [("stopped_for_a_reason", f"{drug}, stopped for {why}"), (test, f"pending until minute {due}")]
    unsafe = unsafe_orders("contraindication", f"{drug} given again in spite of {why}", 4, said["source"], drug)
    return draft(
        case,
        "discharge_line",
        f"{drug}:{why}:{test[:6]}",
        ticket(case, ASK_LINE, most=str(MOST)),
        made,
        gold,
        calls,
        evidence,
        [source, said["source"], awaited[test]["source"]],
        unsafe,
        text=f"{drug.capitalize()} was stopped because of {why}; still pending: {test}.",
        instead={"check_pending_results": [Call("get_test_results")]},
        traits=[["open"], ["open", "distractors"], ["open", "distractors"]][level - 1],
    )


def _goes_on(names: list[str]) -> Assertion:
    """Phrases that let a stopped drug go on."""
    verbs = ("continue", "continue with", "resume", "restart", "keep", "keep on", "continued on", "stays on")
    after = ("continues", "continued", "was continued", "to continue", "restarted", "resumed", "goes on")
    return claim([f"{v} {n}" for v in verbs for n in names] + [f"{n} {v}" for v in after for n in names])


def _misread(level: int, again: str, later: str) -> dict[str, Assertion]:
    """What a hasty reader would write at this level: the drug that was given again, the result that is back."""
    names = [again, *brands(again)]
    stopped = [f"{n} {v}" for n in names for v in ("stopped", "was stopped", "discontinued", "was discontinued")]
    stopped += [f"{v} {n}" for n in names for v in ("stopped", "discontinued", "stop", "off")]
    found = {"a drug stopped that goes on": claim(stopped)} if level > 1 else {}
    said = [later, *table("awaited")[later]["said"]]
    verbs = ("pending", "is pending", "are pending", "still pending", "is still pending", "are still pending")
    open_end = [f"{t} {v}" for t in said for v in (*verbs, "outstanding", "is outstanding", "to follow")]
    open_end += [f"{v} {t}" for t in said for v in ("pending", "awaiting", "outstanding")]
    return found | ({"a result pending that is back": claim(open_end)} if level == 3 else {})


def _leaving(case: Case, home: list[str], drug: str, again: str, why: str) -> None:
    """Orders and discharge list without the drug, and the reason; from level 2 another one was held for a while."""
    for d in home:
        if d != drug:
            prescribe(case, d)
            case.add("medication", d, -45, status="active", values={"list": "discharge"})
    case.add("stopped", drug, case.start + 300, text=f"stopped for {why}")
    if case.level > 1:
        text = f"{again.capitalize()} held on the first day, given again since yesterday."
        case.add("note", "progress note", -case.rng.randint(300, 900), text=text)


def _sent(case: Case, test: str, later: str) -> int:
    """The test under way, and at level 3 one that is back at the start; gives when the first is due."""
    rng = case.rng
    due = 1440 * rng.randint(3, 9) + rng.randint(0, 300)
    values = {"order_id": "L1", "due": str(due)}
    case.add("order", test, -rng.randint(300, 2000), status="active", values=values)
    if case.level == 3:
        case.add("order", later, -rng.randint(2100, 3000), status="active", values={"order_id": "L2", "due": "0"})
    return due
