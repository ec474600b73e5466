# The commands of MedGym, and their set-up. Everything stays in this folder: .venv (packages) and .medgym (state).
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
VLLM_READY := $(VENV)/.vllm-ready

export OMP_NUM_THREADS ?= 1
export TOKENIZERS_PARALLELISM := false
export HF_HUB_OFFLINE ?= 1
export TRANSFORMERS_OFFLINE ?= 1
export MLFLOW_DISABLE_TELEMETRY := true
export GX_ANALYTICS_ENABLED := false
export DO_NOT_TRACK := 1

.PHONY: run test test-vllm lint ui clean

run: $(READY)  ## corpus, tasks, rollouts, training and evaluation, end to end
	$(BIN)/medgym run

test: $(READY)  ## style and the whole test suite
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pytest -n 2 --dist loadfile --durations 10

test-vllm: $(VLLM_READY)  ## the samplers on a real vLLM server, on the CPU
	$(BIN)/pytest tests/vllm --durations 5

ui: $(READY)  ## Dagster and MLflow pages on loopback
	$(BIN)/medgym ui

lint: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[dev]"
	touch $@

$(VLLM_READY): $(READY) tests/vllm/requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --requirement tests/vllm/requirements.txt
	touch $@

clean:  ## forget packages and state
	rm -rf $(VENV) .medgym
