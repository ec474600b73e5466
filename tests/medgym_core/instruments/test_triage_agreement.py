"""The scores of the triage desk and the instruments of the same name give the same result on the desk's charts."""

from random import Random

import pytest

from medgym_core import domains, instruments
from medgym_core.domains.triage_emergency import esi, scores
from medgym_core.tools import Order, World

DESK = domains.get("triage_emergency")
PER_TYPE = 25
RISK_FACTORS = {
    "hypertension": "hypertension", "hypercholesterolaemia": "hypercholesterolemia", "diabetes": "diabetes",
    "current smoker": "smoking", "family history of coronary disease": "family_history", "obesity": "obesity",
}  # fmt: skip
"""Condition on the desk's chart to input of the HEART score."""


@pytest.fixture(scope="module")
def worlds() -> list[World]:
    """Generated charts with every test back."""
    charts = [DESK.types[kind](Random(f"{kind}/{seed}"), None).chart for kind in DESK.types for seed in range(PER_TYPE)]
    return [World(chart, minutes=1, orders=[Order(name, 0, 1) for name in chart.pending]) for chart in charts]


def found(world: World, name: str, *inputs: str):
    return instruments.get(name)(**scores.inputs(world, *inputs)[0])


def agree(worlds, theirs, ours, least: int) -> None:
    """Both give the same value, or both none; at least so many charts have one."""
    values = 0
    for world in worlds:
        expected, outcome = theirs(world), ours(world)
        if expected.value is None:
            assert outcome.value is None
        else:
            values += 1
            assert outcome.value == pytest.approx(expected.value, abs=0.00501)
    assert values >= least


def coma(world: World) -> dict[str, str | None]:
    """The three responses; one that is not a number is missing."""
    given, _ = scores.inputs(world, "gcs_eye", "gcs_verbal", "gcs_motor")
    return {name: value if str(value).isdigit() else None for name, value in given.items()}


@pytest.mark.parametrize("scale", [1, 2])
def test_news2_and_its_risk(worlds, scale):
    names = ("respiratory_rate", "spo2", "oxygen", "systolic_bp", "heart_rate", "consciousness", "temperature")

    def ours(world):
        more = {"spo2_scale": str(scale), "age": world.chart.age, "pregnant": world.chart.pregnant}
        return instruments.get("news2")(**scores.inputs(world, *names)[0], **more)

    agree(worlds, lambda world: scores.news2(world, scale), ours, 200)
    for world in worlds:
        theirs = scores.news2(world, scale)
        assert theirs.value is None or ours(world).band == scores.news2_risk(theirs)


def test_gcs(worlds):
    agree(worlds, scores.gcs, lambda world: instruments.get("gcs")(**coma(world)), 200)


def test_qsofa(worlds):
    def ours(world):
        return instruments.get("qsofa")(**scores.inputs(world, "respiratory_rate", "systolic_bp")[0], **coma(world))

    agree(worlds, scores.qsofa, ours, 200)


def test_sirs(worlds):
    names = ("temperature", "heart_rate", "respiratory_rate", "white_cells")
    agree(worlds, scores.sirs, lambda world: found(world, "sirs", *names), 20)


def test_revised_trauma(worlds):
    def ours(world):
        return instruments.get("rts")(**scores.inputs(world, "respiratory_rate", "systolic_bp")[0], **coma(world))

    agree(worlds, scores.revised_trauma, ours, 200)


def test_shock_index(worlds):
    agree(worlds, scores.shock_index, lambda world: found(world, "shock_index", "heart_rate", "systolic_bp"), 200)


def test_mean_pressure(worlds):
    name = "mean_arterial_pressure"
    for world in worlds:
        expected, outcome = scores.mean_pressure(world), found(world, name, "systolic_bp", "diastolic_bp")
        assert expected.value == (None if outcome.value is None else round(outcome.value))


def test_heart(worlds):
    def ours(world):
        rule, conditions = scores.table("heart"), world.chart.conditions
        given = scores.inputs(world, "history", "ecg", "troponin")[0] | {"age": world.chart.age}
        given |= {name: condition in conditions for condition, name in RISK_FACTORS.items()}
        given["atherosclerotic_disease"] = any(c in rule["atherosclerotic"] for c in conditions)
        if given["ecg"] not in rule["ecg"]:  # another tracing than the score knows
            given["ecg"] = None
        return instruments.get("heart")(**given)

    assert set(RISK_FACTORS) == set(scores.table("heart")["risk_factors"])
    asked = [w for w in worlds if w.chart.observations.get("history")]
    agree(asked, scores.heart, ours, 10)


def test_emergency_severity_index(worlds):
    settled = 0
    for world in worlds:
        seen = world.chart.observations
        if "expected_workup" not in seen:
            continue
        pain = world.vital("pain")
        given = {
            "life_saving_intervention": bool(esi.life_saving(world)),
            "high_risk_situation": world.chart.complaint in esi.high_risk_complaints(),
            "consciousness": seen.get("consciousness"),
            "distress": seen.get("distress"),
            "pain_score": 0 if pain is None else pain.value,
            "expected_resources": esi.resources(seen["expected_workup"]),
            "age": world.chart.age,
        } | scores.inputs(world, "heart_rate", "respiratory_rate", "spo2")[0]
        outcome = instruments.get("esi")(**given)
        assert outcome.value == esi.level(esi.points(world))
        settled += outcome.value is not None
    assert settled >= 20
