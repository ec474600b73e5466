"""Cases whose answer is written: the referral of what a picture shows, and the course between two pictures."""

from random import Random
from typing import Any

from medgym_core import facts
from medgym_core.domains import Draft
from medgym_core.domains.common import claim
from medgym_core.domains.visual_diagnosis import patients, reading, rules
from medgym_core.domains.visual_diagnosis.cases_any import GROWING, group_of
from medgym_core.domains.visual_diagnosis.drafting import capital, draft, request
from medgym_core.domains.visual_diagnosis.reading import DOMAIN
from medgym_core.domains.visual_diagnosis.staging import stage
from medgym_core.tools import number
from medgym_core.types import Assertion, Call, Gold

ASK_LETTER = (
    "Write the referral line for {image} in at most {most} words: what is suspected, where it is, the {what}, and how "
    "soon the patient is to be seen (same day, two weeks or routine).",
    "Dictate two sentences to the specialist about {image} ({most} words at most): diagnosis by the picture, its site "
    "or side, the {what} as measured, and the urgency: same day, two weeks, routine.",
    "I need the text of the referral for {image}, up to {most} words. It names finding, site, {what} and the time "
    "within which the clinic should see the patient: the same day, two weeks, or routine.",
    "Put {image} into a referral note of no more than {most} words. Say what it shows, on which site, the {what}, and "
    "one of same day, two weeks, routine as its urgency.",
    "Referral letter for {image}, please, {most} words or fewer: finding, place, {what}, and whether it goes as same "
    "day, two weeks or routine.",
)
ASK_COURSE = (
    "Describe for the record what became of the {what} between {a} and {b}: larger or smaller, both values, and the "
    "days between. At most {most} words.",
    "Write the follow-up sentence on {a} and {b}, {most} words or fewer: direction of change of the {what}, the value "
    "then and now, the interval in days.",
    "In at most {most} words, tell the referring doctor how the {what} changed from the older to the newer of {a} and "
    "{b}, with both values and the days that lie between.",
    "Course of the {what} on {a} and {b} in one line (up to {most} words): increase or decrease, from what to what, "
    "over how many days.",
    "The next clinic reads only one line. State the change of the {what} on {a} and {b} with both figures and the "
    "number of days, in no more than {most} words.",
)
WHAT = {
    "diameter": "largest diameter in mm", "cup_disc_ratio": "vertical cup-to-disc ratio",
    "blurred_segments": "number of blurred segments of the disc margin",
}  # fmt: skip
LETTERS = (
    "Suspected {said} of the {site}, {sized}. Please see the patient {haste}.",
    "The picture shows a {said} on the {site}, {sized}. I refer {haste}.",
    "Dear colleague, this looks like {said}, {site}, {sized}. Appointment wanted: {haste}.",
)
BRIEFS = {
    "skin": LETTERS,
    "disc": (
        "Suspected {said} of the {site}, {sized}. Please see the patient {haste}.",
        "The {site} shows signs of {said}, {sized}. I refer {haste}.",
        "Dear colleague, the picture of the {site} points to {said}, {sized}. Appointment wanted: {haste}.",
    ),
}
HASTE = {"same day": "the same day", "two weeks": "within two weeks", "routine": "by routine referral"}
COURSES = {
    "more": "The {what} has increased from {before} to {now} over {days} days.",
    "less": "Over {days} days the {what} has become smaller, from {before} to {now}.",
}
MORE = ["increased", "increase", "grown", "grew", "growth", "growing", "larger", "enlarged", "bigger", "risen", "rose",
    "widened", "wider"]  # fmt: skip
LESS = ["decreased", "decrease", "smaller", "shrunk", "shrank", "shrinking", "reduced", "fallen", "fell", "declined",
    "regressed", "diminished"]  # fmt: skip
FALSE = {
    "more": [
        "has increased",
        "has grown",
        "grew",
        "is larger",
        "became larger",
        "become larger",
        "enlarged",
        "growing",
    ],
    "less": ["has decreased", "has shrunk", "shrank", "is smaller", "became smaller", "become smaller", "shrinking"],
}
STABLE = ["is stable", "remains stable", "unchanged", "no change", "has not changed"]
MOST_WORDS = 50


def referral_letter(rng: Random, knowledge: Any) -> Draft:
    """What a picture shows, where, how much of it, and how soon it must be seen, in free words."""
    table = facts.load(DOMAIN, "wording")
    name, level = rng.choice(list(table)), rng.randint(1, 3)
    entry, urgency = table[name], facts.load(DOMAIN, "referral")[name]
    group = group_of(name)
    who = patients.person(rng, group, level)
    ids = patients.named(rng, 2 if level == 3 else 1)
    shot = patients.picture(rng, ids[0], name, who)
    alike = rules.conditions(shot.modality)
    staged = stage(rng, who, level, shot, ids[-1], name, list(alike), rng.choice([n for n in alike if n != name]))
    chart = patients.chart(who, staged.shots, records=staged.records)
    measure = entry["measure"]
    value = number(reading.measures(shot)[measure])
    claims, denied = _letter(name, value, who["site"], urgency["urgency"], shot.modality)
    sized = entry["sized"].format(value=f"{value} {entry['unit']}".strip())
    words = {"said": rng.choice(entry["said"][:2]), "site": who["site"], "sized": sized}
    return draft(
        "referral_letter",
        f"letter:{name}:{who['site']}:{who['complaint']}",
        level,
        request(rng, chart, ASK_LETTER, staged.note, image=staged.image, what=WHAT[measure], most=MOST_WORDS),
        chart,
        Gold("text", list(claims), assertions=claims, denied=denied, max_words=MOST_WORDS),
        [
            *(staged.first or [Call("list_images")]),
            Call("analyze_medical_image", {"image_id": shot.id}),
            Call("classify_finding", {"classification_system": "pattern", "image_id": shot.id}),
            Call("get_referral_urgency", {"diagnosis": name}),
        ],
        {"classification": name, measure: value, "urgency": urgency["urgency"]},
        [urgency["source"], rules.condition(name)["source"], entry["source"]],
        patients.story(rng, chart, group),
        text=capital(rng.choice(BRIEFS[group]).format(haste=HASTE[urgency["urgency"]], **words)),
        traits=staged.traits,
    )


