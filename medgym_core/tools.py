"""Tools: plain typed functions an agent may call, their JSON schema, and the safe way to run one.

A tool's first parameter is the `World` of the episode; the rest are its arguments (str, int, float, bool, Literal or
lists of them). The schema comes from the signature and the docstring, once, at import: the first paragraph describes
the tool, lines `name: text` below `Args:` describe its arguments. Tools about the patient also accept an optional
`patient_id`, which defaults to the episode's patient and is checked when given.

A tool computes from the chart or from a sourced table. What is not there is answered with `NOT_AVAILABLE`, an unknown
drug or pair with `NOT_IN_DATABASE`; neither is ever filled in.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from medgym_core.errors import MedGymError, unknown_name
from medgym_core.types import Chart, Picture, Reading, ToolKind

NOT_AVAILABLE = "not available"
NOT_IN_DATABASE = "not in the database"


class ToolError(MedGymError):
    """A call that cannot be carried out; the message goes to the agent."""


@dataclass(slots=True)
class Order:
    """A test or treatment the agent asked for."""

    name: str
    placed: int
    """Simulated minutes since arrival."""
    due: int
    """When its result is there."""


@dataclass(slots=True)
class World:
    """The state of one episode that tools read and write. The chart itself never changes."""

    chart: Chart
    knowledge: Any = None
    """Has `search(query, k)` and `read(id)`; None where an episode needs no passages."""
    minutes: int = 0
    """Simulated clock, minutes since arrival."""
    orders: list[Order] = field(default_factory=list)
    written: list[dict[str, Any]] = field(default_factory=list)
    """State-changing actions so far (stopped drugs, prescriptions, activations), in order."""
    displayed: list[Picture] = field(default_factory=list)
    """Images the running tool puts on the screen; they go into its message."""

    def display(self, picture: Picture) -> None:
        """Show an image with the running tool's observation."""
        self.displayed.append(picture)

    def take_displayed(self) -> list[Picture]:
        """The images displayed since the last call."""
        if not self.displayed:
            return []
        shown, self.displayed = self.displayed, []
        return shown

    def picture(self, image_id: str = "") -> Picture:
        """An image of this patient by id; without one, the latest. Raises ToolError naming the valid ids."""
        pictures = self.chart.images
        if not pictures:
            raise ToolError("this patient has no images")
        if not image_id:
            return max(pictures, key=lambda p: p.minutes)
        found = next((p for p in pictures if p.id == image_id), None)
        if found is None:
            raise ToolError("unknown image", got=repr(image_id), expected=" or ".join(p.id for p in pictures))
        return found

    def vital(self, name: str) -> Reading | None:
        """The latest vital sign of that name, or None."""
        return latest(self.chart.vitals, name)

    def lab(self, name: str) -> Reading | None:
        """The latest laboratory result of that name, ordered ones that are back included, or None."""
        return latest(self.results(), name)

    def place(self, name: str, turnaround: int) -> Order:
        """Order a test whose result comes back `turnaround` minutes from now; an order already placed stands."""
        for order in self.orders:
            if order.name == name:
                return order
        order = Order(name, self.minutes, self.minutes + turnaround)
        self.orders.append(order)
        return order

    def back(self) -> list[str]:
        """Names of the ordered tests whose results are there by now, in the order placed."""
        return [o.name for o in self.orders if o.due <= self.minutes]

    def results(self) -> list[Reading]:
        """Laboratory results on the chart and those of ordered tests that are back."""
        if not self.orders:
            return self.chart.labs
        return [*self.chart.labs, *(r for name in self.back() for r in self.chart.pending.get(name, []))]

    def finding(self, name: str) -> str | None:
        """An examination finding or a worded result that is back, by name, or None."""
        for test in reversed(self.back()):
            if name in self.chart.pending_findings.get(test, {}):
                return self.chart.pending_findings[test][name]
        return self.chart.observations.get(name)


def latest(readings: list[Reading], name: str) -> Reading | None:
    """The reading of that name with the latest time, or None when there is none."""
    found = [r for r in readings if r.name == name]
    return max(found, key=lambda r: r.minutes) if found else None


def show(reading: Reading | None) -> str:
    """A reading as text, `88 %`; a missing one is `not available`."""
    return NOT_AVAILABLE if reading is None else f"{number(reading.value)} {reading.unit}".strip()


def number(value: float) -> str:
    """Shortest decimal text of a number: `88`, `7.4`."""
    return f"{value:g}" if abs(value) >= 1e-4 or value == 0 else repr(value)


def state(findings: dict[str, Any]) -> str:
    """Findings as one line, `spo2: 88 %; heart_rate: 112 /min`: short to read, and to quote as evidence."""
    return "; ".join(f"{name}: {value}" for name, value in findings.items())


