# `make demo` and `make test` are all a fresh machine needs: each makes .venv first, with pinned versions.
.PHONY: demo test venv display lint types clean

VENV := .venv
STAMP := $(VENV)/.installed
EXTRAS := train,napari,pyqt6
STUDY :=

demo: $(STAMP) display
	$(VENV)/bin/quietvoxel demo $(if $(STUDY),"$(STUDY)")

test: $(STAMP) display
	@sh scripts/run-tests.sh $(VENV)

venv: $(STAMP)

$(STAMP): pyproject.toml constraints.txt hatch_build.py scripts/make-venv.sh
	@sh scripts/make-venv.sh $(VENV) "$(EXTRAS)" && touch $@

display:
	@sh scripts/display-libraries.sh

lint: $(STAMP)
	$(VENV)/bin/ruff check . && $(VENV)/bin/ruff format --check .

types: $(STAMP)
	$(VENV)/bin/mypy

clean:
	rm -rf $(VENV) dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis
