"""Any instrument from parameters the agent gives: `calculate_clinical_score`, and which instruments there are."""

from functools import cache

from medgym_core import instruments
from medgym_core.errors import MedGymError
from medgym_core.instruments.tools import shown
from medgym_core.text import normal
from medgym_core.tools import NOT_IN_DATABASE, ToolError, World, tool


@tool("read", static=True)
def calculate_clinical_score(world: World, score_name: str, parameters: str = "") -> dict:
    """Compute a clinical score or formula. Without parameters: the inputs it needs.

    Args:
        score_name: Such as curb65, cha2ds2_vasc, meld_na, anion_gap.
        parameters: name=value pairs separated by semicolons, in the units the inputs are listed with.
    """
    try:
        found = instruments.get(score_name.strip().lower().replace("-", "_").replace(" ", "_"))
    except MedGymError as error:
        raise ToolError(str(error)) from error
    if not parameters.strip():
        return {name: " | ".join(kind) if isinstance(kind, list) else kind for name, kind in found.inputs.items()}
    try:
        return shown(found, found(**_given(parameters)))
    except MedGymError as error:
        raise ToolError(str(error)) from error


def _given(parameters: str) -> dict[str, str]:
    given: dict[str, str] = {}
    for pair in parameters.split(";"):
        if not pair.strip():
            continue
        name, equals, value = pair.partition("=")
        if not equals:
            raise ToolError("bad parameter", got=repr(pair.strip()), expected="name=value")
        given[name.strip().lower().replace(" ", "_")] = value.strip()
    return given


@tool("read", static=True)
def find_clinical_score(world: World, topic: str) -> dict:
    """Instruments whose title or name has the words of a topic.

    Args:
        topic: Such as pneumonia, QTc or depression.
    """
    wanted = normal(topic).split()
    if not wanted:
        raise ToolError("empty topic", expected="a few words")
    hits = [(name, title) for name, title, words in _titles() if all(f" {w} " in words for w in wanted)]
    return dict(hits[:5]) or {"instruments": NOT_IN_DATABASE}


@cache
def _titles() -> list[tuple[str, str, str]]:
    """(name, title, both in normal form) of every instrument."""
    bound = [instruments.get(name) for name in instruments.names()]
    return [(i.name, i.title, normal(f"{i.name.replace('_', ' ')} {i.title}")) for i in bound]
