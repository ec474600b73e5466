"""What makes the obstetric cases hard: free texts, stale and conflicting values, alternatives, times, safety."""

from collections import Counter, defaultdict
from random import Random

import pytest
from msgspec.structs import replace

from medgym_core import domains, gates
from medgym_core.actions import render_call
from medgym_core.domains.obstetrics import cases_text, rules, rules_labor
from medgym_core.domains.obstetrics.drafting import hearsay
from medgym_core.episode import Episode, play
from medgym_core.grading import grade
from medgym_core.probes import reference_texts
from medgym_core.tasks import split_of, task_of
from medgym_core.text import normal
from medgym_core.tools import World
from medgym_core.types import Call, Reading, Task

NAME = "obstetrics"
UNIT = domains.get(NAME)
TEXTS = ("labor_summary", "bleeding_handover")


def made(kind: str, number: int = 60) -> list[Task]:
    drafts = [UNIT.types[kind](Random(f"trap/{kind}/{i}"), None) for i in range(number)]
    return [task_of(NAME, d) for d in drafts if d is not None]


@pytest.fixture(scope="module")
def cases() -> dict[str, list[Task]]:
    return {kind: made(kind) for kind in UNIT.types}


def played(task: Task, calls: list[Call]) -> Episode:
    episode = Episode(replace(task, max_turns=len(calls) + 1))
    for call in calls:
        episode.step(render_call(call))
    return episode


def answered(task: Task, answer: str) -> float:
    """Accuracy of the reference's path with another answer."""
    *calls, last = task.reference
    return played(task, [*calls, Call(last.name, last.arguments | {"answer": answer})]).score().accuracy


# --- free texts ---


def test_texts_are_right_as_the_reference_words_them_and_not_without_looking(cases: dict[str, list[Task]]) -> None:
    for task in [t for kind in TEXTS for t in cases[kind]]:
        words = task.reference[-1].arguments["answer"]
        assert answered(task, words) == 1.0 and len(words.split()) <= task.truth.gold.max_words
        assert played(task, task.reference[-1:]).score().accuracy < 1.0  # said, but shown by nothing
        assert answered(task, " ".join([words] * 6)) == 0.0  # a longer text is no summary


def test_a_handover_accepts_the_words_of_colleagues_and_nothing_false(cases: dict[str, list[Task]]) -> None:
    task = next(t for t in cases["bleeding_handover"] if ":tone:" in t.family and "+" not in t.family)
    gold, drugs, facts = task.truth.gold, ("carboprost", "methylergometrine"), rules.table("handover")
    total = next(e.value for e in task.truth.evidence if e.label == "blood loss").removesuffix(" mL")
    barred = [d for d in drugs if f"no {d}" in gold.value]
    avoid = ". ".join(f"Avoid {d} ({facts[d]['against']})" for d in barred)
    good = f"QBL {int(total):,} mL. Boggy uterus, tract and placenta fine. {avoid}."
    assert grade(gold, good).verdict == "correct"
    assert grade(gold, good.replace("Boggy uterus", "Bleeding from a tear")).verdict == "wrong"
    assert grade(gold, good.replace("Avoid", "Start with")).verdict == "wrong"
    assert grade(gold, good.replace("Boggy uterus", "Perhaps a boggy uterus")).verdict == "partial"
    for other in (d for d in drugs if d not in barred):
        assert grade(gold, f"{good} No {other} either.").verdict == "wrong"


def test_a_labor_summary_with_the_wrong_phase_or_direction_is_wrong(cases: dict[str, list[Task]]) -> None:
    seen = Counter()
    for task in cases["labor_summary"]:
        words, gold = task.reference[-1].arguments["answer"], task.truth.gold
        seen[task.family.split(":")[1]] += 1
        if "latent" in task.family:
            assert grade(gold, f"{words} She is in arrest.").verdict == "wrong"
        elif "arrest" in task.family:
            assert grade(gold, words.replace("active phase arrest", "latent phase")).verdict == "wrong"
        else:
            assert grade(gold, f"{words} This is an arrest of labor.").verdict == "wrong"
            bare = ". ".join(words.split(". ")[:-1])
            assert grade(gold, f"{bare}. Active phase arrest.").verdict == "partial"
            assert grade(gold, f"{bare}. Active phase, arrest criteria not met yet.").verdict == "correct"
        assert grade(gold, words.replace("contractions are", "contractions might be")).verdict == "partial"
    assert set(seen) == set(cases_text.COURSES)


