"""How one laboratory value follows from the others, as rules of a `Panel`.

Sources: compensation: Narins and Emmett, Medicine 1980;59:161-187; corrected calcium: Payne 1973; sodium and glucose:
Katz 1973; estimated average glucose: Nathan, ADAG study 2008; LDL: Friedewald 1972; alveolar gas equation: Riley 1949.
Shares and ratios of ill patients (urea to creatinine, neutrophils, direct bilirubin) are typical courses of textbooks.
"""

from collections.abc import Callable

from medgym_core.clinical.acid_base import (
    base_excess_of,
    bicarbonate_of,
    expected_pco2,
    osmolality_of,
    pco2_of,
    ph_of,
)
from medgym_core.clinical.panel import Panel


def _acid_base(p: Panel) -> None:
    """Settle pH, pCO2 and bicarbonate: two fix the third, one is compensated for, none is healthy."""
    if p.has("ph"):
        if not p.has("bicarbonate"):
            # the last two digits of a metabolic pH are about the pCO2 (Narins and Emmett)
            p.settle(pco2=p.around(min(max(100 * (p.given["ph"] - 7), 12), 55), 0.02))
            p.settle(bicarbonate=bicarbonate_of(p.given["ph"], p.values["pco2"]))
        p.settle(pco2=pco2_of(p.given["ph"], p.values["bicarbonate"]))
        return
    if not p.has("bicarbonate"):
        p.settle(bicarbonate=_bicarbonate(p))
    p.settle(pco2=_compensated(p, p.values["bicarbonate"]))
    p.settle(ph=ph_of(p.values["pco2"], p.values["bicarbonate"]))


def _bicarbonate(p: Panel) -> float:
    """Bicarbonate where neither it nor the pH is given."""
    if p.has("base_excess"):
        low, high = 2.0, 60.0
        for _ in range(40):
            middle = (low + high) / 2
            ph = ph_of(p.given.get("pco2", expected_pco2(middle)), middle)
            low, high = (middle, high) if base_excess_of(ph, middle) < p.given["base_excess"] else (low, middle)
        return low
    if p.has("pco2"):  # acute: 1 mmol/L up, or 2 down, for 10 mmHg
        away = p.given["pco2"] - 40
        return max(24.4 + (0.1 if away > 0 else 0.2) * away - 0.9 * p.acid(), 3.0)
    if p.acid():
        return max(24.4 - 0.9 * p.acid(), 3.0)
    if p.has("sodium", "chloride"):
        return min(max(p.given["sodium"] - p.given["chloride"] - p.rng.uniform(8.5, 11.5), 3.0), 45.0)
    return min(p.healthy("bicarbonate"), 26.5)


def _compensated(p: Panel, bicarbonate: float) -> float:
    """The pCO2 that goes with a bicarbonate."""
    if p.has("base_excess"):
        return expected_pco2(bicarbonate)
    if p.has("bicarbonate") or p.acid() or not 16 <= bicarbonate <= 27:
        return expected_pco2(bicarbonate) + p.rng.uniform(-1.2, 1.2)
    usual = 7.42 if p.pregnant else 7.39
    return pco2_of(
        p.rng.uniform(usual - 0.005, usual + 0.025) + 0.01 * min(max(bicarbonate - 24.5, -2), 2), bicarbonate
    )


def _of_acid_base(name: str) -> Callable[[Panel], float]:
    def resolve(p: Panel) -> float:
        _acid_base(p)
        return p.values[name]

    return resolve


def _base_excess(p: Panel) -> float:
    return base_excess_of(p("ph"), p("bicarbonate"))


def _po2(p: Panel) -> float:
    """Room air at sea level: alveolar gas equation less the usual gradient."""
    return 0.21 * (760 - 47) - p("pco2") / 0.8 - p.rng.uniform(7, 14)


def _sodium(p: Panel) -> float:
    if p.has("chloride"):
        return p.given["chloride"] + p("bicarbonate") + p.gap()
    if p.has("serum_osmolality") and not p.has("glucose", "urea_nitrogen"):
        return (p.given["serum_osmolality"] - p("glucose") / 18 - p("urea_nitrogen") / 2.8 - 2) / 2
    diluted = 1.6 * max(0.0, p.given.get("glucose", 0.0) - 150) / 100
    return p.healthy("sodium") - min(diluted, 12.0)


