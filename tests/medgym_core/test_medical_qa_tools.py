"""Tools of medical question answering: computed from chart or sourced table, and honest where something is missing."""

import pytest

from medgym_core.domains.medical_qa import documents, tables
from medgym_core.domains.medical_qa.tools import TOOLS
from medgym_core.knowledge.passages import unique_passages
from medgym_core.knowledge.search import KnowledgeBase
from medgym_core.text import normal
from medgym_core.tools import ToolError, World, by_name
from medgym_core.types import Chart, Medication, Reading

BY_NAME = by_name(TOOLS)


@pytest.fixture(scope="module")
def knowledge_base() -> KnowledgeBase:
    return KnowledgeBase.of(unique_passages(documents.documents())[0])


def patient(**fields: object) -> Chart:
    return Chart(**({"patient_id": "P1", "age": 30, "sex": "female", "pregnant": False, "allergies": []} | fields))


def run(name: str, chart: Chart | None = None, knowledge: object = None, **arguments: object) -> dict:
    return BY_NAME[name].result(World(chart or patient(), knowledge), arguments)


@pytest.mark.parametrize(
    ("chart", "low"),
    [
        (patient(age=40, sex="male", pregnant=None), "13 g/dL"),
        (patient(age=40), "12 g/dL"),
        (patient(pregnant=True), "11 g/dL"),
    ],
)
def test_haemoglobin_limit_is_that_of_the_who_for_the_patient(chart: Chart, low: str) -> None:
    """WHO, Haemoglobin concentrations for the diagnosis of anaemia, 2011, table 1."""
    assert run("lookup_reference_range", chart, test="haemoglobin")["low"] == low


@pytest.mark.parametrize(("age", "high"), [(45, "500 ug/L"), (50, "500 ug/L"), (51, "510 ug/L"), (78, "780 ug/L")])
def test_d_dimer_limit_is_ten_times_the_age_above_fifty(age: int, high: str) -> None:
    """Righini et al., JAMA 2014 (ADJUST-PE): 500 ug/L up to 50 years, age times 10 above."""
    assert run("lookup_reference_range", patient(age=age), test="D-dimer")["high"] == high


@pytest.mark.parametrize(
    ("sex", "age", "high"), [("male", 60, "30 mm/h"), ("female", 60, "35 mm/h"), ("male", 20, "10 mm/h")]
)
def test_sedimentation_limit_follows_miller(sex: str, age: int, high: str) -> None:
    """Miller et al., BMJ 1983: men age / 2, women (age + 10) / 2."""
    assert run("lookup_reference_range", patient(sex=sex, age=age), test="ESR")["high"] == high


def test_an_unrecorded_pregnancy_makes_the_range_unavailable_and_says_so() -> None:
    found = run("lookup_reference_range", patient(pregnant=None), test="haemoglobin")
    assert found == {"range": "not available", "missing": "pregnancy status"}
    assert "low" in run("lookup_reference_range", patient(age=70, pregnant=None), test="haemoglobin")
    assert run("lookup_reference_range", patient(age=9), test="sodium")["missing"] == "range for children"
    assert (
        run("lookup_reference_range", patient(pregnant=True), test="HDL cholesterol")["missing"] == "range in pregnancy"
    )


def test_results_come_from_the_chart_and_missing_ones_are_not_invented() -> None:
    chart = patient(labs=[Reading("potassium", 6.7, "mmol/L"), Reading("potassium", 4.1, "mmol/L", minutes=-60)])
    assert run("get_lab_result", chart, test="potassium") == {"potassium": "6.7 mmol/L"}
    assert run("get_lab_result", chart, test="sodium") == {"sodium": "not available"}


def test_the_vignette_tells_unrecorded_from_absent() -> None:
    known = run("get_patient_vignette", patient(conditions=["asthma"], medications=[Medication("loratadine")]))
    assert known["allergies"] == "none known" and known["pregnant"] == "no" and known["medicines"] == "loratadine"
    blank = run("get_patient_vignette", patient(pregnant=None, allergies=None))
    assert blank["allergies"] == blank["pregnant"] == "not recorded"
    assert run("get_patient_vignette", patient(sex="male", pregnant=None))["pregnant"] == "not applicable"


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("get_drug_information", {"drug_name": "finerenone"}),
        ("check_diagnostic_criteria", {"condition": "Cogan syndrome"}),
        ("compare_treatments", {"treatment_a": "a", "treatment_b": "b", "condition": "Cogan syndrome"}),
        ("get_condition_overview", {"condition": "Cogan syndrome"}),
        ("get_differential_diagnosis", {"symptom_complex": "hiccups"}),
        ("lookup_reference_range", {"test": "serum unobtainium"}),
    ],
)
def test_an_unknown_name_is_not_in_the_database(tool: str, arguments: dict) -> None:
    assert list(run(tool, **arguments).values()) == ["not in the database"]


def test_unlisted_names_are_in_no_table() -> None:
    unlisted = tables.table("unlisted")
    assert not [n for n in unlisted["drugs"]["names"] if tables.named("drugs", n)]
    assert not [n for n in unlisted["conditions"]["names"] if tables.facts_of(n)]


