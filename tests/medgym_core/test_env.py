"""The Gymnasium environment."""

import warnings

import gymnasium
import pytest
from gymnasium.utils.env_checker import check_env

from medgym_core import domains
from medgym_core.episode import images_of
from medgym_core.errors import MedGymError
from medgym_core.probes import reference_texts

ID = "medgym_core:MedGym-v0"  # importing the package registers it, this name imports it


@pytest.mark.parametrize("domain", domains.NAMES)
def test_check_env_finds_nothing_to_warn_about(domain: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(gymnasium.make(ID, domain=domain).unwrapped)


def test_the_reference_earns_full_reward_through_the_environment() -> None:
    env = gymnasium.make(ID, domain="drug_interaction", split="test")
    for seed in range(5):
        _, info = env.reset(seed=seed)
        task = env.unwrapped.episode.task
        for text in reference_texts(task):
            _, reward, terminated, truncated, info = env.step(text)
        assert terminated and not truncated and reward >= 0.95 and info["reward"]["correct"]


def test_a_seed_fixes_the_task() -> None:
    env = gymnasium.make(ID)
    assert env.reset(seed=4)[1]["task"] == env.reset(seed=4)[1]["task"]


def test_the_vector_form_steps_all_episodes() -> None:
    envs = gymnasium.make_vec(ID, num_envs=3, vectorization_mode="sync", domain="triage_emergency")
    observations, _ = envs.reset(seed=0)
    assert len(observations) == 3
    _, rewards, *_ = envs.step(("hello", "<tool_call>", '<tool_call>{"name": "get_vital_signs"}</tool_call>'))
    assert list(rewards) == [0, 0, 0]


def test_typos_are_told_with_the_valid_names() -> None:
    for wrong in ({"domain": "triage"}, {"split": "dev"}, {"render_mode": "svg"}):
        with pytest.raises(MedGymError, match="expected one of"):
            gymnasium.make(ID, disable_env_checker=True, **wrong)


def test_rendering_shows_the_transcript() -> None:
    env = gymnasium.make(ID, render_mode="ansi")
    prompt, _ = env.reset(seed=0)
    assert prompt in env.render()


IMAGE_DOMAINS = ("radiology_report", "visual_diagnosis")


@pytest.mark.parametrize("domain", domains.NAMES)
@pytest.mark.parametrize("mode", ["ansi", "rgb_array"])
def test_check_env_is_silent_in_every_render_mode(domain: str, mode: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_env(gymnasium.make(ID, domain=domain, render_mode=mode).unwrapped)


def test_rendered_pixels_are_an_rgb_image() -> None:
    for domain in ("triage_emergency", *IMAGE_DOMAINS):
        env = gymnasium.make(ID, domain=domain, render_mode="rgb_array")
        env.reset(seed=0)
        pixels = env.render()
        assert pixels.dtype == "uint8" and pixels.ndim == 3 and pixels.shape[2] == 3 and pixels.std() > 0


@pytest.mark.parametrize("domain", IMAGE_DOMAINS)
def test_the_image_itself_reaches_the_agent_as_an_image_part(domain: str) -> None:
    env = gymnasium.make(ID, domain=domain)
    _, info = env.reset(seed=0)
    chart = env.unwrapped.episode.task.chart
    assert chart.images and images_of(info["messages"][1]) == [p.png for p in chart.images]


def test_the_vector_form_runs_in_worker_processes() -> None:
    envs = gymnasium.make_vec(ID, num_envs=2, vectorization_mode="async", domain="drug_interaction")
    try:
        observations, infos = envs.reset(seed=0)
        assert len(observations) == 2 and len(infos["task"]) == 2
        _, rewards, *_ = envs.step(("hello", "hello"))
        assert list(rewards) == [0, 0]
    finally:
        envs.close()


def test_a_task_is_played_by_its_id_and_a_typo_names_others() -> None:
    env = gymnasium.make(ID, domain="drug_interaction")
    wanted = env.reset(seed=3)[1]["task"]
    assert env.reset(seed=8, options={"task": wanted})[1]["task"] == wanted
    with pytest.raises(MedGymError, match="unknown task"):
        env.reset(options={"task": wanted + "x"})


def test_generated_tasks_stay_in_their_split() -> None:
    for split in ("train", "validation", "test"):
        pool = gymnasium.make(ID, split=split).unwrapped.tasks
        assert {pool[i].split for i in range(20)} == {split}


def test_tools_are_listed_in_openai_form() -> None:
    _, info = gymnasium.make(ID).reset(seed=0)
    for tool in info["tools"]:
        function = tool["function"]
        assert tool["type"] == "function" and function["description"]
        assert function["parameters"]["type"] == "object"
        assert all(p["description"] for p in function["parameters"]["properties"].values())
