"""The rules of visual diagnosis: sourced classifications applied to what was measured. Tools and truth both use them.

A rule that needs a measure or a note which is not there does not guess: its outcome says what is missing.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

from medgym_core import facts
from medgym_core.domains.visual_diagnosis import reading
from medgym_core.domains.visual_diagnosis.reading import DOMAIN, Measures
from medgym_core.tools import number
from medgym_core.types import Chart, Picture

RELATIONS = {
    ">": lambda a, b: a > b, ">=": lambda a, b: a >= b, "<": lambda a, b: a < b, "<=": lambda a, b: a <= b,
}  # fmt: skip


class Outcome(NamedTuple):
    """What a classification gave: category or score and the parts that made it, or what was missing."""

    value: str | float | None
    parts: dict[str, str]
    missing: tuple[str, ...] = ()


def condition(name: str) -> dict[str, Any]:
    return facts.load(DOMAIN, "conditions")[name]


def system(name: str) -> dict[str, Any]:
    return facts.load(DOMAIN, "systems")[name]


@cache
def conditions(modality: str) -> dict[str, dict[str, Any]]:
    """The conditions of a modality, in the order in which they are tried."""
    return {n: c for n, c in facts.load(DOMAIN, "conditions").items() if c["modality"] == modality}


def holds(found: Mapping[str, float], sign: list[Any]) -> bool:
    """Whether a sign is there. A lesion that could not be measured because there is none of it does not hold."""
    name, relation, value = sign
    return name in found and RELATIONS[relation](found[name], value)


def fits(found: Mapping[str, float], entry: Mapping[str, Any]) -> bool:
    signs, choice = entry.get("all", []), entry.get("any", [])
    return (
        bool(signs or choice)
        and all(holds(found, s) for s in signs)
        and (not choice or any(holds(found, s) for s in choice))
    )


def diagnosis(picture: Picture, chart: Chart) -> str | None:
    """The first condition of the modality whose signs hold; None where none does or nothing could be measured."""
    found = reading.measures(picture)
    if not found:
        return None
    if picture.modality == "ecg leads":
        outcome = stemi(found, chart)
        return None if outcome.missing else str(outcome.value)
    return next((n for n, c in conditions(picture.modality).items() if fits(found, c)), None)


def deciding(found: Measures, name: str) -> list[str]:
    """The measures that the rule of a condition looks at and that were found."""
    entry = condition(name)
    signs = [*entry.get("all", []), *(s for s in entry.get("any", []) if holds(found, s))]
    labels = entry.get("leads") and [f"st_{lead}" for lead in entry["leads"]]
    return list(dict.fromkeys(labels or [s[0] for s in signs if s[0] in found]))


# --- classification systems: (measures, chart, image id) -> Outcome ---


def note(chart: Chart, image_id: str, name: str) -> str | None:
    """What the examiner noted on an image, by name."""
    return chart.observations.get(f"{image_id}_{name}".lower().replace("-", "_").replace(" ", "_"))


def abcd(found: Measures, chart: Chart, image_id: str) -> Outcome:
    """Total dermatoscopy score; the structures are those the examiner noted."""
    rule = system("abcd")
    noted = note(chart, image_id, "structures")
    missing = [n for n in ("asymmetric_axes", "abrupt_segments", "colours") if n not in found]
    if noted is None:
        missing.append("structures")
    if missing:
        return Outcome(None, {}, tuple(missing))
    count = sum(s in rule["structures"] for s in (noted or "").split(", "))
    values = {n: found[n] for n in ("asymmetric_axes", "abrupt_segments", "colours")} | {"structures": float(count)}
    score = round(sum(rule["weights"][n] * v for n, v in values.items()), 2)
    return Outcome(score, {n: number(v) for n, v in values.items()})


def abcd_band(score: float) -> str:
    rule = system("abcd")
    return "melanoma" if score > rule["melanoma"] else "suspicious" if score >= rule["suspicious"] else "benign"


def seven_point(found: Measures, chart: Chart, image_id: str) -> Outcome:
    """Argenziano's checklist; what pixels do not give comes from the examiner's notes, present or absent."""
    return _checklist("seven_point", found, {n: note(chart, image_id, n) for n in _noted("seven_point")})


def weighted_seven_point(found: Measures, told: Mapping[str, str | None]) -> Outcome:
    """MacKie's checklist with what the patient tells (`told`: item to present or absent)."""
    return _checklist("weighted_seven_point", found, {n: told.get(n) for n in _noted("weighted_seven_point")})


def _noted(name: str) -> list[str]:
    rule = system(name)
    return [item for item in rule["points"] if item not in rule["read"]]


def _checklist(name: str, found: Measures, noted: Mapping[str, str | None]) -> Outcome:
    rule = system(name)
    missing, present = [], []
    for item in rule["points"]:
        if item in rule["read"]:
            measure, limit = rule["read"][item]
            seen = found[measure] >= limit if measure in found else None
        else:
            seen = None if noted[item] is None else noted[item] == "present"
        if seen is None:
            missing.append(item)
        elif seen:
            present.append(item)
    if missing:
        return Outcome(None, {i: "present" for i in present}, tuple(missing))
    return Outcome(float(sum(rule["points"][i] for i in present)), {i: "present" for i in present})


