"""Notes against the record, other units, the pharmacist's free texts: what a naive reader gets wrong."""

from random import Random

import pytest

from medgym_core import domains
from medgym_core.actions import render_call
from medgym_core.domains.drug_interaction import note_cases, rules
from medgym_core.domains.drug_interaction.rules import table
from medgym_core.explain import reasons
from medgym_core.gates import play
from medgym_core.grading import grade
from medgym_core.probes import reference_texts
from medgym_core.tasks import task_of
from medgym_core.text import normal
from medgym_core.tools import NOT_AVAILABLE, ToolError, World
from medgym_core.types import Call, Chart, Gold, Medication, Reading, Task

DOMAIN = domains.get("drug_interaction")
TOOLS = DOMAIN.tools
CORRECTIONS = ("get_clinical_notes", "correct_medication_list", "record_allergy")
OVERRIDES = (
    "creatinine_mg_dl", "weight_kg", "pregnant", "breastfeeding", "bilirubin", "albumin", "inr",
)  # fmt: skip
TRAPPED = (
    "worst_severity", "culprit", "interacting_pair", "stop_interacting", "allergy_conflict", "prescribe_or_refuse",
    "creatinine_clearance", "renal_dose", "pregnancy_safety", "drug_level", "hepatic_dose", "lactation_safety",
    "pediatric_dose", "qt_risk", "anticholinergic_burden", "opioid_total", "order_note", "renal_note",
)  # fmt: skip


def tasks(kind: str, count: int = 120) -> list[Task]:
    made = (DOMAIN.types[kind](Random(f"notes/{kind}/{i}"), None) for i in range(count))
    return [task_of("drug_interaction", d) for d in made if d is not None]


def naive(task: Task) -> list[Call]:
    """The reference of one who neither reads the notes nor puts a value right."""
    calls = [c for c in task.reference[:-1] if c.name not in CORRECTIONS]
    return [Call(c.name, {k: v for k, v in c.arguments.items() if k not in OVERRIDES}) for c in calls]


def shown(task: Task, calls: list[Call]) -> str:
    events = play(task, [render_call(c) for c in calls], None).events
    return " ".join(normal(e.observation) for e in events)


@pytest.mark.parametrize("kind", TRAPPED)
def test_where_a_note_or_unit_counts_the_bare_record_shows_something_else(kind: str) -> None:
    trapped = [t for t in tasks(kind) if "conflict" in t.traits]
    assert len(trapped) >= 8
    for task in trapped:
        right = shown(task, [c for c in task.reference[:-1] if c.name not in CORRECTIONS[:1]])
        assert shown(task, naive(task)) != right or kind == "drug_level", task.prompt


def test_the_list_as_it_stands_gives_another_worst_severity() -> None:
    trapped = [t for t in tasks("worst_severity") if "conflict" in t.traits]
    for task in trapped:
        assert normal(f"worst {task.truth.gold.value}") not in shown(task, naive(task))
    assert len(trapped) >= 30


def test_the_chart_as_it_stands_gives_another_renal_decision_and_another_liver_class() -> None:
    for kind, tool in (("renal_dose", "calculate_renal_dose_adjustment"), ("hepatic_dose", "get_liver_function")):
        for task in (t for t in tasks(kind) if "conflict" in t.traits):
            call = next(c for c in naive(task) if c.name == tool)
            wanted = [e for e in task.truth.evidence if e.label != "creatinine clearance"][0]
            assert normal(f"{wanted.label} {wanted.value}") not in shown(task, [call])


def test_a_creatinine_in_another_unit_is_not_read_as_mg_per_dl() -> None:
    world = World(Chart("P1", 60, "male", weight_kg=80, labs=[Reading("creatinine", 106, "umol/L")]))
    for name, arguments in (
        ("calculate_creatinine_clearance", {}),
        ("calculate_renal_dose_adjustment", {"drug": "gabapentin"}),
    ):
        bare = TOOLS[name].result(world, arguments)
        assert NOT_AVAILABLE in bare.values() and bare["missing"] == "creatinine in mg/dL"
        converted = TOOLS[name].result(world, {**arguments, "creatinine_mg_dl": 1.2})
        assert converted["creatinine clearance"] == "74 mL/min"  # as the published worked example
    with pytest.raises(ToolError):
        TOOLS["calculate_creatinine_clearance"].result(world, {"creatinine_mg_dl": -1})


def test_a_corrected_list_is_what_every_screen_sees() -> None:
    world = World(Chart("P1", 70, "male", medications=[Medication("diphenhydramine"), Medication("lisinopril")]))
    TOOLS["correct_medication_list"](world, drug="Zocor", taken="yes", dose="40 mg once daily")
    TOOLS["correct_medication_list"](world, drug="diphenhydramine", taken="no")
    assert TOOLS["get_patient_medications"](world) == {"medications": "lisinopril, simvastatin"}
    assert TOOLS["check_all_interactions"](world, new_drug="clarithromycin")["worst"] == "contraindicated"
    assert "avoid" not in TOOLS["screen_beers_criteria"](world)
    assert TOOLS["check_dosage"](world, drug="simvastatin")["dose"] == "40 mg daily"
    for drug, taken in (("warfarin", "no"), ("unobtainium", "yes")):
        with pytest.raises(ToolError):
            TOOLS["correct_medication_list"](world, drug=drug, taken=taken)


