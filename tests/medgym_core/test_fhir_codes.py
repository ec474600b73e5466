"""What the code tables promise: real codes with their titles, and None for what they do not hold."""

import csv
import lzma
import os
import re
from pathlib import Path

import pytest

from medgym_core import facts
from medgym_core.clinical import codes

DATA = os.environ.get("MEDGYM_DATA")
NEWER = set(
    "U07.1 B37.31 D59.11 D59.31 D68.00 D72.12 E87.20 F32.A F43.81 G20.A1 I47.10 I47.20 I71.30 I71.40 M31.19 N14.19 "
    "N18.30 N18.31 N18.32 R05.9 R51.9 R74.01 T67.01XA Z59.00".split()
)
"""Codes that came into ICD-10-CM after the edition of the data (fiscal years 2020 to 2024)."""


def test_a_code_is_found_with_and_without_its_dot():
    assert codes.lookup_icd("I21.4") == codes.lookup_icd("i214") == "Non-ST elevation (NSTEMI) myocardial infarction"
    assert codes.lookup_icd("I10") == "Essential (primary) hypertension"


@pytest.mark.parametrize("code", ["Q99.9", "I21", "", "ZZZ", "I21.44"])
def test_a_code_outside_the_table_has_no_title(code):
    assert codes.lookup_icd(code) is None


def test_the_table_is_large_and_every_clinical_name_leads_to_a_code_of_it():
    assert len(codes.icd_codes()) >= 300
    for chapter in facts.load("clinical", "icd10cm").values():
        assert set(chapter["names"].values()) <= set(chapter["titles"])
    for name, illness in facts.load("clinical", "background").items():
        assert codes.lookup_icd(codes.icd_of(name)) and codes.icd_of(name) == illness["icd"]
    assert codes.icd_of("Atrial Fibrillation") == "I48.91"
    assert codes.icd_of("a condition nobody has") is None


@pytest.mark.skipif(not DATA, reason="MEDGYM_DATA is not set")
def test_codes_and_titles_agree_with_the_public_icd_files():
    folder = Path(DATA) / "structured" / "icd"
    with lzma.open(folder / "icd2ccsr.txt.xz", "rt") as file:
        valid = {line.split()[0] for line in file if line.strip()}
    with lzma.open(folder / "icd_10_direct_mapping.csv.xz", "rt", encoding="utf-8") as file:
        titles = {row[0]: row[1] for row in csv.reader(file) if len(row) == 2}

    def plain(text):
        return re.sub(r"[^a-z0-9]", "", text.lower())

    compared = 0
    for code, title in codes.icd_codes().items():
        bare = code.replace(".", "")
        assert (bare in valid) != (code in NEWER), code
        if bare in titles:
            compared += 1
            assert plain(titles[bare]) == plain(title), (code, title, titles[bare])
    assert compared > 80


@pytest.mark.parametrize(
    "unit", ["mmol/L", "/min", "mm[Hg]", "10*3/uL", "ng/mL{FEU}", "m[IU]/L", "mL/min/{1.73_m2}", "kg/m2"]
)
def test_ucum_units_are_recognised(unit):
    assert codes.is_ucum(unit)


@pytest.mark.parametrize("unit", ["", "of 10", "mmHg", "bpm", "mg per dL", "mg//dL", "{a", "µmol/L"])
def test_what_is_not_ucum_is_refused(unit):
    assert not codes.is_ucum(unit)


def test_loinc_reads_other_methods_of_the_same_test():
    assert codes.name_of_loinc("2951-2") == codes.name_of_loinc("2947-0") == "sodium"
    assert codes.loinc_of("sodium") == "2951-2"
    assert codes.name_of_loinc("0000-0") is None and codes.loinc_of("no such test") is None


def test_rxnorm_knows_ingredients_and_nothing_else():
    assert codes.rxnorm_of("Metformin") == "6809"
    assert codes.rxnorm_of("a drug nobody makes") is None
    known = facts.load("clinical", "rxnorm")["ingredients"]["codes"].values()
    assert all(code.isdigit() for code in known) and len(set(known)) == len(known)


def test_every_code_of_a_conversion_is_a_unit():
    for name, table in facts.load("clinical", "conversions").items():
        assert all(codes.is_ucum(u) and f > 0 for u, f in table["factors"].items()), name
