"""Tools that order tests and read what came back. Results exist only after their turnaround on the simulated clock."""

from typing import Literal

from medgym_core.domains.clinical_diagnosis import tables
from medgym_core.domains.clinical_diagnosis.looking import pending
from medgym_core.errors import unknown_name
from medgym_core.tools import NOT_AVAILABLE, ToolError, World, tool

Priority = Literal["routine", "stat"]
LONGEST_WAIT = 10_080  # minutes: a week
ORDERED_WITH = {"lab": "order_lab_test", "imaging": "order_imaging", "ecg": "order_ecg", "procedure": "order_procedure"}


@tool("write")
def order_lab_test(world: World, test_name: str, priority: Priority = "routine") -> dict:
    """Order a laboratory test, blood, urine, culture or serology; read it later with get_lab_results.

    Args:
        test_name: The test, such as troponin or blood culture.
        priority: stat comes back sooner.
    """
    return place(world, test_name, "lab", priority)


@tool("write")
def order_imaging(world: World, study: str, priority: Priority = "routine") -> dict:
    """Order an imaging study; read it later with get_imaging_results.

    Args:
        study: The study, such as chest x-ray or ct head.
        priority: stat comes back sooner.
    """
    return place(world, study, "imaging", priority)


@tool("write")
def order_ecg(world: World) -> dict:
    """Record a 12-lead ECG; read it with get_ecg."""
    return place(world, "ecg", "ecg", "stat")


@tool("write")
def order_procedure(world: World, procedure: str, priority: Priority = "routine") -> dict:
    """Order a puncture, endoscopy, biopsy, function test or bedside intervention; read it with get_procedure_report.

    Args:
        procedure: The procedure, such as lumbar puncture, endoscopy or spirometry.
        priority: stat comes back sooner.
    """
    return place(world, procedure, "procedure", priority)


def place(world: World, name: str, kind: str, priority: str) -> dict:
    """Place an order once; a test of another kind or one that is not known is refused with what is right."""
    test = tables.test_of(name)
    if test is None:
        raise ToolError(str(unknown_name("test", name, tables.of_kind(kind))))
    entry = tables.tests()[test]
    if entry["kind"] != kind:
        raise ToolError(f"{test} is not ordered here", expected=ORDERED_WITH[entry["kind"]])
    minutes = entry["minutes"][priority == "stat"]
    known = len(world.orders)
    order = world.place(test, minutes)
    if len(world.orders) > known:
        world.written.append({"ordered": test})
    return {"ordered": test, "ready": f"minute {order.due}"}


def report(world: World, name: str, kind: str) -> dict:
    """Results in words of one test, or of all of a kind: on the chart, back, or pending."""
    waiting = pending(world, kind)
    if name:
        test = tables.test_of(name)
        if test is None or tables.tests()[test]["kind"] != kind:
            raise ToolError(str(unknown_name("study", name, tables.of_kind(kind))))
        return {test: world.finding(test) or waiting.get(test) or _done(world, test)}
    names = [n for n in world.chart.observations if n in tables.of_kind(kind)]
    names += [n for n in world.back() if n in tables.of_kind(kind)]
    shown = {n: world.finding(n) or _done(world, n) for n in names}
    return shown | waiting or {"results": NOT_AVAILABLE}


def _done(world: World, test: str) -> str:
    intervention = "normal" not in tables.tests()[test]
    return "done" if intervention and test in world.back() else NOT_AVAILABLE


@tool("read")
def get_imaging_results(world: World, study: str = "") -> dict:
    """Reports of imaging studies, done before or ordered here; does not wait.

    Args:
        study: One study; leave out for all.
    """
    return report(world, study, "imaging")


@tool("read")
def get_ecg(world: World) -> dict:
    """The 12-lead ECG as read, done before or ordered here; does not wait."""
    return report(world, "ecg", "ecg")


@tool("read")
def get_procedure_report(world: World, procedure: str = "") -> dict:
    """Reports of punctures, endoscopies, biopsies and function tests; does not wait.

    Args:
        procedure: One procedure; leave out for all.
    """
    return report(world, procedure, "procedure")


@tool("write", minutes=0)
def wait(world: World, minutes: int) -> dict:
    """Let time pass on the simulated clock until results are back.

    Args:
        minutes: How long, 1 to 10080.
    """
    if not 1 <= minutes <= LONGEST_WAIT:
        raise ToolError("bad waiting time", got=minutes, expected=f"1 to {LONGEST_WAIT} minutes")
    world.minutes += minutes
    back = [o.name for o in world.orders if o.due <= world.minutes]
    return {"minute": str(world.minutes), "back": ", ".join(back) or "nothing"}
