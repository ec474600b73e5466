"""Tasks from a FHIR R4 bundle, such as a Synthea patient: `case_from_bundle(bundle, seed)` gives drafts.

The bundle is read by the shared FHIR reader, which refuses a malformed one with the path of the bad element. Times are
moved so that the last entry lies at minute 0, and every encounter gets an id (E1, E2, ... in time) that the tools take
as `hadm_id`. Every answer is computed from the loaded chart; nothing is asked that the chart does not hold.
"""

from collections.abc import Iterator
from random import Random
from typing import Any

import msgspec

from medgym_core.clinical.fhir import from_bundle
from medgym_core.domains import Draft
from medgym_core.domains.common import submission
from medgym_core.domains.ehr_management.drafting import UNKNOWN, insufficient
from medgym_core.domains.ehr_management.results import change_of
from medgym_core.domains.ehr_management.rules import EVERYTHING, SPOKEN, stay_of
from medgym_core.domains.ehr_management.tools import TOOLS
from medgym_core.errors import MedGymError
from medgym_core.tools import World, by_name, number
from medgym_core.types import Call, Chart, Evidence, Gold, Reading, Record, Step, Truth

LABS_ASKED = 4
ROUNDING = 0.01  # share of a value that rounding may cost
SOURCE = "HL7, FHIR R4, 2019 (Observation, Condition, Immunization, AllergyIntolerance, Encounter)"
OPENINGS = (
    "Imported record, {age}-year-old {who}.",
    "A record came over from another hospital: {who}, {age} years.",
    "{who}, {age}, transferred with an electronic record.",
    "New patient with outside records, {who} of {age} years.",
    "From the exchange: record of a {age}-year-old {who}.",
)


def chart_of(source: dict[str, Any] | bytes | str) -> Chart:
    """The chart of a bundle, ending at minute 0, its encounters numbered. Raises MedGymError for a malformed bundle."""
    chart = from_bundle(source)
    times = [r.minutes for r in (*chart.labs, *chart.vitals)] + [r.ended or r.minutes for r in chart.records]
    shift = max(times, default=0)
    visits = sorted((r for r in chart.records if r.kind == "encounter"), key=lambda r: r.minutes)
    ids = {id(r): f"E{i}" for i, r in enumerate(visits, 1)}
    moved = [_moved(r, shift, ids.get(id(r), "")) for r in chart.records]
    return msgspec.structs.replace(
        chart,
        records=sorted(moved, key=lambda r: r.minutes),
        labs=[_earlier(r, shift) for r in chart.labs],
        vitals=[_earlier(r, shift) for r in chart.vitals],
    )


def _earlier(r: Reading, shift: int) -> Reading:
    return msgspec.structs.replace(r, minutes=r.minutes - shift)


def _moved(r: Record, shift: int, hadm_id: str) -> Record:
    values = r.values | ({"hadm_id": hadm_id} if hadm_id else {})
    ended = None if r.ended is None else r.ended - shift
    return msgspec.structs.replace(r, minutes=r.minutes - shift, ended=ended, values=values)


def case_from_bundle(source: dict[str, Any] | bytes | str, seed: int = 0) -> list[Draft]:
    """Tasks about the patient of a bundle. Raises MedGymError for a malformed bundle, naming the bad element."""
    chart = chart_of(source)
    rng = Random(f"{seed}/{chart.patient_id}")
    questions = (_labs, _changes, _vital, _problems, _allergies, _vaccine, _visit)
    return [draft for ask in questions for draft in ask(rng, chart)]


def _labs(rng: Random, chart: Chart) -> Iterator[Draft]:
    """The latest value of some tests over the whole record."""
    names = sorted({r.name for r in chart.labs})
    for name in rng.sample(names, min(LABS_ASKED, len(names))):
        latest = max((r for r in chart.labs if r.name == name), key=lambda r: r.minutes)
        ask = f"What is the latest {name.replace('_', ' ')}, in {_unit(latest)}? Look at the whole record."
        call = Call("get_lab_results", {"lab_name": name, "hadm_id": EVERYTHING})
        shown = float(number(latest.value))
        yield _draft(
            rng, chart, "imported_latest", name, ask, _number(shown, _unit(latest)), call, (name, number(shown))
        )


