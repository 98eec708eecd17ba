# Everything a developer or a city needs, from a machine that has Python 3.11+ and make.
# The tools live in .uv, the project in .venv; both are made on first use and cost nothing later.

PYTHON ?= python3
UV_VERSION := 0.13.9

BIN := .venv/bin
UV := UV_PYTHON_DOWNLOADS=never .ci/uv
INSTALLED := .venv/installed
INTEGRATIONS := .venv/integrations
PEERS := .bench/installed
LOCK = $(UV) pip compile $(UPGRADE) --universal --python-version 3.11 \
	--generate-hashes --no-emit-index-url --no-annotate --no-header --quiet
# What one file of faults breaks is its own: they run side by side.
FAULTS ?= tests/faults tests/abuse tests/policy/test_two_at_once.py tests/policy/test_case_machine.py
SEED ?= $(shell date +%Y%m%d)
# One more than there are cores: each keeps a PostgreSQL busy, and what breaks things often waits.
WORKERS = $$($(BIN)/python -c 'import os; print(min(4, (os.cpu_count() or 1) + 1))')

# A machine may be told to keep no bytecode; the platform would then compile itself at each start.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help run demo coverage stop test test-integrations faults bench check contracts matrix lock clean

help:
	@echo "Run"
	@echo "  make run        start the platform with its own PostgreSQL and NATS (PORT, LIANGXIN_DATA)"
	@echo "  make demo       play the demonstration story on a fresh database of its own"
	@echo "                  (SPLIT=1: each service a process; WITHOUT=finance=60: one of them away)"
	@echo "  make coverage   the measures row by row: what of each is executable, tested, in use"
	@echo "  make stop       end the platform and its servers"
	@echo "Develop"
	@echo "  make test       run the tests"
	@echo "  make test-integrations  run the tests against Spark in local mode (needs Java 17 or later)"
	@echo "  make check      lint, format, types, import contracts, migrations"
	@echo "  make faults     kill, stop, wipe and fuzz it all, with a table of what held (SEED, FAULTS)"
	@echo "  make bench      measure the hot paths beside their peers (BENCH=\"--quick writes\": some, shortly)"
	@echo "  make contracts  write the committed API documents anew"
	@echo "  make matrix     call every route with every role, own and foreign, and print what held"
	@echo "Maintain"
	@echo "  make lock       write requirements.lock anew (UPGRADE=--upgrade: newest versions)"
	@echo "  make clean      stop the servers and remove what was installed; .data stays"

run: $(INSTALLED)
	@$(BIN)/liangxin run

demo: $(INSTALLED)
	@$(BIN)/liangxin demo $(if $(SPLIT)$(WITHOUT),--split) $(if $(WITHOUT),--without $(WITHOUT))

coverage: $(INSTALLED)
	@$(BIN)/liangxin coverage

stop:
	@if test -x $(BIN)/liangxin; then $(BIN)/liangxin stop; else echo "Nothing is installed."; fi

test: $(INSTALLED)
	$(BIN)/pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

test-integrations: $(INTEGRATIONS)
	@java -version 2>/dev/null || { \
		echo "需要 Java 17 或更高版本；Debian、Ubuntu 请运行：apt install openjdk-17-jre-headless"; \
		echo "Java 17 or later is needed; on Debian and Ubuntu: apt install openjdk-17-jre-headless"; \
		exit 1; } >&2
	$(BIN)/pytest tests/integrations

faults: $(INSTALLED)
	LIANGXIN_FAULTS=full LIANGXIN_FAULTS_SEED=$(SEED) $(BIN)/pytest -v -n 3 --dist loadfile \
		--no-loadscope-reorder $(FAULTS)

bench: $(INSTALLED) $(PEERS)
	@$(BIN)/python -m tests.benchmarks $(BENCH)

check: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	PYRIGHT_PYTHON_IGNORE_WARNINGS=1 $(BIN)/pyright --warnings
	$(BIN)/lint-imports --no-logo
	$(BIN)/liangxin contracts --check
	$(BIN)/liangxin check-migrations

contracts: $(INSTALLED)
	$(BIN)/liangxin contracts

matrix: $(INSTALLED)
	@$(BIN)/pytest -q tests/contracts/test_matrix.py

# No index URL is written: mirrors differ from city to city, the hashes do not.
lock: .uv/$(UV_VERSION)
	$(LOCK) pyproject.toml --all-extras --group dev --output-file requirements.lock
	$(LOCK) --group integrations --constraint requirements.lock --output-file integrations.lock
	$(LOCK) --group bench --constraint requirements.lock --output-file bench.lock

clean: stop
	rm -rf .venv .bench .uv build dist .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find services gateway tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(INSTALLED): requirements.lock pyproject.toml .uv/$(UV_VERSION)
	@test -x $(BIN)/python || $(UV) venv --quiet --allow-existing --python "$(PYTHON)" .venv
	$(UV) pip sync --quiet --compile-bytecode --python $(BIN)/python --require-hashes requirements.lock
	$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

# The ordinary install takes away again what only these tests need.
$(INTEGRATIONS): $(INSTALLED) integrations.lock
	$(UV) pip install --quiet --python $(BIN)/python --require-hashes --no-deps -r integrations.lock
	@touch $@

# What the engines are measured against; none of it is among what the platform installs.
$(PEERS): bench.lock .uv/$(UV_VERSION)
	@test -x .bench/bin/python || $(UV) venv --quiet --allow-existing --python "$(PYTHON)" .bench
	$(UV) pip sync --quiet --compile-bytecode --python .bench/bin/python --require-hashes bench.lock
	@touch $@

.uv/$(UV_VERSION):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "需要 Python 3.11 或更高版本（可用 make PYTHON=python3.12 指定）。"; \
		echo "Python 3.11 or later is needed; name one with: make PYTHON=python3.12"; exit 1; } >&2
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "缺少 Python 的 venv 模块，Debian、Ubuntu 请运行：apt install python3-venv"; \
		echo "Python lacks its venv module; on Debian and Ubuntu: apt install python3-venv"; \
		exit 1; } >&2
	rm -rf .uv
	$(PYTHON) -m venv .uv
	.uv/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@touch $@
