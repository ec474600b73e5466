"""The rules of radiology: sourced criteria and classifications applied to what was measured. Tools and truth use both.

A rule that lacks a measure does not guess: its outcome says what is missing. Values are rounded as shown.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from math import inf, log
from typing import Any, NamedTuple

from medgym_core import facts
from medgym_core.domains.radiology_report import reading
from medgym_core.domains.radiology_report.reading import DOMAIN, Measures
from medgym_core.tools import number
from medgym_core.types import Chart, Picture

RELATIONS = {
    ">": lambda a, b: a > b, ">=": lambda a, b: a >= b, "<": lambda a, b: a < b, "<=": lambda a, b: a <= b,
}  # fmt: skip


class Outcome(NamedTuple):
    """What a rule gave, the parts that made it, and, without a value, what was missing."""

    value: str | float | None
    parts: dict[str, str]
    missing: tuple[str, ...] = ()


def lacking(*names: str) -> Outcome:
    return Outcome(None, {}, names)


def condition(name: str) -> dict[str, Any]:
    return facts.load(DOMAIN, "conditions")[name]


def system(name: str) -> dict[str, Any]:
    return facts.load(DOMAIN, "systems")[name]


@cache
def conditions(modality: str, organ: str = "") -> dict[str, dict[str, Any]]:
    """The conditions of a modality (and organ, where it matters), in the order in which they are tried."""
    known = facts.load(DOMAIN, "conditions").items()
    return {n: c for n, c in known if c["modality"] == modality and c.get("body_part", organ) == organ}


def organ_of(picture: Picture) -> str:
    """What an ultrasound shows; empty for the other modalities, whose conditions do not depend on it."""
    return picture.body_part.split()[-1] if picture.modality == "ultrasound" else ""


def holds(found: Mapping[str, float], sign: Sequence[Any]) -> bool:
    """Whether a sign is there. What could not be measured does not hold."""
    name, relation, value = sign
    return name in found and RELATIONS[relation](found[name], value)


def fits(found: Mapping[str, float], entry: Mapping[str, Any]) -> bool:
    signs, groups = entry.get("all", []), entry.get("any", [])
    return all(holds(found, s) for s in signs) and (
        not groups or any(all(holds(found, s) for s in group) for group in groups)
    )


def diagnosis(picture: Picture) -> str | None:
    """The first condition whose signs hold; None where none does or nothing could be measured."""
    found = reading.measures(picture)
    if not found:
        return None
    known = conditions(picture.modality, organ_of(picture))
    return next((n for n, c in known.items() if fits(found, c)), None)


def deciding(found: Measures, name: str) -> list[str]:
    """The measures by which a condition was told."""
    entry = condition(name)
    group = next((g for g in entry.get("any", []) if all(holds(found, s) for s in g)), [])
    return list(dict.fromkeys(s[0] for s in [*entry.get("all", []), *group] if s[0] in found))


def band(bands: Sequence[Sequence[Any]], value: float) -> str:
    """The name of the first band whose upper limit lies above the value."""
    return next(name for limit, name in bands if value < limit)


def urgency(name: str) -> int | None:
    """Communication category of a condition, 1 to 3, 0: none needed; None: not in the table."""
    entry = facts.load(DOMAIN, "urgency").get(name)
    return None if entry is None else entry["category"]


# --- nodules ---


def fleischner(found: Measures, chart: Chart, risk: str) -> Outcome:
    """Follow-up of an incidental nodule; `risk` is low or high."""
    rule = system("fleischner")
    if "nodule_diameter" not in found:
        return lacking("nodule" if found.get("nodules") == 0 else "calibration")
    if chart.age < rule["youngest"] or any(w in c for c in chart.conditions for w in rule["excluded"]):
        return Outcome("does not apply", {"age": f"{chart.age} years"})
    size = int(found["nodule_diameter"] + 0.5)  # to the nearest whole millimetre
    parts = {"nodule_diameter": reading.show(found, "nodule_diameter"), "rounded": f"{size} mm"}
    kind = consistency(found)
    several = found["nodules"] > 1
    parts |= {"consistency": kind, "nodules": number(found["nodules"])}
    if size < rule["small"]:
        if several and kind != "solid":
            return Outcome("ct at 3-6 months", parts)
        optional = kind == "solid" and risk == "high"
        return Outcome("optional ct at 12 months" if optional else "no routine follow-up", parts)
    if kind == "ground glass":
        return Outcome("ct at 3-6 months" if several else "ct at 6-12 months", parts)
    if kind == "part-solid" or several:
        return Outcome("ct at 3-6 months", parts)
    if size > rule["large"]:
        return Outcome("consider ct at 3 months, pet-ct or biopsy", parts)
    return Outcome("ct at 6-12 months", parts)


FOLLOW_UPS = [
    "no routine follow-up", "optional ct at 12 months", "ct at 6-12 months", "ct at 3-6 months",
    "consider ct at 3 months, pet-ct or biopsy",
]  # fmt: skip


def consistency(found: Mapping[str, float]) -> str:
    share = found.get("solid_share", 0.0)
    return "solid" if share >= 0.95 else "part-solid" if share > 0 else "ground glass"


def lung_rads(found: Measures) -> Outcome:
    rule = system("lung_rads")
    if found.get("nodules") == 0:
        return Outcome("1", {"nodules": "0"})
    if "nodule_diameter" not in found:
        return lacking("calibration")
    size, solid, kind = found["nodule_diameter"], found["solid_diameter"], consistency(found)
    parts = reading.shown(found, ["nodule_diameter", "solid_diameter", "spicules"]) | {"consistency": kind}
    if kind == "solid":
        category = band(rule["solid"], size)
    elif kind == "ground glass":
        category = band(rule["glass"], size)
    else:
        category = "2" if size < rule["part_solid_small"] else band(rule["solid_part"], solid)
    if category[0] in "34" and found["spicules"] >= rule["spicules"]:
        category = "4X"
    return Outcome(category, parts | {"management": rule["management"][category]})


def doubling(now: float, before: float, days: int) -> Outcome:
    """Volume doubling time in days and its BTS class, from mean diameters in mm."""
    rule = system("doubling_time")
    ratio = (now / before) ** 3
    percent = round(100 * (ratio - 1))
    parts = {"volume_change": f"{percent} %"}
    if abs(percent) < rule["stable_percent"]:
        return Outcome("stable", parts)
    if percent < 0:
        return Outcome("smaller", parts)
    time = round(days * log(2) / log(ratio))
    name = next(n for limit, n in rule["bands"] if time <= limit)
    return Outcome(name, parts | {"doubling_time": f"{time} days"})


GROWTHS = [
    "smaller", "stable", "doubling in over 600 days", "doubling in 400 to 600 days", "doubling within 400 days"
]  # fmt: skip
"""From shrinking to fast growth."""


# --- other classifications ---


def bi_rads(picture: Picture) -> Outcome:
    rule, name = system("bi_rads"), diagnosis(picture)
    if name is None:
        return lacking("measurement")
    found = reading.measures(picture)
    category = rule["categories"][name]
    parts = {"pattern": name} | reading.shown(found, deciding(found, name))
    return Outcome(category, parts | {"management": rule["management"][category]})


def ti_rads(found: Measures) -> Outcome:
    """Points and level; size decides what is done."""
    rule = system("ti_rads")
    missing = [n for n in ("cystic_share", "width", "height", "irregularity") if n not in found]
    if missing:
        return lacking("calibration" if "cystic_share" in found else "nodule")
    read, features = rule["read"], []
    share = found["cystic_share"]
    if share < read["cystic"]:
        features = ["mixed" if share >= read["mixed"] else "solid"]
        if "echo_ratio" not in found:
            return lacking("echogenicity")
        features.append(band(read["echo"], found["echo_ratio"]))
        features += ["taller than wide"] * (found["height"] > found["width"])
        features += ["lobulated"] * (found["irregularity"] >= read["lobulated"])
        features += ["punctate foci"] * (found["punctate_foci"] >= 1)
    points = sum(rule["points"][f] for f in features)
    level = next(name for limit, name in rule["levels"] if points <= limit)
    size = max(found["width"], found["height"])
    limits = [("fine-needle aspiration", rule["aspirate"]), ("follow-up", rule["follow"])]
    action = next((a for a, table in limits if level in table and size >= table[level]), "none")
    parts = {"points": str(points), "features": ", ".join(features) or "cystic", "size": f"{number(size)} mm"}
    return Outcome(level, parts | {"management": action})


def aneurysm(found: Measures, chart: Chart) -> Outcome:
    rule = system("aneurysm")
    if "outer_diameter" not in found:
        return lacking("calibration" if found else "measurement")
    size = found["outer_diameter"]
    name = band(rule["bands"], size)
    if chart.sex == "female" and rule["woman_repair"] <= size:
        name = "repair"
    return Outcome(name, reading.shown(found, ["outer_diameter"]) | {"sex": chart.sex})


def calcium(pictures: Sequence[Picture]) -> Outcome:
    """Agatston score over all slices of 3 mm."""
    rule = system("agatston")
    problem = stack_problem(pictures)
    if problem:
        return lacking(problem)
    found = [reading.measures(p) for p in pictures]
    if any("agatston" not in f for f in found):
        return lacking("calibration" if all("calcified_lesions" in f for f in found) else "measurement")
    thick = reading.slice_of(pictures[0])[2]  # type: ignore[index]
    if thick != rule["slice_mm"]:
        return lacking(f"slices of {rule['slice_mm']} mm")
    total = round(sum(f["agatston"] for f in found), 1)
    parts = {f"slice_{i}": number(f["agatston"]) for i, f in enumerate(found, 1)}
    return Outcome(total, parts | {"category": band(system("cac_drads")["bands"], total)})


def stack_problem(pictures: Sequence[Picture]) -> str:
    """What a stack lacks for a volume: `slices`, `slice thickness`, or nothing."""
    slices = [reading.slice_of(p) for p in pictures]
    if None in slices or len({s[0] for s in slices if s}) < (slices[0][1] if slices[0] else inf):
        return "slices"
    return "slice thickness" if any(s[2] is None for s in slices if s) else ""


def volume(pictures: Sequence[Picture]) -> Outcome:
    """Haematoma volume in mL by ABC/2."""
    rule = system("abc2")
    problem = stack_problem(pictures)
    if problem:
        return lacking(problem)
    found = [reading.measures(p) for p in pictures]
    if any("midline_shift" not in f and "evans_index" not in f for f in found):
        return lacking("calibration" if all(found) else "measurement")
    areas = [f.get("haematoma_area", 0.0) for f in found]
    largest = max(areas)
    if not largest:
        return lacking("haematoma")
    best = found[areas.index(largest)]
    a, b = sorted((best["haematoma_thickness"], best["haematoma_length"]), reverse=True)
    counted = sum(1.0 if s > rule["whole"] * largest else 0.5 if s >= rule["half"] * largest else 0.0 for s in areas)
    c = counted * reading.slice_of(pictures[0])[2]  # type: ignore[index]
    value = round(a * b * c / 2 / 1000, 1)
    return Outcome(value, {"a": f"{number(a)} mm", "b": f"{number(b)} mm", "c": f"{number(c)} mm"})


def surgical(found: Measures, name: str | None) -> Outcome:
    """BTF criterion that an extra-axial haematoma meets on one slice, thickness before shift."""
    rule = system("btf")
    if "midline_shift" not in found or "haematoma_thickness" not in found:
        return lacking("calibration" if found.get("haematomas") else "haematoma")
    parts = reading.shown(found, ["haematoma_thickness", "midline_shift"]) | {"kind": name or "unknown"}
    thick, shift = found["haematoma_thickness"], found["midline_shift"]
    if name == "subdural haematoma":
        met = [n for n, yes in (("thickness", thick > rule["subdural_mm"]), ("shift", shift > rule["shift_mm"])) if yes]
    elif name == "epidural haematoma":
        met = [
            n for n, yes in (("thickness", thick >= rule["epidural_mm"]), ("shift", shift >= rule["shift_mm"])) if yes
        ]
    else:
        return lacking("extra-axial haematoma")
    return Outcome({0: "none", 1: met[0] if met else "", 2: "both"}[len(met)], parts)


def mirels(found: Measures, site: str, pain: str) -> Outcome:
    rule = system("mirels")
    bone = site.removeprefix("right ").removeprefix("left ")
    if bone not in rule["site"]:
        return lacking("site")
    if "lytic_share" not in found:
        return lacking("lesion")
    size = band(rule["size"], found["lytic_share"])
    points = {"site": rule["site"][bone], "pain": rule["pain"][pain], "lesion": rule["lytic"], "size": int(size)}
    total = sum(points.values())
    advice = next(name for limit, name in rule["bands"] if total <= limit)
    return Outcome(float(total), {k: str(v) for k, v in points.items()} | {"advice": advice})
