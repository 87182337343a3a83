# Everything a developer does here. `make` lists the targets; each installs for itself what it needs.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help

# Cargo.lock is the truth. Without -p cargo takes the workspace's default members: all but what is built for wasm alone.
CARGO := cargo
LOCKED := --locked

WASM_TARGET := wasm32-wasip1
FILTER := target/$(WASM_TARGET)/wasm/tallygate_filter.wasm
# The same filter with a way to make it trap, for tests only; in a folder of its own, so that it is never run by mistake.
TRAP_FILTER := target/trap/$(WASM_TARGET)/wasm/tallygate_filter.wasm
ENVOY := target/tools/envoy/envoy

CARGO_DENY_VERSION := 0.20.2
CARGO_NEXTEST_VERSION := 0.9.143

# A failed test says what it saw; where in a dozen frames of the runtime is no help.
export RUST_LIB_BACKTRACE := 0

# Extra words for the test runner: make test TESTS='-E "test(signup)"'
TESTS ?=
# Seconds of fuzzing, and words for Schemathesis: make fuzz-api FUZZ='600 --include-path-regex metrics'
FUZZ ?= 100
# Pages for screenshots and times, by their names in tests/browser/pages.py: make screenshots PAGES='usage alerts'
PAGES ?=
# Extra words for the fleet: make fleet FLEET='--windows 1 --database sqlite'
FLEET ?=
# Words for the simulation: make soak SOAK='--seed 7 --trace'
SOAK ?=

