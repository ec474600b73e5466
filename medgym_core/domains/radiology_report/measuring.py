"""Tools that measure pixels: a study as a whole, one aspect, one lesion, stacks of slices, and change over time."""

from medgym_core.domains.radiology_report import reading, rules
from medgym_core.errors import unknown_name
from medgym_core.tools import NOT_AVAILABLE, ToolError, World, number, tool
from medgym_core.types import Picture

MEASUREMENTS = {
    "cardiothoracic ratio": ("chest radiograph", ["cardiothoracic_ratio", "heart_width", "thorax_width"]),
    "pneumothorax": ("chest radiograph", ["pneumothorax_right", "pneumothorax_left", "trachea_shift"]),
    "effusion": ("chest radiograph", ["effusion_right", "effusion_left"]),
    "tube position": ("chest radiograph", ["tube_to_carina"]),
    "free air": ("chest radiograph", ["free_air"]),
    "heart side": ("chest radiograph", ["apex"]),
    "haematoma": ("ct head", ["haematoma_side", "haematoma_thickness", "haematoma_length", "haematoma_area", "bulge"]),
    "midline shift": ("ct head", ["midline_shift"]),
    "evans index": ("ct head", ["evans_index"]),
    "nodule": ("ct chest", ["nodule_diameter", "solid_diameter", "solid_share", "spicules"]),
    "calcium": ("cardiac ct", ["agatston", "calcium_area", "peak_hu", "calcified_lesions"]),
    "mass": ("mammogram", ["mass_diameter", "mass_roundness", "spicules", "indistinct_eighths"]),
    "calcifications": ("mammogram", ["calcifications", "calcification_span", "coarse_calcifications"]),
    "fracture": ("bone radiograph", ["fractures", "gap", "displacement", "angulation"]),
    "lytic lesion": ("bone radiograph", ["lytic", "lytic_share", "shaft_width"]),
    "wall": ("ultrasound", ["wall", "stones", "largest_stone"]),
    "diameter": ("ultrasound", ["bore", "outer_diameter", "length"]),
    "thyroid nodule": ("thyroid ultrasound", ["width", "height", "cystic_share", "echo_ratio", "irregularity"]),
    "white matter lesions": ("mri brain", ["lesions", "periventricular", "juxtacortical", "deep", "largest_lesion"]),
}
"""Kinds of measurement: the modality each is made on, and the measures it gives."""
LESIONS = {
    "chest radiograph": ["opacity_right", "opacity_left"], "ct head": ["haematoma_thickness", "haematoma_length"],
    "ct chest": ["nodule_diameter", "solid_diameter"], "cardiac ct": ["calcium_area", "peak_hu"],
    "mammogram": ["mass_diameter", "calcification_span"], "bone radiograph": ["lytic", "lytic_share"],
    "ultrasound": ["outer_diameter", "largest_stone"], "thyroid ultrasound": ["width", "height"],
    "mri brain": ["largest_lesion", "lesions"],
}  # fmt: skip
COUNTED = (
    "haematomas", "nodules", "calcified_lesions", "calcifications", "coarse_calcifications", "fractures", "stones",
    "punctate_foci", "lesions", "periventricular", "juxtacortical", "deep",
)  # fmt: skip
RATIOS = (
    "cardiothoracic_ratio", "evans_index", "solid_share", "mass_roundness", "lytic_share", "echo_ratio",
    "cystic_share",
)  # fmt: skip
MOST_CHANGES = 6


def nothing(picture: Picture) -> dict:
    return {"measurement": NOT_AVAILABLE, "study": reading.study_of(picture)}


@tool("read")
def analyze_findings(world: World, study_id: str = "") -> dict:
    """Measure a study on its pixels: the overview of its modality; of a stack, the slice that shows most.

    Args:
        study_id: Id of the study or slice; without one, the latest.
    """
    picture = reading.picture_of(world, study_id)
    found = reading.shown(reading.measures(picture), reading.VIEWS.get(picture.modality, []))
    where = {"slice": picture.id} if reading.slice_of(picture) else {}
    return where | found if found else nothing(picture)


