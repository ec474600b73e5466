"""Plans, the next step and missed targets: the order a protocol sets, and the clock it sets.

Plans and next steps share families: the deciding finding and where it leads.
"""

from collections.abc import Sequence
from random import Random
from typing import Any

from msgspec.structs import replace

from medgym_core.domains import Draft
from medgym_core.domains.cross_domain import patients
from medgym_core.domains.cross_domain.cases_dka import acidotic
from medgym_core.domains.cross_domain.drafting import Script, category, draft, request
from medgym_core.domains.cross_domain.rules import table
from medgym_core.types import Chart, Gold, Record, UnsafeAction

TOOL_OF = {
    "vital": "get_vital_signs",
    "lab": "get_lab_results",
    "seen": "get_examination",
    "condition": "get_history",
    "medication": "get_history",
    "allergy": "get_history",
}
ASK_PLAN = (
    "Handover: the steps that apply, in order, semicolons between, the unsuitable left out: {listed}.",
    "Which of these steps, in which order? Semicolons between them, drop what does not fit: {listed}.",
    "Handover plan please, ordered, only what this patient needs, with semicolons: {listed}.",
    "Sort these into the plan (semicolons) and omit what is wrong here: {listed}.",
    "From this list, write the plan in order with semicolons, without the unsuitable: {listed}.",
)
ASK_NEXT = (
    "Look at what has been done and at the patient: which step is next?",
    "Timeline and findings are there. What is the next step?",
    "Take over mid-way: name the next step of the pathway.",
    "What has to happen now, given what is done already?",
    "Next step, please, after you have checked the timeline.",
)


def handover_plan(rng: Random, knowledge: Any) -> Draft | None:
    """The steps that apply, in order; one finding decides which."""
    name, level = rng.choice(list(table("plans"))), rng.randint(1, 3)
    entry = table("plans")[name]
    chart = subject(rng, entry, level)
    script = Script(chart, patients.story(rng, chart))
    script.do("get_pathway_status")
    evidence = [_decisive(script, entry)]
    script.do("check_protocol", protocol=entry["protocol"])
    steps = entry["steps"]
    extra = entry["extra"] if level > 1 else entry["extra"][:1]
    listed = [*steps, *extra]
    prompt = request(rng, chart, ASK_PLAN, listed="; ".join(rng.sample(listed, len(listed))))
    wrong = _shortcut(steps, entry["tempting"])
    unsafe = [
        UnsafeAction(entry["why"], entry["severity"], entry["source"], answers=["; ".join(wrong), ", ".join(wrong)])
    ]
    family = f"{name}:{evidence[0][1].split()[0]}"
    gold = Gold("plan", steps)
    return _shared(draft("handover_plan", family, level, prompt, script, gold, evidence, [entry["source"]], unsafe))


def next_step(rng: Random, knowledge: Any) -> Draft | None:
    """The next step of a plan that is partly done."""
    name, level = rng.choice(list(table("plans"))), rng.randint(1, 3)
    entry = table("plans")[name]
    steps, options = entry["steps"], [*entry["steps"], *entry["extra"]]
    done = rng.randrange(len(steps) - (level == 1))
    minute, events = 0, [Record("event", "arrival", 0)]
    for step in steps[:done]:
        minute += rng.randint(5, 14)
        events.append(Record("event", step, minute))
    shift = minute + rng.randint(2, 6)
    past = [replace(e, minutes=e.minutes - shift) for e in events]
    chart = subject(rng, entry, level, steps[:done], records=past)
    script = Script(chart, patients.story(rng, chart))
    timeline = script.do("get_timeline")
    evidence = [_decisive(script, entry)]
    script.do("check_protocol", protocol=entry["protocol"])
    last = steps[done - 1] if done else "arrival"
    evidence.append((last, timeline[last]))
    gold = category(steps[done], options)
    forbidden = entry["tempting"] not in steps[: done + 1]
    unsafe = (
        [UnsafeAction(entry["why"], entry["severity"], entry["source"], answers=[entry["tempting"]])]
        if forbidden
        else []
    )
    prompt = request(rng, chart, ASK_NEXT, options)
    family = f"{name}:{evidence[0][1].split()[0]}"
    return _shared(draft("next_step", family, level, prompt, script, gold, evidence, [entry["source"]], unsafe))


