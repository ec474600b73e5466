"""The rule set of the domain: what tools show and what the truth of a case is made from.

Every rule reads its limits from `facts/limits.toml`, which names the guideline. An input that is missing gives None or
is named in `missing`; it is never taken as normal.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import exp
from typing import Any

from medgym_core import facts

DOMAIN = "obstetrics"


def limits(name: str) -> dict[str, Any]:
    """One entry of the limits."""
    return facts.load(DOMAIN, "limits")[name]


def table(name: str) -> dict[str, dict[str, Any]]:
    return facts.load(DOMAIN, name)


def weeks(days: int) -> str:
    """Gestation as clinicians write it, `31w4d`."""
    return f"{days // 7}w{days % 7}d"


def trimester(days: int) -> int:
    return 1 + sum(days > end for end in limits("trimester")["ends"])


# --- dating ---


def redate_above(lmp_days_at_scan: int) -> int:
    """Days of difference above which the scan sets the dates, by the gestation (by period) at the scan."""
    return next(limit for end, limit in limits("dating")["redate"] if lmp_days_at_scan <= end)


def transfer_gestation(embryo_days: int, since: int) -> int:
    """Days of gestation `since` days after the transfer of an embryo of that age."""
    return limits("dating")["fertilised_days"] + embryo_days + since


def best_gestation(lmp_days: int, scan_days: int, since_scan: int, sure: bool = True) -> int:
    """Days of gestation today: by period, or by scan where it differs too much or the period is not sure. Both counted
    today. An embryo transfer goes before both (`transfer_gestation`)."""
    if not sure:
        return scan_days
    return scan_days if abs(lmp_days - scan_days) > redate_above(lmp_days - since_scan) else lmp_days


# --- fetal growth ---


def fetal_weight(hc: float | None, ac: float | None, fl: float | None, bpd: float | None = None) -> int | None:
    """Estimated fetal weight in g from biometry in mm (Hadlock 1985, four measures, or three without BPD)."""
    if hc is None or ac is None or fl is None:
        return None
    k = limits("growth")["three" if bpd is None else "four"]
    hc, ac, fl = hc / 10, ac / 10, fl / 10
    across = (bpd or 0.0) / 10 * ac
    power = k["constant"] + k["hc"] * hc + k["ac"] * ac + k["fl"] * fl + k["bpd_ac"] * across + k["ac_fl"] * ac * fl
    return round(10**power)


def median_weight(days: int) -> float:
    """Median fetal weight in g at that gestation (Hadlock 1991)."""
    a, b, c = limits("growth")["median"]
    w = days / 7
    return exp(a + b * w + c * w * w)


def growth_band(weight: float, days: int) -> str:
    """Percentile band of a weight, such as `3rd to 10th`."""
    share = weight / median_weight(days)
    return next(label for end, label in limits("growth")["percentiles"] if share < end)


FLOWS = ("normal flow", "raised resistance", "absent end-diastolic flow", "reversed end-diastolic flow")


def delivery_timing(weight: float, days: int, flow: str) -> str:
    """When to deliver by weight and umbilical artery flow (one of `FLOWS`)."""
    rule, share = limits("growth"), weight / median_weight(days)
    if share >= rule["small_below"]:
        return "routine care"
    if flow in ("absent end-diastolic flow", "reversed end-diastolic flow"):
        return "33 to 34 weeks" if flow.startswith("absent") else "30 to 32 weeks"
    return "37 weeks" if flow == "raised resistance" or share < rule["severe_below"] else "38 to 39 weeks"


# --- glucose ---


def glucose_verdict(values: dict[str, float], grams: int) -> tuple[str, list[str]]:
    """gestational diabetes, overt diabetes, normal, or nothing, with the names of missing values."""
    rule = limits("glucose")
    cutoffs = rule["iadpsg" if grams == 75 else "carpenter_coustan"]
    needed = 1 if grams == 75 else rule["carpenter_needed"]
    missing = [n for n in cutoffs if n not in values]
    if values.get("glucose_fasting", 0) >= rule["overt_fasting"] or values.get("hba1c", 0) >= rule["overt_hba1c"]:
        return "overt diabetes", []
    met = sum(values[n] >= c for n, c in cutoffs.items() if n in values)
    if met >= needed:
        return "gestational diabetes", []
    return ("", missing) if missing else ("normal", [])


# --- Rh ---


PASSIVE = "passive"
"""How the laboratory names an anti-D that comes from prophylaxis."""


def anti_d(mother: str | None, screen: str | None, child: str | None) -> str:
    """Decision on anti-D after birth; `insufficient: ...` names what is unknown."""
    if mother is None:
        return "insufficient: blood group"
    if mother.endswith("positive"):
        return "no: mother Rh positive"
    if screen is None:
        return "insufficient: antibody screen"
    if "anti-D" in screen and not screen.startswith(PASSIVE):
        return "no: already sensitised"
    if child is not None and child.endswith("negative"):
        return "no: newborn Rh negative"
    return "give anti-D"


def fetal_bleed(percent: float) -> int:
    """mL of fetal blood in the mother from the per cent of fetal cells."""
    return round(percent / 100 * limits("rh")["blood_volume"])


def vials(percent: float) -> int:
    """Vials of 300 micrograms: bleed over 30 mL, rounded to the nearest whole number (half up), plus one."""
    return int(fetal_bleed(percent) / limits("rh")["vial_ml"] + 0.5) + 1


# --- hypertension ---


@dataclass(frozen=True)
class Pressure:
    """Findings that classify hypertension in pregnancy; None: not known."""

    systolic: float | None
    diastolic: float | None
    days: int
    ratio: float | None
    platelets: float | None = None
    ast: float | None = None
    alt: float | None = None
    ldh: float | None = None
    creatinine: float | None = None
    early: bool | None = None
    """Raised before 20 weeks, or known before; None: not recorded."""
    seizure: bool = False
    symptoms: bool = False
    """Persistent headache, visual disturbance or pain under the right ribs."""


def replaced(p: Pressure, **known: Any) -> Pressure:
    """The same findings with some of them known better."""
    return replace(p, **known)


def severe_features(p: Pressure) -> list[str]:
    """Severe features that are met."""
    rule = limits("hypertension")
    liver = rule["liver_upper_limit"] * rule["liver_times"]
    systolic, diastolic = rule["severe"]
    met = {
        "severe pressure": (p.systolic or 0) >= systolic or (p.diastolic or 0) >= diastolic,
        "low platelets": p.platelets is not None and p.platelets < rule["platelets_below"],
        "liver": max(p.ast or 0, p.alt or 0) > liver,
        "kidney": (p.creatinine or 0) > rule["creatinine_above"],
        "symptoms": p.symptoms,
    }
    return [name for name, yes in met.items() if yes]


def hypertension(p: Pressure) -> str:
    """The diagnosis; empty where pressure, protein or the early pressure is not known and nothing else decides."""
    rule = limits("hypertension")
    if p.seizure:
        return "eclampsia"
    found = severe_features(p)
    enzymes = [value for value in (p.ast, p.alt) if value is not None]
    both = bool(enzymes) and min(enzymes) > rule["liver_upper_limit"] * rule["liver_times"]
    if both and "low platelets" in found and (p.ldh or 0) >= rule["ldh"]:
        return "HELLP syndrome"
    if p.systolic is None or p.diastolic is None:
        return ""
    raised = p.systolic >= rule["pressure"][0] or p.diastolic >= rule["pressure"][1]
    if raised and p.early is False and found:
        return "preeclampsia with severe features"
    if p.ratio is None or p.early is None:
        return ""
    protein = p.ratio >= rule["ratio"]
    if p.early:
        return "superimposed preeclampsia" if protein else "chronic hypertension"
    if not raised:
        return "no hypertension"
    return "preeclampsia without severe features" if protein else "gestational hypertension"


def hypertension_plan(diagnosis: str, days: int, features: Sequence[str] = ()) -> tuple[str, str]:
    """Plan and urgency for the diagnosis at that gestation; some severe features preclude expectant care."""
    rule = limits("hypertension")
    if diagnosis in ("eclampsia", "HELLP syndrome"):
        return "stabilise and deliver", "emergency"
    if diagnosis == "preeclampsia with severe features":
        ripe = days >= rule["severe_delivery_days"] or not set(rule["no_waiting"]).isdisjoint(features)
        return "stabilise and deliver" if ripe else "inpatient expectant care with steroids", "emergency"
    if diagnosis == "chronic hypertension":
        return "outpatient surveillance", "routine"
    return ("induce labor" if days >= rule["term_days"] else "outpatient surveillance"), "urgent"


# --- magnesium ---


def per_hour(total: str) -> float:
    """`96 mL in 4 h` as 24 (mL/h)."""
    amount, _, _, hours, _ = total.split()
    return float(amount) / float(hours)


def magnesium_action(
    reflexes: str | None, breaths: float | None, urine: float | None, creatinine: float | None, seizure: bool = False
) -> str:
    """What to do with a running infusion; `insufficient: ...` names what must be looked at first."""
    rule = limits("magnesium")
    if breaths is None:
        return "insufficient: respiratory rate"
    if breaths < rule["breaths_below"]:
        return "stop and give calcium gluconate"
    if reflexes is None:
        return "insufficient: reflexes"
    if reflexes == "absent":
        return "stop and check level"
    if seizure:
        return "give 2 g bolus"
    if urine is None:
        return "insufficient: urine output"
    if urine < rule["urine_below"] or (creatinine is not None and creatinine >= rule["creatinine"]):
        return "reduce to 1 g/h"
    return "continue infusion"


# --- preterm birth ---


def gbs(swab: str | None, risk: bool) -> str | None:
    """positive or negative; None: not known, or a negative swab that is out of date. `negative, 7 weeks ago`; `risk`:
    GBS in the urine of this pregnancy, or a child with GBS disease, which counts whatever the swab says."""
    if risk:
        return "positive"
    if swab is None:
        return None
    result, _, age = swab.partition(", ")
    old = bool(age) and int(age.split()[0]) > limits("preterm")["swab_weeks"]
    return None if result == "negative" and old else result


def preterm_bundle(days: int, ruptured: bool, gbs: str | None, stop: bool, weak: bool = False) -> list[str]:
    """What to give in preterm labor or rupture; `stop`: tocolysis is contraindicated; `weak`: myasthenia gravis."""
    rule = limits("preterm")
    low, high = rule["steroid_days"]
    given = {
        "betamethasone": low <= days <= high,
        "magnesium sulfate": low <= days < rule["magnesium_before"] and not weak,
        "tocolysis": low <= days <= high and not ruptured and not stop,
        "latency antibiotics": ruptured and low <= days <= high,
        "GBS prophylaxis": low <= days and not ruptured and gbs != "negative",
    }
    return [name for name, yes in given.items() if yes]


# --- contraception, intrapartum tracing ---


def combined_category(conditions: list[str]) -> int:
    """US MEC category of combined hormonal contraception: the gravest of the conditions, 1 without any."""
    known = table("contraception")
    return max((known[c]["category"] for c in conditions), default=1)


def tracing_action(category: str, tachysystole: bool, oxytocin: bool, resuscitated: bool) -> str:
    """The next step at a tracing (ACOG Practice Bulletin 116, 2010); no category: the baseline cannot be told."""
    if not category:
        return "insufficient: baseline"
    if category == "III" and resuscitated:
        return "prompt delivery"
    if tachysystole and oxytocin:
        return "stop oxytocin"
    return "continue monitoring" if category == "I" else "intrauterine resuscitation"


# --- mood ---


def mood_action(total: float | None, self_harm: int | None) -> str:
    """What an EPDS calls for: `self_harm` is item 10; None where the items do not decide."""
    if self_harm is None:
        return "insufficient: item 10"
    if self_harm > 0:
        return "same-day safety assessment"
    if total is None:
        return ""
    rule = limits("mood")
    return (
        "assess for depression" if total >= rule["probable"] else "routine care" if total < rule["clear_below"] else ""
    )
