# Every target sets up what it needs: Python 3.11 or newer and make are enough.

PYTHON ?= python3
VENV := .venv/bin
ARGS ?=
# Also where the shell says not to keep what is compiled: the tests then start in a third of the time.
export PYTHONDONTWRITEBYTECODE :=
# Side by side, but for the few that somebody picks: one process is there sooner than several.
PYTEST := $(VENV)/python -m pytest $(if $(findstring -k,$(ARGS)),,--numprocesses auto --dist loadgroup)

.PHONY: help demo up test test-all coverage check lint types audit bench docs picture lock clean

help:
	@echo "make demo      deploy the program to an embedded AWS and send records through it"
	@echo "make up        the same, and stay: write to the table from another terminal"
	@echo "make test      the tests to run before each commit; some of them: ARGS='-k delivery'"
	@echo "make test-all  all tests: those that take long or need Docker too, and many more examples"
	@echo "make coverage  all tests, and the lines that none of them runs (half as long again)"
	@echo "make check     lint, format, types, import rules and make test"
	@echo "make lint      lint, format and import rules"
	@echo "make types     types"
	@echo "make audit     known vulnerabilities of the pinned packages; fails where one cannot be asked for"
	@echo "make bench     the figures that the documentation quotes, measured side by side"
	@echo "make docs      the tables of settings, and the example of docs/scaling.md, written anew"
	@echo "make picture   the picture of the demo in the README, drawn from what the demo prints"
	@echo "make lock      compile the requirements files from pyproject.toml"
	@echo "make clean     remove .venv and all that was made here"

demo: .venv/installed
	@$(VENV)/python -m infra.local demo $(ARGS)

up: .venv/installed
	@$(VENV)/python -m infra.local up $(ARGS)

test: .venv/installed
	@$(PYTEST) -m "not slow" $(ARGS)

test-all: .venv/installed .build/aws-cli/installed
	@$(PYTEST) --hypothesis-profile many $(ARGS)

coverage: .venv/installed .build/aws-cli/installed
	@$(VENV)/coverage run -m pytest $(ARGS)
	@$(VENV)/coverage combine --quiet
	@$(VENV)/coverage report

check: lint types test

lint: .venv/installed
	@$(VENV)/ruff check .
	@$(VENV)/ruff format --check .
	@$(VENV)/lint-imports

types: .venv/installed
	@$(VENV)/mypy

audit: .venv/installed
	@$(VENV)/pip-audit --strict --disable-pip --require-hashes --requirement requirements.txt --requirement handler/requirements.txt --requirement infra/policy_pack/requirements.txt --requirement tests/aws_cli/requirements.txt

bench: .venv/installed
	@$(VENV)/python -m tests.benchmarks $(ARGS)

docs: .venv/installed
	@$(VENV)/python -m infra.config.documentation $(ARGS)
	@$(VENV)/python -m infra.capacity.documentation $(ARGS)

picture: .venv/installed
	@$(VENV)/python -m tests.picture

lock: .venv/installed
	@$(VENV)/uv pip compile pyproject.toml --group infra --group handler --group local --group dev \
		--universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate \
		--custom-compile-command "make lock" --quiet --output-file requirements.txt
	@$(VENV)/uv pip compile pyproject.toml --group handler \
		--universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate \
		--custom-compile-command "make lock" --quiet --output-file handler/requirements.txt
	@$(VENV)/uv pip compile pyproject.toml --group policy \
		--universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate \
		--custom-compile-command "make lock" --quiet --output-file infra/policy_pack/requirements.txt
	@$(VENV)/uv pip compile pyproject.toml --group aws-cli \
		--universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate \
		--custom-compile-command "make lock" --quiet --output-file tests/aws_cli/requirements.txt

.venv/installed: requirements.txt
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0] + "; name another with: make PYTHON=python3.13")'
	@# --clear empties what a link points to.
	@test ! -L .venv || { echo ".venv is a link to $$(readlink .venv), which would be emptied: remove the link first"; exit 1; }
	@echo "Installing the pinned requirements into .venv (a minute or two, once) ..."
	@$(PYTHON) -m venv --clear .venv
	@# Not compiled: of pulumi-aws' thousands of modules a few are ever imported.
	@$(VENV)/python -m pip install --quiet --quiet --disable-pip-version-check --no-compile --require-hashes --requirement requirements.txt
	@touch $@

infra/policy_pack/.venv/installed: infra/policy_pack/requirements.txt
	@$(PYTHON) -m venv --clear infra/policy_pack/.venv
	@infra/policy_pack/.venv/bin/python -m pip install --quiet --quiet --disable-pip-version-check --no-compile --require-hashes --requirement infra/policy_pack/requirements.txt
	@touch $@

# 180 MB, for tests only, with libraries of its own.
.build/aws-cli/installed: tests/aws_cli/requirements.txt
	@$(PYTHON) -m venv --clear .build/aws-cli
	@.build/aws-cli/bin/python -m pip install --quiet --quiet --disable-pip-version-check --no-compile --require-hashes --requirement tests/aws_cli/requirements.txt
	@touch $@

clean:
	rm -rf .venv infra/policy_pack/.venv .build .coverage .coverage.* .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
