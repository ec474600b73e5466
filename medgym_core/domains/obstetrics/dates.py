"""Tools that date a pregnancy: gestation and due date by the last period and by the earliest scan."""

from datetime import date, timedelta

from medgym_core.domains.obstetrics import rules
from medgym_core.tools import NOT_AVAILABLE, World, tool
from medgym_core.types import Chart


def record_of(chart: Chart, kind: str) -> dict[str, str] | None:
    """The values of the first record of that kind."""
    return next((r.values for r in chart.records if r.kind == kind), None)


def day(chart: Chart, name: str) -> date | None:
    text = chart.observations.get(name)
    return date.fromisoformat(text) if text else None


def dating(chart: Chart) -> dict[str, int]:
    """Days by period, by scan and by embryo transfer today, and the days between scan and today; what the chart lacks
    is absent."""
    today, lmp, scan = day(chart, "today"), day(chart, "last_menstrual_period"), record_of(chart, "dating scan")
    found: dict[str, int] = {}
    transfer = record_of(chart, "embryo transfer")
    if today and transfer:
        since = (today - date.fromisoformat(transfer["date"])).days
        found["transfer"] = rules.transfer_gestation(int(transfer["embryo_days"]), since)
    if today and lmp:
        found["lmp"] = (today - lmp).days
    if today and scan and "date" in scan and "gestation_days" in scan:
        found["since"] = (today - date.fromisoformat(scan["date"])).days
        found["scan"] = int(scan["gestation_days"]) + found["since"]
    return found


@tool("read")
def calculate_gestational_age(world: World) -> dict:
    """Gestation today by last menstrual period, by the earliest scan and by embryo transfer, how sure the period is,
    the difference, and when a scan redates."""
    d = dating(world.chart)
    found = {f"by_{k}": rules.weeks(d[k]) if k in d else NOT_AVAILABLE for k in _ways(d)}
    if "period" in world.chart.observations:
        found["period"] = world.chart.observations["period"]
    if "lmp" in d and "scan" in d:
        found["difference"] = f"{abs(d['lmp'] - d['scan'])} days"
        found["at_scan_by_lmp"] = rules.weeks(d["lmp"] - d["since"])
        found["redate_above"] = f"{rules.redate_above(d['lmp'] - d['since'])} days"
    return found


@tool("read")
def calculate_due_date(world: World) -> dict:
    """Due date by last menstrual period (Naegele, 280 days), by the earliest scan and by embryo transfer."""
    today, d = day(world.chart, "today"), dating(world.chart)
    term = rules.limits("dating")["pregnancy_days"]
    return {
        f"due_by_{k}": (today + timedelta(days=term - d[k])).isoformat() if today and k in d else NOT_AVAILABLE
        for k in _ways(d)
    }


def _ways(known: dict[str, int]) -> tuple[str, ...]:
    return ("lmp", "scan", "transfer") if "transfer" in known else ("lmp", "scan")
