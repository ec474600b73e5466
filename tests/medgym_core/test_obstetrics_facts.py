"""The obstetric facts: sourced, complete, coded, and every deciding finding visible to some tool."""

import os
from pathlib import Path

import pytest

from medgym_core import domains, facts
from medgym_core.domains.obstetrics import acting, cases_drugs, lookup
from medgym_core.domains.obstetrics.looking import EXAMINED
from medgym_core.domains.obstetrics.rules import table

NAME = "obstetrics"
UNIT = domains.get(NAME)
TABLES = (
    "conditions_pregnancy", "conditions_birth", "conditions_gyn", "protocols", "tests", "limits", "measures",
    "settings", "medicines", "choices", "features", "contraception", "home_medicines", "orders", "bleeding",
    "pressure", "glucose", "early", "handover",
)  # fmt: skip


def test_facts_are_sourced_and_plentiful() -> None:
    for name in TABLES:
        assert all(e["source"] for e in facts.load(NAME, name).values())
    assert len(lookup.conditions()) >= 50 and len(table("protocols")) >= 20 and len(table("medicines")) >= 25
    assert len(acting.emergencies()) >= 10
    documents = list(UNIT.documents())
    assert len(documents) >= 150
    assert all(d.source.startswith("MedGym facts: ") and all(text for _, text in d.sections) for d in documents)


def test_conditions_are_complete_and_their_findings_can_be_seen() -> None:
    visible = {*EXAMINED, *acting.CERVIX, "blood_group", "antibody_screen"}
    for key, entry in lookup.conditions().items():
        assert {"icd10", "title", "complaints", "story", "exam", "management", "contraindications", "words"} <= set(
            entry
        )
        assert set(entry["exam"]) <= visible, (key, set(entry["exam"]) - visible)
        assert len(set(entry["like"])) == 4 and set(entry["like"]) <= set(lookup.conditions()) - {key}
        for where in entry["deciding"]:
            part, name = where.split(".")
            assert name in entry[part], (key, where)
        assert "test" not in entry or entry["test"] in table("tests")


def test_variants_of_a_course_differ_in_what_decides() -> None:
    for name in acting.emergencies():
        entry = table("protocols")[name]
        assert len(set(entry["variants"])) >= 3 and set(entry.get("treat", [])) <= set(table("medicines"))
        assert "within" not in entry or entry["treat"]
    for entry in table("bleeding").values():
        assert len(entry["variants"]) == 3
    limits = {
        "embryo": table("limits")["early_pregnancy"]["crown_rump"],
        "sac": table("limits")["early_pregnancy"]["sac"],
    }
    near = {n: e for n, e in table("early").items() if "near" in e}
    assert len(near) >= 4
    for name, entry in near.items():
        limit = limits[name.rsplit("_", 1)[1]]
        assert all((size >= limit) == (entry["kind"] == "missed miscarriage") for size in (*entry["n"], *entry["near"]))


def test_every_choice_of_drugs_has_its_features_and_medicines() -> None:
    for entry in table("choices").values():
        for c in entry["candidates"]:
            assert c["drug"] in table("medicines") and set(c["out"]) <= set(table("features"))
        drugs = [c["drug"] for c in entry["candidates"]]
        assert cases_drugs.allowed(entry, set()) == drugs


def test_no_choice_leaves_a_drug_that_its_own_entry_forbids() -> None:
    def out(indication: str, drug: str) -> list[str]:
        return next(c["out"] for c in table("choices")[indication]["candidates"] if c["drug"] == drug)

    assert "coronary disease" in out("uterotonic", "carboprost")  # active heart disease
    assert {"rheumatic mitral disease", "coronary disease"} <= set(out("severe hypertension", "nifedipine"))
    assert {"mitral stenosis", "low pressure"} <= set(out("tocolysis", "nifedipine"))


def test_codes_are_valid_icd_10_cm() -> None:
    data = os.environ.get("MEDGYM_DATA")
    if not data:
        pytest.skip("MEDGYM_DATA is not set")
    import lzma

    path = Path(data) / "structured" / "icd" / "icd2ccsr.txt.xz"
    known = {line.split()[0] for line in lzma.open(path, "rt")}
    newer = {"B37.31", "O26.643"}  # since October 2022 and 2023, later than the file
    codes = {e["icd10"] for e in lookup.conditions().values()} - newer
    assert not [c for c in codes if c.replace(".", "") not in known]
