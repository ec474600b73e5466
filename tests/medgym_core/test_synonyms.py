"""What the synonym table promises: sourced names, one meaning each, and never two options of a task made one."""

import subprocess
import sys
import time
from collections import defaultdict
from importlib import import_module
from pathlib import Path

import pytest

from medgym_core import facts
from medgym_core.clinical import synonyms
from medgym_core.clinical.synonyms import name_form, same_name, spelled, synonyms_of
from medgym_core.errors import MedGymError
from medgym_core.text import normal

KINDS = {"condition", "drug", "refused", "spelling"}
TABLE = facts.load("clinical", "synonyms")
NAMED = {name: entry for name, entry in TABLE.items() if entry["kind"] in ("condition", "drug")}


def parts(gold):
    yield gold
    for field in gold.fields.values():
        yield from parts(field)


def closed(tasks):
    """Golds that name something, with every answer they list: the task's own synonyms stand with their answer."""
    for task in tasks:
        for gold in parts(task.truth.gold):
            if gold.kind not in ("number", "text", "fields"):
                value = gold.value if isinstance(gold.value, list) else [str(gold.value)]
                yield task, gold, dict.fromkeys([*gold.options, *value])


def test_every_entry_has_a_kind_and_a_source():
    assert {entry["kind"] for entry in TABLE.values()} == KINDS
    assert all(len(entry["source"]) > 20 for entry in TABLE.values())
    assert all(entry["also"] for entry in NAMED.values())
    assert len(NAMED) > 180 and sum(e["kind"] == "condition" for e in NAMED.values()) > 120


def test_a_name_stands_for_one_entry():
    drugs = {drug: e.get("aliases", ()) for drug, e in facts.load("drug_interaction", "drugs").items()}
    owners = defaultdict(set)
    for name, also in [*drugs.items(), *((name, entry["also"]) for name, entry in NAMED.items())]:
        for said in (name, *also):
            owners[normal(said)].add(normal(name))
            owners[spelled(said)].add(normal(name))
    assert {said: names for said, names in owners.items() if len(names) > 1} == {}


def test_a_name_of_two_entries_is_an_error(monkeypatch):
    groups = {"gout": ("gout", "podagra"), "foot pain": ("foot pain", "podagra")}
    monkeypatch.setattr(synonyms, "_groups", lambda: groups)
    with pytest.raises(MedGymError, match="a name of two entries.*podagra"):
        synonyms._names.__wrapped__()


def test_a_refused_name_is_no_synonym():
    for name, entry in TABLE.items():
        if entry["kind"] == "refused":
            assert not same_name(name, entry["of"]), name
            assert normal(name) not in map(normal, synonyms_of(entry["of"])), name


def test_two_options_of_a_task_never_become_one(small_tasks):
    seen = 0
    for task, _gold, answers in closed(small_tasks):
        forms = {name_form(a) for a in answers}
        assert len(forms) == len({normal(a) for a in answers}), (task.id, answers)
        seen += len(forms) > 1
    assert seen > 100


