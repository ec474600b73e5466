"""The data card counts what is there and what was left out."""

import json

import pyarrow as pa

from medgym_core.knowledge.card import card, card_markdown
from medgym_core.knowledge.passages import merge_passages, source_passages
from medgym_core.knowledge.store import as_table
from medgym_core.knowledge.types import Document, Passage

QUESTION = "Which of these drugs lowers uric acid in chronic gout?"


def made() -> tuple[pa.Table, dict]:
    medquad = [
        Document(
            "medquad",
            "Gout",
            [("Overview", "It hurts."), ("Care", "word " * 119 + "end.")],
            "CC BY 4.0",
            "",
            "1",
            "2019-02",
        ),
        Document("medquad", "Gout", [("Overview", "It hurts.")], "CC BY 4.0", "", "1", "2019-02"),
        Document("medquad", "Quiz", [("", QUESTION)], "CC BY 4.0", "", "3"),
    ]
    facts = [Document(f"MedGym facts: Work {i}", f"Fact {i}", [("", "So it is.")], "CC0", "") for i in range(3)]
    return merge_passages([source_passages(medquad), source_passages(facts)], [("quiz|1.json", QUESTION)], near=False)


def test_card_counts_sources_licences_lengths_years_and_rejects():
    table, stats = made()
    found = card(table, stats, {"medquad": {"broken line": 2}, "facts": {}})
    assert json.loads(json.dumps(found)) == found
    assert (found["passages"], found["documents"], found["recombined"]) == (5, 4, 0)
    assert found["licences"] == {"CC BY 4.0": 2, "CC0": 3}
    assert found["lengths"] == {"1-14": 4, "15-49": 0, "50-99": 0, "100-149": 1, "150-200": 0, "over 200": 0}
    assert found["years"] == {"2019": 2, "unknown": 3}
    assert found["words"] == 2 + 120 + 3 * 3
    assert found["removed"] == {"duplicates": 1, "near_duplicates": 0, "excluded": 1}
    assert found["excluded_by"] == {"quiz|1.json": 1}
    assert found["rejects"] == {"medquad": {"broken line": 2}}
    assert list(found["sources"]) == ["MedGym facts", "medquad"]
    medquad = found["sources"]["medquad"]
    assert (medquad["records"], medquad["passages"], medquad["left"], medquad["documents"]) == (3, 4, 2, 1)


def test_recombined_text_is_told_apart_and_a_source_that_left_nothing_is_listed():
    table, stats = merge_passages(
        [source_passages([Document("quiz", "Quiz", [("", QUESTION)], "CC0", "")])], [QUESTION]
    )
    distractor = as_table([Passage("f" * 32, "recombined", "Gout", "", "It hurts.", "scale tests", "")])
    found = card(pa.concat_tables([table, distractor]), stats)
    assert found["passages"] == found["recombined"] == 1
    assert found["sources"]["quiz"]["left"] == 0 and found["sources"]["recombined"]["left"] == 1


def test_markdown_has_a_table_a_subject_and_no_broken_rows():
    table, stats = made()
    text = card_markdown(card(table, stats, {"medquad": {"broken | line\nhere": 2}}))
    assert text.startswith("# Knowledge base: data card\n\n5 passages; 4 documents, 131 words.")
    assert "| medquad | 3 | 4 | 1 | 0 | 1 | 2 | 122 | CC BY 4.0 |" in text
    assert "| quiz\\|1.json | 1 |" in text and "| medquad | broken \\| line here | 2 |" in text
    assert "Blocked runs" not in text, "a subject without rows is left out"
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert all(line.endswith("|") for line in rows)
