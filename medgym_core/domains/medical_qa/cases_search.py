"""Questions answered by searching the knowledge base: letters, names, the way back, citations, and details.

Each generator returns None where the knowledge base at hand does not show the fact to the reference query.
"""

from collections.abc import Iterable
from random import Random
from typing import Any

from medgym_core.domains import Draft
from medgym_core.domains.medical_qa import tables
from medgym_core.domains.medical_qa.drafting import (
    ask,
    believed,
    distractors,
    draft,
    lettered,
    patient,
    show_options,
    shown,
)
from medgym_core.domains.medical_qa.tables import Fact
from medgym_core.text import normal
from medgym_core.types import Call, Gold, Trait

REVERSIBLE = tuple(name for name, relation in tables.RELATIONS.items() if relation.stem)

LETTER_FORMS = (
    "What is the {ask}? {options}. Look it up and answer with the letter.",
    "Which of these is the {ask}: {options}? Letter only, please, with the passage behind it.",
    "Options {options}. Which one do the passages give as the {ask}? Reply with its letter.",
    "Pick the {ask} from {options}. Search first and answer by letter.",
    "{options}: one of these is the {ask}. Find it in the passages and give the letter.",
    "Please settle the {ask}. The choices are {options}. One letter.",
)
REVERSE_LETTER_FORMS = (
    "{answer} is the {stem} of which one: {options}? Look it up, answer with the letter.",
    "Options {options}. For which of them is {answer} the {stem}? Letter only, after a search.",
    "Which of {options} has {answer} as its {stem}? Search, then give one letter.",
    "The {stem} {answer} belongs to one of these: {options}. Reply with its letter.",
    "Match the {stem} {answer} to {options}. One letter, from the passages.",
)
NAME_FORMS = (
    "What is the {ask}? Search the passages and answer with the name alone.",
    "Please find the {ask} in the passages. Just the name is enough.",
    "They need the {ask} by name, taken from the knowledge base and not from memory.",
    "Could you look up the {ask}? One name, as the passage has it.",
    "Which name do the passages give for the {ask}? Answer with that name.",
    "Short answer wanted: the {ask}, as the knowledge base states it.",
)
ASIDE_FORMS = (
    "It began with {other}, but the question now is the {ask}. Search and answer with the name.",
    "Leave {other} aside. What is the {ask}? Name only, from the passages.",
    "Not about {other} this time: please look up the {ask} and give the name.",
    "After {other} last week, today they want the {ask}. Search it, answer by name.",
    "Someone mixed it up with {other}. What do the passages give as the {ask}? The name, please.",
)
REVERSE_FORMS = (
    "{answer} is listed as the {stem} of one condition. Find it, confirm it in the condition overview, and name it.",
    "Which condition has {answer} as its {stem}? Search, check its overview, answer with the condition.",
    "We know the {stem}: {answer}. Name the condition it belongs to, after confirming in its overview.",
    "Work backwards from the {stem} {answer}. Which condition is it? Verify with its overview before answering.",
    "Looking for the condition with {stem} {answer}. Search for it, confirm the overview says so, then name it.",
)
CITE_FORMS = (
    "What is the {ask}? Save the citation of the passage you use, then answer with the name.",
    "They want the {ask} with a source: search, save the passage as citation, and give the name.",
    "Please answer by name and leave a saved citation: the {ask}.",
    "For the handout: the {ask}. Cite the passage that says it before you answer with the name.",
    "Look up the {ask}. The answer must come with its passage saved as a citation.",
)
DETAIL_FORMS = (
    'Open the passage on the {ask} and read it in full. What does it give as "{key}"?',
    'The passage about the {ask} also has an entry "{key}". Read the whole passage and answer with that entry.',
    'Beyond the {ask} itself, what does its passage state under "{key}"? Read it in full.',
    'Under "{key}", what stands in the full passage on the {ask}? The snippet is not enough.',
    'Please read the whole passage on the {ask} and report the entry "{key}".',
)


KEEP = " Save its citation as well."
READ = " Read the passage in full before you cite it."


def multiple_choice(rng: Random, knowledge: Any) -> Draft | None:
    """One letter of four or five; the hardest level asks the way back."""
    level = rng.choice((1, 2, 3))
    count = 3 if level == 1 else 4
    fact = _fact(rng, REVERSIBLE if level == 3 else tuple(tables.RELATIONS))
    if level == 3:
        others = [f.of for f in _same(fact) if normal(f.answer) != normal(fact.answer)]
        right, wrong, query, forms = (
            fact.of,
            rng.sample(others, count),
            f"{stem(fact)} {fact.answer}",
            REVERSE_LETTER_FORMS,
        )
        if not unique_answer(fact):
            return None
    else:
        right, wrong, query, forms = fact.answer, distractors(rng, fact, count), fact.ask, LETTER_FORMS
    if len(wrong) < count:
        return None
    letter, options = lettered(rng, right, wrong)
    words = {"ask": fact.ask, "stem": stem(fact), "answer": fact.answer, "options": show_options(options)}
    gold = Gold("letter", letter, options=list(options))
    return _search_draft(
        "multiple_choice", fact, level, ask(rng, forms, **words), gold, [_search(query)], rng, knowledge
    )


