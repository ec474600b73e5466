"""Cases answered in free text: the risk formulation for a handover, and the course of a rating scale for a letter."""

from random import Random
from typing import Any

from medgym_core import facts
from medgym_core.domains import Draft
from medgym_core.domains.common import claim
from medgym_core.domains.psychiatry import judging, patients, scales
from medgym_core.domains.psychiatry.cases_scales import course
from medgym_core.domains.psychiatry.drafting import draft, text, ticket, unsafe_call, world_of
from medgym_core.domains.psychiatry.scales import DOMAIN, rule
from medgym_core.types import Assertion, Call, Chart, Gold, UnsafeAction

ASK_RISK = (
    "Write the risk formulation for the handover in two or three sentences, {most} words at most: what the C-SSRS "
    "found that decides, the means within reach, what protects, and the disposition by its triage.",
    "For the night team, no more than {most} words of prose: decisive answer of the C-SSRS, access to means, a "
    "protective factor, and what the triage of the screener asks for.",
    "Please put the suicide risk into words for the file (up to {most} words). It has to hold the decisive screener "
    "finding, means, one thing that protects, and the C-SSRS disposition.",
    "I need a formulation to read out at handover, {most} words or fewer: finding of the C-SSRS that sets the level, "
    "means, protection, disposition according to that screener.",
    "Summarise the suicide risk ({most} words). Cover: decisive C-SSRS answer; means at hand; protective factor; "
    "triage disposition.",
)
ASK_TREND = (
    "Write the line on the PHQ-9 for the letter, {most} words at most: first and present total of this course with "
    "the direction, the class of response, and the one next step that matters most.",
    "How has the depression gone? In {most} words or fewer: PHQ-9 at week 0 and now, up or down, response class, and "
    "what must be done next.",
    "Two sentences for the clinic letter (up to {most} words): course of the PHQ-9 in this treatment with both totals, "
    "what that counts as, and the most pressing consequence.",
    "Please summarise the PHQ-9 course for the general practitioner, not over {most} words: totals at the start of "
    "this treatment and today, direction, response by definition, next step.",
    "Dictate the progress note on the PHQ-9 ({most} words): from what to what, the response class, and the consequence "
    "that cannot be left out.",
)
MOST_RISK, MOST_TREND = 60, 50
COMPLAINTS = (
    "low since the weekend", "seen after a crisis call", "brought by a worried friend", "asks to go home tonight",
    "came after a row", "found in tears", "referred by the clinic",
)  # fmt: skip
CONTRACT = "signed a no-suicide contract"
LEVELS = ("low", "moderate", "high")
ORDER = ("behavior_3_months", "plan", "intent", "method", "behavior", "thoughts", "wish_dead")
ITEM_NINE = {1: 0.0, 2: 0.4, 3: 0.7}
"""How often the item on death and self-harm is not nought, by level."""
REST = 24
"""Most points of the other eight items."""
AMBIGUOUS = 9
"""A total that reads like the name of the scale."""


def phrases(table: str) -> dict[str, Any]:
    """One table of the phrasings."""
    return facts.load(DOMAIN, "phrases")[table]


def names(table: str) -> list[str]:
    """What a table of phrasings has words for."""
    return [name for name in phrases(table) if name != "source"]


def risk_formulation(rng: Random, knowledge: Any) -> Draft:
    """The risk in words: what decides, means, protection, disposition. A contract does not protect."""
    table, level = rule("suicide"), rng.randint(1, 3)
    risk = rng.choice(LEVELS)
    case, decisive = _at_risk(rng, level, risk)
    assert judging.suicide_level(world_of(case)) == risk
    means, protective = case.observations["means"], case.observations["protective"]
    where = judging.disposition(risk)
    calls = [Call("get_patient_presentation")] if level > 1 else []
    calls += [Call("assess_cssrs"), Call("assess_suicide_risk")]
    calls += [Call("set_observation_level", {"level": "constant"})] if risk == "high" else []
    words = (
        f"The screener shows {phrases('told')[decisive]}. Means within reach: {means}. "
        f"Protective: {protective}. By the C-SSRS triage this calls for {where}."
    )
    return draft(
        "risk_formulation",
        f"formulation:{decisive}:{means}:{protective}",
        level,
        ticket(rng, case, ASK_RISK, most=str(MOST_RISK)),
        case,
        _risk_gold(risk, decisive, means, protective, where),
        calls,
        [(decisive, "yes"), ("means", means), ("protective", protective)],
        [table["source"], rule("risk_factors")["source"]],
        patients.story(rng, level, case, ["I am tired of all this.", "Ask the nurse, I have told her."]),
        _risk_dangers(risk, table["source"]),
        traits=["distractors"] if level > 1 else [],
        wording=words,
    )


def _at_risk(rng: Random, level: int, risk: str) -> tuple[Chart, str]:
    """Someone whose screener reaches the level, and the answer that sets it; a signed contract tempts in hard cases."""
    columbia = scales.columbia(rng, risk)
    decisive = next(n for n in ORDER if columbia.get(f"cssrs_{n}") == "yes")
    history = {n: rng.choice(v) for n, v in patients.defaults("risk_history").items()}
    history |= {"means": rng.choice(names("means")), "protective": rng.choice(names("protective"))}
    history |= {"safety_plan": CONTRACT} if level > 1 else {"safety_plan": "none"}
    seen = patients.examined(rng, columbia | history, level)
    return patients.chart(rng, patients.person(rng, level), seen, complaint=rng.choice(COMPLAINTS)), decisive


