# Pixelpop: `make run` and `make test` are all that a newcomer needs.
# Only Python 3.11 or newer and make are required; everything else is installed into .venv.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.locked

# Each of many processes would compile all modules anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run test check bench chaos fuzz audit schemas lock clean

help: ## Say what can be made
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-9s %s\n", $$1, $$2}'

$(STAMP): requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Pixelpop needs Python 3.11 or newer; $$($(PYTHON) --version) is installed."; exit 1; }
	@echo "Installing the locked dependencies into $(VENV) (once; a minute or two) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

run: $(STAMP) ## Start Pixelpop with everything it needs, and print its address
	@exec $(BIN)/python -m pixelpop up

test: $(STAMP) ## Run the tests against real servers (about 8 minutes on 2 cores)
	@$(BIN)/python -m pytest -n 3 --no-loadscope-reorder

check: $(STAMP) ## Lint, types, layers, generated files
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m pixelpop schemas check

fuzz: $(STAMP) ## Forged credentials, damaged photos, both by coverage too; the API as every role
	@$(BIN)/python -m tests.fuzz
	@$(BIN)/python -m tests.contract.stateful

audit: $(STAMP) ## Known vulnerabilities and licences of what is locked; bill of materials
	@$(BIN)/python -m tests.audit

schemas: $(STAMP) ## Write schemas/, .env.example and the production lock anew
	@$(BIN)/python -m pixelpop schemas generate
	@$(BIN)/python -m gateway.api.openapi
	@$(BIN)/python -m runtime.settings_docs

bench: $(STAMP) ## Measure against raw limits and the usual stack (20 minutes)
	@$(BIN)/python -m benchmarks

chaos: $(STAMP) ## Kill and pause processes under load; simulate 10,000 histories, and 10,000 of payments
	@$(BIN)/python -m tests.chaos.simulation --seeds 10000
	@$(BIN)/python -m tests.chaos.payments --histories 10000
	@$(BIN)/python -m tests.chaos --faults 100
	@$(BIN)/python -m tests.chaos.paid --jobs 500

# Not by way of the stamp: a lock that cannot be installed must be repairable.
$(BIN)/uv:
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv

lock: $(BIN)/uv ## Resolve the dependencies anew (requirements.lock, deploy/requirements.lock)
	@$(BIN)/uv pip compile --quiet --generate-hashes --no-header --no-emit-index-url --universal \
	  --python-version 3.11 --extra embedded --extra credentials --group dev --group bench pyproject.toml -o requirements.lock
	@$(BIN)/uv pip compile --quiet --generate-hashes --no-header --no-emit-index-url --universal \
	  --python-version 3.11 --constraint requirements.lock pyproject.toml -o deploy/requirements.lock

clean: ## Remove the environment and caches; the data directory stays
	@rm -rf $(VENV) build .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
