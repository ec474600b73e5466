"""Rules of radiology against their published limits, apart from any picture."""

import pytest

from medgym_core.domains.radiology_report import reading, rules, safety
from medgym_core.tools import World
from medgym_core.types import Chart, Medication, Picture, Reading


def measures(**values: float) -> reading.Measures:
    found = reading.Measures(values)
    found.units = dict.fromkeys(values, "mm")
    return found


def nodule(size: float, solid: float | None = None, nodules: int = 1, spicules: int = 0) -> reading.Measures:
    solid = size if solid is None else solid
    share = 1.0 if solid == size else (solid / size) ** 2
    return measures(
        nodule_diameter=size, solid_diameter=solid, solid_share=share, nodules=nodules, spicules=spicules
    )  # fmt: skip


ADULT = Chart("P10000", 60, "male")


@pytest.mark.parametrize(
    ("found", "risk", "advice"),
    [
        (nodule(5.4), "low", "no routine follow-up"),
        (nodule(5.4), "high", "optional ct at 12 months"),
        (nodule(5.5), "low", "ct at 6-12 months"),  # rounds to 6 mm
        (nodule(8.4), "high", "ct at 6-12 months"),  # rounds to 8 mm
        (nodule(8.5), "low", "consider ct at 3 months, pet-ct or biopsy"),
        (nodule(12, nodules=2), "low", "ct at 3-6 months"),
        (nodule(12, solid=0.0), "high", "ct at 6-12 months"),
        (nodule(5, solid=0.0), "high", "no routine follow-up"),
        (nodule(9, solid=4.0), "low", "ct at 3-6 months"),
    ],
)
def test_fleischner_2017(found: reading.Measures, risk: str, advice: str) -> None:
    assert rules.fleischner(found, ADULT, risk).value == advice


def test_fleischner_is_not_for_the_young_or_those_with_cancer() -> None:
    assert rules.fleischner(nodule(9), Chart("P1", 34, "male"), "low").value == "does not apply"
    ill = Chart("P1", 60, "male", conditions=["breast cancer"])
    assert rules.fleischner(nodule(9), ill, "low").value == "does not apply"


@pytest.mark.parametrize(
    ("found", "category"),
    [
        (nodule(5.9), "2"), (nodule(6.0), "3"), (nodule(7.9), "3"), (nodule(8.0), "4A"), (nodule(14.9), "4A"),
        (nodule(15.0), "4B"), (nodule(9.0, spicules=5), "4X"), (nodule(5.0, spicules=5), "2"),
        (nodule(29.0, solid=0.0), "2"), (nodule(30.0, solid=0.0), "3"), (nodule(5.9, solid=3.0), "2"),
        (nodule(9.0, solid=5.9), "3"), (nodule(12.0, solid=6.0), "4A"), (nodule(14.0, solid=8.0), "4B"),
        (measures(nodules=0), "1"),
    ],
)  # fmt: skip
def test_lung_rads_2022_baseline(found: reading.Measures, category: str) -> None:
    assert rules.lung_rads(found).value == category


def test_doubling_time_of_bts_2015() -> None:
    assert rules.doubling(10 * 2 ** (1 / 3), 10, 300).parts["doubling_time"] == "300 days"
    assert rules.doubling(10.7, 10, 365).value == "stable"  # 23 % of the volume
    assert rules.doubling(9.0, 10, 365).value == "smaller"
    limits = {200: "within 400", 400: "within 400", 401: "400 to 600", 600: "400 to 600", 700: "over 600"}
    for days, words in limits.items():
        assert words in str(rules.doubling(10 * 2 ** (1 / 3), 10, days).value)


def thyroid(**features: float) -> reading.Measures:
    plain = {"cystic_share": 0.0, "echo_ratio": 1.3, "width": 12.0, "height": 8.0, "irregularity": 1.0,
        "punctate_foci": 0.0}  # fmt: skip
    return measures(**(plain | features))


