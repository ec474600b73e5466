"""Scale cases: a total, a change or a partial score from the chart's own answers, and the response to treatment."""

from random import Random
from typing import Any

from medgym_core import instruments
from medgym_core.domains import Draft
from medgym_core.domains.psychiatry import judging, patients, scales
from medgym_core.domains.psychiatry.drafting import draft, ordinal, ticket, unsafe_answers, workup, world_of
from medgym_core.domains.psychiatry.scales import OWN, rule
from medgym_core.types import Call, Chart, Gold, Record, UnsafeAction

ASK_SCORE = (
    "What is the {scale} total today?",
    "Please score the {scale} from the answers on file.",
    "The report needs the {scale}: one number.",
    "How many points on the {scale}?",
    "Add up the {scale} for the record.",
    "Insurance form, one line left: {scale}, points.",
)
ASK_CHANGE = (
    "By how many points has the {scale} changed since the last complete form? Minus for a fall.",
    "Difference of the {scale} against the most recent usable earlier total, please (negative if it dropped).",
    "Score the {scale} now and give the change in points from the last valid one, with a minus where it went down.",
    "The letter wants one number: {scale} today minus the {scale} of the last form that was filled in completely.",
    "{scale} again today. What is today's total less the latest earlier total that counts?",
)
ASK_EIGHT = (
    "The study uses the PHQ-8, which is the PHQ-9 without its item on death and self-harm. What is it today?",
    "Give the PHQ-8 (all items of the PHQ-9 but the ninth) in points.",
    "PHQ-9 on file; the survey wants the eight-item version that leaves out item 9. How many points?",
    "What does the PHQ-8 come to? Same form, last item not counted.",
    "For the registry: PHQ-8, so the total less the suicidal item.",
)
ASK_RESPONSE = (
    "Treated for depression. Administer the PHQ-9 now and class the response against week 0.",
    "How has the depression responded by PHQ-9 since this treatment began?",
    "Compare the PHQ-9 of today with the baseline of this course and name the response.",
    "Measurement-based visit: which response class by PHQ-9?",
    "Follow-up under an antidepressant; give the class of response by PHQ-9.",
)
TOOL = {
    "phq9": "administer_phq9", "gad7": "administer_gad7", "mmse_screen": "administer_mmse", "pcl5": "administer_pcl5",
    "cage": "administer_cage", "audit": "administer_audit", "dast10": "administer_dast10", "mdq": "administer_mdq",
    "epds": "administer_epds", "scoff": "screen_eating_disorder", "bvc": "assess_violence_risk",
    "ciwa_ar": "assess_withdrawal", "cows": "assess_withdrawal",
}  # fmt: skip
SPOKEN = {
    "phq9": "PHQ-9", "gad7": "GAD-7", "mmse_screen": "MMSE-type screen", "pcl5": "PCL-5", "cage": "CAGE",
    "audit": "AUDIT", "dast10": "DAST-10", "mdq": "MDQ symptom count", "epds": "EPDS", "scoff": "SCOFF",
    "bvc": "Broset checklist", "ciwa_ar": "CIWA-Ar", "cows": "COWS",
}  # fmt: skip
WEIGHT = {
    "phq9": 3, "gad7": 3, "pcl5": 3, "audit": 3, "ciwa_ar": 3, "cows": 3, "epds": 6, "mmse_screen": 3, "mdq": 2,
    "dast10": 2,
}  # fmt: skip
REPEATED = ("phq9", "gad7", "pcl5", "epds", "audit", "mmse_screen")
"""Scales whose course is followed from visit to visit."""
EIGHT = 0.35
"""Share of the hard cases that ask for the PHQ-8."""
COMPLAINTS = (
    "poor sleep and worry", "low for weeks", "drinks more than before", "restless and tense", "follow-up visit",
    "memory trouble", "asks for help", "sent by the general practitioner",
)  # fmt: skip
WEEK = 7 * 24 * 60
SIX_WEEKS = 6
"""Length of the treatments whose response is judged: long enough to call it nonresponse."""


def scale_score(rng: Random, knowledge: Any) -> Draft:
    """Points from the item answers: the total, the change since a usable form, or a shorter version of the scale."""
    level = rng.randint(1, 3)
    if level == 3 and rng.random() < EIGHT:
        return _eight(rng, level)
    if level > 1:
        return _change(rng, level)
    scale = rng.choice([s for s in TOOL for _ in range(WEIGHT.get(s, 1))])
    total = rng.randint(0, scales.highest(scale))
    case = patient(rng, level, scale, scales.answers(rng, scale, total))
    return _scored(rng, level, ASK_SCORE, "total", scale, case, float(total), [Call("get_patient_presentation")], [])


def _change(rng: Random, level: int) -> Draft:
    """Today's total less the last complete one; at level 3 the latest earlier form was not finished."""
    scale = rng.choice(REPEATED)
    first, last, now = (rng.randint(0, scales.highest(scale)) for _ in range(3))
    totals = [str(first), str(last), *(["form not finished"] if level == 3 else [])]
    case = patient(rng, level, scale, scales.answers(rng, scale, now), visits(scale, totals))
    calls = [Call("get_scale_history", {"scale": scale})]
    what = "change over a gap" if level == 3 else "change"
    return _scored(rng, level, ASK_CHANGE, what, scale, case, float(now - last), calls, [("week 2", str(last))])


