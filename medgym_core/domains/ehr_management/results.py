"""Tools about results: laboratory values and their course, vital signs, microbiology, and what is still pending."""

from medgym_core.clinical.physiology import critical_limits, flag
from medgym_core.domains.ehr_management.ordering import aware, drug_named
from medgym_core.domains.ehr_management.rules import (
    DAY,
    SPOKEN,
    VITALS,
    Stay,
    ago,
    follow,
    records,
    series,
    shown,
    stay_of,
    test_named,
)
from medgym_core.text import normal
from medgym_core.tools import NOT_AVAILABLE, NOT_IN_DATABASE, ToolError, World, number, tool
from medgym_core.types import Reading, Record

SHOWN = 12  # results in one answer
LONGEST_WAIT = 2 * DAY


def _last(n: int) -> int:
    if not 1 <= n <= 50:
        raise ToolError("cannot show that many", got=n, expected="1 to 50")
    return n


def flagged(world: World, r: Reading) -> str:
    """How a report marks the value for this patient."""
    c = world.chart
    return flag(r.name, r.value, c.age, c.sex, c.pregnant, c.gestation_days, c.age_months)


@tool("read")
def get_lab_results(world: World, hadm_id: str = "", lab_name: str = "", last_n: int = 10) -> dict:
    """Latest laboratory values of an admission; for one test, its last values with their times and comments.

    Args:
        hadm_id: Admission, or all; the current one when left out.
        lab_name: One test, such as creatinine; all tests when left out.
        last_n: How many values of one test, latest first.
    """
    stay = stay_of(world, hadm_id)
    follow(world)
    labs = world.results()
    if lab_name:
        name = test_named(world.chart, lab_name)
        found = series(labs, stay, name)[::-1][: _last(last_n)]
        if not found:
            return {name: NOT_AVAILABLE, "admission": stay.hadm_id}
        comments = {r.minutes: r.text for r in records(world.chart, stay, "comment") if r.name == name}
        values = {name: f"{shown(found[0])}, {ago(world, found[0].minutes)}{_said(comments, found[0])}"}
        earlier = [f"{r.value:g} {ago(world, r.minutes)}{_said(comments, r)}" for r in found[1:9]]
        return values | ({"earlier": ", ".join(earlier)} if earlier else {})
    latest = _latest(labs, stay)
    return {r.name: shown(r) for r in latest[:SHOWN]} or {"labs": NOT_AVAILABLE, "admission": stay.hadm_id}


def _said(comments: dict[int, str], r: Reading) -> str:
    return f", {comments[r.minutes]}" if r.minutes in comments else ""


def _latest(labs: list[Reading], stay: Stay) -> list[Reading]:
    """The latest value of each test in the stay, the most recent first."""
    found: dict[str, Reading] = {}
    for r in labs:
        if stay.holds(r.minutes) and (r.name not in found or r.minutes >= found[r.name].minutes):
            found[r.name] = r
    return sorted(found.values(), key=lambda r: -r.minutes)


@tool("read")
def get_lab_trend(world: World, lab_name: str, hadm_id: str = "") -> dict:
    """Course of a test: direction, first, last, lowest and highest value, net change and slope (least squares).

    Args:
        lab_name: The test, such as hemoglobin.
        hadm_id: Admission, or all; the current one when left out.
    """
    stay, name = stay_of(world, hadm_id), test_named(world.chart, lab_name)
    found = series(world.results(), stay, name)
    if not found:
        return {name: NOT_AVAILABLE, "admission": stay.hadm_id}
    first, last = found[0], found[-1]
    answer = {"test": name, "values": str(len(found)), "first": _at(world, first), "last": _at(world, last)}
    if len(found) < 2:
        return answer | {"direction": NOT_AVAILABLE}
    change, slope = change_of(found), slope_of(found)
    rising, falling = change > 0 and slope > 0, change < 0 and slope < 0
    unit = SPOKEN.get(first.unit, first.unit)
    return answer | {
        "lowest": f"{min(r.value for r in found):g}",
        "highest": f"{max(r.value for r in found):g}",
        "change": f"{change:g} {unit}".strip(),
        "slope": f"{number(round(slope, 2))} {unit} per day",
        "direction": "rising" if rising else "falling" if falling else "no clear direction",
    }


