# The commands of this project; `make` alone lists them.

SHELL     := /bin/sh
TOOL      := go tool -modfile=.tools/go.mod
PKG       ?= ./...
BENCH     ?=
TIMEOUT   ?= 10m
comma     := ,
skips     := $(subst $(comma), ,$(ROOMLOG_SKIP))
race      := $(if $(filter race,$(skips)),,-race)

export ROOMLOG_SKIP

.DEFAULT_GOAL := help
.PHONY: help test deps check lint fmt build assets bench

help: ## say what can be done here
	@echo 'roomlog: the event-sourced backend of a live-streaming room app'
	@echo
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-6s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo 'Start a server:       go run ./cmd/roomlog serve'
	@echo 'One package:          make test PKG=./domain/...'
	@echo 'Some figures:         make bench BENCH=FigureAppend'
	@echo 'Without some tools:   make test ROOMLOG_SKIP=postgres,race,lint   (says what it skips)'

# The tests run even when a check before them fails: one run shows everything there is to mend.
test: ## install what tests need, then format check, vet, lint, and every test with -race
	@.tools/deps.sh || true
	@failed=0; \
	$(MAKE) --no-print-directory --keep-going check lint || failed=1; \
	go test $(race) -timeout $(TIMEOUT) $(PKG) || failed=1; \
	exit $$failed

deps: ## install what tests need beside Go, or say how
	@.tools/deps.sh

check:
	@unformatted=$$(gofmt -s -l .); \
	if [ -n "$$unformatted" ]; then echo "make fmt would change:"; echo "$$unformatted"; exit 1; fi
	go vet ./...
	go -C .tools vet ./figures
	go -C .tools test ./figures

lint: ## run golangci-lint as .golangci.yml says (the first run builds it: two minutes)
ifneq ($(filter lint,$(skips)),)
	@echo 'lint is skipped by ROOMLOG_SKIP'
else
	$(TOOL) golangci-lint run
endif

fmt: ## format every Go file
	gofmt -s -w .

build: ## build bin/roomlog
	go build -o bin/roomlog ./cmd/roomlog

assets: ## fetch the official socket.io.js for pages (CLIENT=2, 3 or 4; ASSETS=DIR)
	@CLIENT='$(CLIENT)' ASSETS='$(ASSETS)' .tools/assets.sh

bench: ## measure every figure of docs/figures.txt: name, value, target, ok or short
	@go -C .tools run ./figures -bench '$(BENCH)'
