"""Seeded, physiologically consistent emergency patients.

One severity (0 well, 1 very ill) moves all vital signs together, with individual noise; fever adds temperature and
pulse. Older patients carry more conditions, with the drug that goes with each. Nothing here knows the question.
"""

from functools import cache
from itertools import product
from random import Random
from typing import Any

from medgym_core import facts
from medgym_core.domains.triage_emergency.department import board
from medgym_core.domains.triage_emergency.scores import DOMAIN, UNITS
from medgym_core.types import Chart, Medication, Reading

EYES = {"alert": 4, "new confusion": 4, "voice": 3, "pain": 2, "unresponsive": 1}
CONDITIONS = (
    "hypertension",
    "type 2 diabetes",
    "hypothyroidism",
    "gout",
    "atrial fibrillation",
    "depression",
    "reflux disease",
)
CARRIED = ("ambulance", "brought by family")
ARRIVALS = (*CARRIED, "walked in", "sent by the clinic")


def scene(name: str) -> dict[str, Any]:
    """One entry of the setting facts."""
    return facts.load(DOMAIN, "settings")[name]


def vital_signs(rng: Random, severity: float, *, fever: bool = False, age: int = 40) -> dict[str, float]:
    """Values by name, in the units of `UNITS`. Children breathe and beat faster at lower pressure."""
    child = age < 9
    systolic = _within(rng.gauss((102 if child else 128) - 44 * severity, 8), 58, 178)
    return {
        "respiratory_rate": _within(rng.gauss((23 if child else 15) + 13 * severity, 1.6), 8, 42),
        "spo2": _within(rng.gauss(98 - 8 * severity, 1.0), 74, 100),
        "heart_rate": _within(rng.gauss((104 if child else 74) + 50 * severity + 8 * fever, 6), 44, 185),
        "systolic_bp": systolic,
        "diastolic_bp": _within(systolic * rng.gauss(0.61, 0.03), 30, systolic - 20),
        "temperature": round(rng.gauss(36.8 + fever * (1.0 + 1.4 * severity), 0.25), 1),
    }


def well(rng: Random, age: int) -> dict[str, float]:
    """Vital signs clear of every danger zone, however small the noise."""
    signs = vital_signs(rng, 0.0, age=age)
    rate, breaths = (136, 28) if age < 9 else (96, 19)
    signs["heart_rate"], signs["respiratory_rate"] = (
        min(signs["heart_rate"], rate),
        min(signs["respiratory_rate"], breaths),
    )
    return signs | {"spo2": max(signs["spo2"], 95)}


def consciousness(rng: Random, severity: float) -> str:
    """ACVPU level; mostly alert until the patient is quite ill."""
    if severity < 0.55 or rng.random() < 0.5:
        return "alert"
    return rng.choice(["new confusion", "voice", "pain"] if severity > 0.8 else ["new confusion", "voice"])


@cache
def coma_options(total: int) -> list[tuple[int, int, int]]:
    """Glasgow (eye, verbal, motor) with that total, the components close to one another as in patients."""
    every = product(range(1, 5), range(1, 6), range(1, 7))
    return [
        (e, v, m)
        for e, v, m in every
        if e + v + m == total and e - 1 <= v <= e + 2 and max(e, v) <= m <= 2 * min(e, v) + 3
    ]


def coma(rng: Random, total: int) -> dict[str, str]:
    """Glasgow components with that total."""
    return _components(rng.choice(coma_options(total)))


def coma_of(rng: Random, acvpu: str) -> dict[str, str]:
    """Glasgow components that fit an ACVPU level."""
    totals = {"alert": [15], "new confusion": [14], "voice": [12, 13], "pain": [8, 9, 10], "unresponsive": [3, 4]}[
        acvpu
    ]
    return _components(rng.choice([o for total in totals for o in coma_options(total) if o[0] == EYES[acvpu]]))


def acvpu_of(components: dict[str, str]) -> str:
    """The ACVPU level that fits Glasgow components."""
    level = {4: "new confusion", 3: "voice", 2: "pain", 1: "unresponsive"}[int(components["gcs_eye"])]
    return "alert" if sum(map(int, components.values())) == 15 else level


def readings(values: dict[str, float]) -> list[Reading]:
    """Vital signs as readings on arrival, in a fixed order; absent names stay absent."""
    return [Reading(name, values[name], unit) for name, unit in UNITS.items() if name in values]


def person(
    rng: Random, level: int, ages: tuple[int, int] = (18, 90), sex: str = "", walks: bool = True
) -> dict[str, Any]:
    """Who the patient is: identity, conditions, drugs, allergies. More baggage and gaps at higher levels."""
    age = rng.randint(*ages)
    own = rng.sample(CONDITIONS, rng.randint(0, level)) if age >= 30 else []
    drugs = [Medication(scene(c)["drug"]) for c in own]
    allergies: list[str] | None = rng.choice([[], [], ["penicillin"], ["latex"]])
    return {
        "patient_id": f"P{rng.randrange(10_000, 100_000)}",
        "age": age,
        "sex": sex or rng.choice(["female", "male"]),
        "conditions": own,
        "medications": drugs,
        "allergies": None if level == 3 and rng.random() < 0.5 else allergies,
        "arrival": rng.choice(ARRIVALS if walks else CARRIED),
    }


def chart(who: dict[str, Any], signs: dict[str, float], seen: dict[str, str], **more: Any) -> Chart:
    """The chart of a person with vital signs, observations and whatever else is given."""
    observations = seen | board(who["patient_id"])
    return Chart(**(who | {"vitals": readings(signs), "observations": observations} | more))


def calm(rng: Random, severity: float = 0.0) -> dict[str, str]:
    """Consciousness, its Glasgow components and oxygen that go with a severity."""
    acvpu = consciousness(rng, severity)
    oxygen = rng.choice(["mask 6 L/min", "cannula 2 L/min"]) if severity > 0.45 and rng.random() < 0.6 else "room air"
    return {"consciousness": acvpu, "oxygen": oxygen} | coma_of(rng, acvpu)


def _components(response: tuple[int, int, int]) -> dict[str, str]:
    return {f"gcs_{name}": str(x) for name, x in zip(("eye", "verbal", "motor"), response, strict=True)}


def _within(value: float, low: float, high: float) -> int:
    return round(min(max(value, low), high))