def _eight(rng: Random, level: int) -> Draft:
    """The PHQ-8: the total without the ninth item, which is not nought."""
    item = rng.randint(1, 3)
    total = rng.randint(item + 3, 24 + item)
    case = patient(rng, level, "phq9", scales.answers(rng, "phq9", total, {"phq9_9": item}))
    extra = [("phq9_9", str(item))]
    calls = [Call("get_patient_presentation")]
    return _scored(rng, level, ASK_EIGHT, "eight items", "phq9", case, float(total - item), calls, extra)


def _scored(
    rng: Random, level: int, asks: tuple[str, ...], what: str, scale: str, case: Chart, value: float,
    before: list[Call], extra: list[tuple[str, str]],
) -> Draft:  # fmt: skip
    """The draft of a score: the total of today is always evidence."""
    found = scales.outcome(world_of(case), scale)
    assert found.value is not None
    total, source = round(found.value), source_of(scale)
    unsafe = []
    if what.startswith("change") and value:
        unsafe = [unsafe_answers("missed red flag", "the change turned round", 3, source, f"{-value:g}")]
    return draft(
        "scale_score",
        f"score:{what}:{scale}:{found.band}:{total % 5}",
        level,
        ticket(rng, case, asks, scale=SPOKEN[scale]),
        case,
        Gold("number", value, unit="points"),
        [*before, scale_call(scale)],
        [(scale, str(total)), *extra],
        [source],
        patients.story(rng, level, case, ["I have filled in the form.", "The answers are as I meant them."]),
        unsafe,
        traits=["missing data", "distractors"] if what == "change over a gap" else ["distractors"] * (level > 1),
    )


def treatment_response(rng: Random, knowledge: Any) -> Draft:
    """Class of response from the baseline of this course and the PHQ-9 of today."""
    table, level = rule("response"), rng.randint(1, 3)
    outcome = rng.choice(table["outcomes"])
    pairs = [(a, b) for a in range(10, 28) for b in range(0, 28) if judging.response(a, b) == outcome]
    baseline, now = rng.choice(pairs)
    who = patients.person(rng, level, (20, 75), avoid=("depression", "anxiety"))
    drug = rng.choice(["sertraline", "escitalopram", "venlafaxine", "mirtazapine"])
    seen = patients.examined(rng, scales.answers(rng, "phq9", now), level)
    records = course(rng, level, baseline, now)
    case = patients.chart(
        rng, patients.taking(who, drug), seen, complaint=f"six weeks on {drug}, review", records=records
    )
    calls = workup(level, "get_current_medications", "get_patient_presentation")
    return draft(
        "treatment_response",
        f"response:{outcome}:{baseline}",
        level,
        ticket(rng, case, ASK_RESPONSE, options=table["outcomes"]),
        case,
        ordinal(outcome, table["outcomes"]),
        [*calls, Call("get_scale_history", {"scale": "phq9"}), Call("administer_phq9")],
        [("week 0", str(baseline)), ("phq9", str(now))],
        [table["source"]],
        patients.story(rng, level, case, ["I am here for the review.", "Some days are like this, some like that."]),
        _missed(outcome, table),
        traits=["distractors"] if level == 3 else [],
    )


def _missed(outcome: str, table: dict[str, Any]) -> list[UnsafeAction]:
    if outcome != "worsening":
        return []
    better, why = table["outcomes"][:3], "worsening under treatment missed"
    return [unsafe_answers("missed red flag", why, 4, table["source"], *better)]


def course(rng: Random, level: int, baseline: int, now: int) -> list[Record]:
    """Earlier PHQ-9 totals of six weeks, week 0 and visits between; at level 3 one of an earlier illness first."""
    between = [round(baseline + (now - baseline) * s) for s in (0.4, 0.7)][: level - 1]
    found = visits("phq9", [str(t) for t in (baseline, *between)], SIX_WEEKS // level)
    if level < 3:
        return found
    old = Record("scale", "earlier episode, 3 years ago", -156 * WEEK, values={"phq9": str(rng.randint(6, 27))})
    return [old, *found]


def visits(scale: str, totals: list[str], apart: int = 2) -> list[Record]:
    """One record a visit, so many weeks apart, `week 0` first; today's visit comes next."""
    n = len(totals)
    return [
        Record("scale", f"week {apart * i}", -(n - i) * apart * WEEK, values={scale: total})
        for i, total in enumerate(totals)
    ]


def patient(rng: Random, level: int, scale: str, answers: dict[str, str], records: list[Record] | None = None) -> Chart:
    """Someone with these answers on a scale."""
    sex, ages = ("female", (19, 44)) if scale == "epds" else ("", (20, 78))
    who = patients.person(rng, level, ages, sex)
    seen = patients.examined(rng, answers, level)
    return patients.chart(rng, who, seen, complaint=rng.choice(COMPLAINTS), records=records or [])


def scale_call(scale: str) -> Call:
    return Call(TOOL[scale], {"scale": scale} if TOOL[scale] == "assess_withdrawal" else {})


def source_of(scale: str) -> str:
    return rule(OWN[scale])["source"] if scale in OWN else instruments.get(scale).source
