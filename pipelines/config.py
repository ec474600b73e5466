"""The configuration of a run: one strict, typed tree, filled from a preset and `key=value` settings.

`run_config("quick", ["seed=1", "rl.steps=20"])` gives a RunConfig; an unknown key or a value of the wrong type is a
MedGymError that names the valid ones. The same two arguments stand in the Dagster launchpad (resource `settings`).
"""

import json
from typing import Any

import msgspec

from medgym_core.domains import NAMES
from medgym_core.errors import MedGymError, unknown_name
from training.config import AnyRL, BCConfig, PolicyConfig, TTOPDConfig
from training.presets import PRESETS as TRAINING
from training.presets import leaves, put


class Section(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Base of the configuration records."""


class CorpusConfig(Section):
    """Where passages come from."""

    sources: tuple[str, ...] = ("facts", "medquad", "medlineplus", "drug_labels")
    """`facts` ships with MedGym; the others are read from MEDGYM_DATA and reported absent where it lacks them. `all`
    is every corpus that is there: about 200,000 passages, which take some minutes."""
    encoder: str = "fast"
    """Of the dense vectors: `fast`, `quality`, `st:NAME` or `http:URL#MODEL`."""


class TasksConfig(Section):
    """Which tasks are generated."""

    domains: tuple[str, ...] = NAMES
    per_domain: int = 600
    """Tasks a domain, all splits together."""
    files: tuple[str, ...] = ()
    """Task files of your own, as `medgym tasks add` writes them: joined to the generated tasks and gated with them."""


class PracticeConfig(Section):
    """The tasks that the policy is trained and tested on: as many and as hard as a small policy learns in minutes."""

    domains: tuple[str, ...] = ("triage_emergency",)
    per_domain: int = 2400
    """Tasks of each of these domains in the task set; the others have `tasks.per_domain`. 0: as many as the others."""
    level: int = 2
    """Highest level."""
    texts: bool = False
    """Also tasks whose answer is a free text."""


class RolloutsConfig(Section):
    """The recorded episodes that behaviour cloning learns from."""

    imperfect: bool = True
    """Also a wrong episode of every task; under the hint that says so it makes hints readable."""
    alternatives: bool = False
    """Also another good path of every task that has one."""


class EvaluationConfig(Section):
    """The benchmarks that the trained policy is measured on, beside its practice tasks."""

    suite: str = "quick"
    """A suite of `evaluation.suites`, or benchmarks joined by commas; each must be in MEDGYM_DATA."""
    limit: int | None = None
    """Items of each benchmark, every group with its share; null: as many as the suite has."""


class RunConfig(Section):
    """Everything a run depends on, besides the code, the facts and the files of MEDGYM_DATA."""

    preset: str
    seed: int = 0
    model: str = ""
    """A Hugging Face folder or hub name to train from; empty: the small policy made from scratch by `policy`."""
    corpus: CorpusConfig = CorpusConfig()
    tasks: TasksConfig = TasksConfig()
    practice: PracticeConfig = PracticeConfig()
    rollouts: RolloutsConfig = RolloutsConfig()
    policy: PolicyConfig = PolicyConfig()
    bc: BCConfig = BCConfig()
    rl: AnyRL = TTOPDConfig()
    evaluation: EvaluationConfig = EvaluationConfig()

    @property
    def task_counts(self) -> dict[str, int]:
        """Tasks of each domain in the task set."""
        more = self.practice.per_domain or self.tasks.per_domain
        return {d: more if d in self.practice.domains else self.tasks.per_domain for d in self.tasks.domains}

    @property
    def limits(self) -> tuple[int, int]:
        """Most tokens of a turn and of an episode: the same in training and evaluation."""
        return self.rl.turn_tokens, self.rl.episode_tokens


DEFAULT_PRESET = "demo"


def _preset(name: str, training: str, **sections: Any) -> RunConfig:
    t = TRAINING[training]
    return RunConfig(preset=name, policy=t.policy, bc=t.bc, rl=t.rl, **sections)


PRESETS: dict[str, RunConfig] = {
    "demo": _preset("demo", "cpu_demo"),  # minutes on two cores: a policy that has learnt something
    "quick": _preset(  # seconds: the whole chain, nothing learnt
        "quick",
        "quick",
        corpus=CorpusConfig(sources=("facts",)),
        tasks=TasksConfig(per_domain=40),
        practice=PracticeConfig(domains=("drug_interaction", "triage_emergency"), per_domain=0, level=3, texts=True),
        evaluation=EvaluationConfig(limit=4),
    ),
}


def run_config(preset: str = DEFAULT_PRESET, settings: list[str] | None = None) -> RunConfig:
    """The preset with `key=value` settings applied; dotted keys reach into sections.

    Values are JSON or plain text; a list may be written `a,b`. Raises MedGymError for an unknown key or a wrong type.
    """
    if preset not in PRESETS:
        raise unknown_name("preset", preset, PRESETS)
    tree = msgspec.to_builtins(PRESETS[preset])
    del tree["preset"]  # named by the argument
    valid, given = leaves(tree), {}
    for setting in settings or []:
        key, equals, text = setting.partition("=")
        if not equals:
            raise MedGymError("bad setting", got=repr(setting), expected="key=value, such as seed=1")
        key, value = key.strip(), _value(text.strip())
        listed = key in valid and isinstance(value, str) and isinstance(_at(tree, key), list | tuple)
        given[key] = value.split(",") if listed else value
    put(tree, given, "setting")
    tree["preset"] = preset
    try:
        found = msgspec.convert(tree, RunConfig)
    except msgspec.ValidationError as error:
        raise MedGymError(f"bad setting: {error}", got=", ".join(settings or [])) from error
    for key, names, valid in (
        ("tasks.domains", found.tasks.domains, NAMES),
        ("practice.domains", found.practice.domains, found.tasks.domains),
    ):
        if not names:
            raise MedGymError("no domain", got="an empty list", expected="at least one", where=key)
        for name in names:
            if name not in valid:
                raise unknown_name("domain", name, valid, where=key)
    if found.practice.level not in (1, 2, 3):
        raise MedGymError("no such level", got=found.practice.level, expected="1 to 3", where="practice.level")
    return found


def _at(tree: dict[str, Any], key: str) -> Any:
    for part in key.split("."):
        tree = tree[part]
    return tree


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:  # plain text, such as a path
        return text