def _letter(
    name: str, value: str, site: str, urgency: str, modality: str
) -> tuple[dict[str, Assertion], dict[str, Assertion]]:
    """What a referral must say, and what would be false."""
    entry, haste = facts.load(DOMAIN, "wording")[name], facts.load(DOMAIN, "haste")
    measure, unit = entry["measure"], entry["unit"]
    size = [f"{value} {unit}", f"{number(round(float(value) / 10, 2))} cm"] if unit else [value]
    claims = {
        "finding": claim(entry["said"], shown=f"classification: {name}"),
        "site": claim(_placed(site), shown=f"{modality}, {site}"),
        "measure": claim(size, shown=f"{measure}: {value} {unit}".strip()),
        "urgency": claim(haste[urgency]["said"], shown=f"urgency: {urgency}"),
    }
    denied = {
        "called harmless": claim(["no referral", "nothing suspicious", "no need for referral"]),
        "wrong urgency": claim([w for u, e in haste.items() if u != urgency for w in e["said"][:2]]),
    }
    if site.startswith(("right", "left")):
        denied["wrong side"] = claim(entry["said"], _placed(_mirrored(site)))
    return claims, denied


def _placed(site: str) -> list[str]:
    """How a site may be named."""
    side, _, part = site.partition(" ")
    if part == "eye":
        return [f"{side} {p}" for p in ("eye", "optic disc", "disc", "optic nerve", "fundus", "optic nerve head")]
    return [site, f"{part} on the {side}", f"{part} {side}"] if part else [site]


def _mirrored(site: str) -> str:
    side, _, part = site.partition(" ")
    return f"{'left' if side == 'right' else 'right'} {part}"


def course_line(rng: Random, knowledge: Any) -> Draft | None:
    """The change between two pictures in free words; at level 3 a still older one must not be taken for the former."""
    name, level = rng.choice(list(GROWING)), rng.randint(1, 3)
    parameter, measure, start, by, what, unit = GROWING[name]
    group = group_of(name)
    who = patients.person(rng, group, level)
    small, more = rng.uniform(*start), rng.uniform(*by)
    way = rng.choice(["more", "less"])
    values = [small, small + more] if way == "more" else [small + more, small]
    days = rng.randint(50, 420)
    agos = [days, 0]
    if level == 3:  # the oldest lies between, so that going by it gives another change
        values, agos = [*values, small + more / 2], [*agos, days + rng.randint(60, 300)]
    ids, seed = patients.named(rng, len(agos)), rng.random()
    shots = [
        patients.picture(Random(seed), i, name, who, days_ago=ago, **{parameter: value})
        for i, ago, value in zip(ids, agos, values, strict=True)
    ]
    before, now = (reading.measures(s)[measure] for s in shots[:2])
    if before == now or (before < now) != (way == "more"):
        return None
    chart = patients.chart(who, shots)
    claims, denied = _course(way, measure, number(before), number(now), unit, days)
    told = [f"{number(v)} {unit}".strip() for v in (before, now)]
    a, b = rng.choice(PLACES) if level == 3 else sorted(s.id for s in shots[:2])
    tracked = {"image_id": shots[1].id, "prior_image_id": shots[0].id}
    oldest = [Call("track_lesion_changes", {"image_id": shots[1].id, "prior_image_id": s.id}) for s in shots[2:]]
    return draft(
        "course_line",
        f"course:{name}:{way}:{who['site']}:{days // 60}",
        level,
        request(rng, chart, ASK_COURSE, OLDEST if level == 3 else "", a=a, b=b, what=what, most=MOST_WORDS),
        chart,
        Gold("text", list(claims), assertions=claims, denied=denied, max_words=MOST_WORDS),
        [Call("list_images"), Call("track_lesion_changes", tracked), *oldest],
        {f"{measure}_before": number(before), f"{measure}_now": number(now), "days_between": str(days)},
        [rules.condition(name)["source"], "MedGym rule: change is counted from the earlier to the later picture"],
        patients.story(rng, chart, group),
        text=capital(COURSES[way].format(what=what, before=told[0], now=told[1], days=days)),
        traits=["distractors"] if level == 3 else [],
    )


OLDEST = "There is an even older picture: look at it, but write about the last interval only."
PLACES = (
    ("today's picture", "the one just before it"), ("the new picture", "the last one before that"),
    ("the latest picture", "its predecessor"),
)  # fmt: skip


def _course(
    way: str, measure: str, before: str, now: str, unit: str, days: int
) -> tuple[dict[str, Assertion], dict[str, Assertion]]:
    """What the line must say, and what would be false."""
    claims = {
        "direction": claim(MORE if way == "more" else LESS, shown=f"{measure}_now: {now} {unit}".strip()),
        "values": claim([before], [now], shown=f"{measure}_before: {before} {unit}".strip()),
        "interval": claim([f"{days} days", f"{days} day"], shown=f"days_between: {days}"),
    }
    wrong_way = "less" if way == "more" else "more"
    denied = {"wrong direction": claim(FALSE[wrong_way]), "called stable": claim(STABLE)}
    return claims, denied
