"""What the world promises in every domain: nothing leaks, nothing breaks, the same actions give the same bytes."""

import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medgym_core import domains, facts
from medgym_core.actions import render_call
from medgym_core.episode import Episode
from medgym_core.gates import play, sensitivity
from medgym_core.knowledge.search import KnowledgeBase
from medgym_core.probes import reference_texts
from medgym_core.sensitivity import tool_outputs
from medgym_core.tasks import build_task_set
from medgym_core.types import Call, Gold, Story, Task, Truth, encode

PUBLISHED = Path(__file__).parent / "data" / "published_tools.tsv"
TASKS = 120  # of each domain here
CHARTS = 50
FUZZED_CALLS = 10_000


@cache
def tasks_of(domain: str) -> list[Task]:
    return build_task_set(0, TASKS, KnowledgeBase.shipped(), [domain])


def observations(task: Task) -> list[str]:
    return [e.observation for e in play(task, reference_texts(task), KnowledgeBase.shipped()).events]


# ---- the tools


def published() -> list[tuple[str, str]]:
    lines = PUBLISHED.read_text().splitlines()[1:]
    return [(domain, tool) for domain, tool in (line.split("\t") for line in lines)]


def test_every_tool_of_the_published_system_exists_in_its_domain() -> None:
    home = {"knowledge": "medical_qa"}
    lacking = [(d, t) for d, t in published() if t not in domains.get(home.get(d, d)).tools]
    assert not lacking


def test_there_are_at_least_160_different_domain_tools_beside_the_knowledge_tools() -> None:
    knowledge = {tool for domain, tool in published() if domain == "knowledge"}
    names = {tool for domain in domains.NAMES for tool in domains.get(domain).tools}
    assert len(names - knowledge) >= 160


@pytest.mark.parametrize("domain", domains.NAMES)
def test_every_tool_runs_on_fifty_charts_without_an_unexpected_error(domain: str) -> None:
    outputs = tool_outputs(domain, tasks_of(domain), KnowledgeBase.shipped())
    assert not [failure for o in outputs.values() for failure in o.failures]
    assert set(outputs) == set(domains.get(domain).tools)
    assert not [name for name, o in outputs.items() if o.charts < CHARTS]
    assert not [name for name, o in outputs.items() if not o.distinct], "never gave an answer"


@pytest.mark.parametrize("domain", domains.NAMES)
def test_no_reading_tool_is_an_undeclared_constant(domain: str) -> None:
    assert sensitivity(domain, tasks_of(domain), KnowledgeBase.shipped()).failures == []


@pytest.mark.parametrize("domain", domains.NAMES)
def test_tools_that_take_arguments_have_examples(domain: str) -> None:
    found = domains.get(domain)
    lacking = [
        name for name, tool in found.tools.items()
        if tool.schema["function"]["parameters"]["required"] and name not in found.examples
    ]  # fmt: skip
    assert not lacking


# ---- nothing leaks


@pytest.mark.parametrize("domain", domains.NAMES)
def test_observations_do_not_depend_on_the_truth(domain: str) -> None:
    """Every reference played again on a twin whose truth is other words: all observations are the same."""
    for task in tasks_of(domain):
        twin = msgspec.structs.replace(task, truth=Truth(Gold("category", "another answer"), explanation="elsewhere"))
        assert observations(task) == observations(twin), task.id


@pytest.mark.parametrize("domain", domains.NAMES)
def test_no_truth_or_story_is_reachable_from_the_world_a_tool_gets(domain: str) -> None:
    for task in tasks_of(domain):
        episode = play(task, reference_texts(task), KnowledgeBase.shipped())
        for value in walk({f: getattr(episode.world, f) for f in episode.world.__slots__ if f != "knowledge"}):
            assert not isinstance(value, Truth | Story | Gold | Task), task.id


def walk(value: Any) -> Iterator[Any]:
    yield value
    if isinstance(value, msgspec.Struct):
        value = {f: getattr(value, f) for f in value.__struct_fields__}
    elif hasattr(value, "__slots__"):
        value = {f: getattr(value, f) for f in value.__slots__}
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple | set):
        for inner in value:
            yield from walk(inner)


@pytest.mark.parametrize("domain", domains.NAMES)
def test_the_patient_never_says_the_answer_of_a_diagnosis(domain: str) -> None:
    for task in tasks_of(domain):
        gold = task.truth.gold
        if "diagnos" in task.type and gold.kind == "category":
            told = " ".join(layer for layers in task.story.topics.values() for layer in layers).lower()
            assert str(gold.value).lower() not in told, task.id


# ---- the same actions give the same bytes


def replay_digest() -> str:
    """Digest of all observations of all references, for comparing processes."""
    found = hashlib.sha256()
    for domain in domains.NAMES:
        for task in build_task_set(1, 24, KnowledgeBase.shipped(), [domain]):
            found.update(encode(task).encode())
            for observation in observations(task):
                found.update(observation.encode())
    return found.hexdigest()


def test_replays_are_byte_identical_across_processes() -> None:
    code = (
        "import importlib.util, sys; "
        f"spec = importlib.util.spec_from_file_location('world_tests', {str(Path(__file__))!r}); "
        "module = importlib.util.module_from_spec(spec); sys.modules['world_tests'] = module; "
        "spec.loader.exec_module(module); print(module.replay_digest())"
    )
    found = [
        subprocess.run(
            [sys.executable, "-c", code], env=os.environ | {"PYTHONHASHSEED": seed}, capture_output=True, text=True,
            check=True,
        ).stdout.strip()
        for seed in ("1", "2")
    ]  # fmt: skip
    assert found[0] == found[1] and len(found[0]) == 64


