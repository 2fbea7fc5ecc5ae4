# Every target sets up what it needs: a virtual environment in .venv from requirements.lock.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# Quix Streams wants other versions of what we use, so that contender has an environment of its own.
QUIX := $(VENV)/quix
QUIX_LOCK := scripts/benchmarks/throughput/contenders/quix_river.lock
# A peer of a benchmark, with its own versions of what we use.
DATASETTE := $(VENV)/datasette
DATASETTE_LOCK := scripts/benchmarks/api/datasette.lock
# What builds and vouches for a release, with versions of its own.
RELEASE := $(VENV)/release
RELEASE_LOCK := scripts/release/tools.lock
# The fuzzer is for Linux and has no build for the newest Python, so that it is installed only where it is run.
FUZZER := $(VENV)/.fuzzer
FUZZER_LOCK := tests/fuzzing/fuzzer.lock
# The build that throughput is told in multiples of.
REFERENCE := 828cdbe
KAFKA ?= embedded
VIA ?= kafka
DATA ?= ../shared/data
DIST ?= dist
SPEED ?= max
RUNS ?= 1
SEEDS ?= 10000
MINUTES ?= 30
SECONDS ?= 60
# Tests wait for brokers and processes more than they compute: two at a time on each core.
JOBS ?= $(shell expr 2 '*' $$(getconf _NPROCESSORS_ONLN))
SUITE := .pytest_cache/suite.xml
WATCHED := .pytest_cache/watched.xml
TOGETHER := --numprocesses $(JOBS) --durations 10 --durations-min 5
export PIP_DISABLE_PIP_VERSION_CHECK = 1
# What awk makes of pip's output: a line now and then, so that nobody looks at a silent minute.
export PIP_PROGRESS = /^Collecting / {if (++n % 25 == 0) print "  " n " packages"} /^Installing/ {print "  installing them"} {fflush()}

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-quick test-tracers test-alerts test-access test-bounds fuzz check format kafka bench-throughput bench-latency bench-scale bench-micro bench-intake bench-gateway bench-api bench-page bench-trials bench-weeks bench-quality bench-nab bench-incidents bench-check bench-joined bench-cost bench-training bench-house bench-upgrade contenders simulate soak audit release lock clean

help: ## List every target with one line each
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 20

$(STAMP): requirements.lock pyproject.toml client/pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "tracehound needs Python 3.11 or newer: make PYTHON=/path/to/python3.11 ..."; exit 1; }
	@echo "Setting up $(VENV) from requirements.lock; the first time that takes some minutes."
	@$(PYTHON) -m venv $(VENV)
	@bash -o pipefail -c '$(BIN)/python -m pip install --progress-bar off --require-hashes -r requirements.lock | awk "$$PIP_PROGRESS"'
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e . -e ./client
	@$(BIN)/tracehound compile
	@touch $(STAMP)

setup: $(STAMP) ## Create .venv with the locked dependencies

demo: $(STAMP) ## Show the main job: simulated faults next to what was detected (KAFKA=real, VIA=http, DURATION=60)
	@exec $(BIN)/python -m tracehound demo --kafka $(KAFKA) --via $(VIA) $(if $(DURATION),--duration $(DURATION))

test: $(STAMP) ## Run all tests, with a real Apache Kafka where one can be had (JOBS=4, at a time)
	$(BIN)/tracehound compile
	$(BIN)/python -m pytest $(TOGETHER) --junitxml $(SUITE)

test-quick: $(STAMP) ## Run the tests that need no real Apache Kafka
	$(BIN)/tracehound compile
	$(BIN)/python -m pytest $(TOGETHER) -m "not kafka"

test-bounds: $(STAMP) ## Run the detectors' tests with kernels that check the bounds of their arrays (compiled anew, some minutes)
	NUMBA_BOUNDSCHECK=1 NUMBA_CACHE_DIR=$(VENV)/checked-kernels $(BIN)/python -m pytest tests/detectors tests/streams/scoring/test_read_columns.py