def test_the_table_never_contradicts_a_task(small_tasks):
    for task, gold, answers in closed(small_tasks):
        for name, others in gold.synonyms.items():
            for other in others:
                same = [a for a in answers if same_name(other, a)]
                assert same in ([], [name]) or normal(other) in map(normal, answers), (task.id, other, same)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("haemorrhage", "hemorrhage"), ("oesophageal oedema", "Esophageal edema"), ("hyperkalaemia", "hyperkalemia"),
        ("paediatric tumour", "pediatric tumor"), ("preterm labour", "preterm labor"), ("diarrhoea", "diarrhea"),
        ("dyspnoea", "dyspnea"), ("leucocytosis", "leukocytosis"), ("immunisation", "immunization"),
        ("muscle fibre", "muscle fiber"), ("Guillain-Barré syndrome", "Guillain-Barre syndrome"),
        ("Wilson's disease", "Wilson disease"), ("placenta praevia", "placenta previa"),
        ("adrenaline", "epinephrine"), ("noradrenaline", "norepinephrine"), ("paracetamol", "acetaminophen"),
        ("salbutamol", "albuterol"), ("glyceryl trinitrate", "nitroglycerin"), ("frusemide", "Lasix"),
        ("co-trimoxazole", "trimethoprim-sulfamethoxazole"), ("suxamethonium", "succinylcholine"),
        ("pethidine", "meperidine"), ("aciclovir", "acyclovir"), ("ciclosporin", "cyclosporine"),
        ("rifampicin", "rifampin"), ("glibenclamide", "glyburide"), ("lignocaine", "lidocaine"),
        ("thyroxine", "levothyroxine"), ("vitamin K", "phytonadione"),
        ("noradrenaline infusion", "norepinephrine infusion"),
        ("heart attack", "myocardial infarction"), ("shingles", "herpes zoster"), ("TIA", "transient ischaemic attack"),
        ("temporal arteritis", "giant cell arteritis"), ("whooping cough", "pertussis"),
        ("COPD", "chronic obstructive pulmonary disease"), ("hepatolenticular degeneration", "Wilson's disease"),
    ],
)  # fmt: skip
def test_names_of_one_thing_are_the_same(one, other):
    assert same_name(one, other) and same_name(other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("type 1 diabetes", "type 2 diabetes"), ("type 1 diabetes mellitus", "type 2 diabetes mellitus"),
        ("hypokalaemia", "hyperkalaemia"), ("hypothyroidism", "hyperthyroidism"), ("left", "right"),
        ("pneumothorax left", "pneumothorax right"), ("ulcerative colitis", "Crohn disease"),
        ("gestational hypertension", "pre-eclampsia"), ("acute pancreatitis", "chronic pancreatitis"),
        ("acute cystitis", "urinary tract infection"), ("COPD", "cold"), ("Cushing syndrome", "hyperaldosteronism"),
        ("prednisone", "prednisolone"), ("hydralazine", "hydroxyzine"), ("dopamine", "dobutamine"),
        ("ethinyl estradiol", "oral contraceptive"), ("epinephrine 0.5 mg im", "adrenaline 5 mg im"),
        ("labetalol", "labetalol 20 mg"), ("leucovorin", "leucine"), ("", ""), ("...", "!"),
    ],
)  # fmt: skip
def test_names_of_two_things_are_not_the_same(one, other):
    assert not same_name(one, other) and not same_name(other, one)


def test_synonyms_are_the_other_names_and_all_of_them_lead_back():
    assert synonyms_of("a condition nobody has") == ()
    assert {"lasix", "frusemide"} <= set(synonyms_of("Furosemide")) and "furosemide" not in synonyms_of("Furosemide")
    assert "furosemide" in synonyms_of("lasix")
    assert "copd" in synonyms_of("Chronic Obstructive Pulmonary Disease")
    for name in NAMED:
        assert all(same_name(name, other) for other in synonyms_of(name)), name


def test_a_long_text_is_no_name():
    assert not same_name("heart attack " * 100, "myocardial infarction")
    assert same_name("essay " * 100, "Essay " * 100)


def test_a_look_up_takes_at_most_five_microseconds():
    names = [n for name in NAMED for n in (name, *synonyms_of(name))]
    for name in names:
        name_form(name)
    took = []
    for _ in range(5):
        began = time.perf_counter()
        for name in names:
            name_form(name)
        took.append((time.perf_counter() - began) / len(names))
    assert min(took) < 5e-6


def test_importing_medgym_does_not_load_the_table():
    code = (
        "import sys, medgym_core, medgym_core.clinical.synonyms as s; "
        "assert not s._names.cache_info().currsize and 'medgym_core.domains.drug_interaction' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_ontology_gives_the_shipped_table(real_data):
    sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
    try:
        maker = import_module("synonyms")
    finally:
        sys.path.pop(0)
    assert maker.head() + maker.written(maker.made()) == maker.FILE.read_text(encoding="utf-8")
