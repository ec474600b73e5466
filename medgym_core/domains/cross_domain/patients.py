"""Patients of a pathway: background from the shared physiology, the pathway's own values, their course and story.

A case overrides what its condition changes; nothing here knows the question. Every laboratory value stands behind an
order (`Chart.pending`), so that tests must be sent; the course says how this patient responds.
"""

from collections.abc import Iterable
from functools import cache
from random import Random
from typing import Any

from medgym_core.clinical import physiology
from medgym_core.domains.cross_domain.pathway import COURSE
from medgym_core.domains.cross_domain.rules import table
from medgym_core.patient import story_of
from medgym_core.types import Chart, Medication, Reading, Story

COMPLAINT = "complaint problem brings wrong matter"
ONSET = "onset began start started when"
CHARACTER = "feel describe pain like character"
ASSOCIATED = "else noticed besides associated"
PAST = "illness illnesses past history operations conditions"
MEDICINES = "medicine medicines tablets medication drugs take"
ALLERGIES = "allergy allergies allergic react"
FAMILY = "family mother father relatives"
SOCIAL = "home live job work"
SMOKING = "smoke smoking cigarettes"
HABITS = "drink alcohol cocaine habits"
GCS = {"alert": "15", "new confusion": "14", "voice": "12", "pain": "8"}
"""A total that fits each level of consciousness."""
PERSONAS = ("plain", "anxious", "stoic", "vague")


@cache
def sampled() -> tuple[str, ...]:
    """Laboratory values of every patient; a drug level only where the case gives one."""
    names = (m for test in table("tests").values() for m in test["members"])
    return tuple(dict.fromkeys(n for n in names if n != "acetaminophen"))


def patient(
    rng: Random,
    name: str,
    level: int,
    *,
    vitals: dict[str, float],
    labs: dict[str, float] | None = None,
    seen: dict[str, str] | None = None,
    studies: dict[str, str] | None = None,
    own: dict[str, Any] | None = None,
    ages: tuple[int, int] | None = None,
    without: Iterable[str] = (),
    avoid: Iterable[str] = (),
    conditions: Iterable[str] = (),
    medications: Iterable[str] = (),
    **more: Any,
) -> Chart:
    """A chart of the pathway `name`: `vitals` and `labs` override what is drawn, `own` are sizes of the course.

    `studies`: imaging and cultures by the test's name. `without`: laboratory values the sample does not give. `more`
    are chart fields, and `labs_before` readings of an earlier visit.
    """
    facts = table("pathways")[name]
    sex = more.pop("sex", None) or rng.choice(["female", "male"])
    age = rng.randint(*(ages or facts["ages"]))
    months = more.pop("age_months", None)
    fields = physiology.base_chart(rng, age=age, sex=sex, age_months=months, comorbid=level - 1, avoid=list(avoid))
    fields["conditions"] = [*conditions, *fields["conditions"]]
    fields["medications"] = [*map(Medication, medications), *fields["medications"]]
    fields["complaint"] = rng.choice(facts["complaints"])
    fields["arrival"] = rng.choice(["ambulance", "brought by family", "walked in"])
    pregnant, days = more.get("pregnant", False), more.get("gestation_days")
    fields |= more
    course = {"pathway": name} | {k: str(v) for k, v in (own or {}).items()}
    before = fields.pop("labs_before", [])
    old = [] if "labs" in more else [*_old(rng, level, age, sex), *before]
    fields.setdefault("labs", old)
    if level == 3 and "allergies" not in more and rng.random() < 0.4:
        fields["allergies"] = None
    if fields["weight_kg"] is None and "weight" not in course:
        course["weight"] = str(physiology.body(rng, age=age, sex=sex, age_months=months)[0])
    return Chart(
        **fields,
        vitals=_vitals(rng, vitals, age, sex, pregnant, months),
        pending=_pending(rng, labs or {}, set(without), age, sex, pregnant, days, months),
        observations=_observed(seen or {}),
        pending_findings=_studies(studies or {}) | {COURSE: course},
    )


def _observed(seen: dict[str, str]) -> dict[str, str]:
    """Findings with oxygen, consciousness and the coma score that goes with it."""
    found = {"oxygen": "room air", "consciousness": "alert"} | seen
    return found | {"gcs": GCS[found["consciousness"]]}


def _old(rng: Random, level: int, age: int, sex: str) -> list[Reading]:
    """Results of an earlier visit, as distractors."""
    if level == 1 or rng.random() < 0.5:
        return []
    when = -60 * 24 * rng.randint(20, 300)
    return physiology.sample_labs(rng, ["hemoglobin", "creatinine"], age=age, sex=sex, minutes=when)


def _vitals(
    rng: Random, given: dict[str, float], age: int, sex: str, pregnant: bool | None, months: int | None
) -> list[Reading]:
    """The six vital signs and the pathway's own measures, given ones as they are."""
    own = {n: v for n, v in given.items() if "unit" in table("measures").get(n, {})}
    shared = {n: v for n, v in given.items() if n not in own}
    drawn = physiology.sample_vitals(
        rng, age=age, sex=sex, pregnant=pregnant, overrides=shared, age_months=months
    )  # fmt: skip
    return drawn + [Reading(n, v, table("measures")[n]["unit"]) for n, v in own.items()]


def _pending(
    rng: Random, given: dict[str, float], without: set[str], age: int, sex: str, pregnant: bool | None,
    days: int | None, months: int | None,
) -> dict[str, list[Reading]]:  # fmt: skip
    """Each test with its readings; a test without any is not offered."""
    sample = physiology.sample_labs(
        rng, sampled(), age=age, sex=sex, pregnant=pregnant, gestation_days=days, age_months=months, overrides=given
    )  # fmt: skip
    values = {r.name: r for r in sample if r.name not in without}
    tests = {t: [values[m] for m in e["members"] if m in values] for t, e in table("tests").items()}
    return {t: readings for t, readings in tests.items() if readings}


def _studies(found: dict[str, str]) -> dict[str, dict[str, str]]:
    return {test: {table("tests")[test]["finding"]: words} for test, words in found.items()}


def story(rng: Random, chart: Chart, topics: dict[str, list[str]] | None = None, persona: str = "") -> Story:
    """What the patient (or who came along) tells; `topics` come first and win."""
    name = chart.pending_findings[COURSE]["pathway"]
    words, common = table("stories")[name], table("stories")["common"]
    told = {
        ONSET: [rng.choice(words["onset"])],
        CHARACTER: [rng.choice(words["character"])],
        ASSOCIATED: [rng.choice(words["associated"])],
        PAST: [f"I have {', '.join(chart.conditions)}." if chart.conditions else "I am healthy otherwise."],
        MEDICINES: [f"I take {', '.join(m.drug for m in chart.medications)}." if chart.medications else "None."],
        ALLERGIES: story_of(chart).topics["allergy allergies allergic"],
        FAMILY: [rng.choice(common["family"])],
        SOCIAL: [rng.choice(common["social"])],
        SMOKING: [rng.choice(common["smoking"])],
        COMPLAINT: [f"It is {chart.complaint}."],
    }
    return Story((topics or {}) | {k: v for k, v in told.items() if k not in (topics or {})}, persona or "plain")
