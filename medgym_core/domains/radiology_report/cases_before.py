"""Cases before a study: contrast medium, kidney function, pregnancy, which study at all, and the dose it gave."""

from random import Random
from typing import Any

from medgym_core import facts
from medgym_core.domains import Draft
from medgym_core.domains.radiology_report import patients, safety
from medgym_core.domains.radiology_report.drafting import draft, request, wrong
from medgym_core.domains.radiology_report.reading import DOMAIN
from medgym_core.tools import World, number
from medgym_core.types import Call, Chart, Gold, Medication, Reading, speech

ASK_CONTRAST = (
    "{agent} into a vein is planned: {options}?",
    "May {agent} be given to this patient? One of {options}.",
    "What has to happen before {agent} is injected: {options}?",
    "The room asks about {agent}. Decide: {options}.",
    "Clear this patient for {agent}, or not: {options}?",
)
DECISIONS = safety.CONTRAST[:-1]
REACTIONS = {
    "premedicate": ["hives", "itching", "wheeze", "widespread urticaria"],
    "another examination": ["anaphylactic shock", "laryngeal oedema"],
}
HARMLESS = ["shellfish: hives", "povidone-iodine: rash", "penicillin: rash"]
IODINATED, GADOLINIUM = ["iohexol", "iopamidol", "iodixanol"], ["gadobutrol", "gadoterate meglumine"]
METFORMIN = Medication("metformin", "500 mg", "twice daily")
ASK_CREATININE = (
    "{agent} into a vein is planned and kidney function is not known yet. Find it out, then decide: {options}?",
    "Get what is missing before {agent}, then choose: {options}.",
    "No recent creatinine, {agent} planned. Order it, wait for it, and decide: {options}.",
    "Prepare this patient for {agent}; the laboratory has nothing yet. In the end: {options}?",
    "Sort out kidney function before {agent} and tell me: {options}?",
)
AFTER_CREATININE = ["proceed", "saline", "saline and withhold metformin", "another agent"]
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
PATIENTS_FOR: dict[str, tuple[str, tuple[int, int]]] = {
    "pregnant": ("female", (19, 41)), "child": ("", (6, 15)), "under 30": ("female", (18, 28)),
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


def waiting(rng: Random, who: dict[str, Any]) -> list[Any]:
    """An old radiograph of the patient: nothing that matters here."""
    return [patients.shot(rng, "ST-1", "normal chest radiograph", who, days_ago=rng.randint(30, 900), site="chest")]


def creatinine(rng: Random, *, low: bool) -> Reading:
    value = rng.uniform(3.6, 6.5) if low else rng.uniform(0.6, 0.95)
    return Reading("creatinine", round(value, 2), "mg/dL", -rng.randint(60, 600))


def _decided(rng: Random, who: dict[str, Any], value: str, level: int) -> tuple[str, list[Reading]]:
    """Agent and kidney function with which the decision comes out; changes allergies, illnesses and medicines."""
    own = list(who["conditions"])
    who["allergies"] = [rng.choice(HARMLESS)] if level > 1 and rng.random() < 0.6 else []
    low = value in ("saline", "saline and withhold metformin", "another agent")
    if value in REACTIONS:
        kind = rng.choice([IODINATED, GADOLINIUM])
        culprit, agent = rng.sample(kind, 2)  # the same agent again would call for another one first
        who["allergies"] = [*who["allergies"], f"{culprit}: {rng.choice(REACTIONS[value])}"]
        return agent, [creatinine(rng, low=False)]
    if low:
        who["conditions"] = ["chronic kidney disease", *own]
    if value == "saline and withhold metformin":
        who["conditions"] = ["type 2 diabetes", *who["conditions"]]
        who["medications"] = [METFORMIN, *who["medications"]]
    if value == "another agent":
        return "gadodiamide", [creatinine(rng, low=True)]
    if value == "proceed":
        kind = rng.choice(["normal", "metformin", "group II"])
        if kind == "group II":
            who["conditions"] = ["chronic kidney disease", *own]
            return rng.choice(GADOLINIUM), [creatinine(rng, low=True)]
        if kind == "metformin":
            who["conditions"], who["medications"] = ["type 2 diabetes", *own], [METFORMIN, *who["medications"]]
        return rng.choice(IODINATED), [creatinine(rng, low=False)]
    return rng.choice(IODINATED), [creatinine(rng, low=True)]


def _unsafe_contrast(value: str, source: str) -> list[Any]:
    """Going ahead where something has to be done first."""
    why = {
        "another examination": (5, "the agent class that nearly killed the patient is given again"),
        "another agent": (5, "a group I gadolinium agent is given below an eGFR of 30"),
        "premedicate": (4, "an earlier allergic-like reaction is ignored"),
        "saline": (4, "contrast without protection below an eGFR of 30"),
        "saline and withhold metformin": (4, "contrast without protection below an eGFR of 30 on metformin"),
    }
    if value not in why:
        return []
    severity, words = why[value]
    return wrong(words, severity, source, ["proceed"])


def contrast_safety(rng: Random, knowledge: Any) -> Draft | None:
    """What has to be done before a contrast medium is given."""
    value, level = rng.choice(DECISIONS), rng.randint(1, 3)
    who = patients.person(rng, "ct chest", level, ages=(30, 84))
    agent, labs = _decided(rng, who, value, level)
    case = patients.chart(who, waiting(rng, who), labs=labs)
    outcome = safety.contrast(World(case), agent)
    if outcome.value != value:
        return None
    source = facts.load(DOMAIN, "contrast")["limits"]["source"]
    evidence = {"decision": value, "egfr": outcome.parts["egfr"].split()[0]}
    if value in REACTIONS:
        evidence = {"decision": value, "reaction": outcome.parts["reaction"]}
    return draft(
        "contrast_safety",
        f"contrast:{value}:{agent}:{len(case.conditions)}:{len(case.allergies or [])}",
        level,
        request(rng, case, ASK_CONTRAST, agent=agent, options=", ".join(DECISIONS)),
        case,
        Gold("category", value, options=DECISIONS),
        [Call("get_clinical_history"), Call("check_contrast_safety", {"agent": agent})],
        evidence,
        [source, "Inker et al., CKD-EPI 2021, N Engl J Med 2021"],
        patients.story(rng, case, "ct chest"),
        unsafe=_unsafe_contrast(value, source),
    )


def contrast_creatinine(rng: Random, knowledge: Any) -> Draft | None:
    """Kidney function is missing: order it, wait, decide."""
    value, level = rng.choice(AFTER_CREATININE), rng.randint(1, 3)
    who = patients.person(rng, "ct chest", level, ages=(30, 84))
    low = value != "proceed"
    who["allergies"] = [rng.choice(HARMLESS)] if level > 1 else []
    agent = "gadodiamide" if value == "another agent" else rng.choice([*IODINATED, *(["gadodiamide"] * (not low))])
    ill = "chronic kidney disease" if value in ("saline", "another agent") else "type 2 diabetes"
    who["conditions"] = [ill, *who["conditions"]]
    if ill == "type 2 diabetes":
        who["medications"] = [METFORMIN, *who["medications"]]
    result = creatinine(rng, low=low)
    result = Reading("creatinine", result.value, "mg/dL", 45)
    case = patients.chart(who, waiting(rng, who), pending={"creatinine": [result]})
    world = World(case)
    if safety.contrast(world, agent).value != "insufficient: creatinine":
        return None
    world.place("creatinine", 0)
    outcome = safety.contrast(world, agent)
    if outcome.value != value:
        return None
    source = facts.load(DOMAIN, "contrast")["limits"]["source"]
    return draft(
        "contrast_creatinine",
        f"creatinine:{value}:{agent}:{int(result.value * 2)}:{case.age // 10}",
        level,
        request(rng, case, ASK_CREATININE, agent=agent, options=", ".join(AFTER_CREATININE)),
        case,
        Gold("category", value, options=AFTER_CREATININE),
        [
            Call("get_lab_results"),
            Call("order_test", {"test": "creatinine"}),
            Call("wait", {"minutes": facts.load(DOMAIN, "tests")["creatinine"]["minutes"]}),
            Call("get_test_results"),
            Call("check_contrast_safety", {"agent": agent}),
        ],
        {"creatinine": number(result.value), "egfr": outcome.parts["egfr"].split()[0], "decision": value},
        [source, "Inker et al., CKD-EPI 2021, N Engl J Med 2021"],
        patients.story(rng, case, "ct chest"),
        unsafe=_unsafe_contrast(value, source),
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
    days = None
    if value in ("pregnancy test", safety.UNLIKELY):
        late = value == "pregnancy test"
        days = rng.choice([d for d in NUMBERS if (d > rule["cycle_days"]) == late])
    outcome = safety.pregnancy(World(case), exam, days)
    if outcome.value != value:
        return None
    topics = [f"I am {'pregnant' if who['pregnant'] else 'not sure about my periods'}."]
    calls, evidence = [Call("get_clinical_history")], {"decision": value}
    check = {"exam": exam}
    persona = rng.choice(["plain", "anxious", "stoic", "vague"])
    if days is not None:
        topics = [f"My last period began {NUMBERS[days]} days ago."]
        calls = [speech("When was your last period, could you be pregnant?")]
        if persona == "vague":
            calls.append(speech("How many days ago did your period begin?"))
        check["days_since_period"] = days
        evidence["period began"] = f"{NUMBERS[days]} days ago"
    else:
        evidence["pregnancy" if known else "age"] = "pregnant" if known else f"{case.age} years"
    calls.append(Call("check_pregnancy_before_imaging", check))
    return draft(
        "before_imaging",
        f"pregnancy:{value}:{exam}:{days}:{who['complaint']}",
        level,
        request(rng, case, ASK_PREGNANCY, exam=exam, options="; ".join(safety.PREGNANCY)),
        case,
        Gold("category", value, options=safety.PREGNANCY),
        calls,
        evidence,
        [rule["source"]],
        patients.story(rng, case, "gallbladder", persona, **{PERIOD_TOPIC.replace(" ", "_"): topics}),
        unsafe=wrong("the pelvis is exposed although she is or may be pregnant", 4, rule["source"],
            [safety.NOT_EXPOSED, safety.UNLIKELY] if value in safety.PREGNANCY[2:] else []),
    )  # fmt: skip


def appropriateness(rng: Random, knowledge: Any) -> Draft | None:
    """Which study comes first for this question in this patient."""
    table = facts.load(DOMAIN, "appropriateness")
    ways = [(t, v) for t, e in table.items() for v in ("", *e["variants"])]
    topic, variant = rng.choice(ways)
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
    case = patients.chart(who, waiting(rng, who), labs=labs, observations=observations)
    study = str(safety.study_for(World(case), topic).value)
    if study != (entry["variants"][variant] if variant else entry["default"]):
        return None
    evidence = {f"if {variant}": study} if variant else {"usually": study}
    calls = [Call("get_clinical_history"), Call("get_protocol_appropriateness", {"topic": topic})]
    if labs:
        calls.insert(1, Call("get_lab_results"))
        evidence["d_dimer"] = number(labs[0].value)
    elif "saddle_sensation" in observations:
        evidence["saddle_sensation"] = observations["saddle_sensation"]
    elif variant == "pregnant":
        evidence["pregnancy"] = "pregnant"
    else:
        evidence["age"] = f"{case.age} years"
    options = sorted({s for e in table.values() for s in (e["default"], *e["variants"].values())})
    tempting = [entry["default"]] if variant in ("pregnant", "child", "cauda equina signs") else []
    return draft(
        "appropriateness",
        f"study:{topic}:{variant}:{case.sex}:{case.age // 10}",
        level,
        request(rng, case, ASK_STUDY, topic=topic),
        case,
        Gold("category", study, options=options),
        calls,
        evidence,
        [entry["source"]],
        patients.story(rng, case, "chest radiograph"),
        unsafe=wrong(f"the usual study although the patient is special: {variant}", 4, entry["source"], tempting),
    )


def effective_dose(rng: Random, knowledge: Any) -> Draft | None:
    """Dose-length product times k of region and age."""
    region, level = rng.choice(["head", "chest"]), rng.randint(1, 3)
    age = rng.choice([5, 10, rng.randint(20, 80), rng.randint(20, 80)])
    name = "normal head ct" if region == "head" else "no nodule"
    scene = patients.setting_of(name)
    who = patients.person(rng, scene, level, ages=(age, age))
    if age < 18:
        who["complaint"] = rng.choice(["a fall from a climbing frame", "a car accident", "a fall from a bicycle"])
    ids = patients.names(rng, 2)
    shots = [patients.shot(rng, ids[0], name, who)]
    if level > 1:
        shots.append(
            patients.shot(rng, ids[1], "normal chest radiograph", who, days_ago=rng.randint(20, 90), site="chest")
        )
    dlp = rng.randint(120, 420) if age < 18 else rng.randint(250, 1100)
    data = patients.data_of(shots[:1], who, region=region, dlp=f"{dlp} mGy.cm")
    case = patients.chart(who, shots, [data])
    outcome = safety.dose(World(case), region, float(dlp))
    if outcome.value is None:
        return None
    value = float(outcome.value)
    source = facts.load(DOMAIN, "dose")[region]["source"]
    adult = round(dlp * facts.load(DOMAIN, "dose")[region]["k"]["adult"], 2)
    return draft(
        "effective_dose",
        f"dose:{region}:{age}:{dlp // 50}",
        level,
        request(rng, case, ASK_DOSE, study=ids[0]),
        case,
        Gold("number", value, max(0.02, round(0.01 * value, 2)), "mSv"),
        [Call("get_study_info", {"study_id": ids[0]}), Call("get_radiation_dose", {"study_id": ids[0]})],
        {"dlp": f"{dlp} mGy.cm", "k": outcome.parts["k"], "effective_dose": number(value)},
        [source],
        patients.story(rng, case, scene),
        unsafe=wrong("a child's dose by the adult factor", 3, source, [number(adult), f"{number(adult)} mSv"])
        if age < 18 and abs(adult - value) > 0.05
        else [],
    )