def _changes(rng: Random, chart: Chart) -> Iterator[Draft]:
    """First to last value of a test that was repeated."""
    names = sorted({r.name for r in chart.labs})
    repeated = [n for n in names if len({r.minutes for r in chart.labs if r.name == n}) > 1]
    for name in rng.sample(repeated, min(2, len(repeated))):
        found = sorted((r for r in chart.labs if r.name == name), key=lambda r: r.minutes)
        if len({r.unit for r in found}) > 1 or not (change := change_of(found)):
            continue
        ask = f"By how much did {name.replace('_', ' ')} change from the first to the last value of the whole record?"
        call = Call("get_lab_trend", {"lab_name": name, "hadm_id": EVERYTHING})
        gold = _number(float(number(change)), _unit(found[0]))
        yield _draft(rng, chart, "imported_change", name, ask, gold, call, ("change", number(change)))


def _vital(rng: Random, chart: Chart) -> Iterator[Draft]:
    """The latest systolic pressure."""
    found = [r for r in chart.vitals if r.name == "systolic_bp"]
    if found:
        last = max(found, key=lambda r: r.minutes)
        gold = _number(float(number(last.value)), "mmHg")
        call = Call("get_vital_signs", {"hadm_id": EVERYTHING})
        ask = "What was the last systolic pressure anyone recorded, in mmHg?"
        yield _draft(rng, chart, "imported_vital", "systolic_bp", ask, gold, call, ("systolic_bp", number(last.value)))


def _problems(rng: Random, chart: Chart) -> Iterator[Draft]:
    """How many problems are active."""
    shown = _tool("get_problem_list", chart)
    if shown["active_problems"] != "0":
        gold = Gold("number", float(shown["active_problems"]))
        ask, call = "How many problems are active?", Call("get_problem_list")
        evidence = ("active_problems", shown["active_problems"])
        yield _draft(rng, chart, "imported_problems", shown["active_problems"], ask, gold, call, evidence)


def _allergies(rng: Random, chart: Chart) -> Iterator[Draft]:
    """How many allergies are recorded; without a record, that this is not known."""
    ask = "How many allergies are recorded? If allergies were never recorded: insufficient: allergies."
    call = Call("check_allergies")
    if chart.allergies is None:
        gold, evidence = insufficient("allergies"), ("allergies", "not available")
    else:
        gold = Gold("number", float(len(chart.allergies)))
        evidence = ("allergies", _tool("check_allergies", chart)["allergies"].split(", ")[0])
    yield _draft(rng, chart, "imported_allergies", str(chart.allergies is None), ask, gold, call, evidence)


def _vaccine(rng: Random, chart: Chart) -> Iterator[Draft]:
    """How many doses of the most recent vaccine."""
    shown = _tool("get_immunization_history", chart)
    name, text = next(iter(shown.items()))
    if "doses" in text:
        ask, call = f"How many doses of {name} are recorded?", Call("get_immunization_history")
        doses = text.split(" ")[0]
        yield _draft(
            rng, chart, "imported_vaccine", name, ask, Gold("number", float(doses)), call, (name, f"{doses} doses")
        )


def _visit(rng: Random, chart: Chart) -> Iterator[Draft]:
    """What kind of encounter the last one was."""
    if not any(r.kind == "encounter" for r in chart.records):
        return
    last = stay_of(World(chart))
    name = " ".join((last.record.name if last.record else "").replace(";", ",").split())
    ask, call = f"What kind of encounter was {last.hadm_id}, as the record names it?", Call("get_admission_history")
    yield _draft(rng, chart, "imported_visit", name, ask, Gold("category", name), call, (last.hadm_id, name))


def _tool(name: str, chart: Chart) -> dict[str, str]:
    return by_name(TOOLS)[name].result(World(chart), {})


def _unit(r: Reading) -> str:
    return SPOKEN.get(r.unit, r.unit) or "as reported"


def _number(value: float, unit: str) -> Gold:
    return Gold("number", value, ROUNDING * abs(value), unit)


def _draft(
    rng: Random, chart: Chart, kind: str, what: str, ask: str, gold: Gold, call: Call, evidence: tuple[str, str]
) -> Draft:
    who = "woman" if chart.sex == "female" else "man"
    opening = rng.choice(OPENINGS).format(age=chart.age, who=who)
    found = [Evidence(*evidence)]
    if gold.value == "":
        raise MedGymError("nothing to ask", got=kind, expected="an answer on the chart", where=chart.patient_id)
    truth = Truth(gold, [Step(call.name, call.arguments)], found)
    answer = gold.value if isinstance(gold.value, str) else number(float(gold.value))  # type: ignore[arg-type]
    prompt = f"{opening[0].upper()}{opening[1:]} {ask}"
    sources = [SOURCE, UNKNOWN] if "insufficient" in answer else [SOURCE]
    return Draft(kind, f"{kind}:{what}", 1, prompt, chart, truth, [call, submission(answer, found)], sources)
