# Needs make and Python 3.11 or later; everything else is installed below this folder.
# What is installed is installed again only when its lock file changes.

PYTHON ?= python3
PYTEST_ARGS ?= -n auto --maxprocesses 8 --dist loadfile

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet --require-virtualenv
RUN := $(BIN)/python -m
# The driver for PostgreSQL is installed when it is asked for.
RUNTIME := $(if $(findstring postgres,$(DATABASE_URL)$(TUNECASE_DATABASE_URL)),postgres,base)
CHECK_DATABASE := $(VENV)/check.sqlite3

.PHONY: help serve test check format bench soak calibrate lock wheel clean
.DEFAULT_GOAL := help

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

serve: $(VENV)/.$(RUNTIME) static/vendor/README ## Install what is needed, and serve on http://127.0.0.1:8000
	@$(BIN)/tunecase serve

test: check node_modules/.dev ## All checks and all tests
	@$(MAKE) --no-print-directory .venv-focus/.done \
		|| echo "focus-validator cannot be installed here: its tests are skipped, or fail under CI"
	@echo "Tests"
	@$(RUN) pytest $(PYTEST_ARGS)

check: $(VENV)/.dev ## Format, lint, types, layers, templates, migrations
	@echo "Format and lint"
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@echo "Types"
	@$(BIN)/mypy
	@echo "Layers"
	@$(BIN)/lint-imports
	@echo "Templates"
	@$(BIN)/djlint templates --lint --quiet
	@echo "Migrations"
	@rm -f $(CHECK_DATABASE)*
	@TUNECASE_DATABASE_URL=sqlite:///$(CHECK_DATABASE) $(BIN)/alembic -c migrations/alembic.ini upgrade head
	@TUNECASE_DATABASE_URL=sqlite:///$(CHECK_DATABASE) $(BIN)/alembic -c migrations/alembic.ini check

format: $(VENV)/.dev ## Format the code and repair what can be repaired
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format .

bench: $(VENV)/.dev .venv-peers/.done .venv-peers-plans/.done ## Measure speed, and errors against those of peers
	@$(BIN)/python benchmarks/bench.py
	@$(RUN) benchmarks.peers

soak: $(VENV)/.dev ## Long proofs: the tests that have a long version, with all their cases
	@SOAK=1 $(RUN) pytest -m soak $(PYTEST_ARGS)

calibrate: $(VENV)/.dev ## Fit the constants to the published runs anew
	@$(RUN) benchmarks.calibration

lock: $(VENV)/.dev ## Resolve all dependencies anew
	@$(PIP) install 'uv>=0.13,<0.14'
	@$(call compile,requirements/base,pyproject.toml)
	@$(call compile,requirements/postgres,pyproject.toml --extra postgres)
	@$(call compile,requirements/live,pyproject.toml --extra live)
	@$(call compile,requirements/dev,pyproject.toml --group pyproject.toml:dev --group pyproject.toml:build)
	@$(call compile,requirements/measure,requirements/measure.in)
	@$(call compile,requirements/peers,requirements/peers.in)
	@$(call compile,requirements/peers-plans,requirements/peers-plans.in)
	@$(call compile,requirements/focus,requirements/focus.in)
	@$(call compile,requirements/frontend,--group pyproject.toml:frontend)
	@$(call compile,.ci/build,--group pyproject.toml:build)

compile = $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 \
	--generate-hashes --no-strip-extras --no-header --no-emit-index-url -o $(1).txt $(2)

wheel: $(VENV)/.dev static/vendor/README ## Build dist/tunecase-*.whl, with all that it serves
	@$(RUN) build --no-isolation --wheel --outdir dist .

clean: ## Remove all that was installed or built; keep var/, the data
	rm -rf $(VENV) .venv-focus .venv-peers .venv-peers-plans node_modules static/vendor dist build htmlcov .coverage
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find app tests migrations -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Tunecase needs Python 3.11 or later; set PYTHON=... to choose one")'
	@echo "Making $(VENV)"
	@$(PYTHON) -m venv $(VENV)

# The command `tunecase` runs the code in this folder, from wherever it is called.
$(BIN)/tunecase: Makefile | $(BIN)/python
	@$(BIN)/python -c 'import pathlib, sysconfig; pathlib.Path(sysconfig.get_path("purelib"), "tunecase.pth").write_text("$(CURDIR)\n")'
	@printf '#!/bin/sh\nexec "%s" -P -m app.cli "$$@"\n' "$(CURDIR)/$(BIN)/python" > $@
	@chmod +x $@

$(VENV)/.%: requirements/%.txt | $(BIN)/tunecase
	@echo "Installing $<"
	@$(PIP) install --require-hashes -r $<
	@touch $@

# Pins of peers and of focus-validator clash with ours and with each other.
.venv-%/.done: requirements/%.txt
	@echo "Installing $<"
	@$(PYTHON) -m venv .venv-$*
	@.venv-$*/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes -r $<
	@touch $@

static/vendor/README: package-lock.json .ci/vendor.py | $(VENV)/.$(RUNTIME)
	@echo "Fetching the front-end packages"
	@$(BIN)/python .ci/vendor.py

node_modules/.dev: static/vendor/README | $(VENV)/.dev
	@echo "Fetching the front-end packages, with those for tests"
	@$(BIN)/python .ci/vendor.py --dev
	@touch $@
