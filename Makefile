# make run: set everything up and start. make test: set everything up and test.

SUPPORTED := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c '$(SUPPORTED)' 2>/dev/null && echo $$p && break; done)
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile
# On all cores, where pip would use one; a package may bring files that are no Python of this version.
COMPILE := $(BIN)/python -m compileall -qq -j 0 .venv/lib || true

.PHONY: run setup test lint bench soak audit replay commands licences lock chromium postgresql clean

run: .venv/run-ready
	$(BIN)/shadowboard up

setup: .venv/test-ready

test: lint chromium postgresql
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

lint: .venv/test-ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: .venv/test-ready .bench-venv/ready .bench-venv-serving/ready .bench-venv-mlserver/ready
	$(BIN)/python -m benchmarks.training
	$(BIN)/python -m benchmarks.latency
	$(BIN)/python -m benchmarks.serving
	$(BIN)/python -m benchmarks.health
	$(BIN)/python -m benchmarks.cold_evaluation
	$(BIN)/python -m benchmarks.scale
	$(BIN)/python -m benchmarks.inspector
	$(BIN)/python -m benchmarks.pages

soak: .venv/test-ready
	$(BIN)/python -m pytest -n 2 --dist loadfile tests/faults tests/server/test_openapi.py \
		--kills 1000 --cases 500 --timeout 7200
	$(BIN)/python -m benchmarks.endurance

# Asks for known vulnerabilities of what is locked; what cannot be looked up, as without a network, fails too.
audit: .audit-venv/ready
	.audit-venv/bin/pip-audit --strict --no-deps --disable-pip -r requirements.txt
	.audit-venv/bin/pip-audit --strict --no-deps --disable-pip -r requirements-dev.txt

.audit-venv/ready:
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check pip-audit && touch $@

# Goes through the Dockerfile's steps in a bare Debian and trains in what comes of it; as root, with debootstrap.
replay: .venv/run-ready
	$(BIN)/python -m deploy.replay

# Writes docs/licences.md anew: every package that is shipped.
licences: .venv/test-ready
	$(BIN)/python -m deploy.licences

# Writes docs/commands.md anew: every command with every option.
commands: .venv/test-ready
	$(BIN)/typer shadowboard.cli utils docs --name shadowboard --output docs/commands.md

# Pins the newest versions that pyproject.toml allows, with hashes and without addresses.
lock: .venv/test-ready
	$(PIP) uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-header --no-annotate --upgrade --extra build --extra postgres -o requirements.txt pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-header --no-annotate --upgrade --extra build --extra postgres --extra dev -c requirements.txt \
		-o requirements-dev.txt pyproject.toml

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "Shadowboard needs Python 3.11, 3.12 or 3.13; none was found."; exit 1; }
	$(PYTHON) -m venv .venv

.venv/run-ready: requirements.txt pyproject.toml | .venv/bin/python
	@echo "Installing Shadowboard's dependencies into .venv (once; TensorFlow is large) …"
	$(PIP) --require-hashes -r requirements.txt
	$(PIP) --no-deps --no-build-isolation -e .
	$(COMPILE)
	touch $@

.venv/test-ready: requirements-dev.txt .venv/run-ready
	$(PIP) --require-hashes -r requirements-dev.txt
	$(COMPILE)
	touch $@

.bench-venv/ready: benchmarks/requirements.txt
.bench-venv-serving/ready: benchmarks/serving_peers/requirements.txt
.bench-venv-mlserver/ready: benchmarks/serving_peers/requirements-mlserver.txt
# A peer that cannot be installed here is left out of the table, which says so.
.bench-venv/ready .bench-venv-serving/ready .bench-venv-mlserver/ready:
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check -r $< && touch $@ || rm -rf $(@D)

# The browser tests drive the system's own browser.
chromium:
	@if command -v chromium || command -v chromium-browser || command -v google-chrome; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null; \
	else \
		echo "The browser tests need Chromium: install your system's package (Debian: chromium)."; exit 1; \
	fi

# The store's tests run on PostgreSQL too: on a server of their own, of the system's package.
postgresql:
	@if command -v initdb || ls /usr/lib/postgresql/*/bin/initdb 2>/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && \
		DEBIAN_FRONTEND=noninteractive apt-get install -y -qq postgresql >/dev/null; then :; \
	else \
		echo "PostgreSQL is not installed (Debian: postgresql): the tests that need it are skipped."; \
	fi

clean:
	rm -rf .venv .bench-venv* .audit-venv build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
