"""Benchmark items played as episodes in small worlds of their own: tools that read, one that submits.

A `WorldEpisode` has the interface of `medgym_core.episode.Episode`, so that whatever plays those plays these. Calls are
read, checked and answered as there: a bad call gives an error observation, costs a turn and never ends the episode; a
submission ends it, `max_turns` truncates it, and after the end `step` raises. The submitted text is scored by the
benchmark's one scorer. Composite and accuracy are both that score: such items ask for no steps and judge no safety.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from evaluation.item import Item, Scorer
from medgym_core.actions import Speech, Unreadable, parse_action
from medgym_core.episode import StepResult
from medgym_core.errors import MedGymError
from medgym_core.rewards import Reward
from medgym_core.tools import Tool, ToolError, by_name, find, state
from medgym_core.types import Call

NO_LISTENER = "error: nobody is listening; expected one tool call"


@dataclass(frozen=True)
class WorldTask:
    """An item with its world. `id`, `domain`, `split` and `reference` are as those of a `medgym_core` task."""

    item: Item
    domain: str
    system: str
    prompt: str
    tools: Sequence[Tool]
    """Of kind `read` and `submit`; the first argument of a submission is the answer."""
    make_world: Callable[[], Any]
    """What the tools read; has `minutes`."""
    score: Scorer
    reference: Sequence[Call]
    """Calls that look something up, and then submit the gold."""
    max_turns: int
    listen: Callable[[Any, str], str] | None = None
    """Who answers text without a call; None: nobody, and such text is an error."""
    split: str = "test"

    @property
    def id(self) -> str:
        return self.item.id


class WorldEpisode:
    """A task being played."""

    def __init__(self, task: WorldTask, knowledge: Any = None):
        self.task = task
        self.world = task.make_world()
        self._tools = by_name(list(task.tools))
        self.tools = [tool.schema for tool in task.tools]
        self.messages: list[dict[str, Any]] = [
            {"role": "system", "content": task.system},
            {"role": "user", "content": task.prompt},
        ]
        self.turns = self.tool_calls = self.tool_errors = self.writes = 0
        self.done = self.truncated = False
        self.submitted: str | None = None

    def step(self, text: str) -> StepResult:
        """Play one assistant message. Raises MedGymError once the episode has ended."""
        if self.done:
            raise MedGymError("the episode has ended", got="step", expected="a new episode", where=self.task.id)
        self.messages.append({"role": "assistant", "content": text})
        role, reply, name, error = self._play(text)
        self.turns += 1
        self.tool_calls += name is not None
        self.tool_errors += error
        self.truncated = self.submitted is None and self.turns >= self.task.max_turns
        self.done = self.truncated or self.submitted is not None
        message = None if self.done else {"role": role, "content": reply}
        if message is not None:
            self.messages.append(message)
        return StepResult(message, self.done, self.truncated, error, name)

    def score(self) -> Reward:
        """Score of what happened so far; final once `done`. Without a submission it is 0 and the verdict `none`."""
        if self.submitted is None:
            return Reward(0.0, 0.0, False, {"accuracy": 0.0}, False, "none")
        score = self.task.score(self.submitted, self.task.item)
        right = score.verdict == "correct"
        return Reward(score.value, score.value, right, {"accuracy": score.value}, False, score.verdict)

    def _play(self, text: str) -> tuple[str, str, str | None, bool]:
        """Role and words of the reply, the tool called, and whether the text was no valid action."""
        action = parse_action(text)
        if isinstance(action, Unreadable):
            return "tool", f"error: {action.reason}", None, True
        if isinstance(action, Speech):
            if self.task.listen is None:
                return "tool", NO_LISTENER, None, True
            return "user", self.task.listen(self.world, action.text), None, False
        try:
            tool = find(self._tools, action.name)
            arguments = tool.checked(self.world, action.arguments)
            observation = state(tool.perform(self.world, arguments))
        except ToolError as error:
            return "tool", f"error: {error}", action.name, True
        if tool.kind == "submit":
            self.submitted = str(next(iter(arguments.values())))
        return "tool", observation, action.name, False
