# Full Marks: `make` lists what there is to make. Set-up happens by itself, once per lock.

PYTHON ?= python3
VENV ?= .venv
# Options for the installation of torch alone, such as the index of its CPU builds.
TORCH_PIP ?=
JOBS ?= auto
WORD ?=
PORT ?= 8000
# Size of the paper: a4 or us-letter.
PAPER ?= a4
# Lines to write on below each question of a paper.
LINES ?= 0

PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check
BUILD := build
SPHINX := $(PY) -m sphinx -c . -d $(BUILD)/doctrees -j $(JOBS) -n -W --keep-going
CHAPTERS := $(wildcard book/*.md book/papers/*.md)

export SOURCE_DATE_EPOCH ?= 1767225600
export OMP_NUM_THREADS ?= 1
export PYTHONPATH := $(CURDIR)/code
export PYTHONHASHSEED := 0

.DEFAULT_GOAL := help
.PHONY: help html site site-check offline text single pages pdf epub papers serve test fast lint derivations manual mutate bench check clean lock setup

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-12s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

html: setup  ## build the book for the browser
	@$(SPHINX) -b html book $(BUILD)/html
	@echo "The book: open $(BUILD)/html/index.html"

site: export BOOK_DOWNLOADS = 1
site: html pdf epub  ## everything that is hosted: pages, PDF, EPUB, zip: make site BOOK_URL=https://…
	@cp $(BUILD)/full-marks.pdf $(BUILD)/full-marks.epub $(BUILD)/html
	@$(PY) -m typeset.offline $(BUILD)/html $(BUILD)/full-marks-offline.zip
	@cp $(BUILD)/full-marks-offline.zip $(BUILD)/html
	@echo "To be hosted: $(BUILD)/html"

offline: html  ## zip the pages to be read without a network
	@$(PY) -m typeset.offline $(BUILD)/html $(BUILD)/full-marks-offline.zip
	@echo "To read offline: unzip $(BUILD)/full-marks-offline.zip and open index.html in it"

# The checkers of accessibility and of HTML come from npm, by the lock in tests/site.
site-check: html offline $(BUILD)/site-tools/package-lock.json  ## check every page in a real browser
	@SITE=$(CURDIR)/$(BUILD)/html SITE_TOOLS=$(CURDIR)/$(BUILD)/site-tools \
		$(PY) -m pytest -n $(JOBS) -q tests/site

$(BUILD)/site-tools/package-lock.json: tests/site/package-lock.json
	@command -v npm >/dev/null || { echo "make: no npm here, which brings the checkers of the site; install Node.js and npm (Debian and Ubuntu: apt-get install npm)"; exit 1; }
	@mkdir -p $(@D) && cp tests/site/package.json $< $(@D)
	@cd $(@D) && npm ci --ignore-scripts --no-audit --no-fund --silent || { rm -f package-lock.json; exit 1; }

single: setup  ## build the book as one page
	@$(SPHINX) -b singlehtml book $(BUILD)/singlehtml
	@echo "The book on one page: open $(BUILD)/singlehtml/index.html"

text: setup  ## build the book as plain text
	@$(SPHINX) -b text book $(BUILD)/text
	@echo "The book as text: $(BUILD)/text"

pages: setup  ## write the pages that PDF and EPUB are made from
	@$(SPHINX) -q -b press book $(BUILD)/press

pdf: pages  ## build the book for paper: make pdf PAPER=us-letter
	@$(PY) -m press pdf $(BUILD)/press $(BUILD)/full-marks.pdf --paper $(PAPER)
	@echo "The book for paper: $(BUILD)/full-marks.pdf"

epub: pages  ## build the book for a reader
	@$(PY) -m press epub $(BUILD)/press $(BUILD)/full-marks.epub
	@echo "The book for a reader: $(BUILD)/full-marks.epub"

papers: pages  ## each paper and its answers as a PDF: make papers LINES=8
	@$(PY) -m press papers $(BUILD)/press $(BUILD)/papers --paper $(PAPER) --lines $(LINES)
	@echo "The papers to hand out, and their answers: $(BUILD)/papers"

serve: setup  ## build, serve on this machine only, rebuild on save
	@$(VENV)/bin/sphinx-autobuild --host 127.0.0.1 --port $(PORT) --watch code --watch conf.py \
		--ignore '*/__pycache__/*' -c . -d $(BUILD)/doctrees -j $(JOBS) -n book $(BUILD)/html

test: lint html  ## run every test and doctest, on the built book
	@$(PY) -m pytest -n $(JOBS) --dist loadfile

fast: setup  ## build and test one chapter: make fast WORD=mlp
	@test -n "$(WORD)" || { echo "make fast: say which chapter, as in: make fast WORD=mlp"; exit 2; }
	@test -f book/$(WORD).md || { echo "make fast: no chapter book/$(WORD).md; there are:" \
		$(sort $(basename $(notdir $(wildcard code/fullmarks/[a-z]*.py)))); exit 2; }
	@$(PY) -m pytest -q -k $(WORD)
	@$(SPHINX) -b html book $(BUILD)/html book/$(WORD).md
	@echo "The chapter: open $(BUILD)/html/$(WORD).html"

lint: setup  ## check the style and the direction of imports
	@$(VENV)/bin/ruff check --quiet code tests conf.py
	@$(VENV)/bin/lint-imports --no-cache >$(VENV)/imports.log || { cat $(VENV)/imports.log; exit 1; }

derivations: setup  ## check the derivations alone, without building
	@$(PY) -m texcheck $(CHAPTERS)

manual: setup  ## write the lists of SYNTAX.md anew from the table of notations
	@$(PY) -m texcheck --manual code/texcheck/SYNTAX.md

mutate: setup  ## change every derivation by single tokens and count what goes unnoticed
	@$(PY) -m texcheck --mutate --allow tests/survivors.json $(CHAPTERS)

bench: setup  ## measure the build against plain MyST-NB (takes a while)
	@$(PY) benchmarks/build.py

check: test html  ## all of the gates, as run before every merge

clean:  ## remove what was built, keep the environment
	@rm -rf $(BUILD)

lock: setup  ## resolve pyproject.toml to exact versions in requirements.lock
	@$(PIP) install --quiet uv
	@{ echo "# Exact versions of everything the book is built with; written by 'make lock'."; \
	   echo "torch==2.13.0"; \
	   $(VENV)/bin/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate \
	     --python-version 3.11 --extra book --extra test --no-emit-package torch pyproject.toml; \
	 } > $(VENV)/new.lock
	@mv $(VENV)/new.lock requirements.lock
	@echo "requirements.lock is written: run make setup to install it"

# The copy of the lock is the last thing that set-up writes: as long as it differs from the lock,
# set-up is not complete and is done again.
setup:  ## create .venv and install the lock (done by every target that needs it)
	@cmp -s requirements.lock $(VENV)/installed.lock || $(MAKE) --no-print-directory $(VENV)/installed.lock

.PHONY: $(VENV)/installed.lock
$(VENV)/installed.lock:
	@command -v $(PYTHON) >/dev/null || { echo "make: no $(PYTHON) here; install Python 3.11 or later, or name one: make PYTHON=…"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "make: $$($(PYTHON) --version) is too old; the book needs Python 3.11 or later (make PYTHON=…)"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "make: this Python lacks the venv module; on Debian and Ubuntu install python3-venv"; exit 1; }
	@echo "Setting up $(VENV): about 0.4 GB are downloaded once (1.6 GB on disk)"
	@$(PY) -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@echo "1 of 2: torch"
	@$(PIP) install $(TORCH_PIP) $$(grep '^torch==' requirements.lock) || $(NO_INSTALL)
	@echo "2 of 2: everything else"
	@grep -v '^torch==' requirements.lock > $(VENV)/rest.lock
	@$(PIP) install --require-hashes -r $(VENV)/rest.lock || $(NO_INSTALL)
	@cp requirements.lock $@

NO_INSTALL = { echo "make: the packages could not be installed (see above): is there a network? Run the same command again to go on"; exit 1; }
