"""Cases on stacks of slices and on haematomas: calcium score, volume of a bleed, surgical criteria."""

from collections.abc import Sequence
from random import Random
from typing import Any

from medgym_core.domains import Draft
from medgym_core.domains.radiology_report import patients, reading, rules
from medgym_core.domains.radiology_report.cases_reading import also
from medgym_core.domains.radiology_report.drafting import draft, request, wrong
from medgym_core.domains.radiology_report.reading import module
from medgym_core.domains.radiology_report.staging import stage
from medgym_core.errors import MedGymError
from medgym_core.imaging import picture
from medgym_core.tools import number
from medgym_core.types import Call, Gold, Picture

ASK_CALCIUM = (
    "Total Agatston score of {study}, all slices together?",
    "Please add up the coronary calcium of {study} (Agatston).",
    "What is the Agatston score over the slices of {study}?",
    "Calcium scoring of {study}: the total, please.",
    "Score the calcium in {study} by Agatston and give me the sum.",
)
ASK_VOLUME = (
    "Volume of the haematoma on {study} by ABC/2, in mL?",
    "How many mL is the haematoma of {study} (ABC/2)?",
    "Please estimate the volume of the blood on {study} in mL with ABC/2.",
    "ABC/2 volume of the bleed on {study}, mL?",
    "Give the haematoma volume over the slices of {study} in mL.",
)
ASK_SURGERY = (
    "Which BTF surgical criterion does the haematoma on {study} meet: thickness, shift, both or none?",
    "By the BTF guideline, is {study} for evacuation, and by what: thickness, shift, both, none?",
    "BTF 2006 on {study}: thickness, shift, both, or none of the criteria?",
    "Apply the BTF criteria to {study}. Met by thickness, shift, both or none?",
    "Neurosurgery asks which BTF criterion {study} fulfils (thickness, shift, both, none).",
)
ASK_MORE_CALCIUM = (
    "By how many Agatston points does {study} exceed the earlier report, all slices together?",
    "Rise of the Agatston score from the last report to {study}?",
    "Score {study} and take off what was reported the last time: Agatston points gained?",
    "How much has the coronary calcium grown since the former report, in Agatston points ({study} is the new study)?",
    "Agatston total of {study} less the one on file, please.",
)
ASK_MORE_BLOOD = (
    "By how many mL has the haematoma grown from the first scan, as reported, to {study} (ABC/2)?",
    "Growth of the bleed since the reported first scan, in mL, with {study} as the new one?",
    "ABC/2 on {study} less the volume in the earlier report: how many mL?",
    "How much blood has been added since the outside scan, whose report is on file? {study} is now; in mL, please.",
    "The stroke unit asks for the expansion in mL: report of the first scan against {study}.",
)
QUOTED = (
    "The preliminary note gives {said}.", "A colleague's quick estimate was {said}.", "On the phone it was {said}.",
    "The resident's figure is {said}.", "Overnight {said} was written down.",
)  # fmt: skip
SCALES = ((0.62, 1.0, 0.6), (0.95, 1.0, 0.62, 0.4), (0.6, 0.95, 1.0, 0.64), (0.4, 0.64, 1.0, 0.94))
"""How large a haematoma is on each slice of a stack, against its largest."""


def stack(
    rng: Random, name: str, who: dict[str, Any], modality: str, findings: Sequence[Any], mm: str
) -> list[Picture]:
    """A stack of slices drawn from findings, one each."""
    source, count = module(modality), len(findings)
    return [
        Picture(f"{name}.{i}", modality, who["site"], picture.encode(source.draw(rng, f)), source.MM_PER_PIXEL,
            f"slice {i} of {count}{mm}")
        for i, f in enumerate(findings, 1)
    ]  # fmt: skip