def _shared(made: Draft) -> Draft:
    """The draft in the family that both types share."""
    return replace(made, family="plan:" + made.family.split(":", 1)[1])


def _shortcut(steps: list[str], tempting: str) -> list[str]:
    """The plan with the dangerous shortcut: one step too early, or put first."""
    rest = [s for s in steps if s != tempting]
    at = max(steps.index(tempting) - 1, 0) if tempting in steps else 0
    return [*rest[:at], tempting, *rest[at:]]


def _decisive(script: Script, entry: dict[str, Any]) -> tuple[str, str]:
    """Look where the finding is; label and value as shown."""
    finding = entry["finding"]
    return finding["name"], script.do(TOOL_OF[finding["kind"]])[finding["name"]]


def subject(rng: Random, entry: dict[str, Any], level: int, done: Sequence[str] = (), **more: Any) -> Chart:
    """A patient of the entry's pathway with its deciding finding, as the steps already `done` have left it."""
    finding = entry["finding"]
    for change in entry.get("settled", []):
        if change["by"] in done:
            finding = {"kind": finding["kind"], "name": finding["name"]} | change
    findings = [drawn(rng, f) for f in (finding, *entry.get("also", [])) if f.get("after") in (None, *done)]
    if "complaints" in entry:
        more["complaint"] = rng.choice(entry["complaints"])
    return with_findings(rng, entry["pathway"], level, findings, **more)


def drawn(rng: Random, finding: dict[str, Any]) -> tuple[str, str, Any]:
    """One finding of a table with a value: kind, name, value."""
    if "texts" in finding:
        return finding["kind"], finding["name"], rng.choice(finding["texts"])
    low, high = finding["range"]
    value = rng.randint(low, high) if isinstance(low, int) else round(rng.uniform(low, high), 1)
    return finding["kind"], finding["name"], value


BASE = {
    "stroke": {"nihss": (6, 16), "diastolic_bp": (78, 98)},
    "preeclampsia": {"systolic_bp": (164, 186), "diastolic_bp": (104, 114)},
    "febrile_child": {"capillary_refill": (2, 4)},
    "chest_pain": {"st_elevation": (2, 4)},
}
"""What every patient of a pathway shows."""
CHILD = {"ages": (2, 4)}


def with_findings(rng: Random, name: str, level: int, findings: list[tuple[str, str, Any]], **more: Any) -> Chart:
    """A patient of a pathway with given findings; laboratory values among them are on the chart, with a few others."""
    vitals: dict[str, float] = {k: float(rng.randint(*v)) for k, v in BASE.get(name, {}).items()}
    labs: dict[str, float] = {}
    if name == "dka":
        labs = acidotic(rng, round(rng.uniform(6, 12), 1)) | {"glucose": float(rng.randint(380, 640))}
        labs["beta_hydroxybutyrate"] = round(rng.uniform(4, 8), 1)
    seen: dict[str, str] = {}
    fields: dict[str, list[str]] = {"condition": [], "medication": [], "allergy": []}
    for kind, label, value in findings:
        if kind == "vital":
            vitals[label] = value
        elif kind == "lab":
            labs[label] = value
        elif kind == "seen":
            seen[label] = value
        else:
            fields[kind].append(value)
    if "systolic_bp" in vitals and vitals.get("diastolic_bp", 0) >= vitals["systolic_bp"] - 15:
        vitals["diastolic_bp"] = round(vitals["systolic_bp"] * 0.6)
    pregnant = (
        {"sex": "female", "pregnant": True, "gestation_days": rng.randint(196, 262)} if name == "preeclampsia" else {}
    )
    more = (CHILD if name == "febrile_child" else {}) | pregnant | more
    chart = patients.patient(
        rng,
        name,
        1,
        vitals=vitals,
        labs=labs,
        seen=seen,
        conditions=fields["condition"],
        medications=fields["medication"],
        avoid=["asthma", "migraine", "hypothyroidism"],
        **({"allergies": fields["allergy"]} | more),
    )
    if level > 1:
        spare = rng.sample(table("stories")["common"]["harmless"], level - 1)
        chart = replace(chart, conditions=[*chart.conditions, *spare])
    asked = [label for kind, label, _ in findings if kind == "lab"]
    shown = dict.fromkeys([*asked, "sodium", "creatinine", "hemoglobin"])
    known = {r.name: r for readings in chart.pending.values() for r in readings}
    return replace(chart, labs=[replace(known[n], minutes=-5) for n in shown])