@tool("read")
def calculate_measurements(world: World, measurement_type: str, study_id: str = "") -> dict:
    """One kind of measurement.

    Args:
        measurement_type: Such as cardiothoracic ratio, pneumothorax, midline shift, nodule, fracture or wall.
        study_id: Id of the study or slice; without one, the latest.
    """
    name = measurement_type.strip().lower().replace("_", " ")
    if name not in MEASUREMENTS:
        raise ToolError(str(unknown_name("measurement", measurement_type, MEASUREMENTS)))
    modality, labels = MEASUREMENTS[name]
    picture = reading.picture_of(world, study_id)
    if picture.modality != modality:
        raise ToolError(f"{name} is not measured there", got=picture.modality, expected=modality)
    return reading.shown(reading.measures(picture), labels) or nothing(picture)


@tool("read")
def measure_lesion_size(world: World, study_id: str = "", lesion_description: str = "") -> dict:
    """Size of the main lesion of a study.

    Args:
        study_id: Id of the study or slice; without one, the latest.
        lesion_description: One of the measures only, such as solid diameter.
    """
    picture = reading.picture_of(world, study_id)
    labels = LESIONS.get(picture.modality, [])
    wanted = lesion_description.strip().lower().replace(" ", "_")
    if wanted in labels:
        labels = [wanted]
    return reading.shown(reading.measures(picture), labels) or nothing(picture)


@tool("read")
def measure_hounsfield(world: World, region: str, study_id: str = "") -> dict:
    """Density in a box of a CT, in Hounsfield units by the slice's grey scale.

    Args:
        region: "left,top,right,bottom" in pixels.
        study_id: Id of the CT study or slice; without one, the latest.
    """
    from medgym_core.imaging import measure
    from medgym_core.imaging import picture as pictures

    picture = reading.picture_of(world, study_id)
    window = getattr(reading.module(picture.modality), "WINDOW_HU", None)
    if window is None:
        raise ToolError("no Hounsfield units there", got=picture.modality, expected="a ct study")
    values = measure.luminance(pictures.decode(picture.png))
    found = measure.region_statistics(values, box_of(region, values.shape))
    scale = (window[1] - window[0]) / 255
    shown = {k: f"{window[0] + found[k] * scale:.0f} HU" for k in ("mean", "min", "max")}
    return shown | {"sd": f"{found['sd'] * scale:.0f} HU"}


