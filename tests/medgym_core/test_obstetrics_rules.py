"""Obstetric rules against the guidelines' own limits and worked examples; the tracing read from its series."""

from math import sin
from random import Random

import pytest

from medgym_core.domains.obstetrics import ctg, rules, rules_labor, traces
from medgym_core.domains.obstetrics.traces import Pattern
from medgym_core.types import Chart, Record


def toco(*peaks: int) -> str:
    """Half an hour of uterine pressure with contractions at these seconds."""
    values = [10] * 180
    for p in peaks:
        for i in range(180):
            away = abs(i * 10 - p)
            values[i] += 50 if away <= 10 else 25 if away <= 20 else 0
    return " ".join(map(str, values))


def wave(level: float = 140, swing: float = 10, n: int = 720) -> list[float]:
    """A rate with irregular variability of about this range."""
    return [level + swing / 2.6 * (sin(i * 1.55) + 0.9 * sin(i * 0.97 + 1) + 0.7 * sin(i * 0.55 + 2)) for i in range(n)]


def text(values: list[float]) -> str:
    return " ".join(str(round(v)) for v in values)


def notch(values: list[float], at: float, depth: float, flank: float, hold: float) -> list[float]:
    """The rate with a trapezoid dip centred `at` seconds."""
    found = list(values)
    for i, v in enumerate(values):
        away = abs(i * ctg.STEP - at) - hold / 2
        if away < flank:
            found[i] = v - depth * (1 if away <= 0 else 1 - away / flank)
    return found


CALM = toco(200, 420, 640, 860, 1080, 1300, 1520)


# --- tracing ---


def test_baseline_is_rounded_to_five_and_judged_by_110_to_160() -> None:
    assert ctg.read(text(wave(141)), CALM, False).baseline == 140
    assert ctg.read(text(wave(143)), CALM, False).baseline == 145
    assert ctg.read(text(wave(140)), CALM, False).category == "I"
    assert ctg.read(text(wave(172)), CALM, False).category == ctg.read(text(wave(100)), CALM, False).category == "II"


@pytest.mark.parametrize(("swing", "label"), [(0, "absent"), (2.6, "minimal"), (13, "moderate"), (36, "marked")])
def test_variability_is_the_range_within_a_minute(swing: float, label: str) -> None:
    assert ctg.read(text(wave(swing=swing)), CALM, False).variability == label


def test_decelerations_are_told_apart_by_shape_and_by_the_contraction() -> None:
    def seen(lag: float, depth: float, flank: float, hold: float) -> ctg.Tracing:
        values = wave(swing=4)
        for peak in (420, 860, 1300):
            values = notch(values, peak + lag, depth, flank, hold)
        return ctg.read(text(values), CALM, False)

    assert (seen(0, 18, 45, 2).early, seen(35, 20, 45, 2).late, seen(0, 40, 8, 25).variable) == (3, 3, 3)
    assert seen(0, 30, 15, 180).prolonged == 3
    assert seen(0, 40, 8, 25).early == seen(0, 18, 45, 2).late == seen(35, 20, 45, 2).variable == 0


def test_category_three_needs_absent_variability_or_a_sine() -> None:
    def late(swing: float) -> ctg.Tracing:
        values = wave(swing=swing)
        for peak in (200, 420, 640, 860, 1080):
            values = notch(values, peak + 35, 20, 45, 2)
        return ctg.read(text(values), CALM, False)

    assert late(0).category == "III" and late(0).recurrent
    assert late(13).category == "II"
    assert ctg.read(text(wave(95, swing=0)), CALM, False).category == "III"
    sine = [140 + 8 * sin(i * 1.0) for i in range(720)]  # 3.8 cycles a minute
    assert ctg.read(text(sine), CALM, False).sinusoidal and ctg.read(text(sine), CALM, False).category == "III"
    assert not ctg.read(text(wave()), CALM, False).sinusoidal


def test_lost_signal_gives_no_baseline_and_no_category() -> None:
    values = [v if i % 90 < 4 else 0 for i, v in enumerate(wave())]
    seen = ctg.read(text(values), CALM, False)
    assert seen.baseline is None and seen.category == "" and seen.contractions > 0
    assert ctg.read("", "", False).baseline is None