def test_unknown_is_not_safe() -> None:
    assert tables.suitability("pregnancy", patient(pregnant=None)) == "insufficient: pregnancy status"
    assert tables.suitability("penicillin allergy", patient(allergies=None)) == "insufficient: allergy status"
    assert tables.suitability("penicillin allergy", patient(allergies=["penicillin (rash)"])) == "contraindicated"
    assert (
        tables.suitability("nitrate treatment", patient(medications=[Medication("isosorbide mononitrate")]))
        == "contraindicated"
    )
    assert tables.suitability("asthma", patient()) == "no listed contraindication"


def test_a_drug_without_a_listed_contraindication_is_not_called_safe() -> None:
    assert run("get_drug_information", drug_name="digoxin")["contraindicated in"] == "not available"


def test_treatments_are_compared_by_any_of_their_names() -> None:
    found = run("compare_treatments", treatment_a="epinephrine", treatment_b="atropine", condition="Anaphylaxis")
    assert found == {"epinephrine": "first-line", "atropine": "not listed"}
    other = run(
        "compare_treatments",
        treatment_a="fidaxomicin",
        treatment_b="oral vancomycin",
        condition="Clostridioides difficile infection",
    )
    assert list(other.values()) == ["first-line", "alternative"]


def test_findings_are_matched_as_whole_phrases() -> None:
    found = run("get_differential_diagnosis", symptom_complex="Sweating, headache and palpitations")
    assert list(found.items())[0] == ("phaeochromocytoma", "3 of 3 findings")
    assert run("get_differential_diagnosis", symptom_complex="feverish") == {"diagnosis": "not in the database"}


def test_a_passage_is_found_read_and_cited_by_title_or_id(knowledge_base) -> None:
    hits = run("search_passages", knowledge=knowledge_base, query="first-line treatment of anaphylaxis")
    title = next(iter(hits))
    assert (title, hits[title]) == ("First-line treatment of anaphylaxis", "adrenaline")
    ids = run("search_passages", knowledge=knowledge_base, query="first-line treatment of anaphylaxis", ids=True)
    by_title = run("read_passage", knowledge=knowledge_base, passage_id=title.lower())
    assert by_title == run("read_passage", knowledge=knowledge_base, passage_id=ids[title])
    assert "Dose: 0.5 mg" in by_title["text"] and "Resuscitation Council" in by_title["source"]
    world = World(patient(), knowledge_base)
    assert BY_NAME["save_citation"].result(world, {"passage_id": title}) == {"cited": title}
    assert world.written == [{"citation": ids[title]}]


def test_long_passages_are_read_in_parts() -> None:
    from medgym_core.knowledge import Document

    text = " ".join(f"Sentence number {i} says nothing at all." for i in range(25))
    knowledge = KnowledgeBase.of(unique_passages([Document("s", "Nothing", [("Part", text)], "x", "")])[0])
    parts = [run("read_passage", knowledge=knowledge, passage_id="Nothing", part=i)["text"] for i in (1, 2, 3)]
    assert " ".join(parts) == text and all(len(p.split()) <= 60 for p in parts)
    with pytest.raises(ToolError, match="no such part"):
        run("read_passage", knowledge=knowledge, passage_id="Nothing", part=4)


@pytest.mark.parametrize(
    ("tool", "arguments", "message"),
    [
        ("search_passages", {"query": " "}, "empty query"),
        ("search_passages", {"query": "gout", "k": 50}, "bad k"),
        ("read_passage", {"passage_id": "no such thing"}, "no such passage"),
        ("read_passage", {"passage_id": ""}, "empty passage id"),
        ("save_citation", {"passage_id": "deadbeef"}, "no such passage"),
    ],
)
def test_a_bad_call_is_refused_in_one_line(tool: str, arguments: dict, message: str, knowledge_base) -> None:
    with pytest.raises(ToolError, match=message):
        run(tool, knowledge=knowledge_base, **arguments)


def test_without_a_knowledge_base_search_says_so() -> None:
    with pytest.raises(ToolError, match="no knowledge base"):
        run("search_passages", query="gout")


def test_every_fact_has_one_sourced_passage_that_begins_with_it(knowledge_base) -> None:
    found = {p.title: p for p in map(knowledge_base.read, knowledge_base.ids)}
    for fact in tables.all_facts():
        passage = found[fact.title]
        assert passage.text.startswith(f"{fact.title}: {fact.answer}.") and fact.source in passage.source
        assert passage.licence == "Apache-2.0"


def test_every_pattern_leads_to_a_fact_and_is_told_apart_by_all_its_findings() -> None:
    for entry in tables.table("patterns").values():
        assert [f for f in tables.facts_of(entry["of"]) if f.relation == entry["leads_to"]], entry["of"]
        (first, hits, listed), *others = tables.matched(", ".join(entry["findings"]))
        assert first == entry["of"] and hits == listed and all(o[1] < hits for o in others)


def test_every_source_names_a_year() -> None:
    for name in (*tables.CONDITION_TABLES, "drugs", "choices", "criteria", "ranges", "patterns"):
        for key, entry in tables.table(name).items():
            assert any(w.isdigit() and 1965 <= int(w) <= 2026 for w in normal(entry["source"]).split()), (name, key)


def test_no_two_drugs_share_a_name() -> None:
    names = [normal(n) for e in tables.table("drugs").values() for n in (e["name"], *e.get("also", []))]
    assert len(names) == len(set(names))
