# The one front door: `make` lists what there is.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup setup-demo setup-matrix setup-upkeep demo test matrix sweep long live lint audit header fmt bench bench-quick plugin dist release clean build variables
.NOTPARALLEL:

TARGET := $(or $(CARGO_TARGET_DIR),target)
VERSION := $(shell sed -n 's/^version=//p' gradle.properties)
# Demo and tests use the dev profile: the release library would be a second compilation of everything.
DEV := -PnativeDir=$(TARGET)/debug -Pversion=$(VERSION)-dev
# The jar for Kestra before 0.21 is compiled against the oldest that it serves.
OLDER := -PkestraBaseVersion=$(shell sed -n 's/^olderKestraBaseVersion=//p' gradle.properties)
SAY = @printf '\n[make] %s\n'

# Where setup puts cargo-nextest, unless the machine has one.
export PATH := $(CURDIR)/.tools/nextest/bin:$(PATH)
export AZURITE_BLOB := $(CURDIR)/.tools/azurite/node_modules/.bin/azurite-blob

help: ## Lists the targets.
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F '|' '{ printf "%-16s %s\n", $$1, $$2 }'

setup: ## Installs what is missing: Debian packages, cargo-nextest, Azurite, Kestra's client and Microsoft's clients.
	@scripts/setup

setup-demo setup-matrix setup-upkeep: setup-%:
	@scripts/setup $*

demo: setup-demo build ## Runs the flow of Kestra's page on a real engine, a local Azure Batch and Azurite.
	$(SAY) "starting Azurite, the emulator and the Kestra engine"
	@tests/kit/launch --request-log build/demo/requests.jsonl -- scripts/engine build/demo/storage
	$(SAY) "the job, as the emulator saw it (build/demo/requests.jsonl)"
	@grep -E '"(POST|PUT|PATCH|DELETE)"' build/demo/requests.jsonl

test: setup build ## Runs every suite, as CI does: Rust, bridge, conformance, kit, Java and flows. Ends with a summary.
	$(SAY) "building the tests"
	@cargo nextest run --locked --workspace --exclude bridge --no-run
	@cargo nextest run --locked -p bridge --no-run
	@scripts/test $(DEV)

live: variables setup build ## Runs flows on the Azure account that AZURE_BATCH_… and AZURE_STORAGE_… name (docs/live.md).
	$(SAY) "running the flows"
	@scripts/live build/live/storage

matrix: setup-matrix build ## Tries the jars on ten versions of Kestra, 0.19 to 2.0, and writes docs/matrix.md; needs Maven Central and Java 25.
	$(SAY) "building the jar for Kestra 0.19 and 0.20"
	@scripts/gradle $(DEV) $(OLDER) jar
	@rm -rf build/plugins-kestra-0.19 && mkdir -p build/plugins-kestra-0.19
	@cp build/libs/plugin-azure-batch-$(VERSION)-dev-kestra-0.19.jar build/plugins-kestra-0.19/
	$(SAY) "trying the jars on each version of Kestra"
	@scripts/matrix

sweep: setup build ## Lets every request of a run fail and every step of it die; the tables go to docs/sweep.md and sweep-worker.md.
	$(SAY) "sweeping; this takes half an hour"
	@SWEEP_TABLE=$(CURDIR)/docs/sweep.md cargo nextest run --locked -p runner --run-ignored only --no-capture -E 'test(/^sweep::whole::/)'
	@scripts/sweep-worker $(DEV)

long: setup ## Sends 10,000 and 100,000 files, Python's packages, a file of 5 GiB and 500 random trees through runs; it needs 25 GiB in /tmp.
	@test -d build/packages/pandas-3.1.1.dist-info || .tools/pydata/bin/pip install --quiet --upgrade --disable-pip-version-check --target build/packages numpy==2.4.6 pandas==3.1.1
	$(SAY) "running the long tests; this takes ten minutes"
	@cargo nextest run --locked -p runner --run-ignored only --no-capture -E 'test(/^long::/)'
	$(SAY) "and more cases of random working directories"
	@KESTRA_LONG=1 cargo nextest run --locked -p runner -E 'test(any_working_directory)'

bench: setup ## Measures runs beside others that do the same work and writes docs/performance.md (about an hour); then the emulator under load.
	@command -v rclone >/dev/null || apt-get -qq install -y --no-install-recommends rclone >/dev/null || true
	$(SAY) "measuring; this takes about an hour"
	cargo bench --locked -p runner --bench performance
	cargo bench --locked -p azure-batch-emulator --bench load

bench-quick: setup ## Measures the short form of it (four minutes) and fails where a row is 20 % worse than in docs/performance.md.
	cargo bench --locked -p runner --bench performance -- quick

lint: setup-upkeep ## Checks formats and lints; changes nothing.
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	shellcheck $$(grep -l '^#!/bin/bash' scripts/* .ci/run)
	.tools/upkeep/bin/ruff check --quiet --no-cache
	.tools/upkeep/bin/ruff format --quiet --no-cache --check

audit: ## Checks the crates' licences, sources and known advisories with cargo-deny, which it installs.
	@scripts/audit

header: ## Writes the header of the C surface with cbindgen 0.29 (`cargo install cbindgen`).
	cbindgen --config rust/c-abi/cbindgen.toml --output rust/c-abi/include/kestra_azure_batch.h rust/c-abi/src/lib.rs

fmt: setup-upkeep ## Formats the Rust and the Python code.
	cargo fmt --all
	.tools/upkeep/bin/ruff format --quiet --no-cache

plugin: setup ## Builds the plugin jar with the release library and says where it is.
	cargo build --locked --release -p bridge
	scripts/gradle -PnativeDir=$(TARGET)/release jar
	$(SAY) "the plugin: build/libs/plugin-azure-batch-$(VERSION).jar"

dist: setup-demo ## Builds one plugin jar for Linux on x86_64 and aarch64, runs a task on both, and builds one for Windows; the table goes to docs/platforms.md.
	$(SAY) "building the emulator"
	@cargo build --locked -p azure-batch-emulator
	@scripts/dist

release: setup-upkeep ## Makes a release of the version VERSION=X.Y.Z: changelog, jars, list of components, notices and checksums (CONTRIBUTING.md).
	@scripts/release $(if $(filter command,$(origin VERSION)),$(VERSION))

clean: ## Removes everything that was built; keeps what setup installed.
	rm -rf build .gradle target

# Before anything is built.
variables:
	@scripts/live --check

# What demo and tests share: the emulator, and the jar alone in a plugins folder.
build:
	$(SAY) "building the Rust library and the emulator"
	@cargo build --locked -p azure-batch-emulator
	@# By itself, as for the jar: what else is built with it lends it features.
	@cargo build --locked -p bridge
	$(SAY) "building the plugin jar and the engine's class path"
	@scripts/gradle $(DEV) jar demoClasspath
	@rm -rf build/plugins build/demo build/live && mkdir -p build/plugins build/demo
	@cp build/libs/plugin-azure-batch-$(VERSION)-dev.jar build/plugins/
