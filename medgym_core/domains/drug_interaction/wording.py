"""How a request reads: who asks, from where, and the question, in a clinician's words.

Nothing here is a clinical fact; openings are drawn without a look at the case.
"""

import re
from random import Random

from medgym_core.domains.drug_interaction import patients
from medgym_core.domains.drug_interaction.rules import table
from medgym_core.types import Chart

NAMES = (
    "Okafor", "Lindqvist", "Moreau", "Haddad", "Castellanos", "Novak", "Petrov", "Ferreira", "Yamada", "Osei", "Brandt",
    "Keller", "Rahman", "Silva", "Duarte", "Kowalski", "Mensah", "Fischer", "Ivanova", "Costa", "Nakamura", "Reyes",
    "Janssen", "Olsen", "Bianchi", "Varga", "Sato", "Gomez", "Laurent", "Demir", "Hughes", "Walsh", "Ortega", "Chen",
    "Banerjee", "Morgan", "Abebe", "Larsen", "Popescu", "Sinclair", "Doyle", "Aziz", "Vogel", "Marchetti", "Tanaka",
)  # fmt: skip
PLACES = (
    "medical ward, bed {n}", "surgical ward, bed {n}", "short-stay unit, bed {n}", "admissions unit, bay {n}",
    "step-down unit, bed {n}", "outpatient clinic, room {n}", "day unit, chair {n}", "rehabilitation ward, bed {n}",
    "emergency department, cubicle {n}", "specialist clinic, room {n}", "ward 3, bed {n}", "ward 9, bed {n}",
)  # fmt: skip
CHILDREN = (
    "children's ward, bed {n}", "pediatric clinic, room {n}", "emergency department, cubicle {n}",
    "pediatric short-stay unit, bed {n}", "pediatric admissions, bay {n}", "children's day unit, bed {n}",
)  # fmt: skip
OPENINGS = (
    "{place}. {text}",
    "{place}, {time}. {text}",
    "Dr {name} ({place}) writes: {text}",
    "Call at {time} from Dr {name}, {place}: {text}",
    "{text} (Dr {name}, {place})",
    "{text} Asked by Dr {name}, {place}.",
)


def asked(rng: Random, text: str, places: tuple[str, ...] = PLACES) -> str:
    """The question as it arrives: with the place and often the colleague who asks."""
    place = rng.choice(places).format(n=rng.randint(1, 38))
    time = f"{rng.randint(7, 20):02d}:{rng.randint(0, 59):02d}"
    made = rng.choice(OPENINGS).format(text=text, name=rng.choice(NAMES), place=place, time=time)
    return made[0].upper() + made[1:]


def say(rng: Random, phrases: tuple[str, ...], chart: Chart, new: str = "", **more: str) -> str:
    """One phrasing, filled in."""
    use = table("drugs")[new]["use"] if new else ""
    text = rng.choice(phrases).format(who=patients.who(chart), new=new, use=use, **more)
    text = re.sub(r"\b([Aa]) (?=8\d?-|11-|18-)", r"\1n ", text)
    return asked(rng, text[0].upper() + text[1:])
