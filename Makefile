# Two targets a newcomer types: `make demo` and `make test`. The others are the parts of `make test`, each of which runs
# alone too, and `make bench`.
PYTHON ?= python3
BIN := .venv/bin
JOBS ?= 2
RULES ?= rules/k8s_audit_rules.yaml
EVENTS ?= 100000
SYSCALL_RULES ?= tests/benchmarks/replay_rules.yaml
CAPTURE_EVENTS ?= 1500000
PORTABLE := core/src plugins/k8s_audit/src plugins/outputs/src
PYTEST := $(BIN)/pytest -q

.PHONY: demo test lint types layers unit zone conformance agreement docs packaging pythons bench clean

.venv/ready: requirements-dev.txt pyproject.toml $(wildcard */pyproject.toml plugins/*/pyproject.toml examples/*/pyproject.toml)
	@echo "Installing into .venv, once; this takes a minute or two."
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@

# A sample audit log through the default rules, with what is to be seen said.
demo: .venv/ready
	@BIN=$(BIN) tools/demo.sh

test: lint types layers unit zone conformance docs packaging pythons
	@echo "All checks passed."

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# Everything for Linux; what runs elsewhere for macOS and Windows too.
types: .venv/ready
	$(BIN)/mypy --platform linux $(PORTABLE) plugins/syscall/src rules/src
	$(BIN)/mypy --platform darwin --cache-dir .mypy_cache/darwin $(PORTABLE)
	$(BIN)/mypy --platform win32 --cache-dir .mypy_cache/win32 $(PORTABLE)

layers: .venv/ready
	$(BIN)/lint-imports

# Many more examples for the property tests: $(BIN)/pytest --hypothesis-profile thorough core/tests
unit: .venv/ready
	$(PYTEST) -n $(JOBS) -m "not wheels" --ignore tests/conformance

# Times and texts must not depend on where the tests run.
zone: .venv/ready
	TZ=Asia/Kolkata LC_ALL=C.UTF-8 $(PYTEST) -n $(JOBS) --hypothesis-profile fleeting core/tests

# Recorded answers of Falco in ../shared, skipped where that is not.
conformance: .venv/ready
	$(PYTEST) -n $(JOBS) --dist loadfile -rs tests/conformance

# Every recorded value of every field: which fields differ from Falco's, on how many events, and why. Takes a minute or two.
agreement: .venv/ready
	$(PYTEST) -n $(JOBS) --whole --agreement tests/conformance/syscall/test_fields.py tests/conformance/test_k8s_fields.py

.venv-docs/ready: requirements-docs.txt
	$(PYTHON) -m venv .venv-docs
	.venv-docs/bin/pip install --quiet --disable-pip-version-check -r requirements-docs.txt
	touch $@

# Into docs/_build; warnings are errors. That commands and YAML in the pages are true is shown by tests/docs.
docs: .venv-docs/ready
	.venv-docs/bin/sphinx-build --quiet --fail-on-warning --keep-going --fresh-env docs docs/_build

packaging: .venv/ready
	$(PYTEST) -m wheels tests/packaging

# The core suite on every other Python that is installed.
pythons: .venv/ready
	@tools/other_pythons.sh core/tests

# Ratios to json.loads on made-up audit logs, to sysdig on made-up captures; RULES and SYSCALL_RULES name other rules.
# Never part of `make test`.
bench: .venv/ready
	$(BIN)/python tests/benchmarks/bench_k8s.py --rules $(RULES) --events $(EVENTS)
	$(BIN)/python tests/benchmarks/bench_replay.py --rules $(SYSCALL_RULES) --events $(CAPTURE_EVENTS)
	$(BIN)/python tests/benchmarks/bench_webhook.py --events $(EVENTS)
	$(BIN)/python tests/benchmarks/bench_tail.py
	$(BIN)/python tests/benchmarks/bench_outputs.py

clean:
	rm -rf .venv .venv-* .mypy_cache .ruff_cache .hypothesis .import_linter_cache
