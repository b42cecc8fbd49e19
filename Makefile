# `make run` and `make test` set up what is missing, build, and go.
# `make help` lists the targets.

SHELL := /bin/sh
.DEFAULT_GOAL := help

# What `make run` runs, and what it passes on.
SLICE     ?= testdata/smollm2-l20-kv0.safetensors
RUN_FLAGS ?= --mode anchor,dense --verify
BENCH_FLAGS ?=
PEERS_FLAGS ?=
# Packages of `make test`; more flags for go test, as in TEST_FLAGS='-run Oracle -v'.
PACKAGES   ?= ./...
TEST_FLAGS ?=
# Devices of `make devices-test` and `make validate` (tools/with-device.sh --list).
DEVICES          ?= $(shell tools/with-device.sh --list | cut -d' ' -f1)
VALIDATE_DEVICES ?= lavapipe-256

GOLANGCI_LINT := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

export CGO_ENABLED := 1

# Stamp the version only where git can read it: go build fails when git refuses.
VCS := $(shell git rev-parse HEAD >/dev/null 2>&1 && echo auto || echo false)

.PHONY: help setup build run test bench peers lint check shaders shaders-check sysroot devices-test validate bare-debian clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

setup: ## install what is missing (C compiler, Vulkan loader and driver)
	@tools/setup.sh

build: setup ## build bin/anchorvk
	@go build -buildvcs=$(VCS) -o bin/anchorvk ./cmd/anchorvk

run: build ## sparse prefill on real input, checked against dense attention
	@test -r "$(SLICE)" || { echo "no file $(SLICE): set SLICE=FILE" >&2; exit 1; }
	bin/anchorvk run -i $(SLICE) $(RUN_FLAGS)

test: setup ## vet, all tests, and the comparison of the committed SPIR-V
	go vet $(PACKAGES)
	go test -count=1 -timeout 20m $(TEST_FLAGS) $(PACKAGES)
	tools/glslc.sh --check

bench: build ## time dense and anchor attention on generated input
	bin/anchorvk bench $(BENCH_FLAGS)

peers: build ## time ggml-vulkan beside dense attention, dense beside anchor
	tools/peers/compare.sh dense $(PEERS_FLAGS)
	tools/peers/compare.sh anchor

lint: ## golangci-lint with gofumpt and staticcheck, see .golangci.yml
	go run $(GOLANGCI_LINT) run $(PACKAGES)

check: lint test ## what a change must pass before it is proposed

shaders: ## compile shaders/*.comp into shaders/spv with the pinned compiler
	tools/glslc.sh

shaders-check: ## compare shaders/spv with what the sources give
	tools/glslc.sh --check

sysroot: ## fetch the pinned shader compiler and the test devices
	tools/sysroot.sh all

devices-test: build ## anchorvk verify on the five devices that need no GPU
	@failed=; for device in $(DEVICES); do \
		echo "== $$device"; \
		tools/with-device.sh $$device bin/anchorvk verify || failed="$$failed $$device"; \
	done; \
	test -z "$$failed" || { echo "anchorvk verify failed on:$$failed" >&2; exit 1; }

validate: build ## the whole suite under the Khronos validation layer
	tools/validate.sh $(VALIDATE_DEVICES)

bare-debian: ## prove that a bare Debian 12 with Go can run and test (root)
	tools/bare-debian.sh

clean: ## remove what was built here
	rm -rf bin out
