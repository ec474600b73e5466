"""Tools about the fetus: the tracing measured from its series, the biophysical profile, growth, Doppler."""

from medgym_core import instruments
from medgym_core.domains.obstetrics import ctg, rules
from medgym_core.domains.obstetrics.ctg import STEP, Tracing
from medgym_core.instruments.tools import from_chart, shown
from medgym_core.tools import NOT_AVAILABLE, ToolError, World, tool
from medgym_core.types import Record

BIOMETRY = {
    "hc": "head_circumference",
    "ac": "abdominal_circumference",
    "fl": "femur_length",
    "bpd": "biparietal_diameter",
}
FETUS = (
    "presentation",
    "fetal_movements",
    "fetal_heart",
    "umbilical_artery",
    "earlier_doppler",
    "deepest_vertical_pocket",
    "placental_site",
)
PRETERM_ACCELERATIONS = 224  # days: before 32 weeks an acceleration counts from 10 beats


def latest_trace(world: World) -> Record | None:
    """The newest cardiotocograph."""
    traces = [r for r in world.chart.records if r.kind == "ctg" and "fhr" in r.values]
    return max(traces, key=lambda r: r.minutes) if traces else None


def tracing(world: World) -> Tracing | None:
    """What the newest cardiotocograph measures."""
    record = latest_trace(world)
    if record is None:
        return None
    days = world.chart.gestation_days
    preterm = days is not None and days < PRETERM_ACCELERATIONS
    return ctg.read(record.values["fhr"], record.values.get("toco", ""), preterm)


def measured(world: World, name: str) -> float | None:
    """A measurement of the scan in mm, or None."""
    text = world.finding(name)
    if text is None or not text.endswith(" mm"):
        return None
    return float(text.removesuffix(" mm"))


@tool("read")
def interpret_ctg(world: World) -> dict:
    """Baseline, variability, accelerations, decelerations and contractions of the newest tracing, NICHD category."""
    t = tracing(world)
    if t is None:
        return {"ctg": NOT_AVAILABLE, "missing": "cardiotocograph"}
    rate = f"{t.contractions:g} in 10 min"
    if t.baseline is None:
        return {"category": NOT_AVAILABLE, "missing": "baseline (signal lost)", "contractions": rate}
    found = {
        "category": t.category,
        "baseline": f"{t.baseline} /min",
        "variability": f"{t.variability}, {t.amplitude:g} /min",
        "accelerations": str(t.accelerations),
    }
    found |= {k: str(getattr(t, k)) for k in ("early", "late", "variable", "prolonged")}
    found["recurrent"] = "yes" if t.recurrent else "no"
    found["contractions"] = rate
    return found | ({"pattern": "sinusoidal"} if t.sinusoidal else {})


@tool("read")
def read_ctg_segment(world: World, start_minute: int) -> dict:
    """Three minutes of the newest tracing: the fetal heart rate every 15 s (-: signal lost), as printed.

    Args:
        start_minute: Minute of the trace to begin at, from 0.
    """
    record = latest_trace(world)
    if record is None:
        return {"ctg": NOT_AVAILABLE, "missing": "cardiotocograph"}
    values = record.values["fhr"].split()
    first = round(start_minute * 60 / STEP)
    if not 0 <= first < len(values):
        raise ToolError("not in the trace", got=start_minute, expected=f"0 to {int(len(values) * STEP / 60) - 1}")
    every = round(15 / STEP)
    return {"fhr": " ".join("-" if v == "0" else v for v in values[first : first + 12 * every : every])}


@tool("read")
def assess_fetal_status(world: World) -> dict:
    """Presentation, movements, heart, umbilical artery flow, fluid, and baseline and category of a tracing."""
    found = {k: v for k in FETUS if (v := world.finding(k)) is not None}
    if "deepest_vertical_pocket" in found:
        found["deepest_vertical_pocket"] += " cm"
    t = tracing(world)
    if t is not None:
        found["ctg_baseline"] = f"{t.baseline} /min" if t.baseline else NOT_AVAILABLE
        found["ctg_category"] = t.category or NOT_AVAILABLE
    return found or {"fetal_status": NOT_AVAILABLE}


def _profile(world: World, name: str) -> dict:
    bound = instruments.get(name)
    outcome = bound(**from_chart(world, bound))
    parts = {k: f"{v:g}" for k, v in outcome.parts.items()} if outcome.value is not None else {}
    return shown(bound, outcome) | parts


@tool("read")
def get_biophysical_profile(world: World) -> dict:
    """Biophysical profile, 0 to 10, with the points of each part."""
    return _profile(world, "bpp")


@tool("read")
def calculate_modified_bpp(world: World) -> dict:
    """Modified biophysical profile: nonstress test and amniotic fluid."""
    return _profile(world, "modified_bpp")


@tool("read")
def assess_growth(world: World) -> dict:
    """Estimated fetal weight (Hadlock 1985) from the biometry on the chart, and its percentile band (Hadlock 1991)."""
    size = {key: measured(world, name) for key, name in BIOMETRY.items()}
    missing = [BIOMETRY[k].replace("_", " ") for k in ("hc", "ac", "fl") if size[k] is None]
    if world.chart.gestation_days is None:
        missing.append("gestation")
    if missing:
        return {"estimated_weight": NOT_AVAILABLE, "missing": ", ".join(missing)}
    weight = rules.fetal_weight(**size)
    found = {"estimated_weight": f"{weight} g", "percentile": rules.growth_band(weight, world.chart.gestation_days)}
    return found | {"gestation": rules.weeks(world.chart.gestation_days)}