def box_of(text: str, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """left, top, right, bottom in pixels, within the picture and not empty. Raises ToolError."""
    expected = f"left,top,right,bottom within 0,0,{shape[1]},{shape[0]}"
    parts = text.split(",")
    if len(parts) != 4 or not all(p.strip().isdecimal() and len(p.strip()) < 6 for p in parts):
        raise ToolError("not a box", got=repr(text[:40]), expected=expected)
    left, top, right, bottom = (int(p) for p in parts)
    if not (left < right <= shape[1] and top < bottom <= shape[0]):
        raise ToolError("box outside the picture", got=repr(text[:40]), expected=expected)
    return left, top, right, bottom


@tool("read")
def measure_ratio(world: World, study_id: str = "") -> dict:
    """The ratios of a study, which need no scale: cardiothoracic, Evans, solid share, share of the shaft.

    Args:
        study_id: Id of the study or slice; without one, the latest.
    """
    picture = reading.picture_of(world, study_id)
    return reading.shown(reading.measures(picture), list(RATIOS)) or nothing(picture)


@tool("read")
def measure_midline_shift(world: World, study_id: str = "") -> dict:
    """Midline shift of a CT of the head, with the largest thickness of a haematoma.

    Args:
        study_id: Id of the study or slice; without one, the latest.
    """
    picture = reading.picture_of(world, study_id)
    if picture.modality != "ct head":
        raise ToolError("no midline to measure", got=picture.modality, expected="ct head")
    return reading.shown(reading.measures(picture), ["midline_shift", "haematoma_thickness"]) or nothing(picture)


@tool("read")
def count_lesions(world: World, study_id: str = "") -> dict:
    """Count what can be counted: nodules, calcifications, stones, fractures, white-matter lesions by place.

    Args:
        study_id: Id of the study or slice; without one, the latest.
    """
    picture = reading.picture_of(world, study_id)
    found = reading.shown(reading.measures(picture), list(COUNTED))
    if not found:
        return {"lesions": NOT_AVAILABLE, "study": reading.study_of(picture)}
    return found


@tool("read")
def calculate_haematoma_volume(world: World, study_id: str = "") -> dict:
    """Volume of a haematoma over the slices of a CT of the head by ABC/2.

    Args:
        study_id: Id of the study; without one, the latest.
    """
    pictures = reading.study(world, study_id)
    if pictures[0].modality != "ct head":
        raise ToolError("no haematoma volume there", got=pictures[0].modality, expected="ct head")
    outcome = rules.volume(pictures)
    if outcome.value is None:
        return {"volume": f"insufficient: {', '.join(outcome.missing)}", "study": reading.study_of(pictures[0])}
    return {"volume": f"{number(float(outcome.value))} mL", **outcome.parts}


@tool("read")
def calculate_coronary_calcium_score(world: World, study_id: str = "") -> dict:
    """Agatston score over the slices of a cardiac CT, by slice and in all, with its CAC-DRADS category.

    Args:
        study_id: Id of the study; without one, the latest.
    """
    pictures = reading.study(world, study_id)
    if pictures[0].modality != "cardiac ct":
        raise ToolError("no calcium score there", got=pictures[0].modality, expected="cardiac ct")
    outcome = rules.calcium(pictures)
    if outcome.value is None:
        return {"agatston_total": f"insufficient: {', '.join(outcome.missing)}"}
    return {"agatston_total": number(float(outcome.value)), **outcome.parts}


@tool("read")
def compare_with_prior_study(world: World, study_id: str = "", prior_study_id: str = "") -> dict:
    """Both studies measured alike: then, now, change; of a nodule also the doubling time of its volume.

    Args:
        study_id: Id of the current study; without one, the latest.
        prior_study_id: Id of the prior one; without one, the earliest of the same kind.
    """
    now = reading.picture_of(world, study_id)
    before = prior_of(world, now, prior_study_id)
    if before is None:
        return {"prior": NOT_AVAILABLE, "study": reading.study_of(now), "missing": "prior study"}
    a, b = reading.measures(before), reading.measures(now)
    days = (now.minutes - before.minutes) // (24 * 60)
    found = {"days_between": str(days)}
    if now.modality == "ct chest":
        return found | _nodule_course(a, b, days)
    changed = [n for n in reading.VIEWS[now.modality] if n in a and n in b and a[n] != b[n]]
    shown = {f"{n}_change": f"{number(round(b[n] - a[n], 2))} {b.units[n]}".strip() for n in changed[:MOST_CHANGES]}
    return found | (shown or {"change": "none measured" if a and b else NOT_AVAILABLE})


def _nodule_course(a: reading.Measures, b: reading.Measures, days: int) -> dict[str, str]:
    name = "nodule_diameter"
    if name not in a or name not in b:
        return {"change": NOT_AVAILABLE, "missing": "nodule or calibration"}
    found = {
        "diameter_before": reading.show(a, name),
        "diameter_now": reading.show(b, name),
        "diameter_change": f"{number(round(b[name] - a[name], 1))} mm",
    }
    if days <= 0:
        return found
    outcome = rules.doubling(b[name], a[name], days)
    return found | outcome.parts | {"course": str(outcome.value)}


def prior_of(world: World, now: Picture, prior_study_id: str = "") -> Picture | None:
    """The prior picture to compare with. Raises ToolError for one that is of another kind or the same study."""
    if prior_study_id.strip():
        before = reading.picture_of(world, prior_study_id)
        if before.modality != now.modality or reading.study_of(before) == reading.study_of(now):
            got = f"{now.id} {now.modality} and {before.id} {before.modality}"
            raise ToolError("cannot compare these studies", got=got, expected="two studies of the same kind")
        return before
    others = [
        p for p in world.chart.images if p.modality == now.modality and reading.study_of(p) != reading.study_of(now)
    ]
    if not others:
        return None
    earliest = min(others, key=lambda p: p.minutes)
    return reading.main_picture(reading.studies(world.chart)[reading.study_of(earliest)])
