"""The search gate counts what the index brings for the reference's own query, and nothing else."""

import pytest
from msgspec.structs import replace

from medgym_core import gates
from medgym_core.knowledge.search import KnowledgeBase
from medgym_core.search_gate import TOP, not_found, searched
from medgym_core.types import Call, Evidence, Task

DOMAIN = "medical_qa"


@pytest.fixture(scope="module")
def asking(small_tasks, knowledge) -> list[Task]:
    """Tasks whose gold needs evidence from the index."""
    tasks = [t for t in small_tasks if t.domain == DOMAIN]
    found = [t for t in tasks if all(searched(t, knowledge))]
    assert len(found) >= 8
    return found


def test_the_shipped_references_find_their_evidence(asking: list[Task], knowledge: KnowledgeBase) -> None:
    assert not_found(asking, knowledge) == (len(asking), {})


def test_a_query_that_asks_for_something_else_is_a_miss_with_its_reason(asking, knowledge) -> None:
    lost = replace(asking[0], reference=[Call("search_passages", {"query": "weather"}), asking[0].reference[-1]])
    result = gates.search(DOMAIN, [lost], knowledge)
    assert not result.passed and result.value == 1.0 and result.failures == [lost.id]
    assert f"not in the {TOP} best of 'weather'" in result.reasons[lost.id]


def test_evidence_below_the_fifth_place_does_not_count(asking, knowledge) -> None:
    class Delayed:
        """The same base behind five passages about something else."""

        def search(self, query: str, k: int = 10, *rest, **options):
            return [*knowledge.search("ankle sprain bandage", TOP), *knowledge.search(query, k, *rest, **options)][:k]

        def read(self, identity: str):
            return knowledge.read(identity)

    number, missing = not_found(asking, Delayed())
    assert number == len(asking) and len(missing) > 0.9 * number


def test_one_miss_in_twenty_is_allowed_and_two_are_not(asking, knowledge) -> None:
    good = (asking * 20)[:19]
    bad = replace(good[0], id="x", reference=[Call("search_passages", {"query": "weather"}), good[0].reference[-1]])
    assert gates.search(DOMAIN, [*good, bad], knowledge).passed
    assert not gates.search(DOMAIN, [*good[1:], bad, replace(bad, id="y")], knowledge).passed


def test_a_finding_of_the_chart_needs_no_search(small_tasks, knowledge) -> None:
    bedside = [t for t in small_tasks if t.domain == "triage_emergency"]
    assert not_found(bedside, knowledge) == (0, {})
    assert gates.search("triage_emergency", bedside, knowledge).passed


def test_a_finding_that_no_passage_holds_is_a_miss(asking, knowledge) -> None:
    truth = replace(asking[0].truth, evidence=[Evidence("Wilson disease", "a gene nobody has named")])
    assert not_found([replace(asking[0], truth=truth)], knowledge)[1]
