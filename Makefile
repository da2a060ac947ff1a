# Two commands set everything up: `make run` and `make test`. Both are safe to repeat.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
PYTHON ?= python3
VENV := .venv
PANEL := labextension/telerun_labextension/labextension/.source-hash
BIN := $(VENV)/bin
ARGS ?=
# One more than there are cores, for a third of its time a test waits; in their order, for of e2e each takes long.
TESTS_AT_ONCE ?= $(shell expr $$(nproc) + 1)
BY_FILE := --dist loadfile --no-loadscope-reorder

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_ROOT_USER_ACTION := ignore
export PYTHONDONTWRITEBYTECODE := # whatever it is outside: what begins a thousand times is compiled once

.PHONY: help run demo test lint unit bench panel format clean
help: ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

run: $(VENV)/.run ## start a server, an executor and JupyterLab on the example notebooks (ARGS=--no-browser)
	$(BIN)/telerun lab --root examples/notebooks $(ARGS)

demo: $(VENV)/.run ## execute every example notebook without a browser, into build/demo/
	$(BIN)/python -m telerun_magic.local.demo --notebooks examples/notebooks --out build/demo $(ARGS)

test: lint unit ## everything that must hold

lint: $(VENV)/.test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	MYPY_NUM_WORKERS=$$(nproc) $(BIN)/mypy
	$(BIN)/lint-imports

unit: $(VENV)/.test
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/pytest -n $(TESTS_AT_ONCE) $(BY_FILE) -m "not alone" $(ARGS) || [ $$? -eq 5 ]
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/pytest -n 2 $(BY_FILE) -m alone $(ARGS) || [ $$? -eq 5 ]

bench: $(VENV)/.bench ## measure, and print ratios (see docs/performance.md)
	$(BIN)/python -m pytest -q -s -W default -m bench tests/bench $(ARGS)

panel: $(VENV)/.run ## build the JupyterLab front end after a change of it (needs node)
	$(BIN)/python hatch_build.py

format: $(VENV)/.test ## put the code into its form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean: ## remove everything that was built
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/.pip: tools/system-packages
	tools/system-packages
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	@touch $@

$(VENV)/.run: $(VENV)/.pip pyproject.toml $(wildcard $(PANEL))
	@echo "Installing Telerun with the CUDA compiler and JupyterLab into $(VENV) (a minute or two) ..."
	$(BIN)/python -m pip install --quiet --editable '.[all]' --group examples
	@touch $@

$(VENV)/.test: $(VENV)/.run
	tools/system-packages chromium user-mode-linux
	$(BIN)/python -m pip install --quiet --group test --group lint
	@touch $@

$(VENV)/.bench: $(VENV)/.test
	$(BIN)/python -m pip install --quiet --group bench
	@touch $@
