"""One blood sample: what is given, what follows from it by rule, what is drawn as in a healthy person.

Given values are never changed; where they contradict an identity the sample is refused with a MedGymError.
The anion gap follows Narins and Emmett 1980, less 2.5 for each g/dL of missing albumin (Figge 1998).
"""

from collections.abc import Callable, Mapping
from random import Random

from medgym_core.clinical.acid_base import ph_of
from medgym_core.clinical.ranges import measurement, rounded
from medgym_core.errors import MedGymError


class Panel:
    """Values of one sample; `panel(name)` resolves, and remembers, one of them."""

    def __init__(
        self,
        rng: Random,
        given: Mapping[str, float],
        healthy: Callable[[str], float],
        rules: Mapping[str, Callable[["Panel"], float]],
        pregnant: bool = False,
    ):
        check(given)
        self.rng, self.given, self.healthy, self.rules, self.pregnant = rng, given, healthy, rules, pregnant
        self.values: dict[str, float] = dict(given)
        self._gap: float | None = None

    def __call__(self, name: str) -> float:
        if name not in self.values:
            self.settle(**{name: self.rules[name](self) if name in self.rules else self.healthy(name)})
        return self.values[name]

    def settle(self, **values: float) -> None:
        """Remember computed values beside those already there, with the decimals of a report, never below zero."""
        for name, value in values.items():
            self.values.setdefault(name, rounded(name, value if name == "base_excess" else max(value, 0.0)))

    def around(self, value: float, spread: float) -> float:
        """The value, off by at most `spread` of itself."""
        return value * self.rng.uniform(1 - spread, 1 + spread)

    def has(self, *names: str) -> bool:
        """Whether all of these were given."""
        return all(n in self.given for n in names)

    def upper(self, name: str) -> float:
        """A value that only the ill exceed: 1.5 times a healthy one."""
        return 1.5 * self.healthy(name)

    def acid(self) -> float:
        """mmol/L of measured acid beyond the usual: lactate and ketones, where they are given."""
        lactate, ketones = self.given.get("lactate", 1.0), self.given.get("beta_hydroxybutyrate", 0.2)
        return max(0.0, lactate - 2.2) + max(0.0, ketones - 0.6)

    def gap(self) -> float:
        """Anion gap, mmol/L: usual, plus acid, less the albumin that is missing."""
        if self._gap is None:
            gap = self.rng.uniform(8.5, 11.5) + self.acid()
            if self.has("albumin"):
                gap -= 2.5 * (4.2 - self.given["albumin"])
            explained = self.acid() or self.has("chloride") or (self.has("pco2") and not self.has("ph"))
            if not explained and self("bicarbonate") < 19 and not self.pregnant:
                gap += 24 - self("bicarbonate")
            self._gap = max(gap, 3.0)
        return self._gap


def check(given: Mapping[str, float]) -> None:
    """Raises MedGymError for an unknown name, and where given values contradict one another."""
    for name, value in given.items():
        measurement(name)
        if value < 0 and name != "base_excess":
            raise MedGymError("laboratory value below zero", got=f"{name} {value:g}", expected="zero or more")
    for names, possible in IDENTITIES:
        if all(n in given for n in names) and not possible(*(given[n] for n in names)):
            got = ", ".join(f"{n} {given[n]:g}" for n in names)
            raise MedGymError("laboratory values contradict one another", got=got, expected="values of one sample")


IDENTITIES: list[tuple[tuple[str, ...], Callable[..., bool]]] = [
    (
        ("ph", "pco2", "bicarbonate"),
        lambda ph, pco2, hco3: pco2 > 0 and hco3 > 0 and abs(ph_of(pco2, hco3) - ph) <= 0.06,
    ),
    (("direct_bilirubin", "bilirubin"), lambda direct, total: direct <= total),
    (("hemoglobin", "hematocrit"), lambda hb, hct: 2.4 * hb <= hct <= 3.8 * hb),
    (("iron", "tibc"), lambda iron, tibc: iron <= tibc),
    (("albumin", "total_protein"), lambda albumin, total: albumin < total),
    (
        ("total_cholesterol", "hdl", "ldl", "triglycerides"),
        lambda total, hdl, ldl, fat: fat > 400 or abs(hdl + ldl + fat / 5 - total) <= 10,
    ),
    (("white_cells", "neutrophils"), lambda white, n: n <= white),
    (("white_cells", "lymphocytes"), lambda white, n: n <= white),
    (("white_cells", "neutrophils", "lymphocytes"), lambda white, n, m: n + m <= white + 0.05),
    (("white_cells", "neutrophils", "lymphocytes", "eosinophils"), lambda white, n, m, e: n + m + e <= white + 0.05),
]
"""Names, and whether their given values can stand together."""
