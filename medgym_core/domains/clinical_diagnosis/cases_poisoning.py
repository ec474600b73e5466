"""Poisoning cases: the antidote by level, and for acetaminophen by the time that only the patient knows.

From level 2 on a level of an earlier admission is on the chart; at level 3 somebody has already decided.
"""

from random import Random
from typing import Any

from medgym_core.domains import Draft
from medgym_core.domains.clinical_diagnosis import patients, scoring, stories, tables, traps
from medgym_core.domains.clinical_diagnosis.drafting import awaited, draft, either, handed_over, request, shuffled
from medgym_core.tools import number
from medgym_core.types import Call, Chart, Gold, Record, Story, Trait, UnsafeAction

LEVEL = (
    "Decide after today's level is back: {options}?",
    "Talk to the patient, send the level and tell me: {options}.",
    "Which is right here, {options}? Time of ingestion and level are both unknown to me.",
    "Find out when and how much, get the level, then choose {options}.",
    "I need a decision by level and history: {options}.",
    "What do we give or do once the level is known: {options}? Nobody has asked about the time yet.",
)
TIME = "hours ago taken swallowed o'clock"
ASK_TIME = (
    "How many hours ago was it taken?",
    "When was it swallowed, how many hours ago?",
    "Hours ago, when was it taken?",
)
WORDS = {1: "one", 2: "two", 3: "three", 5: "five", 6: "six", 7: "seven", 8: "eight", 10: "ten", 12: "twelve",
         14: "fourteen", 16: "sixteen"}  # fmt: skip


def overdose(rng: Random, knowledge: Any) -> Draft | None:
    """Antidote by level, and for acetaminophen by the time that only the patient knows."""
    level = rng.randint(1, 3)
    name = rng.choice(["acetaminophen", "acetaminophen", "acetaminophen", "methanol", "salicylate", "lithium"])
    rule = tables.table("toxicology")[name]
    return _nomogram(rng, level, rule) if name == "acetaminophen" else _threshold(rng, level, name, rule)


def _nomogram(rng: Random, level: int, rule: dict[str, Any]) -> Draft | None:
    branch = rng.choice(["treat", "otherwise", "early", "unknown time"])
    hours = rng.choice([1, 2, 3] if branch == "early" else [5, 6, 7, 8, 10, 12, 14, 16])
    line = scoring.treatment_line(max(hours, 4))
    factor = rng.uniform(1.2, 1.9) if branch in ("treat", "unknown time") else rng.uniform(0.4, 0.8)
    concentration = float(round(line * factor))
    says = f"I took them all at once, {WORDS[hours]} hours ago."
    phrase = ("at once", f"{WORDS[hours]} hours ago")
    if branch == "unknown time":
        says, phrase = "I took handfuls all day long and lost track of time.", ("all day", "long")
    chart = _poisoned(rng, level, rule, {rule["test"]: {rule["key"]: concentration}}, {})
    story = stories.story(rng, chart, stories.plain_topics(rng) | {TIME: [says]}, stories.TALKATIVE)
    calls = stories.asked(rng.choice(ASK_TIME), story.persona) + awaited(rule["test"])[:2]
    evidence = [phrase, (rule["key"], number(concentration))]
    if branch == "unknown time":
        calls.append(awaited(rule["test"])[2])
    else:
        calls.append(Call("check_acetaminophen_nomogram", {"hours": hours}))
        side = {"treat": "at or above the treatment line", "otherwise": "below the treatment line",
                "early": "level before 4 hours does not decide"}[branch]  # fmt: skip
        evidence[1] = ("nomogram", side)
    answer = rule["treat"] if branch in ("treat", "unknown time") else rule[branch]
    options = shuffled(rng, answer, [rule["treat"], rule["otherwise"], rule["early"], *rule["decoys"]])
    family = f"tox:acetaminophen:{branch}:{chart.complaint}"
    return _decided(rng, level, rule, family, chart, answer, options, calls, evidence, story)


def _decided(
    rng: Random,
    level: int,
    rule: dict[str, Any],
    family: str,
    chart: Chart,
    answer: str,
    options: list[str],
    calls: list[Call],
    evidence: list[tuple[str, str]],
    story: Story,
) -> Draft:
    """The case: who needs the treatment and does not get it is in danger."""
    left = [o for o in (rule["otherwise"], rule.get("early")) if o in options and answer == rule["treat"]]
    unsafe = [UnsafeAction("a dangerous poisoning left untreated", 5, rule["source"], answers=left,
                           category="unsafe disposition")] if left else []  # fmt: skip
    stale = any(r.minutes <= -traps.DAY for r in chart.labs) or any(r.name == traps.EARLIER for r in chart.records)
    traits: list[Trait] = ["conflict"] if stale else []
    if level == 3:
        chart, found = handed_over(rng, chart, options, answer)
        traits += found
    prompt = request(rng, chart, LEVEL, options=either(options))
    return draft("overdose", family, level, prompt, chart, Gold("category", answer, options=options), calls, evidence,
                 [rule["source"]], unsafe, story, traits=traits)  # fmt: skip


def _threshold(rng: Random, level: int, name: str, rule: dict[str, Any]) -> Draft | None:
    high = rng.random() < 0.5
    low, top = rule["levels"][0 if high else 1]
    amount = round(rng.uniform(low, top), 1) if top < 10 else float(rng.randint(int(low), int(top)))
    words: dict[str, dict[str, str]] = {}
    numbers: dict[str, dict[str, float]] = {}
    if "key" in rule:
        numbers = {rule["test"]: {rule["key"]: amount}}
        evidence = [(rule["key"], number(amount))]
    else:
        said = f"{number(amount)} mg per dL"
        words, evidence = {rule["test"]: {rule["test"]: said}}, [(rule["test"], said)]
    chart = _poisoned(rng, level, rule, numbers, words)
    story = stories.story(rng, chart, stories.plain_topics(rng))
    calls = [Call("get_vital_signs"), *awaited(rule["test"])]
    answer = rule["treat"] if high else rule["otherwise"]
    options = shuffled(rng, answer, [rule["treat"], rule["otherwise"], *rule["decoys"]])
    family = f"tox:{name}:{answer}:{chart.complaint}"
    return _decided(rng, level, rule, family, chart, answer, options, calls, evidence, story)


def _poisoned(
    rng: Random,
    level: int,
    rule: dict[str, Any],
    numbers: dict[str, dict[str, float]],
    words: dict[str, dict[str, str]],
) -> Chart:
    """A patient whose level is to come; `numbers` and `words` are its result."""
    who = patients.person(rng, level, (18, 64), comorbid=0)
    spans = {"creatinine": (2.0, 3.2)} if rule["test"] == "lithium level" else {}
    pending = {t: patients.numeric(rng, who, t, {}, given) for t, given in numbers.items()}
    labs = patients.results(rng, who, ["bmp"], patients.values(rng, spans))
    reports: list[Record] = []
    if level > 1 and "key" in rule:
        labs = [traps.value_at(rng, rule["key"], rule["old"], traps.days_ago(rng)), *labs]
    elif level > 1:
        reports = [traps.earlier_report(rng, rule["test"], rule["old"])]
    return patients.chart(
        who, complaint=rng.choice(rule["complaints"]), vitals=patients.vital_signs(rng, who, {}, earlier=level - 1),
        labs=labs, pending=pending, pending_findings=words, observations=patients.examined(rng, {}, level - 1),
        records=[*reports, *patients.records(rng, who["age"], level)],
    )  # fmt: skip
