# Slipway's verbs. `make help` prints the lines with two hashes.
SHELL := /bin/sh
.DEFAULT_GOAL := help
# Where it is set, Ansible, boto3 and moto are compiled anew whenever they start: a fifth of a run that has nothing to do.
unexport PYTHONDONTWRITEBYTECODE
python := .venv/bin/python

help: ## List the verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-22s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

rehearse: setup ## Put the whole stack on this machine and the application in the browser
	@$(python) -m rehearsal run

test: setup-tests ## Run every test: the parts below, one after the other
	@$(python) -m tests

down: ## Remove every container, network, mount, process and file that the rehearsal made
	@if [ -e .rehearsal ] && ! [ -x $(python) ]; then rehearsal/bootstrap; fi
	@if [ -x $(python) ]; then $(python) -m rehearsal down; else echo "nothing to remove"; fi

status: ## Show what the rehearsal has built
	@$(python) -m rehearsal status

rehearsal-env: ## Print the shell lines with which AWS tools talk to the emulated account
	@$(python) -m rehearsal env

lint: setup-tests ## Run the linters and type checkers
	@$(python) -m tests lint

unit: setup-tests ## Run the tests that need seconds
	@$(python) -m tests unit

laboratory: setup-tests ## Run the data plane's tests that want real containers
	@$(python) -m tests laboratory

modules: setup-tests ## Run our own Ansible modules against the emulated account
	@$(python) -m tests modules

playbooks: setup-tests ## Plan, lay, survey, audit and destroy stacks in emulated accounts
	@$(python) -m tests playbooks

faults: setup-tests ## Kill, throttle, cut off and rob runs, and look whether the next one makes it whole (KILLS=30)
	@SLIPWAY_FAULTS=$(or $(KILLS),30) SLIPWAY_DESTROY_KILLS=5 $(python) -m pytest -q tests/integration/playbooks/test_faults.py \
		tests/integration/playbooks/test_destroy.py

molecule: setup-tests ## Run the host roles' scenarios on real systemd hosts
	@$(python) -m tests molecule

end-to-end: setup-tests ## Run the rehearsal's tests in a browser, a killed host included
	@$(python) -m tests end-to-end

benchmark-provisioning: setup-tests ## Build the same stack with Terraform and with Slipway, and compare (QUICK=1: one pair)
	@$(python) -m benchmarks.provisioning $(if $(QUICK),--quick)

benchmark-inventory: setup-tests ## Compare the dynamic inventory with the stock one and with the bare calls
	@$(python) -m benchmarks.inventory

benchmark-page: setup-tests ## Ask Lighthouse and axe about the pages of the running rehearsal
	@$(python) -m benchmarks.page

benchmark-api: setup-tests ## Compare the cached summary with a bare Gunicorn, and lists of few rows with lists of many
	@$(python) -m benchmarks.api

requests: setup-tests ## Hold what whole runs of every environment ask of AWS against its models, schemas and limits
	@$(python) -m tests requests

audit: setup-tests ## Run Prowler against production in an emulated account (ACCOUNT=staging: that environment in your own)
	@$(python) -m audit $(if $(ACCOUNT),account $(ACCOUNT),prowler)

deployer-policy: setup-tests ## Write what a deployer may from what whole runs ask for
	@$(python) -m audit deployer-policy

clean: down ## Remove the environments too: .venv, .cache and node_modules
	@rm -rf .venv .cache react_app/node_modules react_app/dist benchmarks/page/node_modules .mypy_cache .pytest_cache .ruff_cache .ansible .test-results

setup:
	@rehearsal/bootstrap rehearsal

setup-tests:
	@rehearsal/bootstrap rehearsal tests

# No verb is a file.
.PHONY: $(shell awk -F: '/^[a-z-]+:/ { print $$1 }' $(MAKEFILE_LIST))
