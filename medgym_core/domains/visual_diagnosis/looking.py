"""Tools that look: which pictures there are, what was written about them, who the patient is, how good a picture is."""

from functools import lru_cache

from medgym_core import facts
from medgym_core.domains.visual_diagnosis import reading, rules
from medgym_core.domains.visual_diagnosis.reading import DOMAIN
from medgym_core.tools import NOT_AVAILABLE, World, number, show, tool

DAY = 24 * 60


def age_of(minutes: int) -> str:
    """When a picture was taken, in words."""
    return "today" if minutes > -DAY else f"{-minutes // DAY} days ago"


@tool("read")
def list_images(world: World) -> dict:
    """The patient's pictures: modality, body part as labelled, when taken, millimetres a pixel."""
    found = {}
    for p in world.chart.images:
        scale = f"{number(round(p.mm_per_pixel, 4))} mm/pixel" if p.mm_per_pixel else "no scale"
        found[p.id] = ", ".join(x for x in (p.modality, p.body_part, p.view, age_of(p.minutes), scale) if x)
    return found or {"images": NOT_AVAILABLE}


@tool("read")
def get_image_report(world: World, image_id: str = "") -> dict:
    """What someone wrote about a picture. It may be wrong or speak of another study: check it on the pixels.

    Args:
        image_id: Id of the picture; without one, the latest.
    """
    picture = world.picture(image_id)
    report = next((r for r in world.chart.records if r.kind == "report" and r.name == picture.id), None)
    if report is None:
        return {"report": NOT_AVAILABLE, "image": picture.id}
    return {
        "image": picture.id,
        "written": age_of(report.minutes),
        **report.values,
        **({"text": report.text} if report.text else {}),
    }


@tool("read")
def get_patient_context(world: World) -> dict:
    """Age, sex, complaint, long-term conditions, medicines and risk factors on file."""
    c = world.chart
    found = {
        "age": f"{c.age} years",
        "sex": c.sex,
        "complaint": c.complaint or NOT_AVAILABLE,
        "conditions": ", ".join(c.conditions) or "none recorded",
        "medications": ", ".join(m.drug for m in c.medications) or "none recorded",
    }
    return found | ({"request": c.observations["request"]} if "request" in c.observations else {})


@tool("read")
def get_examination_notes(world: World, image_id: str = "") -> dict:
    """What the examiner noted at the microscope or the bedside about what a picture shows.

    Args:
        image_id: Id of the picture; without one, the latest.
    """
    picture = world.picture(image_id)
    key = f"{picture.id}_".lower().replace("-", "_")
    found = {k.removeprefix(key): v for k, v in world.chart.observations.items() if k.startswith(key)}
    return found or {"notes": NOT_AVAILABLE, "image": picture.id}


@tool("read")
def get_lab_results(world: World) -> dict:
    """Laboratory results there are by now."""
    return {r.name: show(r) for r in world.results()} or {"results": NOT_AVAILABLE}


@tool("read")
def assess_image_quality(world: World, image_id: str = "") -> dict:
    """Blur, brightness, contrast and clipping of a picture, and whether it can be judged.

    Args:
        image_id: Id of the picture; without one, the latest.
    """
    picture = world.picture(image_id)
    found, wrong = reading.quality(picture.png), rules.flaws(picture)
    known = facts.load(DOMAIN, "quality")
    result = {"quality": ", ".join(wrong) or "adequate"}
    if wrong:
        result["missing"] = known[wrong[0]]["missing"]
    return result | {k: number(found[k]) for k in ("blur", "brightness", "contrast", "clipped_bright")}


@tool("read")
def calculate_image_metrics(world: World, image_id: str = "") -> dict:
    """Size, colour means, brightness range and scale of a picture.

    Args:
        image_id: Id of the picture; without one, the latest.
    """
    picture = world.picture(image_id)
    scale = f"{number(round(picture.mm_per_pixel, 4))} mm/pixel" if picture.mm_per_pixel else NOT_AVAILABLE
    return metrics(picture.png) | {"scale": scale}


@lru_cache(64)
def metrics(png: bytes) -> dict[str, str]:
    """Size, colour means and brightness of a picture; shared, do not write to it."""
    import numpy as np

    pixels, values = reading.pixels(png), reading.brightness(png)
    found = {"size": f"{pixels.shape[1]} x {pixels.shape[0]} pixels"}
    if pixels.ndim == 3:
        found["mean_rgb"] = " ".join(f"{c:.0f}" for c in pixels.reshape(-1, 3).mean(axis=0))
    return found | {"mean": f"{values.mean():.1f}", "sd": f"{values.std():.1f}", "median": f"{np.median(values):.0f}"}
