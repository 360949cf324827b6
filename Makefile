# What there is to run. `make run` needs Python 3.11 or later and nothing else.

SHELL := /bin/sh
PYTHON_GIVEN := $(PYTHON)
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Checks and tests must not depend on a developer's own .env.
NO_ENV_FILE := ENV_FILE=
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header --no-emit-index-url --no-annotate

# Without compiled modules every start compiles all of them again.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run test test-long test-system check lock screenshots clean venv

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(firstword $(MAKEFILE_LIST)) | sed -E 's/^([a-z-]+):[^#]*## /  make \1|/' | column -t -s '|'

run: venv $(VENV)/.installed-site ## start the site with all that it needs; Ctrl-C stops it
	@exec $(BIN)/python -m config.services --stop-with-parent

test: venv $(VENV)/.installed-dev ## run every test that needs no system package, but the long ones
	@exec env $(NO_ENV_FILE) $(BIN)/pytest -n 4 --dist loadfile --no-loadscope-reorder -m "not system and not long"

test-long: venv $(VENV)/.installed-dev ## run the races that keep all processors busy for minutes
	@exec env $(NO_ENV_FILE) $(BIN)/pytest -m long

test-system: venv $(VENV)/.installed-dev ## run the tests that need Debian's redis-server and chromium
	@for name in redis-server chromium; do command -v $$name > /dev/null || missing="$$missing $$name"; done; \
		[ -z "$$missing" ] || { echo "error: missing:$$missing (apt-get install$$missing)" >&2; exit 1; }
	@exec env $(NO_ENV_FILE) $(BIN)/pytest -n 2 --dist loadfile -m system

CHECKS := check-types check-tests check-site check-style check-imports
.PHONY: $(CHECKS)

check: venv $(VENV)/.installed-dev ## style, types, imports, deployment checks, migrations, API schema, that all tests load
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target $(CHECKS)

check-types:
	$(AS_IN_PRODUCTION) $(BIN)/mypy .

# It also keeps the tests' compiled modules, which each process of `make test` would else make for itself.
check-tests:
	@said=$$($(NO_ENV_FILE) $(BIN)/pytest --collect-only -qq 2>&1) || { echo "$$said" | grep -v '^tests/.*: [0-9]*$$'; exit 1; }

check-site:
	$(AS_IN_PRODUCTION) $(BIN)/python manage.py check --deploy --fail-level WARNING
	$(AS_IN_PRODUCTION) $(BIN)/python manage.py makemigrations --check --dry-run
	$(AS_IN_PRODUCTION) $(BIN)/python manage.py spectacular --validate --fail-on-warn --file /dev/null

check-style:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

check-imports:
	$(BIN)/lint-imports

# A site as it would be deployed, with nothing to write to and no server to reach.
AS_IN_PRODUCTION := $(NO_ENV_FILE) SECRET_KEY=only-for-checks-0123456789-abcdefghijklmnopqrstuvwxyz \
	DEBUG=false SECURE_SSL=true ALLOWED_HOSTS=example.org DATABASE_URL=sqlite://:memory: REDIS_URL=redis://127.0.0.1:6379/0

lock: venv $(VENV)/.bootstrapped ## resolve requirements/*.in again into the locked lists
	$(COMPILE) --output-file requirements/bootstrap.txt requirements/bootstrap.in
	$(COMPILE) --output-file requirements.txt requirements/base.in
	$(COMPILE) --output-file requirements-dev.txt requirements/dev.in --constraints requirements.txt

screenshots: venv $(VENV)/.installed-dev ## take the README's pictures again, in five minutes; needs chromium
	@command -v chromium > /dev/null || { echo "error: missing: chromium (apt-get install chromium)" >&2; exit 1; }
	@exec env $(NO_ENV_FILE) $(BIN)/python -m tests.screenshots

clean: ## remove .venv, VAR_DIR's default and what tools left
	rm -rf $(VENV) var .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage .coverage.* htmlcov build *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A .venv whose Python is too old, or was moved, is made anew.
venv:
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		python=$$(scripts/find_python "$(PYTHON)" "$(PYTHON_GIVEN)") && rm -rf $(VENV) && \
		{ "$$python" -m venv $(VENV) || { rm -rf $(VENV); \
			echo "error: $$python cannot make a virtual environment (Debian: apt-get install python3-venv)" >&2; exit 1; }; }; }

# pip installs uv, and uv the rest, ten times faster; where uv cannot (a package index that only pip knows of), pip does.
# Two stamps, because each list stands for itself: installing one never removes what the other one brought.
$(VENV)/.bootstrapped: requirements/bootstrap.txt | venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	@touch $@

$(VENV)/.installed-site: requirements.txt $(VENV)/.bootstrapped
	@$(BIN)/uv pip install --quiet --require-hashes -r $< || $(BIN)/python -m pip install --quiet --require-hashes -r $<
	@touch $@

$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.bootstrapped
	@$(BIN)/uv pip install --quiet --require-hashes -r $< || $(BIN)/python -m pip install --quiet --require-hashes -r $<
	@touch $@
