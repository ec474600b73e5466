"""Cases of talk and order: a red flag that only the history shows, and which problem comes first.

From level 2 on the patient first evades the question that matters; at level 3 somebody has already named a cause.
"""

from random import Random
from typing import Any

import msgspec

from medgym_core.domains import Draft
from medgym_core.domains.clinical_diagnosis import patients, stories, tables, traps
from medgym_core.domains.clinical_diagnosis.drafting import draft, either, handed_over, request, seen, shuffled
from medgym_core.domains.clinical_diagnosis.looking import newest
from medgym_core.tools import number
from medgym_core.types import Call, Gold, Step, Story, Trait, UnsafeAction

NO_FLAG = "no red flag"
FLAG = (
    "Nothing on examination. Ask what matters and tell me what to suspect: {options}.",
    "The examination is unremarkable. By history alone, which is it, {options}?",
    "Please take the history for red flags and choose: {options}.",
    "Can this one go home? Ask, then name what you suspect: {options}.",
    "Only the history can tell. Is it {options}?",
    "Vital signs are fine. Talk until you know which to act on: {options}.",
)
FIRST = (
    "Which problems are there, and in what order do we treat them? Possible: {options}. List only those present.",
    "Put the problems of this patient in order of treatment. To choose from: {options}; leave out what is not there.",
    "Hand-over in one minute: order the present problems by ABCDE. Candidates: {options}.",
    "Look first, then list by priority what is really there of {options}.",
    "Name what comes first, second, third among {options}. Some are not present.",
    "You have two hands: what do you treat first and what after, of {options}? Leave out what you do not find.",
)


def red_flag(rng: Random, knowledge: Any) -> Draft | None:
    """The decisive fact is told only when asked for; sometimes there is none."""
    level = rng.randint(1, 3)
    name = rng.choice(list(tables.table("red_flags")))
    e = tables.table("red_flags")[name]
    flag = rng.choice([*e["flags"], None])
    ages = flag.get("ages", e["ages"]) if flag else e["ages"]
    who = patients.person(rng, level, ages, e.get("sex", ""), comorbid=min(level - 1, 1))
    chart = patients.chart(
        who, complaint=rng.choice(e["complaints"]), vitals=patients.vital_signs(rng, who, {}, earlier=level - 1),
        observations=patients.examined(rng, {}, level - 1),
        records=patients.records(rng, who["age"], level),
    )  # fmt: skip
    told = {t["key"]: [t["no"]] for t in e["topics"]}
    if flag:
        told[e["topics"][flag["topic"]]["key"]] = [flag["says"]]
    story = stories.story(rng, chart, told, stories.TALKATIVE if flag else stories.READY)
    wanted = _asked_of(rng, e, flag)
    if level > 1:
        story = _evading(story, wanted[-1]["key"], rng.choice(traps.EVASIVE))
    calls = [c for t in wanted for c in stories.asked(t["ask"], story.persona)]
    calls += calls[-1:] if level > 1 else []
    steps = [Step("say", {"topic": t["key"]}) for t in wanted if flag is None or t is e["topics"][flag["topic"]]]
    evidence = [_split(flag["evidence"])] if flag else [_split(t["evidence"]) for t in wanted]
    answer = flag["is"] if flag else NO_FLAG
    options = shuffled(rng, answer, [*(f["is"] for f in e["flags"]), NO_FLAG], most=5)
    if NO_FLAG not in options:
        options[next(i for i, o in enumerate(options) if o != answer)] = NO_FLAG
    unsafe = [UnsafeAction("a red flag sent home", flag["severity"], e["source"], answers=[NO_FLAG],
                           category="missed red flag")] if flag else []  # fmt: skip
    traits: list[Trait] = ["atypical"] if level > 1 else []
    if level == 3:
        chart, found = handed_over(rng, chart, options, answer)
        traits += found
    prompt = request(rng, chart, FLAG, options=either(options))
    return draft("red_flag", f"flag:{name}:{answer}", level, prompt, chart, Gold("category", answer, options=options),
                 calls, evidence, [e["source"]], unsafe, story, steps, traits=traits)  # fmt: skip


def _evading(story: Story, topic: str, words: str) -> Story:
    """The same story, but the topic first gets an answer that is none."""
    return msgspec.structs.replace(story, topics=story.topics | {topic: [words, *story.topics[topic]]})


