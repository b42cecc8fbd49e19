# `make run` and `make test` set up what is missing, build, and go.
# `make help` lists the targets.

SHELL := /bin/sh
.DEFAULT_GOAL := help

# What `make run` runs, and how: preset safe, on what a real model asks.
SLICE     ?= testdata/smollm2-l20-kv0.safetensors
PICTURE   ?= out/kept.png
RUN_FLAGS ?= --mode anchor,dense --verify --picture $(PICTURE)
BENCH_FLAGS ?=
PEERS_FLAGS ?=
# Packages of `make test`; more flags for go test, as in TEST_FLAGS='-run Oracle -v'.
PACKAGES   ?= ./...
TEST_FLAGS ?=
# Devices (tools/with-device.sh --list) of `make test` beside the machine's own,
# of `make devices-test` (none: all) and of `make validate`.
TEST_DEVICES     ?= lavapipe-256 lavapipe-128 lavapipe-512 swiftshader
DEVICES          ?=
VALIDATE_DEVICES ?= lavapipe-256
# Stub devices (tools/with-device.sh --list-stubs) of `make isa` and its like; none: all.
ISA_DEVICES      ?=
# Faults that `make mutants` plants, as 'barrier-*'; none: all.
MUTANTS          ?=
# Where `make install` puts things.
PREFIX ?= /usr/local
# Seconds of each long test of `make stress`.
STRESS ?= 60
# Seconds of `make fuzz` and of the fuzzing in `make test`, beside building, and the
# devices that `make fuzz` takes beside the machine's own.
FUZZ_TIME      ?= 3600
FUZZ_TEST_TIME ?= 100
FUZZ_DEVICES   ?= lavapipe-256 swiftshader
# Cases of verify in `make quick`: every kind of row, two head dimensions.
QUICK_CASES ?= head_dim/.* n=521 .* d=40( |$$)|gqa/.* heads=6/2 |prefix/.* n=704 q=257 |batch/|params/.* group=3x48|nonfinite/.*\(v (nan|inf)\)|length/.* n=(1|97)( |$$)
# Tests of package attention that run at once, for the race detector.
RACE_TESTS ?= Goroutines|EnginesShare|Cancel|Close|Job|InFlight|Warmup|CannotBeBuilt

GOLANGCI_LINT := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

export CGO_ENABLED := 1

# Stamp the version only where git can read it: go build fails when git refuses.
VCS := $(shell git rev-parse HEAD >/dev/null 2>&1 && echo auto || echo false)

.PHONY: help setup build capi install run quick test race fuzz notices cross wine bench peers lint check shaders shaders-check isa isa-check isa-update sysroot devices-test validate mutants stress python-hf capture-check bare-debian clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

setup: ## install what is missing (C compiler, Vulkan loader and driver)
	@tools/setup.sh

build: setup ## build bin/anchorvk
	@go build -buildvcs=$(VCS) -o bin/anchorvk ./cmd/anchorvk

capi: setup ## build the C library in bin/capi (GOOS and CC build it for another system)
	@tools/capi.sh

install: build capi ## install command, C library, header and pkg-config file under PREFIX
	install -d "$(DESTDIR)$(PREFIX)/bin"
	install bin/anchorvk "$(DESTDIR)$(PREFIX)/bin/anchorvk"
	tools/capi.sh --install "$(PREFIX)"

run: build ## sparse prefill on real input, checked against dense attention
	@test -r "$(SLICE)" || { echo "no file $(SLICE): set SLICE=FILE" >&2; exit 1; }
	@mkdir -p $(dir $(PICTURE))
	bin/anchorvk run -i $(SLICE) $(RUN_FLAGS)

# Four packages at a time: tests of the host layer mostly wait for timeouts.
quick: build ## in a minute: go test -short, and a part of verify on this device
	go test -short -count=1 -p 4 $(PACKAGES)
	bin/anchorvk verify -q -p '$(QUICK_CASES)' >/dev/null

# The newest headers of Khronos, for the test that compares ours with them; where
# they cannot be had it takes the compiler's own, or says that it has none. One
# package at a time: each has the device for itself, and some measure time. The
# compilers of other GPUs are asked beside verify on this device.
test: build ## vet, all tests, races, barriers, some fuzzing, other systems, the committed SPIR-V, the ISA baseline, verify on this and four more devices
	@tools/setup.sh test
	go vet $(PACKAGES)
	@if [ -z "$$ANCHORVK_VULKAN_INCLUDE" ] && root=$$(tools/sysroot.sh testing); then \
		export ANCHORVK_VULKAN_INCLUDE="$$root/usr/include"; \
	fi; \
	echo go test -count=1 -p 1 -timeout 20m $(TEST_FLAGS) $(PACKAGES); \
	go test -count=1 -p 1 -timeout 20m $(TEST_FLAGS) $(PACKAGES)
	@$(MAKE) --no-print-directory race
	go run ./tools/notices --check
	tools/validate.sh --short
	tools/fuzz.sh $(FUZZ_TEST_TIME)
	tools/cross.sh
	tools/glslc.sh --check
	tools/isa.sh --check & isa=$$!; bin/anchorvk verify -q >/dev/null; own=$$?; wait $$isa && exit $$own
	tools/verify-devices.sh --short $(TEST_DEVICES)

race: setup ## the host layer and concurrent runs under Go's race detector
	go test -race -count=1 ./vk
	go test -race -count=1 -run '$(RACE_TESTS)' ./attention

fuzz: setup ## an hour (FUZZ_TIME, seconds) of random problems, plans, files and calls
	@tools/setup.sh test
	tools/fuzz.sh $(FUZZ_TIME) $(FUZZ_DEVICES)

notices: ## write THIRD_PARTY_NOTICES.md anew
	go run ./tools/notices

cross: setup ## build for Windows, macOS, FreeBSD and others, and without cgo
	tools/cross.sh

wine: setup ## run the Windows build under Wine (installs Wine)
	tools/wine.sh

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

isa: setup ## what the compilers of GPUs that are not here make of every pipeline
	@tools/isa.sh $(ISA_DEVICES)

isa-check: setup ## compare that with the baseline in tools/isa/baseline
	@tools/isa.sh --check $(ISA_DEVICES)

isa-update: setup ## store it as the baseline
	@tools/isa.sh --update $(ISA_DEVICES)

sysroot: ## fetch the pinned shader compiler and the test devices
	tools/sysroot.sh all

devices-test: build ## all of anchorvk verify on the five devices that need no GPU
	tools/verify-devices.sh $(DEVICES)

validate: build ## the whole suite under the Khronos validation layer
	tools/validate.sh $(VALIDATE_DEVICES)

mutants: setup ## plant faults in a copy of the tree; a test must see each (docs/mutants.md)
	go run ./tools/mutants $(MUTANTS)

stress: setup ## a minute of the host layer, one of prefill, with a greedy collector
	tools/stress.sh $(STRESS)

python-hf: build capi ## test anchorvk.hf with PyTorch and transformers (3.5 GB, see tools/python_hf.sh)
	tools/python_hf.sh

capture-check: build ## compare captures by llama.cpp with the forward pass of tools/capture (minutes)
	tools/capture/capture_check.sh

bare-debian: ## prove that a bare Debian 12 with Go can run and test (root)
	tools/bare-debian.sh

clean: ## remove what was built here
	rm -rf bin out