def short_answer(rng: Random, knowledge: Any) -> Draft | None:
    """The name itself; from level 2 on somebody believes another one, at level 3 another entity is mentioned too."""
    fact, level = _fact(rng), rng.choice((1, 2, 3))
    other = rng.choice([f for f in _same(fact) if f.of != fact.of])
    aside, traits = _wrong_belief(rng, level, fact)
    prompt = ask(rng, ASIDE_FORMS if level == 3 else NAME_FORMS, aside, ask=fact.ask, other=other.of)
    calls = [_search(fact.ask)]
    return _search_draft("short_answer", fact, level, prompt, name_gold(fact), calls, rng, knowledge, traits=traits)


def reverse_lookup(rng: Random, knowledge: Any) -> Draft | None:
    """From the answer back to the condition, confirmed in its overview."""
    fact, level = _fact(rng, REVERSIBLE), rng.choice((1, 2, 3))
    if not unique_answer(fact):
        return None
    other = rng.choice([f.of for f in _same(fact) if f.kind == fact.kind and f.of != fact.of] or [""])
    aside, traits = believed(rng, level, other)
    prompt = ask(rng, REVERSE_FORMS, aside, answer=fact.answer, stem=stem(fact))
    calls = [_search(f"{stem(fact)} {fact.answer}"), Call("get_condition_overview", {"condition": fact.of})]
    gold, more = Gold("category", fact.of), []
    if level == 3:
        prompt += KEEP
        calls, more = [*calls, _save(fact)], [("cited", fact.title)]
    return _search_draft("reverse_lookup", fact, level, prompt, gold, calls, rng, knowledge, more, traits)


def cited_answer(rng: Random, knowledge: Any) -> Draft | None:
    """The name, with the citation of its passage saved."""
    fact, level = _fact(rng), rng.choice((1, 2, 3))
    aside, traits = _wrong_belief(rng, level, fact)
    read = [Call("read_passage", {"passage_id": fact.title})] if level == 3 else []
    calls = [_search(fact.ask), *read, _save(fact)]
    prompt, more = ask(rng, CITE_FORMS, aside, ask=fact.ask) + (READ if read else ""), [("cited", fact.title)]
    return _search_draft(
        "cited_answer", fact, level, prompt, name_gold(fact), calls, rng, knowledge, more, traits=traits
    )


def passage_detail(rng: Random, knowledge: Any) -> Draft | None:
    """A further entry of the passage, which only reading it shows; others believe what another passage has there."""
    fact, level = rng.choice([f for f in tables.all_facts() if f.details]), rng.choice((1, 2, 3))
    key = rng.choice(sorted(fact.details))
    right = fact.details[key]
    others = {f.details[key] for f in _same(fact) if key in f.details and normal(f.details[key]) != normal(right)}
    aside, traits = believed(rng, level, rng.choice(sorted(others) or [""]))
    calls = [_search(fact.ask), Call("read_passage", {"passage_id": fact.title})]
    evidence = [(key, right)]
    prompt, chart = ask(rng, DETAIL_FORMS, aside, ask=fact.ask, key=key), patient(rng)
    if shown(knowledge, chart, calls[:1], evidence) or not shown(knowledge, chart, calls, evidence):
        return None
    gold, sources = Gold("category", right), [fact.source]
    if level == 3:
        prompt, calls, evidence = prompt + KEEP, [*calls, _save(fact)], [*evidence, ("cited", fact.title)]
    return draft(
        "passage_detail", fact.family, level, prompt, chart, gold, calls, evidence, sources, traits=traits
    )  # fmt: skip


def _wrong_belief(rng: Random, level: int, fact: Fact) -> tuple[str, list[Trait]]:
    return believed(rng, level, next(iter(distractors(rng, fact, 1)), ""))


def name_gold(fact: Fact) -> Gold:
    return Gold("category", fact.answer, synonyms={fact.answer: fact.also} if fact.also else {})


def stem(fact: Fact) -> str:
    """The relation without its entity: `usual cause`."""
    return tables.RELATIONS[fact.relation].stem


def unique_answer(fact: Fact) -> bool:
    """No other entity of the table has this answer."""
    return sum(normal(f.answer) == normal(fact.answer) for f in _same(fact)) == 1


def _same(fact: Fact) -> list[Fact]:
    return [f for f in tables.all_facts() if f.relation == fact.relation]


def _fact(rng: Random, relations: tuple[str, ...] = tuple(tables.RELATIONS)) -> Fact:
    """A random fact of a random relation."""
    relation = rng.choice(relations)
    return rng.choice([f for f in tables.all_facts() if f.relation == relation])


def _save(fact: Fact) -> Call:
    return Call("save_citation", {"passage_id": fact.title})


def _search(query: str) -> Call:
    return Call("search_passages", {"query": query})


def _search_draft(
    kind: str,
    fact: Fact,
    level: int,
    prompt: str,
    gold: Gold,
    calls: list[Call],
    rng: Random,
    knowledge: Any,
    more: list[tuple[str, str]] | None = None,
    traits: Iterable[Trait] = (),
) -> Draft | None:
    evidence, chart = [(fact.of, fact.answer), *(more or [])], patient(rng)
    if not shown(knowledge, chart, calls, evidence):
        return None
    return draft(kind, fact.family, level, prompt, chart, gold, calls, evidence, [fact.source], traits=traits)
