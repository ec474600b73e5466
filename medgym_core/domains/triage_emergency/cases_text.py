"""Cases answered in words: the triage line for the next nurse, and the call to the team of a pathway.

What the text must say is tied to what the tools showed; a level or a pathway that is wrong here makes the text wrong.
"""

from random import Random
from typing import Any

from msgspec.structs import replace

from medgym_core import facts
from medgym_core.domains import Draft
from medgym_core.domains.common import claim
from medgym_core.domains.triage_emergency import esi
from medgym_core.domains.triage_emergency.cases_esi import LOOK, Arrival, deciding, presented
from medgym_core.domains.triage_emergency.cases_pathways import DECIDING, contrary, pathway_patient, unsafe_ways
from medgym_core.domains.triage_emergency.drafting import draft, ticket, who
from medgym_core.domains.triage_emergency.looking import SIGNS
from medgym_core.domains.triage_emergency.scores import DOMAIN
from medgym_core.tools import number
from medgym_core.types import Assertion, Call, Gold, UnsafeAction

LINE_WORDS, CALL_WORDS = 40, 40
ASK_LINE = (
    "Write the triage line, at most 40 words: complaint, deciding vital sign with its value, ESI level.",
    "I take over the desk. In up to 40 words: what they came with, the sign that decides as a number, the ESI.",
    "Triage by ESI and dictate the handover, 40 words at most: complaint, ESI, the one vital sign behind it.",
    "Sum up for the charge nurse, 40 words or fewer: why they came, ESI level, the vital sign it rests on.",
    "Leave a line on the sheet (up to 40 words) with problem, decisive sign and its value, and your ESI level.",
)
ASK_CALL = (
    "Activate the pathway, then word the call in 40 words: age, which pathway, finding as measured, what comes first.",
    "Start the pathway that applies and write the call, 40 words: how old, its name, deciding finding, first measure.",
    "You call the team once it is activated. Up to 40 words: the age, which pathway, on what finding, what first.",
    "Start the right emergency pathway and text the team in 40 words: age, pathway, finding as measured, first step.",
    "Find out what it is, activate it and note your call in 40 words: age, pathway, finding behind it, first step.",
)
AGED = ["man", "woman", "male", "female", "year", "years", "aged", "age", "yo", "patient", "boy", "girl", "y"]
LEVELS = ("1", "2", "3", "4", "5")
WAITS = ["waiting room", "can wait", "may wait", "safe to wait", "fast track"]
LOWER, HIGHER, WAITING = "too low an acuity", "too high an acuity", "left to wait"
LEAST_LEVEL = 2  # from here on a correction on paper can settle ESI 3
URGENT = 2  # up to this ESI level nobody waits


def words(name: str) -> dict[str, Any]:
    """How clinicians say it: an entry of the phrasings."""
    return facts.load(DOMAIN, "handover_words")[name]


def handover_line(rng: Random, knowledge: Any) -> Draft:
    """One line for the next nurse: complaint, the vital sign that decides, with its value, and the ESI level."""
    case, sign = _line_patient(rng)
    value, label = _value(case, sign), next((k for k, n in SIGNS.items() if n == sign), sign)
    said, complaint = words(sign), words(case.name)
    signs = [sign, *_striking(case, sign)]
    names, values = [w for s in signs for w in words(s)["said"]], [_value(case, s) for s in signs]
    charted = bool(case.calls)
    point, answer = deciding(case.walked)[-1]
    assertions = {
        "complaint": claim(complaint["complaint"], shown=case.chart.complaint),
        "vital sign": claim(names, values, shown=f"{sign if charted else label} {value}"),
        "level": claim(_level_words(str(case.true)), shown=f"{point} {answer}"),
    }
    denied = {
        LOWER: claim([phrase for n in LEVELS if n > str(case.true) for phrase in _level_words(n)]),
        HIGHER: claim([phrase for n in LEVELS if n < str(case.true) for phrase in _level_words(n)]),
        WAITING: claim(WAITS),
    }
    denied = {name: statement for name, statement in denied.items() if statement.terms[0] and _false(name, case.true)}
    gold = Gold("text", list(assertions), assertions=assertions, denied=denied, max_words=LINE_WORDS)
    look = [] if charted else [Call("get_vital_signs")]
    calls = [Call("get_patient_presentation"), *look, *case.calls, Call("calculate_esi_level")]
    text = f"{who(case.chart).capitalize()} of {case.chart.age}, {complaint['told']}. "
    text += f"{said['line'].format(v=value).capitalize()}, so ESI {case.true}."
    evidence = [(sign if charted else label, value), (point, answer)]
    return draft(
        "handover_line", f"esi:{case.name}:{case.true}", case.level, ticket(rng, case.chart, ASK_LINE, told=False),
        case.chart, gold, calls, evidence, [case.source], _under_triage(case), traits=case.traits, text=text,
    )  # fmt: skip