# --- hearsay, families, splits ---


def test_what_others_say_is_another_diagnosis_each_as_often() -> None:
    labels = ["anemia", "eclampsia", "mastitis", "placenta previa", "sepsis"]
    said = [hearsay(Random(i), 2, labels, "sepsis") for i in range(1500)]
    share = Counter(label for text in said for label in labels if normal(label) in normal(text))
    assert "sepsis" not in share and all(0.2 < n / len(said) < 0.3 for n in share.values())
    assert hearsay(Random(1), 1, labels, "sepsis") == ""
    assert len({text.split(" ")[1] for text in said}) >= 5


def test_every_type_has_families_in_every_split() -> None:
    for kind in UNIT.types:
        splits = defaultdict(set)
        for task in made(kind, 250):
            assert task.split == split_of(NAME, task.family)
            splits[task.split].add(task.family)
        assert set(splits) == {"train", "validation", "test"}, kind
        assert sum(map(len, splits.values())) >= 12, kind


def test_every_unsafe_action_names_its_harm(cases: dict[str, list[Task]]) -> None:
    harms = {u.category for tasks in cases.values() for t in tasks for u in t.truth.unsafe}
    assert "" not in harms
    assert {"allergy", "contraindication", "dose", "pregnancy", "missed red flag", "unsafe disposition"} <= harms
    for tasks in cases.values():
        for task in tasks[:12]:
            assert gates.gradeable(task, play(task, reference_texts(task), None), None) == "", task.id


def test_levels_declare_what_makes_them_hard(cases: dict[str, list[Task]]) -> None:
    harder = [k for k, tasks in cases.items() if any(t.traits for t in tasks)]
    assert len(harder) >= 20


# --- alternatives and times ---


def test_another_tool_that_shows_the_same_is_as_good(cases: dict[str, list[Task]]) -> None:
    types = set()
    for kind, tasks in cases.items():
        for task in tasks:
            for step in task.truth.steps:
                for other in step.instead[:2]:
                    calls = [other if c.name == step.tool else c for c in task.reference]
                    if other.name == "order_imaging":  # the slower study needs a longer wait
                        waits = {"wait_minutes": 30}
                        calls = [replace(c, arguments=waits) if c.name == "get_test_results" else c for c in calls]
                    assert played(task, calls).score().composite >= 0.95, (task.id, other)
                    types.add(kind)
    assert {"diagnosis", "emergency", "magnesium", "rh_decision", "blood_loss", "order_error", "bleeding"} <= types


def test_a_drug_after_its_time_earns_less(cases: dict[str, list[Task]]) -> None:
    timed = [t for t in cases["emergency"] if any(s.within for s in t.truth.steps)]
    assert {t.truth.gold.value for t in timed} == {"severe hypertension", "maternal sepsis"}
    for task in timed:
        *calls, drug, last = task.reference
        slow = [*calls, Call("order_labs", {"tests": ["blood count"]}), Call("get_test_results", {"wait_minutes": 90})]
        late = played(task, [*slow, drug, last]).score()
        assert late.correct and late.parts["process"] < played(task, task.reference).score().parts["process"] == 1.0


# --- traps: the naive answer is wrong ---


def test_an_outdated_swab_or_germs_in_the_urine_call_for_prophylaxis() -> None:
    assert rules.gbs("negative, 3 weeks ago", False) == "negative"
    assert rules.gbs("negative, 7 weeks ago", False) is None
    assert rules.gbs("negative, 3 weeks ago", True) == "positive" and rules.gbs(None, False) is None
    assert "magnesium sulfate" not in rules.preterm_bundle(200, False, None, False, weak=True)


def test_passive_anti_d_is_no_sensitisation(cases: dict[str, list[Task]]) -> None:
    assert rules.anti_d("O negative", "passive anti-D from the 28-week dose, negative before", "A positive") == (
        "give anti-D"
    )
    assert any("passive" in t.family and t.truth.gold.value == "give anti-D" for t in cases["rh_decision"])