def test_more_than_five_contractions_in_ten_minutes_are_tachysystole() -> None:
    assert ctg.read(text(wave()), CALM, False).contractions == pytest.approx(2.3, abs=0.1)
    assert ctg.read(text(wave()), toco(*range(60, 1780, 95)), False).contractions > 5


def test_accelerations_count_from_ten_beats_before_32_weeks() -> None:
    values = wave(swing=8)
    for at in (300, 750, 1200):
        values = notch(values, at, -13, 10, 15)
    assert ctg.read(text(values), CALM, True).accelerations == 3
    assert ctg.read(text(values), CALM, False).accelerations == 0


@pytest.mark.parametrize(
    "pattern",
    [
        Pattern(accelerations=3),
        Pattern(variability="absent", decelerations="late"),
        Pattern(contractions=(6, 7), decelerations="variable"),
        Pattern(sinusoidal=True),
        Pattern(lost=True),
    ],
)
def test_a_drawn_trace_measures_as_what_was_wanted(pattern: Pattern) -> None:
    drawn = [traces.draw(Random(seed), pattern) for seed in range(6)]
    assert all(drawn)
    for record, seen in drawn:  # type: ignore[misc]
        assert ctg.read(record.values["fhr"], record.values["toco"], False) == seen
        assert seen.sinusoidal == pattern.sinusoidal and (seen.baseline is None) == pattern.lost


# --- dates and growth ---


def test_scan_redates_only_above_the_limits_of_acog_700() -> None:
    edges = {56: 5, 62: 5, 63: 7, 111: 7, 112: 10, 153: 10, 154: 14, 195: 14, 196: 21}
    assert {d: rules.redate_above(d) for d in edges} == edges
    assert rules.best_gestation(150, 143, 60) == 150  # 90 days at the scan: 7 days stay
    assert rules.best_gestation(150, 142, 60) == 142


def test_median_weight_agrees_with_the_table_of_hadlock_1991() -> None:
    table = {28: 1210, 32: 1953, 36: 2813, 40: 3619}
    assert all(abs(rules.median_weight(w * 7) - g) <= 2 for w, g in table.items())


def test_mean_biometry_gives_a_weight_near_the_median() -> None:
    # Hadlock 1984, mean measures at 32 weeks: HC 30.1, FL 6.2, BPD 8.0, AC 28.0 cm
    four = rules.fetal_weight(301, 280, 62, 80)
    three = rules.fetal_weight(301, 280, 62)
    assert four is not None and three is not None
    assert abs(four / rules.median_weight(224) - 1) < 0.06 and abs(three / four - 1) < 0.03
    assert rules.fetal_weight(None, 280, 62) is None
    assert rules.growth_band(four, 224) == "10th to 90th"


def test_timing_of_delivery_follows_weight_and_flow() -> None:
    median = rules.median_weight(230)
    plan = {
        (0.95, "normal flow"): "routine care",
        (0.80, "normal flow"): "38 to 39 weeks",
        (0.70, "normal flow"): "37 weeks",
        (0.80, "raised resistance"): "37 weeks",
        (0.80, "absent end-diastolic flow"): "33 to 34 weeks",
        (0.70, "reversed end-diastolic flow"): "30 to 32 weeks",
    }
    assert {k: rules.delivery_timing(k[0] * median, 230, k[1]) for k in plan} == plan


# --- blood ---


def test_anti_d_decision_names_what_is_unknown() -> None:
    assert rules.anti_d("O negative", "negative", "A positive") == "give anti-D"
    assert rules.anti_d("O negative", "negative", None) == "give anti-D"
    assert rules.anti_d("O positive", "negative", "A positive").startswith("no")
    assert rules.anti_d("O negative", "anti-D, titer 16", "A positive") == "no: already sensitised"
    assert rules.anti_d("O negative", "negative", "O negative") == "no: newborn Rh negative"
    assert rules.anti_d(None, "negative", "A positive") == "insufficient: blood group"
    assert rules.anti_d("O negative", None, "A positive") == "insufficient: antibody screen"


