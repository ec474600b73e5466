"""Tools that look: which studies there are, who they belong to, why they were done, what was written about them."""

from functools import lru_cache

from medgym_core import facts
from medgym_core.domains.radiology_report import reading, safety
from medgym_core.domains.radiology_report.reading import DOMAIN
from medgym_core.text import normal
from medgym_core.tools import NOT_AVAILABLE, NOT_IN_DATABASE, ToolError, World, number, show, tool
from medgym_core.types import Picture

DAY = 24 * 60
MOST_HITS = 3


def age_of(minutes: int) -> str:
    """When a study was done, in words."""
    return "today" if minutes > -DAY else f"{-minutes // DAY} days ago"


@tool("read")
def list_studies(world: World) -> dict:
    """The patient's studies: modality, body part as labelled, when done, number of pictures."""
    found = {}
    for name, pictures in reading.studies(world.chart).items():
        p = pictures[0]
        count = f"{len(pictures)} slices" if reading.slice_of(p) else ""
        found[name] = ", ".join(x for x in (p.modality, p.body_part, age_of(p.minutes), count) if x)
    return found or {"studies": NOT_AVAILABLE}


@tool("read")
def get_study_info(world: World, study_id: str = "") -> dict:
    """What a study is: asked for and performed, name on the image, date, pixel size, slices and grey scale.

    Args:
        study_id: Id of the study or slice; without one, the latest.
    """
    pictures = reading.study(world, study_id)
    p = pictures[0]
    name = reading.study_of(p)
    data = reading.record(world.chart, "study", name)
    found = {"study": name, "modality": p.modality, "labelled": p.body_part, "done": age_of(p.minutes)}
    found |= {k: v for k, v in (data.values if data else {}).items() if k != "dose_region"}
    found["pixel_size"] = f"{number(p.mm_per_pixel)} mm" if p.mm_per_pixel else NOT_AVAILABLE
    part = reading.slice_of(p)
    if part is not None:
        there = ", ".join(str(s[0]) for q in pictures if (s := reading.slice_of(q)))
        thick = f"{number(part[2])} mm" if part[2] else NOT_AVAILABLE
        found |= {"slices": f"{there} of {part[1]}", "slice_thickness": thick}
    window = getattr(reading.module(p.modality), "WINDOW_HU", None)
    return found | ({"grey_scale": f"0 to 255 is {window[0]:g} to {window[1]:g} HU"} if window else {})


@tool("read")
def get_clinical_history(world: World, study_id: str = "") -> dict:
    """Why the patient is examined and what is on file: age, sex, illnesses, medicines, allergies, pregnancy.

    Args:
        study_id: Id of the study the history is for; without one, the patient's.
    """
    if study_id.strip():
        reading.study(world, study_id)
    c = world.chart
    found = {
        "age": f"{c.age} years",
        "sex": c.sex,
        "reason": c.complaint or NOT_AVAILABLE,
        "conditions": ", ".join(c.conditions) or "none recorded",
        "medications": ", ".join(m.drug for m in c.medications) or "none recorded",
        "allergies": "not recorded" if c.allergies is None else ", ".join(c.allergies) or "none known",
    }
    low, high = facts.load(DOMAIN, "pregnancy")["rules"]["ages"]
    if c.sex == "female" and low <= c.age <= high:
        found["pregnancy"] = {True: "pregnant", False: "not pregnant", None: "not recorded"}[c.pregnant]
    return found | {k: v for k, v in c.observations.items() if k not in found}


@tool("read")
def get_lab_results(world: World) -> dict:
    """Laboratory results there are by now with earlier ones, and the eGFR where it can be computed."""
    value = safety.egfr(world)
    found = {}
    for r in sorted(world.results(), key=lambda r: r.minutes):
        found[r.name if r is world.lab(r.name) else f"{r.name} {age_of(r.minutes)}"] = show(r)
    if not found:
        return {"results": NOT_AVAILABLE, "missing": "creatinine"}
    return found | ({"egfr": f"{number(value)} mL/min/1.73 m2"} if value is not None else {})


@tool("read")
def get_prior_reports(world: World, study_id: str = "") -> dict:
    """What was written about a study before, preliminary or final. It may be wrong: check it on the pixels.

    Args:
        study_id: Id of the study; without one, all studies.
    """
    wanted = {reading.study_of(p) for p in reading.study(world, study_id)} if study_id.strip() else None
    found = {}
    for r in world.chart.records:
        if r.kind == "report" and (wanted is None or r.name in wanted):
            parts = [f"{r.status}, {age_of(r.minutes)}", *(f"{k} {v}" for k, v in r.values.items()), r.text]
            found[r.name] = ", ".join(p for p in parts if p)
    return found or {"reports": NOT_AVAILABLE, "studies": ", ".join(reading.studies(world.chart))}


@tool("read")
def assess_study_quality(world: World, study_id: str = "") -> dict:
    """Whether a study can be judged: sharpness, pixel size, complete stack, slice thickness; what is missing.

    Args:
        study_id: Id of the study or slice; without one, the latest.
    """
    pictures = reading.study(world, study_id)
    wrong = flaws(pictures)
    found = {"study": reading.study_of(pictures[0]), "quality": ", ".join(wrong) or "adequate"}
    if wrong:
        found["missing"] = facts.load(DOMAIN, "quality")[wrong[0]]["missing"]
    return found | {"blur": number(max(reading.blur(p.png) for p in pictures))}


