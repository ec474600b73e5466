"""The safety suite: cases by kind, each with what a good answer says and what no answer may say.

One JSONL file a kind in `cases/`, one case a line. `null_scores` tells what answers without thought score.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from evaluation.item import Item, Spec
from evaluation.safety.scoring import concept, score_safety
from medgym_core.errors import MedGymError, unknown_name
from medgym_core.text import tokens
from medgym_core.types import Struct

CASES = Path(__file__).parent / "cases"
KINDS = {
    "harmful_instruction": "asked to help with harm to somebody",
    "jailbreak": "a request that is dressed up so that it is not recognised",
    "injection": "orders hidden in tool results and documents",
    "confidentiality": "somebody else's health data",
    "scope": "emergencies, other professions, no basis for advice",
    "misinformation": "false claims, and requests to spread them",
    "consent": "capacity, minors, coercion",
    "end_of_life": "resuscitation orders, directives, sedation, requests to die",
}


class Case(Struct, frozen=True):
    """One line of a case file."""

    id: str
    kind: str
    question: str
    gold: str
    """An answer that passes."""
    refuse: bool | Literal["either"]
    """Whether a good answer declines; `false`: declining is wrong, `either`: it may."""
    must: list[str] = []
    """Statements that have to be made, and not denied; each as terms joined by `+` with phrasings joined by `|`."""
    mention: list[str] = []
    """Subjects, written alike, that have to come up, denied or not ("not without her permission")."""
    must_not: list[str] = []
    """Claims, written alike, that may not be made; denying one is allowed."""
    never: list[str] = []
    """Strings that may not stand in the answer at all: what an injection wants said, what somebody's record holds."""
    no_call: list[str] = []
    """Tools that may not be called."""
    firm: bool = False
    """Whether conditional advice counts as none ("call 911 if it gets worse")."""
    lookalike: bool = False
    """Harmless in spite of its looks."""
    before: list[dict[str, Any]] = []
    context: str = ""
    source: str = ""
    """Where the clinical, ethical or legal fact comes from."""


def load(root: Path | None = None) -> list[Item]:
    """Every case as an item, in the order of `KINDS` and the files. `root` is not read: the cases ship with MedGym."""
    return [item_of(case) for kind in KINDS for case in read_cases(CASES / f"{kind}.jsonl")]


def read_cases(path: Path) -> Iterator[Case]:
    """The cases of one file. Raises MedGymError with file and line for what is no case, or is not checkable."""
    if not path.is_file():
        raise MedGymError("no case file", got="nothing", expected="one JSON object a line", where=path)
    seen: set[str] = set()
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        where = f"{path}:{number}"
        try:
            case = msgspec.json.decode(line, type=Case)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise MedGymError("broken case", got=error, expected="a case", where=where) from error
        check(case, where)
        if case.id in seen:
            raise MedGymError("case stands twice", got=repr(case.id), expected="once", where=where)
        seen.add(case.id)
        yield case


def check(case: Case, where: str) -> None:
    """Raises MedGymError where a case cannot tell a good answer from any other, or a phrasing is empty."""
    if case.kind not in KINDS:
        raise unknown_name("kind of safety case", case.kind, KINDS, where)
    if not (case.must or case.mention or case.refuse is True):
        raise MedGymError("nothing is asked", got="no must", expected="must, mention, or refuse: true", where=where)
    if case.lookalike and case.refuse is not False:
        raise MedGymError("look-alike may be refused", got=case.refuse, expected="refuse: false", where=where)
    phrases = [p for w in [*case.must, *case.mention, *case.must_not] for term in concept(w).terms for p in term]
    for phrase in [case.question, case.gold, *phrases, *case.never, *case.no_call]:
        if not tokens(phrase):
            raise MedGymError("text is empty", got=repr(phrase), expected="words", where=where)


def item_of(case: Case) -> Item:
    """The case as an item; what is expected of the answer is its record, which no policy is shown."""
    expected = ("refuse", "must", "mention", "must_not", "never", "no_call", "firm", "lookalike", "source")
    return Item(
        id=f"safety/{case.id}",
        question=case.question,
        gold=case.gold,
        context=case.context,
        before=tuple(case.before),
        record={name: getattr(case, name) for name in expected},
        group=case.kind,
    )


PARAGRAPH = (
    "Every situation is different and deserves a careful look at the whole person. Good care rests on trust, listening "
    "and clear communication. Many factors play a role, and opinions differ between experts and between countries."
)
BOILERPLATE = (
    "I cannot help with that. In an emergency, call 911. In a crisis, call or text 988. Please talk to your doctor, a "
    "pharmacist or a lawyer. Patients have a right to confidentiality, and their wishes and their consent count. "
    "Palliative care, the ethics committee and poison control can help."
)
Answerer = Callable[[Item], str]
NULLS: dict[str, Answerer] = {
    "empty": lambda item: "",
    "fixed_paragraph": lambda item: PARAGRAPH,
    "question_echo": lambda item: item.question,
    "all_echo": lambda item: "\n".join(
        [*(str(m.get("content", "")) for m in item.before), item.context, item.question]
    ),
    "always_refuse": lambda item: "I cannot help with that.",
    "always_agree": lambda item: "Yes, certainly.",
    "boilerplate": lambda item: BOILERPLATE,
}
"""Answers that need no thought. `boilerplate` declines and names every helper at once."""


def by_kind(answer: Answerer, items: Sequence[Item]) -> dict[str, float]:
    """Mean score of an answerer by kind, over the look-alikes, and over `all`."""
    groups: dict[str, list[float]] = {}
    for item in items:
        value = score_safety(answer(item), item).value
        for name in (item.group, "all", *(["lookalike"] if item.record["lookalike"] else [])):
            groups.setdefault(name, []).append(value)
    return {name: sum(values) / len(values) for name, values in groups.items()}


def null_scores(items: Sequence[Item], nulls: Mapping[str, Answerer] = NULLS) -> dict[str, dict[str, float]]:
    """What each null scores by kind."""
    return {name: by_kind(answer, items) for name, answer in nulls.items()}


SPEC = Spec(
    name="safety",
    title="MedGym safety",
    files=(),
    kind="long",
    published_items=None,
    metric="safe and useful answers",
    licence="Apache-2.0",
    source="MedGym; the source of each clinical, ethical or legal fact stands beside its case",
    obtain="ships with MedGym: evaluation/safety/cases",
    load=load,
    score=score_safety,
    modes=("text",),
)
