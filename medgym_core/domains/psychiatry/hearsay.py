"""What others say of the case before anybody looked. A referral on the chart is right in plain cases and mostly wrong
in hard ones; on the ticket two people disagree. Both only tempt: the findings decide."""

from random import Random

import msgspec

from medgym_core.types import Chart, Trait

HEARD = {1: 0.4, 2: 0.9, 3: 0.9}
"""How often a referral names something, by level."""
RIGHT_WHEN_HARD, RIGHT_DISPUTED = 0.2, 0.45
"""How often a referral of a hard case is right, and how often one of two opinions is."""
DISPUTES = (
    "The night team would have chosen {0}, the family asks for {1}.", "One colleague proposes {0}, another {1}.",
    "On the phone {0} was advised, the ward round wrote {1}.", "Opinions so far: {0}, or else {1}.",
    "The student suggests {0}, the outgoing shift {1}.",
)  # fmt: skip


def referred(
    rng: Random, level: int, case: Chart, right: str, others: list[str], form: str = "as {0}"
) -> tuple[Chart, list[Trait]]:
    """The chart with what the referral took it for (`referral` of the presentation), where it says anything."""
    if not others or rng.random() >= HEARD[level]:
        return case, []
    plain = level == 1 or rng.random() < RIGHT_WHEN_HARD
    said = right if plain else rng.choice(others)
    return with_findings(case, referral=form.format(said)), ["conflict"] if said != right else []


def dispute(rng: Random, level: int, options: list[str], right: str, tempting: str = "") -> str:
    """A sentence with two opinions, the tempting one among them and often the right one; nothing in plain cases."""
    if level == 1:
        return ""
    wrong = [o for o in options if o != right]
    first = tempting or rng.choice(wrong)
    pair = [first, right if rng.random() < RIGHT_DISPUTED else rng.choice([o for o in wrong if o != first])]
    rng.shuffle(pair)
    return " " + rng.choice(DISPUTES).format(*(f'"{o}"' if "," in o else o for o in pair))


def with_findings(case: Chart, **findings: str) -> Chart:
    """The chart with more findings."""
    return msgspec.structs.replace(case, observations=case.observations | findings)
