"""Cases before a study and after it: pregnancy, which study at all, and the dose it gave."""

from random import Random
from typing import Any

from medgym_core import facts
from medgym_core.domains import Draft
from medgym_core.domains.radiology_report import patients, safety
from medgym_core.domains.radiology_report.cases_contrast import waiting
from medgym_core.domains.radiology_report.drafting import draft, request, wrong
from medgym_core.domains.radiology_report.reading import DOMAIN
from medgym_core.tools import World, number
from medgym_core.types import SAY, Call, Chart, Gold, Harm, Reading, speech

ASK_PREGNANCY = (
    "A {exam} is requested. With regard to pregnancy: {options}?",
    "Can the {exam} go ahead? Pregnancy is the question: {options}.",
    "Pregnancy check before a {exam}: {options}?",
    "The room is ready for a {exam}. Decide as to pregnancy: {options}.",
    "Is there a pregnancy problem with this {exam}? One of {options}.",
)
PERIOD_TOPIC = "period pregnant pregnancy menstruation cycle"
NUMBERS = {5: "five", 9: "nine", 12: "twelve", 16: "sixteen", 20: "twenty", 24: "twenty-four", 36: "thirty-six",
    40: "forty", 45: "forty-five", 50: "fifty"}  # fmt: skip
"""Days in words: a poor historian forgets figures, not this."""
ASK_STUDY = (
    "The question is {topic}. Which study comes first, if any?",
    "What should be done first for {topic} in this patient, by the ACR criteria?",
    "First study for {topic}, please, if one is needed at all?",
    "Choose the first imaging study: {topic}.",
    "The ward asks which examination to book for {topic}.",
)
ASK_BOTH = (
    "Effective dose of {study} together, in mSv?",
    "How many mSv did {study} give in all?",
    "Two scans today, {study}: please add up their effective doses in mSv.",
    "What did {study} come to, summed, in mSv? The family asks.",
    "Record the total effective dose (mSv) of today's scans, {study}.",
)
PATIENTS_FOR: dict[str, tuple[str, tuple[int, int]]] = {
    "pregnant": ("female", (19, 41)), "child": ("", (6, 15)), "under 30": ("female", (18, 28)),
    "negative rule": ("", (20, 52)),
    "palpable breast mass": ("female", (42, 75)), "acute scrotal pain": ("male", (18, 50)),
    "acute low back pain": ("", (22, 48)), "chronic headache without warning signs": ("", (20, 48)),
}  # fmt: skip
ASK_DOSE = (
    "Effective dose of {study} in mSv?",
    "How many mSv did {study} give?",
    "Please work out the effective dose of {study} in mSv from its dose data.",
    "The parents or the patient ask for the dose of {study} in mSv.",
    "Record the effective dose (mSv) of {study}.",
)


def before_imaging(rng: Random, knowledge: Any) -> Draft | None:
    """Whether an examination may be done with regard to pregnancy; the last period has to be asked."""
    rule = facts.load(DOMAIN, "pregnancy")["rules"]
    value, level = rng.choice(safety.PREGNANCY), rng.randint(1, 3)
    exposed = value != safety.NOT_EXPOSED
    exam = rng.choice(rule["direct"] if exposed else [*rule["remote"], *rule["none"]])
    who = patients.person(rng, "gallbladder", level, sex="female", ages=(16, 47))
    known = value.startswith("examination")
    if known or (not exposed and rng.random() < 0.5):
        who["pregnant"], who["gestation_days"] = True, rng.randint(50, 200)
        who["conditions"], who["medications"] = [], []
    case: Chart = patients.chart(who, waiting(rng, who))
    unsure = value == "pregnancy test" and level == 3
    days = None
    if value in ("pregnancy test", safety.UNLIKELY) and not unsure:
        late = value == "pregnancy test"
        days = rng.choice([d for d in NUMBERS if (d > rule["cycle_days"]) == late])
    shown = safety.pregnancy(World(case), exam, days)
    if shown.value != (None if unsure else value):
        return None
    persona = rng.choice(["plain", "anxious", "stoic", "vague"])
    topics, calls, evidence = _period(rng, days, unsure, persona, bool(who["pregnant"]))
    evidence |= {"fetus": "in the beam"} if unsure else {"decision": value}
    if not calls:
        calls = [Call("get_clinical_history")]
        evidence["pregnancy" if known else "age"] = "pregnant" if known else f"{case.age} years"
    check = {"exam": exam} | ({} if days is None else {"days_since_period": days})
    return draft(
        "before_imaging",
        f"pregnancy:{value}:{exam}:{'unsure' if unsure else days}:{who['complaint']}",
        level,
        request(rng, case, ASK_PREGNANCY, exam=exam, options="; ".join(safety.PREGNANCY)),
        case,
        Gold("category", value, options=safety.PREGNANCY),
        [*calls, Call("check_pregnancy_before_imaging", check)],
        evidence,
        [rule["source"]],
        patients.story(rng, case, "gallbladder", persona, **{PERIOD_TOPIC.replace(" ", "_"): topics}),
        unsafe=wrong("the pelvis is exposed although she is or may be pregnant", 4, "pregnancy", rule["source"],
            [safety.NOT_EXPOSED, safety.UNLIKELY] if value in safety.PREGNANCY[2:] else []),
        after={"check_pregnancy_before_imaging": SAY} if days is not None or unsure else {},
        traits=["atypical"] if unsure else ["distractors"] if not exposed and who["pregnant"] else [],
    )  # fmt: skip


