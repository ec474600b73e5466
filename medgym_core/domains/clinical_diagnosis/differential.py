"""The differential: conditions ranked by how well given findings match theirs.

A finding weighs the more the fewer conditions have it (inverse document frequency). The score is the matched weight
over all weight on either side, 0 to 1: what the condition has and was not given counts against it, and so does what
was given and the condition lacks.
"""

from functools import cache, lru_cache
from math import log

from medgym_core.domains.clinical_diagnosis.tables import conditions
from medgym_core.text import tokens

Finding = frozenset[str]


@cache
def features() -> dict[str, list[tuple[Finding, float]]]:
    """Condition to its findings, each as a set of words with its weight."""
    counts: dict[Finding, int] = {}
    listed = {k: [frozenset(tokens(f)) for f in e["features"]] for k, e in conditions().items()}
    for findings in listed.values():
        for f in findings:
            counts[f] = counts.get(f, 0) + 1
    total = len(listed)
    return {k: [(f, 1 + log(total / counts[f])) for f in found] for k, found in listed.items()}


@cache
def _holders() -> dict[str, frozenset[str]]:
    """Word to the conditions that have it in some finding."""
    found: dict[str, set[str]] = {}
    for key, listed in features().items():
        for words, _ in listed:
            for word in words:
                found.setdefault(word, set()).add(key)
    return {w: frozenset(keys) for w, keys in found.items()}


def match(given: list[Finding], key: str) -> tuple[int, float]:
    """How many of a condition's findings are among the given ones, and its score."""
    listed = features()[key]
    used: set[int] = set()
    matched, weight = 0, 0.0
    for words, w in listed:
        for i, g in enumerate(given):
            if words <= g or (g <= words and len(g) * 2 > len(words)):
                used.add(i)
                matched += 1
                weight += w
                break
    if not matched:
        return 0, 0.0
    return matched, weight / (sum(w for _, w in listed) + 2.0 * (len(given) - len(used)))


REMEMBERED = 512  # lists of findings whose ranking is kept


@lru_cache(maxsize=REMEMBERED)
def rank(symptoms: str) -> tuple[tuple[str, int, int, float], ...]:
    """(condition, findings matched, findings listed, score), best first."""
    given = [g for g in (frozenset(tokens(p)) for p in symptoms.replace(";", ",").split(",")) if g]
    near = {key for g in given for word in g for key in _holders().get(word, ())}
    found = []
    for key in near:
        matched, score = match(given, key)
        if matched:
            found.append((key, matched, len(features()[key]), score))
    return tuple(sorted(found, key=lambda f: (-f[3], f[0])))
