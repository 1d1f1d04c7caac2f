# Set-up commands. `make help` lists them.

CARGO ?= cargo

.DEFAULT_GOAL := help
.PHONY: help demo build test test-scale lint fixtures coverage captures fuzz torture bench bench-server bench-live install deb deb-test static dist dist-twice container macos bench-tui picture

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | while IFS="$$(printf '\t')" read -r name text; do \
		printf '  make %-12s %s\n' "$$name" "$$text"; done

demo: ## Install what building needs, show server, client and inspector at work
	@tools/demo.sh

build: ## Install what building needs, build the programs (target/release/)
	tools/setup.sh build
	$(CARGO) build --release

PREFIX ?= /usr/local

install: ## Install the programs that make build has built, man pages, completions, unit, configuration: PREFIX=/usr/local DESTDIR=
	tools/install.sh "$(PREFIX)" "$(DESTDIR)"

deb: ## Make a Debian package in target/debian/ (needs cargo-deb and dpkg-dev)
	tools/setup.sh deb
	tools/package.sh

deb-test: ## Make the package, install, use, remove it in a clean Debian (needs root, mmdebstrap)
	tools/setup.sh deb
	tools/package-test.sh

static: ## Build the programs for Linux as one file each, without libraries, and try them in an empty root
	tools/setup.sh static
	tools/static.sh

dist: ## Make what is passed on, in target/dist/: Debian package, Linux static, Windows, bill of materials, checksums
	tools/setup.sh dist
	tools/dist.sh

dist-twice: ## Build the static programs twice in two folders and compare them byte for byte
	tools/setup.sh static
	tools/dist-twice.sh

container: ## Build and try an image with the static server alone (needs podman or docker)
	tools/setup.sh static
	tools/container.sh

macos: ## Check the types of all programs for macOS
	tools/setup.sh macos
	tools/macos-check.sh

test: ## Install what the tests need (libpcap, tshark), run all tests
	tools/setup.sh test
	tools/test.sh

.PHONY: windows test-windows
windows: ## Build the programs for Windows (64 bits), to be copied: target/windows/authscope/
	tools/setup.sh windows
	tools/windows.sh

test-windows: ## Build the programs for Windows and try them under wine
	tools/setup.sh windows
	tools/windows-test.sh

test-scale: ## Run the recipes of docs/at-scale.md: DuckDB, Spark (installs them into target/scale/, 500 MB, and Java)
	tools/setup.sh scale
	$(CARGO) test --features parquet --test scale

lint: ## Check format and lints, as CI does
	$(CARGO) fmt --check
	$(CARGO) clippy --all-targets -- -D warnings

coverage: ## Measure which lines the tests run (needs cargo-llvm-cov); the report is target/coverage/html/index.html
# What a killed program left half written is passed over.
	LLVM_PROFDATA_FLAGS=--failure-mode=all $(CARGO) llvm-cov --html --output-dir target/coverage
	LLVM_PROFDATA_FLAGS=--failure-mode=all $(CARGO) llvm-cov report --summary-only

fixtures: ## Ask tshark anew for the answers kept in tests/fixtures/ (needs tshark 4.0)
	rm -f target/tmp/answers.jsonl
	AUTHSCOPE_FIXTURES=update $(CARGO) test --test inspector
	$(CARGO) test --test inspector -- --ignored kept::pack_the_answers

captures: ## Write the generated captures, their answers and their table again
	$(CARGO) run --quiet --example make-captures -- captures

fuzz: ## Run each fuzz target for a minute (needs cargo-fuzz; FUZZ_SECONDS=600 for ten)
	tools/fuzz.sh

torture: ## Kill the server 2,000 times while clients register and hashes are replaced
	AUTHSCOPE_KILLS=2000 $(CARGO) test --test service accounts_kill -- --nocapture

bench: ## Measure the inspector against its peers; writes its table into docs/performance.md
	tools/setup.sh bench
	$(CARGO) bench --bench inspector

bench-server: ## Measure the server; writes its tables into docs/performance.md (three minutes)
	$(CARGO) bench --bench server

bench-live: ## Measure live capture; writes its table into docs/performance.md (needs root)
	tools/setup.sh bench
	$(CARGO) bench --bench live

.PHONY: textbook
textbook: ## Count the captures that a textbook Lua dissector gets wrong (needs tshark)
	tools/textbook.sh

bench-tui: ## Measure the terminal interface beside termshark and sngrep; writes its table into docs/performance.md
	$(CARGO) bench --bench tui

picture: ## Write docs/tui.svg again, the picture in README: the real program, its keys and its screen
	AUTHSCOPE_PICTURE=update $(CARGO) test --test inspector tui_picture

.PHONY: man
man: ## Write the man pages of the three programs to target/man/
	$(CARGO) run --quiet --bin authscope -- man target/man
	$(CARGO) run --quiet --bin authscope-server -- man target/man
	$(CARGO) run --quiet --bin authscope-client -- man target/man
