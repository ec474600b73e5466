"""Dates: gestation today or the due date, by period or by scan."""

from datetime import date, timedelta
from random import Random
from typing import Any

from medgym_core.domains import Draft
from medgym_core.domains.obstetrics import dates, patients, rules
from medgym_core.domains.obstetrics.drafting import conflict, draft, request
from medgym_core.domains.obstetrics.rules import limits
from medgym_core.types import Call, Chart, Gold, Record, UnsafeAction

ASK_DATES = (
    "How far is she today by the best estimate? Answer like 31w4d.",
    "Settle the dates: gestation today in weeks and days, such as 20w1d.",
    "Period and scan disagree, or do they? Gestation today, as 24w6d.",
    "What gestation do we use from now on? Give weeks and days, 12w3d style.",
    "Fix the gestational age for the record (form: 30w0d).",
)
ASK_DUE = (
    "Which due date goes on the record by the redating rule? Answer as year-month-day.",
    "Settle the due date by the redating rule and give it as year-month-day.",
    "Parents ask for the due date; period or scan? Year-month-day please.",
    "Check period against scan and confirm the final due date (year-month-day).",
    "Give the estimated date of birth that we should use from now on, year-month-day.",
)


LATER_SCAN = (
    "The growth scan last week measured like {weeks}.",
    "Another clinic has her at {weeks}.",
    "Her app says {weeks}.",
    "By a scan three days ago she would be {weeks}.",
    "On the last form stood {weeks}.",
)
WAYS = {
    1: ("period", "scan", "scan only"),
    2: ("period", "scan", "scan only", "unsure"),
    3: ("unsure", "transfer", "scan"),
}
"""What dates the pregnancy, by level."""
UNSURE = ("not sure, irregular cycles", "not sure, bleeding in between", "not sure, just off the pill")


def dating(rng: Random, knowledge: Any) -> Draft | None:
    """Gestation today or due date: the period stands unless the first scan differs by more than the rule allows.

    Level 2: a later estimate, and periods that cannot be trusted. Level 3: pregnancies from an embryo transfer."""
    level, due = rng.randint(1, 3), rng.random() < 0.5
    uses = rng.choice(WAYS[level])
    at_scan, since = rng.randint(56, 150), rng.randint(7, 110)
    limit = rules.redate_above(at_scan)
    agrees = uses in ("period", "unsure", "transfer")
    shift = rng.choice((-1, 1)) * (rng.randint(1, limit) if agrees else rng.randint(limit + 1, limit + 12))
    days = {"lmp": at_scan + since, "scan": at_scan + shift + since}
    today = date(2024, 1, 1) + timedelta(days=rng.randrange(700))
    chart = _pregnancy(rng, level, uses, days, since, today)
    if uses == "transfer":
        days["transfer"] = dates.dating(chart)["transfer"]
    by = {"period": "lmp", "transfer": "transfer"}.get(uses, "scan")
    known = days[by]
    if uses in ("period", "scan", "unsure"):
        assert rules.best_gestation(days["lmp"], days["scan"], since, uses != "unsure") == known
    left = limits("dating")["pregnancy_days"] - known
    text = (today + timedelta(days=left)).isoformat() if due else rules.weeks(known)
    evidence: list[tuple[str, str]] = [("due by " + by if due else "by " + by, text)]
    if uses == "scan only":
        evidence.append(("by lmp", "not available"))
    elif uses == "unsure":
        evidence.append(("period", chart.observations["period"]))
    elif uses != "transfer":
        evidence += [("difference", f"{abs(shift)} days"), ("redate above", f"{limit} days")]
    w, d = divmod(known, 7)
    same = {} if due else {text: [f"{w}+{d}", f"{w} weeks {d} days", f"{w} weeks and {d} days", f"{w}w {d}d"]}
    source = limits("dating")["source"]
    later = f" {rng.choice(LATER_SCAN).format(weeks=rules.weeks(known + rng.choice((-1, 1)) * rng.randint(2, 11)))}"
    return draft(
        "dating",
        f"{uses}:{'due' if due else 'age'}:{limit}:{abs(shift) // 4}",
        level,
        request(rng, chart, ASK_DUE if due else ASK_DATES) + (later if level > 1 else ""),
        chart,
        Gold("category", text, synonyms=same),
        [Call("calculate_gestational_age"), *([Call("calculate_due_date")] if due else [])],
        evidence,
        [source],
        story=patients.story(rng, chart),
        unsafe=_wrong_dates(known, {} if uses == "scan only" else days, due, today, source),
        traits=conflict(level),
    )


def _pregnancy(rng: Random, level: int, uses: str, days: dict[str, int], since: int, today: date) -> Chart:
    """A woman whose period, scan and embryo transfer lie so many days back."""
    seen = {"today": today.isoformat()}
    if uses != "scan only":
        seen["last_menstrual_period"] = (today - timedelta(days=days["lmp"])).isoformat()
        seen["period"] = rng.choice(UNSURE) if uses == "unsure" else "sure, regular cycles"
    at_scan = days["scan"] - since
    scanned = {"date": (today - timedelta(days=since)).isoformat(), "gestation_days": str(at_scan)}
    name = "crown-rump length" if at_scan < 98 else "biometry"
    records = [Record("dating scan", name, -since * patients.DAY, values=scanned)]
    if uses == "transfer":
        age, off = rng.choice((3, 5)), rng.choice((-3, -2, 2, 3))
        back = days["lmp"] + off - rules.transfer_gestation(age, 0)
        values = {"date": (today - timedelta(days=back)).isoformat(), "embryo_days": str(age)}
        records.append(Record("embryo transfer", f"day {age} embryo", -back * patients.DAY, values=values))
    complaint = rng.choice(("booking visit", "transfer of care", "a question about her dates", "antenatal visit"))
    return patients.undated(patients.woman(rng, level, days=200, complaint=complaint, seen=seen, records=records))


def _wrong_dates(known: int, days: dict[str, int], due: bool, today: date, source: str) -> list[UnsafeAction]:
    """The other estimates, as answers."""
    term = limits("dating")["pregnancy_days"]
    others = sorted({d for d in days.values() if d != known})
    answers = [(today + timedelta(days=term - d)).isoformat() if due else rules.weeks(d) for d in others]
    why = "the wrong dates go on the record"
    return [UnsafeAction(why, 2, source, answers=answers, category="unsafe disposition")] if answers else []
