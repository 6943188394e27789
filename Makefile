# Fogbell: the few commands that matter. `make help` lists them.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
RUN_STAMP := $(VENV)/.run-installed
DEV_STAMP := $(VENV)/.dev-installed
FUZZ_SECONDS ?= 60
FUZZ_TARGETS ?= statuspage feed currentevents
PIP    := $(BIN)/python -m pip --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help install install-dev run demo test test-fast test-all check bench soak fuzz lock clean

help:            ## list these commands
	@grep -E '^[a-z-]+: .*##|^[a-z-]+:  *##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

install: $(RUN_STAMP)      ## make .venv with .venv/bin/fogbell
install-dev: $(DEV_STAMP)  ## the same, with what the tests need

$(RUN_STAMP): requirements/run.txt requirements/build.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Fogbell needs Python 3.11 or later, this is " + sys.version.split()[0] + ": make PYTHON=/path/to/python3.11")'
	@test -x $(BIN)/python || { echo "Making $(VENV) ..."; $(PYTHON) -m venv $(VENV); }
	@echo "Installing the pinned requirements (once) ..."
	@$(PIP) install --require-hashes -r requirements/build.txt -r requirements/run.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(DEV_STAMP): $(RUN_STAMP) requirements/dev.txt
	@echo "Installing what the tests need (once) ..."
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@

run: $(RUN_STAMP)          ## start the worker with config.example.toml on an embedded store
	@exec env FOGBELL_OWNS_TERMINAL=1 $(BIN)/fogbell run --config config.example.toml

demo: $(RUN_STAMP)         ## replay the AWS outage of 2025-10-20 in two minutes, no network
	@exec env FOGBELL_OWNS_TERMINAL=1 $(BIN)/fogbell demo

test: $(DEV_STAMP)         ## unit, contract, scenario and page tests
	@$(BIN)/python -m pytest -n 2 -m "not long"

test-fast: $(DEV_STAMP)    ## no browser, no matrix: under a minute
	@$(BIN)/python -m pytest -n 2 -m "not long and not slow"

test-all: $(DEV_STAMP)     ## everything, with long fuzzing and matrices
	@HYPOTHESIS_PROFILE=long $(BIN)/python -m pytest -n 2

check: $(DEV_STAMP)        ## format, lint, types, import contracts, tests
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(MAKE) --no-print-directory test

bench: $(DEV_STAMP)        ## benchmarks: figures and ratios of one run
	@$(BIN)/python -m benchmarks

soak: $(DEV_STAMP)         ## storm three workers for SOAK_SECONDS (default 600); SOAK_SEED=n repeats one
	@$(BIN)/python -m tests.soak

fuzz: $(DEV_STAMP)         ## fuzz parsers, FUZZ_SECONDS each (default 60); Linux, Python 3.11 to 3.13
	@$(PIP) install --require-hashes -r requirements/fuzz.txt
	@for target in $(FUZZ_TARGETS); do \
	    $(BIN)/python -m tests.fuzz $$target -max_total_time=$(FUZZ_SECONDS) || exit 1; done

lock:                      ## pin the newest releases again (needs uv)
	@for f in build run dev fuzz; do uv pip compile --universal --python-version 3.11 --generate-hashes \
	    --no-emit-index-url --no-emit-find-links --no-header --quiet --upgrade \
	    -o requirements/$$f.txt requirements/$$f.in; done

clean:                     ## forget .venv and the embedded store's data
	rm -rf $(VENV) data