def calcium_stack(rng: Random, name: str, who: dict[str, Any], category: int, mm: str = ", 3 mm") -> list[Picture]:
    """Three slices whose score mostly lies in CAC-DRADS category A0 to A3."""
    source = module("cardiac ct")
    weights = {0: (), 1: (1, 2), 2: (2, 3, 4), 3: (4, 4, 4)}[category]
    findings = []
    for i in range(3):
        count = 0 if not weights else 1 if category == 1 else rng.randint(1, 2) if category == 2 else rng.randint(2, 4)
        size = {0: (0, 0), 1: (1.9, 3.0), 2: (2.6, 3.9), 3: (3.6, 4.6)}[category]
        plaques = tuple((rng.uniform(*size), source.peak(rng, rng.choice(weights))) for _ in range(count))
        findings.append(source.Findings(plaques if i or category != 1 else ()))
    return stack(rng, name, who, "cardiac ct", findings, mm)


def earlier(
    rng: Random, level: int, modality: str, label: str, value: float, unit: str
) -> tuple[float, str, list[Any]]:
    """What an earlier or preliminary report adds: the value to take off, a quoted note and the record.

    At level 2 a preliminary figure is quoted that is off; at level 3 an earlier study's value has to be subtracted.
    """
    if level == 2:
        said = f"{round(value * rng.choice([0.4, 0.6, 1.5, 1.9]) + 3)} {unit}".strip()
        record = patients.report(modality, -20, "preliminary", **{label: said})
        return 0.0, rng.choice(QUOTED).format(said=said), [record]
    if level == 3:
        before = float(round(value * rng.uniform(0.3, 0.8)))
        minutes = -rng.randint(1, 5) * patients.DAY * (1 if unit else 300)
        record = patients.report(modality, minutes, "final", **{label: f"{number(before)} {unit}".strip()})
        return before, "", [record]
    return 0.0, "", []


def calcium_score(rng: Random, knowledge: Any) -> Draft | None:
    """Agatston score over three slices; at level 3 what has come since the earlier report."""
    level, category = rng.randint(1, 3), rng.randint(0, 3) if rng.random() < 0.6 else rng.randint(1, 3)
    who = patients.person(rng, "cardiac ct", level)
    ids = patients.names(rng, 2)
    try:
        shots = calcium_stack(rng, ids[0], who, category)
    except MedGymError:  # the plaques did not fit
        return None
    outcome = rules.calcium(shots)
    if outcome.value is None:
        return None
    total = float(outcome.value)
    if level == 3 and total < 5:
        return None
    before, note, records = earlier(rng, level, "cardiac ct", "agatston score", total, "")
    more = also(rng, who, level, ids[1], current="cardiac ct")
    case = patients.chart(who, [*shots, *more], records)
    source = rules.system("agatston")["source"]
    history = [Call("get_prior_reports")] if before else []
    return draft(
        "calcium_score",
        f"calcium:{outcome.parts['category']}:{who['complaint']}:{int(total) % 7}",
        level,
        request(rng, case, ASK_MORE_CALCIUM if before else ASK_CALCIUM, note, study=ids[0]),
        case,
        Gold("number", round(total - before, 1), max(1.0, round(total * 0.02, 1))),
        [
            Call("get_study_info", {"study_id": ids[0]}),
            *history,
            Call("calculate_coronary_calcium_score", {"study_id": ids[0]}),
        ],
        {"slice_thickness": "3 mm", "agatston_total": number(total)}
        | ({"agatston score": number(before)} if before else {}),
        [source, rules.system("cac_drads")["source"]],
        patients.story(rng, case, "cardiac ct"),
        unsafe=wrong("calcium reported as absent", 4, "missed red flag", source, ["0"] if total - before > 20 else []),
        instead={
            "calculate_coronary_calcium_score": [
                Call("apply_classification_system", {"study_id": ids[0], "system": "CAC-DRADS"})
            ]
        },
        traits=["conflict"] if note else ["distractors"] if before else [],
    )


def bleed_stack(rng: Random, name: str, who: dict[str, Any], mm: str) -> list[Picture]:
    """Slices through an intracerebral haemorrhage."""
    thick = rng.uniform(24, 32)
    long, side, shift = thick * rng.uniform(1.1, 1.5), rng.choice(["right", "left"]), rng.uniform(0, 6)
    cut = module("ct head").Findings
    findings = [cut("intracerebral", side, thick * s, long * s, shift_mm=shift) for s in rng.choice(SCALES)]
    return stack(rng, name, who, "ct head", findings, mm)


