# Each target makes .venv by itself; a second run installs nothing and runs no chapter twice.
PYTHON  ?= python3
PROFILE ?= quick
ARGS    ?=
BIN     := .venv/bin

.PHONY: help book student sheets test coverage bench mutants lab install
.DELETE_ON_ERROR:

help:
	@echo "make book                run the chapters, build the book into _build/html (small numbers, minutes)"
	@echo "make book PROFILE=full   the same with the published numbers; human norms too, where installed"
	@echo "make book ARGS='...'     more choices: make book ARGS=--help"
	@echo "make student             copies of the chapters for a course: student, key, nbgrader; into _build/course"
	@echo "make sheets              a worksheet for each chapter, two A4 pages to print; into _build/course/sheets"
	@echo "make test                every test; ARGS='-m fast' for those that need no model and no browser"
	@echo "make coverage            the same, and which lines they ran: a table, and pages in _build/coverage"
	@echo "make bench               every program in benchmarks/, each writes _build/bench/PROGRAM.json"
	@echo "make mutants             small faults put into the library: how many do the fast tests find? ARGS='metrics --sample 40'"
	@echo "make lab                 the chapters in JupyterLab"

book: install
	exec $(BIN)/python book/build.py --profile $(PROFILE) $(ARGS)

student: install
	exec $(BIN)/python book/student.py --profile $(PROFILE) $(ARGS)

sheets: install
	exec $(BIN)/python book/sheets.py $(ARGS)

test: install
	exec $(BIN)/python -m pytest -n 2 --dist loadgroup $(ARGS)

coverage: install
	exec $(BIN)/python -m pytest -n 2 --dist loadgroup --cov --cov-report=term --cov-report=html $(ARGS)

bench: install
	@mkdir -p _build/bench
	@set -e; for program in $(filter-out benchmarks/mutants.py,$(wildcard benchmarks/*.py)); do \
	    echo "$$program"; $(BIN)/python "$$program" --json "_build/bench/$$(basename "$$program" .py).json" $(ARGS); \
	done

mutants: install
	exec $(BIN)/python benchmarks/mutants.py $(ARGS)

lab: install
	exec $(BIN)/jupyter lab notebooks $(ARGS)

# Linux users without a GPU save two gigabytes by setting PIP_EXTRA_INDEX_URL to PyTorch's CPU index (book/how_to_run.md).
install:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	    echo "Python 3.11 or newer is needed, and '$(PYTHON)' is `$(PYTHON) --version 2>&1`."; \
	    echo "Name another one, for example: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@exec $(PYTHON) book/install.py
