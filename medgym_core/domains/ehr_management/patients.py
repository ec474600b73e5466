"""Seeded inpatients: background, admissions, orders, vital signs and laboratory values over a stay.

`admit` gives a `Case` that a task type then changes; `chart` closes it. The episode begins at minute 0, so everything
recorded lies before it. Background comes from the shared physiology, problems from `facts/problems.toml`.
"""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from msgspec import structs

from medgym_core.clinical import physiology
from medgym_core.domains.ehr_management.measuring import Case, samples, usual_courses, vital_sets
from medgym_core.domains.ehr_management.ordering import conflict, drug_named
from medgym_core.domains.ehr_management.rules import DAY, table
from medgym_core.patient import story_of
from medgym_core.types import Chart, Medication, Persona, Story

UNITS = ("4 West", "5 East", "2 North", "7 South", "step-down", "3 Center")
FIRST_NAMES = {
    "female": ("Maria", "Marian", "Anna", "Anne", "Helen", "Ellen", "Rose", "Rosa"),
    "male": ("Peter", "Piet", "John", "Jon", "Carl", "Karl", "Martin", "Marvin"),
}
"""Invented, in pairs that are easily taken for one another."""
SURNAMES = ("Hale", "Hall", "Meyer", "Mayer", "Brook", "Brooks", "Stone", "Stein", "Larsen", "Larson")
PERSONAS: dict[int, tuple[Persona, ...]] = {
    1: ("plain",),
    2: ("plain", "anxious", "stoic"),
    3: ("vague", "anxious", "stoic", "poor historian"),
}
MEDICINES = "medicine medicines medication medications drug drugs tablets pills take"
BRADEN = ("sensory", "moisture", "activity", "mobility", "nutrition", "friction")