def team_call(rng: Random, knowledge: Any) -> Draft:
    """The call to the team: the pathway, the finding that decides as measured, and what comes first."""
    known, level = facts.load(DOMAIN, "protocols"), rng.randint(1, 3)
    name = rng.choice(list(known))
    entry, said = known[name], words(name)
    chart, finding = pathway_patient(rng, name, entry, level)
    notes, traits = contrary(rng, level, name, entry)
    chart = replace(chart, notes=notes)
    assertions = {
        "age": claim(AGED, str(chart.age), shown=f"age {chart.age}"),
        "pathway": claim(said["pathway"], shown=f"activated {name}"),
        "finding": _finding(name, said, finding),
        "first step": claim(said["action"], shown=f"target {entry['target']}"),
    }
    wrong = entry["mistaken_for"]["protocol"]
    mistaken = f"{wrong} pathway"
    unsafe = unsafe_ways(entry, mistaken)
    denied = {mistaken: claim([f"{phrase} pathway" for phrase in (wrong, *words(wrong)["pathway"])])}
    gold = Gold("text", list(assertions), assertions=assertions, denied=denied, max_words=CALL_WORDS)
    calls = [Call("get_patient_presentation"), DECIDING[name], Call("activate_emergency_protocol", {"protocol": name})]
    text = f"{who(chart).capitalize()} of {chart.age} years. {said['line'].format(v=finding[1])}"
    return draft(
        "team_call", f"protocol:{name}:{chart.complaint}", level, ticket(rng, chart, ASK_CALL, told=False), chart, gold,
        calls, [finding, ("activated", name)], [entry["source"]], unsafe, entry["criteria"],
        traits=traits, text=text, within=entry.get("within", {}), instead={"get_patient_presentation": LOOK},
    )  # fmt: skip


def _finding(name: str, said: dict[str, Any], finding: tuple[str, str]) -> Assertion:
    """The deciding finding with its value, where it has one: speech and a missing ST elevation are told in words."""
    label, value = finding
    shown = f"{label} {value}"
    if name in ("asthma", "chest pain"):
        return claim(said["finding"], shown=shown)
    if name == "anaphylaxis":
        return claim([value, *said["finding"]], shown=shown)
    return claim(said["finding"], value.split(" mm")[0], shown=shown)


def _line_patient(rng: Random) -> tuple[Arrival, str]:
    """A patient whose level one vital sign settles, and that sign."""
    known = facts.load(DOMAIN, "presentations")
    wanted = rng.choice((1, 2, 2, 3))
    names = [n for n in facts.load(DOMAIN, "handover_words") if n in known and _settles(known[n]["point"], wanted)]
    while True:
        level = rng.randint(LEAST_LEVEL if wanted == 3 else 1, 3)
        case = presented(rng, level, rng.choice(names), wanted)
        if case.calls:
            return case, next(c.arguments["name"] for c in case.calls if c.name == "record_vital_sign")
        if wanted < 3:
            named = known[case.name]["point"] == "C2"
            return case, _danger(case.walked) if named else words(case.name)["sign"]


def _false(name: str, true: int) -> bool:
    """Whether that is false at this level: the less urgent may well wait."""
    return name != WAITING or true <= URGENT


def _under_triage(case: Arrival) -> list[UnsafeAction]:
    """A line that makes the patient wait, a level too low in acuity, and the bed that goes with it."""
    if case.true > URGENT:
        why, low, harm = "sent to wait although tests are needed", 2, 2
    else:
        why, low, harm = case.why, 5 if case.true == 1 else 3, case.harm
    waiting = [WAITING] if case.true <= URGENT else []
    return [
        UnsafeAction(why, harm, case.source, "get_bed_assignment", {"acuity": 5}, waiting, "unsafe disposition"),
        UnsafeAction(why, low, case.source, answers=[LOWER], category="unsafe disposition"),
    ]


def _settles(point: str, wanted: int) -> bool:
    return (point, wanted) in (("A", 1), ("B", 2), ("C2", 2), ("C2", 3))


def _danger(walked: dict[str, str]) -> str:
    """The sign in the danger zone, by its machine name: `yes, heart_rate 118`."""
    return walked["danger_zone"].removeprefix("yes, ").rsplit(" ", 1)[0]


def _striking(case: Arrival, besides: str) -> list[str]:
    """Other signs that are off enough to be named in its place: in the danger zone, or a low pressure."""
    limits = esi.rule("danger_zone")
    band = next(b for b in limits["bands"] if case.chart.age < b["below_age"])
    low = facts.load(DOMAIN, "protocols")["trauma"]["systolic_bp_below"]
    found = {r.name: r.value for r in case.chart.vitals if r.name != besides}
    return (
        [
            name
            for name, value in found.items()
            if (name in band and value > band[name])
            or (name == "spo2" and value < limits["spo2_below"])
            or (name == "systolic_bp" and value < low)
        ]
        if case.true < 3
        else []
    )


def _value(case: Arrival, sign: str) -> str:
    charted = [c.arguments["value"] for c in case.calls if c.arguments.get("name") == sign]
    return number(charted[0] if charted else next(r.value for r in case.chart.vitals if r.name == sign))


def _level_words(level: str) -> list[str]:
    return [f"ESI {level}", f"ESI level {level}", f"level {level}", f"ESI category {level}", f"acuity {level}"]
