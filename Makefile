# Two commands matter: `make run` and `make test`. `make help` lists the rest.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PROCESSES ?= 2

.DEFAULT_GOAL := help
.PHONY: help run test check lint bench bench-scale plans mutants cluster openapi lock clean

help: ## show this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(STAMP) ## start the service; without settings on an embedded PostgreSQL under ./data
	@exec $(BIN)/python serve.py

test: $(STAMP)-test ## run the tests; PYTEST="…" adds options
	$(BIN)/pytest -n $(PROCESSES) --dist worksteal $(PYTEST)

check: lint ## everything CI checks: format, lint, types, tests and their coverage
	rm -f .coverage .coverage.*
	$(MAKE) test PYTEST="--cov --cov-report="
	$(BIN)/coverage report --fail-under=95 --skip-covered

lint: $(STAMP)-check
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy

bench: $(STAMP)-bench ## measure the service beside its peers and write bench/results.md (needs wrk)
	$(BIN)/python -m bench

bench-scale: $(STAMP)-bench ## measure it from 1,000 to 1,000,000 tasks and draw docs/images/scale-*.png
	$(BIN)/python -m bench.scale

plans: $(STAMP)-bench ## write docs/query-plans.md anew: the plan of every list on 1,000,000 tasks
	$(BIN)/python -m bench.plans_report

mutants: $(STAMP)-test ## see whether the tests notice small changes of api/; MUTANTS="api/tokens.py" (needs pip install .[mutants])
	$(BIN)/python -m tests.mutation $(MUTANTS)

cluster: $(STAMP) ## three instances behind HAProxy, PgBouncer and Redis, all on this machine
	$(BIN)/python deploy/cluster.py

openapi: $(STAMP) ## write docs/openapi.json anew
	$(BIN)/python -m api.openapi > docs/openapi.json

lock: ## renew requirements.lock (needs uv)
	uv pip compile setup.cfg --universal --python-version 3.10 --upgrade --generate-hashes \
		--no-header --no-annotate --output-file requirements.lock

clean: ## remove the virtual environment and caches; ./data stays
	rm -rf $(VENV) *.egg-info .mypy_cache .pytest_cache .ruff_cache .coverage .coverage.*

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' \
		|| { echo "Python 3.10 or newer is needed; name it with make PYTHON=python3.12 …" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null \
		|| { echo "Python's venv module is missing; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)

$(STAMP): setup.cfg pyproject.toml | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(STAMP)-test: setup.cfg pyproject.toml | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $@ $(STAMP)

$(STAMP)-check: setup.cfg pyproject.toml | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[test,check]'
	@touch $@ $(STAMP) $(STAMP)-test

$(STAMP)-bench: setup.cfg pyproject.toml | $(BIN)/python
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[bench]'
	@touch $@ $(STAMP)
