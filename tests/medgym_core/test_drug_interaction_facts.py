"""The pharmacy's tables: as large as promised, sourced, and free of contradictions."""

import csv
from pathlib import Path

import pytest

from medgym_core.domains.drug_interaction import regimens, rules, screening
from medgym_core.domains.drug_interaction.rules import table
from medgym_core.text import normal

SIX = ("renal", "hepatic", "pregnancy", "lactation")
DECISIONS = {"no change", "reduce", "avoid", "monitor", "not studied"}
BY_DRUG = {
    "renal": 250, "hepatic": 250, "pregnancy": 250, "lactation": 280, "cyp": 250, "transporters": 60,
    "pharmacokinetics": 80, "dosage": 100, "paediatric": 25, "monitoring": 14, "anticholinergic": 40, "qt": 30,
    "food": 27, "steroids": 5, "opioids": 8,
}  # fmt: skip


def applied() -> dict[tuple[str, str], set[tuple[str, str]]]:
    """Every pair to all the (severity, rule) that fit it, not only the gravest."""
    found: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for rule, entry in table("interactions").items():
        for a in (m for name in entry["a"] for m in rules.members(name)):
            for b in (m for name in entry["b"] for m in rules.members(name)):
                if a != b:
                    found.setdefault(rules.pair_of(a, b), set()).add((entry["severity"], rule))
    return found


def test_there_are_as_many_drugs_and_interactions_as_promised() -> None:
    assert len(table("drugs")) >= 250
    assert len(table("interactions")) >= 400
    assert len(rules.interactions()) >= 3000


@pytest.mark.parametrize("name", BY_DRUG)
def test_a_table_names_only_drugs_of_the_database_and_covers_enough(name: str) -> None:
    assert set(table(name)) <= set(table("drugs"))
    assert len(table(name)) >= BY_DRUG[name]
    assert all(entry["source"].strip() for entry in table(name).values())


def test_most_drugs_have_all_six_kinds_of_fact() -> None:
    whole = [
        d for d in table("drugs")
        if all(d in table(name) for name in SIX) and (d in table("cyp") or d in table("transporters"))
    ]  # fmt: skip
    assert len(whole) >= 230


def test_every_drug_has_a_class_a_mechanism_a_use_and_a_source() -> None:
    for drug, entry in table("drugs").items():
        assert entry["class"] in table("classes"), drug
        assert rules.mechanism(drug) and entry["use"] and entry["source"], drug


def test_every_rule_decides_at_least_one_pair() -> None:
    deciding = {item.rule for item in rules.interactions().values()}
    assert deciding == set(table("interactions"))


def test_no_pair_needs_no_alert_and_is_grave() -> None:
    for pair, found in applied().items():
        severities = {s for s, _ in found}
        assert not ("minor" in severities and severities & {"major", "contraindicated"}), (pair, found)


def test_what_a_rule_stops_belongs_to_the_rule() -> None:
    for rule, entry in table("interactions").items():
        fitting = {m for name in (*entry["a"], *entry["b"]) for m in rules.members(name)}
        assert set(entry.get("stop", [])) <= fitting, rule


def test_no_drug_induces_and_inhibits_one_enzyme_or_transporter() -> None:
    for name in ("cyp", "transporters"):
        for drug, entry in table(name).items():
            for place, role in entry.items():
                assert not ("inducer" in role and "inhibitor" in role) or place == "source", drug


def test_a_drug_that_enzymes_hardly_touch_is_no_sensitive_substrate() -> None:
    for drug, entry in table("cyp").items():
        assert "metabolism" not in entry or not any("sensitive" in v for v in entry.values()), drug


def test_bands_fall_and_decisions_are_of_the_closed_list() -> None:
    for drug, entry in table("renal").items():
        limits = [band[0] for band in entry["bands"]]
        assert limits == sorted(set(limits), reverse=True), drug
        assert {band[1] for band in entry["bands"]} <= {*DECISIONS, "no dose in the label"}, drug
        assert entry["measure"] in ("creatinine clearance", "egfr")
    for drug, entry in table("hepatic").items():
        classes = [entry[c] for c in "ABC" if c in entry]
        assert bool(classes) != ("label" in entry), drug
        assert {c[0] for c in classes} <= {*DECISIONS, "see label"}, drug


def test_a_worse_liver_never_loosens_a_decision() -> None:
    order = ["no change", "monitor", "reduce", "avoid"]
    for drug, entry in table("hepatic").items():
        ranks = [order.index(entry[c][0]) for c in "ABC" if c in entry and entry[c][0] in order]
        assert ranks == sorted(ranks), drug


def test_advice_is_of_the_closed_list() -> None:
    pregnancy = {
        "contraindicated", "avoid", "avoid from 20 weeks", "weigh risk", "no increased risk seen", "limited human data",
    }  # fmt: skip
    assert {e["advice"] for e in table("pregnancy").values()} == pregnancy
    lactation = {"acceptable", "acceptable with monitoring", "avoid", "too few data"}
    assert {e["advice"] for e in table("lactation").values()} == lactation


