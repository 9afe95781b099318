# AgentHost. `make run` and `make test` do everything on a fresh Debian 12 machine that has the Swift 6.3 toolchain.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := build

# What the build needs from Debian; reasons are in docs/dependencies.md.
PACKAGES := build-essential pkg-config binutils libsqlite3-dev libssl-dev libsimdjson-dev libseccomp-dev libffi-dev libcurl4-openssl-dev ca-certificates
# What only the tests need besides.
TEST_PACKAGES := python3 curl openssl zlib1g-dev
# What the benchmarks are measured against.
BENCH_PACKAGES := nginx-light

RELEASE := .build/release
DEBUG := .build/debug
PLUGINS := TripPlanner TodoTasks
WORKER_SOURCES := $(wildcard Sources/plugin-worker/*.[ch] Sources/plugin-worker/*/*.c Sources/plugin-worker/build.sh Sources/PluginRuntime/*.[ch])
ABI_HEADERS := $(wildcard Sources/PluginABI/include/*.h Sources/PluginABI/include/agent_plugin/*.h Sources/PluginRuntime/include/*.h) Sources/CPlatform/include/cplatform_load.h Sources/CPlatform/include/cplatform_wake_policy.h
WORKER_CC := cc
# More flags for the worker, e.g. -fsanitize=address.
WORKER_FLAGS :=

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
bundles: $(OUT)/plugin-worker $(OUT)/ffi-adapter.so
	@for plugin in $(PLUGINS); do \
	  bundle=$(OUT)/plugins/$$plugin.agentplugin; \
	  mkdir -p $$bundle; \
	  cp Plugins/$$plugin/plugin.json $$bundle/plugin.json.new; mv $$bundle/plugin.json.new $$bundle/plugin.json; \
	  cp $(OUT)/lib$$plugin.so $$bundle/lib.new; mv $$bundle/lib.new $$bundle/lib$$plugin.so; \
	done
	@chmod -R go-w $(OUT)/plugins # the host refuses what others may write to, also where the umask is 002

$(OUT)/plugin-worker: $(WORKER_SOURCES) $(ABI_HEADERS)
	@mkdir -p $(OUT)
	CC="$(WORKER_CC)" Sources/plugin-worker/build.sh $@ $(WORKER_FLAGS)

# C functions as tools: a plugin like any other, which the host puts into bundles without code. zlib is what the example calls.
ADAPTER_SOURCES := $(wildcard Sources/FFIAdapter/*.c)
$(OUT)/ffi-adapter.so: $(ADAPTER_SOURCES) $(ABI_HEADERS) Sources/FFIAdapter/adapter.h
	@mkdir -p $(OUT)
	cc -std=c11 -O2 -g -Wall -Wextra -Werror -fPIC -shared -fvisibility=hidden -pthread -ISources/PluginABI/include -o $@.new $(ADAPTER_SOURCES) -lffi
	@mv $@.new $@

fixtures:
	Tests/Fixtures/build.sh $(DEBUG)/fixtures

# The tests that drive a server process block their threads, which are the pool that the others need: they run by themselves.
test: test-dependencies debug headers fixtures examples ## Runs the tests (a few minutes)
	Tests/PluginRuntimeTests/run.sh
	swift test --skip-build --skip HostServerTests
	swift test --skip-build --filter HostServerTests
	PYTHONDONTWRITEBYTECODE=1 python3 Tests/Examples/drive.py $(DEBUG) $(DEBUG)/examples
	PYTHONDONTWRITEBYTECODE=1 python3 Tests/Examples/trust.py $(DEBUG) $(DEBUG)/examples
	PYTHONDONTWRITEBYTECODE=1 python3 Tests/Examples/functions.py $(DEBUG)
	PYTHONDONTWRITEBYTECODE=1 python3 Tests/Examples/new.py $(DEBUG) .build/new-plugins
	scripts/check-docs.sh $(DEBUG)

test-all: test lint layers ## The tests, once more under sanitizers, and the long ones
	scripts/sanitize.sh
	scripts/differential.sh && scripts/fuzz.sh
	$(MAKE) --no-print-directory build && scripts/differential-chatkit.sh && scripts/faults.sh
	$(MAKE) --no-print-directory bench-dependencies && Benchmarks/run.sh gate

bench: build bench-dependencies ## Measures the release build against nginx and a C floor (a minute)
	Benchmarks/run.sh

lint: ## Checks the layout of the Swift sources
	swift format lint --strict --recursive Package.swift Sources Plugins Examples Tests

format: ## Puts the Swift sources into that layout
	swift format --in-place --recursive Package.swift Sources Plugins Examples Tests

layers: ## Checks that a room of AgentHost names only rooms above it
	scripts/check-layers.sh

headers: ## Compiles the plugin headers in every promised language, and compares them with the layout lock
	scripts/check-headers.sh
	scripts/check-abi.sh

# Everything lies in lib/agenthost, so that the program finds its worker and its plugins beside itself.
PREFIX ?= /usr/local
VERSION := $(shell sed -n 's/.*static let version = "\([^"]*\)".*/\1/p' Sources/AgentHost/AgentHost.swift)
LIBDIR = $(DESTDIR)$(PREFIX)/lib/agenthost
SHARE = $(DESTDIR)$(PREFIX)/share/agenthost
INSTALLED ?= $(RELEASE)
.PHONY: install install-headers
install: install-headers ## Installs what `make build` has built, and the headers: make install PREFIX=/usr/local
	@[ -x $(INSTALLED)/host-server ] || { echo "nothing is built; run make build first" >&2; exit 1; }
	install -d $(DESTDIR)$(PREFIX)/bin $(LIBDIR)/plugins
	install -m 755 $(INSTALLED)/host-server $(INSTALLED)/plugin-worker $(INSTALLED)/ffi-adapter.so $(LIBDIR)/
	ln -sf ../lib/agenthost/host-server $(DESTDIR)$(PREFIX)/bin/host-server
	for plugin in $(PLUGINS); do \
	  install -d $(LIBDIR)/plugins/$$plugin.agentplugin; \
	  install -m 644 $(INSTALLED)/plugins/$$plugin.agentplugin/* $(LIBDIR)/plugins/$$plugin.agentplugin/; \
	done

install-headers: ## Installs only what is needed to write plugins: headers, a pkg-config file, agent_plugin.rs, AgentPluginKit
	install -d $(DESTDIR)$(PREFIX)/include/agent_plugin $(DESTDIR)$(PREFIX)/lib/pkgconfig $(SHARE)/Sources
	install -m 644 Sources/PluginABI/include/*.h Sources/PluginABI/include/*.hpp Sources/PluginABI/rust/agent_plugin.rs $(DESTDIR)$(PREFIX)/include/
	install -m 644 Sources/PluginABI/include/agent_plugin/*.h $(DESTDIR)$(PREFIX)/include/agent_plugin/
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(VERSION)|' Sources/PluginABI/agent-plugin.pc.in >$(DESTDIR)$(PREFIX)/lib/pkgconfig/agent-plugin.pc
	rm -rf $(SHARE)/Sources/AgentPluginKit $(SHARE)/Sources/PluginABI
	cp -r Sources/AgentPluginKit $(SHARE)/Sources/
	install -d $(SHARE)/Sources/PluginABI
	cp -r Sources/PluginABI/include Sources/PluginABI/PluginABI.c $(SHARE)/Sources/PluginABI/
	install -m 644 Sources/AgentPluginKit.package.swift $(SHARE)/Package.swift

.PHONY: examples
examples: ## Builds the example plugin in each language into .build/debug/examples
	scripts/build-examples.sh $(DEBUG)/examples

dependencies:
	@scripts/install-packages.sh $(PACKAGES)

bench-dependencies:
	@scripts/install-packages.sh $(BENCH_PACKAGES)

test-dependencies:
	@scripts/install-packages.sh $(PACKAGES) $(TEST_PACKAGES)

clean: ## Removes everything that was built
	rm -rf .build
