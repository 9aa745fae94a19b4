.PHONY: help setup environment run test bench torture conformance gallery lighthouse
.DEFAULT_GOAL := help
PYTHON_HERE := PYTHONPATH=. .venv/bin/python

help: ## say what there is
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 20

setup: ## set up what is missing, the browser for the tests included
	@tools/setup.sh environment browser

environment:
	@tools/setup.sh environment

run: environment ## run the product here, with a demo shop
	@exec bin/kolme up

test: setup ## check everything
	@$(PYTHON_HERE) -m tools.check

bench: environment ## measure speed and size
	@$(PYTHON_HERE) -m bench

torture: setup ## every amount as a schedule, a year of subscriptions, 1,000 plans in a browser, thousands of purchases killed; then count the money
	@$(PYTHON_HERE) -m tests.torture.amounts
	@$(PYTHON_HERE) -m tests.torture.subscriptions
	@$(PYTHON_HERE) -m pytest -q -n 2 -m hypothesis --hypothesis-profile exploring --timeout 600 tests
	@KOLME_FIGURES=1000 $(PYTHON_HERE) -m pytest -q -n 2 e2e/test_figures.py
	@KOLME_LANGUAGES=all $(PYTHON_HERE) -m pytest -q -n 2 e2e/test_pages.py
	@$(PYTHON_HERE) -m tests.faults

conformance: environment ## our bank login against a certified OpenID provider, which needs node and npm
	@$(PYTHON_HERE) -m tests.conformance --keep docs/identity-conformance.md

gallery: setup ## shoot every page and state into var/gallery
	@$(PYTHON_HERE) -m e2e.gallery

lighthouse: setup ## rate the shopper's pages
	@$(PYTHON_HERE) -m tools.lighthouse
