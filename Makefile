# AgentHost. `make run` and `make test` do everything on a fresh Debian 12 machine that has the Swift 6.3 toolchain.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := build

# What the build needs from Debian; reasons are in docs/dependencies.md.
PACKAGES := build-essential pkg-config binutils libsqlite3-dev libssl-dev libsimdjson-dev libcurl4-openssl-dev ca-certificates
# What only the tests need besides.
TEST_PACKAGES := python3 curl
# What the benchmarks are measured against.
BENCH_PACKAGES := nginx-light

RELEASE := .build/release
DEBUG := .build/debug
PLUGINS := TripPlanner TodoTasks
WORKER_SOURCES := $(wildcard Sources/plugin-worker/*.c Sources/PluginRuntime/*.c)
ABI_HEADERS := $(wildcard Sources/PluginABI/include/*.h Sources/PluginABI/include/agent_plugin/*.h Sources/PluginRuntime/include/*.h)
WORKER_CC := cc
# More flags for the worker, e.g. -fsanitize=address.
WORKER_FLAGS :=
CFLAGS_WORKER := -std=c11 -O2 -g -Wall -Wextra -Werror -pthread -ISources/PluginABI/include -ISources/PluginRuntime/include

.PHONY: bench bench-dependencies run build debug test test-all lint format layers headers conformance dependencies test-dependencies clean help

help: ## Lists the targets
	@grep -E '^[a-z-]+:.*##' Makefile | sed 's/:.*##/\t/' | expand -t 22

run: build ## Builds everything and serves on 127.0.0.1:8000
	exec $(RELEASE)/host-server serve

build: dependencies ## Builds the server, the worker program and the bundled plugins (release)
	swift build -c release
	$(MAKE) --no-print-directory bundles OUT=$(RELEASE)

debug: dependencies ## The same without optimisation, as the tests use it
	swift build --build-tests
	$(MAKE) --no-print-directory bundles OUT=$(DEBUG)

# Everything that SwiftPM does not build: the worker, the bundles, the fixtures of the tests.
.PHONY: bundles fixtures
bundles: $(OUT)/plugin-worker
	@for plugin in $(PLUGINS); do \
	  bundle=$(OUT)/plugins/$$plugin.agentplugin; \
	  mkdir -p $$bundle; \
	  cp Plugins/$$plugin/plugin.json $$bundle/plugin.json.new; mv $$bundle/plugin.json.new $$bundle/plugin.json; \
	  cp $(OUT)/lib$$plugin.so $$bundle/lib.new; mv $$bundle/lib.new $$bundle/lib$$plugin.so; \
	done

$(OUT)/plugin-worker: $(WORKER_SOURCES) $(ABI_HEADERS)
	@mkdir -p $(OUT)
	$(WORKER_CC) $(CFLAGS_WORKER) $(WORKER_FLAGS) -o $@ $(WORKER_SOURCES) -ldl

fixtures:
	Tests/Fixtures/build.sh $(DEBUG)/fixtures

# The tests that drive a server process block their threads, which are the pool that the others need: they run by themselves.
test: test-dependencies debug headers fixtures ## Runs the tests (a few minutes)
	Tests/PluginRuntimeTests/run.sh
	swift test --skip-build --skip HostServerTests
	swift test --skip-build --filter HostServerTests
	scripts/check-docs.sh $(DEBUG)

test-all: test lint layers ## The tests, once more under sanitizers, and the long ones
	scripts/sanitize.sh
	scripts/differential.sh && scripts/fuzz.sh
	$(MAKE) --no-print-directory build && scripts/differential-chatkit.sh && scripts/faults.sh
	$(MAKE) --no-print-directory bench-dependencies && Benchmarks/run.sh gate

bench: build bench-dependencies ## Measures the release build against nginx and a C floor (a minute)
	Benchmarks/run.sh

lint: ## Checks the layout of the Swift sources
	swift format lint --strict --recursive Package.swift Sources Plugins Tests

format: ## Puts the Swift sources into that layout
	swift format --in-place --recursive Package.swift Sources Plugins Tests

layers: ## Checks that a room of AgentHost names only rooms above it
	scripts/check-layers.sh

headers: ## Compiles the plugin headers in every promised language with every compiler at hand
	scripts/check-headers.sh

dependencies:
	@scripts/install-packages.sh $(PACKAGES)

bench-dependencies:
	@scripts/install-packages.sh $(BENCH_PACKAGES)

test-dependencies:
	@scripts/install-packages.sh $(PACKAGES) $(TEST_PACKAGES)

clean: ## Removes everything that was built
	rm -rf .build
