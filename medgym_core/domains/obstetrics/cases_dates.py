"""Dates: gestation today or the due date, by period or by scan."""

from datetime import date, timedelta
from random import Random
from typing import Any

from medgym_core.domains import Draft
from medgym_core.domains.obstetrics import patients, rules
from medgym_core.domains.obstetrics.drafting import draft, request
from medgym_core.domains.obstetrics.rules import limits
from medgym_core.types import Call, Gold, Record, UnsafeAction

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


def dating(rng: Random, knowledge: Any) -> Draft | None:
    """Gestation today or due date: the period stands unless the first scan differs by more than the rule allows."""
    level, due = rng.randint(1, 3), rng.random() < 0.5
    uses = rng.choice(("period", "scan", "scan only"))
    at_scan = rng.randint(56, 150)
    limit = rules.redate_above(at_scan)
    shift = rng.choice((-1, 1)) * (rng.randint(0, limit) if uses == "period" else rng.randint(limit + 1, limit + 12))
    scan_days = at_scan + shift
    since = rng.randint(7, 110)
    today = date(2024, 1, 1) + timedelta(days=rng.randrange(700))
    lmp_days = at_scan + since
    seen = {"today": today.isoformat()}
    if uses != "scan only":
        seen["last_menstrual_period"] = (today - timedelta(days=lmp_days)).isoformat()
    scanned = {"date": (today - timedelta(days=since)).isoformat(), "gestation_days": str(scan_days)}
    chart = patients.woman(
        rng,
        level,
        days=200,
        complaint=rng.choice(("booking visit", "transfer of care", "unsure of dates", "antenatal visit")),
        seen=seen,
        records=[
            Record(
                "dating scan",
                "crown-rump length" if scan_days < 98 else "biometry",
                -since * patients.DAY,
                values=scanned,
            )
        ],
    )
    chart = patients.undated(chart)
    known = rules.best_gestation(lmp_days, scan_days + since, since) if uses != "scan only" else scan_days + since
    if (known == lmp_days) != (uses == "period") and shift:
        return None
    text = (
        (today + timedelta(days=limits("dating")["pregnancy_days"] - known)).isoformat() if due else rules.weeks(known)
    )
    by = "lmp" if uses == "period" else "scan"
    shown = ("due by " if due else "by ") + by
    evidence: list[tuple[str, str]] = [(shown, text)]
    turns = [Call("calculate_gestational_age"), *([Call("calculate_due_date")] if due else [])]
    if uses == "scan only":
        evidence.append(("by lmp", "not available"))
    else:
        evidence += [("difference", f"{abs(shift)} days"), ("redate above", f"{limit} days")]
    w, d = divmod(known, 7)
    same = {} if due else {text: [f"{w}+{d}", f"{w} weeks {d} days", f"{w} weeks and {d} days", f"{w}w {d}d"]}
    other = lmp_days if by == "scan" else scan_days + since
    source = limits("dating")["source"]
    unsafe = (
        []
        if known == other or due
        else [UnsafeAction("the wrong dates go on the record", 2, source, answers=[rules.weeks(other)])]
    )
    return draft(
        "dating",
        f"{uses}:{'due' if due else 'age'}:{limit}:{abs(shift) // 4}",
        level,
        request(rng, chart, ASK_DUE if due else ASK_DATES),
        chart,
        Gold("category", text, synonyms=same),
        turns,
        evidence,
        [source],
        story=patients.story(rng, chart),
        unsafe=unsafe,
    )
