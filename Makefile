# What can be done here, each a line. On a machine with Python 3.11+ and make, every target sets up what it needs.
# PYTHON=/path/to/python3.12 chooses the interpreter of .venv; ARGS="-k etag -x" goes to pytest, ARGS=--quick to bench.

.DEFAULT_GOAL := help
.NOTPARALLEL:
BIN := .venv/bin
READY := .venv/.ready
export PYTHON

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s%s\n", $$1, $$2 }' Makefile

# A copied checkout, another PYTHON or a half-made .venv is set up again; otherwise this costs nothing.
ifneq ($(strip $(shell cat $(READY) 2>/dev/null)),$(strip $(CURDIR) $(PYTHON)))
.PHONY: $(READY)
endif
$(READY): $(BIN)/python scripts/bootstrap pyproject.toml requirements/bootstrap.txt requirements/dev.txt
	@scripts/bootstrap
$(BIN)/python: ;

run: $(READY) ## Serve on http://127.0.0.1:8000 with a database, a demo user and reload; PORT and METRICS_PORT move it
	@$(BIN)/python -m tools.run

test: $(READY) ## Prove all that can be proven on this machine
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist loadfile $(ARGS)

lint: lint-style lint-types lint-imports ## Check style, types and who imports whom

lint-style: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check

lint-types: $(READY)
	$(BIN)/pyright --pythonpath $(BIN)/python
	$(BIN)/mypy

lint-imports: $(READY)
	$(BIN)/lint-imports

fmt: $(READY) ## Format the code and fix what can be fixed
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format

generate: $(READY) ## Write every generated file: docs/, k8s/ and the chart's schema, README, rules, dashboards, examples; ARGS=--check only names stale ones
	$(BIN)/python -m tools.generate $(ARGS)

dashboards: $(READY) ## Show the dashboards on live data at http://127.0.0.1:8300: service, load, Prometheus; PORT moves it
	@$(BIN)/python -m observability.preview

observe-test: $(READY) ## Watch the real service through Prometheus and Alertmanager, in health and with every fault; ARGS goes to pytest
	$(BIN)/python -m pytest tests/observability/live $(ARGS)

bench: $(READY) ## Measure what a request costs
	$(BIN)/python -m tests.bench $(ARGS)

lock: $(READY) ## Resolve the dependencies into requirements/; UPGRADE=1 takes the newest
	scripts/lock

image: ## Build the image with docker, podman or buildah; TAG, VERSION, EXTRAS, TARGET and PYTHON_IMAGE change it
	@scripts/image $(ARGS)

cluster-test: $(READY) ## Use the chart in the disposable cluster that SLIPWAY_TEST_CONTEXT names; FULL=1 adds what takes long
	$(BIN)/python -m pytest tests/cluster $(if $(FULL),--full --report docs/cluster-results.md) $(ARGS)

mutation-test: $(READY) ## Change the rules of Prometheus in every way; their cases must notice 95 % of it. Minutes
	SLIPWAY_TEST_MUTANTS=all $(BIN)/python -m pytest --capture=no tests/observability/rules/test_mutants.py $(ARGS)

wheel: $(READY) ## Build the platform as the library `slipway` into dist/
	$(BIN)/uv build --wheel --no-build-isolation --python $(BIN)/python --out-dir dist packaging/slipway

clean: ## Remove .venv, builds and caches; the data of `make run` stays
	rm -rf .venv dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find app observability packaging tests tools -name __pycache__ -type d -prune -exec rm -rf {} +

clean-data: ## Remove the database of `make run`
	rm -rf .slipway

.PHONY: help run test lint lint-style lint-types lint-imports fmt generate dashboards observe-test bench cluster-test image lock mutation-test wheel clean clean-data
