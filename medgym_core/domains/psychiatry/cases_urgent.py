"""Cases with a structured assessment: drug emergencies with their treatment, adolescent eating disorders with the
place of treatment."""

from random import Random
from typing import Any

import msgspec

from medgym_core.domains import Draft
from medgym_core.domains.psychiatry import hearsay, illness, judging, looking, patients, scales
from medgym_core.domains.psychiatry.drafting import (
    among,
    category,
    draft,
    fields,
    ticket,
    unsafe_answers,
    workup,
    world_of,
)
from medgym_core.domains.psychiatry.scales import rule
from medgym_core.types import Call, Chart, Medication

ASK_TOXIC = (
    "On psychotropic drugs and unwell. Submit an assessment with diagnosis and treatment_plan.",
    "Something is wrong after the tablets. Submit diagnosis and treatment_plan as an assessment.",
    "The nurse worries about a drug reaction; submit_assessment with diagnosis and treatment_plan please.",
    "Unwell since last night on psychiatric drugs. Assessment please: diagnosis and treatment_plan.",
    "Could the medicines do this? Submit the assessment, diagnosis plus treatment_plan.",
)
ASK_EATING = (
    "Eating disorder clinic: submit diagnosis and disposition (medical admission or outpatient treatment).",
    "Decide diagnosis and disposition, medical admission or outpatient treatment, and submit the assessment.",
    "Parents ask whether home is safe. Submit diagnosis and disposition: medical admission or outpatient treatment.",
    "School doctor sends for assessment; submit diagnosis and disposition (outpatient treatment or medical admission).",
    "Please assess and submit diagnosis with disposition: outpatient treatment or medical admission.",
)
TOXIC = (
    "serotonin syndrome", "neuroleptic malignant syndrome", "anticholinergic toxicity", "lithium toxicity", "catatonia",
    "alcohol withdrawal delirium",
)  # fmt: skip
EATING = (
    "anorexia nervosa", "bulimia nervosa", "binge-eating disorder", "avoidant/restrictive food intake disorder",
)  # fmt: skip
UNSTABLE = {"heart_rate": (38, 48), "systolic_bp": (74, 88), "temperature": (34.6, 35.4), "potassium": (2.5, 3.3)}
"""One sign of instability, well beyond the limits of the admission rule."""
LOW_WEIGHT = (0.78, 0.84)
"""Shares of the median body mass index that are low and alone no ground for admission."""
DECOYS = {
    "serotonin syndrome": "quetiapine", "neuroleptic malignant syndrome": "sertraline",
    "anticholinergic toxicity": "sertraline", "lithium toxicity": "quetiapine", "catatonia": "lithium",
    "alcohol withdrawal delirium": "sertraline",
}  # fmt: skip
"""A drug that makes another of these emergencies think of itself; the findings speak against it."""
SHOWN_AS = {"systolic_bp": "sbp", "diastolic_bp": "dbp", "temperature": "temp"}


def toxic_syndrome(rng: Random, knowledge: Any) -> Draft:
    """A drug emergency: which, and its specific treatment."""
    name, level = rng.choice(TOXIC), rng.randint(1, 3)
    entry = patients.condition(name)
    case = illness.chart_of(rng, name, level, _signs_of(rng, name, entry))
    taken = case.medications[-1].drug if entry.get("taking") else "nothing new"
    if level > 1 and DECOYS[name] not in [m.drug for m in case.medications]:
        case = msgspec.structs.replace(case, medications=[*case.medications, Medication(DECOYS[name])])
    options = among(rng, name, [n for n in TOXIC if n != name], len(TOXIC))  # all: the cures must not part them
    case, marks = hearsay.referred(rng, level, case, name, [o for o in options if o != name])
    cure = entry["key_treatment"]
    cures = [t for n in TOXIC if (t := patients.condition(n)["key_treatment"]) != cure]
    treatments = among(rng, cure, cures, len(TOXIC))
    usual = [Call("get_vital_signs"), Call("get_current_medications")]
    decisive = illness.deciding_calls(entry)
    calls = [*decisive, *usual] if level == 1 else [*usual, *workup(level - 1, "get_lab_results"), *decisive]
    presented = bool(marks) or bool(set(entry["deciding"]) & set(looking.PRESENTED))
    calls += [Call("get_patient_presentation")] if presented else []
    calls += [Call("assess_serotonin_toxicity")] if name == "serotonin syndrome" else []
    evidence = illness.deciding(entry) + ([("hunter", "positive")] if name == "serotonin syndrome" else [])
    prompt = ticket(rng, case, ASK_TOXIC, told=False)
    return draft(
        "toxic_syndrome",
        f"toxic:{name}:{taken}:{case.complaint}",
        level,
        f"{prompt} Diagnosis: {'; '.join(options)}. Treatment: {'; '.join(treatments)}.",
        case,
        fields(
            diagnosis=category(name, options, synonyms={name: [entry["title"]]}),
            treatment_plan=category(cure, treatments),
        ),
        calls,
        evidence,
        [entry["source"], rule("hunter")["source"]],
        illness.story_of_illness(rng, level, name, case),
        illness.dangers(name, options),
        traits=[*marks, *(["distractors"] if level > 1 else [])],
    )


