"""Seeded patients who come with studies: background, pictures with shuffled names, study data, reports and a story."""

from collections.abc import Sequence
from random import Random
from typing import Any

import msgspec

from medgym_core import facts
from medgym_core.clinical.physiology import base_chart
from medgym_core.domains.radiology_report import reading, recipes, rules
from medgym_core.domains.radiology_report.reading import DOMAIN, module
from medgym_core.types import Chart, Persona, Picture, Record, Story

DAY = 24 * 60
PERSONAS: tuple[Persona, ...] = ("plain", "plain", "vague", "anxious", "stoic", "poor historian")
RISKS_KEPT_OUT = ("type 2 diabetes", "chronic kidney disease")
"""Illnesses that decide some cases: background illness is drawn without them."""


def setting(name: str) -> dict[str, Any]:
    return facts.load(DOMAIN, "settings")[name]


def setting_of(condition: str) -> str:
    """The setting of a condition: its organ for an ultrasound of the abdomen, else its modality."""
    entry = rules.condition(condition)
    return entry.get("body_part") or entry["modality"]


def person(
    rng: Random, scene_name: str, level: int, sex: str = "", ages: Sequence[int] = (), site: str = ""
) -> dict[str, Any]:
    """Fields of a chart: who it is, with `level` - 1 long-standing illnesses, and what is imaged (`site`)."""
    scene = setting(scene_name)
    sex = sex or scene.get("sex") or rng.choice(["female", "male"])
    age = rng.randint(*(ages or scene["ages"]))
    fields = base_chart(rng, age=age, sex=sex, comorbid=level - 1, avoid=RISKS_KEPT_OUT)
    fields["complaint"] = rng.choice(scene["complaints"])
    return fields | {"site": site or rng.choice(scene["sites"]), "scene": scene_name}


def names(rng: Random, count: int) -> list[str]:
    """Names of studies in random order: the number says nothing about which is current."""
    found = [f"ST-{i}" for i in range(1, count + 1)]
    rng.shuffle(found)
    return found


def shot(
    rng: Random, name: str, condition: str, who: dict[str, Any], *, days_ago: int = 0, site: str = "", view: str = "",
    **fixed: Any,
) -> Picture:  # fmt: skip
    """A picture that shows the condition, taken that long ago; drawn until its pixels show just that."""
    modality = rules.condition(condition)["modality"]
    part = site or who["site"]
    for _ in range(recipes.TRIES):
        png = recipes.png_of(rng, condition, **fixed)
        drawn = Picture(name, modality, part, png, module(modality).MM_PER_PIXEL, view, -days_ago * DAY)
        if rules.diagnosis(drawn) == condition:
            return drawn
    raise AssertionError(f"{condition} is not seen in {recipes.TRIES} pictures of it")


def elsewhere(scene: str) -> str:
    """A site of a setting, the first: for further studies of a patient who came for another one."""
    return setting(scene)["sites"][0]


def data_of(shots: Sequence[Picture], who: dict[str, Any], **changed: str) -> Record:
    """The study data that come with a study: what was asked for, what was done, whose name stands on it."""
    first = shots[0]
    exam = first.modality if first.body_part in first.modality else f"{first.modality} {first.body_part}"
    values = {
        "requested": exam,
        "performed": exam,
        "patient_on_image": who["patient_id"],
    }
    return Record("study", reading.study_of(first), first.minutes, values=values | changed)


def report(name: str, minutes: int, status: str, text: str = "", **values: str) -> Record:
    """What someone wrote about a study."""
    return Record("report", name, minutes, status=status, text=text, values=values)


def chart(who: dict[str, Any], shots: Sequence[Picture], records: Sequence[Record] = (), **more: Any) -> Chart:
    """The chart of a person with these pictures in the order of their names, each study with its data."""
    fields = {k: v for k, v in who.items() if k not in ("site", "scene")}
    by_study: dict[str, list[Picture]] = {}
    for s in sorted(shots, key=lambda p: p.id):
        by_study.setdefault(reading.study_of(s), []).append(s)
    told = {r.name for r in records if r.kind == "study"}
    own = [data_of(group, who) for name, group in by_study.items() if name not in told]
    pictures = [p for group in by_study.values() for p in group]
    return Chart(**(fields | {"images": pictures, "records": [*own, *records]} | more))


def with_conditions(case: Chart, more: Sequence[str]) -> Chart:
    """The chart as it would be if what the patient tells of illnesses stood on it."""
    return changed(case, conditions=[*case.conditions, *more])


def changed(case: Chart, **fields: Any) -> Chart:
    """The chart as it would be with these fields."""
    return msgspec.structs.replace(case, **fields)


def story(rng: Random, case: Chart, scene_name: str, persona: Persona | None = None, **topics: list[str]) -> Story:
    """What the patient tells; `topics` come before the usual ones (underscores in their names are spaces)."""
    told = {name.replace("_", " "): layers for name, layers in topics.items()}
    drugs = [m.drug for m in case.medications]
    usual = {
        "complaint problem wrong brings": [f"I am here for {case.complaint}."],
        "feel notice symptoms began onset started": [rng.choice(setting(scene_name)["told"])],
        "past history illness illnesses conditions": [
            f"I have {', '.join(case.conditions)}." if case.conditions else "I have been healthy."
        ],
        "medicine medicines medication medications tablets drugs": [
            f"I take {', '.join(drugs)}." if drugs else "I take nothing."
        ],
        "allergy allergies allergic": [
            "I do not know." if case.allergies is None else f"I react to {', '.join(case.allergies)}."
            if case.allergies else "None that I know of."
        ],
        "family relatives parents": [rng.choice(["Nothing runs in the family.", "My father had heart trouble."])],
        "work job live travel": [rng.choice(["I am retired.", "I work in an office.", "I work on a farm."])],
    }  # fmt: skip
    return Story(told | usual, persona or rng.choice(PERSONAS))
