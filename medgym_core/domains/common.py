"""What several domains share: the submission tool, working notes, and how a reference submits."""

from collections.abc import Iterable, Sequence

from medgym_core.tools import World, state, tool
from medgym_core.types import Assertion, Call, Evidence


@tool("submit", static=True)
def submit_answer(world: World, answer: str, evidence: str = "") -> dict:
    """Commit to the answer and end the episode.

    Args:
        answer: The answer alone, such as a letter, a number, a level or a name.
        evidence: The findings that decided, as shown by the tools, separated by semicolons.
    """
    world.written.append({"answer": answer, "evidence": evidence})
    return {"submitted": answer}


@tool("write", static=True, minutes=0)
def think(world: World, thought: str) -> dict:
    """Keep a working note, or read the notes kept so far with an empty one; takes no time and earns nothing.

    Args:
        thought: The note.
    """
    notes = [w["note"] for w in world.written if "note" in w]
    if not thought.strip():
        return {f"note {i}": note for i, note in enumerate(notes, 1)} or {"notes": "none so far"}
    world.written.append({"note": thought})
    return {"notes kept": len(notes) + 1}


def submission(answer: str, evidence: Iterable[Evidence]) -> Call:
    """The reference's last call. The findings come first, word for word as observed, then the answer they give."""
    return Call("submit_answer", {"evidence": state({e.label: e.value for e in evidence}), "answer": answer})


def claim(*terms: str | Sequence[str], shown: str = "") -> Assertion:
    """What a free text must say in one sentence: each term is a phrase or its equivalent phrasings."""
    return Assertion([[term] if isinstance(term, str) else list(term) for term in terms], shown)
