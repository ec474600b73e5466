"""Blood gas cases: name the whole disorder, or find its cause.

From level 2 on a gas of another day lies on the chart; at level 3 a low albumin hides part of the anion gap.
"""

from random import Random
from typing import Any

from medgym_core.clinical.acid_base import ph_of
from medgym_core.domains import Draft
from medgym_core.domains.clinical_diagnosis import acid_base, patients, stories, tables, traps
from medgym_core.domains.clinical_diagnosis.drafting import awaited, draft, either, handed_over, request, shuffled
from medgym_core.domains.clinical_diagnosis.scoring import gas_lines
from medgym_core.tools import number
from medgym_core.types import Call, Gold, Reading, Trait

DISORDERS = (
    "high anion gap metabolic acidosis", "normal anion gap metabolic acidosis", "metabolic alkalosis",
    "acute respiratory acidosis", "chronic respiratory acidosis", "acute respiratory alkalosis",
    "high anion gap metabolic acidosis with respiratory alkalosis",
    "high anion gap metabolic acidosis with respiratory acidosis",
    "high anion gap metabolic acidosis with metabolic alkalosis",
)  # fmt: skip
COMPLAINTS = ("weakness since yesterday", "feeling very ill", "drowsiness", "fast breathing", "confusion since noon",
              "vomiting and weakness", "a collapse at home")  # fmt: skip
READ = (
    "Send a blood gas and name the whole acid-base disorder: {options}.",
    "Which disorder is it now, {options}? Today's gas has not been taken; chemistry is on the chart.",
    "Please take a gas, step through it and choose: {options}.",
    "Get a new arterial gas back and tell me the full disorder, one of {options}.",
    "Acid-base reading wanted, second disorder included: {options}. Take the gas first.",
    "How do you read the acid-base state of this hour: {options}? It needs a fresh gas.",
)
CAUSE = (
    "The gas is back. What causes the disorder: {options}?",
    "Read the gas and the rest of the chart, ask the patient, and name the cause: {options}.",
    "Which cause explains this gas, {options}? Use results and history.",
    "Find the cause of the acid-base disorder among {options}.",
    "Step through the gas, then decide on the cause: {options}.",
)


def blood_gas(rng: Random, knowledge: Any) -> Draft | None:
    """Order the gas and name the disorder with what is added to it."""
    level = rng.randint(1, 3)
    target = rng.choice(DISORDERS)
    who = patients.person(rng, level, (22, 84), comorbid=min(level - 1, 1), avoid=("furosemide",))
    hidden = level == 3
    gas, chemistry, read = _values(rng, target, rng.uniform(1.6, 2.6) if hidden else None)
    traits: list[Trait] = ["conflict"] if level > 1 else []
    traits += ["atypical"] if hidden and target.startswith("high") else []
    waiting = patients.numeric(rng, who, "arterial blood gas", {}, {n: gas[n] for n in ("pco2", "bicarbonate")})
    labs = [r for r in patients.results(rng, who, ["bmp", "cbc"], chemistry) if r.name != "bicarbonate"]
    if level > 1:
        labs = [*_another_day(rng, target), *labs]
    chart = patients.chart(
        who, complaint=rng.choice(COMPLAINTS), labs=labs, pending={"arterial blood gas": waiting},
        vitals=patients.vital_signs(rng, who, {}, earlier=level - 1),
        observations=patients.examined(rng, {}, level - 1),
        records=patients.records(rng, who["age"], level),
    )  # fmt: skip
    story = stories.story(rng, chart, stories.plain_topics(rng))
    options = shuffled(rng, target, list(DISORDERS))
    calls = [*awaited("arterial blood gas")[:2], Call("interpret_abg")]
    prompt = request(rng, chart, READ, options=either(options))
    sources = [tables.table("acid_base")["limits"]["source"], tables.table("acid_base")["gap"]["source"]]
    gold = Gold("category", target, options=options)
    family = f"gas:{target}:{int(gas['bicarbonate']) // 3}"
    return draft("blood_gas", family, level, prompt, chart, gold, calls, _evidence(read), sources, [], story,
                 traits=traits)  # fmt: skip


def _another_day(rng: Random, target: str) -> list[Reading]:
    """An older gas that showed another disorder."""
    gas, _, _ = _values(rng, rng.choice([d for d in DISORDERS if d != target]))
    when = traps.days_ago(rng, 1, 9)
    units = {"ph": "[pH]", "pco2": "mm[Hg]", "bicarbonate": "mmol/L"}
    return [Reading(n, gas[n], units[n], when) for n in units]