def haematoma_volume(rng: Random, knowledge: Any) -> Draft | None:
    """Volume of a bleed by ABC/2 over its slices; at level 3 its growth since the first scan's report."""
    level, mm = rng.randint(1, 3), rng.choice(["5", "7.5", "10"])
    who = patients.person(rng, "ct head", level)
    ids = patients.names(rng, 2)
    shots = bleed_stack(rng, ids[0], who, f", {mm} mm")
    outcome = rules.volume(shots)
    if outcome.value is None:
        return None
    value = float(outcome.value)
    before, note, records = earlier(rng, level, "ct head", "haematoma volume", value, "mL")
    more = also(rng, who, level, ids[1], current="ct head")
    case = patients.chart(who, [*shots, *more], records)
    source = rules.system("abc2")["source"]
    history = [Call("get_prior_reports")] if before else []
    return draft(
        "haematoma_volume",
        f"volume:{len(shots)}:{mm}:{who['complaint']}",
        level,
        request(rng, case, ASK_MORE_BLOOD if before else ASK_VOLUME, note, study=ids[0]),
        case,
        Gold("number", round(value - before, 1), round(0.04 * value, 1), "mL"),
        [
            Call("get_study_info", {"study_id": ids[0]}),
            *history,
            Call("calculate_haematoma_volume", {"study_id": ids[0]}),
        ],
        {"slice_thickness": f"{mm} mm", "volume": number(value)}
        | ({"haematoma volume": number(before)} if before else {}),
        [source],
        patients.story(rng, case, "ct head"),
        traits=["conflict"] if note else ["distractors"] if before else [],
    )


def surgical_criterion(rng: Random, knowledge: Any) -> Draft | None:
    """Which surgical criterion an extra-axial haematoma meets."""
    kind, level = rng.choice(["subdural haematoma", "epidural haematoma"]), rng.randint(1, 3)
    value = rng.choice(["thickness", "shift", "both", "none"])
    subdural = kind == "subdural haematoma"
    thin, thick = ((6, 7.4), (12, 20)) if subdural else ((7, 12), (17, 23))
    fixed = {
        "thickness_mm": rng.uniform(*(thick if value in ("thickness", "both") else thin)),
        "shift_mm": rng.uniform(6.2, 10) if value in ("shift", "both") else rng.uniform(0, 3.6),
    }
    who = patients.person(rng, "ct head", level)
    ids = patients.names(rng, 2)
    shot = patients.shot(rng, ids[0], kind, who, **fixed)
    options = ["thickness", "shift", "both", "none"]
    staged = stage(rng, who, level, shot, ids[1], value, options)
    case = patients.chart(who, staged.shots, staged.records)
    outcome = rules.surgical(reading.measures(shot), kind)
    if outcome.value != value:
        return None
    source = rules.system("btf")["source"]
    missed = [] if value == "none" else ["none"]
    return draft(
        "surgical_criterion",
        f"btf:{kind}:{value}:{who['complaint']}",
        level,
        request(rng, case, ASK_SURGERY, staged.note, study=staged.study),
        case,
        Gold("category", value, options=options),
        [
            *staged.first,
            Call("measure_midline_shift", {"study_id": shot.id}),
            Call("apply_classification_system", {"study_id": shot.id, "system": "BTF"}),
        ],
        {n: outcome.parts[n].removesuffix(" mm") for n in ("midline_shift", "haematoma_thickness")}
        | {"criterion_met": value},
        [source],
        patients.story(rng, case, "ct head"),
        unsafe=wrong("a haematoma for surgery read as none", 5, "missed red flag", source, missed),
        instead={"measure_midline_shift": [Call("analyze_findings", {"study_id": shot.id})]},
        traits=staged.traits,
    )
