# Each target is a few lines that can be typed by hand; the README gives the same without make.
BIN := .venv/bin
DEMO_ARGS ?=
UP_ARGS ?=

.PHONY: setup demo up test test-crash soak check bench catalog lock clean

setup: .venv/.installed

.venv/.installed: requirements.lock pyproject.toml
	@python=""; \
	for candidate in python3.12 python3.13 python3.11 python3 python; do \
	  if $$candidate -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; \
	  then python=$$candidate; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
	  echo "Python 3.11, 3.12 or 3.13 is missing: install one of them so that 'python3.12' or 'python3' starts it" >&2; \
	  exit 1; \
	fi; \
	echo "using $$($$python --version) ($$python)"; \
	$$python -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: setup
	$(BIN)/stock-pipeline demo $(DEMO_ARGS)

up: setup
	$(BIN)/stock-pipeline up $(UP_ARGS)

test: setup
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not crash"

test-crash: setup
	$(BIN)/python -m pytest -m crash --timeout 900

soak: setup
	$(BIN)/python -m benchmarks.soak

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m stock_pipeline.catalog --check
	$(BIN)/python tests/fault_catalog.py --check

bench: setup
	$(BIN)/python -m benchmarks

catalog: setup
	$(BIN)/python -m stock_pipeline.catalog
	$(BIN)/python tests/fault_catalog.py

# Needs uv; the lock names no index.
lock:
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-annotate --no-header --quiet --output-file requirements.lock

clean:
	rm -rf .venv .state build dist *.egg-info test-output .mypy_cache .ruff_cache .pytest_cache .hypothesis