def _chloride(p: Panel) -> float:
    chloride = p("sodium") - p("bicarbonate") - p.gap()
    if {"sodium", "bicarbonate", "ph", "pco2", "base_excess", "glucose", "albumin"} & set(p.given) or p.acid():
        return chloride
    return min(max(chloride, 98), 106)


def _osmolality(p: Panel) -> float:
    osmolality = osmolality_of(p("sodium"), p("glucose"), p("urea_nitrogen"))
    return osmolality + p.given.get("ethanol", 0.0) / 4.6 + p.rng.uniform(-3, 5)


def _urea_nitrogen(p: Panel) -> float:
    if p.has("creatinine") and p.given["creatinine"] > p.upper("creatinine"):
        return min(p.given["creatinine"] * p.rng.uniform(12, 17), 150)
    return p.healthy("urea_nitrogen")


def _creatinine(p: Panel) -> float:
    healthy = p.healthy("creatinine")
    if p.has("urea_nitrogen") and p.given["urea_nitrogen"] > p.upper("urea_nitrogen"):
        return max(p.given["urea_nitrogen"] / p.rng.uniform(19, 24), healthy)
    return healthy


def _glucose(p: Panel) -> float:
    if p.has("hba1c"):
        return max(p.around(28.7 * p.given["hba1c"] - 46.7, 0.08), 65)
    return p.healthy("glucose")


def _calcium(p: Panel) -> float:
    if p.has("ionized_calcium"):
        return p.given["ionized_calcium"] * 7.7 - 0.8 * (4.2 - p("albumin"))
    missing = 0.8 * (4.2 - p.given["albumin"]) if p.has("albumin") else 0.0
    return p.healthy("calcium") - missing


def _ionized_calcium(p: Panel) -> float:
    if p.has("calcium") or p.has("albumin"):
        return (p("calcium") + 0.8 * (4.2 - p("albumin"))) / 7.7
    return p.healthy("ionized_calcium")


def _albumin(p: Panel) -> float:
    if p.has("total_protein"):
        return 0.6 * p.given["total_protein"]
    return min(p.healthy("albumin"), 4.9)


def _total_protein(p: Panel) -> float:
    return p("albumin") + p.rng.uniform(2.3, 2.9)


def _bilirubin(p: Panel) -> float:
    if p.has("direct_bilirubin"):
        return p.given["direct_bilirubin"] * 1.35 + p.rng.uniform(0.2, 0.5)
    return p.healthy("bilirubin")


def _direct_bilirubin(p: Panel) -> float:
    total = p("bilirubin")
    obstructed = any(p.has(n) and p.given[n] > p.upper(n) for n in ("alp", "ggt"))
    hurt = any(p.has(n) and p.given[n] > 2 * p.upper(n) for n in ("alt", "ast"))
    share = (0.6, 0.75) if obstructed else (0.45, 0.6) if hurt else (0.12, 0.22)
    return min(total * p.rng.uniform(*share), total)


def _ast(p: Panel) -> float:
    return p.around(0.85 * p.given["alt"], 0.15) if p.has("alt") else p.healthy("ast")


def _alt(p: Panel) -> float:
    return p.around(p.given["ast"], 0.15) if p.has("ast") else p.healthy("alt")


def _hemoglobin(p: Panel) -> float:
    if p.has("hematocrit"):
        return p.given["hematocrit"] / 3
    return (p.healthy("hemoglobin") + p.healthy("hematocrit") / 3) / 2


def _hematocrit(p: Panel) -> float:
    return p.around(3 * p("hemoglobin"), 0.015)


def _white_cells(p: Panel) -> float:
    cells = [n for n in ("neutrophils", "lymphocytes", "eosinophils") if p.has(n)]
    if not cells:
        return p.healthy("white_cells")
    if "neutrophils" not in cells:
        return max(p.healthy("white_cells"), 1.4 * sum(p.given[n] for n in cells) + 1.5)
    others = p.given.get("lymphocytes", p.rng.uniform(1.2, 2.2)) + p.given.get("eosinophils", 0.2)
    return p.given["neutrophils"] + others + p.rng.uniform(0.2, 0.6)


def _neutrophils(p: Panel) -> float:
    white = p("white_cells")
    room = white - p.given.get("lymphocytes", 0.1 * white) - p.given.get("eosinophils", 0.0)
    # a raised count is mostly neutrophils
    share = p.rng.uniform(0.80, 0.88) if white > 12 else p.rng.uniform(0.54, 0.64)
    return min(share * white, 0.93 * room)