def test_a_recorded_allergy_counts_and_an_unknown_one_is_refused() -> None:
    world = World(Chart("P1", 40, "female", allergies=None))
    assert TOOLS["check_allergy"](world, drug="amoxicillin")["missing"] == "allergies"
    TOOLS["record_allergy"](world, allergen="Penicillin")
    assert TOOLS["check_allergy"](world, drug="amoxicillin")["amoxicillin"] == "same class"
    with pytest.raises(ToolError):
        TOOLS["record_allergy"](world, allergen="moonlight")


def test_a_newer_status_or_weight_replaces_the_record() -> None:
    woman = World(Chart("P1", 30, "female", pregnant=False))
    assert TOOLS["check_pregnancy_safety"](woman, drug="lisinopril")["lisinopril"] == "not pregnant"
    assert TOOLS["check_pregnancy_safety"](woman, drug="lisinopril", pregnant="yes")["lisinopril"] == "avoid"
    assert TOOLS["check_lactation_safety"](woman, drug="codeine", breastfeeding="yes")["codeine"] == "avoid"
    child = World(Chart("P2", 8, "male", weight_kg=20))
    assert TOOLS["calculate_pediatric_dose"](child, drug="ibuprofen", weight_kg=25)["ibuprofen"] == "250 mg"


def test_lab_history_shows_each_result_with_its_age() -> None:
    labs = [Reading("digoxin level", 1.1, "ng/mL", -14400), Reading("digoxin level", 2.6, "ng/mL")]
    found = TOOLS["get_lab_history"](World(Chart("P1", 60, "male", labs=labs)), name="Digoxin level")
    assert found == {"digoxin level": "2.6 ng/mL", "taken": "today", "10 days before": "1.1 ng/mL"}
    assert TOOLS["get_lab_history"](World(Chart("P1", 60, "male")), name="digoxin level") == {
        "digoxin level": NOT_AVAILABLE
    }


def test_a_level_drawn_too_early_is_no_level() -> None:
    early = [t for t in tasks("drug_level", 300) if "1 hour after the dose" in " ".join(t.chart.notes)]
    assert len(early) >= 5
    for task in early:
        assert task.truth.gold.value == "insufficient: level" and task.chart.labs


def test_what_was_stopped_on_purpose_was_not_forgotten() -> None:
    for task in (t for t in tasks("reconciliation") if "conflict" in t.traits):
        note = next(n for n in task.chart.notes if "on purpose" in n)
        assert not any(normal(d) in normal(note) for d in task.truth.gold.value)
        taken = [a for a in task.truth.unsafe if a.tool]
        assert taken and all(a.arguments["drug"] in note for a in taken)


# ---- the pharmacist's notes


def note_of(a: str, b: str) -> tuple[Gold, str, list[str]]:
    """Gold, reference text and the observation of the pair, amlodipine beside."""
    item, pair = rules.interaction(a, b), " + ".join(rules.pair_of(a, b))
    gold, text = note_cases.order_gold(item, a, b, ["amlodipine"])
    return gold, text, [
        normal(f"{pair}: {item.severity}; mechanism: {item.mechanism}; management: {item.management}")
    ]  # fmt: skip


STATIN, STATIN_TEXT, STATIN_SEEN = note_of("clarithromycin", "simvastatin")  # suspend the statin during the course
NSAID, NSAID_TEXT, NSAID_SEEN = note_of("ketorolac", "ibuprofen")  # do not combine


@pytest.mark.parametrize(
    "text, verdict",
    [
        (NSAID_TEXT, "correct"),
        ("Do not give ketorolac with ibuprofen because of the risk of bleeding.", "correct"),
        ("Toradol must not be combined with ibuprofen: gastrointestinal haemorrhage.", "correct"),
        ("Ketorolac refused. The patient is on ibuprofen; ibuprofen with ketorolac can cause bleeding.", "correct"),
        ("Ketorolac and ibuprofen cause bleeding together.", "partial"),  # what to do is left open
        ("Ketorolac with ibuprofen might possibly cause bleeding. Avoid it.", "partial"),  # hedged
        ("Ketorolac with ibuprofen brings no risk of bleeding. Avoid it.", "partial"),  # denied
        ("Ketorolac with ibuprofen: loss of effect, avoid the combination.", "wrong"),
        ("Ketorolac and ibuprofen are safe to combine, bleeding with both is rare, avoid aspirin.", "wrong"),
        ("Avoid ketorolac with amlodipine; ibuprofen with ketorolac gives bleeding.", "wrong"),
        ("bleeding " * 60, "unparsable"),
    ],
)
def test_a_refusal_is_read_for_what_it_says(text: str, verdict: str) -> None:
    assert grade(NSAID, text, NSAID_SEEN).verdict == verdict