def admit(
    rng: Random,
    level: int,
    problem: str = "",
    *,
    days: tuple[int, int] = (2, 6),
    avoid: Sequence[str] = (),
    acuity: str | None = "emergency",
    status: bool = True,
    least_age: int = 0,
    most_age: int = 200,
    sex: str = "",
    comorbid: int | None = None,
    orders: bool = True,
    **fields: Any,
) -> Case:
    """A patient in hospital. `avoid`: conditions and drugs kept out; `status`: with a code status of full code.

    An age of the problem that does not fit `least_age` or `most_age` goes to the nearer end.
    """
    problem = problem or rng.choice(list(table("problems")))
    entry = table("problems")[problem]
    low, high = entry["ages"]
    low, high = max(low, min(least_age, high)), min(high, max(most_age, low))
    age, sex = rng.randint(low, max(low, high)), sex or rng.choice(["female", "male"])
    given = {"pregnant": False if sex == "female" and age < 55 else None, "complaint": entry["reason"]} | fields
    kept_out = [*avoid, *entry["drugs"], "migraine", "allergic rhinitis"]
    kept_out += ["hypertension"] if problem == "heart failure" else []  # coded otherwise with hypertension
    own = physiology.base_chart(
        rng,
        age=age,
        sex=sex,
        comorbid=rng.randint(1, level + 1) if comorbid is None else comorbid,
        avoid=kept_out,
        **given,
    )
    start = -rng.randint(days[0] * DAY + 60, days[1] * DAY + 900)
    case = Case(rng, level, problem, f"H{rng.randrange(10_000, 100_000)}", start, own)
    values = {"hadm_id": case.hadm_id, "service": entry["service"], "unit": rng.choice(UNITS)}
    values |= {"source": "emergency department" if acuity == "emergency" else "clinic"} | (
        {"acuity": acuity} if acuity else {}
    )
    case.add("encounter", "inpatient admission", start, status="in-progress", text=entry["reason"], values=values)
    _before(case)
    identify(case, rng.choice(FIRST_NAMES[sex]), rng.choice(SURNAMES), str(rng.randrange(1_000_000, 10_000_000)))
    if status:
        case.add("code_status", "full code", start + 90, text="admitting physician")
    case.vitals = vital_sets(case)
    case.labs = samples(case)
    usual_courses(case)
    nurse(case)
    for minutes in range(-DAY // 2, max(start, -3 * DAY), -DAY):
        amounts = {"intake": f"{rng.randrange(1400, 2700, 50)} mL", "output": f"{rng.randrange(1100, 2500, 50)} mL"}
        case.add("intake_output", "fluid balance", minutes, values=amounts)
    case.add("procedure", "peripheral venous cannula", start + 20, status="in-progress")
    if orders:
        _standing(case)
    case.add(
        "order",
        rng.choice(["regular diet", "low salt diet", "diabetic diet"]),
        start + 60,
        status="active",
        values={"order_id": "D1"},
    )
    return case


def identify(case: Case, first: str, surname: str, number: str, alert: str = "") -> None:
    """Name and record number of the record; an empty number: registered without one."""
    case.records = [r for r in case.records if r.kind != "identity"]
    values = ({"record_number": number} if number else {}) | ({"alert": alert} if alert else {})
    case.add("identity", f"{first} {surname}", case.start, status="active", values=values)


def _before(case: Case) -> None:
    """Earlier admissions with a summary, an emergency visit or two, vaccines."""
    rng, known = case.rng, table("problems")
    fit = [n for n, e in known.items() if e["ages"][0] <= case.fields["age"] <= e["ages"][1] and n != case.problem]
    at = case.start
    for _ in range(rng.randint(1, min(case.level, 2))):
        at -= rng.randint(40, 400) * DAY
        name, length = rng.choice(fit), rng.randint(2, 8) * DAY
        entry, hadm = known[name], f"H{rng.randrange(10_000, 100_000)}"
        values = {"hadm_id": hadm, "service": entry["service"], "unit": rng.choice(UNITS)}
        values |= {
            "source": "emergency department",
            "acuity": "emergency",
            "disposition": rng.choice(["home", "home", "rehabilitation"]),
        }
        case.add(
            "encounter",
            "inpatient admission",
            at,
            ended=at + length,
            status="finished",
            text=entry["reason"],
            values=values,
        )
        text = f"Admitted with {entry['reason']}. Final diagnosis: {entry['stated']}. Left in good condition."
        case.add("discharge_summary", "discharge summary", at + length, text=text)
        case.add("diagnosis", name, at, ended=at + length, code=f"ICD-10-CM:{entry['icd']}", status="resolved")
        case.add("code_status", "full code", at + 60, text="admitting physician")
    vaccines = table("services")["vaccines"]["codes"]
    for name in rng.sample(list(vaccines), rng.randint(1, 3)):
        case.add("immunization", name, -rng.randint(60, 3000) * DAY, code=f"CVX:{vaccines[name]}", status="completed")


def emergency_visits(case: Case, number: int) -> None:
    """That many emergency visits in the six months before the admission."""
    for i in range(number):
        minutes = case.start - (6 + i * 40 + case.rng.randint(0, 25)) * DAY
        reason = case.rng.choice(["dizziness", "ankle sprain", "cough", "nose bleed", "chest tightness", "a fall"])
        case.add("encounter", "emergency visit", minutes, ended=minutes + 240, status="finished", text=reason)


def nurse(case: Case, **items: str) -> None:
    """A nursing assessment: a patient who moves well, unless `items` say otherwise."""
    usual = {f"braden_{n}": "3" if n == "friction" else case.rng.choice(["3", "4"]) for n in BRADEN}
    usual |= {
        "fall_history": "no",
        "secondary_diagnosis": "yes",
        "ambulatory_aid": "none or nurse",
        "iv_access": "yes",
        "gait": "normal or bedrest",
        "mental_status": "knows own limits",
        "oral_intake": "eats and drinks",
        "mental_state": "at baseline",
        "pain": f"{case.rng.randint(0, 3)} of 10",
    }
    case.records = [r for r in case.records if r.kind != "nursing"]
    case.add("nursing", "nursing assessment", -case.rng.randint(40, 400), values=usual | items)


def prescribe(case: Case, drug: str, minutes: int | None = None, written: str = "", **values: str) -> str:
    """An active inpatient order; gives its id."""
    taken = {r.values.get("order_id") for r in case.records}
    order = next(o for o in iter(lambda: f"RX{case.rng.randint(100, 999)}", "") if o not in taken)
    case.prescribed += 1
    at = case.start + 30 + 7 * case.prescribed if minutes is None else minutes
    form = {k: v for k, v in table("formulary").get(drug, {}).items() if k != "source"}
    case.add(
        "medication",
        written or drug,
        at,
        status="active",
        values={"order_id": order, "list": "inpatient"} | form | values,
    )
    return order


def barred(case: Case, allergies: list[str] | None) -> bool:
    """Whether the allergies stand against a drug that the problem is treated with."""
    patient = Chart("", 50, "male", allergies=allergies)
    return any(conflict(patient, d) for d in table("problems")[case.problem]["drugs"])


def unrecorded(case: Case, name: str) -> None:
    """Take a vital sign, or an item of the nursing assessment, out of the record."""
    case.vitals = [r for r in case.vitals if r.name != name]
    kept = [(r, {k: v for k, v in r.values.items() if k != name}) for r in case.records]
    case.records = [structs.replace(r, values=v) if r.kind == "nursing" else r for r, v in kept]


def _standing(case: Case) -> None:
    """The home medicines go on and the problem's drugs are ordered; an allergy that stood against one is not there."""
    drugs = table("problems")[case.problem]["drugs"]
    if barred(case, case.fields["allergies"]):
        case.fields["allergies"] = []
    for m in case.fields["medications"]:
        prescribe(case, drug_named(m.drug) or m.drug, dose=m.dose, frequency=m.frequency)
    for drug in drugs:
        prescribe(case, drug)


def at_home(case: Case, drugs: Sequence[str]) -> None:
    """Add medicines taken at home."""
    known = table("formulary")
    added = [Medication(d, known[d]["dose"], known[d]["frequency"]) for d in drugs]
    case.fields["medications"] = [*case.fields["medications"], *added]


def chart(case: Case, **more: Any) -> Chart:
    """The chart; at level 3 height or an old vaccine record is missing."""
    fields = case.fields | more
    if case.level == 3 and case.rng.random() < 0.4:
        fields = fields | {"height_cm": None}
    records = sorted(case.records, key=lambda r: r.minutes)
    labs = sorted(case.labs, key=lambda r: r.minutes)
    seen = {"oxygen": "room air", "consciousness": "alert"} | fields.pop("observations", {})
    return Chart(**{"vitals": case.vitals, "labs": labs, "records": records, "observations": seen} | fields)


def story(case: Case, made: Chart, topics: Mapping[str, list[str]] | None = None) -> Story:
    """What the patient tells beside the record: why, since when, habits, home; the case's own topics first."""
    rng = case.rng
    told = {t: list(layers) for t, layers in (topics or {}).items()}
    usual = {
        "complaint problem wrong trouble brings why": [f"I came because of this: {made.complaint}."],
        "start started begin began long since when": [
            f"It began {rng.choice(['two', 'three', 'five'])} days before I came."
        ],
        "pain hurt hurts ache": [rng.choice(["I have no pain worth telling.", "It is sore, but bearable."])],
        "smoke smoking alcohol drink habits": [
            rng.choice(["I do neither.", "I gave up smoking years ago.", "A beer on Sundays."])
        ],
        "home live alone family help": [
            rng.choice(["I live with my wife.", "I live alone.", "My daughter looks in every day."])
        ],
        "eat eating appetite sleep": [rng.choice(["I eat most of what they bring.", "My appetite is fair."])],
    }
    for topic, layers in (usual | story_of(made).topics).items():
        if topic.startswith("medicine") and MEDICINES in told:
            continue
        if not (topic.startswith("complaint") and any(t.startswith("complaint") for t in told)):
            told.setdefault(topic, layers)
    return Story(told, rng.choice(PERSONAS[case.level]))
