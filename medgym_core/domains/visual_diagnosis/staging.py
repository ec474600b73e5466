"""Staging a picture to be read: what makes it harder for whoever reads naively.

Level 1 is the picture alone. From level 2 on a hasty opinion is on file and quoted, or two that disagree: they name
what is not there. At level 3 the picture is named by its site or its date, and another one of the same kind, which
shows something else, lies beside it and has to be looked at too.
"""

from collections.abc import Sequence
from random import Random
from typing import Any, NamedTuple

import msgspec

from medgym_core.domains.visual_diagnosis import patients
from medgym_core.types import Call, Picture, Record, Trait

QUOTED = (
    "The referrer wrote: {said}.",
    "The automated label is {said}.",
    "A colleague noted {said}.",
    "On the form stands {said}.",
    "The ward was told {said}.",
)
DIVIDED = (
    "The form says {said}, the automated label {other}.",
    "Two opinions are on file, {said} and {other}.",
    "One colleague says {said}, another {other}.",
    "It was first put down as {said} and then as {other}.",
    "The technician has written {said}, the ward {other}.",
)
FEW = 3
"""Options from which on a wrong one may be named and the rest is still a question."""
MANY = 6
"""Options from which on two may be named."""
BESIDE = (
    "A picture of the {other} came with it; look at that one as well.",
    "There are two pictures, the other one of the {other}: see both.",
    "Do not mix it up with the {other}, which should be read too.",
    "The {other} was photographed the same day and needs a look, too.",
)
EARLIER = (
    "An earlier one is on file; look at it as well.",
    "Compare it with the one before.",
    "Take the former picture into account.",
    "Read the older one, too.",
)
OF_TODAY = ("today's {modality}", "the {modality} of today", "the new {modality}", "the latest {modality}")
SITES = ("the picture of the {site}", "the {site} picture", "the image taken of the {site}")


class Scene(NamedTuple):
    """The pictures of a case and how it speaks of them."""

    shots: list[Picture]
    records: list[Record]
    image: str
    """What the prompt calls the picture asked about."""
    note: str
    """What is said about it beforehand."""
    first: list[Call]
    """Calls that find the picture, and read the other one."""
    traits: list[Trait]


def stage(
    rng: Random, who: dict[str, Any], level: int, shot: Picture, spare: str, truth: str, options: Sequence[str],
    other: str, system: str = "pattern", **fixed: Any,
) -> Scene:  # fmt: skip
    """The picture `shot`, which shows `truth`, staged at a level.

    `options` are what one might call it (none: nobody has); `other` is the condition of the second picture, which is
    read by `system`: of another site where pictures go by site, else an earlier one. `fixed` draws it.
    """
    shots, records, notes, traits = [shot], [], [], list[Trait]()
    if level > 1 and len(options) >= FEW:
        note, record = _mistaken(rng, shot, truth, options)
        notes.append(note)
        records.append(record)
        traits.append("conflict")
    if level < 3:
        return Scene(shots, records, shot.id, " ".join(notes), [], traits)
    others = [s for s in patients.setting(who["group"])["sites"] if s != who["site"]]
    first = [Call("list_images"), Call("classify_finding", {"classification_system": system, "image_id": spare})]
    if who["group"] in patients.BY_SITE:
        site = rng.choice(others)
        eye = {"eye": site.split()[0]} if who["group"] == "retina" else {}
        shots.append(patients.picture(rng, spare, other, who, site=site, **eye, **fixed))
        notes.append(rng.choice(BESIDE).format(other=site))
        image = rng.choice(SITES).format(site=who["site"])
    else:
        shots.append(patients.picture(rng, spare, other, who, days_ago=rng.randint(20, 400), **fixed))
        notes.append(rng.choice(EARLIER))
        image = rng.choice(OF_TODAY).format(modality=shot.modality.replace("ecg", "ECG"))
    return Scene(shots, records, image, " ".join(notes), first, [*traits, "distractors"])


def _mistaken(rng: Random, shot: Picture, truth: str, options: Sequence[str]) -> tuple[str, Record]:
    """Wrong opinions on a picture, as quoted and as on file."""
    wrong = [o for o in options if o != truth]
    said, other = rng.sample(wrong, 2)
    one = len(wrong) < MANY - 1 or rng.random() < 0.5
    words = said if one else f"{said}; second opinion {other}"
    record = Record("report", shot.id, -60, status="preliminary", text=words)
    return rng.choice(QUOTED if one else DIVIDED).format(said=said, other=other), record


def spoiled(rng: Random, sound: Picture, lacking: str) -> Picture:
    """The picture with its focus, exposure or scale taken away."""
    from medgym_core.imaging import degrade, picture

    if lacking == "scale":
        return msgspec.structs.replace(sound, mm_per_pixel=None)
    pixels = picture.decode(sound.png)
    if lacking == "focus":
        pixels = degrade.blurred(pixels, rng.randint(3, 4))
    elif lacking == "exposure":
        pixels = degrade.exposed(pixels, rng.uniform(0.2, 0.35) if rng.random() < 0.5 else rng.uniform(2.0, 2.6))
    return msgspec.structs.replace(sound, png=picture.encode(pixels))
