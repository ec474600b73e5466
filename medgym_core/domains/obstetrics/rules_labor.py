"""Labor as a course: examinations in time, where it stands, how much blood was lost. Limits: `facts/limits.toml`."""

from dataclasses import dataclass, field

from medgym_core.domains.obstetrics.rules import limits
from medgym_core.types import Chart, Record


@dataclass(frozen=True)
class Course:
    """What the examinations say. Times in hours."""

    dilation: float | None = None
    """cm at the last examination."""
    unchanged: float | None = None
    """Since the cervix was first found at its present dilation."""
    pushing: float | None = None
    contractions: float | None = None
    """Montevideo units."""
    oxytocin: float | None = None
    """Since it was started; 0: not given."""
    ruptured: bool | None = None
    parous: bool | None = None
    missing: list[str] = field(default_factory=list)


def examinations(chart: Chart) -> list[Record]:
    """Examinations of the cervix, oldest first."""
    return sorted((r for r in chart.records if r.kind == "cervical exam"), key=lambda r: r.minutes)


def course(chart: Chart) -> Course:
    """The course of labor from the chart; what is not recorded is named."""
    exams, seen = examinations(chart), chart.observations
    dilation = [(r.minutes, float(r.values["dilation_cm"])) for r in exams if "dilation_cm" in r.values]
    last = dilation[-1][1] if dilation else None
    since = next((m for m, d in dilation if d == last), 0)
    units = seen.get("montevideo_units")
    known = {
        "dilation": last,
        "contractions": float(units) if units else None,
        "oxytocin": _hours(seen.get("oxytocin_running")),
        "ruptured": {"ruptured": True, "intact": False}.get(seen.get("membranes", "")),
        "parous": None if "para" not in seen else int(seen["para"]) > 0,
    }
    unchanged = (dilation[-1][0] - since) / 60 if dilation else None
    missing = [name for name, value in known.items() if value is None]
    return Course(**known, unchanged=unchanged, pushing=_hours(seen.get("pushing")), missing=missing)


def _hours(text: str | None) -> float | None:
    """`3.5 h` as 3.5; `none` as 0."""
    if text is None:
        return None
    return 0.0 if text == "none" else float(text.split()[0])


def stage(c: Course) -> str:
    """latent phase, active phase, active phase arrest, second stage, prolonged second stage, or insufficient: ..."""
    rule = limits("labor")
    if c.dilation is None:
        return "insufficient: cervical dilation"
    if c.dilation >= rule["full_cm"]:
        if c.parous is None:
            return "insufficient: parity"
        limit = rule["second_stage_hours"]["parous" if c.parous else "nulliparous"]
        return "prolonged second stage" if (c.pushing or 0) > limit else "second stage"
    if c.dilation < rule["active_cm"]:
        return "latent phase"
    if c.contractions is None:
        return "insufficient: contraction strength"
    strong = c.contractions >= rule["adequate"]
    waited = (c.unchanged or 0) >= (rule["hours_adequate"] if strong else rule["hours_oxytocin"])
    driven = strong or (c.oxytocin or 0) >= rule["hours_oxytocin"]
    return "active phase arrest" if waited and driven and c.ruptured else "active phase"


def care_guide_alert(c: Course) -> str:
    """Whether the WHO labour care guide alerts at this dilation."""
    if c.dilation is None or c.unchanged is None:
        return ""
    limit = limits("labour_care_guide")["hours"].get(f"{c.dilation:g}")
    return "" if limit is None else "yes" if c.unchanged >= limit else "no"


def blood_lost(chart: Chart) -> tuple[int | None, dict[str, int]]:
    """Total mL of measured blood loss and each item's; None where nothing was measured or a weight is missing."""
    parts: dict[str, int] = {}
    for r in chart.records:
        if r.kind != "blood loss":
            continue
        taken = r.values
        full, less = ("wet_g", "dry_g") if "wet_g" in taken else ("volume_ml", "other_fluid_ml")
        if full not in taken or less not in taken:
            return None, {r.name: 0}
        parts[r.name] = int(taken[full]) - int(taken[less])
    return (sum(parts.values()) if parts else None), parts


def hemorrhage(ml: float, pulse: float, systolic: float) -> bool:
    """Whether the postpartum hemorrhage protocol is met: by the loss, or by hypovolemia (obstetric shock index)."""
    return ml >= limits("blood_loss")["hemorrhage"] or pulse / systolic >= limits("shock_index")["alert"]