def _signs_of(rng: Random, name: str, entry: dict[str, Any]) -> dict[str, str]:
    """Hunter signs, catatonic signs and signs of lithium toxicity that go with a condition."""
    hunter = {i: "yes" if i.removeprefix("hunter_") in entry["hunter"] else "no" for i in rule("hunter")["items"]}
    toxic = "coarse tremor, ataxia" if name == "lithium toxicity" else "none"
    return hunter | illness.catatonic_items(rng, name) | {"toxic_signs": toxic}


def eating_disorder(rng: Random, knowledge: Any) -> Draft:
    """Which eating disorder in an adolescent, and whether medical instability calls for admission."""
    name, level, unstable = rng.choice(EATING), rng.randint(1, 3), rng.random() < 0.5
    entry, table = patients.condition(name), rule("admission")
    signs, values = _steady(rng)
    if unstable:
        which = rng.choice(list(UNSTABLE))
        (values if which == "potassium" else signs)[which] = patients.drawn(rng, *UNSTABLE[which])
        signs["diastolic_bp"] = rng.randint(46, 54) if which == "systolic_bp" else signs["diastolic_bp"]
    answers = scales.answers(rng, "scoff", rng.randint(2, 5))
    thin = entry["findings"]["bmi_band"] == "significantly low weight"
    share = LOW_WEIGHT if thin else None
    if level > 1:  # an older count, always reassuring: the one measured here decides
        answers["pulse_at_school"] = f"{rng.randint(58, 84)} /min last {rng.choice(['week', 'Monday', 'month'])}"
    case = illness.chart_of(rng, name, level, answers, signs, values, (13, 19), share)
    reasons = judging.admission(world_of(case))
    where = table["outcomes"][0 if reasons else 1]
    options = among(rng, name, [n for n in EATING if n != name], 4)
    case, marks = hearsay.referred(rng, level, case, name, [o for o in options if o != name])
    why, home = "medical instability sent home", table["outcomes"][1]
    sent_home = unsafe_answers("unsafe disposition", why, 5, table["source"], home)
    look = workup(level, "get_patient_presentation", "get_current_medications")
    return draft(
        "eating_disorder",
        f"eating:{name}:{reasons[0].split()[0] if reasons else f'stable {case.age}'}",
        level,
        f"{ticket(rng, case, ASK_EATING, told=False)} Diagnosis: {'; '.join(options)}.",
        case,
        fields(diagnosis=category(name, options), disposition=category(where, table["outcomes"])),
        [*look, Call("screen_eating_disorder"), Call("get_vital_signs"), Call("get_lab_results")],
        [*illness.deciding(entry), _sign(case, reasons)],
        [entry["source"], table["source"]],
        illness.story_of_illness(rng, level, name, case),
        [*([sent_home] if reasons else []), *illness.dangers(name, options)],
        traits=[*marks, *(["conflict"] if level > 1 and reasons and reasons[0].startswith("heart_rate") else [])],
    )


def _steady(rng: Random) -> tuple[dict[str, float], dict[str, float]]:
    """Vital signs and blood values clear of every admission limit."""
    signs = {
        "heart_rate": rng.randint(62, 92),
        "systolic_bp": rng.randint(100, 122),
        "diastolic_bp": rng.randint(60, 76),
        "temperature": round(rng.uniform(36.2, 37.1), 1),
    }
    return signs, {"potassium": round(rng.uniform(3.8, 4.6), 1), "phosphate": round(rng.uniform(3.2, 4.4), 1)}


def _sign(case: Chart, reasons: list[str]) -> tuple[str, str]:
    """The sign that decides the admission, as its tool shows it; without one the heart rate."""
    pulse = world_of(case).vital("heart_rate")
    name, value = reasons[0].split() if reasons else ("heart_rate", f"{pulse.value:g}" if pulse else "")
    return SHOWN_AS.get(name, name), value
