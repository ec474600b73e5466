"""Tools that judge: sourced classifications on the measurements, the differential, referral, the literature."""

from functools import cache

from medgym_core import facts
from medgym_core.domains.visual_diagnosis import reading, rules
from medgym_core.domains.visual_diagnosis.reading import DOMAIN
from medgym_core.domains.visual_diagnosis.rules import Outcome
from medgym_core.errors import unknown_name
from medgym_core.text import normal
from medgym_core.tools import NOT_AVAILABLE, NOT_IN_DATABASE, ToolError, World, number, tool
from medgym_core.types import Picture

SYSTEMS = {
    "pattern": "any", "abcd rule": "dermoscopy", "seven point checklist": "dermoscopy", "icdr": "fundus photograph",
    "maculopathy": "fundus photograph", "cup disc": "optic disc photograph", "isnt rule": "optic disc photograph",
    "frisen": "optic disc photograph", "beckman": "macular photograph", "cin": "epithelium histology",
    "gleason pattern": "histology", "nottingham": "histology", "schistocytes": "blood smear",
    "parasitaemia": "blood smear", "blasts": "blood smear", "ecg rhythm": "ecg rhythm strip", "stemi": "ecg leads",
}  # fmt: skip
"""Classifications by name, and the modality each is for."""
PERCENT = {"schistocytes": "schistocyte_percent", "parasitaemia": "parasitaemia_percent", "blasts": "blast_percent"}
MOST_SUGGESTED = 4
MOST_HITS = 3


@tool("read")
def classify_finding(world: World, classification_system: str, image_id: str = "") -> dict:
    """Apply a published classification to what is measured on a picture and noted by the examiner.

    Args:
        classification_system: Such as pattern, abcd rule, seven point checklist, icdr, frisen, nottingham or stemi.
        image_id: Id of the picture; without one, the latest.
    """
    name = normal(classification_system).strip()
    if name not in SYSTEMS:
        raise ToolError(str(unknown_name("classification", classification_system, SYSTEMS)))
    picture = world.picture(image_id)
    wanted = SYSTEMS[name]
    if wanted not in ("any", picture.modality):
        raise ToolError(f"{name} is for another kind of picture", got=picture.modality, expected=wanted)
    outcome = classify(world, name, picture)
    if outcome.value is None:
        return {"classification": f"insufficient: {', '.join(outcome.missing)}", **outcome.parts}
    value = number(outcome.value) if isinstance(outcome.value, float) else outcome.value
    return {KEYS.get(name, "classification"): value, **outcome.parts}


KEYS = {
    "abcd rule": "total_score", "seven point checklist": "points", "gleason pattern": "gleason_pattern",
    "nottingham": "nottingham_score", "frisen": "frisen_grade", "isnt rule": "isnt_rule",
    "schistocytes": "schistocyte_percent",
    "parasitaemia": "parasitaemia_percent", "blasts": "blast_percent",
}  # fmt: skip


def classify(world: World, name: str, picture: Picture) -> Outcome:
    """The outcome of a classification of `SYSTEMS`; a picture too poor to judge gives none."""
    wrong = rules.flaws(picture)
    if wrong:
        return Outcome(None, {}, (facts.load(DOMAIN, "quality")[wrong[0]]["missing"],))
    found, chart = reading.measures(picture), world.chart
    if name in PERCENT:
        label = PERCENT[name]
        if label not in found:
            return Outcome(None, {}, ("white cells" if name == "blasts" else "red cells",))
        kind = {"schistocytes": "schistocytes", "parasitaemia": "parasitised", "blasts": "blasts"}[name]
        return Outcome(found[label], reading.shown(found, [kind, "white_cells" if name == "blasts" else "red_cells"]))
    if name in ("abcd rule", "seven point checklist", "nottingham"):
        rule = {"abcd rule": rules.abcd, "seven point checklist": rules.seven_point, "nottingham": rules.nottingham}[
            name
        ]
        return rule(found, chart, picture.id)
    special = {
        "maculopathy": rules.maculopathy, "isnt rule": rules.isnt, "frisen": rules.frisen,
        "gleason pattern": rules.gleason_pattern,
    }  # fmt: skip
    return special[name](found) if name in special else rules.pattern(picture, chart)


@tool("read")
def score_weighted_checklist(
    world: World,
    change_in_size: bool,
    inflammation: bool,
    oozing: bool,
    change_in_sensation: bool,
    image_id: str = "",
) -> dict:
    """Weighted seven-point checklist: what the patient tells, with shape, colour and diameter measured on the picture.

    Args:
        change_in_size: The patient has seen it grow.
        inflammation: It has been red or inflamed.
        oozing: It has oozed, crusted or bled.
        change_in_sensation: It itches or feels different.
        image_id: Id of the picture; without one, the latest.
    """
    picture = world.picture(image_id)
    if picture.modality != "dermoscopy":
        raise ToolError("not a dermoscopy picture", got=picture.modality, expected="dermoscopy")
    told = {
        "change in size": change_in_size, "inflammation": inflammation, "oozing": oozing,
        "change in sensation": change_in_sensation,
    }  # fmt: skip
    answers = {k: "present" if v else "absent" for k, v in told.items()}
    outcome = rules.weighted_seven_point(reading.measures(picture), answers)
    if outcome.value is None:
        return {"points": f"insufficient: {', '.join(outcome.missing)}"}
    return {"points": number(float(outcome.value)), **{k.replace(" ", "_"): v for k, v in outcome.parts.items()}}


