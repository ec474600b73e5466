"""Staging a study to be read: what makes it harder for whoever reads naively.

Level 1 is the study alone. From level 2 on a hasty preliminary reading is on file and quoted, or two that disagree:
they name what is not there. At level 3 the study is named by its date, and an earlier one of the same kind, which
shows something else, lies beside it and has to be looked at too.
"""

from collections.abc import Sequence
from random import Random
from typing import Any, NamedTuple

from medgym_core.domains.radiology_report import patients, reading, rules
from medgym_core.types import Call, Picture, Record, Trait

QUOTED = (
    "The preliminary reading says {said}.",
    "Overnight it was called {said}.",
    "The resident has written {said}.",
    "On the phone the ward was told {said}.",
    "Noted so far: {said}.",
)
DIVIDED = (
    "Two readers disagree: {said} or {other}.",
    "The resident has written {said}, the registrar {other}.",
    "Overnight it was first called {said} and then {other}.",
    "On the phone the ward was told {said}, in writing {other}.",
    "One colleague says {said}, another {other}.",
)
FEW = 3
"""Options from which on a wrong one may be named and the rest is still a question."""
MANY = 6
"""Options from which on two may be named."""
EARLIER = (
    "Look at the earlier one as well.",
    "There is a previous one to compare with.",
    "An older one is on file; read both.",
    "Take the former study into account.",
    "Check it against the one before.",
)
SPOKEN = {"ct head": "head CT", "ct chest": "chest CT", "cardiac ct": "cardiac CT", "mri brain": "brain MRI"}
CURRENT = ("today's {modality}", "the current {modality}", "the {modality} of today", "the new {modality}")


class Scene(NamedTuple):
    """The studies of a case and how it speaks of them."""

    shots: list[Picture]
    records: list[Record]
    study: str
    """What the prompt calls the study asked about."""
    note: str
    """What is said about it beforehand."""
    first: list[Call]
    """Calls that find the study, and read the earlier one."""
    traits: list[Trait]


def stage(
    rng: Random, who: dict[str, Any], level: int, shot: Picture, spare: str, truth: str, options: Sequence[str],
    system: str = "pattern",
) -> Scene:  # fmt: skip
    """The study `shot`, which shows `truth`, staged at a level.

    `options` are what one might call it by `system`; of none or few of them none is named.
    """
    shots, records, notes, traits = [shot], [], [], list[Trait]()
    study, first = shot.id, list[Call]()
    if level > 1 and len(options) >= FEW:
        note, records = mistaken(rng, shot, truth, options)
        notes.append(note)
        traits.append("conflict")
    if level > 2:
        shots.append(_earlier(rng, who, shot, spare))
        notes += [rng.choice(EARLIER)] if options else []
        study = rng.choice(CURRENT).format(modality=SPOKEN.get(shot.modality, shot.modality))
        first.append(Call("list_studies"))
        if options:
            first.append(Call("apply_classification_system", {"study_id": spare, "system": system}))
        traits.append("distractors")
    return Scene(shots, records, study, " ".join(notes), first, traits)


def mistaken(rng: Random, shot: Picture, truth: str, options: Sequence[str]) -> tuple[str, list[Record]]:
    """Wrong readings of a study, as quoted and as on file."""
    wrong = [o for o in options if o != truth]
    said, other = rng.sample(wrong, 2)
    one = len(wrong) < MANY - 1 or rng.random() < 0.5
    words = f"impression: {said}" + ("" if one else f", second look: {other}")
    records = [patients.report(reading.study_of(shot), -20, "preliminary", words)]
    return rng.choice(QUOTED if one else DIVIDED).format(said=said, other=other), records


def _earlier(rng: Random, who: dict[str, Any], shot: Picture, spare: str) -> Picture:
    """An older study of the same kind and place that shows another condition."""
    shown = rules.diagnosis(shot)
    others = [n for n in rules.conditions(shot.modality, rules.organ_of(shot)) if n != shown]
    return patients.shot(rng, spare, rng.choice(others), who, days_ago=rng.randint(20, 400), site=shot.body_part)
