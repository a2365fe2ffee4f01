# `make help` lists the targets. Everything a fresh Debian-like machine needs is installed by `make setup`.
SHELL := /usr/bin/env bash
export KUBEMU_CACHE ?= $(HOME)/.cache/kubemu
UV := $(KUBEMU_CACHE)/uv/bin/uv
RUN := $(UV) run --frozen
PYTEST := $(RUN) pytest -q

.DEFAULT_GOAL := help
.PHONY: help setup sync run test check format unit integration e2e install guests cluster cluster-down images kind manifests bench bench-cluster kind clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install what is missing: Debian packages (asks sudo), uv, the Python environment
	@tools/setup

sync: ## bring the Python environment up to date with uv.lock
	@$(UV) sync --frozen --quiet --compile-bytecode

run: setup ## boot the VM of examples/tiny.yaml: image built, served by a local registry, pulled, booted, powered off
	@$(RUN) python -m tools.demo

test: setup check unit integration e2e ## every test of every tier

check: ## format, lint, types, architecture
	@$(RUN) ruff format --check --quiet . || { echo "run 'make format'"; exit 1; }
	@$(RUN) ruff check --quiet .
	@$(RUN) mypy
	@$(RUN) lint-imports --verbose >/dev/null || $(RUN) lint-imports

format: ## format the code
	@$(RUN) ruff format .
	@$(RUN) ruff check --fix .

unit: ## unit and golden tests (seconds)
	@$(PYTEST) tests/unit

integration: guests ## real QEMU, guests, files and sockets (minutes)
	@$(PYTEST) tests/integration --ignore tests/integration/cluster

e2e: guests ## the real two-node cluster: its life and death, pods, volumes, CRDs (minutes; root)
	@$(RUN) kubemu-cluster build
	@$(RUN) python -m images.programs --build
	@$(PYTEST) tests/integration/cluster tests/e2e

cluster: setup ## bring a real two-node Kubernetes up, or do nothing when it is (root; builds it once)
	@$(RUN) kubemu-cluster up

cluster-down: ## remove it and everything it made
	@$(RUN) kubemu-cluster down

install: cluster images ## install this tree in the local cluster; again, upgrade it
	@$(RUN) python -m tools.install

kind: setup guests ## install this tree in a cluster of kind (needs docker, kind, kubectl and KVM)
	@$(RUN) python -m tools.kind

guests: ## build the test guests (cached)
	@$(RUN) python -m images.build guest tiny
	@$(RUN) python -m images.build guest cirros
	@$(RUN) python -m images.build guest debian

images: setup guests ## every image, into the registry of the cluster or REGISTRY=HOST[:PORT][/PREFIX]
	@$(RUN) python -m images.programs $(if $(REGISTRY),--registry $(REGISTRY))

manifests: ## write the generated files again: crds/manifests, deploy/kubemu.yaml (REGISTRY=..., TAG=...)
	@$(RUN) python -m virtcrds crds/manifests
	@$(RUN) python -m tools.manifest $(if $(REGISTRY),--registry $(REGISTRY)) $(if $(TAG),--tag $(TAG))

bench: setup ## print the budgets beside what this machine shows (bench/README.md has more)
	@$(RUN) python -m bench.start

bench-cluster: install ## the budgets of a VM on the local cluster: API writes, time to Running
	@$(RUN) python -m bench.cluster

clean: ## remove what the tools left in this folder (not the cache)
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