@tool("read", static=True)
def grade_prostate_cancer(world: World, first_pattern: int, second_pattern: int) -> dict:
    """Gleason score and ISUP grade group of two patterns.

    Args:
        first_pattern: The more extensive pattern, 3 to 5.
        second_pattern: The other pattern, 3 to 5.
    """
    if not (3 <= first_pattern <= 5 and 3 <= second_pattern <= 5):
        raise ToolError("no such pattern", got=f"{first_pattern} and {second_pattern}", expected="3 to 5")
    group = rules.grade_group(first_pattern, second_pattern)
    return {"gleason_score": f"{first_pattern}+{second_pattern}", "grade_group": str(group)}


@tool("read", static=True)
def stage_melanoma(world: World, breslow_mm: float) -> dict:
    """T category of a melanoma by its Breslow thickness (AJCC 8).

    Args:
        breslow_mm: Thickness in millimetres, one decimal.
    """
    if not 0 < breslow_mm < 99:
        raise ToolError("no such thickness", got=breslow_mm, expected="above 0 mm")
    return {"t_category": rules.breslow(round(breslow_mm, 1)), "breslow": f"{number(round(breslow_mm, 1))} mm"}


@tool("read")
def get_differential_visual(world: World, image_id: str = "") -> dict:
    """Conditions of the picture's kind by how many of their signs are there, best first.

    Args:
        image_id: Id of the picture; without one, the latest.
    """
    picture = world.picture(image_id)
    found = reading.measures(picture)
    if not found:
        return {"differential": NOT_AVAILABLE, "image": picture.id}
    if picture.modality == "ecg leads":
        outcome = rules.stemi(found, world.chart)
        return {str(outcome.value): "thresholds reached"} | outcome.parts
    ranked = []
    for order, (name, entry) in enumerate(rules.conditions(picture.modality).items()):
        signs = [*entry.get("all", []), *([entry["any"]] if "any" in entry else [])]
        hits = sum(
            rules.holds(found, s) if isinstance(s[0], str) else any(rules.holds(found, c) for c in s) for s in signs
        )
        ranked.append((-hits / len(signs), order, name, f"{hits} of {len(signs)} signs"))
    return {name: text for _, _, name, text in sorted(ranked)[:MOST_SUGGESTED]}


@tool("read", static=True)
def get_diagnostic_criteria(world: World, name: str) -> dict:
    """The published criteria of a condition or a classification system, with their source.

    Args:
        name: Such as melanoma, abcd, icdr, cup_disc or nottingham.
    """
    entry = by_title().get(normal(name))
    return {"criteria": NOT_IN_DATABASE} if entry is None else {"criteria": entry["words"], "source": entry["source"]}


@cache
def by_title() -> dict[str, dict]:
    """Conditions and systems by their name, and systems by their title, in normal form."""
    found = {normal(key): e for table in ("systems", "conditions") for key, e in facts.load(DOMAIN, table).items()}
    return {normal(e["title"]): e for e in facts.load(DOMAIN, "systems").values()} | found


@tool("read", static=True)
def get_referral_urgency(world: World, diagnosis: str) -> dict:
    """How soon a diagnosis must be seen: immediate, same day, two weeks, one month, routine or none.

    Args:
        diagnosis: Such as melanoma or optic disc swelling.
    """
    wanted = normal(diagnosis)
    entry = next((e for n, e in facts.load(DOMAIN, "referral").items() if normal(n) == wanted), None)
    return {"urgency": NOT_IN_DATABASE} if entry is None else {"urgency": entry["urgency"], "source": entry["source"]}


@tool("read", static=True)
def search_imaging_knowledge(world: World, query: str, modality: str = "") -> dict:
    """Search the knowledge base on imaging: title and best sentences of each passage.

    Args:
        query: What to look for, in a few words.
        modality: Kind of picture to look for, such as dermoscopy; adds to the query.
    """
    words = f"{query} {modality}".strip()
    if not words:
        raise ToolError("empty query", expected="a few words")
    hits = world.knowledge.search(words, MOST_HITS) if world.knowledge is not None else []
    return {f"{hit.title}, {hit.section}": _short(hit.snippet) for hit in hits} or {"passages": NOT_AVAILABLE}


def _short(text: str) -> str:
    words = text.split()
    return " ".join(words[:18]) + (" ..." if len(words) > 18 else "")
