"""Confidentiality and restraint: what the chart shows of a request for information, a threat and a restraint, and what
follows by the tables `disclosure` and `restraint`."""

from medgym_core.domains.psychiatry.judging import Missing
from medgym_core.domains.psychiatry.scales import rule
from medgym_core.tools import NOT_AVAILABLE, World, tool
from medgym_core.types import Record

DAY = 24 * 60
RELATIVE = "relative involved in the care"
AGREED = "agreed"
"""Status of a consent that holds; any other status does not."""


def latest_word(world: World) -> Record | None:
    """The patient's latest consent, refusal or revocation on file."""
    found = [r for r in world.chart.records if r.kind == "consent"]
    return max(found, key=lambda r: r.minutes, default=None)


def days_ago(record: Record) -> str:
    days = -record.minutes // DAY
    return "today" if days < 1 else "yesterday" if days < 2 else f"{days} days ago"


def disclosure(world: World) -> str | Missing:
    """What may or must be told, by the table: a threat first, then the latest word of the patient."""
    warn, tell, release, keep, unknown = rule("disclosure")["outcomes"]
    found = {name: world.finding(name) for name in ("threat_identifiable", "threat_imminent", "request_standing")}
    missing = [name.replace("_", " ") for name, value in found.items() if value is None]
    if missing:
        return Missing(missing)
    if all(str(found[name]).startswith("yes") for name in ("threat_identifiable", "threat_imminent")):
        return warn
    word, relative = latest_word(world), found["request_standing"] == RELATIVE
    if word is None:
        return unknown if relative else keep
    return keep if word.status != AGREED else tell if relative else release


def restraint_limit(world: World) -> str | Missing:
    """How long the order may run; where the danger has passed, not at all."""
    table, danger = rule("restraint"), world.finding("danger_now")
    if danger is None:
        return Missing(["danger now"])
    if not danger.startswith("yes"):
        return table["outcomes"][0]
    return next(hours for below, hours in table["limits"] if world.chart.age < below)


@tool("read")
def get_disclosure_request(world: World) -> dict:
    """Who asks for information about the patient, in what standing, and what is wanted."""
    names = ("request_from", "request_standing", "request_for")
    return {n.removeprefix("request_"): world.finding(n) or NOT_AVAILABLE for n in names}


@tool("read")
def get_consents(world: World) -> dict:
    """What the patient has agreed to, refused or revoked about telling others, latest first."""
    found = sorted((r for r in world.chart.records if r.kind == "consent"), key=lambda r: -r.minutes)
    return {days_ago(r): r.text for r in found} or {"consents": NOT_AVAILABLE}


@tool("read", minutes=10)
def assess_threat(world: World) -> dict:
    """A threat against others as explored with the patient: an identifiable person, and how near it is."""
    names = ("threat_identifiable", "threat_imminent")
    return {n.removeprefix("threat_"): world.finding(n) or NOT_AVAILABLE for n in names}


@tool("read", minutes=10)
def evaluate_restraint(world: World) -> dict:
    """Face-to-face evaluation of a patient in restraint: danger now, circulation and breathing."""
    return {n: world.finding(n) or NOT_AVAILABLE for n in ("danger_now", "circulation", "breathing")}
