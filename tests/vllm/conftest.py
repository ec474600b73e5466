"""A real vLLM server on the CPU, and the same model in this process.

These tests run where they are asked for by name (`make test-vllm`), not with the others: vLLM is two gigabytes.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

import pytest
import torch

from training.bc import train_bc
from training.config import BCConfig, PolicyConfig
from training.control import control_policy, control_tasks
from training.policy import load_policy

torch.set_num_threads(1)

# 32 is the smallest width of a head that vLLM's attention on a CPU takes.
SMALL = PolicyConfig(
    vocabulary=800, whole_words=0, hidden=64, layers=2, heads=2, feed_forward=128, max_length=1024, render_tools=False
)
ENVIRONMENT = {
    "TORCHDYNAMO_DISABLE": "1",
    "VLLM_CPU_KVCACHE_SPACE": "1",  # GiB
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",  # the engine's worker in the engine's process: one start less to wait for
    "VLLM_ALLOW_RUNTIME_LORA_UPDATING": "1",
    "VLLM_SERVER_DEV_MODE": "1",
}
OPTIONS = {
    "dtype": "float32",
    "enforce_eager": True,
    "max_model_len": 1024,
    "max_num_seqs": 32,
    "enable_chunked_prefill": False,  # vLLM's engine on a CPU dies of a seeded request whose prompt it reads in parts
    "enable_lora": True,
    "max_lora_rank": 8,
    "distributed_executor_backend": "uni",
}
"""Of an engine in this process; the server has the same ones as flags."""
FLAGS = (
    "--dtype", "float32", "--enforce-eager", "--max-model-len", "1024", "--max-num-seqs", "32",
    "--no-enable-chunked-prefill", "--enable-lora", "--max-lora-rank", "8", "--distributed-executor-backend", "uni",
    "--logprobs-mode", "processed_logprobs", "--generation-config", "vllm", "--enable-prompt-tokens-details",
    "--enable-scale-out",
)  # fmt: skip
READY_SECONDS = 240  # a start takes 20 to 60 s on two cores


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    here = Path(__file__).parent
    asked = [Path(config.invocation_params.dir, str(a).split("::")[0]) for a in config.args]
    return None if any(a == here or here in a.parents for a in asked) else True


class Server:
    """One server process on a port of its own, which can die and come back."""

    def __init__(self, folder: Path, log: Path):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.folder, self.log = folder, log
        self.process: subprocess.Popen | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", str(self.folder)]
        command += ["--served-model-name", "policy", "--host", "127.0.0.1", "--port", str(self.port), *FLAGS]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=log, env={**os.environ, **ENVIRONMENT}, start_new_session=True
            )
        until = time.monotonic() + READY_SECONDS
        opener = build_opener(ProxyHandler({}))
        while True:
            try:
                opener.open(self.url + "/health", timeout=2).close()
                return
            except (URLError, OSError):
                if self.process.poll() is not None or time.monotonic() > until:
                    tail = self.log.read_text(errors="replace")[-3000:]
                    raise RuntimeError(f"the server did not start:\n{tail}") from None
                time.sleep(0.3)

    def kill(self) -> None:
        """As by `kill -9`, of the server and of its engine."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """A policy folder; the policy knows the format of the control task."""
    home = tmp_path_factory.mktemp("policy")
    base, explored = control_policy(home, control_tasks(200, 1), SMALL, 0)
    config = BCConfig(
        copy_steps=0, steps=80, learning_rate=3e-3, batch_tokens=1024, hinted=0.3, scramble=0.0, clone_incorrect=True
    )
    train_bc(base, explored, home / "cloned", config, 0)
    return home / "cloned" / "policy"


@pytest.fixture(scope="session")
def policy(folder):
    """The same model here; tests must not change it."""
    return load_policy(folder)


@pytest.fixture(scope="session")
def server(folder, tmp_path_factory):
    made = Server(folder, tmp_path_factory.mktemp("server") / "log")
    try:
        made.start()
        yield made
    finally:
        if made.process is not None:
            made.kill()


@pytest.fixture
def engine_environment(monkeypatch):
    """For an engine in this process."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    return OPTIONS
