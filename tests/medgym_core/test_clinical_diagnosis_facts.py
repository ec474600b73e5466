"""The facts of clinical diagnosis: complete, sourced, consistent with one another and with the shared tables."""

import lzma
from pathlib import Path

import pytest

from medgym_core.clinical import ranges
from medgym_core.domains.clinical_diagnosis import differential, tables
from medgym_core.domains.clinical_diagnosis.documents import documents
from medgym_core.domains.drug_interaction import rules
from medgym_core.rewards import STATEMENT_TOKENS
from medgym_core.text import normal, tokens

CONDITIONS = tables.conditions()
TESTS = tables.tests()
NEWER_CODES = {"M31.19", "D59.11", "U07.1", "D59.31", "D72.12", "G90.81", "N14.19"}
"""ICD-10-CM codes added from October 2020 on, after the public code list of the data folder."""


def test_there_are_enough_conditions_tests_and_guidelines() -> None:
    assert len(CONDITIONS) >= 200 and len(TESTS) >= 150 and len(tables.table("guidelines")) >= 50
    assert all(len(tables.table(f"conditions_{s}")) >= 12 for s in tables.SYSTEMS)


def test_every_condition_is_complete_and_refers_to_what_exists() -> None:
    for key, e in CONDITIONS.items():
        for field in ("title", "icd10", "specialty", "complaints", "onset", "character", "associated", "risk", "exam",
                      "results", "features", "against", "treatment", "avoid", "source"):  # fmt: skip
            assert e.get(field), (key, field)
        assert e["test"] in e["results"] and len(e["features"]) >= 4 and len(e["complaints"]) >= 3, key
        assert set(e["against"]) <= set(CONDITIONS) - {key} and set(e["exam"]) <= set(tables.regions()), key
        assert 1 <= e["avoid"]["severity"] <= 5 and ("test" in e["avoid"]) != ("drug" in e["avoid"]), key


def test_results_are_of_the_kind_their_test_reports() -> None:
    for key, e in CONDITIONS.items():
        for test, result in e["results"].items():
            entry = TESTS[test]
            assert isinstance(result, str) == ("normal" in entry), (key, test)
            assert isinstance(result, str) or set(result) <= set(entry["components"]), (key, test)
            assert not isinstance(result, str) or normal(result) != normal(entry["normal"]) or test != e["test"] or (
                "normal" in " ".join(e["features"]) or "no " in result or result.startswith("normal")
            ), (key, test)  # fmt: skip


def test_laboratory_and_vital_names_and_units_are_the_shared_ones() -> None:
    for key, e in CONDITIONS.items():
        named = [*e.get("labs", {}), *e.get("vitals", {})]
        named += [n for r in e["results"].values() if isinstance(r, dict) for n in r]
        assert set(named) <= set(ranges.measurements()), key
        for low, high in [*e.get("labs", {}).values(), *e.get("vitals", {}).values()]:
            assert low <= high, key
    for name, entry in TESTS.items():
        assert set(entry.get("components", ())) <= set(ranges.measurements()), name
        assert (
            entry["kind"] in ("lab", "imaging", "ecg", "procedure") and entry["minutes"][0] >= entry["minutes"][1] > 0
        )


def test_findings_are_short_enough_to_be_quoted_as_evidence() -> None:
    for key, e in CONDITIONS.items():
        lines = [f"{r} {f}" for r, f in e["exam"].items()]
        lines += [f"{t} {r}" for t, r in e["results"].items() if isinstance(r, str)]
        for line in lines:
            assert len(tokens(line)) <= STATEMENT_TOKENS and ";" not in line, (key, line)


def test_the_story_never_names_the_diagnosis() -> None:
    for key, e in CONDITIONS.items():
        said = normal(" ".join([*e["onset"], *e["character"], *e["associated"], *e["risk"], *e["complaints"]]))
        for name in (e["title"], *e.get("also", [])):
            assert normal(name) not in said, (key, name)