def _lymphocytes(p: Panel) -> float:
    rest = p("white_cells") - p("neutrophils") - p.given.get("eosinophils", 0.0)
    return rest * p.rng.uniform(0.66, 0.78)


def _eosinophils(p: Panel) -> float:
    rest = p("white_cells") - p("neutrophils") - p("lymphocytes")
    return rest * p.rng.uniform(0.12, 0.35)


def _inr(p: Panel) -> float:
    return p.given["pt"] / 12 if p.has("pt") else p.healthy("inr")


def _pt(p: Panel) -> float:
    return p("inr") * 12.0


def _total_cholesterol(p: Panel) -> float:
    return p("hdl") + p("ldl") + p("triglycerides") / 5


def _ldl(p: Panel) -> float:
    if p.has("total_cholesterol"):
        return p.given["total_cholesterol"] - p("hdl") - p("triglycerides") / 5
    return p.healthy("ldl")


def _hdl(p: Panel) -> float:
    healthy = p.healthy("hdl")
    if p.has("total_cholesterol", "ldl"):
        rest = p.given["total_cholesterol"] - p.given["ldl"]
        return rest - p.given["triglycerides"] / 5 if p.has("triglycerides") else min(healthy, 0.75 * rest)
    return min(healthy, 0.4 * p.given["total_cholesterol"]) if p.has("total_cholesterol") else healthy


def _triglycerides(p: Panel) -> float:
    healthy = p.healthy("triglycerides")
    if p.has("total_cholesterol", "ldl"):
        return 5 * (p.given["total_cholesterol"] - p.given["ldl"] - p("hdl"))
    return min(healthy, p.given["total_cholesterol"]) if p.has("total_cholesterol") else healthy


def _iron(p: Panel) -> float:
    if p.has("ferritin") and p.given["ferritin"] < 15:
        return p.rng.uniform(15, 38)
    healthy = p.healthy("iron")
    return min(healthy, 0.45 * p.given["tibc"]) if p.has("tibc") else healthy


def _tibc(p: Panel) -> float:
    if p.has("ferritin") and p.given["ferritin"] < 15:
        return max(p.rng.uniform(410, 490), p.given.get("iron", 0.0))
    return max(p.healthy("tibc"), 1.2 * p.given.get("iron", 0.0))


def _free_t4(p: Panel) -> float:
    healthy = p.healthy("free_t4")
    if p.has("tsh") and p.given["tsh"] > 10:
        return p.rng.uniform(0.3, 0.65)
    return p.rng.uniform(2.2, 4.5) if p.has("tsh") and p.given["tsh"] < 0.05 else healthy


def _tsh(p: Panel) -> float:
    healthy = p.healthy("tsh")
    if p.has("free_t4") and p.given["free_t4"] < 0.6 and not p.pregnant:
        return p.rng.uniform(15, 60)
    return p.rng.uniform(0.01, 0.04) if p.has("free_t4") and p.given["free_t4"] > 2.0 else healthy


RULES: dict[str, Callable[[Panel], float]] = {
    "ph": _of_acid_base("ph"),
    "pco2": _of_acid_base("pco2"),
    "bicarbonate": _of_acid_base("bicarbonate"),
    "base_excess": _base_excess,
    "po2": _po2,
    "sodium": _sodium,
    "chloride": _chloride,
    "serum_osmolality": _osmolality,
    "urea_nitrogen": _urea_nitrogen,
    "creatinine": _creatinine,
    "glucose": _glucose,
    "calcium": _calcium,
    "ionized_calcium": _ionized_calcium,
    "albumin": _albumin,
    "total_protein": _total_protein,
    "bilirubin": _bilirubin,
    "direct_bilirubin": _direct_bilirubin,
    "ast": _ast,
    "alt": _alt,
    "hemoglobin": _hemoglobin,
    "hematocrit": _hematocrit,
    "white_cells": _white_cells,
    "neutrophils": _neutrophils,
    "lymphocytes": _lymphocytes,
    "eosinophils": _eosinophils,
    "inr": _inr,
    "pt": _pt,
    "total_cholesterol": _total_cholesterol,
    "ldl": _ldl,
    "hdl": _hdl,
    "triglycerides": _triglycerides,
    "iron": _iron,
    "tibc": _tibc,
    "free_t4": _free_t4,
    "tsh": _tsh,
}
"""How a value follows from the others; names not here are drawn on their own."""
