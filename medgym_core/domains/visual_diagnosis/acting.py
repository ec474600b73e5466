"""Tools that change the episode: marks on a picture, orders, referral, and the recorded diagnosis that ends it."""

from typing import Literal

from medgym_core import facts
from medgym_core.domains.visual_diagnosis import reading
from medgym_core.domains.visual_diagnosis.measuring import box_of, box_statistics
from medgym_core.domains.visual_diagnosis.reading import DOMAIN
from medgym_core.errors import unknown_name
from medgym_core.tools import NOT_AVAILABLE, ToolError, World, show, tool

URGENCIES = ("immediate", "same day", "two weeks", "one month", "routine", "none")
Urgency = Literal["immediate", "same day", "two weeks", "one month", "routine", "none"]
Confidence = Literal["low", "moderate", "high"]
MOST_REGIONS = 6


@tool("write")
def annotate_regions(world: World, regions: str, image_id: str = "") -> dict:
    """Mark boxes on a picture and read the mean brightness inside each.

    Args:
        regions: Boxes "left,top,right,bottom" in pixels, separated by semicolons, at most 6.
        image_id: Id of the picture; without one, the latest.
    """
    picture = world.picture(image_id)
    boxes = [b.strip() for b in regions.split(";") if b.strip()]
    if not 1 <= len(boxes) <= MOST_REGIONS:
        raise ToolError("bad number of regions", got=len(boxes), expected=f"1 to {MOST_REGIONS}")
    shape = reading.pixels(picture.png).shape
    checked = [box_of(b, shape) for b in boxes]  # all are valid before any is stored
    found = {}
    for i, (text, box) in enumerate(zip(boxes, checked, strict=True), 1):
        world.written.append({"annotated": picture.id, "box": box})
        values = box_statistics(picture, text)
        found[f"region_{i}"] = f"mean {values['mean']}, sd {values['sd']}"
    return {"image": picture.id} | found


@tool("write")
def order_test(world: World, test: str, image_id: str = "") -> dict:
    """Order a test on what a picture shows; read it later with get_test_results.

    Args:
        test: Such as excision biopsy, adamts13 activity, intraocular pressure or ferritin.
        image_id: Picture of the lesion or eye the test is for; without one, the latest.
    """
    known = facts.load(DOMAIN, "tests")
    name = test.strip().lower()
    if name not in known:
        raise ToolError(str(unknown_name("test", test, known)))
    picture = world.picture(image_id)
    order = world.place(order_name(name, picture.id), known[name]["minutes"])
    world.written.append({"ordered": order.name})
    return {"ordered": order.name, "ready_at": f"minute {order.due}"}


def order_name(test: str, image_id: str) -> str:
    """The name a test is ordered under: tests are of what one picture shows."""
    return f"{test} {image_id}"


@tool("read")
def get_test_results(world: World, wait: bool = True) -> dict:
    """Results of the ordered tests.

    Args:
        wait: Let the time pass until the last one is back; else those still out are pending.
    """
    if not world.orders:
        return {"results": NOT_AVAILABLE, "patient": world.chart.patient_id, "missing": "nothing ordered"}
    if wait:
        world.minutes = max(world.minutes, *(o.due for o in world.orders))
    found: dict[str, str] = {}
    back = set(world.back())
    for order in world.orders:
        if order.name not in back:
            found[order.name] = f"pending until minute {order.due}"
            continue
        values = {r.name: show(r) for r in world.chart.pending.get(order.name, [])}
        values |= world.chart.pending_findings.get(order.name, {})
        found |= values or {order.name: NOT_AVAILABLE}
    return found


@tool("write")
def request_repeat_image(world: World, reason: str, image_id: str = "") -> dict:
    """Ask for a picture to be taken again; it will not be there in this visit.

    Args:
        reason: What is wrong with it, such as blurred or no scale.
        image_id: Id of the picture; without one, the latest.
    """
    if not reason.strip():
        raise ToolError("no reason given", expected="what is wrong with the picture")
    picture = world.picture(image_id)
    world.written.append({"repeat": picture.id, "reason": reason.strip()[:200]})
    return {"repeat_requested": picture.id, "modality": picture.modality}


@tool("write")
def refer_patient(world: World, urgency: Urgency, diagnosis: str) -> dict:
    """Refer the patient, or decide that no referral is needed.

    Args:
        urgency: immediate, same day, two weeks, one month, routine or none.
        diagnosis: What the referral is for.
    """
    if not diagnosis.strip():
        raise ToolError("no diagnosis given", expected="what the referral is for")
    world.written.append({"referred": urgency, "for": diagnosis.strip()[:200]})
    return {"referral": urgency, "patient": world.chart.patient_id}


@tool("submit")
def record_visual_diagnosis(
    world: World, diagnosis: str, evidence: str = "", confidence: Confidence = "moderate", image_id: str = ""
) -> dict:
    """Record the diagnosis of a picture and end the episode.

    Args:
        diagnosis: The diagnosis alone.
        evidence: The findings that decided, as shown by the tools, separated by semicolons.
        confidence: low, moderate or high.
        image_id: Id of the picture; without one, the latest.
    """
    picture = world.picture(image_id)
    world.written.append({"diagnosis": diagnosis, "confidence": confidence, "image": picture.id, "evidence": evidence})
    return {"recorded": diagnosis, "image": picture.id}