def _period(
    rng: Random, days: int | None, unsure: bool, persona: str, pregnant: bool
) -> tuple[list[str], list[Call], dict[str, str]]:
    """What she tells of her period, the questions, and what the answer shows."""
    if days is None and not unsure:
        return [f"I am {'pregnant' if pregnant else 'not sure about my periods'}."], [], {}
    calls = [speech("When was your last period, could you be pregnant?")]
    if persona == "vague":
        calls.append(speech("How many days ago did your period begin?"))
    if unsure:
        first, then = rng.choice(IRREGULAR)
        return [f"{first} {then}."], calls, {first: then}
    words = f"{NUMBERS[days or 0]} days ago"
    return [f"My last period began {words}."], calls, {"period began": words}


IRREGULAR = (
    ("My periods come", "as they like and I do not keep track"), ("I could not tell you", "they were never regular"),
    ("I have lost count", "since I stopped writing it down"),
)  # fmt: skip


def appropriateness(rng: Random, knowledge: Any) -> Draft | None:
    """Which study comes first for this question in this patient."""
    table = facts.load(DOMAIN, "appropriateness")
    ways = [(t, v, s) for t, e in table.items() for v, s in (("", e["default"]), *e["variants"].items())]
    options = sorted({s for _, _, s in ways})
    wanted = rng.choice(options)
    topic, variant, _ = rng.choice([w for w in ways if w[2] == wanted])
    entry, level = table[topic], rng.randint(1, 3)
    sex, ages = PATIENTS_FOR.get(variant) or PATIENTS_FOR.get(topic) or ("", (22, 78))
    who = patients.person(rng, "chest radiograph", level, sex=sex, ages=ages)
    who["complaint"] = topic
    labs, observations = [], {}
    if variant == "pregnant":
        who |= {"pregnant": True, "gestation_days": rng.randint(50, 220), "conditions": [], "medications": []}
    elif "pregnant" in entry["variants"] and who["sex"] == "female":
        who["pregnant"] = False
    if topic == "suspected pulmonary embolism":
        value = rng.randint(150, 420) if variant else rng.randint(900, 4000)
        labs = [Reading("d_dimer", float(value), "ng/mL{FEU}", -30)]
        observations = {"pretest_probability": "low"}
    if topic == "acute low back pain":
        observations = {"saddle_sensation": "lost" if variant else "normal"}
    if "rule" in entry:
        observations = {"decision_rule": f"{entry['rule']}, {'negative' if variant else 'positive'}"}
    case = patients.chart(who, waiting(rng, who), labs=labs, observations=observations)
    study = str(safety.study_for(World(case), topic).value)
    if study != wanted:
        return None
    evidence = {f"if {variant}": study} if variant else {"usually": study}
    calls = [Call("get_clinical_history"), Call("get_protocol_appropriateness", {"topic": topic})]
    if labs:
        calls.insert(1, Call("get_lab_results"))
        evidence["d_dimer"] = number(labs[0].value)
    elif observations:
        evidence |= observations
    elif variant == "pregnant":
        evidence["pregnancy"] = "pregnant"
    else:
        evidence["age"] = f"{case.age} years"
    harm = HARMS.get(variant)
    return draft(
        "appropriateness",
        f"study:{topic}:{variant}",
        level,
        request(rng, case, ASK_STUDY, topic=topic),
        case,
        Gold("category", study, options=options),
        calls,
        evidence,
        [entry["source"]],
        patients.story(rng, case, "chest radiograph"),
        unsafe=wrong(f"the usual study although the patient is special: {variant}", 4, harm, entry["source"],
            [entry["default"]]) if harm else [],
        traits=["atypical"] if variant else [],
    )  # fmt: skip