def _at(world: World, r: Reading) -> str:
    return f"{shown(r)}, {ago(world, r.minutes)}"


def change_of(found: list[Reading]) -> float:
    """Last less first value, without the dust of binary fractions."""
    return float(f"{found[-1].value - found[0].value:.6g}")


def slope_of(found: list[Reading]) -> float:
    """Least-squares slope per day; 0 where all values are of one time."""
    times = [r.minutes / DAY for r in found]
    middle, level = sum(times) / len(times), sum(r.value for r in found) / len(found)
    spread = sum((t - middle) ** 2 for t in times)
    return sum((t - middle) * (r.value - level) for t, r in zip(times, found, strict=True)) / spread if spread else 0.0


@tool("read")
def flag_abnormal_results(world: World, hadm_id: str = "") -> dict:
    """Latest laboratory values outside their reference range, critical ones first, and how many are normal.

    Args:
        hadm_id: Admission, or all; the current one when left out.
    """
    found = [(r, flagged(world, r)) for r in _latest(world.results(), stay_of(world, hadm_id))]
    if not found:
        return {"labs": NOT_AVAILABLE}
    marked = sorted(
        (f for f in found if f[1] not in ("normal", "no reference range")), key=lambda f: "crit" not in f[1]
    )
    listed = {r.name: f"{shown(r)}, {mark}" for r, mark in marked[:8]}
    unknown = [r.name for r, mark in found if mark == "no reference range"][:6]
    rest = {"no reference range": ", ".join(unknown)} if unknown else {}
    return listed | {"normal": ", ".join(r.name for r, mark in found if mark == "normal")[:160] or "none"} | rest


@tool("read")
def get_vital_signs(world: World, hadm_id: str = "", last_n: int = 1) -> dict:
    """Vital signs with their time; with more than one set, each sign's values latest first.

    Args:
        hadm_id: Admission, or all; the current one when left out.
        last_n: How many sets, 1 to 12.
    """
    stay, sets = stay_of(world, hadm_id), _last(last_n)
    found: dict[str, str] = {}
    times: list[int] = []
    for name in VITALS:
        values = series(world.chart.vitals, stay, name)[::-1][: min(sets, 6)]
        times = max(times, [r.minutes for r in values], key=len)
        if not values:
            found[name] = NOT_AVAILABLE
        elif sets == 1:
            found[name] = shown(values[0])
        else:
            unit = SPOKEN.get(values[0].unit, values[0].unit)
            found[name] = f"{', '.join(f'{r.value:g}' for r in values)} {unit}"
    if not times:
        return {"vital_signs": NOT_AVAILABLE, "admission": stay.hadm_id}
    now = {k: world.chart.observations[k] for k in ("oxygen", "consciousness") if k in world.chart.observations}
    when = {"time": ago(world, times[0])} if sets == 1 else {"times": ", ".join(ago(world, t) for t in times)}
    return when | found | (now if sets == 1 and stay.end > world.minutes else {})


@tool("read")
def detect_vital_alerts(world: World, hadm_id: str = "") -> dict:
    """Latest vital signs at or beyond a single-parameter red score of NEWS2 (from 16 years), and since when.

    Args:
        hadm_id: Admission; the current one when left out.
    """
    stay = stay_of(world, hadm_id)
    found, missing = {}, []
    for name in VITALS:
        values = series(world.chart.vitals, stay, name)
        if not values:
            missing.append(name)
            continue
        low, high = critical_limits(name, world.chart.age)
        run = 0
        while run < len(values) and not low < values[-1 - run].value < high:
            run += 1
        if run:
            limit = f"at or below {low:g}" if values[-1].value <= low else f"at or above {high:g}"
            found[name] = f"{shown(values[-1])}, {limit}, since {ago(world, values[-run].minutes)}"
    answer = found or {"alerts": "none" if len(missing) < len(VITALS) else NOT_AVAILABLE}
    return answer | ({"missing": ", ".join(missing)} if missing else {})