ifeq ($(CI)$(NO_COLOR),)
accent := \033[1;36m
bold := \033[1m
off := \033[0m
endif
step = @printf '$(accent)▸$(off) %s\n' $(1)

##@ Use

.PHONY: run
run: $(ENVOY) filter ## The whole system with a demo provider, in the foreground; Ctrl-C stops it
	$(call step,"Building the control plane")
	@$(CARGO) build $(LOCKED) -p tallygate --profile quick
	@exec target/quick/tallygate demo

.PHONY: build
build: filter ## The control plane, optimised, in target/release/tallygate; and the filter
	$(call step,"Building the control plane")
	@$(CARGO) build $(LOCKED) --release -p tallygate

.PHONY: filter
filter: wasm-target ## The filter for Envoy, in target/wasm32-wasip1/wasm/tallygate_filter.wasm
	$(call step,"Building the filter")
	@$(CARGO) build $(LOCKED) -p tallygate-filter --profile wasm --target $(WASM_TARGET)

##@ Develop

.PHONY: test
test: test-parts cargo-nextest ## All tests: core, control plane on SQLite and PostgreSQL, end to end with a real Envoy
	$(call step,"Examples in the documentation")
	@$(CARGO) test $(LOCKED) --quiet --doc
	$(call step,"Tests")
	@rm -rf target/tmp/operations
	@tests/with-postgres.sh $(CARGO) nextest run $(LOCKED) $(TESTS)
	$(call step,"Calls that nobody thought of")
	@tests/fuzz-api.sh $(FUZZ)

.PHONY: unit
unit: cargo-nextest ## All but the end-to-end tests: quick, needs no Envoy
	@tests/with-postgres.sh $(CARGO) nextest run $(LOCKED) -p tallygate-core -p tallygate-simulation -p tallygate $(TESTS)

.PHONY: e2e
e2e: test-parts cargo-nextest ## Only the end-to-end tests
	@tests/with-postgres.sh $(CARGO) nextest run $(LOCKED) -p tallygate-tests $(TESTS)

.PHONY: api-coverage
api-coverage: ## Which operations of the API no test has seen succeed on either database; after make test
	@tests/api-coverage.sh

.PHONY: fuzz-api
fuzz-api: ## Every call of the API with what Schemathesis makes up, against a server of its own: no 5xx, no surprise
	@$(CARGO) build $(LOCKED) -p tallygate
	@tests/fuzz-api.sh $(FUZZ)

.PHONY: docs
docs: ## Write docs/openapi.json, docs/api.md and docs/liquid.md anew, from the program
	@$(CARGO) build $(LOCKED) -p tallygate
	@target/debug/tallygate openapi > docs/openapi.json
	@target/debug/tallygate openapi --beside docs/3scale-operations.json > docs/api.md
	@target/debug/tallygate openapi --liquid > docs/liquid.md

.PHONY: check
check: wasm-target cargo-deny ## Format, lints, documentation, dependencies; all that a review need not look for
	$(call step,"Format")
	@$(CARGO) fmt --all --check
	$(call step,"Lints")
	@$(CARGO) clippy $(LOCKED) --all-targets -- -D warnings
	@$(CARGO) clippy $(LOCKED) -p tallygate-filter -p tallygate-noop-filter --target $(WASM_TARGET) -- -D warnings
	@$(CARGO) clippy $(LOCKED) -p tallygate-filter --target $(WASM_TARGET) --features trap -- -D warnings
	$(call step,"The core without a standard library")
	@$(CARGO) build $(LOCKED) -p tallygate-core --target $(WASM_TARGET)
	$(call step,"Documentation")
# Nothing is published: the documentation is for those who work here, private items and links to them included.
	@RUSTDOCFLAGS='-D warnings -A rustdoc::private_intra_doc_links' $(CARGO) doc $(LOCKED) --no-deps --document-private-items
	$(call step,"The description of the API")
	@$(CARGO) build $(LOCKED) -p tallygate
	@target/debug/tallygate openapi | diff -q - docs/openapi.json >/dev/null && \
	  target/debug/tallygate openapi --beside docs/3scale-operations.json | diff -q - docs/api.md >/dev/null && \
	  target/debug/tallygate openapi --liquid | diff -q - docs/liquid.md >/dev/null || { \
	  printf '\033[31merror:\033[0m docs/openapi.json, docs/api.md or docs/liquid.md is stale: make docs\n' >&2; exit 1; }
	$(call step,"Dependencies")
	@$(CARGO) deny --locked --workspace check bans licenses sources
	@if timeout 120 $(CARGO) deny fetch db >/dev/null 2>&1; then \
	  $(CARGO) deny --locked --workspace check advisories; \
	else \
	  printf '\033[33m  skipped:\033[0m the advisory database cannot be reached from here\n'; \
	fi
	$(call step,"All good")

.PHONY: soak
soak: ## The simulation of leases and usage, schedule after schedule, until Ctrl-C; SOAK='--seed N --trace' replays one
	$(call step,"Building the simulation")
	@$(CARGO) build $(LOCKED) -p tallygate-simulation --release
	@exec target/release/tallygate-soak $(SOAK)

.PHONY: bench
bench: $(ENVOY) filter wrk ## Cost per request beside bare Envoy and its own filters; writes target/bench/summary.json
	$(call step,"Building the benchmarks")
	@$(CARGO) build $(LOCKED) -p tallygate-noop-filter --profile wasm --target $(WASM_TARGET)
	@$(CARGO) build $(LOCKED) --release -p tallygate -p tallygate-tests --bins
	@tests/with-postgres.sh target/release/tallygate-bench

.PHONY: fleet
fleet: $(ENVOY) filter ## Limits from 1 to 20 000 a minute at three gateways, on both databases (20 min); writes target/fleet/summary.json
	$(call step,"Building the fleet")
	@$(CARGO) build $(LOCKED) --release -p tallygate -p tallygate-tests --bins
	@tests/with-postgres.sh target/release/tallygate-fleet windows cut $(FLEET)

.PHONY: fleet-zipf
fleet-zipf: $(ENVOY) filter ## How many requests of 10 000 applications wait for credit, and how long
	$(call step,"Building the fleet")
	@$(CARGO) build $(LOCKED) --release -p tallygate -p tallygate-tests --bins
	@tests/with-postgres.sh target/release/tallygate-fleet zipf $(FLEET)

.PHONY: screenshots
screenshots: $(ENVOY) filter ## Every page of the portal as it looks, in target/screenshots/index.html; PAGES='usage alerts' for some
	$(call step,"Building the control plane")
	@$(CARGO) build $(LOCKED) -p tallygate
	@tests/browser.sh screenshots.py $(PAGES)

.PHONY: page-times
page-times: $(ENVOY) filter ## How long the server takes for each page of the portal: median and p99
	$(call step,"Building the control plane")
	@$(CARGO) build $(LOCKED) -p tallygate --profile quick
	@TALLYGATE=target/quick/tallygate tests/browser.sh times.py $(PAGES)

.PHONY: fmt
fmt: ## Format the code
	@$(CARGO) fmt --all

.PHONY: clean-demo
clean-demo: ## Forget the demo's database and credentials
	@dir="$${TALLYGATE_DEMO_DIR:-target/demo}"; \
	rm -f "$$dir"/tallygate.db* "$$dir"/tallygate.key "$$dir"/credentials.json "$$dir"/demo.env "$$dir"/envoy.yaml "$$dir"/*.log; \
	rmdir "$$dir" 2>/dev/null || true

.PHONY: help
help: ## This list
	@awk 'BEGIN {FS = ":.*## "; print "\nTallygate: API management at the edge\n"} \
	  /^##@/ {printf "$(bold)%s$(off)\n", substr($$0, 5)} \
	  /^[a-z0-9-]+:.*## / {printf "  $(accent)make %-12s$(off) %s\n", $$1, $$2} \
	  END {print ""}' $(firstword $(MAKEFILE_LIST))

# === What the targets above need ===

# The script only checks when the right version is there, so it may run every time.
.PHONY: $(ENVOY)
$(ENVOY):
	$(call step,"Envoy")
	@envoy/install.sh >/dev/null

.PHONY: test-parts
test-parts: $(ENVOY) filter
	$(call step,"Building the filter that can trap$(comma) and the control plane")
	@$(CARGO) build $(LOCKED) -p tallygate-filter --profile wasm --target $(WASM_TARGET) --features trap --target-dir target/trap
	@$(CARGO) build $(LOCKED) -p tallygate

comma := ,

.PHONY: wrk
wrk:
	@command -v wrk >/dev/null || { \
	  test "$$(id -u)" = 0 && command -v apt-get >/dev/null && \
	  printf '$(accent)▸$(off) Installing wrk from the distribution\n' && \
	  apt-get update -qq && apt-get install -y -qq wrk >/dev/null; } || { \
	  printf '\033[31merror:\033[0m wrk is missing: sudo apt-get install wrk\n' >&2; exit 1; }

.PHONY: wasm-target
wasm-target:
	@rustc --print target-libdir --target $(WASM_TARGET) 2>/dev/null | xargs test -d || { \
	  printf '$(accent)▸$(off) Installing the target $(WASM_TARGET)\n'; \
	  command -v rustup >/dev/null || { printf '\033[31merror:\033[0m the Rust target $(WASM_TARGET) is missing: install it, or rustup and run this again\n' >&2; exit 1; }; \
	  rustup target add $(WASM_TARGET); }

.PHONY: cargo-nextest
cargo-nextest:
	@$(CARGO) nextest --version >/dev/null 2>&1 || { \
	  printf '$(accent)▸$(off) Installing cargo-nextest (a few minutes$(comma) once)\n'; \
	  $(CARGO) install cargo-nextest --version $(CARGO_NEXTEST_VERSION) --locked; }

.PHONY: cargo-deny
cargo-deny:
	@$(CARGO) deny --version >/dev/null 2>&1 || { \
	  printf '$(accent)▸$(off) Installing cargo-deny (a few minutes$(comma) once)\n'; \
	  $(CARGO) install cargo-deny --version $(CARGO_DENY_VERSION) --locked; }
