# Every check that CI makes is a target here; `make check` is all of them.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin
SPEED ?= 1
SEEDS ?= 1200
WORKERS ?= auto
SECONDS ?= 60

.PHONY: help demo run test fuzz check lint types arch fmt bench docs man dashboards preview simulate chaos wheel sbom audit image servers setup lock clean

help:  ## say what can be made
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 20

demo: $(VENV)/.runtime  ## run the daemon on an embedded world: no network, no credentials
	$(RUN)/python -m monitor demo --speed $(SPEED)

run: $(VENV)/.runtime  ## run the daemon on config.toml
	$(RUN)/python -m monitor run -c config.toml

test: $(VENV)/.development servers  ## run all tests
	$(RUN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

fuzz: $(VENV)/.development  ## search for inputs that break something, SECONDS each (see docs/hostile-input.md)
	$(RUN)/python -m tests.fuzz --seconds $(SECONDS)

check: $(VENV)/.development lint types arch test  ## lint, types, architecture, tests: what CI runs

lint: $(VENV)/.development
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .

types: $(VENV)/.development
	$(RUN)/mypy

arch: $(VENV)/.development
	$(RUN)/lint-imports --no-logo

fmt: $(VENV)/.development  ## format the code
	$(RUN)/ruff check --fix .
	$(RUN)/ruff format .

bench: $(VENV)/.development  ## measure, in ratios: the engine beside its peers, then the rest (an hour)
	PYTHONPATH=. $(RUN)/python benchmarks/duel.py --chart docs/engine.svg
	PYTHONPATH=. $(RUN)/python benchmarks/growth.py
	PYTHONPATH=. $(RUN)/python benchmarks/growth.py --rounds 100
	PYTHONPATH=. $(RUN)/python benchmarks/starting.py
	PYTHONPATH=. $(RUN)/python benchmarks/storing.py
	PYTHONPATH=. $(RUN)/python benchmarks/scrape.py
	PYTHONPATH=. $(RUN)/python benchmarks/listing.py
	PYTHONPATH=. $(RUN)/python benchmarks/pages.py
	PYTHONPATH=. $(RUN)/python benchmarks/rounds.py
	PYTHONPATH=. $(RUN)/python benchmarks/soak.py

simulate: $(VENV)/.development  ## let the tracker and naive pollers watch the same simulated windows
	$(RUN)/python -m tests.simulation --seeds $(SEEDS) --first 400000 --goals --by-kind tracker \
	  --plots docs/propagation --follow 400093
	mv docs/propagation/progress-1.svg docs/propagation/progress.svg

chaos: $(VENV)/.development servers  ## play faults against the daemon, and write what came of each (half an hour)
	$(RUN)/python -m tests.chaos --markdown docs/faults.md

docs: $(VENV)/.development  ## write the pages that follow from the code
	PYTHONPATH=. $(RUN)/python tools/moves.py
	PYTHONPATH=. $(RUN)/python tools/configuration.py
	PYTHONPATH=. $(RUN)/python tools/manpage.py
	$(RUN)/python -m tools.dependencies

man: docs  ## the same, the manual page among them

dashboards: $(VENV)/.development  ## write the dashboards for Grafana, and the alerts for the operator
	$(RUN)/python -m tools.dashboards
	$(RUN)/python tools/prometheus_rule.py

preview: $(VENV)/.development  ## print what the dashboards show of a break, as text (needs Prometheus)
	@$(RUN)/python -m tests.dashboards

wheel: $(VENV)/.development  ## build what is installed elsewhere, in dist/, with a list of what it needs
	rm -f dist/oss_cname_monitor-*
	$(RUN)/python -m hatchling build -t wheel -t sdist
	$(RUN)/python -m tools.sbom

sbom: $(VENV)/.development  ## list what is installed with the wheel, in dist/ (CycloneDX)
	$(RUN)/python -m tools.sbom

audit: $(VENV)/.development  ## ask OSV for known weaknesses of what is locked (needs a network)
	@$(RUN)/python -m tools.audit

image: wheel  ## build the container image (needs docker)
	docker build -t oss-cname-monitor:$$($(RUN)/python -m monitor --version) .

servers:  ## install the servers that tests start, where this user may
	sh tests/servers/install.sh

setup: $(VENV)/.development  ## make the virtual environment for work on the code

lock: $(VENV)/.development  ## resolve the dependencies anew
	$(RUN)/pip install --quiet uv
	$(RUN)/uv pip compile pyproject.toml $(LOCK) -o requirements.lock
	$(RUN)/uv pip compile pyproject.toml --all-extras $(LOCK) -o requirements-all.lock
	$(RUN)/uv pip compile pyproject.toml --group dev $(LOCK) -o requirements-dev.lock

LOCK := --quiet --upgrade --universal --generate-hashes --no-strip-extras --no-emit-index-url --no-header

clean:  ## remove what was made
	rm -rf $(VENV) benchmarks/.peers dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; name one with PYTHON=..." >&2; exit 1; }
	@PYTHON=$(PYTHON) sh tools/venv.sh $(VENV)

$(VENV)/.runtime: requirements.lock | $(VENV)/bin/python
	@[ -e $(VENV)/.development ] || echo "installing what it needs into $(VENV), once: a minute" >&2
	@[ -e $(VENV)/.development ] || $(RUN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

$(VENV)/.development: requirements-dev.lock | $(VENV)/bin/python
	@echo "installing what development needs into $(VENV), once: minutes" >&2
	$(RUN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@