def test_hypovolemia_meets_the_protocol_below_a_litre(cases: dict[str, list[Task]]) -> None:
    assert rules_labor.hemorrhage(700, 135, 80) and rules_labor.hemorrhage(1000, 80, 120)
    assert not rules_labor.hemorrhage(900, 80, 120)
    quiet = [t for t in cases["blood_loss"] if t.family.startswith("blood_loss:hypovolemia")]
    assert quiet
    for task in quiet:
        without = [c for c in task.reference if c.name != "activate_obstetric_emergency"]
        assert played(task, without).score().composite < 0.9


def test_unsure_periods_and_embryo_transfers_set_the_dates(cases: dict[str, list[Task]]) -> None:
    assert rules.best_gestation(150, 148, 60, sure=False) == 148
    assert rules.transfer_gestation(5, 0) == 19  # 280 - 19: due 261 days after the transfer of a day 5 embryo
    for task in [t for t in cases["dating"] if t.family.split(":")[1] in ("unsure", "transfer")]:
        assert any(answered(task, wrong) == 0.0 for u in task.truth.unsafe for wrong in u.answers)


def test_urine_of_several_hours_is_read_as_a_rate(cases: dict[str, list[Task]]) -> None:
    assert rules.per_hour("96 mL in 4 h") == 24
    slow = [t for t in cases["magnesium"] if t.truth.gold.value == "reduce to 1 g/h" and "total" in t.family]
    assert slow and all("urine_since" in t.chart.observations for t in slow)


def test_an_older_glucose_value_is_no_part_of_todays_test() -> None:
    world_chart = replace(
        made("glucose_screen", 1)[0].chart,
        labs=[Reading("glucose_2h", 120, "mg/dL", -90 * 1440), Reading("glucose_fasting", 80, "mg/dL", 0)],
        observations={"glucose_load": "75 g"},
        pending={},
        pending_findings={},
    )
    said = UNIT.tools["screen_gestational_diabetes"].result(World(world_chart), {})
    assert "glucose_2h" not in said and "glucose 2h" in said["missing"]


def test_self_harm_comes_before_any_total(cases: dict[str, list[Task]]) -> None:
    assert rules.mood_action(4, 1) == rules.mood_action(None, 2) == "same-day safety assessment"
    assert rules.mood_action(20, None) == "insufficient: item 10"
    assert rules.mood_action(13, 0) == "assess for depression" and rules.mood_action(8, 0) == "routine care"
    assert rules.mood_action(11, 0) == ""
    low = [t for t in cases["mood_screen"] if t.truth.gold.value == "same-day safety assessment"]
    for task in low:
        *calls, last = task.reference
        naive = Call(last.name, last.arguments | {"answer": "routine care"})
        assert played(task, [*calls, naive]).score().critical


def test_a_suspicious_order_may_be_right_for_her(cases: dict[str, list[Task]]) -> None:
    sound = [t for t in made("order_error", 150) if t.truth.gold.value == "none"]
    assert sound and all(answered(t, t.truth.unsafe[0].answers[0]) == 0.0 for t in sound)
    shown = {t.family: t for t in made("order_error", 150)}
    assert any(f.endswith("carboprost_asthma:sound") for f in shown)


def test_unwritten_allergies_are_found_by_asking(cases: dict[str, list[Task]]) -> None:
    asked = [t for t in cases["choose_drug"] if t.chart.allergies is None]
    assert asked and all(any(s.tool == "say" for s in t.truth.steps) for t in asked)


def test_ordered_levels_earn_something_beside_the_right_one(cases: dict[str, list[Task]]) -> None:
    growth = next(t for t in cases["fetal_growth"] if t.truth.gold.value == "37 weeks")
    assert answered(growth, "38 to 39 weeks") == 0.25 and answered(growth, "30 to 32 weeks") == 0.0
    pill = next(t for t in cases["contraception"] if t.truth.gold.value == "2")
    assert pill.truth.gold.kind == "ordinal" and grade(pill.truth.gold, "category 3").credit == 0.25
