# Each target sets up what it needs on a fresh machine with Python >= 3.11 and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
ARGS ?=
# Each file stays on one worker, so that its database server is started once.
WORKERS ?= -n 2 --dist loadfile
WHOLE := sdk/*,keys/*,broker/domain/*,audit/tree.py

.PHONY: help demo test quick cover covered check long pictures bench lock clean

help: ## this list
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

$(STAMP): requirements.lock pyproject.toml sdk/pyproject.toml audit/pyproject.toml
	@echo "Setting up $(VENV) (about a minute the first time) …"
	@$(PYTHON) -c 'import sys; sys.exit("Tillit needs Python 3.11 or newer, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e sdk -e audit -e .
	@touch $@

demo: $(STAMP) ## the 19-year-old's story in Larvik, end to end (ARGS=--once stops after it)
	@$(BIN)/python -m broker.demo $(ARGS)

test: $(STAMP) ## every test
	@$(BIN)/python -m pytest $(WORKERS) $(ARGS)

quick: $(STAMP) ## every test but kill tests and races
	@$(BIN)/python -m pytest $(WORKERS) -m "not slow" $(ARGS)

cover: $(STAMP) ## branch coverage: 95 % overall, 100 % where it must hold
	@$(BIN)/python -m pytest $(WORKERS) -m "not slow" --cov --cov-report= --cov-fail-under=95 $(ARGS)
	@$(MAKE) --no-print-directory covered

covered: # of the last run that counted
	@$(BIN)/coverage report --include='$(WHOLE)' --skip-covered --fail-under=100

check: $(STAMP) ## lint, types, import contracts, policies
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m tests.policies.check

long: $(STAMP) ## the laws with 10,000 examples an engine, 100,000 histories of leases, 300 families, every mutant of the rules, 1,000,000 inputs a parser, 200 kills (hours)
	@TILLIT_LAW_EXAMPLES=10000 TILLIT_LEASE_HISTORIES=100000 $(BIN)/python -m pytest -n 2 --dist load --maxschedchunk 1 \
		tests/property/test_leases.py tests/property/test_decision_laws.py $(ARGS)
	@TILLIT_SEEN_EXAMPLES=300 $(BIN)/python -m pytest tests/property/test_seen_by_others.py
	@$(BIN)/python -m tests.policies.mutation
	@$(BIN)/python -m tests.fuzz
	@TILLIT_KILLS=200 $(BIN)/python -m pytest tests/e2e/test_kill_replicas.py

pictures: $(STAMP) ## the README's pictures, of a demo that is running (ARGS=http://127.0.0.1:8000)
	@$(BIN)/python -m broker.demo.pictures $(ARGS) broker/docs/pictures

bench: $(STAMP) ## the benchmarks, as ratios measured in one run
	@$(BIN)/python -m tests.bench $(ARGS)

lock: $(STAMP) ## pin every dependency by hash (needs uv)
	uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes \
		--no-emit-package tillit --no-emit-package tillit-audit --no-annotate --no-header --output-file requirements.lock

clean: ## remove what make made
	rm -rf $(VENV) .run .cache