def test_a_recorded_dose_stays_within_the_labelled_maximum() -> None:
    from medgym_core.types import Medication

    for drug, entry in table("dosage").items():
        for dose in entry.get("doses", []):
            amount, unit, frequency = dose.split(" ", 2)
            daily = regimens.daily_mg(Medication(drug, f"{amount} {unit}", frequency))
            assert daily is not None, (drug, dose)
            assert daily <= entry.get("max_mg", daily), (drug, dose)


def test_beers_entries_name_drugs_and_classes_of_the_database() -> None:
    assert len(table("beers")) >= 25
    for name, entry in table("beers").items():
        assert entry["action"] in screening.BEERS_ACTIONS
        assert all(rules.members(n) for n in entry["drugs"]), name


def test_rxnorm_codes_agree_with_the_code_table() -> None:
    from medgym_core.facts import load

    codes = load("clinical", "rxnorm")["ingredients"]["codes"]
    ours = {d: e["rxcui"] for d, e in table("drugs").items() if "rxcui" in e}
    assert len(ours) >= 100
    assert {d: c for d, c in ours.items() if codes.get(d, c) != c} == {}
    assert len(set(ours.values())) == len(ours)


def onc(path: Path) -> set[tuple[str, str]]:
    """Pairs of an ONC file whose drugs are both in the database."""
    pairs = set()
    with path.open(encoding="utf-8-sig") as file:
        for row in csv.reader(file, delimiter="$"):
            a, b = (rules.resolve(row[i]) if len(row) > i else None for i in (0, 2))
            if a and b and a != b:
                pairs.add(rules.pair_of(a, b))
    return pairs


def test_every_high_priority_pair_is_at_least_major(real_data: Path) -> None:
    pairs = onc(real_data / "structured/ddi/ONC-High-Priority/ONC_High_Priority_Mapped.csv")
    assert len(pairs) >= 250
    assert {p for p in pairs if rules.severity(*p) not in ("contraindicated", "major")} == set()


def test_every_pair_that_needs_no_alert_is_known_and_not_contraindicated(real_data: Path) -> None:
    pairs = onc(real_data / "structured/ddi/ONC-Non-Interuptive/ONC_Non_Interuptive_Mapped.csv")
    assert len(pairs) >= 300
    assert {p for p in pairs if rules.severity(*p) in (None, "contraindicated")} == set()


def test_every_pair_annotated_in_the_labels_is_known(real_data: Path) -> None:
    """At least nine in ten of the pairs that NLM annotated in cardiovascular labels."""
    pairs = set()
    with (real_data / "structured/ddi/NLM-Corpus/NLMCorpus_Mapped.csv").open(encoding="utf-8-sig") as file:
        for row in csv.reader(file, delimiter="$"):
            a, b = rules.resolve(row[0]), rules.resolve(row[3])
            if a and b and a != b:
                pairs.add(rules.pair_of(a, b))
    known = [p for p in pairs if rules.severity(*p)]
    assert len(pairs) >= 100 and len(known) / len(pairs) >= 0.9


def test_names_are_found_as_written_and_in_any_case() -> None:
    for drug, entry in table("drugs").items():
        assert rules.resolve(drug) == drug and rules.resolve(drug.upper()) == drug
        for alias in entry.get("aliases", []):
            assert rules.resolve(alias) == drug, normal(alias)


def test_a_band_that_names_a_contraindication_forbids_the_drug() -> None:
    for drug, entry in table("renal").items():
        for _, decision, dose in entry["bands"]:
            grave = dose.startswith("contraindicated") and "anuria" not in dose
            assert not grave or decision == "avoid", drug
    for drug, entry in table("hepatic").items():
        for band in (entry[c] for c in "ABC" if c in entry):
            assert not band[1].startswith("contraindicated") or band[0] == "avoid", drug


def test_two_drugs_that_prolong_the_qt_interval_are_never_minor() -> None:
    prolonging = set(table("qt"))
    minor = [p for p, item in rules.interactions().items() if item.severity == "minor" and set(p) <= prolonging]
    assert len(prolonging) >= 30 and minor == []


def test_a_drug_that_only_the_kidney_clears_has_a_decision_at_every_clearance() -> None:
    for drug in ("acyclovir", "atenolol", "gabapentin", "levetiracetam", "pregabalin", "valacyclovir", "lithium"):
        decision = rules.renal_dose(drug, 5)
        assert decision is not None and decision[0] in ("reduce", "avoid"), drug


def test_an_allergy_reaches_the_parent_drug_and_the_metabolite() -> None:
    pairs = [("heparin", "pork products"), ("hydroxyzine", "cetirizine"), ("valacyclovir", "acyclovir")]
    pairs += [("oxcarbazepine", "phenytoin"), ("trimethoprim-sulfamethoxazole", "sulfasalazine")]
    assert {rules.allergy(*pair)[0] for pair in pairs} == {"cross-reactive"}
