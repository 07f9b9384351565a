# Anima. `make run` starts it, `make test` tests it, `make help` lists the rest.
# Needs Python 3.11 or newer and nothing else; what more a target wants, it installs under this folder.

PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && command -v "$$python" && break; done)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install -qq
WEIGHTS := $(BIN)/anima provision

.DEFAULT_GOAL := help
.NOTPARALLEL:
.SUFFIXES:
.PHONY: help run test test-train test-cloud test-live test-yesterday lint deploy bench system vendor invoke docs lock venv dev weights clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: venv vendor ## set up what is missing, start everything, say where to look (ARGS= for `anima up`)
	@$(BIN)/anima up $(ARGS)

test: dev vendor weights ## the whole suite on two processes (ARGS="tests/unit -k words" narrows it)
	@$(BIN)/python -m scripts.venvs sam || echo "NO RUNTIME EMULATOR: its tests will be skipped"
	@$(BIN)/python -m pytest --no-header -n 2 --dist loadscope --no-loadscope-reorder --reruns 1 $(ARGS) || { \
		test $$? -eq 1 && echo "ONCE MORE, ALONE: what failed above, in a process of its own" && \
		$(BIN)/python -m pytest --no-header --last-failed --last-failed-no-failures none $(ARGS); }

test-train: venv ## what trains, with torch, and the exports of runs, in an environment of their own (ARGS="-k words")
	@$(BIN)/python -m scripts.venvs train
	@.venvs/train/bin/python -m pytest --no-header tests/train $(ARGS)

test-cloud: dev vendor weights ## the template in a cloud of this machine: scanned, built, deployed, talked to
	@$(BIN)/python -m scripts.venvs sam cloud checkov
	@$(BIN)/python -m scripts.cloud scan build
	@$(BIN)/python -m pytest --no-header --exitfirst tests/cloud/story.py tests/cloud/local_invoke.py
	@$(BIN)/python -m scripts.yesterday

test-live: dev ## the tests of providers against the real ones whose keys the environment or .env holds (it costs)
	@LIVE_PROVIDERS=1 $(BIN)/python -m pytest --no-header -rs tests/integration/test_providers.py $(ARGS)

lint: dev ## every linter (ONLY=ruff,mypy runs some)
	@if [ -n "$(CI)$(filter test,$(MAKECMDGOALS))" ]; then mkdir -p build; \
		nohup $(WEIGHTS) >build/weights.log 2>&1 </dev/null & fi
	@$(BIN)/python -m scripts.lint $(ONLY)

test-yesterday: dev weights ## yesterday's code on a database of today's pre migrations (ARGS=REVISION)
	@$(BIN)/python -m scripts.yesterday $(ARGS)

bench: dev vendor ## measure against peers, into build/bench (ONLY=turn,coldstart runs some)
	@$(BIN)/python -m tests.bench $(ONLY)

system: ## the Debian packages that tests use, when root; else says how to get them
	@sh scripts/system.sh

vendor: venv ## what the console loads in the browser, from npm into its static folder
	@$(BIN)/python -m scripts.vendor

invoke: dev ## one function in the runtime emulator: FUNCTION=chat EVENT=events/chat.json
	@test -n "$(FUNCTION)" || { echo "say which: make invoke FUNCTION=chat EVENT=events/chat.json"; exit 2; }
	@$(BIN)/python -m scripts.venvs sam
	@$(BIN)/python -m tests.emulator.invoke $(FUNCTION) $(or $(EVENT),events/$(FUNCTION).json)

deploy: dev vendor weights ## build the stack and deploy it with SAM: TARGET=dev, staging or prod (ONLY=build, ONLY=stack)
	@test -n "$(TARGET)" || { echo "say where: make deploy TARGET=dev"; exit 2; }
	@$(BIN)/python -m scripts.deploy "$(TARGET)" $(ONLY)

docs: dev ## write what is generated: OpenAPI, settings, schemas, ER diagrams, schema.sql
	@$(BIN)/python -m scripts.docs

lock: venv ## write the locks anew from pyproject.toml and package.json (UPGRADE=1 for newer versions)
	@$(BIN)/python -m scripts.venvs uv
	@.venvs/uv/bin/python -m scripts.lock $(if $(UPGRADE),--upgrade)

clean: ## remove what can be built again, but neither the environment nor any data
	@rm -rf build dist .aws-sam .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find layers functions gpu_jobs scripts tests -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

venv: $(VENV)/.run

dev: $(VENV)/.dev

# The models that tests use; without them those tests say that they were skipped.
weights: dev
	@$(WEIGHTS) >/dev/null || echo "THE MODELS COULD NOT BE FETCHED: tests of real models will be skipped"

$(VENV)/.made:
	@test -n "$(PYTHON)" || { echo "Anima needs Python 3.11 or newer on the PATH"; exit 1; }
	@"$(PYTHON)" -m venv $(VENV) && touch $@

$(VENV)/.run: $(VENV)/.made pyproject.toml scripts/locks/run.txt
	@echo "installing into $(VENV)"
	@$(PIP) --no-deps --require-hashes -r scripts/locks/run.txt
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.made pyproject.toml requirements.lock
	@echo "installing into $(VENV), with the tools of development"
	@$(PIP) --no-deps --require-hashes -r requirements.lock
	@$(PIP) --no-deps --no-build-isolation -e .
	@touch $(VENV)/.run $@
