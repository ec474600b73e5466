"""Tools that change the episode: alerts, calls, orders, requests for another picture, and the report that ends it."""

from typing import Literal

from medgym_core import facts
from medgym_core.domains.radiology_report import reading, rules
from medgym_core.domains.radiology_report.reading import DOMAIN
from medgym_core.errors import unknown_name
from medgym_core.text import normal
from medgym_core.tools import NOT_AVAILABLE, ToolError, World, show, tool

MISMATCHES = ["wrong patient", "wrong side", "wrong examination", "flipped image", "none"]
Problem = Literal["wrong patient", "wrong side", "wrong examination", "flipped image"]
RECOMMENDATIONS = ["communicate within minutes", "communicate within hours", "communicate within days", "none"]
WHEN = {1: "within minutes", 2: "within hours", 3: "within days"}
WAIT_LIMIT = 24 * 60


@tool("write")
def generate_critical_finding_alert(world: World, study_id: str = "", finding: str = "") -> dict:
    """Raise an alert for a finding that the pixels show and that must be passed on within minutes, hours or days.

    Args:
        study_id: Id of the study; without one, the latest.
        finding: What was found; without it, what the measurements show.
    """
    picture = reading.picture_of(world, study_id)
    shown = rules.diagnosis(picture)
    if shown is None:
        raise ToolError("nothing to alert: the study cannot be measured", got=reading.study_of(picture))
    if finding.strip() and normal(finding) != normal(shown):
        raise ToolError("the pixels do not show this finding", got=repr(finding[:40]), expected="what is measured")
    category = rules.urgency(shown)
    if not category:
        raise ToolError("not a finding that needs an alert", got=shown, expected="communication category 1 to 3")
    world.written.append({"alert": reading.study_of(picture), "finding": shown, "category": category})
    return {"alert": reading.study_of(picture), "finding": shown, "category": f"{category}, {WHEN[category]}"}


@tool("write", minutes=3)
def communicate_result(
    world: World, recipient: Literal["referring clinician", "emergency physician", "surgeon"], message: str
) -> dict:
    """Pass a result on in person and have it read back; recorded with its time.

    Args:
        recipient: referring clinician, emergency physician or surgeon.
        message: What is said.
    """
    if not message.strip():
        raise ToolError("nothing to say", expected="the finding in a few words")
    world.written.append({"told": recipient, "message": message.strip()[:300], "minute": world.minutes})
    return {"told": recipient, "read_back": "yes", "minute": str(world.minutes)}


@tool("write")
def flag_study_mismatch(world: World, study_id: str, problem: Problem) -> dict:
    """Mark a study that must not be reported because it is of the wrong patient, side or examination, or flipped.

    Args:
        study_id: Id of the study.
        problem: wrong patient, wrong side, wrong examination or flipped image.
    """
    name = reading.study_of(reading.study(world, study_id)[0])
    world.written.append({"flagged": name, "problem": problem})
    return {"flagged": name, "problem": problem}


@tool("write")
def request_additional_view(world: World, reason: str, study_id: str = "") -> dict:
    """Ask for a study to be repeated or completed; it will not be there in this session.

    Args:
        reason: What is wrong, such as unsharp or a slice is missing.
        study_id: Id of the study; without one, the latest.
    """
    if not reason.strip():
        raise ToolError("no reason given", expected="what is wrong with the study")
    picture = reading.study(world, study_id)[0]
    world.written.append({"repeat": reading.study_of(picture), "reason": reason.strip()[:200]})
    return {"requested": reading.study_of(picture), "modality": picture.modality}


@tool("write")
def order_test(world: World, test: str) -> dict:
    """Order a laboratory test before imaging; read it later with get_test_results.

    Args:
        test: creatinine, pregnancy test or d-dimer.
    """
    known = facts.load(DOMAIN, "tests")
    name = test.strip().lower()
    if name not in known:
        raise ToolError(str(unknown_name("test", test, known)))
    order = world.place(name, known[name]["minutes"])
    world.written.append({"ordered": name})
    return {"ordered": name, "ready_at": f"minute {order.due}"}


@tool("write", minutes=0)
def wait(world: World, minutes: int) -> dict:
    """Let time pass.

    Args:
        minutes: 1 to 1440.
    """
    if not 1 <= minutes <= WAIT_LIMIT:
        raise ToolError("bad time to wait", got=minutes, expected=f"1 to {WAIT_LIMIT}")
    world.minutes += minutes
    return {"minute": str(world.minutes)}


@tool("read")
def get_test_results(world: World) -> dict:
    """Results of the ordered tests; those still out are pending."""
    if not world.orders:
        return {"results": NOT_AVAILABLE, "patient": world.chart.patient_id, "missing": "nothing ordered"}
    found: dict[str, str] = {}
    back = set(world.back())
    for order in world.orders:
        if order.name not in back:
            found[order.name] = f"pending until minute {order.due}"
            continue
        values = {r.name: show(r) for r in world.chart.pending.get(order.name, [])}
        values |= world.chart.pending_findings.get(order.name, {})
        found |= values or {order.name: NOT_AVAILABLE}
    return found


@tool("submit")
def submit_report(
    world: World, impression: str, laterality: str = "none", recommendation: str = "none", evidence: str = "",
    findings: str = "", indication: str = "", technique: str = "", comparison: str = "", study_id: str = "",
) -> dict:  # fmt: skip
    """Sign the report of a study and end the episode.

    Args:
        impression: The one diagnosis, in the words of the findings table.
        laterality: right, left or none.
        recommendation: communicate within minutes, communicate within hours, communicate within days, or none.
        evidence: The findings that decided, as shown by the tools, separated by semicolons.
        findings: Findings in free words.
        indication: Why the study was done.
        technique: How it was done.
        comparison: Prior studies it was compared with.
        study_id: Id of the study; without one, the latest.
    """
    name = reading.study_of(reading.study(world, study_id)[0])
    words = {"findings": findings, "indication": indication, "technique": technique, "comparison": comparison}
    world.written.append(
        {"report": name, "impression": impression, "laterality": laterality, "recommendation": recommendation,
         "evidence": evidence} | {k: v[:1000] for k, v in words.items()}
    )  # fmt: skip
    return {"reported": name, "impression": impression}