# ---- microbiology


def cultures(world: World, hadm_id: str = "") -> list[tuple[str, Record]]:
    """Cultures of an admission with their short id, the latest first."""
    found = sorted(records(world.chart, stay_of(world, hadm_id), "culture"), key=lambda r: -r.minutes)
    return [(f"C{i}", r) for i, r in enumerate(found, 1)]


@tool("read")
def get_microbiology(world: World, hadm_id: str = "") -> dict:
    """Cultures of an admission: what was sent, when, the organism and whether the report is final.

    Args:
        hadm_id: Admission; the current one when left out.
    """
    found = cultures(world, hadm_id)[:6]
    return {
        i: f"{r.name}, {ago(world, r.minutes)}, {r.values.get('organism', 'no result yet')}, {r.status or 'no status'}"
        for i, r in found
    } or {"cultures": "none recorded"}


@tool("read")
def get_culture_sensitivities(world: World, culture: str = "", hadm_id: str = "") -> dict:
    """Susceptibility panel of a culture: S susceptible, I intermediate, R resistant. What is not listed was not tested.

    Args:
        culture: Id from get_microbiology, such as C1; the latest with a panel when left out.
        hadm_id: Admission; the current one when left out.
    """
    found = cultures(world, hadm_id)
    chosen = (
        [(i, r) for i, r in found if normal(i) == normal(culture)] if culture else [f for f in found if panel(f[1])]
    )
    if culture and not chosen:
        raise ToolError("no such culture", got=repr(culture[:20]), expected=", ".join(i for i, _ in found) or "none")
    if not chosen or not panel(chosen[0][1]):
        return {"sensitivities": NOT_AVAILABLE, "cultures": str(len(found))}
    i, r = chosen[0]
    return {"culture": i, "organism": r.values.get("organism", NOT_AVAILABLE)} | panel(r)


def panel(r: Record) -> dict[str, str]:
    """Drug to S, I or R."""
    return {k: v for k, v in r.values.items() if v in ("S", "I", "R")}


@tool("read", static=True)
def get_antibiotic_group(world: World, drug: str) -> dict:
    """WHO AWaRe group of an antibiotic: access (narrowest), watch or reserve.

    Args:
        drug: The antibiotic.
    """
    name = drug_named(drug)
    return {name or drug[:40]: aware().get(name or "", NOT_IN_DATABASE)}


# ---- ordered and pending


@tool("read")
def check_pending_results(world: World) -> dict:
    """Tests that are under way and when their result is expected."""
    follow(world)
    found = {o.name: f"pending until minute {o.due}" for o in world.orders if o.due > world.minutes}
    found |= {name: "result is back" for name in world.back()}
    return (found or {"pending": "none"}) | {"now": f"minute {world.minutes}"}


@tool("read")
def get_test_results(world: World, wait_minutes: int = 0) -> dict:
    """Results of tests ordered in this episode or under way when it began, once they are back.

    Args:
        wait_minutes: Minutes to wait before looking, 0 to 2880.
    """
    if not 0 <= wait_minutes <= LONGEST_WAIT:
        raise ToolError("cannot wait that long", got=wait_minutes, expected=f"0 to {LONGEST_WAIT} minutes")
    follow(world)
    if not world.orders:
        return {"results": NOT_AVAILABLE, "missing": "nothing ordered", "admission": stay_of(world).hadm_id}
    world.minutes += wait_minutes
    found: dict[str, str] = {}
    for order in world.orders[-6:]:
        if order.due > world.minutes:
            found[order.name] = f"pending until minute {order.due}"
            continue
        back = {r.name: shown(r) for r in world.chart.pending.get(order.name, [])[:8]}
        back |= world.chart.pending_findings.get(order.name, {})
        found |= back or {order.name: NOT_AVAILABLE}
    return found