def pattern(picture: Picture, chart: Chart) -> Outcome:
    """The diagnosis by the conditions' signs, with the measures that decided."""
    name = diagnosis(picture, chart)
    found = reading.measures(picture)
    if name is None:
        return Outcome(None, {}, ("a measurable lesion",) if not found else ("a pattern that fits",))
    return Outcome(name, reading.shown(found, deciding(found, name)))


def maculopathy(found: Measures) -> Outcome:
    """M1 where an exudate lies within one disc diameter of the fovea."""
    if "exudates" not in found:
        return Outcome(None, {}, ("exudates",))
    if not found["exudates"]:
        return Outcome("M0", {"exudates": "0"})
    if "exudate_to_fovea" not in found:
        return Outcome(None, {}, ("scale",))
    near = found["exudate_to_fovea"] <= system("maculopathy")["limit_mm"]
    return Outcome("M1" if near else "M0", reading.shown(found, ["exudate_to_fovea"]))


def isnt(found: Measures) -> Outcome:
    missing = [n for n in ("rim_inferior", "rim_superior") if n not in found]
    if missing:
        return Outcome(None, {}, tuple(missing))
    broken = found["rim_inferior"] < found["rim_superior"]
    return Outcome("broken" if broken else "kept", reading.shown(found, ["rim_inferior", "rim_superior"]))


def frisen(found: Measures) -> Outcome:
    """Grade 0, 1 or 2 (2 stands for 2 or more: vessels are not judged)."""
    if "blurred_segments" not in found:
        return Outcome(None, {}, ("disc margin",))
    rule, blurred = system("frisen"), found["blurred_segments"]
    return Outcome(
        float((blurred >= rule["halo"]) + (blurred >= rule["around"])), {"blurred_segments": number(blurred)}
    )


def gleason_pattern(found: Measures) -> Outcome:
    """3, 4 or 5 from the form of the glands."""
    if "glands" not in found or (found["glands"] and "lumen_diameter" not in found):
        return Outcome(None, {}, ("glands" if "glands" not in found else "scale",))
    parts = reading.shown(found, ["glands", "lumen_diameter"])
    if not found["glands"]:
        return Outcome(5.0, parts)
    return Outcome(4.0 if found["lumen_diameter"] < system("gleason")["small_lumen_um"] else 3.0, parts)


def grade_group(first: float, second: float) -> int:
    """Grade group of two patterns, the more extensive one first."""
    return system("gleason")["groups"][f"{first:g}+{second:g}"]


def nottingham(found: Measures, chart: Chart, image_id: str) -> Outcome:
    """Nottingham score 3 to 9, with the grade it gives; mitoses per ten fields are the pathologist's count."""
    counted = note(chart, image_id, "mitoses per 10 fields")
    missing = [n for n in ("gland_forming_share", "nuclear_variation") if n not in found]
    if counted is None:
        missing.append("mitoses per 10 fields")
    if missing or counted is None:
        return Outcome(None, {}, tuple(missing))
    rule = system("nottingham")
    points = {
        "tubules": _band(rule["tubules"], found["gland_forming_share"]),
        "nuclei": _band(rule["nuclei"], found["nuclear_variation"]),
        "mitoses": _band(rule["mitoses"], float(counted)),
    }
    total = sum(points.values())
    parts = {f"{n}_points": str(p) for n, p in points.items()}
    return Outcome(float(total), parts | {"grade": str(_band(rule["grades"], total))})


def breslow(thickness: float) -> str:
    return str(_band(system("breslow")["limits"], thickness))


def _band(steps: list[list[Any]], value: float) -> Any:
    """The result of the first step whose end is not passed."""
    return next(result for end, result in steps if value <= end)


def stemi(found: Measures, chart: Chart) -> Outcome:
    """Territory whose two leads both reach their threshold, the highest first; `no st elevation` where none does."""
    reached = {}
    for name, entry in conditions("ecg leads").items():
        labels = [f"st_{lead}" for lead in entry["leads"]]
        missing = [lead for lead in labels if lead not in found]
        if missing:
            return Outcome(None, {}, tuple(missing))
        if labels and all(found[f"st_{lead}"] >= threshold(lead, chart) for lead in entry["leads"]):
            reached[name] = sum(found[lead] for lead in labels)
    name = max(reached, key=lambda n: reached[n]) if reached else "no st elevation"
    return Outcome(name, reading.shown(found, deciding(found, name)))


def threshold(lead: str, chart: Chart) -> float:
    """ST elevation in mm that counts in a lead, by sex and age."""
    rule = system("stemi")
    if lead not in ("V2", "V3"):
        return rule["limit_mm"]
    if chart.sex == "female":
        return rule["v2_v3_mm"]["women"]
    return rule["v2_v3_mm"]["older_men" if chart.age >= rule["older_from"] else "younger_men"]


# --- quality and referral ---


def flaws(picture: Picture) -> list[str]:
    """What makes a picture too poor to judge, such as `blurred`."""
    values = reading.quality(picture.png)
    return [
        n
        for n, f in facts.load(DOMAIN, "quality").items()
        if RELATIONS[f["relation"]](values[f["measure"]], limit(f, picture))
    ]


def limit(flaw: Mapping[str, Any], picture: Picture) -> float:
    return flaw["limits"].get(picture.modality, flaw["limits"].get("other"))


def urgency(name: str) -> dict[str, Any] | None:
    """How soon a condition must be seen, or None where the table does not have it."""
    return facts.load(DOMAIN, "referral").get(name)
