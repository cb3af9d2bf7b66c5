PYTHON ?= python3
ARGS ?=
JOBS ?= auto
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help venv run test test-host lint man bench wheel clean clean-venv

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

venv: $(STAMP) ## make the virtual environment in .venv (PYTHON=python3.13 chooses another Python)

# Flat layout: only a `compat` editable install keeps the twistd plugin importable.
$(STAMP): setup.cfg pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' || \
	    { echo "hyperhive needs Python 3.11, 3.12 or 3.13: say which with make PYTHON=python3.13." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	    { echo "$(PYTHON) cannot make virtual environments: install its venv package (apt install python3-venv)." >&2; exit 1; }
	@echo "Installing hyperhive and its tools into $(VENV) (about a minute) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -qq --disable-pip-version-check --config-settings editable_mode=compat -e '.[dev]'
	@touch $@

run: $(STAMP) ## run a hive in the foreground; Ctrl-C stops it and its agents (ARGS=... for more options)
	@exec $(BIN)/twistd -n --pidfile= hyperhive --stop-agents $(ARGS)

test: $(STAMP) ## run the tests, a file at a time on each core (ARGS='-k inbox' for some, JOBS=0 for one after the other)
	@$(BIN)/python -m pytest -n $(JOBS) --maxprocesses 4 --dist loadfile $(ARGS)

test-host: $(STAMP) ## boot a real systemd and run tests/host in it, as root (SKIP=test-host: don't; see docs/testing.md)
	-@$(BIN)/python -m tests.node_tools # the host itself has no way out; what is missing is skipped by name
	@$(BIN)/python -m testhost test -- $(ARGS)

lint: $(STAMP) ## ruff, its formatter in check mode, and mypy --strict
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy

man: $(STAMP) ## write the man pages anew, from the parsers and docs/
	@$(BIN)/python -m manual

bench: $(STAMP) ## run the benchmarks and print their table
	@$(BIN)/python -m benchmarks $(ARGS)

wheel: $(STAMP) ## build the wheel into dist/
	@$(BIN)/python -m pip wheel -qq --disable-pip-version-check --no-deps --wheel-dir dist .

clean: ## remove what building and testing leave behind
	@rm -rf build dist *.egg-info .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache
	@find hyperhive tests testhost benchmarks manual twisted -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true

clean-venv: ## remove the virtual environment
	@rm -rf $(VENV)
