"""Seeded patients who come with a picture: background, pictures with shuffled names, reports, notes and a story."""

from collections.abc import Sequence
from random import Random
from typing import Any

from medgym_core import facts
from medgym_core.clinical.physiology import base_chart, sample_labs
from medgym_core.domains.visual_diagnosis import recipes, rules
from medgym_core.domains.visual_diagnosis.looking import DAY
from medgym_core.domains.visual_diagnosis.reading import DOMAIN, module
from medgym_core.types import Chart, Medication, Persona, Picture, Reading, Story

GROUPS = {
    "dermoscopy": "skin",
    "fundus photograph": "retina",
    "optic disc photograph": "disc",
    "macular photograph": "macula",
    "epithelium histology": "cervix",
    "histology": "prostate",
    "blood smear": "blood",
    "ecg rhythm strip": "heart",
    "ecg leads": "heart",
}
BY_SITE = ("skin", "retina", "disc", "macula", "cervix", "prostate", "breast")
"""Groups whose pictures are labelled with the site; the others with the modality's own body part."""
PERSONAS: tuple[Persona, ...] = ("plain", "plain", "vague", "anxious", "stoic", "poor historian")


def setting(group: str) -> dict[str, Any]:
    return facts.load(DOMAIN, "settings")[group]


def person(rng: Random, group: str, level: int, sex: str = "", ages: Sequence[int] = ()) -> dict[str, Any]:
    """Fields of a chart: who it is, with `level` - 1 long-standing illnesses, and where the finding is (`site`)."""
    scene = setting(group)
    sex = sex or scene.get("sex") or rng.choice(["female", "male"])
    fields = base_chart(
        rng, age=rng.randint(*(ages or scene["ages"])), sex=sex, comorbid=level - 1, avoid=("type 2 diabetes",)
    )
    if "condition" in scene:
        fields["conditions"] = [scene["condition"], *fields["conditions"]]
        fields["medications"] = [Medication("metformin", "500 mg", "twice daily"), *fields["medications"]]
    if level == 3 and rng.random() < 0.5:
        fields["allergies"] = None
    site = rng.choice(scene["sites"])
    fields["complaint"] = rng.choice(scene["complaints"]).format(site=site)
    return fields | {"site": site, "group": group}


def chart(who: dict[str, Any], pictures: Sequence[Picture], **more: Any) -> Chart:
    """The chart of a person with these pictures, in the order of their names."""
    fields = {k: v for k, v in who.items() if k not in ("site", "group")}
    return Chart(**(fields | {"images": sorted(pictures, key=lambda p: p.id)} | more))


def named(rng: Random, count: int) -> list[str]:
    """Names of pictures in random order: the number says nothing about which is current."""
    names = [f"IMG-{i}" for i in range(1, count + 1)]
    rng.shuffle(names)
    return names


def picture(
    rng: Random,
    name: str,
    condition: str,
    who: dict[str, Any],
    *,
    days_ago: int = 0,
    site: str = "",
    view: str = "",
    scale: bool = True,
    **fixed: Any,
) -> Picture:
    """A picture that shows the condition, taken that long ago; it is drawn until its pixels show just that.

    `fixed` parameters win over the recipe's.
    """
    modality = rules.condition(condition)["modality"]
    body_part = site or (who["site"] if who["group"] in BY_SITE else module(modality).BODY_PART)
    mm = module(modality).MM_PER_PIXEL
    bare = Chart(who["patient_id"], who["age"], who["sex"])
    for _ in range(recipes.TRIES):
        png = recipes.png_of(rng, condition, **fixed)
        drawn = Picture(name, modality, body_part, png, mm, view, -days_ago * DAY)
        if rules.diagnosis(drawn, bare) == condition and not rules.flaws(drawn):
            return drawn if scale else Picture(name, modality, body_part, png, None, view, -days_ago * DAY)
    raise AssertionError(f"{condition} is not seen in {recipes.TRIES} pictures of it")


def blood_count(rng: Random, condition: str, who: dict[str, Any], level: int) -> list[Reading]:
    """A full blood count that goes with a smear; at level 3 some of it may not have been done."""
    values = facts.load(DOMAIN, "blood_counts")[condition]["values"]
    drawn = {name: round(rng.uniform(*span), 1 if name != "platelets" else 0) for name, span in values.items()}
    names = ["hemoglobin", "mcv", "white_cells", "platelets"]
    found = sample_labs(rng, names, age=who["age"], sex=who["sex"], overrides=drawn)
    found = [r for r in found if r.name in names]
    return found if level < 3 or rng.random() < 0.5 else rng.sample(found, 2)


def story(rng: Random, case: Chart, group: str, persona: Persona | None = None, **topics: list[str]) -> Story:
    """What the patient tells: nine topics, `topics` before the usual ones (underscores in their names are spaces)."""
    scene = setting(group)
    told = {name.replace("_", " "): layers for name, layers in topics.items()}
    drugs = [m.drug for m in case.medications]
    usual = {
        "complaint problem wrong brings": [f"I am here because of {case.complaint}."],
        "onset start began first noticed long": [rng.choice(scene["onset"])],
        "feel like describe character look": [rng.choice(scene["character"])],
        "else associated symptoms unwell": [rng.choice(scene["associated"])],
        "past history illness illnesses conditions": [
            f"I have {', '.join(case.conditions)}." if case.conditions else "I have been healthy."
        ],
        "medicine medicines medication medications tablets drugs": [
            f"I take {', '.join(drugs)}." if drugs else "I take nothing."
        ],
        "allergy allergies allergic": [
            "I do not know."
            if case.allergies is None
            else f"I react to {', '.join(case.allergies)}."
            if case.allergies
            else "None that I know of."
        ],
        "family relatives parents": [rng.choice(scene["family"])],
        "work job smoke social live sun travel": [rng.choice(scene["social"])],
    }
    return Story(told | usual, persona or rng.choice(PERSONAS))
