"""Reading a blood gas: primary disorder, compensation, anion gap and what is added, by the rules of `acid_base.toml`.

Inputs in mmHg and mmol/L. Without an anion gap (sodium or chloride missing) a metabolic acidosis stays unclassified
and the missing inputs are named; nothing is assumed.
"""

from dataclasses import dataclass

from medgym_core.domains.clinical_diagnosis.tables import table

METABOLIC = {"metabolic acidosis": "lower", "metabolic alkalosis": "higher"}


@dataclass(frozen=True, slots=True)
class Reading:
    """What a blood gas shows."""

    primary: str
    expected: tuple[float, float] | None = None
    """Range of the compensating value: pCO2 in a metabolic disorder, bicarbonate in a respiratory one."""
    added: str = ""
    """A second disorder, read from the compensation or the delta ratio."""
    gap: float | None = None
    """Anion gap, corrected for albumin where that is known."""
    ratio: float | None = None
    """Delta ratio, where the gap is raised."""
    missing: tuple[str, ...] = ()

    @property
    def disorder(self) -> str:
        """The whole disorder in words, empty where the gap is not known."""
        if self.primary != "metabolic acidosis":
            return f"{self.primary} with {self.added}" if self.added else self.primary
        if self.gap is None:
            return ""
        height = "high" if self.gap > table("acid_base")["gap"]["upper"] else "normal"
        return f"{height} anion gap {self.primary}" + (f" with {self.added}" if self.added else "")


def interpret(
    ph: float,
    pco2: float,
    bicarbonate: float,
    sodium: float | None = None,
    chloride: float | None = None,
    albumin: float | None = None,
) -> Reading:
    """The stepwise reading of a blood gas."""
    primary = _primary(ph, pco2, bicarbonate)
    if primary in METABOLIC:
        rule = table("acid_base")[primary]
        middle = rule["slope"] * bicarbonate + rule["offset"]
        expected = (middle - rule["width"], middle + rule["width"])
        added = "respiratory alkalosis" if pco2 < expected[0] else "respiratory acidosis" if pco2 > expected[1] else ""
        return _with_gap(primary, expected, added, bicarbonate, sodium, chloride, albumin)
    if "respiratory" in primary and "and" not in primary:
        return _respiratory(primary, pco2, bicarbonate, sodium, chloride, albumin)
    return Reading(primary)


def _primary(ph: float, pco2: float, bicarbonate: float) -> str:
    limits = table("acid_base")["limits"]
    low_base, high_base = bicarbonate < limits["bicarbonate"][0], bicarbonate > limits["bicarbonate"][1]
    low_gas, high_gas = pco2 < limits["pco2"][0], pco2 > limits["pco2"][1]
    if ph < limits["ph"][0]:
        if low_base and high_gas:
            return "metabolic acidosis" if pco2 <= 50 else "metabolic and respiratory acidosis"
        return "metabolic acidosis" if low_base else "respiratory acidosis" if high_gas else "mild acidaemia"
    if ph > limits["ph"][1]:
        if high_base and low_gas:
            return "metabolic and respiratory alkalosis"
        return "metabolic alkalosis" if high_base else "respiratory alkalosis" if low_gas else "mild alkalaemia"
    if low_base and low_gas:  # normal pH: the side it leans to is the primary one
        return "metabolic acidosis" if ph < sum(limits["ph"]) / 2 else "respiratory alkalosis"
    if high_base and high_gas:
        return "metabolic alkalosis" if ph > sum(limits["ph"]) / 2 else "respiratory acidosis"
    return "no disorder"


def _respiratory(
    primary: str,
    pco2: float,
    bicarbonate: float,
    sodium: float | None,
    chloride: float | None,
    albumin: float | None,
) -> Reading:
    """Acute, chronic or between by the bicarbonate; outside of both a metabolic disorder is there too.

    A raised anion gap shows a metabolic acidosis whatever the bicarbonate.
    """
    rule = table("acid_base")[primary]
    base, away = table("acid_base")["gap"]["normal_bicarbonate"], pco2 - 40
    middles = {"acute": base + rule["acute"] * away, "chronic": base + rule["chronic"] * away}
    spans = {name: (m - rule["width"], m + rule["width"]) for name, m in middles.items()}
    low, high = min(s[0] for s in spans.values()), max(s[1] for s in spans.values())
    added = "metabolic acidosis" if bicarbonate < low else "metabolic alkalosis" if bicarbonate > high else ""
    inside = [name for name, (bottom, top) in spans.items() if bottom <= bicarbonate <= top]
    nearest = min(inside, key=lambda n: abs(middles[n] - bicarbonate), default="")
    gap = None if sodium is None or chloride is None else anion_gap(sodium, chloride, bicarbonate, albumin)
    if gap is not None and gap > table("acid_base")["gap"]["upper"] and added != "metabolic alkalosis":
        added = "high anion gap metabolic acidosis"
    expected = spans[nearest] if nearest else (low, high)
    named = primary if added and not nearest else f"{nearest or 'acute on chronic'} {primary}"
    return Reading(named, expected, added, gap)


def anion_gap(sodium: float, chloride: float, bicarbonate: float, albumin: float | None) -> float:
    """Sodium less chloride less bicarbonate; 2.5 more for every g/dL of albumin below 4 (Figge 1998)."""
    return sodium - chloride - bicarbonate + (albumin_share(albumin) if albumin is not None else 0.0)


def albumin_share(albumin: float) -> float:
    """The part of the anion gap that a low albumin hides."""
    return 2.5 * (4.0 - albumin)


def _with_gap(
    primary: str,
    expected: tuple[float, float],
    added: str,
    bicarbonate: float,
    sodium: float | None,
    chloride: float | None,
    albumin: float | None,
) -> Reading:
    missing = tuple(n for n, v in (("sodium", sodium), ("chloride", chloride)) if v is None)
    if missing:
        return Reading(primary, expected, added, missing=missing)
    rule = table("acid_base")["gap"]
    gap = anion_gap(sodium, chloride, bicarbonate, albumin)  # type: ignore[arg-type]
    if primary != "metabolic acidosis" or gap <= rule["upper"]:
        return Reading(primary, expected, added, gap)
    fall = rule["normal_bicarbonate"] - bicarbonate
    ratio = (gap - rule["upper"]) / fall if fall > 0 else None
    if not added and ratio is not None:
        low, high = rule["pure"]
        added = "normal gap acidosis" if ratio < low else "metabolic alkalosis" if ratio > high else ""
    return Reading(primary, expected, added, gap, ratio)
