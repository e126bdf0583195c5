# Two commands: `make run` starts the page, `make test` runs the whole suite. Everything else is for developers.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
export GRADIO_SERVER_NAME ?= 127.0.0.1
export GRADIO_SERVER_PORT ?= 7860
export GRADIO_ANALYTICS_ENABLED ?= False

.PHONY: run test lint lint-scripts format browser clean help

help:
	@echo "make run     the page on http://$(GRADIO_SERVER_NAME):$(GRADIO_SERVER_PORT)"
	@echo "make test    the whole suite, with a real browser"
	@echo "make lint    ruff, mypy --strict, import order, biome for the scripts"
	@echo "make format  ruff format and ruff check --fix"
	@echo "make clean   remove the environment and the caches"

# A stamp file per set of packages: pip runs only when the set has changed.
$(VENV)/.python:
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed.")'
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.requirements: requirements.txt | $(VENV)/.python
	$(BIN)/python -m pip install --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/.dev: pyproject.toml $(VENV)/.requirements
	$(BIN)/python -m pip install --disable-pip-version-check -e ".[dev]"
	@touch $@

run: $(VENV)/.requirements
	@echo "Unlearning Playground: http://$(GRADIO_SERVER_NAME):$(GRADIO_SERVER_PORT)"
	@exec $(BIN)/python app.py

test: $(VENV)/.dev browser
	$(BIN)/python -m pytest $(ARGS)

lint: $(VENV)/.dev lint-scripts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy --strict sfr_core demos
	$(BIN)/lint-imports

node_modules/.packages: package.json package-lock.json
	npm ci --ignore-scripts --no-audit --no-fund
	@touch $@

# The page and its tests in the browser need no Node.
lint-scripts:
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory node_modules/.packages && npm run --silent lint; \
	else echo "No npm on this machine: the page's scripts are not linted."; fi

format: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# An installed browser, else Debian's when root, else Playwright's own.
browser: $(VENV)/.dev
	@if command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core; \
	else $(BIN)/python -m playwright install chromium; fi

clean:
	rm -rf $(VENV) node_modules .pytest_cache .mypy_cache .ruff_cache .import_linter_cache artifacts