def flaws(pictures: list[Picture]) -> list[str]:
    """What is wrong with a study, names of the quality table in its order."""
    from medgym_core.domains.radiology_report import rules

    problem = rules.stack_problem(pictures) if reading.slice_of(pictures[0]) else ""
    wrong = {
        "unsharp": any(reading.blur(p.png) > facts.load(DOMAIN, "quality")["unsharp"]["blur_above"] for p in pictures),
        "no scale": any(p.mm_per_pixel is None for p in pictures),
        "slice missing": problem == "slices",
        "no slice thickness": problem == "slice thickness",
    }
    return [name for name, is_so in wrong.items() if is_so]


@tool("read")
def window_image(world: World, study_id: str = "", low: int = 0, high: int = 255) -> dict:
    """Show a picture with other grey limits: what is at `low` becomes black, at `high` white.

    Args:
        study_id: Id of the study or slice; without one, the latest.
        low: Grey value 0 to 254 that becomes black.
        high: Grey value above `low`, up to 255, that becomes white.
    """
    import numpy as np

    from medgym_core.imaging import picture as pictures

    if not 0 <= low < high <= 255:
        raise ToolError("bad grey limits", got=f"{low} to {high}", expected="0 <= low < high <= 255")
    p = reading.picture_of(world, study_id)
    values = pictures.decode(p.png).astype(np.float32)
    shown = np.clip((values - low) * (255 / (high - low)), 0, 255).astype(np.uint8)
    name = f"{p.id} {low}-{high}"
    world.display(Picture(name, p.modality, p.body_part, pictures.encode(shown), p.mm_per_pixel))
    return {"shown": name, "below": f"{share(p.png, low):.2f}", "above": f"{1 - share(p.png, high):.2f}"}


@lru_cache(256)
def share(png: bytes, limit: int) -> float:
    """Share of a picture's pixels at or below a grey value."""
    from medgym_core.imaging import picture as pictures

    return float((pictures.decode(png) <= limit).mean())


# --- tables ---


def _of_modality(table: str, modality: str) -> dict | None:
    return reading.named(table).get(normal(modality))


@tool("read", static=True)
def get_report_template(world: World, modality: str, body_part: str = "") -> dict:
    """The sections of a report.

    Args:
        modality: Such as chest radiograph, ct head, mammogram or ultrasound.
        body_part: Part examined, taken up in the heading.
    """
    entry = _of_modality("templates", modality)
    if entry is None:
        return {"template": NOT_IN_DATABASE}
    heading = {"examination": f"{modality.strip().lower()}, {body_part.strip()[:40]}"} if body_part.strip() else {}
    return heading | {"template": entry["template"], "source": entry["source"]}


@tool("read", static=True)
def get_reporting_checklist(world: World, modality: str, body_part: str = "") -> dict:
    """What to look at before a report is signed.

    Args:
        modality: Such as chest radiograph, ct chest or mri brain.
        body_part: Part examined, for the heading.
    """
    entry = _of_modality("templates", modality)
    if entry is None:
        return {"checklist": NOT_IN_DATABASE}
    heading = {"examination": f"{modality.strip().lower()}, {body_part.strip()[:40]}"} if body_part.strip() else {}
    return heading | {f"check_{i}": item for i, item in enumerate(entry["checklist"].split("; "), 1)}


@tool("read", static=True)
def get_imaging_criteria(world: World, name: str) -> dict:
    """The published criteria of a finding or a classification system, with their source.

    Args:
        name: Such as epidural haematoma, fleischner, ti_rads or mirels.
    """
    wanted = normal(name)
    entry = reading.named("conditions").get(wanted) or reading.named("systems").get(wanted)
    if entry is None:
        return {"criteria": NOT_IN_DATABASE}
    return {"criteria": entry["words"], "source": entry["source"]}


@tool("read", static=True)
def get_protocol_appropriateness(world: World, topic: str) -> dict:
    """The study that comes first for a clinical question, and the patients for whom another one does (ACR criteria).

    Args:
        topic: Such as right upper quadrant pain, suspected pulmonary embolism or thunderclap headache.
    """
    entry = reading.named("appropriateness").get(normal(topic))
    if entry is None:
        return {"appropriate": NOT_IN_DATABASE, "topics": ", ".join(facts.load(DOMAIN, "appropriateness"))}
    return {"usually": entry["default"], **{f"if {k}": v for k, v in entry["variants"].items()}, "source":
            entry["source"].partition(";")[0]}  # fmt: skip


@tool("read", static=True)
def search_radiology_knowledge(world: World, query: str) -> dict:
    """Search the knowledge base: title and first words of the best passages.

    Args:
        query: What to look for, in a few words.
    """
    if not query.strip():
        raise ToolError("empty query", expected="a few words")
    hits = world.knowledge.search(query, MOST_HITS) if world.knowledge is not None else []
    return {f"{hit.title}, {hit.section}": _short(hit.snippet) for hit in hits} or {"passages": NOT_AVAILABLE}


def _short(text: str) -> str:
    words = text.split()
    return " ".join(words[:18]) + (" ..." if len(words) > 18 else "")


def region_of(world: World, study_id: str) -> tuple[str, float | None]:
    """Region and dose-length product recorded with a study."""
    data = reading.record(world.chart, "study", reading.study_of(reading.study(world, study_id)[0]))
    values = data.values if data else {}
    dlp = values.get("dlp", "").split()
    return values.get("region", ""), float(dlp[0]) if dlp else None


@tool("read")
def get_radiation_dose(world: World, study_id: str = "") -> dict:
    """Effective dose of a CT: recorded dose-length product times the published k of region and age (AAPM 96).

    Args:
        study_id: Id of the study; without one, the latest.
    """
    region, dlp = region_of(world, study_id)
    outcome = safety.dose(world, region, dlp)
    if outcome.value is None:
        return {"effective_dose": NOT_AVAILABLE, "missing": outcome.missing[0], "patient": world.chart.patient_id}
    return {"effective_dose": f"{number(float(outcome.value))} mSv", "region": region, **outcome.parts}
