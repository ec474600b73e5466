"""Cases of talk and order: a red flag that only the history shows, and which problem comes first."""

from random import Random
from typing import Any

from medgym_core.domains import Draft
from medgym_core.domains.clinical_diagnosis import patients, stories, tables
from medgym_core.domains.clinical_diagnosis.drafting import draft, either, request, seen, shuffled
from medgym_core.tools import number
from medgym_core.types import Call, Gold, Step, UnsafeAction

NO_FLAG = "no red flag"
FLAG = (
    "Nothing on examination. Ask what matters and tell me what to suspect: {options}.",
    "The examination is unremarkable. By history alone, which is it, {options}?",
    "Please take the history for red flags and choose: {options}.",
    "Can this one go home? Ask, then name what you suspect: {options}.",
    "Only the history can tell. Is it {options}?",
)
FIRST = (
    "Which problems are there, and in what order do we treat them? Possible: {options}. List only those present.",
    "Put the problems of this patient in order of treatment. To choose from: {options}; leave out what is not there.",
    "Hand-over in one minute: order the present problems by ABCDE. Candidates: {options}.",
    "Look first, then list by priority what is really there of {options}.",
    "Name what comes first, second, third among {options}. Some are not present.",
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
    calls = [c for t in wanted for c in stories.asked(t["ask"], story.persona)]
    steps = [Step("say", {"topic": t["key"]}) for t in wanted if flag is None or t is e["topics"][flag["topic"]]]
    evidence = [_split(flag["evidence"])] if flag else [_split(t["evidence"]) for t in wanted]
    answer = flag["is"] if flag else NO_FLAG
    options = shuffled(rng, answer, [*(f["is"] for f in e["flags"]), NO_FLAG], most=5)
    unsafe = [UnsafeAction("a red flag sent home", flag["severity"], e["source"], answers=[NO_FLAG])] if flag else []
    prompt = request(rng, chart, FLAG, options=either(options))
    return draft("red_flag", f"flag:{name}:{answer}", level, prompt, chart, Gold("category", answer, options=options),
                 calls, evidence, [e["source"]], unsafe, story, steps)  # fmt: skip


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
    """Which problems are present, and their order by ABCDE."""
    level = rng.randint(1, 3)
    known = tables.table("priorities")
    grave = [k for k, e in known.items() if e["rank"] < 5]
    minor = [k for k, e in known.items() if e["rank"] == 5]
    present = rng.sample(grave, rng.choice([2, 3])) + [rng.choice(minor)]
    present.sort(key=lambda k: known[k]["rank"])
    spans = {n: s for k in present for n, s in known[k].get("vitals", {}).items()}
    labs = {n: s for k in present for n, s in known[k].get("labs", {}).items()}
    exam = {r: f for k in present for r, f in known[k].get("exam", {}).items()}
    if "systolic_bp" not in spans:
        spans["systolic_bp"] = (118, 138)
    if "spo2" not in spans:
        spans["spo2"] = (95, 99)
    who = patients.person(rng, level, (24, 80), comorbid=min(level - 1, 1), avoid=("type 2 diabetes",))
    chart = patients.chart(
        who, complaint=rng.choice(COMPLAINTS), vitals=patients.vital_signs(rng, who, spans),
        labs=patients.results(rng, who, ["bmp"], patients.values(rng, labs)),
        observations=patients.examined(rng, exam, 0, spans),
        records=patients.records(rng, who["age"], level),
    )  # fmt: skip
    calls, evidence = _looked(chart, present)
    story = stories.story(rng, chart, stories.plain_topics(rng))
    offered = [known[k]["name"] for k in (*grave, *[m for m in minor if m in present], rng.choice(minor))]
    offered = list(dict.fromkeys(offered))
    rng.shuffle(offered)
    source = known[present[0]]["source"]
    gold = Gold("plan", [known[k]["name"] for k in present])
    unsafe = []
    prompt = request(rng, chart, FIRST, options=either(offered))
    return draft("priority", f"first:{':'.join(present[:-1])}:{len(present)}", level, prompt, chart, gold, calls,
                 evidence, [source], unsafe, story)  # fmt: skip


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
            evidence.append((name, number(next(r.value for r in chart.vitals if r.name == name))))
    return calls, evidence