def test_vials_follow_the_rounding_of_the_aabb_manual() -> None:
    # 1.4 % x 50 = 70 mL, 70 / 30 = 2.3: 2 and one more; 1.5 %: 75 / 30 = 2.5: 3 and one more
    assert (rules.fetal_bleed(1.4), rules.vials(1.4), rules.vials(1.5), rules.vials(0.2)) == (70, 3, 4, 1)


def test_blood_loss_subtracts_dry_weight_and_other_fluid() -> None:
    records = [
        Record("blood loss", "pads", values={"wet_g": "900", "dry_g": "200"}),
        Record("blood loss", "drape", values={"volume_ml": "800", "other_fluid_ml": "300"}),
    ]
    assert rules_labor.blood_lost(Chart("P1", 30, "female", records=records))[0] == 1200
    assert rules_labor.blood_lost(Chart("P1", 30, "female"))[0] is None
    unweighed = Record("blood loss", "towels", values={"wet_g": "500"})
    assert rules_labor.blood_lost(Chart("P1", 30, "female", records=[*records, unweighed]))[0] is None


# --- hypertension, magnesium, glucose ---


def pressure(**known: object) -> rules.Pressure:
    usual: dict = {
        "systolic": 146, "diastolic": 94, "days": 210, "ratio": 0.1, "platelets": 200, "ast": 20, "alt": 20, "ldh": 180,
        "creatinine": 0.7, "early": False,
    }  # fmt: skip
    return rules.Pressure(**(usual | known))


def test_hypertension_is_classified_by_acog_222() -> None:
    assert rules.hypertension(pressure()) == "gestational hypertension"
    assert rules.hypertension(pressure(ratio=0.3)) == "preeclampsia without severe features"
    assert rules.hypertension(pressure(systolic=139, diastolic=89)) == "no hypertension"
    for severe in ({"systolic": 160}, {"diastolic": 110}, {"platelets": 99}, {"creatinine": 1.2}, {"symptoms": True}):
        assert rules.hypertension(pressure(ratio=0.5, **severe)) == "preeclampsia with severe features"
    hellp = pressure(platelets=80, ast=120, alt=90, ldh=700)
    assert rules.hypertension(hellp) == "HELLP syndrome"
    assert rules.hypertension(rules.replaced(hellp, alt=60)) == "preeclampsia with severe features"
    assert rules.hypertension(pressure(early=True)) == "chronic hypertension"
    assert rules.hypertension(pressure(early=True, ratio=0.6)) == "superimposed preeclampsia"
    assert rules.hypertension(pressure(seizure=True)) == "eclampsia"


def test_unknown_protein_or_early_pressure_is_not_taken_as_normal() -> None:
    assert rules.hypertension(pressure(ratio=None)) == ""
    assert rules.hypertension(pressure(early=None)) == ""
    assert rules.hypertension(pressure(systolic=None)) == ""


def test_severe_disease_delivers_from_34_weeks_and_hellp_at_once() -> None:
    severe = "preeclampsia with severe features"
    assert rules.hypertension_plan(severe, 237)[0] == "inpatient expectant care with steroids"
    assert rules.hypertension_plan(severe, 238)[0] == "stabilise and deliver"
    for feature in ("symptoms", "kidney"):
        assert rules.hypertension_plan(severe, 200, [feature])[0] == "stabilise and deliver"
    assert rules.hypertension_plan(severe, 200, ["low platelets"])[0] == "inpatient expectant care with steroids"
    assert rules.hypertension_plan("HELLP syndrome", 200) == ("stabilise and deliver", "emergency")
    assert rules.hypertension_plan("gestational hypertension", 258)[0] == "outpatient surveillance"
    assert rules.hypertension_plan("gestational hypertension", 259)[0] == "induce labor"


