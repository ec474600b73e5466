"""Quality measures computed from the record, and criteria of clinical stability. Every limit stands in the facts."""

from typing import Any

from medgym_core import instruments
from medgym_core.domains.ehr_management.ordering import drug_named, other_orders, prescriptions
from medgym_core.domains.ehr_management.rules import Stay, newest, records, series, table
from medgym_core.errors import MedGymError
from medgym_core.instruments.base import Outcome
from medgym_core.tools import World

MEASURES = ("vte prophylaxis", "fall precautions", "pressure injury prevention", "urinary catheter")
MET, NOT_MET = "met", "not met"


def nursing_score(world: World, stay: Stay, name: str) -> Outcome:
    """Braden or Morse from the latest nursing assessment; an item that was not recorded is missing."""
    instrument = instruments.get(name)
    record = newest(world.chart, stay, "nursing", "nursing assessment")
    values = record.values if record else {}
    try:
        return instrument(**{item: values.get(item) for item in instrument.inputs})
    except MedGymError as error:  # an item recorded in other words than the scale's
        return Outcome(None, reason=str(error))


def measure(world: World, stay: Stay, name: str) -> tuple[str, str]:
    """Status of a measure and what decides it."""
    return MEASURED[name](world, stay, table("quality")[name])


def _prophylaxis(world: World, stay: Stay, rule: dict[str, Any]) -> tuple[str, str]:
    reason = newest(world.chart, stay, "order", "no vte prophylaxis")
    if reason:
        return "excluded", reason.text or "reason documented"
    drugs = [p for p in prescriptions(world, stay) if p.drug in rule["drugs"]]
    devices = [r for r in records(world.chart, stay, "order") if r.name in rule["orders"]]
    starts = [(p.minutes, p.drug) for p in drugs] + [(r.minutes, r.name) for r in devices]
    starts += [(w["minutes"], w["ordered"]) for w in world.written if w.get("ordered") in rule["orders"]]
    if not starts:
        return NOT_MET, "no prophylaxis ordered"
    first, what = min(starts)
    hours = int(first - stay.start) // 60
    return (MET if first <= stay.start + rule["within"] else NOT_MET), f"{what} {hours} h after admission"


def _falls(world: World, stay: Stay, rule: dict[str, Any]) -> tuple[str, str]:
    score = nursing_score(world, stay, "morse")
    if score.value is None:
        return "not available", "Morse not complete"
    if score.value < rule["from"]:
        return "not needed", f"Morse {score.value:g}"
    return _ordered(world, stay, rule, f"Morse {score.value:g}")


def _pressure(world: World, stay: Stay, rule: dict[str, Any]) -> tuple[str, str]:
    score = nursing_score(world, stay, "braden")
    if score.value is None:
        return "not available", "Braden not complete"
    if score.value > rule["up_to"]:
        return "not needed", f"Braden {score.value:g}"
    return _ordered(world, stay, rule, f"Braden {score.value:g}")


def _ordered(world: World, stay: Stay, rule: dict[str, Any], score: str) -> tuple[str, str]:
    found = [name for name in other_orders(world, stay).values() if name in rule["orders"]]
    return (MET, f"{score}, {found[0]}") if found else (NOT_MET, f"{score}, nothing ordered")


def _catheter(world: World, stay: Stay, rule: dict[str, Any]) -> tuple[str, str]:
    placed = newest(world.chart, stay, "procedure", "urinary catheter")
    if placed is None or placed.ended is not None:
        return "not needed", "no catheter in place"
    if placed.values.get("indication"):
        return MET, f"indication {placed.values['indication']}"
    days = (world.minutes - placed.minutes) // 1440
    late = world.minutes - placed.minutes > rule["within"]
    return (NOT_MET if late else MET), f"in for {days} d, no indication"


MEASURED = {
    "vte prophylaxis": _prophylaxis,
    "fall precautions": _falls,
    "pressure injury prevention": _pressure,
    "urinary catheter": _catheter,
}

ELEMENTS = ("lactate", "blood cultures", "antibiotics", "repeat lactate", "fluids")


def sepsis_times(world: World, stay: Stay) -> dict[str, Any]:
    """Time zero and when each element of the bundle happened; absent: it is not in the record."""
    zero = newest(world.chart, stay, "sepsis")
    if zero is None:
        return {}
    lactates = [r for r in series(world.results(), stay, "lactate") if r.minutes >= zero.minutes - 360]
    cultures = [r.minutes for r in records(world.chart, stay, "culture") if r.name == "blood culture"]
    doses = [
        r.minutes
        for r in records(world.chart, stay, "administration")
        if drug_named(r.name) in table("services")["sepsis"]["drugs"]
    ]
    fluids = records(world.chart, stay, "fluid")
    return {
        "zero": zero.minutes,
        "lactates": lactates,
        "cultures": min(cultures, default=None),
        "antibiotics": min(doses, default=None),
        "fluids": fluids,
    }


def sepsis_bundle(world: World, stay: Stay) -> dict[str, str]:
    """Each element: `met`, `not met`, `not needed`, or `not available` with what is missing. Empty: no sepsis here."""
    rule, at = table("quality")["sepsis bundle"], sepsis_times(world, stay)
    if not at:
        return {}
    end, found = at["zero"] + rule["first"], dict.fromkeys(ELEMENTS, NOT_MET)
    lactates = at["lactates"]
    if lactates and lactates[0].minutes <= end:
        found["lactate"] = MET
    given = at["antibiotics"]
    if given is not None and given <= end:
        found["antibiotics"] = MET
    drawn = at["cultures"]
    if drawn is not None and drawn <= end and (given is None or drawn <= given):
        found["blood cultures"] = MET
    if not lactates:
        return found | {"repeat lactate": "not available: lactate", "fluids": "not available: lactate"}
    if lactates[0].value <= rule["repeat_over"]:
        found["repeat lactate"] = "not needed"
    elif len(lactates) > 1 and lactates[1].minutes <= at["zero"] + rule["repeat"]:
        found["repeat lactate"] = MET
    return found | {"fluids": _fluids(world, rule, at, end)}


def _fluids(world: World, rule: dict[str, Any], at: dict[str, Any], end: int) -> str:
    if at["lactates"][0].value < rule["fluid_from"]:
        return "not needed"
    if world.chart.weight_kg is None:
        return "not available: weight"
    volumes = [r.values.get("volume", "").removesuffix(" mL") for r in at["fluids"] if r.minutes <= end]
    volume = sum(int(v) for v in volumes if v.isdigit())
    return MET if volume >= rule["ml_per_kg"] * world.chart.weight_kg else NOT_MET


def unstable(world: World, stay: Stay) -> tuple[list[str], list[str]]:
    """Criteria of stability that are not met, and those that were not recorded."""
    record = newest(world.chart, stay, "nursing", "nursing assessment")
    failed, missing = [], []
    for name, rule in table("stability").items():
        if "words" in rule:
            words = record.values.get(name) if record else None
            bad = words is not None and words != rule["words"]
        else:
            reading = world.vital(name)
            words = reading and reading.value
            bad = reading is not None and not rule.get("at_least", 0) <= reading.value <= rule.get("at_most", 1000)
        if words is None:
            missing.append(name)
        elif bad:
            failed.append(name)
    return failed, missing
