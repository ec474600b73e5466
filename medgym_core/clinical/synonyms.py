"""Other names of conditions and drugs, and spellings that mean one word: whether two names are the same name.

Names are compared in normal form (`medgym_core.text`), word by word in American spelling, without accents and without
the `s` of an eponym (`Wilson's disease`; AMA Manual of Style, 11th edition, 2020, eponyms). Then a name of the table
stands for its entry. The facts are `facts/synonyms.toml`, by `kind`:

condition   exact synonyms of an ontology; `benchmarks/synonyms.py` makes this part
drug        nonproprietary and other common names, besides the names and brands of the drug tables of drug_interaction
spelling    British to American: parts that are changed `anywhere` in a word, and `endings` after four letters or more
refused     a name that an ontology or drug table gives `of` something and that is not exact in clinical use: left out

A name that stands for two things is in the table for neither. A drug's name of one word is also read inside a longer
name (`noradrenaline infusion`); every other name has to be the whole of it.
The forms serve to compare, not to show.
"""

import unicodedata
from functools import cache, lru_cache

from medgym_core import facts
from medgym_core.errors import MedGymError
from medgym_core.text import normal, quick_normal, tokens

LONGEST = 160
"""Characters; no name of a condition or drug is longer, so longer texts are compared as they stand."""
STEM = 4
"""Letters before an ending that is respelled: `dosing` and `raised` stay."""


def synonyms_of(name: str) -> tuple[str, ...]:
    """The other names listed for a condition or drug, as the tables write them; empty for an unknown name."""
    said = quick_normal(name)
    return tuple(n for n in _groups().get(name_form(name), ()) if quick_normal(n) != said)


def same_name(one: str, other: str) -> bool:
    """Whether two names mean the same: alike but for spelling, or names of one entry. Empty names never do."""
    form = name_form(one)
    return form != "" and form == name_form(other)


def name_form(name: str) -> str:
    """What a name comes to: the entry it stands for, else its own spelling. Names are the same when their forms are."""
    form = spelled(name)
    return _names().get(form, form)


def spelled(name: str) -> str:
    """The words of a name in American spelling; an `s` left by an eponym's apostrophe is dropped."""
    if len(name) > LONGEST:
        return normal(name).strip()
    words = quick_normal(name).split()
    return " ".join([_word(w) for i, w in enumerate(words) if w != "s" or not i])


@lru_cache(maxsize=1 << 15)
def _word(word: str) -> str:
    """One word in American spelling; a drug's name of one word becomes the one of its entry."""
    word = _american(word)
    return _drugs().get(word, word)


def _american(word: str) -> str:
    """One word in American spelling and without accents."""
    anywhere, endings = _rules()
    if not word.isascii():
        word = "".join(c for c in unicodedata.normalize("NFKD", word) if not unicodedata.combining(c))
    for british, american in anywhere.items():
        if british in word:
            word = word.replace(british, american)
    for british, american in endings.items():
        if word.endswith(british) and len(word) >= STEM + len(british):
            return word.removesuffix(british) + american
    return word


@cache
def _rules() -> tuple[dict[str, str], dict[str, str]]:
    """Respelled parts and respelled endings."""
    listed = [e for e in facts.load("clinical", "synonyms").values() if e["kind"] == "spelling"]
    anywhere, endings = ({k: v for e in listed for k, v in e.get(f, {}).items()} for f in ("anywhere", "endings"))
    return anywhere, endings


@cache
def _drugs() -> dict[str, str]:
    """Drug names of one word, with the words of the name of their entry."""
    found: dict[str, str] = {}
    for name, *also in _drug_entries():
        words = " ".join(map(_american, tokens(name)))
        found |= {_american(n.lower()): words for n in also if n.isalpha()}
    return found


def _drug_entries() -> list[tuple[str, ...]]:
    """The drugs as their names, those of the drug tables first: one entry adds to another where they share a name."""
    listed = facts.load("clinical", "synonyms").items()
    refused = {name for name, e in listed if e["kind"] == "refused"}
    tables = facts.load("drug_interaction", "drugs").items()
    found = [(d, *(a for a in e.get("aliases", ()) if a not in refused)) for d, e in tables]
    return found + [(name, *e["also"]) for name, e in listed if e["kind"] == "drug"]


def _entries() -> list[tuple[str, ...]]:
    """Every entry as its names."""
    listed = facts.load("clinical", "synonyms").items()
    return _drug_entries() + [(name, *e["also"]) for name, e in listed if e["kind"] == "condition"]


@cache
def _groups() -> dict[str, tuple[str, ...]]:
    """The names of each entry, by the form of its first."""
    found: dict[str, tuple[str, ...]] = {}
    for names in _entries():
        form = spelled(names[0])
        found[form] = tuple(dict.fromkeys((*found.get(form, ()), *names)))
    return found


@cache
def _names() -> dict[str, str]:
    """Every spelling listed, with the form of its entry. Raises MedGymError for a name of two entries."""
    found: dict[str, str] = {}
    for form, names in _groups().items():
        for said in map(spelled, names):
            if found.setdefault(said, form) != form:
                raise MedGymError("a name of two entries", got=said, expected=found[said], where=form)
    return found
