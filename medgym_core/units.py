"""Converting a stated quantity into the unit a gold is given in.

Units are those of the field (UCUM spellings and the everyday ones): a product of powers of a few dimensions, written
`a/b`. Only units of the same dimension convert; `mg/dL` of a substance into `mmol/L` needs its molar mass and does not.
"""

from functools import cache

_BASE: dict[str, tuple[str, float]] = {
    # unit -> dimension and factor to its base unit
    "kg": ("mass", 1e3), "g": ("mass", 1.0), "mg": ("mass", 1e-3), "ug": ("mass", 1e-6), "ng": ("mass", 1e-9),
    "l": ("volume", 1.0), "dl": ("volume", 0.1), "ml": ("volume", 1e-3), "ul": ("volume", 1e-6),
    "mol": ("amount", 1.0), "mmol": ("amount", 1e-3), "umol": ("amount", 1e-6), "nmol": ("amount", 1e-9),
    "m": ("length", 1.0), "cm": ("length", 1e-2), "mm": ("length", 1e-3),
    "min": ("time", 1.0), "s": ("time", 1 / 60), "h": ("time", 60.0), "d": ("time", 1440.0), "wk": ("time", 10080.0),
    "mm[hg]": ("pressure", 1.0), "kpa": ("pressure", 7.500617),
    "u": ("activity", 1.0), "ku": ("activity", 1e3),
    "%": ("percent", 1.0), "1": ("number", 1.0),
}  # fmt: skip
_SPELLINGS = {
    "mcg": "ug", "µg": "ug", "μg": "ug", "µmol": "umol", "μmol": "umol", "µl": "ul", "μl": "ul",
    "gram": "g", "grams": "g", "milligram": "mg", "milligrams": "mg", "microgram": "ug", "micrograms": "ug",
    "kilogram": "kg", "kilograms": "kg", "liter": "l", "liters": "l", "litre": "l", "litres": "l",
    "milliliter": "ml", "milliliters": "ml", "millilitre": "ml", "millilitres": "ml", "cc": "ml",
    "minute": "min", "minutes": "min", "mins": "min", "second": "s", "seconds": "s", "sec": "s",
    "hour": "h", "hours": "h", "hr": "h", "hrs": "h", "day": "d", "days": "d", "week": "wk", "weeks": "wk",
    "mmhg": "mm[hg]", "units": "u", "unit": "u", "iu": "u", "percent": "%", "bpm": "1/min", "beats": "1",
    "breaths": "1", "points": "1", "point": "1",
}  # fmt: skip


def convert(value: float, unit: str, wanted: str) -> float | None:
    """The value in the wanted unit; None where the units are not of one dimension or not known.

    >>> convert(0.5, "g", "mg")
    500.0
    """
    given, target = _parse(unit), _parse(wanted)
    if given is None or target is None or given[0] != target[0]:
        return None
    return round(value * given[1] / target[1], 9)


@cache
def _parse(unit: str) -> tuple[tuple[str, ...], float] | None:
    """Dimensions (those below the line marked) and the factor to base units; None: not known."""
    text = unit.strip().lower().replace(" per ", "/").replace(" ", "").strip(".{}")
    expanded = "/".join(_SPELLINGS.get(part, part) for part in text.split("/"))
    dimensions, factor = [], 1.0
    for place, part in enumerate(expanded.split("/")):
        if part not in _BASE:
            if place == 0 and not part:  # `/min`
                continue
            return None
        dimension, size = _BASE[part]
        if dimension != "number":
            dimensions.append(dimension if place == 0 else f"/{dimension}")
        factor = factor * size if place == 0 else factor / size
    return tuple(sorted(dimensions)), factor
