# The commands of this project; `make` alone lists them.

SHELL     := /bin/sh
TOOL      := go tool -modfile=.tools/go.mod
PKG       ?= ./...
BENCH     ?=
TIMEOUT   ?= 40m
comma     := ,
skips     := $(subst $(comma), ,$(ROOMLOG_SKIP))
race      := $(if $(filter race,$(skips)),,-race)

export ROOMLOG_SKIP

.DEFAULT_GOAL := help
.PHONY: help test upgrade deps check lint fmt generate build assets docpage vendor-web client bench simulate

help: ## list these commands
	@echo 'roomlog: the event-sourced backend of a live-streaming app'
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo 'Start a server:       go run ./cmd/roomlog serve'
	@echo 'One package:          make test PKG=./domain/...'
	@echo 'Some figures:         make bench BENCH=FigureAppend'
	@echo 'Without some tools:   make test ROOMLOG_SKIP=postgres,race,lint   (the summary lists what was skipped)'

# The tests run even when a check before them fails: one run shows everything there is to mend. They need no vet of their
# own, because check vets every package.
test: ## install what tests need, then format check, vet, lint, and every test with -race; ends with a summary
	@.tools/deps.sh || true
	@results=''; \
	for step in check lint; do \
		if $(MAKE) --no-print-directory --keep-going $$step; then result=$(if $(filter lint,$(skips)),"$$(test $$step = lint && echo skipped || echo ok)",ok); else result=failed; fi; \
		results="$$results -check $$step=$$result"; \
	done; \
	go -C .tools run ./suite $$results $(race) -vet=off -timeout $(TIMEOUT) $(PKG)

upgrade: ## replace servers of an older program (OLDER=COMMIT) by this one, one after another, under load
	@test -n '$(OLDER)' || { echo 'Name a commit: make upgrade OLDER=v1.2.3'; exit 2; }
	@dir=$$(mktemp -d) && trap 'git worktree remove --force "$$dir/tree" 2>/dev/null; rm -rf "$$dir"' EXIT && \
	trap 'exit 130' INT && trap 'exit 143' TERM && \
	git worktree add --quiet --detach "$$dir/tree" '$(OLDER)' && go -C "$$dir/tree" build -o "$$dir/roomlog" ./cmd/roomlog && \
	ROOMLOG_SKIP= ROOMLOG_OLDER="$$dir/roomlog" go test -count=1 -v -timeout $(TIMEOUT) -run 'TestRollingUpgrade' ./cmd/roomlog

deps: ## install what tests need besides Go, or print how
	@.tools/deps.sh

check:
	@unformatted=$$(gofmt -s -l .); \
	if [ -n "$$unformatted" ]; then echo "make fmt would change:"; echo "$$unformatted"; exit 1; fi
	go vet ./...
	go -C .tools vet ./figures ./suite ./vendorweb
	go -C .tools test ./figures ./suite
	go -C .tools/simulate vet .
	go -C .tools/simulate test .

lint: ## run golangci-lint as .golangci.yml says (the first run builds it: two minutes)
ifneq ($(filter lint,$(skips)),)
	@echo 'lint is skipped (ROOMLOG_SKIP)'
else
	$(TOOL) golangci-lint run
endif

fmt: ## format every Go file
	gofmt -s -w .

# The golden files of events come first, because docs/EVENTS.md shows them. Then all documents are written, which tests compare
# with the code. Tests with Golden or Generated in their names write the other files that they compare, with -update.
generate: ## bring every generated file up to date
	go test -count=1 -run Golden ./domain -update
	go run ./cmd/roomlog docs
	@for dir in $$(grep -rl --include='*_test.go' 'flag.Bool("update"' . | xargs -n1 dirname | sort -u | grep -vx ./domain); do \
		go test -count=1 -run 'Golden|Generated' $$dir -update || exit 1; \
	done

build: ## build bin/roomlog
	go build -o bin/roomlog ./cmd/roomlog

assets: ## fetch the official socket.io.js for pages (CLIENT=2, 3 or 4; ASSETS=DIR)
	@CLIENT='$(CLIENT)' ASSETS='$(ASSETS)' .tools/assets.sh

docpage: ## fetch the viewer of /docs from npm (VERSION=1.76.0: another version)
	@VERSION='$(VERSION)' .tools/docpage.sh

vendor-web: ## fetch the libraries of the page from npm, and check their SHA-256
	go -C .tools run ./vendorweb

client: ## pack the client module for npm, into bin
	@mkdir -p bin
	npm pack --silent --pack-destination bin ./api/web/assets

bench: ## measure every figure of docs/figures.txt: name, value, target, ok or short
	@go -C .tools run ./figures -bench '$(BENCH)'

simulate: ## predict the costs of many nodes, and check it with 20 real ones (ARGS='-edges 1000 -viewers 1000')
	@go -C .tools/simulate run . $(ARGS)