@pytest.mark.parametrize(
    ("features", "level", "points"),
    [
        ({"cystic_share": 1.0}, "TR1", 0), ({"cystic_share": 0.4}, "TR2", 2), ({}, "TR3", 3),
        ({"echo_ratio": 0.7}, "TR4", 4), ({"echo_ratio": 0.7, "irregularity": 1.3}, "TR4", 6),
        ({"echo_ratio": 0.7, "height": 14.0}, "TR5", 7), ({"echo_ratio": 0.3, "punctate_foci": 2.0}, "TR5", 8),
    ],
)  # fmt: skip
def test_ti_rads_2017(features: dict[str, float], level: str, points: int) -> None:
    outcome = rules.ti_rads(thyroid(**features))
    assert (outcome.value, outcome.parts["points"]) == (level, str(points))


@pytest.mark.parametrize(
    ("features", "action"),
    [
        ({"width": 24.9}, "follow-up"), ({"width": 25.0}, "fine-needle aspiration"), ({"width": 14.9}, "none"),
        ({"echo_ratio": 0.7, "width": 15.0}, "fine-needle aspiration"),
        ({"echo_ratio": 0.7, "width": 10.0}, "follow-up"),
        ({"echo_ratio": 0.3, "punctate_foci": 1.0, "width": 10.0}, "fine-needle aspiration"),
    ],
)  # fmt: skip
def test_ti_rads_sizes(features: dict[str, float], action: str) -> None:
    assert rules.ti_rads(thyroid(**features)).parts["management"] == action


@pytest.mark.parametrize(
    ("size", "sex", "advice"),
    [
        (24.9, "male", "no surveillance"), (25, "male", "rescreen after 10 years"), (30, "male", "every 3 years"),
        (40, "male", "every 12 months"), (50, "male", "every 6 months"), (50, "female", "repair"),
        (55, "male", "repair"),
    ],
)  # fmt: skip
def test_aortic_surveillance_of_svs_2018(size: float, sex: str, advice: str) -> None:
    assert rules.aneurysm(measures(outer_diameter=size), Chart("P1", 70, sex)).value == advice


@pytest.mark.parametrize(
    ("kind", "thick", "shift", "met"),
    [
        ("subdural haematoma", 10.0, 5.0, "none"), ("subdural haematoma", 10.1, 5.0, "thickness"),
        ("subdural haematoma", 10.0, 5.1, "shift"), ("epidural haematoma", 14.9, 4.9, "none"),
        ("epidural haematoma", 15.0, 5.0, "both"),
    ],
)  # fmt: skip
def test_surgical_criteria_of_btf_2006(kind: str, thick: float, shift: float, met: str) -> None:
    assert rules.surgical(measures(haematoma_thickness=thick, midline_shift=shift), kind).value == met


@pytest.mark.parametrize(
    ("site", "pain", "share", "score", "advice"),
    [
        ("left humerus", "mild", 0.2, 6, "radiotherapy"), ("right femur", "moderate", 0.2, 8, "borderline"),
        ("right femur", "functional", 0.5, 10, "fixation"), ("left proximal femur", "functional", 0.7, 12, "fixation"),
    ],
)  # fmt: skip
def test_mirels_score(site: str, pain: str, share: float, score: int, advice: str) -> None:
    outcome = rules.mirels(measures(lytic_share=share), site, pain)
    assert (outcome.value, outcome.parts["advice"]) == (score, advice)
    assert rules.mirels(measures(fractures=0), site, pain).missing == ("lesion",)
    assert rules.mirels(measures(lytic_share=share), "skull", pain).missing == ("site",)


# --- before a study ---


def contrast(agent: str, creatinine: float | None = 0.9, **chart: object) -> str:
    labs = [] if creatinine is None else [Reading("creatinine", creatinine, "mg/dL")]
    fields: dict = {"allergies": [], **chart}
    return str(safety.contrast(World(Chart("P10000", 60, "male", labs=labs, **fields)), agent).value)