def _asked_of(rng: Random, e: dict[str, Any], flag: dict[str, Any] | None) -> list[dict[str, Any]]:
    """The topics the reference asks: all without a flag, otherwise one more and the one that tells."""
    if flag is None:
        return list(e["topics"])
    telling = e["topics"][flag["topic"]]
    return [rng.choice([t for t in e["topics"] if t is not telling]), telling]


def _split(words: str) -> tuple[str, str]:
    """A phrase of the patient as label and value; together they stand in the answer."""
    first, _, rest = words.partition(" ")
    return first, rest


def priority(rng: Random, knowledge: Any) -> Draft | None:
    """Which problems are present, and their order by ABCDE; at higher levels there are more of them."""
    level = rng.randint(1, 3)
    known = tables.table("priorities")
    last = max(e["rank"] for e in known.values())
    grave = [k for k, e in known.items() if e["rank"] < last]
    minor = [k for k, e in known.items() if e["rank"] == last]
    ranks = rng.sample(sorted({known[k]["rank"] for k in grave}), 2 if level == 1 else 3)
    present = [rng.choice([k for k in grave if known[k]["rank"] == r]) for r in sorted(ranks)] + [rng.choice(minor)]
    spans = {n: s for k in present for n, s in known[k].get("vitals", {}).items()}
    labs = {n: s for k in present for n, s in known[k].get("labs", {}).items()}
    exam = {r: f for k in present for r, f in known[k].get("exam", {}).items()}
    spans = QUIET_VITALS | spans
    who = patients.person(rng, level, (24, 80), comorbid=min(level - 1, 1), avoid=("type 2 diabetes",))
    chart = patients.chart(
        who, complaint=rng.choice(COMPLAINTS), vitals=patients.vital_signs(rng, who, spans, earlier=level - 1),
        labs=patients.results(rng, who, ["bmp"], patients.values(rng, labs)),
        observations=patients.examined(rng, exam, 0, spans),
        records=patients.records(rng, who["age"], level),
    )  # fmt: skip
    calls, evidence = _looked(chart, present)
    story = stories.story(rng, chart, stories.plain_topics(rng))
    absent = rng.sample([k for k in grave if k not in present], MOST_OFFERED - len(present))
    names = [known[k]["name"] for k in present]
    offered = [*names, *(known[k]["name"] for k in absent), known[rng.choice(minor)]["name"]]
    offered = list(dict.fromkeys(offered))
    rng.shuffle(offered)
    source = known[present[0]]["source"]
    late = {f"{names[-1]} seen to first": [names[-1], *names[:-1]],
            f"{names[1]} seen to before {names[0]}": [names[1], names[0], *names[2:]]}  # fmt: skip
    unsafe = [UnsafeAction(why, 4, source, answers=["; ".join(plan)], category="unsafe disposition")
              for why, plan in late.items()]  # fmt: skip
    prompt = request(rng, chart, FIRST, options=either(offered))
    return draft("priority", f"first:{':'.join(present[:-1])}", level, prompt, chart, Gold("plan", names), calls,
                 evidence, [source], unsafe, story, traits=["distractors"])  # fmt: skip


QUIET_VITALS: dict[str, patients.Range] = {
    "systolic_bp": (118, 138), "spo2": (95, 99), "heart_rate": (66, 92), "respiratory_rate": (12, 17),
    "temperature": (36.3, 37.2),
}  # fmt: skip
"""Vital signs without a problem of their own."""
MOST_OFFERED = 6
COMPLAINTS = ("a fall from a bicycle", "being found in the garden", "feeling very ill", "a collapse at the market",
              "an accident at home", "weakness and pain")  # fmt: skip


def _looked(chart: Any, present: list[str]) -> tuple[list[Call], list[tuple[str, str]]]:
    """The calls that show the problems, and one finding of each."""
    known = tables.table("priorities")
    calls: list[Call] = [Call("get_vital_signs")]
    evidence = []
    for key in present:
        e = known[key]
        if "exam" in e:
            region, finding = next(iter(e["exam"].items()))
            calls.append(Call("perform_physical_exam", {"region": region}))
            evidence.append((region, finding))
        elif "labs" in e:
            name = next(iter(e["labs"]))
            calls.append(Call("get_lab_results", {"category": name}))
            evidence.append((name, seen(chart, calls[-1])[name].split()[0]))
        else:
            name = next(iter(e["vitals"]))
            evidence.append((name, number(newest(chart.vitals)[name].value)))
    return calls, evidence
