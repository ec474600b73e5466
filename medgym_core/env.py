"""The Gymnasium environment `MedGym-v0`: text actions, text observations, the reward at the end.

    import gymnasium
    env = gymnasium.make("medgym_core:MedGym-v0", domain="triage_emergency", split="train")
    observation, info = env.reset(seed=0)
    action = '<tool_call>{"name": "get_vital_signs", "arguments": {}}</tool_call>'
    observation, reward, terminated, truncated, info = env.step(action)

The first observation is the task's prompt, later ones the tool's or the patient's answer. `info` holds `messages`
(with image parts where there are images) and `tools` (OpenAI schemas); at the end also `reward` (parts and reasons).
Tasks come from a task file or are generated when first drawn. Several at once: `gymnasium.make_vec`.
"""

import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import gymnasium
from gymnasium import spaces

from medgym_core import domains
from medgym_core.episode import Episode, images_of, text_of
from medgym_core.errors import MedGymError, unknown_name
from medgym_core.explain import reasons
from medgym_core.tasks import TaskPool, read_tasks
from medgym_core.types import Task

MAX_TEXT = 20_000  # characters of an action or observation
MAX_SAMPLE = 400  # characters of a random action
GENERATED = 120  # tasks per domain and split when no task file is given
SPLITS = ("train", "validation", "test")
RENDER_MODES = ("ansi", "rgb_array")
_SAMPLE = 'abcdefghijklmnopqrstuvwxyz ?<>{}"_:,0123456789'
_PAGE = (640, 480)  # pixels of a rendered transcript, width and height
_COLUMNS, _LINES = 100, 42  # characters of Pillow's default font that fit on it


class _Unicode:
    """All characters, by code point, without holding them."""

    def __len__(self) -> int:
        return sys.maxunicode + 1

    def __getitem__(self, code: int) -> str:
        return chr(code)

    def __contains__(self, character: object) -> bool:
        return isinstance(character, str) and len(character) == 1


_UNICODE: Any = _Unicode()


class AnyText(spaces.Text):
    """Any Unicode text up to a length; samples are plain. It travels through the shared memory of a vector form."""

    character_list = _UNICODE
    character_set = _UNICODE

    def __init__(self) -> None:
        self._plain = spaces.Text(max_length=MAX_SAMPLE, min_length=0, charset=_SAMPLE)
        super().__init__(max_length=MAX_TEXT, min_length=0, charset=_SAMPLE)

    def sample(self, mask: Any = None, probability: Any = None) -> str:
        self._plain._np_random = self.np_random
        return self._plain.sample(mask, probability)

    def character_index(self, char: str) -> Any:
        return ord(char)

    def contains(self, x: Any) -> bool:
        return isinstance(x, str) and len(x) <= self.max_length


class MedGymEnv(gymnasium.Env[str, str]):
    """One episode at a time; `reset(options={"task": id})` plays a given task, else one is drawn by the seed.

    `render_mode="ansi"` gives the transcript as text; `"rgb_array"` the image now on the screen, uint8 (H, W, 3), or
    the transcript's end drawn on a page where the case has no image.
    """

    metadata = {"render_modes": list(RENDER_MODES), "render_fps": 1}

    def __init__(
        self,
        domain: str = "triage_emergency",
        split: str = "train",
        tasks: str | Path | None = None,
        render_mode: str | None = None,
    ):
        if split not in SPLITS:
            raise unknown_name("split", split, SPLITS)
        if render_mode not in (None, *RENDER_MODES):
            raise unknown_name("render_mode", str(render_mode), RENDER_MODES)
        domains.get(domain)
        self.tasks = _load(domain, split, str(tasks) if tasks else None)
        self.knowledge = _knowledge()
        self.render_mode = render_mode
        self.action_space = AnyText()
        self.observation_space = AnyText()
        self.episode: Episode | None = None

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[str, dict[str, Any]]:
        super().reset(seed=seed)
        wanted = (options or {}).get("task")
        task = self._find(str(wanted)) if wanted is not None else self._draw()
        self.episode = Episode(task, self.knowledge)
        return task.prompt, self._info()

    def step(self, action: str) -> tuple[str, float, bool, bool, dict[str, Any]]:
        if self.episode is None:
            raise MedGymError("the environment was not reset", got="step", expected="reset first")
        result = self.episode.step(action)
        info = self._info()
        reward = 0.0
        if result.done:
            scored = self.episode.score()
            reward = scored.composite
            info["reward"] = {
                "parts": scored.parts,
                "correct": scored.correct,
                "critical": scored.critical,
                "why": reasons(scored),
            }
        observation = text_of(result.message)[:MAX_TEXT] if result.message else ""
        return observation, reward, result.done and not result.truncated, result.truncated, info

    def render(self) -> Any:
        if self.render_mode is None or self.episode is None:
            return None
        transcript = "\n\n".join(f"[{m['role']}]\n{text_of(m)}" for m in self.episode.messages)
        if self.render_mode == "ansi":
            return transcript
        images = [image for m in self.episode.messages for image in images_of(m)]
        return _pixels(images[-1]) if images else _page(transcript)

    def _draw(self) -> Task:
        return self.tasks[int(self.np_random.integers(len(self.tasks)))]

    def _find(self, task_id: str) -> Task:
        pool = self.tasks
        found = pool.find(task_id) if isinstance(pool, TaskPool) else next((t for t in pool if t.id == task_id), None)
        if found is None:
            near = [pool[i].id for i in Random(0).sample(range(len(pool)), min(5, len(pool)))]
            raise unknown_name("task", task_id, near)
        return found

    def _info(self) -> dict[str, Any]:
        assert self.episode is not None
        return {"task": self.episode.task.id, "messages": list(self.episode.messages), "tools": self.episode.tools}


def _pixels(png: bytes) -> Any:
    """A PNG as uint8 (H, W, 3)."""
    import numpy as np

    from medgym_core.imaging.picture import decode

    pixels = decode(png)
    return np.repeat(pixels[:, :, None], 3, axis=2) if pixels.ndim == 2 else pixels.copy()


def _page(transcript: str) -> Any:
    """The end of a transcript drawn as text, uint8 (H, W, 3)."""
    import textwrap

    import numpy as np
    from PIL import Image, ImageDraw

    lines = [piece for line in transcript.splitlines() for piece in textwrap.wrap(line, _COLUMNS) or [""]]
    page = Image.new("RGB", _PAGE, "white")
    ImageDraw.Draw(page).multiline_text((8, 6), "\n".join(lines[-_LINES:]), fill="black", spacing=1)
    return np.asarray(page)


@cache
def _load(domain: str, split: Any, path: str | None) -> Sequence[Task]:
    if path is None:
        return TaskPool(domain, split, GENERATED, _knowledge())
    tasks = read_tasks(Path(path), split=split, domain=domain)
    if not tasks:
        raise MedGymError("no tasks", got=0, expected="at least one", where=f"{path} {domain} {split}")
    return tasks


@cache
def _knowledge() -> Any:
    from medgym_core.knowledge.later import ShippedKnowledge

    return ShippedKnowledge()