def gas_cause(rng: Random, knowledge: Any) -> Draft | None:
    """The gas on the chart with the result or the words that tell its cause."""
    level = rng.randint(1, 3)
    causes = {k: e for k, e in tables.table("acid_base").items() if k.startswith("cause_")}
    key = rng.choice(list(causes))
    e = causes[key]
    who = patients.person(rng, level, (22, 80), comorbid=0)
    gas, chemistry, read = _values(rng, e["disorder"])
    extra = patients.values(rng, e["labs"])
    drawn = patients.results(rng, who, ["bmp"], chemistry | extra)
    labs = [*drawn, *(Reading(n, v, u) for n, v, u in (("ph", gas["ph"], "[pH]"), ("pco2", gas["pco2"], "mm[Hg]")))]
    stale = level > 1 and "key" in e
    if stale:  # the deciding result was unremarkable some days ago
        labs = [*traps.unremarkable(rng, who, [e["key"]], traps.days_ago(rng, 3, 30)), *labs]
    spans = e.get("vitals", {})
    chart = patients.chart(
        who, complaint=rng.choice(e["complaints"]), labs=labs, vitals=patients.vital_signs(rng, who, spans),
        observations=patients.examined(rng, {}, level - 1), records=patients.records(rng, who["age"], level),
    )  # fmt: skip
    told = stories.plain_topics(rng) | ({stories.RISK: [e["says"]]} if "says" in e else {})
    story = stories.story(rng, chart, told, stories.TALKATIVE)
    calls, evidence = [Call("interpret_abg")], _evidence(read)[:1]
    if "key" in e:
        calls.append(Call("get_lab_results", {"category": e["key"]}))
        evidence.append((e["key"].replace("_", " "), number(extra[e["key"]])))
    if "says" in e:
        calls += stories.ask(rng, stories.RISK, story.persona)
        evidence.append(_phrase(e["says"]))
    same = [c["cause"] for c in causes.values() if c["disorder"] == e["disorder"]]
    other = [c["cause"] for c in causes.values() if c["disorder"] != e["disorder"]]
    options = shuffled(rng, e["cause"], [*[c for c in same if c != e["cause"]][:3], *rng.sample(other, 3)])
    traits: list[Trait] = ["conflict"] if stale else []
    if level == 3 or (level == 2 and not stale):
        chart, found = handed_over(rng, chart, options, e["cause"])
        traits += found
    prompt = request(rng, chart, CAUSE, options=either(options))
    gold = Gold("category", e["cause"], options=options)
    return draft("gas_cause", f"gas_cause:{key}", level, prompt, chart, gold, calls, evidence,
                 [e["source"]], [], story, traits=traits)  # fmt: skip


def _phrase(says: str) -> tuple[str, str]:
    """A sentence of the patient as evidence, split after its second word."""
    words = says.rstrip(".").split()
    return " ".join(words[:2]), " ".join(words[2:])


def _evidence(read: acid_base.Reading) -> list[tuple[str, str]]:
    """The lines of the reading that make the disorder: primary, gap or expected range, what is added."""
    lines = gas_lines(read)
    wanted = ["primary", "added"]
    if read.primary == "metabolic acidosis":
        wanted.insert(1, "anion gap")
    return [(name, lines[name]) for name in wanted]


def _values(
    rng: Random, target: str, low_albumin: float | None = None
) -> tuple[dict[str, float], dict[str, float], acid_base.Reading]:
    """Gas (ph, pco2, bicarbonate), chemistry (sodium, chloride, bicarbonate, albumin) and their reading."""
    while True:
        albumin = round(low_albumin, 1) if low_albumin else rng.choice([3.9, 4.0, 4.1])
        pco2, bicarbonate, gap = _draw(rng, target)
        pco2, bicarbonate = float(round(pco2)), float(round(bicarbonate))
        ph = round(ph_of(pco2, bicarbonate), 2)
        sodium = float(rng.randint(134, 143))
        chloride = float(round(sodium - bicarbonate - gap + acid_base.albumin_share(albumin)))
        read = acid_base.interpret(ph, pco2, bicarbonate, sodium, chloride, albumin)
        if read.disorder == target and _clear(read, pco2, bicarbonate) and 84 <= chloride <= 122:
            gas = {"ph": ph, "pco2": pco2, "bicarbonate": bicarbonate}
            return gas, {"sodium": sodium, "chloride": chloride, "bicarbonate": bicarbonate, "albumin": albumin}, read


def _draw(rng: Random, target: str) -> tuple[float, float, float]:
    """pCO2, bicarbonate and anion gap of a disorder."""
    gap = rng.uniform(8, 11)
    if "metabolic acidosis" in target:
        mixed = target.endswith("with metabolic alkalosis")
        bicarbonate = rng.uniform(16, 19) if mixed else rng.uniform(8, 17)
        pco2 = 1.5 * bicarbonate + 8 + rng.uniform(-1, 1)
        pco2 += rng.uniform(-9, -5) if target.endswith("alkalosis") and not mixed else 0
        pco2 += rng.uniform(6, 11) if target.endswith("respiratory acidosis") else 0
        if target.startswith("high"):
            gap = 12 + (24 - bicarbonate) * (rng.uniform(2.4, 3.2) if mixed else rng.uniform(0.95, 1.7))
        return pco2, bicarbonate, gap
    if target == "metabolic alkalosis":
        bicarbonate = rng.uniform(32, 41)
        return 0.7 * bicarbonate + 23.2 + rng.uniform(-1, 1), bicarbonate, gap
    if target == "acute respiratory alkalosis":
        pco2 = rng.uniform(20, 29)
        return pco2, 24 - 0.2 * (40 - pco2) + rng.uniform(-0.5, 0.5), gap
    pco2 = rng.uniform(58, 82) if target.startswith("acute") else rng.uniform(52, 68)
    slope = 0.1 if target.startswith("acute") else 0.4
    return pco2, 24 + slope * (pco2 - 40) + rng.uniform(-1, 1), gap


def _clear(read: acid_base.Reading, pco2: float, bicarbonate: float) -> bool:
    """Whether the values lie well inside or well outside the expected range: rounding must not decide."""
    if read.expected is None or read.gap is None and read.primary == "metabolic acidosis":
        return False
    measured = pco2 if read.primary in acid_base.METABOLIC else bicarbonate
    low, high = read.expected
    away = min(abs(measured - low), abs(measured - high))
    return away >= 0.5 and (read.gap is None or abs(read.gap - 12) >= 0.9)