HARMS: dict[str, Harm] = {"pregnant": "pregnancy", "child": "contraindication", "cauda equina signs": "missed red flag"}
"""Variants in which the usual study does harm."""


def effective_dose(rng: Random, knowledge: Any) -> Draft | None:
    """Dose-length product times k of region and age; at level 3 of two examinations together."""
    level, regions = rng.randint(1, 3), rng.sample(["head", "chest"], 2)
    regions = regions if level == 3 else regions[:1]
    age = rng.choice([5, 10, rng.randint(20, 80), rng.randint(20, 80)])
    scenes = {"head": "normal head ct", "chest": "no nodule"}
    who = patients.person(rng, patients.setting_of(scenes[regions[0]]), level, ages=(age, age))
    if age < 18:
        who["complaint"] = rng.choice(["a fall from a climbing frame", "a car accident", "a fall from a bicycle"])
    ids = patients.names(rng, 3)
    shots, data = [], []
    for name, region in zip(ids, regions, strict=False):
        site = patients.elsewhere(patients.setting_of(scenes[region]))
        shots.append(patients.shot(rng, name, scenes[region], who, site=site))
        dlp = rng.randint(120, 420) if age < 18 else rng.randint(250, 1100)
        data.append(patients.data_of(shots[-1:], who, region=region, dlp=f"{dlp} mGy.cm"))
    if level > 1:
        old = patients.shot(rng, ids[2], "normal chest radiograph", who, days_ago=rng.randint(20, 90), site="chest")
        shots.append(old)
    case = patients.chart(who, shots, data)
    doses = [_dose(case, d.values) for d in data]
    if any(d is None for d in doses):
        return None
    source = facts.load(DOMAIN, "dose")[regions[0]]["source"]
    value, adult = (round(sum(d[i] for d in doses if d), 2) for i in (0, 1))
    calls = [Call(t, {"study_id": i}) for i in ids[: len(data)] for t in ("get_study_info", "get_radiation_dose")]
    child = age < 18 and abs(adult - value) > 0.05
    return draft(
        "effective_dose",
        f"dose:{'+'.join(regions)}:{age}:{int(value * 2)}",
        level,
        request(rng, case, ASK_BOTH if len(data) > 1 else ASK_DOSE, study=" and ".join(sorted(ids[: len(data)]))),
        case,
        Gold("number", value, max(0.02, round(0.01 * value, 2)), "mSv"),
        calls,
        {"dlp": data[-1].values["dlp"], "effective_dose": number(doses[-1][0] if doses[-1] else 0.0)},
        [source],
        patients.story(rng, case, who["scene"]),
        unsafe=wrong("a child's dose by the adult factor", 3, "dose", source, [number(adult)] if child else []),
        traits=["atypical"] if child else ["distractors"] if level > 1 else [],
    )


def _dose(case: Chart, values: dict[str, str]) -> tuple[float, float] | None:
    """Effective dose of a study, and what it would be by the factor of an adult."""
    region, dlp = values["region"], float(values["dlp"].split()[0])
    outcome = safety.dose(World(case), region, dlp)
    if outcome.value is None:
        return None
    return float(outcome.value), round(dlp * facts.load(DOMAIN, "dose")[region]["k"]["adult"], 2)
