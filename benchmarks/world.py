"""Speed of the clinical world, one process: construction, reset, step by tool, whole episodes with scoring, memory.

    python benchmarks/world.py [--json]

Every figure is taken through `gymnasium.make`, wrappers included, beside an environment that does nothing (the empty
loop). Tasks are made before timing: steady state. `look-up` tools are the reading tools that show what a chart or a
table holds (`get_`, `list_`, `check_`, `lookup_`); `tool median` is over all tools of the domain.
"""

import argparse
import json
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from random import Random
from statistics import median
from typing import Any

import gymnasium

from medgym_core import domains
from medgym_core.actions import render_call
from medgym_core.env import GENERATED, AnyText
from medgym_core.probes import reference_texts
from medgym_core.types import Call

ID = "medgym_core:MedGym-v0"
LOOK_UP = ("get_", "list_", "check_", "lookup_")
CALLS = 200  # timed steps of each tool
RESETS = 20_000
EPISODES = 1_500
REPEATS = 5  # of a cold or warm construction
COLD = """
import time, sys
import gymnasium, medgym_core.env
began = time.perf_counter()
gymnasium.make("medgym_core:MedGym-v0", domain=sys.argv[1])
first = time.perf_counter() - began
began = time.perf_counter()
gymnasium.make("medgym_core:MedGym-v0", domain=sys.argv[1])
print(first, time.perf_counter() - began)
"""
MEMORY = """
import gymnasium
from medgym_core import domains
from medgym_core.probes import reference_texts
for name in domains.NAMES:
    env = gymnasium.make("medgym_core:MedGym-v0", domain=name)
    for seed in range(20):
        env.reset(seed=seed)
        for text in reference_texts(env.unwrapped.episode.task):
            env.step(text)
status = open("/proc/self/status").read()  # VmHWM: getrusage's peak would begin with the parent's
print(int(status.split("VmHWM:")[1].split()[0]) / 1024)
"""


class Empty(gymnasium.Env):
    """What the loop and the wrappers cost by themselves."""

    def __init__(self) -> None:
        self.action_space = self.observation_space = AnyText()

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[str, dict[str, Any]]:
        return "", {}

    def step(self, action: str) -> tuple[str, float, bool, bool, dict[str, Any]]:
        return "", 0.0, False, False, {}


def rate(function: Callable[[], Any], times: int) -> float:
    """Calls a second."""
    began = time.perf_counter()
    for _ in range(times):
        function()
    return times / (time.perf_counter() - began)


def step_rate(env: gymnasium.Env, action: str, times: int = CALLS) -> float:
    """Steps a second, each the first of a fresh episode; the resets are not timed."""
    env.reset()
    env.step(action)  # a first search opens the index
    spent = 0.0
    for _ in range(times):
        env.reset()
        began = time.perf_counter()
        env.step(action)
        spent += time.perf_counter() - began
    return times / spent


def tool_rates(env: gymnasium.Env, domain: domains.Domain) -> dict[str, float]:
    """Steps a second of every tool, with the first of its example arguments."""
    found = {}
    for name in domain.tools:
        arguments = domain.examples.get(name, [{}])[0]
        found[name] = step_rate(env, render_call(Call(name, arguments)))
    return found


def episode_rate(env: gymnasium.Env) -> float:
    """Reference episodes a second, from reset to the scored end."""
    tasks = env.unwrapped.tasks
    scripts = [(tasks[i].id, reference_texts(tasks[i])) for i in range(len(tasks))]
    order = [Random(0).choice(scripts) for _ in range(EPISODES)]
    began = time.perf_counter()
    for task, texts in order:
        env.reset(options={"task": task})
        for text in texts:
            env.step(text)
    return EPISODES / (time.perf_counter() - began)


def construction(domain: str) -> tuple[float, float]:
    """Milliseconds of `make` in a new process (after importing the package), and again in the same one."""
    runs = [[float(x) for x in in_new_process(COLD, domain).split()] for _ in range(REPEATS)]
    return 1e3 * median(r[0] for r in runs), 1e3 * median(r[1] for r in runs)


def in_new_process(code: str, *arguments: str) -> str:
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def measure(name: str) -> dict[str, Any]:
    """All figures of one domain."""
    cold, warm = construction(name)
    env = gymnasium.make(ID, domain=name)
    env.reset(seed=0)
    began = time.perf_counter()
    for i in range(GENERATED):
        env.unwrapped.tasks[i]
    made = 1e3 * (time.perf_counter() - began) / GENERATED
    tools = tool_rates(env, domains.get(name))
    look_up = {n: r for n, r in tools.items() if n.startswith(LOOK_UP)}
    return {
        "domain": name,
        "cold_ms": cold,
        "warm_ms": warm,
        "task_ms": made,
        "resets": rate(env.reset, RESETS),
        "look_up": median(look_up.values()),
        "tool_median": median(tools.values()),
        "slowest": min(tools, key=tools.__getitem__),
        "slowest_rate": min(tools.values()),
        "episodes": episode_rate(env),
        "tools": tools,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="all figures, every tool included")
    parser.add_argument("--domain", choices=domains.NAMES, help="only this one")
    chosen = parser.parse_args()
    empty = gymnasium.wrappers.OrderEnforcing(Empty())
    base = {"resets": rate(empty.reset, RESETS), "steps": step_rate(empty, "", RESETS)}
    rows = [measure(name) for name in ([chosen.domain] if chosen.domain else domains.NAMES)]
    memory = float(in_new_process(MEMORY))
    every = [r for row in rows for r in row["tools"].values()]
    if chosen.json:
        print(json.dumps({"empty": base, "domains": rows, "rss_mib": memory}))
        return
    print(f"{platform.processor() or platform.machine()}, Python {platform.python_version()}, one process")
    print(f"empty loop: {base['resets']:,.0f} resets/s, {base['steps']:,.0f} steps/s")
    header = ["domain", "cold ms", "warm ms", "new task ms", "resets/s", "look-up steps/s", "median tool steps/s"]
    header += ["slowest tool", "episodes/s"]
    print("| " + " | ".join(header) + " |")
    print("|---" * len(header) + "|")
    for r in rows:
        slowest = f"{r['slowest']} {r['slowest_rate']:,.0f}/s"
        print(
            f"| {r['domain']} | {r['cold_ms']:.0f} | {r['warm_ms']:.1f} | {r['task_ms']:.1f} | {r['resets']:,.0f} "
            f"| {r['look_up']:,.0f} | {r['tool_median']:,.0f} | {slowest} | {r['episodes']:,.0f} |"
        )
    print(f"median over all {len(every)} tools: {median(every):,.0f} steps/s")
    print(f"peak memory of a process that has played all domains: {memory:.0f} MiB")


if __name__ == "__main__":
    main()
