# Two commands matter: `make run` and `make test`. `make help` lists the rest.

PYTHON ?= python3
VENV := .venv
# Run programs as modules: the scripts in bin/ fail if a folder's name contains a quote.
RUN := $(VENV)/bin/python -m
STAMP := $(VENV)/.installed
PIP := $(RUN) pip install --quiet --disable-pip-version-check
# One more than the processors of CI: many tests mostly wait.
PROCESSES ?= 3
COMPILE := UV_PYTHON_DOWNLOADS=never $(VENV)-lock/bin/python -m uv pip compile --quiet --upgrade --generate-hashes \
	--universal --python-version 3.10 --no-annotate --custom-compile-command "make lock"

.DEFAULT_GOAL := help
.PHONY: help run test check lint bench bench-compare bench-scale bench-servers bench-writes bench-upgrade bench-fairness plans mutants cluster record-outage openapi waitress-next wheel lock clean

help: ## show this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(STAMP) ## start the service; without settings it uses an embedded PostgreSQL under ./data
	@exec $(VENV)/bin/python serve.py

test: $(STAMP)-develop ## run the tests; PYTEST="…" passes options
	$(RUN) pytest -n $(PROCESSES) --dist worksteal $(PYTEST)

check: lint ## run what CI runs: format, lint, types, tests and their coverage
	rm -f .coverage .coverage.*
	$(MAKE) test PYTEST="--cov --cov-report="
	$(RUN) coverage report --fail-under=95 --skip-covered

lint: $(STAMP)-develop ## check format, lint and types; types for the oldest and the newest Python
	$(RUN) ruff format --check
	$(RUN) ruff check
	$(RUN) mypy --python-version 3.10
	$(RUN) mypy --python-version 3.15

bench: $(STAMP)-develop ## measure the service and its peers, and write bench/results.md (needs wrk)
	$(RUN) bench

bench-compare: $(STAMP)-develop ## processor time of a request at another commit and now, as ratios; REV=main (needs no wrk)
	$(RUN) bench.compare $(or $(REV),main)

bench-scale: $(STAMP)-develop ## measure latency and memory from 1,000 to 1,000,000 tasks and draw docs/images/scale-*.png
	$(RUN) bench.scale

bench-servers: $(STAMP)-develop ## measure the application under stock waitress, our server and granian
	$(RUN) bench.servers

bench-fairness: $(STAMP)-develop ## measure a user's reads beside another user who sends the heaviest requests
	$(RUN) bench.fairness

bench-writes: $(STAMP)-develop ## measure PostgreSQL's cost of a write, with the version before and with this one
	$(RUN) bench.write_costs

bench-upgrade: $(STAMP)-develop ## upgrade an install of the version before under load, and roll it back
	$(RUN) bench.upgrade

plans: $(STAMP)-develop ## regenerate docs/query-plans.md: the plan of every list on 1,000,000 tasks
	$(RUN) bench.plans_report

mutants: $(STAMP)-develop ## change api/ in small ways and see which change no test notices; MUTANTS="api/tokens.py"; hours for all
	$(RUN) tests.mutation $(MUTANTS)

cluster: $(STAMP) ## run three instances with HAProxy, PgBouncer and Redis on this machine
	$(VENV)/bin/python deploy/cluster.py

record-outage: $(STAMP)-develop ## record the metrics of an outage behind HAProxy for the alerts' tests; 20 minutes
	$(RUN) tests.operations.record_outage

openapi: $(STAMP) ## regenerate docs/openapi.json
	$(RUN) api.openapi > docs/openapi.json

waitress-next: ## run tests/server on waitress' newest pre-release, in an environment of its own
	$(PYTHON) -m venv build/waitress-next
	build/waitress-next/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	build/waitress-next/bin/python -m pip install --quiet --disable-pip-version-check --upgrade --pre waitress
	build/waitress-next/bin/python -m pip freeze | grep waitress
	build/waitress-next/bin/python -m pytest tests/server

wheel: $(STAMP) ## build dist/tasks_backend-….whl from the last commit, and dist/constraints.txt with the lock's versions
	@rm -rf build/wheel dist && mkdir -p build/wheel
	@git archive HEAD api migrations serve.py setup.cfg pyproject.toml README.md LICENSE | tar -x -C build/wheel
	@$(RUN) pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist ./build/wheel
	@sed -n '/^[a-z].*==/s/ \\$$//p' requirements/run.txt > dist/constraints.txt
	@ls dist/*

lock: $(VENV)-lock/.installed ## update requirements/*.txt to the newest versions that setup.cfg allows
	@echo "resolving requirements/*.txt, about 20 s"
	@$(COMPILE) setup.cfg --all-extras --output-file requirements/develop.txt
	@$(COMPILE) setup.cfg --constraint requirements/develop.txt --output-file requirements/run.txt
	@echo setuptools | $(COMPILE) - --constraint requirements/develop.txt --output-file requirements/build.txt
	@echo uv | $(COMPILE) - --output-file requirements/lock.txt

clean: ## remove the virtual environments and caches; keep ./data
	rm -rf $(VENV) $(VENV)-lock *.egg-info .mypy_cache .pytest_cache .ruff_cache .coverage .coverage.*

$(VENV)/bin/python $(VENV)-lock/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' \
		|| { echo "Python 3.10 or newer is required; choose one with make PYTHON=python3.12 …" >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null \
		|| { echo "Python's venv module is missing; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@rm -rf $(@D:/bin=)
	$(call step,make $(@D:/bin=) with $$($(PYTHON) --version),$(PYTHON) -m venv $(@D:/bin=))

# Say what is done, do it, and say how many seconds it took.
define step
	@printf '%s: ' "$(1)"; start=$$(date +%s); $(2) && echo "$$(($$(date +%s) - start)) s"
endef

# Setuptools, which builds falcon-cors and this package, is installed first and kept: pip does not check hashes of the
# packages that it fetches for an isolated build.
define install
	$(call step,install setuptools,$(PIP) --require-hashes --requirement requirements/build.txt)
	$(call step,install the packages of requirements/$(1).txt (about $(2) the first time),$(PIP) --require-hashes \
		--no-deps --no-build-isolation --use-pep517 --requirement requirements/$(1).txt)
	$(call step,install this folder,$(PIP) --no-deps --no-build-isolation --editable .)
endef

PACKAGE := setup.cfg pyproject.toml api/__init__.py requirements/build.txt

$(STAMP): $(PACKAGE) requirements/run.txt | $(VENV)/bin/python
	$(call install,run,30 s)
	@touch $@

$(STAMP)-develop: $(PACKAGE) requirements/develop.txt | $(VENV)/bin/python
	$(call install,develop,a minute)
	@touch $@ $(STAMP)

$(VENV)-lock/.installed: requirements/lock.txt | $(VENV)-lock/bin/python
	@echo "installing $< into $(VENV)-lock"
	@$(VENV)-lock/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement $<
	@touch $@
