# Full Marks: `make` lists what there is to make. Set-up happens by itself, once per lock.

# --- surroundings
# A page depends on the book and not on the shell that builds it. Of what the shell exports, only
# these names reach a program: where programs and packages are found, and what is said of the book.
PASSED := PATH LD_LIBRARY_PATH JAVA_HOME TERM USER LOGNAME TMPDIR CHROMIUM CALLER_HOME MAKE% MFLAGS \
	PYTHON VENV BUILD TORCH_PIP BOOK_URL BOOK_DOWNLOADS READTHEDOCS_CANONICAL_URL \
	%_proxy %_PROXY SSL_CERT_% %_CA_BUNDLE %_CA_CERTS PYENV_% UV_% npm_config_% NPM_CONFIG_% \
	PIP_INDEX_URL PIP_EXTRA_INDEX_URL PIP_NO_INDEX PIP_FIND_LINKS PIP_TRUSTED_HOST PIP_CERT \
	PIP_CONFIG_FILE PIP_CACHE_DIR PIP_DEFAULT_TIMEOUT PIP_RETRIES COVERAGE_%
unexport $(filter-out $(PASSED),$(foreach name,$(.VARIABLES),\
	$(if $(findstring environment,$(origin $(name))),$(name))))

# Where things are: the environment of Python, and all that is built. Both may lie elsewhere:
# make html BUILD=/path/to/build VENV=/path/to/venv
PYTHON ?= python3
VENV ?= .venv
BUILD ?= build
# Options for the installation of torch alone, such as the index of its CPU builds.
TORCH_PIP ?=
# What follows is given on the command line only: a terminal exports LINES too.
JOBS = auto
WORD =
PORT = 8000
# Size of the paper: a4 or us-letter.
PAPER = a4
# Lines to write on below each question of a paper.
LINES = 0
# Which part of the results, for several machines.
SHARD = 1/1

ifeq ($(and $(strip $(BUILD)),$(strip $(VENV))),)
$(error BUILD and VENV name folders, and one of them is empty)
endif
absolute = $(if $(filter /%,$(firstword $(1))),$(1),$(CURDIR)/$(1))
OUT := $(call absolute,$(BUILD))
# Packages are installed with the settings of the caller; everything else has a home of its own,
# without settings of matplotlib, IPython or npm.
ifndef CALLER_HOME
CALLER_HOME := $(HOME)
endif

override HOME := $(OUT)/home
override LC_ALL := C.UTF-8
override TZ := UTC
override SOURCE_DATE_EPOCH := 1767225600
override OMP_NUM_THREADS := 1
override PYTHONPATH := $(CURDIR)/code
override PYTHONHASHSEED := 0
override PYTHONUTF8 := 1
override PYTHONNOUSERSITE := 1
# Nothing is written beside the sources.
override BOOK_BUILD := $(OUT)
override HYPOTHESIS_STORAGE_DIRECTORY := $(OUT)/hypothesis
override RUFF_CACHE_DIR := $(OUT)/ruff
override MYPY_CACHE_DIR := $(OUT)/mypy
override COVERAGE_FILE := $(OUT)/coverage/data
export HOME LC_ALL TZ SOURCE_DATE_EPOCH OMP_NUM_THREADS PYTHONPATH PYTHONHASHSEED PYTHONUTF8 \
	PYTHONNOUSERSITE HYPOTHESIS_STORAGE_DIRECTORY RUFF_CACHE_DIR MYPY_CACHE_DIR COVERAGE_FILE \
	CALLER_HOME BOOK_BUILD

# What is written can be read by whoever serves the pages.
PUBLIC := sh -c 'umask 022; exec "$$0" "$$@"'
PY := $(PUBLIC) "$(VENV)/bin/python"
INSTALL := HOME="$(CALLER_HOME)"
PIP := $(INSTALL) PIP_USER=0 "$(VENV)/bin/python" -m pip --disable-pip-version-check
SPHINX := $(PY) -m sphinx -c . -d "$(BUILD)/doctrees" -j $(JOBS) -n -W --keep-going
PYTEST := -m pytest -n $(JOBS) -o cache_dir="$(OUT)/pytest"
# Unit tests that need neither a built book nor more than a few seconds each.
UNITS := tests/texcheck/test_check.py tests/texcheck/test_anchor.py tests/papers/test_values.py \
	tests/papers/test_faults.py tests/typeset/test_katex.py tests/execution/test_doctests.py \
	--deselect tests/execution/test_doctests.py::test_pytest_collects_the_same \
	tests/press/test_formula.py tests/test_make.py tests/test_development.py
