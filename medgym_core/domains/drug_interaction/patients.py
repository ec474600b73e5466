"""Patients: people who fit their drugs, lists without accidental hazards, charts with ordinary noise."""

from random import Random
from typing import Any

from medgym_core.domains.drug_interaction import rules
from medgym_core.domains.drug_interaction.rules import table
from medgym_core.types import Chart, Medication, Reading

ADULT = (32, 88)  # years of a patient drawn for a drug; drugs with a narrower use say so in `ages`
ANY_ADULT = (18, 90)  # years at which a bystander drug is plausible
WEEK = 7 * 24 * 60  # minutes
PREGNANCY_AGES = (19, 43)
USUAL_IN_PREGNANCY = ("vitamin", "oral iron", "calcium salt", "beta agonist", "insulin", "analgesic", "antihistamine")
FERTILE = 50  # years; above it a woman's chart says not pregnant
STRAY_ALLERGENS = ("penicillin", "sulfonamide antibiotic", "aspirin", "ciprofloxacin", "erythromycin", "cephalexin")


def window(drug: str) -> tuple[int, int]:
    low, high = table("drugs")[drug].get("ages", ADULT)
    return low, high


def person(rng: Random, drugs: list[str]) -> tuple[rules.Sex, int] | None:
    """A sex and an age that fit all these drugs, or None."""
    sexes = {table("drugs")[d]["sex"] for d in drugs if "sex" in table("drugs")[d]}
    low = max((window(d)[0] for d in drugs), default=ADULT[0])
    high = min((window(d)[1] for d in drugs), default=ADULT[1])
    if len(sexes) > 1 or low > high:
        return None
    sex = sexes.pop() if sexes else rng.choice(("female", "male"))
    return sex, rng.randint(low, high)


def fits(drug: str, sex: str, age: int) -> bool:
    """Whether the drug may stand on the list of someone of that sex and age."""
    low, high = table("drugs")[drug].get("ages", ANY_ADULT)
    return table("drugs")[drug].get("sex", sex) == sex and low <= age <= high and not rules.acute(drug)


def mild(severity: str | None) -> bool:
    """Not a combination a list would hold unnoticed."""
    return rules.rank(severity) >= rules.SEVERITIES.index("moderate")


def companions(
    rng: Random, count: int, sex: str, age: int, keys: list[str], floor: int, allergies: list[str] | None = None,
    apart: bool = False, pregnant: bool = False, decoy: bool = False,
) -> list[str]:  # fmt: skip
    """Up to `count` common drugs beside the key drugs (the last key is the one in question).

    None of them interacts with the drug in question at rank `floor` or graver, nor badly with another drug of the list
    (with `apart`: at rank `floor` or graver with any), repeats a class or meets a recorded allergy;
    `pregnant`: only what is usual in pregnancy; `decoy`: one of them has a lesser listed interaction, if any can.
    """
    chosen: list[str] = []
    fitting = [d for d in table("drugs") if fits(d, sex, age) and d not in keys]
    pool = [d for d in fitting if table("drugs")[d].get("common")]
    pool = rng.sample(pool, len(pool))
    if decoy:
        lesser = [d for d in fitting if floor < rules.rank(rules.severity(d, keys[-1])) < len(rules.SEVERITIES)]
        pool = rng.sample(lesser, min(1, len(lesser))) + pool
    for drug in pool:
        others = [*keys, *chosen]
        if len(chosen) == count:
            break
        if table("drugs")[drug]["class"] in [table("drugs")[o]["class"] for o in others]:
            continue
        if keys and rules.rank(rules.severity(drug, keys[-1])) <= floor:
            continue
        if not all(mild(rules.severity(drug, o)) for o in others):
            continue
        if apart and any(rules.rank(rules.severity(drug, o)) <= floor for o in others):
            continue
        if rules.worst_allergy(drug, allergies or [])[0] != rules.NO_CONFLICT:
            continue
        if pregnant and not usual_in_pregnancy(drug):
            continue
        chosen.append(drug)
    return chosen


