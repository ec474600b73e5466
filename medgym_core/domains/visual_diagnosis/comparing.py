"""Tools that compare: a picture with an earlier one, one eye with the other, a picture with reference cases."""

from medgym_core.domains.visual_diagnosis import reading, recipes
from medgym_core.domains.visual_diagnosis.looking import DAY
from medgym_core.domains.visual_diagnosis.reading import Measures
from medgym_core.tools import NOT_AVAILABLE, ToolError, World, number, tool
from medgym_core.types import Picture

MAIN = {
    "dermoscopy": "diameter",
    "fundus photograph": "haemorrhages",
    "optic disc photograph": "cup_disc_ratio",
    "macular photograph": "largest_druse",
    "histology": "nuclear_diameter",
    "epithelium histology": "atypical_share",
    "blood smear": "red_cell_diameter",
    "ecg rhythm strip": "rate",
    "ecg leads": "st_V2",
}
"""The one measure by which a modality's course is told."""
MOST_SHOWN = 7
MOST_CASES = 5


@tool("read")
def compare_with_prior(world: World, current_image_id: str = "", prior_image_id: str = "") -> dict:
    """What differs between two pictures of the same kind: each measure that changed, from the prior to the current one.

    Args:
        current_image_id: Id of the current picture; without one, the latest.
        prior_image_id: Id of the prior picture; without one, the earliest.
    """
    now, before = _pair(world, current_image_id, prior_image_id)
    a, b = reading.measures(before), reading.measures(now)
    changed = {n: change_of(a, b, n) for n in reading.VIEWS.get(now.modality, []) if n in a and n in b and a[n] != b[n]}
    found = {"days_between": str((now.minutes - before.minutes) // DAY)}
    shown = {f"{n}_change": text for n, text in list(changed.items())[:MOST_SHOWN]}
    return found | (shown or {"change": "none measured" if a and b else NOT_AVAILABLE})


@tool("read")
def track_lesion_changes(world: World, image_id: str = "", prior_image_id: str = "") -> dict:
    """Course of a lesion: its main measure then and now, the difference, percent, and percent a month.

    Args:
        image_id: Id of the current picture; without one, the latest.
        prior_image_id: Id of the prior picture; without one, the earliest.
    """
    now, before = _pair(world, image_id, prior_image_id)
    return course(now, before)


def course(now: Picture, before: Picture) -> dict[str, str]:
    """The main measure of two pictures and its change; what cannot be measured is not available."""
    name = MAIN[now.modality]
    a, b = reading.measures(before), reading.measures(now)
    days = (now.minutes - before.minutes) // DAY
    if name not in a or name not in b:
        lacking = before.id if name not in a else now.id
        return {name: NOT_AVAILABLE, "cannot be measured in": lacking}
    found = {f"{name}_before": reading.show(a, name), f"{name}_now": reading.show(b, name)}
    found[f"{name}_change"] = change_of(a, b, name)
    if a[name]:
        percent = round(100 * (b[name] - a[name]) / a[name])
        found["percent_change"] = f"{percent} %"
        if days:
            found["percent_a_month"] = f"{number(round(percent / days * 30, 1))} %"
    return found | {"days_between": str(days)}


def change_of(before: Measures, now: Measures, name: str) -> str:
    """Difference of a measure with its unit, such as `1.8 mm` or `-3`."""
    return f"{number(round(now[name] - before[name], 3))} {now.units[name]}".strip()


def _pair(world: World, current: str, prior: str) -> tuple[Picture, Picture]:
    """The two pictures. Raises ToolError where there is one only, or they are of different kinds."""
    pictures = world.chart.images
    if len(pictures) < 2:
        raise ToolError("no prior picture", got=f"{len(pictures)} picture", expected="two of the same kind")
    now = world.picture(current)
    before = world.picture(prior) if prior else min((p for p in pictures if p is not now), key=lambda p: p.minutes)
    if now.id == before.id or now.modality != before.modality or now.modality not in MAIN:
        got = f"{now.id} {now.modality} and {before.id} {before.modality}"
        raise ToolError("cannot compare these pictures", got=got, expected="two pictures of the same kind")
    return now, before


@tool("read")
def compare_eyes(world: World, image_id: str = "", other_image_id: str = "") -> dict:
    """Vertical cup-to-disc ratio of two optic disc photographs and the difference between them.

    Args:
        image_id: Id of one picture; without one, the latest.
        other_image_id: Id of the other; without one, the earliest.
    """
    one, other = _pair(world, image_id, other_image_id)
    if one.modality != "optic disc photograph":
        raise ToolError("not optic disc photographs", got=one.modality, expected="optic disc photographs of both eyes")
    values = {p: reading.measures(p).get("cup_disc_ratio") for p in (one, other)}
    found = {f"{p.body_part}_ratio": NOT_AVAILABLE if v is None else number(v) for p, v in values.items()}
    a, b = values.values()
    return found | {"difference": NOT_AVAILABLE if a is None or b is None else number(round(abs(a - b), 2))}


@tool("read")
def search_similar_cases(world: World, image_id: str = "", max_results: int = 3) -> dict:
    """Reference cases whose measured features lie nearest, with their diagnosis and distance; a hint, not a rule.

    Args:
        image_id: Id of the picture; without one, the latest.
        max_results: Number of cases, 1 to 5.
    """
    if not 1 <= max_results <= MOST_CASES:
        raise ToolError("bad max_results", got=max_results, expected=f"1 to {MOST_CASES}")
    picture = world.picture(image_id)
    found = reading.measures(picture)
    if not found:
        return {"cases": NOT_AVAILABLE, "image": picture.id}
    ranked = nearest(found, picture.modality)[:max_results]
    return {f"case_{i}": f"{name}, distance {number(round(far, 2))}" for i, (far, name) in enumerate(ranked, 1)}


def nearest(found: Measures, modality: str) -> list[tuple[float, str]]:
    """Reference cases by distance: differences over the library's spread, a measure one of them lacks counts as one."""
    library = recipes.library(modality)
    names = reading.VIEWS[modality]
    spread = {}
    for n in names:
        values = [m[n] for _, m in library if n in m]
        spread[n] = (max(values) - min(values)) if len(values) > 1 and max(values) > min(values) else 1.0
    return sorted((_distance(found, m, names, spread), name) for name, m in library)


def _distance(a: Measures, b: Measures, names: list[str], spread: dict[str, float]) -> float:
    total = 0.0
    for n in names:
        if n in a and n in b:
            total += ((a[n] - b[n]) / spread[n]) ** 2
        elif (n in a) != (n in b):
            total += 1.0
    return total**0.5