def test_examination_and_complaint_do_not_name_the_diagnosis() -> None:
    for key, e in CONDITIONS.items():
        for name in (e["title"], *e.get("also", [])):
            assert normal(name) not in normal(" ".join([*e["exam"].values(), *e["complaints"]])), (key, name)


def test_titles_and_abbreviations_lead_to_one_condition_each() -> None:
    names: dict[str, str] = {}
    for key, e in CONDITIONS.items():
        for name in (e["title"], *e.get("also", [])):
            assert names.setdefault(normal(name), key) == key, name
            assert tables.condition_of(name.upper()) == key


def test_codes_are_real_icd_10_cm_codes(real_data: Path) -> None:
    text = lzma.open(real_data / "structured" / "icd" / "icd2ccsr.txt.xz").read().decode()
    known = {line.split("\t")[0].strip() for line in text.splitlines()}
    if not {"I2699", "K8580"} <= known:
        known = {line.split()[0] for line in text.splitlines() if line.strip()}
    unknown = {e["icd10"] for e in CONDITIONS.values() if e["icd10"].replace(".", "") not in known}
    assert unknown <= NEWER_CODES


def test_drugs_named_by_the_facts_are_in_the_pharmacy() -> None:
    avoided = [e["avoid"]["drug"] for e in CONDITIONS.values() if "drug" in e["avoid"]]
    treating = [d for e in tables.table("treatments").values() for d in (*e["drugs"], *e["wrong"])]
    assert all(rules.resolve(d) == d for d in treating)
    assert sum(rules.resolve(d) is not None for d in avoided) >= 0.99 * len(avoided)
    assert all(rules.members(d) for e in tables.table("cautions").values() for d in e["drugs"])
    assert all(e["avoid"]["test"] in TESTS for e in CONDITIONS.values() if "test" in e["avoid"])


def test_a_condition_leads_the_differential_of_its_own_findings() -> None:
    for key, e in CONDITIONS.items():
        ranked = [k for k, *_ in differential.rank(", ".join(e["features"]))]
        assert ranked[0] == key, (key, ranked[:3])


def test_the_differential_is_computed_and_not_a_list() -> None:
    assert differential.rank("zyx") == ()
    base = differential.rank("dyspnea, pleuritic chest pain")
    more = differential.rank("dyspnea, pleuritic chest pain, unilateral leg swelling, recent surgery")
    score = {k: s for k, _, _, s in base}
    assert more[0][0] == "pulmonary_embolism" and more[0][3] > score["pulmonary_embolism"]


def test_rules_of_the_cases_refer_to_what_exists() -> None:
    for name, q in tables.table("next_tests").items():
        tests = [b["test"] for b in q["branches"]]
        assert {*tests, *q["decoys"]} <= set(TESTS) and len({*tests, *q["decoys"]}) >= 4, name
        assert all(set(b.get("unsafe", {})) <= set(TESTS) for b in q["branches"]), name
    assert all(e["test"] in TESTS for t in ("patterns", "trends", "toxicology") for e in tables.table(t).values())
    known = set(CONDITIONS)
    assert all(set(e["conditions"]) <= known for e in tables.table("guidelines").values())


OTHERS = (
    "tests", "guidelines", "next_tests", "patterns", "trends", "treatments", "cautions", "red_flags", "dispositions",
    "pediatric_doses", "priorities", "toxicology", "acid_base", "exam", "background", "ordinary", "handovers",
)  # fmt: skip


@pytest.mark.parametrize("name", [*(f"conditions_{s}" for s in tables.SYSTEMS), *OTHERS])
def test_every_entry_names_its_source(name: str) -> None:
    assert all(len(e["source"]) > 8 for e in tables.table(name).values())


def test_facts_become_documents_of_the_knowledge_base() -> None:
    found = list(documents())
    assert len(found) >= len(CONDITIONS) + 50
    assert all(d.source.startswith("MedGym facts: ") and all(text for _, text in d.sections) for d in found)
    assert len({d.title for d in found}) == len(found)
