# Two commands do everything on a fresh machine: `make run` and `make test`.

.PHONY: run demo test faults fuzz deps bench bench-page build page openapi pictures fmt

## Build the page and the binary, then serve on http://127.0.0.1:8000/
run: build
	target/release/voxloop serve

## The main job without a browser: sample, slice, propagation, mask and picture
demo: build
	target/release/voxloop demo

## Install what the tests need and run everything
test:
	tools/install-test-needs
	tools/test

## `kill -9` of server and agents at 200 seeded moments instead of the 20 of `make test`
faults:
	VOXLOOP_FAULT_POINTS=200 cargo test --locked -p app --test faults

## Speed and memory against limits and peers, on an idle machine
bench: build
	target/release/voxloop bench

## First slice and weight of the page, in the browser of the tests
bench-page: build
	cd web && VOXLOOP_BIN=../target/release/voxloop npm run --silent bench

## Fuzz every reader, FUZZ_SECS seconds each; needs `cargo install cargo-fuzz`
FUZZ_SECS ?= 1200
fuzz_targets := $(notdir $(basename $(wildcard fuzz/fuzz_targets/*.rs)))
fuzz:
	for target in $(fuzz_targets); do \
		cargo fuzz run --sanitizer none $$target -- -max_total_time=$(FUZZ_SECS) \
			-rss_limit_mb=512 -timeout=10 -max_len=4096 -dict=fuzz/words.dict \
			-print_final_stats=1 || exit 1; \
	done

## Unused dependencies, licences and sources; needs `cargo install cargo-machete cargo-deny`
deps:
	cargo machete crates
	cargo deny --locked check licenses bans sources

## The release binary with the page in it
build: page target/release/voxloop

page: web/dist/index.html

# Only when it changed: the binary holds the page and would be linked anew.
page_sources := $(shell find web/src web/public -type f) web/index.html web/vite.config.ts web/package.json
web/dist/index.html: $(page_sources) web/node_modules/.package-lock.json
	cd web && npm run --silent build

web/node_modules/.package-lock.json: web/package-lock.json
	cd web && npm ci --no-audit --no-fund
	touch $@

.PHONY: target/release/voxloop
target/release/voxloop:
	cargo build --locked --release -p app

## Write the API's document and the page's types anew
openapi:
	cargo run --locked --quiet -p app -- openapi > openapi.json.new
	mv openapi.json.new openapi.json
	cd web && npm run --silent api

## Take the pictures of docs/ anew
pictures: build
	cd web && VOXLOOP_BIN=$(CURDIR)/target/release/voxloop npx playwright test --config pictures.config.ts

fmt:
	cargo fmt --all
