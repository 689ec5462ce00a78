# `make` shows what there is. Everything installs what it needs first (see scripts/setup.sh).
SHELL := /bin/bash
RUN := .venv/bin/
.DEFAULT_GOAL := help

.PHONY: help setup install esl demo test test-freeswitch check bench starter-models clean

help:  ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

setup:  ## install what is missing: Debian packages, uv, Python packages
	@bash scripts/setup.sh

install:  ## the same for a machine in service: without what only developers need
	@bash scripts/setup.sh service

esl: setup  ## build python-ESL, FreeSWITCH's own client, for the control link (optional)
	@bash scripts/python-esl.sh

demo: setup  ## play the demonstration calls in real time; KEEP=1 leaves the operators' page up
	@$(RUN)appliance demo $(if $(JSON),--json) $(if $(KEEP),--keep)

test: check  ## every check and every test; the real FreeSWITCH too where one is found
	@bash scripts/setup.sh tests
	@$(MAKE) --no-print-directory test-freeswitch
	@$(RUN)python -m pytest -n 2 -m 'not freeswitch'

test-freeswitch: setup  ## only what needs a real FreeSWITCH (FREESWITCH=/path/to/freeswitch)
	@$(RUN)python -m pytest -m freeswitch

check: setup  ## lint, types and layers
	@$(RUN)ruff check .
	@$(RUN)ruff format --check .
	@$(RUN)mypy
	@$(RUN)lint-imports

bench: setup  ## measure, print a table, write build/bench.json
	@$(RUN)appliance bench

starter-models: setup  ## make the models in models/starter again (hours)
	@bash scripts/starter-models.sh

clean:  ## remove what was built or recorded here
	rm -rf build var .venv
