"""The vocabulary of the world: what a case, a task, an action and an observation are.

`Chart` is what tools can see; `Truth` is what only the verifier sees. They are separate types and no tool is ever
handed a `Truth` or a `Story`, so nothing can leak.
"""

from typing import Any, Literal

import msgspec

Split = Literal["train", "validation", "test"]
ToolKind = Literal["read", "write", "submit"]
GoldKind = Literal["letter", "category", "ordinal", "number", "set", "plan", "fields", "text"]
Verdict = Literal["correct", "partial", "wrong", "unparsable", "none"]
Harm = Literal[
    "allergy", "interaction", "contraindication", "dose", "pregnancy", "missed red flag", "unsafe disposition",
    "capacity and consent", "scope", "privacy",
]  # fmt: skip
"""The kinds of harm of the safety taxonomy."""
Trait = Literal[
    "comorbidity", "distractors", "missing data", "atypical", "conflict", "history", "waiting", "temptation", "open"
]
"""What makes a case hard: other illnesses that matter, findings that do not, a gap, an unusual presentation, two
sources that disagree, facts only the patient knows, results that take time, an unsafe way out, no options."""
Persona = Literal["plain", "vague", "anxious", "stoic", "poor historian"]


class Struct(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """Base of all records: strict JSON in and out through msgspec."""


class Reading(Struct, frozen=True):
    """One measured value. `minutes` counts from arrival (negative: before)."""

    name: str
    """Machine name, such as `heart_rate` or `potassium`."""
    value: float
    unit: str
    """UCUM unit, such as `/min` or `mmol/L`."""
    minutes: int = 0


class Medication(Struct, frozen=True):
    """A drug on the patient's list."""

    drug: str
    dose: str = ""
    frequency: str = ""


class Record(Struct, frozen=True):
    """One dated entry of the record: an encounter, a diagnosis, a procedure, an immunization, a note, a report."""

    kind: str
    """Such as `encounter`, `diagnosis`, `procedure`, `immunization`, `note`, `report`, `order`, `nursing`."""
    name: str
    minutes: int = 0
    """Start, counted from arrival (negative: before)."""
    ended: int | None = None
    code: str = ""
    """`ICD-10-CM:I21.4`, `LOINC:2951-2`, `RxNorm:6809`, `SNOMED:...`, `CVX:...`; empty: not coded."""
    status: str = ""
    text: str = ""
    values: dict[str, str] = {}


class Picture(Struct, frozen=True):
    """An image on the chart: pixels, never what they were drawn from."""

    id: str
    modality: str
    """Such as `chest radiograph`, `ct`, `dermoscopy`, `fundus`."""
    body_part: str
    png: bytes
    """Lossless PNG, 8 bit, grey or RGB."""
    mm_per_pixel: float | None = None
    """None: not calibrated, so sizes cannot be given in millimetres."""
    view: str = ""
    minutes: int = 0
    """When it was taken, counted from arrival (a prior study: negative)."""


class Chart(Struct, frozen=True):
    """What tools can see of a patient. A missing value is absent: it is never filled in."""

    patient_id: str
    age: int
    """Years."""
    sex: Literal["female", "male"]
    age_months: int | None = None
    """Months, where years are too coarse (infants and toddlers)."""
    weight_kg: float | None = None
    height_cm: float | None = None
    pregnant: bool | None = None
    """None: not recorded."""
    gestation_days: int | None = None
    """Days of gestation at arrival, where pregnant and dated."""
    complaint: str = ""
    """Chief complaint, as the triage note has it."""
    arrival: str = ""
    """Mode of arrival."""
    conditions: list[str] = []
    medications: list[Medication] = []
    allergies: list[str] | None = None
    """None: allergy status not recorded; empty: no known allergies."""
    vitals: list[Reading] = []
    labs: list[Reading] = []
    notes: list[str] = []
    observations: dict[str, str] = {}
    """Examination findings by machine name, such as `consciousness: alert`."""
    pending: dict[str, list[Reading]] = {}
    """Results that exist only once the named test has been ordered and has come back."""
    pending_findings: dict[str, dict[str, str]] = {}
    """The same for tests that report words (imaging, cultures): test to finding name to finding."""
    written: bool = False
    """A written question: there is no patient behind it, and tools about the patient say so."""
    records: list[Record] = []
    """Dated entries: encounters, diagnoses, procedures, immunizations, notes, reports."""
    images: list[Picture] = []


class Story(Struct, frozen=True):
    """What the patient knows and tells when asked: topic to answers, outer layer first. Tools never see it."""

    topics: dict[str, list[str]] = {}
    """Words that open the topic, separated by spaces, to its answers: `"chest pain onset": ["It began at noon."]`."""
    persona: Persona = "plain"
    """How it is told; the facts are the same for all."""


class Assertion(Struct, frozen=True):
    """One thing a free text says: in one sentence, a phrasing of every term."""

    terms: list[list[str]]
    """Each term as its equivalent phrasings: `[["creatinine"], ["rose", "rising", "increased"], ["2.3"]]`."""
    shown: str = ""
    """What an observation of the episode must have shown for it to count, such as `creatinine 2.3`; empty: nothing."""


class Gold(Struct, frozen=True):
    """The machine-checkable right answer of a task."""

    kind: GoldKind
    value: str | float | list[str]
    """A letter, a category, a level of an ordered list, a number, the members of a set, the steps of a plan in order,
    the names of `fields`, or the names of the `assertions` of a free text."""
    tolerance: float = 0.0
    """Number: largest absolute error that counts as right."""
    unit: str = ""
    options: list[str] = []
    """The closed list the answer comes from (letters, categories, levels in their order), where there is one."""
    synonyms: dict[str, list[str]] = {}
    fields: dict[str, "Gold"] = {}
    """Kind `fields`: the gold of each argument of a structured submission; all must be right."""
    assertions: dict[str, Assertion] = {}
    """Kind `text`: what the text must say."""
    denied: dict[str, Assertion] = {}
    """Kind `text`: what would be false here; a text that says one of it is wrong."""
    max_words: int = 60
    """Kind `text`: a longer text is no summary and is not read."""


class Step(Struct, frozen=True):
    """One required piece of work: a successful call of `tool` whose arguments contain `arguments`.

    `Step("say", {"topic": words})` asks for speech that opened the patient's topic of that name.
    """

    tool: str
    arguments: dict[str, Any] = {}
    after: str = ""
    """Name of a tool that must have succeeded earlier, or nothing."""
    instead: list["Call"] = []
    """Calls that do the same work."""
    within: int = 0
    """Simulated minutes from arrival by which it is due; done later it earns half. 0: no target."""


class Evidence(Struct, frozen=True):
    """A fact that decides the case. The submission must state it and an observation must have shown it."""

    label: str
    """Such as `SpO2`."""
    value: str
    """As it stands in the observation, such as `88`."""


class UnsafeAction(Struct, frozen=True):
    """An action the case forbids: a call of `tool` whose arguments contain `arguments`, or a submitted answer."""

    why: str
    severity: int
    """1 near miss .. 5 potentially fatal (critical: caps the composite)."""
    source: str
    tool: str = ""
    arguments: dict[str, Any] = {}
    answers: list[str] = []
    """Submitted answers that are unsafe in themselves; where a text is submitted, names of its `denied` statements."""
    category: Harm | Literal[""] = ""
    """Kind of harm in the safety taxonomy."""


class Truth(Struct, frozen=True):
    """What only the verifier sees."""

    gold: Gold
    steps: list[Step] = []
    evidence: list[Evidence] = []
    unsafe: list[UnsafeAction] = []
    explanation: str = ""


class Call(Struct, frozen=True):
    """One tool call."""

    name: str
    arguments: dict[str, Any] = {}


SAY = "say"
"""Name under which speech to the patient stands among the calls of a reference; no tool has it."""


def speech(text: str) -> Call:
    """A turn of a reference in which the agent speaks to the patient."""
    return Call(SAY, {"text": text})


class Task(Struct, frozen=True):
    """One case with its question."""

    id: str
    """`<domain>/<type>/<content digest>`."""
    domain: str
    type: str
    split: Split
    family: str
    """Tasks of one family share their decisive fact and never cross splits."""
    level: int
    """Difficulty 1 to 3, from the case's traits and the length of its reference (`medgym_core.difficulty`)."""
    prompt: str
    chart: Chart
    story: Story
    truth: Truth
    reference: list[Call]
    """What an expert does, through the same interface; the last call is the submission. `speech(text)` talks."""
    sources: list[str]
    """Where the clinical facts come from."""
    max_turns: int = 8
    alternatives: list[list[Call]] = []
    """Other good paths through the same case, as far as there are any."""
    traits: list[Trait] = []
    """What makes the case hard."""
    hard: bool = False
    """In the hard subset: level 3, and the scripted mediocre agent fails it."""


def encode(value: Any) -> str:
    """Compact JSON text of any record here (field order fixed by the type, so equal values give equal text)."""
    return msgspec.json.encode(value).decode()