def test_magnesium_stops_with_toxicity_and_waits_for_what_is_unknown() -> None:
    act = rules.magnesium_action
    assert act("present", 14, 60, 0.7) == "continue infusion"
    assert act("absent", 14, 60, 0.7) == act("absent", 14, 60, 0.7, True) == "stop and check level"
    assert act("absent", 9, 60, 0.7) == act(None, 9, None, None) == "stop and give calcium gluconate"
    assert act("present", 14, 29, 0.7) == act("present", 14, 60, 1.0) == "reduce to 1 g/h"
    assert act("present", 14, 60, 0.7, True) == "give 2 g bolus"
    assert act(None, 14, 60, 0.7) == "insufficient: reflexes"
    assert act("present", 14, None, 0.7) == "insufficient: urine output"
    assert act("present", None, 60, 0.7) == "insufficient: respiratory rate"


def test_glucose_limits_of_iadpsg_and_carpenter_coustan() -> None:
    def verdict(grams: int, *values: float) -> str:
        names = ("glucose_fasting", "glucose_1h", "glucose_2h", "glucose_3h")
        return rules.glucose_verdict(dict(zip(names, values, strict=False)), grams)[0]

    assert verdict(75, 91, 179, 152) == "normal" and verdict(75, 92, 100, 100) == "gestational diabetes"
    assert verdict(75, 80, 180, 100) == verdict(75, 80, 100, 153) == "gestational diabetes"
    assert verdict(100, 95, 179, 154, 139) == "normal" and verdict(100, 95, 180, 100, 100) == "gestational diabetes"
    assert verdict(75, 126, 150, 150) == "overt diabetes"
    assert rules.glucose_verdict({"glucose_fasting": 80, "glucose_1h": 120}, 75) == ("", ["glucose_2h"])


# --- labor, preterm birth, contraception ---


def test_arrest_needs_six_cm_ruptured_membranes_and_time() -> None:
    def at(cm: float, hours: float, units: float | None, oxytocin: float = 0, ruptured: bool = True) -> str:
        return rules_labor.stage(rules_labor.Course(cm, hours, None, units, oxytocin, ruptured, False))

    assert at(5, 8, 250) == "latent phase"
    assert at(6, 4, 200) == "active phase arrest" and at(6, 3.9, 200) == "active phase"
    assert at(6, 4, 150, 6) == "active phase" and at(6, 6, 150, 6) == "active phase arrest"
    assert at(6, 6, 150, 2) == "active phase" and at(6, 5, 220, ruptured=False) == "active phase"
    assert at(6, 5, None) == "insufficient: contraction strength"


def test_second_stage_is_longer_in_a_first_birth() -> None:
    def at(pushing: float, parous: bool | None) -> str:
        return rules_labor.stage(rules_labor.Course(10, 1, pushing, 220, 0, True, parous))

    assert at(2.5, False) == "second stage" and at(2.5, True) == "prolonged second stage"
    assert at(3.5, False) == "prolonged second stage" and at(1, None) == "insufficient: parity"


def test_oxytocin_stops_with_tachysystole_even_with_a_normal_tracing() -> None:
    assert rules.tracing_action("I", True, True, False) == "stop oxytocin"
    assert rules.tracing_action("I", True, False, False) == "continue monitoring"
    assert rules.tracing_action("III", True, True, True) == "prompt delivery"


def test_preterm_bundle_by_gestation() -> None:
    assert rules.preterm_bundle(167, False, None, False) == []
    early = rules.preterm_bundle(200, False, None, False)
    assert early == ["betamethasone", "magnesium sulfate", "tocolysis", "GBS prophylaxis"]
    assert rules.preterm_bundle(223, True, None, False) == ["betamethasone", "magnesium sulfate", "latency antibiotics"]
    assert rules.preterm_bundle(224, True, None, False) == ["betamethasone", "latency antibiotics"]
    assert "tocolysis" not in rules.preterm_bundle(200, False, None, True)
    assert rules.preterm_bundle(238, False, "positive", False) == ["GBS prophylaxis"]


def test_the_gravest_condition_sets_the_contraception_category() -> None:
    assert rules.combined_category([]) == 1
    assert rules.combined_category(["varicose veins", "migraine with aura", "lamotrigine treatment"]) == 4
