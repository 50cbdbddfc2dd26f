.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: help setup demo serve test lint lock clean

help:  ## list the verbs
	@grep -E '^[a-z]+:.*##' Makefile | sed 's/:.*##/ -/'

setup: $(STAMP)  ## create .venv and install the locked versions

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --editable .
	touch $(STAMP)

demo: setup  ## live a day of a site on the embedded database (ARGS="--speed 960 --report report")
	$(BIN)/cpms demo $(ARGS)

serve: setup  ## serve real stations on :9000 and the API on :8080
	$(BIN)/cpms serve $(ARGS)

test: setup  ## install what the tests need, then run every test (ARGS="-k ledger")
	$(BIN)/python -m tests.prepare
	$(BIN)/python -m pytest $(ARGS)

lint: setup  ## ruff, mypy, import contract
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

lock: setup  ## resolve requirements.lock anew from pyproject.toml
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --extra dev --no-annotate --no-header --output-file requirements.lock pyproject.toml

clean:  ## remove what the other verbs made
	rm -rf $(VENV) .cpms build node_modules