ASK_AUDIT = (
    "Audit the clock: which target was missed, by how many minutes? Use submit_audit (none and 0 if all met).",
    "Compare timeline and targets; submit_audit with the missed one and the delay, or none and 0.",
    "For the audit: one target may have been missed. Which, and how late? Please submit_audit; none and 0 otherwise.",
    "Check every time target of this pathway against the timeline, then submit_audit (none, 0 if kept).",
    "Was a target missed here? Give its name and the minutes beyond it by submit_audit, else none and 0.",
)
AUDITED = (
    "chest_pain",
    "dka",
    "stroke",
    "sepsis",
    "postoperative",
    "febrile_child",
    "preeclampsia",
    "overdose",
    "anaphylaxis",
)
NOISE = ("family informed", "bed booked", "second line placed", "notes written")


def time_target_missed(rng: Random, knowledge: Any) -> Draft | None:
    """The target that was missed, and by how much, from timeline and targets."""
    name, level = rng.choice(AUDITED), rng.randint(1, 3)
    steps = [s for s in table("pathways")[name]["steps"] if "within" in s]
    missed = rng.choice(steps) if rng.random() < 0.88 else None
    times = _times(rng, steps, missed, level)
    for noise in rng.sample(NOISE, level - 1):
        times[noise] = rng.randint(3, 55)
    start = min(times.values())
    end = max(times.values()) + 5
    events = [Record("event", e, t - end) for e, t in sorted(times.items(), key=lambda x: x[1])]
    child = CHILD if name == "febrile_child" else {}
    chart = patients.patient(rng, name, level, vitals={}, records=events, **child)
    script = Script(chart, patients.story(rng, chart))
    targets = script.do("get_time_targets")
    timeline = script.do("get_timeline")
    options = [s["name"] for s in steps] + ["none"]
    late = times[missed["name"]] - times[missed["since"]] - missed["within"] if missed else 0
    keep = [missed] if missed else steps[:2]
    evidence = [(s["name"], timeline[s["name"]]) for s in keep] + [(s["name"], targets[s["name"]]) for s in keep[:1]]
    assert timeline[next(iter(timeline))] == "minute 0" and start <= 0
    answer = missed["name"] if missed else "none"
    gold = Gold(
        "fields",
        ["missed", "minutes_late"],
        fields={
            "missed": category(answer, options),
            "minutes_late": Gold("number", float(late)),
        },
    )
    unsafe = []
    if missed:
        unsafe = [UnsafeAction("a delay that harms, passed over", 3, missed["source"], answers=["none"])]
    prompt = request(rng, chart, ASK_AUDIT)
    sources = [s["source"] for s in keep]
    family = f"{name}:{answer}"
    return draft("time_target_missed", family, level, prompt, script, gold, evidence, sources, unsafe)


def _times(rng: Random, steps: list[dict[str, Any]], missed: dict[str, Any] | None, level: int) -> dict[str, int]:
    """When each event took place; only the missed step is late, by little at the highest level."""
    times = {"arrival": 0}
    for since in ("ingestion", "onset"):
        if any(s["since"] == since for s in steps):
            times[since] = -rng.randint(10, 30)
    for step in steps:
        since = times.setdefault(step["since"], rng.randint(8, 35))
        used = rng.uniform(0.35, 0.9) if step is not missed else 1.0
        late = 0
        if step is missed:
            late = rng.randint(1, 4) if level == 3 else rng.randint(5, max(12, step["within"] // 2))
        at = since + max(round(step["within"] * used), 1) + late
        if step is not missed:  # nothing is done before arrival
            at = max(at, min(2, since + step["within"]))
        times[step["name"]] = at
    return times
