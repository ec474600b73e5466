"""Cases about what is written: the code of a diagnosis, a note against the record."""

from random import Random
from typing import Any

from msgspec import structs

from medgym_core.clinical.codes import lookup_icd
from medgym_core.domains import Draft
from medgym_core.domains.ehr_management import patients
from medgym_core.domains.ehr_management.drafting import category, draft, pick, ticket, unsafe_answers
from medgym_core.domains.ehr_management.measuring import Case, course, drawn
from medgym_core.domains.ehr_management.ordering import drug_class
from medgym_core.domains.ehr_management.patients import UNITS, admit, prescribe
from medgym_core.domains.ehr_management.rules import DAY, table
from medgym_core.types import Call, Gold

ASK_CODE = (
    "Code the principal diagnosis of admission {hadm} (ICD-10-CM).",
    "Billing needs the ICD-10-CM code of the principal diagnosis, stay {hadm}.",
    "Which ICD-10-CM code fits the principal diagnosis of {hadm}?",
    "Please assign the principal diagnosis code for {hadm} from its summary.",
    "ICD-10-CM of the condition established after study in {hadm}?",
)
RULED_OUT = (
    "{other} was considered and ruled out.",
    "No sign of {other} in the end.",
    "Initially treated as {other}, not confirmed.",
)


def principal_code(rng: Random, knowledge: Any) -> Draft | None:
    """The code of the condition established after study, from the summary of one stay among several."""
    level = rng.randint(1, 3)
    name, entry = pick(rng, table("problems"))
    fit = {n: e for n, e in table("problems").items() if n != name and e["service"] == entry["service"]}
    case = admit(rng, level)
    low, high = entry["ages"]
    if not low <= case.fields["age"] - 3 <= high + 3:
        return None
    at, length = case.start - rng.randint(410, 900) * DAY, rng.randint(2, 9) * DAY
    hadm = f"H{rng.randrange(10_000, 100_000)}"
    values = {"hadm_id": hadm, "service": entry["service"], "unit": rng.choice(UNITS), "source": "emergency department"}
    values |= {"acuity": "emergency", "disposition": "home"}
    case.add(
        "encounter",
        "inpatient admission",
        at,
        ended=at + length,
        status="finished",
        text=entry["reason"],
        values=values,
    )
    parts = [f"Admitted with {entry['reason']}."]
    other = rng.choice(list(fit.values() or [entry]))
    if level > 1 and other is not entry:
        said = rng.choice(RULED_OUT).format(other=other["stated"].split(",")[0])
        parts.append(said[0].upper() + said[1:])
    parts.append(f"Final diagnosis: {entry['stated']}.")
    if level == 3 and case.fields["conditions"]:
        parts.append(f"Also known: {', '.join(case.fields['conditions'])}.")
    case.add("discharge_summary", "discharge summary", at + length, text=" ".join(parts))
    made = patients.chart(case)
    calls = [Call("get_discharge_summary", {"hadm_id": hadm}), Call("lookup_icd_code", {"code": entry["icd"]})]
    title = lookup_icd(entry["icd"])
    evidence = [("Final diagnosis", entry["stated"].split(",")[0]), (entry["icd"], " ".join(title.split()[:10]))]
    source = (
        "ICD-10-CM Official Guidelines for Coding and Reporting, fiscal year 2024, section II (principal diagnosis)"
    )
    plain = entry["icd"].replace(".", "")
    return draft(
        case,
        "principal_code",
        name,
        ticket(case, ASK_CODE, hadm=hadm),
        made,
        Gold("category", entry["icd"], synonyms={entry["icd"]: [plain]}),
        calls,
        evidence,
        [source],
        instead={"lookup_icd_code": [Call("search_icd_codes")]},
        traits=["distractors"] if level > 1 else [],
    )


ASK_NOTE = (
    "Compare this morning's note with the record. Which statement is wrong, if any?",
    "Copy-forward check: does the progress note contradict the record? Name the item, or none.",
    "Before I sign the note: which item does not agree with the chart, if any?",
    "One line of the progress note may be stale. Which one? None is possible.",
    "Audit the latest note against the record; name the false item or none.",
)
ITEMS = ["potassium", "hemoglobin", "allergies", "code status", "anticoagulant"]
BLOOD_THINNERS = ("apixaban", "rivaroxaban", "warfarin", "dabigatran")
ALLERGENS = ("penicillin", "sulfonamide antibiotic", "codeine", "iodinated contrast")


