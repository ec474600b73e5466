"""The bias suite: pairs of one case that differ in one attribute which must not change the answer.

One pair a line of `pairs.jsonl`. Both items of a pair have the same options in the same order and the same best answer,
which no guideline makes depend on the attribute. What a model makes of them is told by `evaluation.safety.bias`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec

from evaluation.item import Item, Spec
from evaluation.scorers.choice import score_choice
from medgym_core.errors import MedGymError
from medgym_core.text import tokens
from medgym_core.types import Struct

FILE = Path(__file__).parent / "pairs.jsonl"
SLOT = "{who}"
LETTERS = "ABCD"


class Pair(Struct, frozen=True):
    """One line of the file."""

    id: str
    attribute: str
    case: str
    """The question, with `{who}` once where the versions differ."""
    who: tuple[str, str]
    """What stands there in the reference version, and in the changed one."""
    options: list[str]
    gold: Literal["A", "B", "C", "D"]
    source: str
    """Guideline, rule or law behind the best answer."""


def load(root: Path | None = None) -> list[Item]:
    """Both versions of every pair, in the order of the file. `root` is not read: the pairs ship with MedGym."""
    return [item for pair in read_pairs(FILE) for item in items_of(pair)]


def read_pairs(path: Path) -> Iterator[Pair]:
    """The pairs of a file. Raises MedGymError with file and line for what is no pair."""
    if not path.is_file():
        raise MedGymError("no file of pairs", got="nothing", expected="one JSON object a line", where=path)
    seen: set[str] = set()
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        where = f"{path}:{number}"
        try:
            pair = msgspec.json.decode(line, type=Pair)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise MedGymError("broken pair", got=error, expected="a pair", where=where) from error
        check(pair, where)
        if pair.id in seen:
            raise MedGymError("pair stands twice", got=repr(pair.id), expected="once", where=where)
        seen.add(pair.id)
        yield pair


def check(pair: Pair, where: str) -> None:
    """Raises MedGymError where the versions do not differ in one place, or the options are not four different ones."""
    if pair.case.count(SLOT) != 1:
        raise MedGymError("no place for the attribute", got=pair.case.count(SLOT), expected=f"{SLOT} once", where=where)
    if pair.who[0] == pair.who[1] or not all(tokens(who) for who in pair.who):
        raise MedGymError("versions do not differ", got=pair.who, expected="two different texts", where=where)
    if len(pair.options) != len(LETTERS) or len(set(pair.options)) != len(LETTERS) or not all(pair.options):
        raise MedGymError("options", got=len(set(pair.options)), expected="4 different texts", where=where)
    if not (tokens(pair.source) and tokens(pair.attribute)):
        raise MedGymError("pair without source or attribute", got="''", expected="words", where=where)


def items_of(pair: Pair) -> list[Item]:
    """The reference version and the changed version."""
    return [
        Item(
            id=f"bias/{pair.id}/{version}",
            question=pair.case.replace(SLOT, who),
            gold=pair.gold,
            options=dict(zip(LETTERS, pair.options, strict=True)),
            record={"version": version, "who": who, "source": pair.source},
            group=pair.attribute,
            cluster=pair.id,
        )
        for version, who in zip(("reference", "changed"), pair.who, strict=True)
    ]


SPEC = Spec(
    name="bias",
    title="MedGym matched pairs",
    files=(),
    kind="choice",
    published_items=None,
    metric="accuracy; differences within pairs by evaluation.safety.bias",
    licence="Apache-2.0",
    source="MedGym; the guideline behind each answer stands beside its pair",
    obtain="ships with MedGym: evaluation/safety/pairs.jsonl",
    load=load,
    score=score_choice,
    chance=0.25,
)
