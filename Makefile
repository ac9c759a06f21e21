# Two commands matter: `make demo` runs the market, `make test` runs everything CI runs.
# Both make their own environment in .venv, once; after that they need no network.

SHELL := /bin/sh
.DELETE_ON_ERROR:
.SUFFIXES:

PYTHON ?= $(shell for name in python3 python3.13 python3.12 python3.11 python; do \
	$$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$name && break; done)
VENV := .venv
BIN := $(VENV)/bin
CATALOGUES := $(wildcard src/anka/locale/*/LC_MESSAGES/*.po)
MESSAGES := $(CATALOGUES:.po=.mo)
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# Type checking and the tests look at the settings of a sandbox.
CHECKED := ANKA_SANDBOX=1

.PHONY: help demo test lint types nightly mutants messages lock reset clean

help:
	@echo 'make demo      run the demo market (ANKA_PORT, default 8000, or the next free port)'
	@echo 'make test      everything CI runs'
	@echo 'make lint      the checks without the tests'
	@echo 'make nightly   the long tests: random kills, every crash point'
	@echo 'make mutants   try every small change of the domain against its tests'
	@echo 'make messages  compile the translations'
	@echo 'make lock      lock the dependencies anew'
	@echo 'make reset     throw the data of this sandbox away'
	@echo 'make clean     remove the environment; the data in .anka stays'

demo: $(VENV)/.runtime $(MESSAGES)
	@$(BIN)/anka up --demo

# The random kills measure how long a market takes to serve again, so nothing else runs beside them.
test: lint
	$(BIN)/python -m pytest -n auto --ignore=tests/kills
	$(BIN)/python -m pytest tests/kills

lint: $(VENV)/.development $(MESSAGES)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(CHECKED) $(BIN)/mypy
	@if [ -f .importlinter ]; then PYTHONPATH=src $(CHECKED) $(BIN)/lint-imports; fi
	@if [ -d scripts/lints ]; then $(CHECKED) $(BIN)/python -m scripts.lints; fi
	$(BIN)/djlint --quiet --lint src/anka/web/templates
	$(BIN)/codespell
	$(BIN)/deptry src
	$(BIN)/vulture

nightly: $(VENV)/.development $(MESSAGES)
	ANKA_NIGHTLY=1 $(BIN)/python -m pytest -n auto --ignore=tests/kills
	ANKA_NIGHTLY=1 $(BIN)/python -m pytest -s tests/kills

mutants: $(VENV)/.development
	PYTHONPATH=src:. nice $(BIN)/python -m tests.mutation.run

messages: $(MESSAGES)

%.mo: %.po $(VENV)/.runtime
	@$(BIN)/pybabel --quiet compile --input-file=$< --output-file=$@

$(VENV)/.made:
	@test -n "$(PYTHON)" || { echo 'Python 3.11 or newer is needed and was not found; install it, or name it: make PYTHON=/path/to/python3.' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo '$(PYTHON) cannot make virtual environments; on Debian and Ubuntu: apt install python3-venv.' >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.runtime: requirements.lock scripts/link_source.py $(VENV)/.made
	$(PIP) install --require-hashes --requirement requirements.lock
	@$(BIN)/python scripts/link_source.py
	@touch $@

$(VENV)/.development: requirements-dev.lock $(VENV)/.runtime
	$(PIP) install --require-hashes --requirement requirements-dev.lock
	@touch $@

# Names, versions and hashes only: no address of any registry ends up in a lock.
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate
lock: $(VENV)/.development
	$(LOCK) pyproject.toml --output-file requirements.lock
	$(LOCK) pyproject.toml --group dev --output-file requirements-dev.lock

reset: $(VENV)/.runtime
	@$(BIN)/anka reset

clean:
	rm -rf $(VENV) $(MESSAGES)