def usual_in_pregnancy(drug: str) -> bool:
    advice = table("pregnancy").get(drug, {}).get("advice", "")
    return advice == "no increased risk seen" or (not advice and table("drugs")[drug]["class"] in USUAL_IN_PREGNANCY)


def medication(rng: Random, drug: str, recorded: bool = True) -> Medication:
    doses = table("dosage").get(drug, {}).get("doses", []) if recorded else []
    if not doses:
        return Medication(drug)
    amount, unit, frequency = rng.choice(doses).split(" ", 2)
    return Medication(drug, f"{amount} {unit}", frequency)


def body(rng: Random, sex: str) -> tuple[int, int]:
    """Height in cm and weight in kg."""
    height = round(rng.gauss(176 if sex == "male" else 163, 6))
    return height, round(rng.uniform(20, 34) * (height / 100) ** 2)


def stray_allergies(rng: Random, level: int, drugs: list[str]) -> list[str] | None:
    """Recorded allergies that touch none of these drugs; sometimes none, on harder levels sometimes not recorded."""
    if level == 3 and rng.random() < 0.15:
        return None
    harmless = [a for a in STRAY_ALLERGENS if all(rules.allergy(d, a)[0] == rules.NO_CONFLICT for d in drugs)]
    return rng.sample(harmless, min(len(harmless), rng.choice((0, 0, 1, 1, 2))))


def clearance_limit(age: int) -> int:
    """The best creatinine clearance, in mL/min, a case of that age has here; it falls with age."""
    return min(115, 160 - age)


def creatinine_for(sex: rules.Sex, age: int, weight: float, clearance: float) -> float:
    """Serum creatinine in mg/dL that gives about this clearance."""
    return round(rules.creatinine_clearance(age, weight, 1.0, sex) / clearance, 2)


def chart(rng: Random, level: int, sex: rules.Sex, age: int, drugs: list[str], **known: Any) -> Chart:
    """A chart around these current drugs; `known` fixes fields (`creatinine`, `potassium` None: not measured)."""
    height, weight = body(rng, sex)
    weight = known.pop("weight", weight)
    creatinine = known.pop("creatinine", creatinine_for(sex, age, weight or 70, rng.uniform(62, clearance_limit(age))))
    potassium = known.pop("potassium", round(rng.uniform(3.6, 4.9), 1))
    labs = [] if potassium is None else [Reading("potassium", potassium, "mmol/L")]
    labs += known.pop("labs", [])
    if level > 1:
        labs.append(Reading("hemoglobin", round(rng.uniform(11.5, 15.5), 1), "g/dL"))
    if creatinine is not None:
        if level > 1:
            earlier = round(creatinine * rng.uniform(0.7, 0.95), 2)
            labs.append(Reading("creatinine", earlier, "mg/dL", -WEEK * rng.randint(4, 40)))
        labs.append(Reading("creatinine", creatinine, "mg/dL"))
    fields: dict[str, Any] = {
        "patient_id": f"P{rng.randint(10000, 99999)}", "age": age, "sex": sex, "weight_kg": weight, "height_cm": height,
        "conditions": [*known.pop("conditions", []), *dict.fromkeys(table("drugs")[d]["use"] for d in drugs)],
        "medications": [medication(rng, d, level < 3 or rng.random() < 0.8) for d in rng.sample(drugs, len(drugs))],
        "labs": labs,
    }  # fmt: skip
    if "allergies" not in known:
        fields["allergies"] = stray_allergies(rng, level, drugs)
    if sex == "female":
        fields["pregnant"] = None if level == 3 and age < FERTILE and rng.random() < 0.2 else False
    return Chart(**fields | known)


def who(chart: Chart) -> str:
    """The patient in a clinician's words."""
    return f"{chart.age}-year-old {'man' if chart.sex == 'male' else 'woman'}"
