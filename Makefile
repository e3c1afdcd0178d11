# rxflow. `make help` lists what there is to do.
PYTHON ?= python3
BIN := .venv/bin
PY := $(BIN)/python
TESTS ?= tests
DOMAINS := $(shell echo services/*/domain services/*/application | tr " " ",")
# compiled modules are kept: five services start many processes
unexport PYTHONDONTWRITEBYTECODE
.DEFAULT_GOAL := help
MINUTES ?= 30
EVERY ?= 20
RATE ?= 1
SEEDS ?= 1000
.PHONY: help demo run test chaos coverage lint format bench simulate docs migrate lock clean

help: ## this list
	@awk -F':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

# one line that says what to install, before anything else can fail
.venv/.checked:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null \
	  || { echo "Install Python 3.11, 3.12 or 3.13 (Debian, Ubuntu: apt-get install python3), or set PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
	  || { echo "Install Python's venv module (Debian, Ubuntu: apt-get install python3-venv)"; exit 1; }
	@test -x $(PY) || { echo "Setting up .venv"; $(PYTHON) -m venv .venv; }
	@touch $@

.venv/.ready: .venv/.checked requirements.lock pyproject.toml
	@echo "Installing what rxflow needs into .venv"
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(PY) -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.venv/.development: .venv/.ready requirements-development.lock
	@echo "Installing what its tests need into .venv"
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-development.lock
	@touch $@

demo: .venv/.ready ## set up and play the main job: 30 prescriptions from signature to settlement
	@$(BIN)/rxflow demo

run: .venv/.ready ## set up and keep the whole system running on this machine
	@$(BIN)/rxflow up

test: .venv/.development ## set up and pass the tests; the last line is pytest's count
	@$(PY) -m pytest -n 2 --dist loadgroup --durations 60 --durations-min 5 $(TESTS)

chaos: .venv/.development ## everything mistreated under load: MINUTES=30, a fault each EVERY=20 s, RATE=1, SEED=n
	@$(PY) -m tests.chaos --minutes $(MINUTES) --every $(EVERY) --rate $(RATE) $(if $(SEED),--seed $(SEED))

coverage: .venv/.development ## every branch of every domain and application, by unit and property tests alone
	@$(PY) -m coverage run --source=$(DOMAINS) -m pytest tests/unit tests/property tests/golden
	@$(PY) -m coverage report --fail-under=100

lint: .venv/.development ## ruff, mypy --strict, import rules
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(PY) -m mypy
	@$(BIN)/lint-imports

format: .venv/.development ## let ruff format the code
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

bench: .venv/.development ## the benchmarks, as ratios, with their gates
	@$(PY) -m benchmarks

simulate: .venv/.ready ## 1,000 whole worlds in a seed each, with everything that can go wrong (SEEDS=n)
	@$(BIN)/rxflow simulate world --seeds $(SEEDS)

docs: .venv/.development ## render the docs that come out of the code's own tables
	@$(PY) -m rxflow.docs

migrate: .venv/.ready ## bring the databases to head
	@$(BIN)/rxflow migrate

lock: ## lock the versions again (needs uv)
	@uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header \
	  --quiet pyproject.toml --extra build -o requirements.lock
	@uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header \
	  --quiet pyproject.toml --extra build --extra development -o requirements-development.lock

clean: ## remove the virtual environment and what running left behind
	@rm -rf .venv var .pytest_cache .mypy_cache .ruff_cache .hypothesis
