"""The evidence tools: every search reaches the index, shows only its kind of source, and decides nothing by itself."""

import pytest

from medgym_core import domains
from medgym_core.domains.medical_qa import evidence, kinds
from medgym_core.knowledge.search import KnowledgeBase
from medgym_core.knowledge.types import Passage
from medgym_core.tools import NOT_AVAILABLE, NOT_IN_DATABASE, ToolError, World
from medgym_core.types import Chart

TOOLS = domains.get("medical_qa").tools


def passage(n: int, source: str, title: str, text: str, section: str = "Fact") -> Passage:
    return Passage(f"{n:032x}", source, title, section, text, "CC0-1.0", "")


CORPUS = [
    passage(1, "pubmed", "Aspirin trial", "Aspirin lowered events. The sensitivity of troponin was 92 percent."),
    passage(2, "medlineplus", "Aspirin", "Aspirin is a medicine for pain and fever."),
    passage(3, "drug_labels", "Aspirin label", "Aspirin can cause bleeding and ringing ears.", "Adverse reactions"),
    passage(4, "ctgov", "Aspirin in colon cancer", "Aspirin is compared with placebo in colon cancer.", "Summary"),
    passage(5, "drug_labels", "Warfarin label", "Aspirin with warfarin raises bleeding.", "Drug interactions"),
]  # fmt: skip


def run(name: str, base: KnowledgeBase | None = None, **arguments: object) -> dict:
    return TOOLS[name].result(World(Chart("P1", 40, "female"), base or KnowledgeBase.of(CORPUS)), arguments)


@pytest.mark.parametrize("tool", evidence.KNOWLEDGE_TOOLS, ids=lambda t: t.name)
def test_every_knowledge_tool_asks_the_index(tool) -> None:
    class Recording:
        asked = 0

        def search(self, *arguments, **options):
            Recording.asked += 1
            return KnowledgeBase.shipped().search(*arguments, **options)

        def read(self, identity):
            Recording.asked += 1
            return KnowledgeBase.shipped().read(identity)

    before = Recording.asked
    for arguments in evidence.EXAMPLES[tool.name]:
        tool.result(World(Chart("P1", 40, "female"), Recording()), arguments)
    assert Recording.asked > before


@pytest.mark.parametrize(
    ("tool", "arguments", "title"),
    [
        ("search_pubmed", {"query": "aspirin"}, "Aspirin trial"),
        ("search_medical_wiki", {"query": "aspirin"}, "Aspirin"),
        ("search_clinical_trials", {"condition": "colon cancer", "intervention": "aspirin"}, "Aspirin in colon cancer"),
        ("search_evidence", {"query": "aspirin", "category": "adverse"}, "Aspirin label"),
    ],
)
def test_a_search_of_one_kind_shows_that_kind_alone(tool: str, arguments: dict, title: str) -> None:
    assert list(run(tool, **arguments)) == [title]


def test_a_kind_the_index_does_not_hold_is_not_in_the_database() -> None:
    base = KnowledgeBase.of(CORPUS[:1])
    assert set(run("search_clinical_trials", base, condition="aspirin").values()) == {NOT_IN_DATABASE}
    assert set(run("search_guidelines", base, condition="aspirin").values()) == {NOT_IN_DATABASE}


def test_an_unknown_pair_is_not_reported_as_safe() -> None:
    assert run("search_drug_interactions", drug_a="aspirin", drug_b="unobtainium")["severity"] == NOT_IN_DATABASE


def test_accuracy_shows_only_sentences_that_state_it() -> None:
    found = run("search_diagnostic_accuracy", test_name="troponin")
    assert "92 percent" in found["Aspirin trial"]
    assert run("search_diagnostic_accuracy", test_name="aspirin levels") == {"accuracy": NOT_IN_DATABASE}


def test_cross_reference_names_the_kinds_without_a_passage() -> None:
    found = run("cross_reference", query="aspirin")
    assert found["trial"].startswith("Aspirin in colon cancer") and found["guideline"] == NOT_IN_DATABASE


def test_options_are_weighed_by_passages_and_not_decided() -> None:
    found = run("analyze_answer_options", question="medicine for pain", options="aspirin; unobtainium")
    assert float(found["aspirin"]) > 0 and found["unobtainium"] == NOT_IN_DATABASE


def test_the_summary_holds_only_sentences_of_the_passages() -> None:
    found = run("summarize_evidence", query="aspirin bleeding")
    text = " ".join(p.text for p in CORPUS)
    assert all(s.strip(" .") in text for s in found["summary"].split(". "))


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("search", {"queries": "  "}),
        ("search_pubmed", {"query": "aspirin", "max_results": 50}),
        ("search_evidence", {"query": "aspirin", "category": "gossip"}),
        ("cross_reference", {"query": "aspirin", "sources": "journal, gossip"}),
        ("browse", {"url_or_id": "../../etc/passwd"}),
        ("browse_article", {"pmid": "Aspirin trial", "section": "Methods"}),
        ("analyze_answer_options", {"question": "x", "options": "one"}),
        ("calculate_clinical_score", {"score_name": "curb66"}),
        ("calculate_clinical_score", {"score_name": "curb65", "parameters": "age"}),
        ("calculate_clinical_score", {"score_name": "curb65", "parameters": "age=old"}),
        ("calculate_clinical_score", {"score_name": "curb65", "parameters": "shoe_size=44"}),
    ],
)
def test_bad_input_is_told_and_names_what_is_allowed(tool: str, arguments: dict) -> None:
    with pytest.raises(ToolError, match="expected"):
        run(tool, **arguments)


def test_a_score_names_its_missing_inputs_and_its_inputs_without_any() -> None:
    found = run("calculate_clinical_score", score_name="CURB-65".replace("-", ""), parameters="age=70; confusion=yes")
    assert found["curb65"] == NOT_AVAILABLE and "urea nitrogen" in found["missing"]
    assert run("calculate_clinical_score", score_name="curb65")["urea_nitrogen"] == "mg/dL"


def test_kinds_do_not_mix_corpora() -> None:
    assert kinds.is_kind("pubmed", "Abstract", "journal") and not kinds.is_kind("pubmed", "Abstract", "trial")
    assert not kinds.is_kind("drug_labels", "Dosage", "adverse")