test-access: $(STAMP) ## Take permissions on Kafka from every process and command, one at a time (the suite leaves out the heavy ones)
	TRACEHOUND_EVERY_PROCESS=1 $(BIN)/python -m pytest -n0 tests/end_to_end/test_denied.py tests/end_to_end/test_access.py

test-tracers: $(STAMP) ## Run tracers of npm, PyPI, Maven, Go and crates.io and a Collector, read what they write (first time: minutes)
	TRACEHOUND_REAL_TRACERS=1 $(BIN)/python -m pytest tests/tracers tests/streams/intake/formats
	$(BIN)/python -m tracehound.scripts.documents README.md docs

test-alerts: $(STAMP) ## Break all that alerts are for, see each fire and resolve on a real Prometheus, and all dashboards with data (minutes)
	$(BIN)/python -m tracehound.scripts.manifests.files
	TRACEHOUND_REAL_ALERTS=1 $(BIN)/python -m pytest tests/end_to_end/alerts tests/end_to_end/test_dashboards.py --junitxml $(WATCHED)
	$(BIN)/python -m tracehound.scripts.benchmarks.watched $(WATCHED)

$(FUZZER): $(FUZZER_LOCK) | $(STAMP)
	$(BIN)/python -m pip install --quiet --require-hashes -r $(FUZZER_LOCK)
	@touch $(FUZZER)

fuzz: $(STAMP) $(FUZZER) ## Look for bytes that no reader expects, SECONDS=60 for each (ONLY=<target>, REPLAY=<file>)
	$(BIN)/python -m tests.fuzzing --seconds $(SECONDS) $(ONLY:%=--only %) $(REPLAY:%=--replay %)