@pytest.mark.parametrize(
    "text, verdict",
    [
        (STATIN_TEXT, "correct"),
        ("Hold Zocor while clarithromycin is given: both together risk rhabdomyolysis.", "correct"),
        ("Simvastatin with clarithromycin: myopathy. Continue both, check creatine kinase.", "partial"),
        ("Suspend simvastatin during clarithromycin, otherwise the combination means treatment failure.", "wrong"),
    ],
)
def test_a_changed_order_is_read_for_the_measure_of_the_label(text: str, verdict: str) -> None:
    assert grade(STATIN, text, STATIN_SEEN).verdict == verdict


def test_a_note_that_no_observation_backs_earns_nothing() -> None:
    assert grade(NSAID, NSAID_TEXT, []).verdict == "wrong"
    for kind in ("order_note", "renal_note"):
        for task in tasks(kind, 40):
            reward = play(task, [reference_texts(task)[-1]], None).score()
            assert reward.accuracy == 0 and reward.composite <= 0.2


REDUCED, REDUCED_TEXT = note_cases.renal_gold("dabigatran", "creatinine clearance", 22, 64)
AVOIDED, AVOIDED_TEXT = note_cases.renal_gold("sotalol", "creatinine clearance", 22, None)
KIDNEY = [normal("dabigatran: reduce; creatinine clearance: 22 mL/min; sotalol: avoid")]


@pytest.mark.parametrize(
    "gold, text, verdict",
    [
        (REDUCED, REDUCED_TEXT, "correct"),
        (REDUCED, "CrCl 22 mL/min, so reduce dabigatran to 75 mg bid.", "correct"),
        (REDUCED, "Clearance is 22 today. Give 75 mg every 12 hours.", "correct"),
        (REDUCED, "Clearance is 22 today. Give 110 mg every 12 hours.", "partial"),
        (REDUCED, "Creatinine clearance of 64: 75 mg twice daily.", "wrong"),  # the outdated value
        (REDUCED, "Clearance 22, no dose adjustment of the drug, 75 mg twice daily is an option.", "wrong"),
        (AVOIDED, AVOIDED_TEXT, "correct"),
        (AVOIDED, "Do not give sotalol at a creatinine clearance of 22 mL/min.", "correct"),
        (AVOIDED, "At a clearance of 22 a reduced dose of sotalol is enough.", "wrong"),
        (AVOIDED, "Clearance 22. Maybe avoid sotalol.", "partial"),
    ],
)
def test_the_renal_advice_is_read_for_value_and_dose(gold, text: str, verdict: str) -> None:
    assert grade(gold, text, KIDNEY).verdict == verdict


def test_wordings_belong_to_entries_of_the_tables() -> None:
    managements = {e["management"] for e in table("interactions").values()}
    for action, entry in table("phrasing").items():
        assert set(entry["management"]) <= managements, action
    assert len(note_cases.noted()) >= 10 and all(len(d) >= 12 for d in note_cases.advisable().values())
    mechanisms = {e["mechanism"] for e in table("interactions").values()}
    for effect, entry in table("effects").items():
        assert any(w in m for w in entry["mechanism"] for m in mechanisms), effect
        assert entry["direction"] in ("up", "down")


# ---- grades and paths


def answered(task: Task, answer: str) -> list[str]:
    last = task.reference[-1]
    return [*reference_texts(task)[:-1], render_call(Call(last.name, {**last.arguments, "answer": answer}))]


def test_the_severity_beside_the_right_one_earns_a_quarter() -> None:
    scaled = [t for t in tasks("worst_severity") if t.truth.gold.value == "moderate"]
    for task in scaled:
        assert play(task, answered(task, "major"), None).score().accuracy == 0.25
        assert play(task, answered(task, "contraindicated"), None).score().accuracy == 0
        assert play(task, answered(task, "not in the database"), None).score().accuracy == 0
    assert scaled


@pytest.mark.parametrize(
    "kind", ("worst_severity", "culprit", "stop_interacting", "interacting_pair", "drug_level", "creatinine_clearance")
)
def test_another_tool_that_shows_the_same_finding_earns_as_much(kind: str) -> None:
    found = 0
    for task in tasks(kind, 60):
        step = next((s for s in task.truth.steps if s.instead), None)
        if step is None or "conflict" in task.traits:
            continue
        calls = [step.instead[0] if c.name == step.tool else c for c in task.reference]
        reward = play(task, [render_call(c) for c in calls], None).score()
        assert reward.correct and reward.composite >= 0.95, (task.prompt, reasons(reward))
        found += 1
    assert found >= 3


def test_correcting_the_list_without_reading_the_notes_earns_no_credit_for_it() -> None:
    task = next(t for t in tasks("culprit") if "conflict" in t.traits)
    blind = [c for c in task.reference if c.name != "get_clinical_notes"]
    reward = play(task, [render_call(c) for c in blind], None).score()
    assert reward.correct and reward.parts["process"] <= 0.5


def test_every_unsafe_action_names_its_kind_of_harm() -> None:
    kinds = set()
    for kind in DOMAIN.types:
        for task in tasks(kind, 60):
            kinds |= {a.category for a in task.truth.unsafe}
    assert "" not in kinds
    assert kinds >= {"allergy", "interaction", "contraindication", "dose", "pregnancy", "scope"}
