"""The field's codes: ICD-10-CM titles, LOINC by measurement, RxNorm by drug, UCUM units, and how records write them.

A record's code is `SYSTEM:code` (`ICD-10-CM:I21.4`); `SYSTEMS` gives the address each system has in FHIR. A code that
is not in the tables is not known here, which does not mean that it does not exist.
"""

import re
from functools import cache

from medgym_core import facts
from medgym_core.clinical.ranges import measurements

SYSTEMS = {
    "ICD-10-CM": "http://hl7.org/fhir/sid/icd-10-cm",
    "ICD-10-PCS": "http://www.cms.gov/Medicare/Coding/ICD10",
    "ICD-9-CM": "http://hl7.org/fhir/sid/icd-9-cm",
    "LOINC": "http://loinc.org",
    "SNOMED": "http://snomed.info/sct",
    "RxNorm": "http://www.nlm.nih.gov/research/umls/rxnorm",
    "CVX": "http://hl7.org/fhir/sid/cvx",
    "CPT": "http://www.ama-assn.org/go/cpt",
    "HPO": "http://human-phenotype-ontology.org",
    "DICOM": "http://dicom.nema.org/resources/ontology/DCM",
}
"""Prefix of a record's code to the address of the code system in FHIR R4."""
UCUM = "http://unitsofmeasure.org"
ATOMS = (
    "m g s L l mol osm eq Cel K Pa Hz J W V U min h d wk mo a kat bar cal % deg "
    "[degF] [lb_av] [oz_av] [in_i] [ft_i] [pH] [IU] [iU] [arb'U] [drp] [CFU] m[H2O] m[Hg] cm[H2O] 10* 10^ bit B dB"
)
"""Unit atoms of UCUM 2.1 that clinical records use."""
PREFIXES = "Y Z E P T G M k h da d c m u n p f a z y"


@cache
def _icd() -> tuple[dict[str, str], dict[str, str]]:
    """Titles by code, and codes by clinical name."""
    chapters = facts.load("clinical", "icd10cm").values()
    titles = {code: title for c in chapters for code, title in c["titles"].items()}
    names = {name: code for c in chapters for name, code in c["names"].items()}
    background = {name: c["icd"] for name, c in facts.load("clinical", "background").items()}
    return titles, {title.lower(): code for code, title in titles.items()} | background | names


def lookup_icd(code: str) -> str | None:
    """Title of an ICD-10-CM code, written with or without its dot; None: not in the table."""
    plain = code.strip().upper().replace(".", "")
    return _icd()[0].get(plain if len(plain) <= 3 else f"{plain[:3]}.{plain[3:]}")


def icd_codes() -> dict[str, str]:
    """Every ICD-10-CM code of the table, with its title."""
    return dict(_icd()[0])


def icd_of(condition: str) -> str | None:
    """ICD-10-CM code of a condition by its clinical name or exact title; None: not in the table."""
    return _icd()[1].get(condition.strip().lower())


def loinc_of(name: str) -> str | None:
    """LOINC code of a laboratory test or vital sign; None: not in the table."""
    known = measurements().get(name)
    return known and known["loinc"]


@cache
def _by_loinc() -> dict[str, str]:
    known = {m["loinc"]: name for name, m in measurements().items()}
    return known | {code: name for t in facts.load("clinical", "loinc").values() for code, name in t["codes"].items()}


def name_of_loinc(code: str) -> str | None:
    """Machine name of what a LOINC code measures, other methods of the same test included; None: not in the table."""
    return _by_loinc().get(code)


def rxnorm_of(drug: str) -> str | None:
    """RxNorm identifier of a drug's ingredient; None: not in the table."""
    return facts.load("clinical", "rxnorm")["ingredients"]["codes"].get(drug.strip().lower())


@cache
def is_ucum(unit: str) -> bool:
    """Whether a unit reads as UCUM: prefixes and atoms of clinical use, exponents, `{annotations}`, `.` and `/`."""
    if not unit or unit != unit.strip() or not unit.isascii():
        return False
    atoms = "|".join(sorted(map(re.escape, ATOMS.split()), key=len, reverse=True))
    term = rf"(?:(?:(?:{PREFIXES.replace(' ', '|')})?(?:{atoms})(?:[+-]?\d+)?|\d+)(?:{{[^{{}}]+}})?|{{[^{{}}]+}})"
    return re.fullmatch(rf"/?{term}(?:[./]{term})*", unit) is not None


def slug(text: str) -> str:
    """A machine name made of a display text: `Hemoglobin [Mass/volume]` gives `hemoglobin_mass_volume`."""
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