CHAPTERS := $(wildcard book/*.md book/papers/*.md)

.DEFAULT_GOAL := help
.PHONY: help html site site-check site-tools offline text single pages pdf epub papers serve test fast quick lint units derivations manual mutate determinism results coverage bench check release hooks clean lock setup

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

# --- the book

html: setup  ## build the book for the browser
	@$(SPHINX) -b html book "$(BUILD)/html"
	@echo "The book: open $(BUILD)/html/index.html"

site: export BOOK_DOWNLOADS = 1
site: html pdf epub  ## everything that is hosted: pages, PDF, EPUB, zip: make site BOOK_URL=https://…
	@$(PUBLIC) cp "$(BUILD)/full-marks.pdf" "$(BUILD)/full-marks.epub" "$(BUILD)/html"
	@$(PY) -m typeset.offline "$(BUILD)/html" "$(BUILD)/full-marks-offline.zip"
	@$(PUBLIC) cp "$(BUILD)/full-marks-offline.zip" "$(BUILD)/html"
	@echo "To be hosted: $(BUILD)/html"

offline: html  ## zip the pages to be read without a network
	@$(PY) -m typeset.offline "$(BUILD)/html" "$(BUILD)/full-marks-offline.zip"
	@echo "To read offline: unzip $(BUILD)/full-marks-offline.zip and open index.html in it"

single: setup  ## build the book as one page
	@$(SPHINX) -b singlehtml book "$(BUILD)/singlehtml"
	@echo "The book on one page: open $(BUILD)/singlehtml/index.html"

text: setup  ## build the book as plain text
	@$(SPHINX) -b text book "$(BUILD)/text"
	@echo "The book as text: $(BUILD)/text"

pages: setup  ## write the pages that PDF and EPUB are made from
	@$(SPHINX) -q -b press book "$(BUILD)/press"

pdf: pages  ## build the book for paper: make pdf PAPER=us-letter
	@$(PY) -m press pdf "$(BUILD)/press" "$(BUILD)/full-marks.pdf" --paper $(PAPER)
	@echo "The book for paper: $(BUILD)/full-marks.pdf"

epub: pages  ## build the book for a reader
	@$(PY) -m press epub "$(BUILD)/press" "$(BUILD)/full-marks.epub"
	@echo "The book for a reader: $(BUILD)/full-marks.epub"

papers: pages  ## each paper and its answers as a PDF: make papers LINES=8
	@$(PY) -m press papers "$(BUILD)/press" "$(BUILD)/papers" --paper $(PAPER) --lines $(LINES)
	@echo "The papers to hand out, and their answers: $(BUILD)/papers"

serve: setup  ## build, serve on this machine only, rebuild on save
	@$(PY) -m sphinx_autobuild --host 127.0.0.1 --port $(PORT) --watch code --watch conf.py \
		--ignore '*/__pycache__/*' -c . -d "$(BUILD)/doctrees" -j $(JOBS) -n book "$(BUILD)/html"

# --- the gates

check:  ## all of the gates, the quick ones first, each only if the one before it is green
	@$(MAKE) --no-print-directory quick
	@$(MAKE) --no-print-directory html
	@$(MAKE) --no-print-directory mutate
	@$(MAKE) --no-print-directory coverage
	@$(MAKE) --no-print-directory site-check

quick: lint units  ## what can be known in two minutes: style, types, imports, the tools' unit tests

lint: setup  ## check the style, the types and the direction of imports
	@"$(VENV)/bin/ruff" check --quiet .
	@"$(VENV)/bin/ruff" format --check --quiet --output-format concise . || \
		{ echo "make: to format these files: $(VENV)/bin/ruff format ."; exit 1; }
	@"$(VENV)/bin/mypy" --no-error-summary
	@"$(VENV)/bin/lint-imports" --no-cache >"$(BUILD)/imports.log" || { cat "$(BUILD)/imports.log"; exit 1; }

units: setup  ## run the unit tests of the tools, which need no built book
	@$(PY) $(PYTEST) -q $(UNITS)

test: lint html  ## run every test and doctest, on the built book
	@$(PY) $(PYTEST) --dist loadfile

# Processes that a test starts are measured too. A test that is skipped is red here: what it needs
# is missing.
coverage: html  ## run every test, and hold the branches that it takes to the floors in tests/floors.toml
	@rm -rf "$(BUILD)/coverage" && mkdir "$(BUILD)/coverage"
	@$(PY) -m coverage run $(PYTEST) --no-skips --dist loadfile
	@$(PY) -m coverage combine --quiet
	@$(PY) -m coverage json --quiet -o "$(BUILD)/coverage/coverage.json"
	@$(PY) tests/coverage_floors.py "$(BUILD)/coverage/coverage.json"

fast: word setup  ## build and test one chapter: make fast WORD=mlp
	@$(PY) -m pytest -q -o cache_dir="$(OUT)/pytest" -k $(WORD)
	@$(SPHINX) -b html book "$(BUILD)/html" book/$(WORD).md
	@echo "The chapter: open $(BUILD)/html/$(WORD).html"

.PHONY: word
word:
	@test -n "$(WORD)" || { echo "make fast: say which chapter, as in: make fast WORD=mlp"; exit 2; }
	@test -f "book/$(WORD).md" || { echo "make fast: no chapter book/$(WORD).md; there are:" \
		$(sort $(basename $(notdir $(wildcard code/fullmarks/[a-z]*.py)))); exit 2; }

derivations: setup  ## check the derivations alone, without building
	@$(PY) -m texcheck $(CHAPTERS)

manual: setup  ## write the lists of SYNTAX.md anew from the table of notations
	@$(PY) -m texcheck --manual code/texcheck/SYNTAX.md

mutate: setup  ## put mistakes into every derivation and count what goes unnoticed
	@$(PY) -m texcheck --mutate --allow tests/survivors.json $(CHAPTERS)

determinism: setup  ## run every cell and doctest twice, and find what differs
	@$(PY) -m execution determinism book -d "$(BUILD)/doctrees"

results: setup  ## compute a part of all results, for several machines: make results SHARD=2/4
	@$(PY) -m execution results book -d "$(BUILD)/doctrees" --shard $(SHARD)

site-check: html offline pages site-tools  ## check every page in a real browser
	@$(PY) $(PYTEST) --no-skips -q tests/site

# The checkers of accessibility and of HTML come from npm, by the lock in tests/site, which is the
# last thing to be copied.
site-tools: setup  ## install the checkers of the site
	@cmp -s tests/site/package-lock.json "$(BUILD)/site-tools/installed.json" || { \
		command -v npm >/dev/null || { echo "make: no npm here, which brings the checkers of the site; install Node.js and npm (Debian and Ubuntu: apt-get install npm)"; exit 1; }; \
		mkdir -p "$(BUILD)/site-tools" && \
		cp tests/site/package.json tests/site/package-lock.json "$(BUILD)/site-tools" && \
		(cd "$(BUILD)/site-tools" && $(INSTALL) npm ci --ignore-scripts --no-audit --no-fund --silent) && \
		cp tests/site/package-lock.json "$(BUILD)/site-tools/installed.json"; }

bench: setup  ## measure the build against plain MyST-NB (takes a while)
	@$(PY) benchmarks/build.py

hooks: setup  ## run the style, type and import checks at every commit
	@$(INSTALL) "$(VENV)/bin/pre-commit" install

release:  ## build and test what is released, then list what goes where: make release BOOK_URL=https://…
	@$(PY) .ci/release.py ready
	@$(MAKE) --no-print-directory check
	@$(MAKE) --no-print-directory site
	@$(MAKE) --no-print-directory papers
	@$(PY) .ci/release.py list "$(BUILD)"

# --- what it is made with

clean:  ## remove what was built, keep the environment
	@test ! -e "$(BUILD)" || test -e "$(BUILD)/CACHEDIR.TAG" || \
		{ echo "make: $(BUILD) was not made by this Makefile; remove it by hand"; exit 1; }
	@rm -rf "$(BUILD)"

lock: setup  ## resolve pyproject.toml to exact versions in requirements.lock
	@$(PIP) install --quiet uv
	@{ echo "# Exact versions of everything the book is built with; written by 'make lock'."; \
	   echo "torch==2.13.0"; \
	   $(INSTALL) "$(VENV)/bin/uv" pip compile --quiet --universal --generate-hashes --no-header --no-annotate \
	     --python-version 3.11 --extra book --extra test --no-emit-package torch pyproject.toml; \
	 } > "$(VENV)/new.lock"
	@mv "$(VENV)/new.lock" requirements.lock
	@echo "requirements.lock is written: run make setup to install it"

# Two folders are written, and both are deleted with all that is in them when they are made anew:
# only what this Makefile made, or an empty folder, will do.
# The copy of the lock is the last thing that set-up writes: as long as it differs from the lock,
# set-up is not complete and is done again.
setup:  ## create .venv and install the lock (done by every target that needs it)
	@mkdir -p "$(BUILD)" 2>/dev/null && test -w "$(BUILD)" || $(NOT_WRITABLE)
	@test -e "$(BUILD)/CACHEDIR.TAG" || { \
		test "$(OUT)" = "$(CURDIR)/build" || test -z "$$(ls -A "$(BUILD)")" || \
			{ echo "make: $(BUILD) holds other things; name a new folder: make BUILD=…"; exit 1; }; \
		echo "Signature: 8a477f597d28d172789f06886806bc55" >"$(BUILD)/CACHEDIR.TAG"; }
	@mkdir -p "$(HOME)"
	@cmp -s requirements.lock "$(VENV)/installed.lock" || $(MAKE) --no-print-directory installed

.PHONY: installed
installed:
	@command -v "$(PYTHON)" >/dev/null || { echo "make: no $(PYTHON) here; install Python 3.11 or later, or name one: make PYTHON=…"; exit 1; }
	@$(INSTALL) "$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "make: $$($(INSTALL) "$(PYTHON)" --version) is too old; the book needs Python 3.11 or later (make PYTHON=…)"; exit 1; }
	@$(INSTALL) "$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "make: this Python lacks the venv module; on Debian and Ubuntu install python3-venv"; exit 1; }
	@mkdir -p "$(VENV)" 2>/dev/null && test -w "$(VENV)" || $(NOT_WRITABLE)
	@test -e "$(VENV)/pyvenv.cfg" || test -z "$$(ls -A "$(VENV)")" || \
		{ echo "make: $(VENV) is no environment of Python; name a new folder: make VENV=…"; exit 1; }
	@echo "Setting up $(VENV): about 0.4 GB are downloaded once (1.6 GB on disk)"
	@$(PIP) --version >/dev/null 2>&1 || $(INSTALL) "$(PYTHON)" -m venv --clear "$(VENV)"
	@echo "1 of 2: torch"
	@$(PIP) install $(TORCH_PIP) $$(grep '^torch==' requirements.lock) || $(NO_INSTALL)
	@echo "2 of 2: everything else"
	@grep -v '^torch==' requirements.lock > "$(VENV)/rest.lock"
	@$(PIP) install --require-hashes -r "$(VENV)/rest.lock" || $(NO_INSTALL)
	@cp requirements.lock "$(VENV)/installed.lock"

NO_INSTALL = { echo "make: the packages could not be installed (see above): is there a network? Run the same command again to go on"; exit 1; }
ELSEWHERE := $(CALLER_HOME)/full-marks
NOT_WRITABLE = { echo "make: this folder cannot be written; build elsewhere: make $(firstword $(MAKECMDGOALS)) BUILD=\"$(ELSEWHERE)/build\"$$(cmp -s requirements.lock "$(VENV)/installed.lock" || echo " VENV=\"$(ELSEWHERE)/venv\"")"; exit 1; }
