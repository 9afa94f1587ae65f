# Two targets a newcomer types: `make demo` and `make test`. The others are the parts of `make test`, and `make bench`.
PYTHON ?= python3
BIN := .venv/bin
JOBS ?= 2
RULES ?= rules/k8s_audit_rules.yaml
EVENTS ?= 100000

.PHONY: demo test lint types layers unit bench clean

.venv/ready: requirements-dev.txt $(wildcard */pyproject.toml plugins/*/pyproject.toml)
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	touch $@

demo: .venv/ready
	$(BIN)/falco --version

test: lint types layers unit

lint: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .venv/ready
	$(BIN)/mypy core/src plugins/k8s_audit/src plugins/outputs/src plugins/syscall/src rules/src

layers: .venv/ready
	$(BIN)/lint-imports

unit: .venv/ready
	$(BIN)/pytest -q -n $(JOBS)

# Ratios to json.loads on made-up audit logs; RULES=file for other rules than the packaged ones. Never part of `make test`.
bench: .venv/ready
	$(BIN)/python tests/benchmarks/bench_k8s.py --rules $(RULES) --events $(EVENTS)

clean:
	rm -rf .venv .mypy_cache .ruff_cache .hypothesis .import_linter_cache
