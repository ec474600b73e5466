"""Questions answered from the sourced tables: reference limits, thresholds, comparisons and patterns of findings."""

from random import Random
from typing import Any

from msgspec.structs import replace

from medgym_core.domains import Draft
from medgym_core.domains.medical_qa import tables
from medgym_core.domains.medical_qa.cases_search import name_gold
from medgym_core.domains.medical_qa.drafting import ask, believed, distractors, draft, patient, who
from medgym_core.domains.medical_qa.tools import treatment_rank
from medgym_core.tools import NOT_IN_DATABASE, number
from medgym_core.types import Call, Chart, Gold, Step, Trait

TEST_AGES = (18, 85)
UNKNOWN_CONDITION = f"insufficient: {NOT_IN_DATABASE}"
DROPPED = {1: 0, 2: 0, 3: 1}  # findings left out by level

LIMIT_FORMS = (
    "What is the {side} reference limit of {test} for this patient? Answer with the number{unit}.",
    "Please look up the {side} limit of normal for {test} that applies to the patient in the chart{unit}.",
    "For the patient at hand, which {test} value is the {side} limit of the reference range{unit}?",
    "The report needs the patient's own {side} reference limit for {test}. Give the number{unit}.",
    "Reference range of {test}: what is its {side} end for this particular patient{unit}?",
)
THRESHOLD_FORMS = (
    "Which {measure} marks {of}? Answer with the number{unit}, from the criteria.",
    "For {of}, what is the diagnostic threshold of {measure}{unit}?",
    "Please look up the cut-off of {measure} that defines {of}. The number alone{unit}.",
    "{measure} and {of}: at what value is the criterion met{unit}?",
    "Give the {measure} criterion of {of} as a number{unit}, from the table.",
)
COMPARE_FORMS = (
    "By the treatment table, is {a} or {b} first-line for {of}? Name it, or answer neither, or {unknown}.",
    "{of}: compare {a} with {b}. Which is first-line in the table? If it has no answer, neither or {unknown}.",
    "Please compare {a} and {b} for {of} in the treatment table; answer the first-line one, neither, or {unknown}.",
    "Choosing between {b} and {a} in {of}. What does the table call first-line: one of them, neither, or {unknown}?",
    "For {of} they argue over {a} and {b}. Settle it by the table: a name, neither, or {unknown}.",
)
PATTERN_FORMS = (
    "{who} with {findings}. Which condition fits best, and what is its {key}? Answer with the {key}.",
    "{who} presents with {findings}. Find the most likely condition and report its {key} from the overview.",
    "Think of {findings} in the case of: {who}. Look up the diagnosis, then give its {key}.",
    "{findings}: {who}. Differential first, then the {key} of the leading condition, please.",
    "What is the {key} of the condition behind {findings}? Patient: {who}.",
)


def reference_range(rng: Random, knowledge: Any) -> Draft | None:
    """One limit of a reference range, for this patient's sex, age and pregnancy status."""
    entry = rng.choice([e for e in tables.table("ranges").values() if "any" not in e or rng.random() < 0.6])
    chart = _tested(rng, entry)
    found = tables.limits(entry, chart)
    if isinstance(found, str):
        return None
    side = rng.choice([s for s in ("low", "high") if getattr(found, s) is not None])
    value = getattr(found, side)
    words = {"side": {"low": "lower", "high": "upper"}[side], "test": entry["name"], "unit": _in(entry["unit"])}
    gold = Gold("number", value, tolerance=0.001, unit=entry["unit"])
    level = rng.randint(1, 3)
    aside, traits = believed(rng, level, _other_limit(rng, entry, found, side))
    call = Call("lookup_reference_range", {"test": entry["name"]})
    evidence = [(side, number(value))]
    family = f"limits:{entry['name']}:{found.group}"
    return draft(
        "reference_range",
        family,
        level,
        ask(rng, LIMIT_FORMS, aside, **words),
        chart,
        gold,
        [call],
        evidence,
        [entry["source"]],
        traits=traits,
    )


def _other_limit(rng: Random, entry: dict[str, Any], found: tables.Limits, side: str) -> str:
    """The same limit of another group of patients; nothing where there is none."""
    rows = [entry[group] for group in ("any", "men", "women", "pregnant") if group in entry]
    others = {row[side] for row in rows if side in row} - {getattr(found, side)}
    return f"{number(rng.choice(sorted(others)))} {entry['unit']}".strip() if others else ""


def _other_threshold(rng: Random, entry: dict[str, Any], row: dict[str, Any]) -> str:
    """The same measure in another condition, or another measure of this one; nothing where there is none."""
    rows = [(e, c) for e in tables.table("criteria").values() for c in e["criteria"] if c["unit"] == row["unit"]]
    same = {c["value"] for _, c in rows if c["measure"] == row["measure"]} - {row["value"]}
    own = {c["value"] for e, c in rows if e is entry} - {row["value"]}
    return f"{number(rng.choice(sorted(same or own)))} {row['unit']}".strip() if same or own else ""


def diagnostic_threshold(rng: Random, knowledge: Any) -> Draft:
    """A number out of the diagnostic criteria of a condition."""
    entry = rng.choice(list(tables.table("criteria").values()))
    row = rng.choice(entry["criteria"])
    words = {"measure": row["measure"], "of": entry["of"], "unit": _in(row["unit"])}
    gold = Gold("number", row["value"], tolerance=0.001, unit=row["unit"])
    call = Call("check_diagnostic_criteria", {"condition": entry["of"]})
    evidence = [(row["measure"], f"{row['relation']} {number(row['value'])}")]
    level = rng.randint(1, 3)
    aside, traits = believed(rng, level, _other_threshold(rng, entry, row))
    prompt = ask(rng, THRESHOLD_FORMS, aside, **words)
    family, sources = f"threshold:{entry['of']}", [entry["source"]]
    return draft(
        "diagnostic_threshold", family, level, prompt, patient(rng), gold, [call], evidence, sources, traits=traits
    )