@dataclass(frozen=True, slots=True)
class Tool:
    """One callable tool with its schema."""

    name: str
    kind: ToolKind
    static: bool
    """True: the answer does not depend on the patient (tables, searches)."""
    minutes: int
    """Simulated minutes one call takes."""
    description: str
    schema: dict[str, Any]
    """OpenAI function schema."""
    function: Callable[..., Any]
    arguments: type[msgspec.Struct]

    def __call__(self, world: World, **arguments: Any) -> Any:
        return self.function(world, **arguments)

    def run(self, world: World, arguments: dict[str, Any]) -> str:
        """Run the tool as `result` does; its observation as text, `name: value; name: value`."""
        return state(self.result(world, arguments))

    def result(self, world: World, arguments: dict[str, Any]) -> dict[str, Any]:
        """Check the arguments, run the tool, let its minutes pass and return what it found.

        Raises ToolError for a missing, unknown or mistyped argument and for another patient's id.
        """
        return self.perform(world, self.checked(world, arguments))

    def perform(self, world: World, arguments: dict[str, Any]) -> dict[str, Any]:
        """Run the tool with arguments that have been checked, and let its minutes pass."""
        result = self.function(world, **arguments)
        world.minutes += self.minutes
        return result

    def checked(self, world: World, arguments: dict[str, Any]) -> dict[str, Any]:
        """The arguments as they are carried out: of their types, defaults filled in, the patient's id left out.

        Raises ToolError for a missing, unknown or mistyped argument and for another patient's id.
        """
        arguments = dict(arguments)
        if not self.static:
            if world.chart.written:
                raise ToolError("this is a written question: there is no patient to look at")
            patient = arguments.pop("patient_id", "") or world.chart.patient_id
            if patient != world.chart.patient_id:
                raise ToolError("no such patient here", got=repr(patient), expected=world.chart.patient_id)
        unknown = [a for a in arguments if a not in self.arguments.__struct_fields__]
        if unknown:
            raise ToolError(f"{self.name} has no argument {unknown[0]!r}", expected=self._signature())
        try:
            checked = msgspec.convert(arguments, self.arguments, strict=False)
        except msgspec.ValidationError as error:
            raise ToolError(f"bad arguments for {self.name}: {error}", expected=self._signature()) from error
        return {f: getattr(checked, f) for f in checked.__struct_fields__}

    def _signature(self) -> str:
        return f"{self.name}({', '.join(self.arguments.__struct_fields__)})"


def tool(kind: ToolKind, *, static: bool = False, minutes: int = 1) -> Callable[[Callable[..., Any]], Tool]:
    """Make a tool of a typed function; see the module's docstring for what the function must look like."""

    def make(function: Callable[..., Any]) -> Tool:
        description, notes = _docstring(function)
        fields = []
        for p in list(inspect.signature(function).parameters.values())[1:]:
            if p.annotation is inspect.Parameter.empty or p.name not in notes:
                raise MedGymError("tool argument without type or description", got=p.name, where=function.__qualname__)
            fields.append((p.name, p.annotation) if p.default is p.empty else (p.name, p.annotation, p.default))
        arguments = msgspec.defstruct(f"{function.__name__}_arguments", fields, frozen=True)
        schema = {
            "type": "function",
            "function": {
                "name": function.__name__,
                "description": description,
                "parameters": _parameters(arguments, notes, static),
            },
        }
        return Tool(function.__name__, kind, static, minutes, description, schema, function, arguments)

    return make


def by_name(tools: list[Tool]) -> dict[str, Tool]:
    """Tools by name. Raises MedGymError when two share one."""
    found: dict[str, Tool] = {}
    for t in tools:
        if t.name in found:
            raise MedGymError("two tools share a name", got=t.name)
        found[t.name] = t
    return found


def find(tools: dict[str, Tool], name: str) -> Tool:
    if name not in tools:
        error = unknown_name("tool", name, tools)
        raise ToolError(str(error))
    return tools[name]


def _docstring(function: Callable[..., Any]) -> tuple[str, dict[str, str]]:
    text = inspect.getdoc(function) or ""
    if not text:
        raise MedGymError("tool without a docstring", where=function.__qualname__)
    head, _, tail = text.partition("Args:")
    notes = {}
    for line in tail.splitlines():
        name, colon, note = line.strip().partition(":")
        if colon and name.isidentifier():
            notes[name] = note.strip()
    return " ".join(head.split("\n\n")[0].split()), notes


def _parameters(arguments: type[msgspec.Struct], notes: dict[str, str], static: bool) -> dict[str, Any]:
    (_,), defined = msgspec.json.schema_components([arguments])
    schema = defined[arguments.__name__]
    properties = {name: {**p, "description": notes[name]} for name, p in schema.get("properties", {}).items()}
    if not static:
        properties["patient_id"] = {"type": "string", "description": "The patient; defaults to this episode's."}
    return {
        "type": "object",
        "properties": properties,
        "required": schema.get("required", []),
        "additionalProperties": False,
    }
