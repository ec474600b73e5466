"""A benchmark's items as episodes: the question is put in the environment, and what is submitted is the answer.

Most items are written questions: the tools of medical_qa, no patient (`Chart.written`), pictures as image parts of the
question. A benchmark with a world of its own brings it: `Spec.task(item)` gives a task, or its module has
`make_episode(item, knowledge)`. Either way the submitted text goes to `Spec.score`; the reward of the episode is not
read. A policy plays as everywhere (`training.engine`); a script plays without tokens.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evaluation.item import Item, Spec
from evaluation.predictions import Reply, committed
from evaluation.prompts import INSTRUCTIONS, content_of, question_text, shown_images
from medgym_core.actions import parse_action, render_call
from medgym_core.episode import Episode, without_pixels
from medgym_core.errors import MedGymError
from medgym_core.types import Call, Chart, Gold, Picture, Story, Task, Truth

if TYPE_CHECKING:
    from evaluation.policies import Setting
    from training.engine import Voice

DOMAIN, TYPE, SUBMIT = "medical_qa", "exam_question", "submit_answer"
MAX_TURNS = 8  # as in the tasks of the environment


@dataclass(frozen=True)
class Sitting:
    """An item as the engine knows a task."""

    item: Item
    spec: Spec
    domain: str
    split: str = "test"
    max_turns: int = MAX_TURNS

    @property
    def id(self) -> str:
        return self.item.id


def written_task(item: Item, spec: Spec, pictures: Sequence[bytes] = ()) -> Task:
    """The general task: a written question, whose pictures lie on the chart."""
    gold = Gold("letter" if item.options else "category", item.gold, options=list(item.options))
    images = [Picture(f"image-{n}", "picture", "", png) for n, png in enumerate(pictures, 1)]
    return Task(
        id=item.id,
        domain=DOMAIN,
        type=TYPE,
        split="test",
        family=item.id,
        level=1,
        prompt=question_text(item, len(item.images) - len(pictures)),
        chart=Chart("written", 0, "female", written=True, images=images),
        story=Story(),
        truth=Truth(gold),
        reference=[Call(SUBMIT, {"answer": item.gold})],
        sources=[spec.source],
        max_turns=MAX_TURNS,
    )


def make_episode(item: Item, spec: Spec, knowledge: Any, sees: bool = False) -> Any:
    """The item's world, opened. `sees`: whether its pictures are shown."""
    own = exported(spec, "make_episode")
    if own is not None:
        return own(item)
    if spec.task is not None:
        return Episode(spec.task(item), knowledge)
    pictures = shown_images(item) if sees else []
    task = written_task(item, spec, pictures)
    episode = Episode(task, knowledge)
    told = f"{episode.messages[0]['content']}\n\n{INSTRUCTIONS[spec.kind]}"
    user = {"role": "user", "content": content_of(task.prompt, pictures)}
    episode.messages = [{"role": "system", "content": told}, *map(dict, item.before), user]
    return episode


def exported(spec: Spec, name: str) -> Any:
    """What the benchmark's module offers by name, or None: `make_episode`, `gold_answer`, `NULLS`."""
    from evaluation.benchmarks import MODULES

    home = next((module for module in MODULES if spec in module.SPECS), None)
    own = sys.modules.get(spec.load.__module__)
    return getattr(home, name, None) or getattr(own, name, None)


def play_voice(
    voice: "Voice", items: Sequence[Item], spec: Spec, setting: "Setting", policy: str, sees: bool
) -> list[Reply]:
    """One episode an item, in their order, played by a policy's voice. An episode that failed at every attempt is an
    error: its answer is not known."""
    from training.engine import Failure, Scene, jobs_of, play

    def world(sitting: Sitting, knowledge: Any) -> Any:
        return make_episode(sitting.item, sitting.spec, knowledge, sees)

    scene = Scene(policy, setting.seed, setting.knowledge, world, setting.limits)
    sittings = [Sitting(item, spec, DOMAIN) for item in items]
    done: dict[int, Reply] = {}
    for result in play(voice, scene, jobs_of(sittings, 1)):
        if isinstance(result, Failure):
            raise MedGymError("the sampler failed", got=result.reason, expected="an answer", where=result.task)
        place, t = result
        counts = {"turns": t.turns, "tool_calls": t.tool_calls, "tool_errors": t.tool_errors}
        done[place] = _reply(t.messages, t.stop == "submitted", counts, _unseen(items[place], sees))
    return [done[place] for place in range(len(items))]


def play_answer(answer: str, item: Item, spec: Spec, knowledge: Any) -> Reply:
    """The item played by submitting `answer` at once. The conversation is not kept: it is known."""
    episode = make_episode(item, spec, knowledge)
    episode.step(submission(episode.tools, answer))
    counts = {"turns": episode.turns, "tool_calls": episode.tool_calls, "tool_errors": episode.tool_errors}
    return _reply(episode.messages, episode.done and not episode.truncated, counts, None)


def submission(tools: Sequence[Mapping[str, Any]], answer: str) -> str:
    """The assistant text that commits to `answer`: a call of the submission tool with it as the first argument."""
    schemas = [tool["function"] for tool in tools]
    submit = next(schema for schema in schemas if schema["name"].startswith("submit"))
    return render_call(Call(submit["name"], {next(iter(submit["parameters"]["properties"])): answer}))


def _unseen(item: Item, sees: bool) -> int:
    return len(item.images) - (len(shown_images(item)) if sees else 0)


def _reply(messages: Sequence[dict[str, Any]], submitted: bool, counts: dict[str, float], unseen: int | None) -> Reply:
    """What was submitted; `unseen` is the number of pictures not shown, None for a script, which looks at none."""
    last = next((m for m in reversed(messages) if m["role"] == "assistant"), None)
    answer = ""
    if submitted and last is not None:
        action = parse_action(last["content"])  # a world of its own may end with words instead of a call
        answer = committed(action) if isinstance(action, Call) else last["content"]
    play = {name: float(count) for name, count in counts.items()} | {"no_submission": float(not submitted)}
    if unseen is None:
        return Reply(answer, play=play)
    shown = json.dumps([without_pixels(m) for m in messages])
    return Reply(answer, images_missing=unseen, play=play, messages=shown)