METFORMIN = [Medication("metformin")]


def test_contrast_rules_of_the_acr_manual() -> None:
    assert contrast("iohexol") == "proceed"
    assert contrast("iohexol", allergies=["shellfish: hives"]) == "proceed"
    assert contrast("iohexol", allergies=["iopamidol: hives"]) == "premedicate"
    assert contrast("iohexol", allergies=["iopamidol: anaphylactic shock"]) == "another examination"
    assert contrast("gadobutrol", allergies=["iopamidol: anaphylactic shock"]) == "proceed"
    assert contrast("iohexol", 4.0) == "saline"
    assert contrast("iohexol", 4.0, medications=METFORMIN) == "saline and withhold metformin"
    assert contrast("iohexol", 1.5, medications=METFORMIN) == "proceed"
    assert contrast("gadodiamide", 4.0) == "another agent" and contrast("gadobutrol", 4.0) == "proceed"


def test_unknown_is_not_safe_before_contrast() -> None:
    assert contrast("gadodiamide", None) == "insufficient: creatinine"
    assert contrast("iohexol", None, medications=METFORMIN) == "insufficient: creatinine"
    assert contrast("iohexol", allergies=None) == "insufficient: earlier reactions"
    assert contrast("iohexol", allergies=["iohexol: something odd"]) == "insufficient: earlier reactions"


def test_pregnancy_before_an_examination() -> None:
    def decide(exam: str, days: int | None = None, **chart: object) -> object:
        fields: dict = {"sex": "female", "age": 30, **chart}
        return safety.pregnancy(World(Chart("P10000", **fields)), exam, days)

    pelvis = "ct abdomen and pelvis"
    assert decide(pelvis).missing == ("last period",)
    assert decide(pelvis, 28).value == safety.UNLIKELY and decide(pelvis, 29).value == "pregnancy test"
    assert decide(pelvis, pregnant=True).value == "examination without ionising radiation"
    assert decide("chest radiograph", pregnant=True).value == safety.NOT_EXPOSED
    assert decide(pelvis, sex="male").value == safety.UNLIKELY == decide(pelvis, age=55).value
    assert decide(pelvis, observations={"pregnancy_test": "positive"}).value == safety.PREGNANCY[3]


def test_the_right_study_depends_on_the_patient() -> None:
    def study(topic: str, **chart: object) -> object:
        fields: dict = {"age": 30, "sex": "female", **chart}
        return safety.study_for(World(Chart("P10000", **fields)), topic).value

    belly = "right lower quadrant pain"
    assert study(belly) == "ct abdomen and pelvis with contrast"
    assert study(belly, pregnant=True) == study(belly, age=9) == "ultrasound abdomen"
    low, high = ([Reading("d_dimer", v, "ng/mL{FEU}")] for v in (499.0, 500.0))
    assert study("suspected pulmonary embolism", labs=low) == "no imaging"
    assert study("suspected pulmonary embolism", labs=high) == "ct pulmonary angiography"


def test_volume_by_abc2_counts_slices_by_their_area(monkeypatch: pytest.MonkeyPatch) -> None:
    # Kothari 1996: above 75 % of the largest area 1, from 25 % a half, below nothing
    areas = [100.0, 76.0, 75.0, 24.0]
    found = {
        f"ST-1.{i}": measures(haematoma_area=a, haematoma_thickness=30.0, haematoma_length=40.0, midline_shift=0.0)
        for i, a in enumerate(areas, 1)
    }
    monkeypatch.setattr(reading, "measures", lambda p: found[p.id])
    stack = [Picture(f"ST-1.{i}", "ct head", "head", b"", 1.6, f"slice {i} of 4, 10 mm") for i in range(1, 5)]
    outcome = rules.volume(stack)
    assert outcome.value == 15.0 and outcome.parts["c"] == "25 mm"  # 40 x 30 x 25 / 2 mm3
    assert rules.volume(stack[:3]).missing == ("slices",)
