"""Acid-base, anion gap and osmolality as formulas: numbers in, numbers out.

Sources: Henderson-Hasselbalch with pK 6.1 and 0.0307 mmol/L per mmHg; Winters' formula (Albert, Dell and Winters,
Annals of Internal Medicine 1967;66:312-322); metabolic alkalosis and the rule of two digits: Narins and Emmett,
Medicine 1980;59:161-187; base excess: Siggaard-Andersen, The van Slyke equation, 1977; osmolality: Dorwart and
Chalmers, Clinical Chemistry 1975;21:190-194.
"""

from math import log10

SOLUBILITY = 0.0307
"""mmol/L of carbon dioxide per mmHg at 37 Celsius."""


def ph_of(pco2: float, bicarbonate: float) -> float:
    """Henderson-Hasselbalch: pCO2 in mmHg, bicarbonate in mmol/L."""
    return 6.1 + log10(bicarbonate / (SOLUBILITY * pco2))


def bicarbonate_of(ph: float, pco2: float) -> float:
    """Henderson-Hasselbalch solved for bicarbonate, mmol/L."""
    return SOLUBILITY * pco2 * 10 ** (ph - 6.1)


def pco2_of(ph: float, bicarbonate: float) -> float:
    """Henderson-Hasselbalch solved for pCO2, mmHg."""
    return bicarbonate / (SOLUBILITY * 10 ** (ph - 6.1))


def base_excess_of(ph: float, bicarbonate: float) -> float:
    """Standard base excess, mmol/L."""
    return 0.93 * (bicarbonate - 24.4 + 14.83 * (ph - 7.4))


def osmolality_of(sodium: float, glucose: float, urea_nitrogen: float) -> float:
    """Calculated serum osmolality, mosm/kg (sodium mmol/L, glucose and urea nitrogen mg/dL)."""
    return 2 * sodium + glucose / 18 + urea_nitrogen / 2.8


def expected_pco2(bicarbonate: float) -> float:
    """The compensated pCO2, mmHg: Winters' formula when bicarbonate is low, 0.7 mmHg per mmol/L when it is high."""
    if bicarbonate < 18:
        return 1.5 * bicarbonate + 8
    return 35 + 5 * (bicarbonate - 18) / 6.4 if bicarbonate < 24.4 else 40 + 0.7 * (bicarbonate - 24.4)