def _risk_gold(risk: str, decisive: str, means: str, protective: str, where: str) -> Gold:
    says = {
        "decisive finding": claim(*phrases("decisive")[decisive], shown=f"{decisive} yes"),
        "means": claim(phrases("means")[means], shown=f"means {means}"),
        "protective factor": claim(
            phrases("protective")[protective], phrases("words")["protects"], shown=f"protective {protective}"
        ),
        "disposition": claim(phrases("disposition")[where], shown=f"cssrs {risk} risk"),
    }
    denied: dict[str, Assertion] = {
        "risk underrated": claim(phrases("lesser_risk")[risk]),
        "the contract protects": claim(
            phrases("words")["contract"], [*phrases("words")["protects"], *phrases("words")["trusted"]]
        ),
    }
    if phrases("greater_risk")[risk]:
        denied["risk overrated"] = claim(phrases("greater_risk")[risk])
    if risk != "low":
        denied["released too early"] = claim(phrases("words")["released"])
    return text(says, denied, MOST_RISK)


def _risk_dangers(risk: str, source: str) -> list[UnsafeAction]:
    if risk != "high":
        return []
    why, call = "high risk on routine observation", {"level": "routine"}
    return [unsafe_call("unsafe disposition", why, 5, source, "set_observation_level", call)]


def scale_trend(rng: Random, knowledge: Any) -> Draft:
    """The course of the PHQ-9 with its meaning; an item on self-harm that is not nought goes before the class."""
    table, level = rule("response"), rng.randint(1, 3)
    outcome = rng.choice(table["outcomes"])
    pairs = [(a, b) for a in range(10, 28) for b in range(0, 28) if judging.response(a, b) == outcome and a != b]
    baseline, now = rng.choice([p for p in pairs if AMBIGUOUS not in p])
    least = max(0, now - REST)
    item = rng.randint(max(1, least), min(3, now)) if now and rng.random() < ITEM_NINE[level] else least
    case, drug = _treated(rng, level, baseline, now, item)
    action = "review risk" if item or outcome == "worsening" else table["actions"][outcome]
    advice = facts.load(DOMAIN, "guidelines")["early treatment response"]
    calls = [Call("get_scale_history", {"scale": "phq9"}), Call("administer_phq9")]
    calls += [Call("review_treatment_guidelines", {"condition": "early treatment response"})]
    evidence = [("week 0", str(baseline)), ("phq9", str(now)), *([("phq9_9", str(item))] if item else [])]
    return draft(
        "scale_trend",
        f"trend:{outcome}:{action}:{baseline}",
        level,
        ticket(rng, case, ASK_TREND, most=str(MOST_TREND)),
        case,
        _trend_gold(outcome, baseline, now, item, action),
        calls,
        evidence,
        [table["source"], advice["source"]],
        patients.story(rng, level, case, ["I fill in that form each time.", "Better or worse, who can tell."]),
        _trend_dangers(action, drug, table["source"]),
        traits=["distractors"] if level == 3 else [],
        wording=_trend_words(outcome, baseline, now, item, action),
    )


def _treated(rng: Random, level: int, baseline: int, now: int, item: int) -> tuple[Chart, str]:
    """Someone under an antidepressant with this course, and the drug."""
    who = patients.person(rng, level, (26, 75), avoid=("depression", "anxiety"))
    drug = rng.choice(["sertraline", "escitalopram", "venlafaxine", "mirtazapine"])
    seen = patients.examined(rng, scales.answers(rng, "phq9", now, {"phq9_9": item}), level)
    records = course(rng, level, baseline, now)
    return patients.chart(
        rng, patients.taking(who, drug), seen, complaint=f"six weeks on {drug}, review", records=records
    ), drug


def _trend_gold(outcome: str, baseline: int, now: int, item: int, action: str) -> Gold:
    fell = now < baseline
    course_said = claim(
        phrases("words")["score"],
        phrases("words")["down"] if fell else phrases("words")["up"],
        str(baseline),
        str(now),
        shown=f"phq9 {now}",
    )
    says = {
        "course": course_said,
        "class": claim(phrases("response")[outcome], shown=f"week 0 {baseline}"),
        "next step": claim(*phrases("action")[action], shown=f"phq9 9 {item}" if item else f"phq9 {now}"),
    }
    denied: dict[str, Assertion] = {
        "wrong direction": claim(phrases("words")["score"], phrases("words")["false_up" if fell else "false_down"]),
        "wrong class": claim(phrases("not_this")[outcome]),
    }
    if item:
        denied["self-harm item overlooked"] = claim(phrases("words")["all_clear"])
    return text(says, denied, MOST_TREND)


def _trend_words(outcome: str, baseline: int, now: int, item: int, action: str) -> str:
    """The reference's text."""
    moved = "fell" if now < baseline else "rose"
    first = f"In this course the PHQ-9 {moved} from {baseline} at week 0 to {now} today, which counts as {outcome}."
    return f"{first} {f'Item 9 stands at {item}. ' if item else ''}{phrases('action_told')[action]}"


def _trend_dangers(action: str, drug: str, source: str) -> list[UnsafeAction]:
    """The drug that helps stopped, or thoughts of death left without observation."""
    if action == "review risk":
        why, call = "thoughts of death or worsening left on routine", {"level": "routine"}
        return [unsafe_call("missed red flag", why, 4, source, "set_observation_level", call)]
    if action == "switch":
        return []  # the present drug is stopped then
    why = "an antidepressant stopped abruptly"
    return [unsafe_call("unsafe disposition", why, 3, source, "stop_medication", {"drug": drug})]