check: $(STAMP) $(RELEASE)/.installed ## Check format, lint, types, import rules, generated documents, image and chart (with Go; first time: minutes)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m tracehound.schemas.generate docs/contracts --check
	$(BIN)/python -m tracehound.scripts.documents README.md docs --check
	$(BIN)/python -m tracehound.scripts.dashboards infra/grafana/dashboards --check
	$(BIN)/tracehound settings | diff docs/reference/tracehound.toml -
	$(BIN)/tracehound gateway --openapi | diff docs/reference/gateway.openapi.json -
	$(BIN)/tracehound console --openapi | diff docs/reference/console.openapi.json -
	$(BIN)/python -m tracehound.scripts.sizing docs/benchmarks scripts/sizing/measured.json --check
	$(BIN)/python -m tracehound.scripts.release.images $$(git ls-files '*Dockerfile' '*compose*.y*ml')
	$(BIN)/python -m tracehound.scripts.release.licences $(RELEASE)/bin infra/docker/requirements.lock
	$(BIN)/python -m tracehound.scripts.manifests.files
	$(BIN)/python -m tracehound.scripts.manifests infra/helm/tracehound infra/helm/examples/*.yaml

format: $(STAMP) ## Format the code and write the generated documents anew
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/python -m tracehound.schemas.generate docs/contracts
	$(BIN)/python -m tracehound.scripts.sizing docs/benchmarks scripts/sizing/measured.json
	$(BIN)/python -m tracehound.scripts.documents README.md docs
	$(BIN)/tracehound settings > docs/reference/tracehound.toml
	$(BIN)/tracehound gateway --openapi > docs/reference/gateway.openapi.json
	$(BIN)/tracehound console --openapi > docs/reference/console.openapi.json

kafka: $(STAMP) ## Run a real Apache Kafka in the foreground and print its address
	@exec $(BIN)/python -m tracehound.infra.kafka --kind real

$(QUIX)/.installed: $(QUIX_LOCK) | $(STAMP)
	$(PYTHON) -m venv $(QUIX)
	$(QUIX)/bin/python -m pip install --quiet --require-hashes -r $(QUIX_LOCK)
	@touch $(QUIX)/.installed

contenders: $(QUIX)/.installed ## Install what tests of contenders need beside the locked dependencies

bench-throughput: $(STAMP) $(QUIX)/.installed ## Measure executions per second next to other stream processors and an earlier build (AGAINST=<commit> ROUNDS=2), on a real Apache Kafka
	$(BIN)/python -m tracehound.scripts.benchmarks.throughput --profile --report docs/benchmarks --against $(or $(AGAINST),$(REFERENCE)) --rounds $(or $(ROUNDS),2)

bench-latency: $(STAMP) ## Measure how long anomalies take at 10, 50 and 80 % of what one worker keeps up with
	$(BIN)/python -m tracehound.scripts.benchmarks.latency --output docs/benchmarks

bench-scale: $(STAMP) ## Measure cost, memory and restart by the number of operations, segments and workers
	$(BIN)/python -m tracehound.scripts.benchmarks.scale --output docs/benchmarks

bench-micro: $(STAMP) ## Measure each part of the hot path next to the stored figures (BASELINE=write: store anew)
	$(BIN)/python -m tracehound.scripts.benchmarks.micro --baseline docs/benchmarks/micro-baseline.json $(if $(filter write,$(BASELINE)),--write)

bench-intake: $(STAMP) ## Measure spans per CPU second of intake on a real Apache Kafka, stage by stage (AGAINST=<commit> takes turns, ROUNDS=3)
	$(BIN)/python -m tracehound.scripts.benchmarks.intake --report docs/benchmarks $(AGAINST:%=--against %) $(ROUNDS:%=--rounds %)

bench-gateway: $(STAMP) ## Measure what the gateway takes per CPU second on a real Apache Kafka (COLLECTOR=/path/to/otelcol: next to one)
	$(BIN)/python -m tracehound.scripts.benchmarks.gateway --report docs/benchmarks $(COLLECTOR:%=--collector %)

$(DATASETTE)/.installed: $(DATASETTE_LOCK) | $(STAMP)
	$(PYTHON) -m venv $(DATASETTE)
	$(DATASETTE)/bin/python -m pip install --quiet --require-hashes -r $(DATASETTE_LOCK)
	@touch $(DATASETTE)/.installed

bench-api: $(STAMP) $(DATASETTE)/.installed ## Measure the console with a million anomalies on both engines, its reader, and Datasette on the same file
	$(BIN)/python -m tracehound.scripts.benchmarks.api --datasette $(DATASETTE)/bin/datasette --report docs/benchmarks
	$(BIN)/python -m tracehound.scripts.documents docs

bench-page: $(STAMP) ## Measure how soon the pages are seen in Debian's Chromium, with 1,000 applications in the store
	$(BIN)/python -m tracehound.scripts.benchmarks.page --report docs/benchmarks
	$(BIN)/python -m tracehound.scripts.documents docs

bench-trials: $(STAMP) ## Judge the detectors on twenty simulated systems with faults of random size
	$(BIN)/python -m tracehound.scripts.benchmarks.trials --report docs/benchmarks

bench-weeks: $(STAMP) ## Watch weeks of ordinary life with and without planted faults (QUICK=1, PROCESSES=1, GROUP=reporting, KEPT=<folder>, MINUTES=20, ONLY=<life> SHOW=20)
	$(BIN)/python -m tracehound.scripts.benchmarks.weeks --processes $(or $(PROCESSES),1) $(if $(QUICK),--quick) $(ONLY:%=--only %) $(SHOW:%=--show %) $(GROUP:%=--group %) $(KEPT:%=--kept %) $(MINUTES:%=--minutes %)

bench-quality: $(STAMP) ## Judge the detectors on labelled traces next to simple methods (DATA=../shared/data)
	$(BIN)/python -m tracehound.scripts.benchmarks.quality --data $(DATA)

bench-nab: $(STAMP) ## Judge a detector of series on the Numenta Anomaly Benchmark (DATA=../shared/data)
	$(BIN)/python -m tracehound.scripts.benchmarks.nab --data $(DATA)

bench-incidents: $(STAMP) ## Judge the suspected causes of incidents on labelled traces (DATA=../shared/data)
	$(BIN)/python -m tracehound.scripts.benchmarks.incidents --data $(DATA)

bench-check: $(STAMP) ## Have what is told of labelled traces judged as `tracehound check` does (DATA=../shared/data)
	$(BIN)/python -m tracehound.scripts.benchmarks.acceptance --data $(DATA)

bench-cost: $(STAMP) ## Measure what a byte of odd, hostile or damaged input costs next to a good one
	$(BIN)/python -m tracehound.scripts.benchmarks.cost

bench-training: $(STAMP) ## Measure what training takes next to what was estimated, and a tuning over two workers, one of them killed
	$(BIN)/python -m tracehound.scripts.benchmarks.training

bench-house: $(STAMP) ## Count rooms, lines and tests, and take the slowest tests from the last `make test`
	$(BIN)/python -m tracehound.scripts.benchmarks.house $(if $(wildcard $(SUITE)),--junit $(SUITE))

bench-joined: $(STAMP) ## Send recorded traces through Kafka and intake, compare with offline (SPEED=max RUNS=1 ONLY=train_ticket_30)
	$(BIN)/python -m tracehound.scripts.benchmarks.joined --data $(DATA) --runs $(RUNS) $(SPEED:%=--speed %) $(ONLY:%=--only %) --output docs/benchmarks

simulate: $(STAMP) ## Tell thousands of seeded stories of workers in virtual time (SEEDS=10000 PROCESSES=2, ONLY=scoring, REPLAY=scoring:17)
	$(BIN)/python -m tests.simulation --broken also --seeds $(SEEDS) --processes $(or $(PROCESSES),$(shell getconf _NPROCESSORS_ONLN)) $(ONLY:%=--only %) $(REPLAY:%=--replay %) $(REPORT:%=--report %)

bench-upgrade: $(STAMP) ## Upgrade workers under load from FROM=<commit> to what is here and back, and count what is lost or repeated
	$(BIN)/python -m tracehound.scripts.benchmarks.upgrade --from $(FROM) --report docs/benchmarks

soak: $(STAMP) ## Let every fault happen to workers on three brokers, by itself and mixed for MINUTES=30, and check all
	$(BIN)/python -m tracehound.scripts.soak --minutes $(MINUTES) --report docs/benchmarks

$(RELEASE)/.installed: $(RELEASE_LOCK) | $(STAMP)
	$(PYTHON) -m venv $(RELEASE)
	$(RELEASE)/bin/python -m pip install --quiet --require-hashes -r $(RELEASE_LOCK)
	@touch $(RELEASE)/.installed

audit: $(RELEASE)/.installed ## Ask the advisories of PyPI about what is installed with the product (needs the network)
	$(RELEASE)/bin/pip-audit --requirement infra/docker/requirements.lock --disable-pip --require-hashes --strict

release: $(STAMP) $(RELEASE)/.installed ## Build wheels, bill of materials, licences and digests into DIST=dist, of a commit that says its version
	$(BIN)/python -m tracehound.scripts.release $(RELEASE)/bin $(DIST)

lock: $(STAMP) ## Resolve the dependencies anew and write requirements.lock
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --custom-compile-command "make lock" --quiet -o requirements.lock
	$(BIN)/uv pip compile pyproject.toml --extra build --extra tracing --constraint requirements.lock --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --custom-compile-command "make lock" --quiet -o infra/docker/requirements.lock
	$(BIN)/uv pip compile $(FUZZER_LOCK:.lock=.in) --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --custom-compile-command "make lock" --quiet -o $(FUZZER_LOCK)
	$(BIN)/uv pip compile $(QUIX_LOCK:.lock=.in) --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --custom-compile-command "make lock" --quiet -o $(QUIX_LOCK)
	$(BIN)/uv pip compile $(DATASETTE_LOCK:.lock=.in) --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --custom-compile-command "make lock" --quiet -o $(DATASETTE_LOCK)
	$(BIN)/uv pip compile $(RELEASE_LOCK:.lock=.in) --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --custom-compile-command "make lock" --quiet -o $(RELEASE_LOCK)

images: $(STAMP) ## Take the pictures of the pages in docs/images anew, from a real run in Debian's Chromium
	mkdir -p docs/images
	PAGE_IMAGES=docs/images $(BIN)/python -m pytest -n0 tests/console/pages/test_story.py

clean: ## Remove the virtual environment and all caches of this folder
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache *.egg-info client/*.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