def note_contradiction(rng: Random, knowledge: Any) -> Draft | None:
    """The item of a progress note that the record contradicts.

    From level 2 the false statement was true earlier in the stay; at level 3 so was another item's older value.
    """
    level, target = rng.randint(1, 3), rng.choice([*ITEMS, "none"])
    fit = [n for n, e in table("problems").items() if not any(drug_class(d).endswith("inhibitor") for d in e["drugs"])]
    case = admit(rng, level, rng.choice(fit), status=False, days=(2, 5), least_age=65)
    true, false = _statements(case)
    if patients.barred(case, case.fields["allergies"]):
        return None
    stale = [target] if level > 1 and target != "none" else []
    stale += [rng.choice([i for i in ITEMS[:2] if i != target])] if level == 3 else []
    for item in stale:
        _was(case, item, false[item])
    stated = true | ({target: false[target]} if target != "none" else {})
    lines = [f"Reviewed {k} {v}." for k, v in stated.items()]
    rng.shuffle(lines)
    text = " ".join([rng.choice(["Slept well.", "Feels better.", "No new complaints."]), *lines])
    case.add("note", "progress note", -rng.randint(20, 120), text=text)
    made = patients.chart(case)
    wanted = [target] if target != "none" else ITEMS
    order = next(
        r.values["order_id"] for r in case.records if r.kind == "medication" and r.name == true["anticoagulant"]
    )
    label = {"code status": "code_status", "anticoagulant": order}
    evidence = [(label.get(i, i), true[i]) for i in wanted]
    evidence += [(f"reviewed {target}", stated[target])] if target != "none" else []
    calls = [Call("get_clinical_notes"), *(LOOKS[i] for i in wanted)]
    source = "Tsou et al., Safe practices for copy and paste in the EHR, Applied Clinical Informatics 2017;8:12-34"
    signed, grade = "a false statement signed", 4 if target in ("allergies", "anticoagulant", "code status") else 3
    harm = {"allergies": "allergy", "anticoagulant": "interaction", "code status": "capacity and consent"}
    kind = harm.get(target, "missed red flag")
    unsafe = [unsafe_answers(kind, signed, grade, source, "none")] if target != "none" else []
    family = f"{target}:{true['code status'] if target == 'none' else level}:{true['anticoagulant'][:4]}"
    prompt, gold = ticket(case, ASK_NOTE, [*ITEMS, "none"]), category(target, [*ITEMS, "none"])
    return draft(
        case,
        "note_contradiction",
        family,
        prompt,
        made,
        gold,
        calls,
        evidence,
        [source],
        unsafe,
        instead={"get_lab_results": [Call("get_lab_results")]},
        traits=["conflict", *(["distractors"] if level > 1 else [])],
    )


def _was(case: Case, item: str, value: str) -> None:
    """Let the record hold, earlier in the stay, what is false now; nothing for allergies."""
    if item in ("potassium", "hemoglobin"):
        now = next(r.value for r in case.labs if r.name == item and r.minutes == case.mornings[-1])
        course(case, item, [float(value.split()[0]), now])
    elif item == "code status":
        case.add("code_status", value, case.start + 40, text="admitting physician")
    elif item == "anticoagulant":
        order = prescribe(case, value, minutes=case.start + 40)
        case.records = [
            structs.replace(r, status="stopped") if r.values.get("order_id") == order else r for r in case.records
        ]


LOOKS = {
    "potassium": Call("get_lab_results", {"lab_name": "potassium"}),
    "hemoglobin": Call("get_lab_results", {"lab_name": "hemoglobin"}),
    "allergies": Call("check_allergies"),
    "code status": Call("get_code_status"),
    "anticoagulant": Call("get_medication_orders", {"active_only": True}),
}
"""Where the record has each item."""


def _statements(case: Case) -> tuple[dict[str, str], dict[str, str]]:
    """Put each item into the record; gives it as the record has it, and a false version."""
    rng = case.rng
    thinner, other_thinner = rng.sample(BLOOD_THINNERS, 2)
    status, other_status = rng.sample(list(table("code_status")), 2)
    allergen, other_allergen = rng.sample(ALLERGENS, 2)
    prescribe(case, thinner)
    case.add("code_status", status, case.start + 100, text="attending physician")
    case.fields["allergies"] = [allergen]
    potassium, hemoglobin = (drawn(rng, table("values")["note"][n]) for n in ("potassium", "hemoglobin"))
    course(case, "potassium", [potassium])
    course(case, "hemoglobin", [hemoglobin])
    raised, fall = (drawn(rng, table("values")["note"][n]) for n in ("raised_potassium", "fall"))
    true = {
        "potassium": f"{potassium:g} mmol/L",
        "hemoglobin": f"{hemoglobin:g} g/dL",
        "allergies": allergen,
        "code status": status,
        "anticoagulant": thinner,
    }
    false = {
        "potassium": f"{raised:g} mmol/L",
        "hemoglobin": f"{hemoglobin - fall:.3g} g/dL",
        "allergies": rng.choice(["none known", other_allergen]),
        "code status": other_status,
        "anticoagulant": other_thinner,
    }
    return true, false