# ---- nothing breaks

VALUES: list[Any] = [
    None, True, -1, 0, 10**30, 1.5, "", "x" * 3000, "P00000", "../../etc/passwd", "'; DROP TABLE x; --", "{}", "NaN",
    [], ["a"], {"a": 1}, "é🙂", "\x00", "sodium", "warfarin", "-1", "1e999",
]  # fmt: skip


def mutated(rng: Random, domain: domains.Domain, task: Task) -> str:
    """A call of the domain, valid or broken in one of many ways."""
    name = rng.choice(list(domain.tools))
    properties = domain.tools[name].schema["function"]["parameters"]["properties"]
    valid = [c.arguments for c in task.reference if c.name == name] + domain.examples.get(name, [])
    arguments = dict(rng.choice(valid)) if valid and rng.random() < 0.6 else {}
    for key in properties:
        if rng.random() < 0.3:
            arguments[key] = rng.choice(VALUES)
    if rng.random() < 0.1:
        arguments[rng.choice(["", "self", "world", "__class__", "extra"])] = rng.choice(VALUES)
    if rng.random() < 0.1:
        name = rng.choice([name.upper(), name + "x", "", "__init__", "submit"])
    text = render_call(Call(name, arguments))
    if rng.random() < 0.2:
        cut = rng.randrange(len(text))
        text = text[:cut] + rng.choice(["", "<", '"', "}}", "</tool_call>", "\ud800"]) + text[cut + rng.randrange(3) :]
    return text


def facts_digest() -> str:
    """Digest of all fact tables loaded so far, for seeing that no call changes one."""
    packages = [*domains.NAMES, *facts.SHARED]
    tables = [(p, f.stem) for p in packages for f in sorted(facts.folder(p).glob("*.toml"))]
    return hashlib.sha256(repr([facts.load(p, t) for p, t in tables]).encode()).hexdigest()


@pytest.mark.parametrize("domain", domains.NAMES)
def test_ten_thousand_mutated_calls_raise_nothing_and_touch_no_other_episode(domain: str) -> None:
    rng, loaded = Random(f"fuzz/{domain}"), domains.get(domain)
    tasks = tasks_of(domain)
    before, charts = facts_digest(), [encode(t) for t in tasks]
    other = Episode(tasks[0], KnowledgeBase.shipped())
    for text in reference_texts(tasks[0])[:-1]:
        other.step(text)
    untouched = repr((other.world, other.messages, other.events))
    episode, played = Episode(rng.choice(tasks), KnowledgeBase.shipped()), 0
    while played < FUZZED_CALLS:
        if episode.done:
            reward = episode.score()
            assert 0 <= reward.composite <= 1
            episode = Episode(rng.choice([tasks[0], *tasks]), KnowledgeBase.shipped())
        result = episode.step(mutated(rng, loaded, episode.task))
        assert result.done or result.message is not None
        played += 1
    assert repr((other.world, other.messages, other.events)) == untouched
    assert [encode(t) for t in tasks] == charts
    assert facts_digest() == before


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=6,
)


@pytest.mark.parametrize("domain", domains.NAMES)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_any_arguments_are_answered(domain: str, data: st.DataObject) -> None:
    loaded = domains.get(domain)
    tool = data.draw(st.sampled_from(sorted(loaded.tools)))
    keys = sorted(loaded.tools[tool].schema["function"]["parameters"]["properties"])
    arguments = data.draw(st.dictionaries(st.sampled_from(keys) if keys else st.text(max_size=5), JSON, max_size=4))
    episode = Episode(data.draw(st.sampled_from(tasks_of(domain)[:20])), KnowledgeBase.shipped())
    result = episode.step(render_call(Call(tool, arguments)))
    assert result.done or result.message is not None


@settings(max_examples=300, deadline=None)
@given(text=st.text(max_size=200))
def test_any_text_is_answered(text: str) -> None:
    episode = Episode(tasks_of("triage_emergency")[0], KnowledgeBase.shipped())
    result = episode.step(text)
    assert not result.done and result.message is not None


# ---- patients make sense

OF_WOMEN = re.compile(
    r"postpartum|pregnan|ovar|menses|menstru|uter[ui]|vagina|her period|breastfe|eclamp|cervical motion"
)
OF_MEN = re.compile(r"prostat|testic|penis|erectile|scrot")


@pytest.mark.parametrize("domain", domains.NAMES)
def test_no_patient_has_a_finding_of_the_other_sex(domain: str) -> None:
    for task in tasks_of(domain):
        foreign = OF_WOMEN if task.chart.sex == "male" else OF_MEN
        said = " | ".join(str(v) for v in walk([task.chart, task.story]) if isinstance(v, str)).lower()
        assert not (found := foreign.search(said)), (task.id, said[max(found.start() - 40, 0) : found.end() + 40])


@pytest.mark.parametrize("domain", domains.NAMES)
def test_vital_signs_are_possible_together(domain: str) -> None:
    for task in tasks_of(domain):
        values = {r.name: r.value for r in task.chart.vitals}
        if "systolic_bp" in values and "diastolic_bp" in values:
            by_time: dict[int, dict[str, float]] = {}
            for r in task.chart.vitals:
                by_time.setdefault(r.minutes, {})[r.name] = r.value
            for at in by_time.values():
                assert at.get("diastolic_bp", 0) < at.get("systolic_bp", 1e9), task.id
        assert 0 <= values.get("spo2", 98) <= 100 and 25 <= values.get("temperature", 37) <= 44, task.id
