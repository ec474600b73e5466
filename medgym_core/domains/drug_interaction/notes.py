"""Notes that correct the record: a medicine the list lacks, one it still carries, one that was never taken.

The list of a chart can be wrong. A case gets its notes after its list is made, so the list with the correction is what
the truth was made from. What the notes say is settled: the expert corrects the list and then screens it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from random import Random

from msgspec.structs import replace

from medgym_core.domains.drug_interaction import patients, rules
from medgym_core.domains.drug_interaction.rules import resolve, table
from medgym_core.types import Call, Chart, Step, Trait

LACKING = (
    "The bag of tablets brought from home holds {drug}, taken every day. It is missing from the list.",
    "Dispensing record: {drug} collected last week and taken since. The list lacks it.",
    "Another clinic started {drug} ten days ago and it is still taken. Nobody entered it here.",
    "Takes {drug} from an outside prescriber as well. The list was not updated.",
    "{drug} was added elsewhere and is taken as prescribed. Not yet entered here.",
)
STANDING = (
    "{drug} was ended more than a year ago. The entry on the list is out of date.",
    "Dispensing record: no {drug} for over a year, stopped at a review. The entry was left standing.",
    "The list still carries {drug}. The prescriber stopped it over a year ago.",
    "Has taken no {drug} since a review the year before last. The list is wrong there.",
    "Confirmed with the family: {drug} was given up well over a year ago.",
)
NEVER = (
    "{drug} was offered at an earlier visit and declined. Never taken.",
    "The spouse takes {drug}. The patient does not.",
    "{drug} was considered at a review two years ago and not started.",
    "Asked about {drug} directly: has never had it.",
)
ORDINARY = (
    "Uses a weekly tablet box.", "Lives with family, independent at home.", "Sleep and appetite are good.",
    "Vaccinations are up to date.", "Does not smoke.", "Walks for half an hour on most days.",
    "Prefers appointments in the morning.", "Reads leaflets carefully and asks good questions.",
)  # fmt: skip
READ = Call("get_clinical_notes")


@dataclass(frozen=True)
class Twist:
    """A chart with its notes, and what an expert does about them."""

    chart: Chart
    calls: list[Call] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    traits: list[Trait] = field(default_factory=list)
    hidden: str = ""
    gone: str = ""


def plain(rng: Random, chart: Chart, *notes: str, usual: tuple[str, ...] = ORDINARY) -> Chart:
    """The chart with these notes among ordinary ones."""
    told = [*notes, *rng.sample(usual, rng.randint(1, 2) if len(notes) < 2 else 1)]
    return replace(chart, notes=rng.sample(told, len(told)))


def twist(
    rng: Random, level: int, chart: Chart, hide: Iterable[str] = (), tempt: Iterable[str] = (), never: bool = True
) -> Twist | None:
    """The list made wrong in one entry from level 2 on; on level 3 also a medicine in the notes that is not taken.

    `hide`: drugs of the list that may be missing from it; `tempt`: drugs that would change the answer if they were
    taken. None: a level that needs a trap, and neither can be had.
    """
    tempting = list(tempt)
    ways = [*(["hidden"] if hide else []), *(["gone"] if tempting else [])]
    if level == 1:
        return Twist(plain(rng, chart), [READ], [Step(READ.name)])
    if not ways:
        return None
    way, notes = rng.choice(ways), []
    traits: list[Trait] = ["conflict"]
    drug = rng.choice(list(hide)) if way == "hidden" else tempting.pop(rng.randrange(len(tempting)))
    notes.append(rng.choice(LACKING if way == "hidden" else STANDING).format(drug=drug))
    listed = [m for m in chart.medications if resolve(m.drug) != drug]
    if way == "gone":
        listed.insert(rng.randint(0, len(listed)), patients.medication(rng, drug))
    if level == 3 and never and tempting:
        notes.append(rng.choice(NEVER).format(drug=rng.choice(tempting)))
        traits.append("distractors")
    fix = Call("correct_medication_list", {"drug": drug, "taken": "yes" if way == "hidden" else "no"})
    steps = [Step(READ.name), Step(fix.name, fix.arguments, after=READ.name)]
    made = plain(rng, replace(chart, medications=listed), *(n[0].upper() + n[1:] for n in notes))
    return Twist(made, [READ, fix], steps, traits, **{way: drug})


def tempting(rng: Random, chart: Chart, keys: Iterable[str], wanted: Callable[[str], bool], most: int = 3) -> list[str]:
    """Up to `most` drugs that this patient could take and that are `wanted`; none of them shares a class with the list
    or meets an allergy."""
    taken = [*(resolve(m.drug) or m.drug for m in chart.medications), *keys]
    classes = {table("drugs")[d]["class"] for d in taken}
    found: list[str] = []
    for drug in rng.sample(sorted(table("drugs")), len(table("drugs"))):
        if len(found) == most:
            break
        if drug in taken or table("drugs")[drug]["class"] in classes or not wanted(drug):
            continue
        if not patients.fits(drug, chart.sex, chart.age):
            continue
        if rules.worst_allergy(drug, chart.allergies or [])[0] != rules.NO_CONFLICT:
            continue
        found.append(drug)
    return found