def treatment_comparison(rng: Random, knowledge: Any) -> Draft | None:
    """First, second, neither, or a condition that the table does not hold: a quarter each."""
    right = rng.choice(("first", "second", "neither", "unknown"))
    fact = rng.choice([f for f in tables.all_facts() if f.relation == "treatments"])
    wrong = distractors(rng, fact, 2)
    if len(wrong) < 2:
        return None
    second = fact.details.get("alternative")
    if second and rng.random() < 0.7:  # a second-line treatment tempts more than one of something else
        wrong = [second, wrong[0]]
    a, b = {"first": (fact.answer, wrong[0]), "second": (wrong[0], fact.answer)}.get(right, tuple(wrong))
    unlisted = tables.table("unlisted")["conditions"]
    of = rng.choice(unlisted["names"]) if right == "unknown" else fact.of
    call = Call("compare_treatments", {"treatment_a": a, "treatment_b": b, "condition": of})
    if right == "unknown":
        value, evidence = UNKNOWN_CONDITION, [("condition", NOT_IN_DATABASE)]
    elif right == "neither":
        value, evidence = "neither", [(t, treatment_rank(fact, t)) for t in (a, b)]
    else:
        value, evidence = fact.answer, [(fact.answer, "first-line")]
    gold = Gold("category", value, options=[a, b, "neither", UNKNOWN_CONDITION])
    level = rng.randint(1, 3)
    aside, doubts = believed(rng, level, b if value == a else a)
    prompt = ask(rng, COMPARE_FORMS, aside, a=a, b=b, of=of, unknown=UNKNOWN_CONDITION)
    family = f"unlisted:{of}" if right == "unknown" else fact.family
    source = unlisted["source"] if right == "unknown" else fact.source
    traits: list[Trait] = ["missing data"] if right == "unknown" else ["distractors"] if second in wrong else []
    traits += doubts
    made = draft(
        "treatment_comparison", family, level, prompt, patient(rng), gold, [call], evidence, [source], traits=traits
    )
    steps = [Step("compare_treatments", {"condition": of})]  # whichever treatment is named first
    return replace(made, truth=replace(made.truth, steps=steps))


def clinical_pattern(rng: Random, knowledge: Any) -> Draft | None:
    """Findings to condition, condition to its key fact; at level 3 one finding is left out."""
    name, entry = rng.choice(list(tables.table("patterns").items()))
    level = rng.choice((1, 2, 3))
    typical = rng.sample(entry["findings"], len(entry["findings"]) - DROPPED[level])
    findings = rng.sample(typical, len(typical))
    if level > 1:  # one finding of something else
        others = {f for e in tables.table("patterns").values() for f in e["findings"]} - set(entry["findings"])
        findings.insert(rng.randint(0, len(findings)), rng.choice(sorted(others)))
    ranked = tables.matched(", ".join(findings))
    if ranked[0][:2] != (entry["of"], len(typical)) or (len(ranked) > 1 and ranked[0][1] == ranked[1][1]):
        return None  # not decided by these findings
    fact = next(f for f in tables.facts_of(entry["of"]) if f.relation == entry["leads_to"])
    key = tables.RELATIONS[fact.relation].key
    chart = patient(rng, entry.get("sex", ""), tuple(entry.get("ages", (25, 70))))
    words = {"who": _with_article(who(chart)), "findings": _listed(findings), "key": key}
    calls = [
        Call("get_differential_diagnosis", {"symptom_complex": ", ".join(findings)}),
        Call("get_condition_overview", {"condition": fact.of}),
    ]
    evidence = [(fact.of, f"{len(typical)} of {len(entry['findings'])}"), (key, fact.answer)]
    sources = [fact.source, entry["source"]]
    unlike = [n for n, *_ in ranked[1:]]
    aside, doubts = believed(rng, level, rng.choice(unlike) if unlike else "")
    prompt = ask(rng, PATTERN_FORMS, aside, **words)
    traits: list[Trait] = [[], ["distractors"], ["distractors", "atypical"]][level - 1]  # type: ignore[assignment]
    traits += doubts
    return draft(
        "clinical_pattern", fact.family, level, prompt, chart, name_gold(fact), calls, evidence, sources, traits=traits
    )


def _tested(rng: Random, entry: dict[str, Any]) -> Chart:
    """An adult; where the limits know pregnancy, half of the women who may be pregnant are."""
    chart = patient(rng, ages=(18, 60) if "pregnant" in entry else TEST_AGES)
    if "pregnant" in entry and tables.may_be_pregnant(chart) and rng.random() < 0.5:
        weeks = f"{rng.randint(21, 38)} weeks"
        return patient(rng, "female", (18, 42), pregnant=True, observations={"gestation": weeks})
    return chart


def _listed(parts: list[str]) -> str:
    return ", ".join(parts[:-1]) + " and " + parts[-1] if len(parts) > 1 else parts[0]


def _with_article(text: str) -> str:
    return ("an " if text[0] in "8aeiou" or text.startswith(("11", "18")) else "a ") + text


def _in(unit: str) -> str:
    return f" in {unit}" if unit else ""
