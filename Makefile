# `make help` says what there is. Everything that a target needs is built, installed or started by itself.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# The query macros are checked against .sqlx, so that a build needs no database.
export SQLX_OFFLINE ?= true

.PHONY: help
help: ## Say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: requirements web-dist ## Run the whole loop on this machine, until Ctrl-C (ONCE=1: merge by itself and end)
	@tests/tools/build.sh >/dev/null
	@cargo build --bins --workspace
	@exec "$$(tests/tools/target-dir.sh)/debug/demo" $(if $(ONCE),--once)

.PHONY: test
test: PACKAGES := chromium chromium-headless-shell curl jq python3-venv
# Properties are tried on the same cases each time, so that what is red is red by what was changed; `make fuzz` tries others.
test: export PROPTEST_RNG_SEED ?= 20261201
test: requirements ## Run every check and every test
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	tests/tools/web-packages.sh
	cd web && npm run check && npm run build
	tests/tools/build.sh
	cargo build --workspace --bins --locked
	log=$$(mktemp); trap 'rm -f "$$log"' EXIT; cargo test --workspace --locked 2>&1 | tee "$$log"; \
		tests/tools/schema-fuzz.sh; grep -e '^SKIPPED: ' "$$log" || true

.PHONY: test-drift
test-drift: PACKAGES := openssh-client python3-venv
test-drift: requirements ## Look with real OpenTofu and Ansible (builds OpenTofu once)
	@tests/tools/drift.sh

.PHONY: dev
dev: requirements ## Run the demo's parts with a dashboard that reloads as its source changes
	@tests/tools/build.sh >/dev/null
	@cargo build --bins --workspace
	@tests/tools/web-packages.sh
	@exec "$$(tests/tools/target-dir.sh)/debug/demo" --web-server "$(CURDIR)/web"

.PHONY: bench
bench: requirements ## Measure, and print a table
	@tests/tools/build.sh >/dev/null
	@cargo build --release --bins --workspace
	@cargo run --release --quiet --package heddle-reconcile --example reconcile_bench
	@cargo run --release --quiet --package heddle-core --example policy_bench
	@cargo run --release --quiet --package heddle-manifest --example manifest_bench
	@cargo run --release --quiet --package heddle-api --example history_bench
	@exec "$$(tests/tools/target-dir.sh)/release/bench"

.PHONY: attacks
attacks: requirements ## Attack a running World as strangers, tenants, registries and commits can, and print what it cost
	@tests/tools/build.sh >/dev/null
	@cargo build --release --bins --workspace
	@exec "$$(tests/tools/target-dir.sh)/release/attacks"

.PHONY: fuzz
fuzz: requirements ## Fuzz what reads foreign text, HEDDLE_FUZZ_SECONDS each, then make many random edits (HEDDLE_YAML: folders) and try every property on HEDDLE_TURNS times new cases
	@tests/tools/fuzz.sh
	@HEDDLE_EDITS=$${HEDDLE_EDITS:-100000} HEDDLE_TEXTS=$${HEDDLE_TEXTS:-100000} \
		cargo test --release --package heddle-manifest --test it -- edits bytes
	@for turn in $$(seq $${HEDDLE_TURNS:-20}); do \
		cargo test --quiet --release --package heddle-core --package heddle-manifest --package heddle-github --lib; done

.PHONY: fixtures
fixtures: ## Sign what the tests of signatures read anew, with new keys, by the library with which cosign signs (needs Go)
	cd tests/tools/signatures && GOFLAGS=-mod=readonly GOTOOLCHAIN=local go run . > "$(CURDIR)/.signed.json"
	mv .signed.json crates/heddle-signature/tests/it/signed.json

.PHONY: images
images: requirements ## Make every image without a container engine (PUSH=1 pushes to HEDDLE_REGISTRY=host/path)
	@deploy/images.sh build
	@$(if $(PUSH),deploy/images.sh push)

.PHONY: test-images
test-images: requirements ## Make every image twice, compare, and start each program on its own files
	@deploy/images.sh check

.PHONY: test-workflows
test-workflows: PACKAGES := shellcheck python3-venv
test-workflows: requirements ## Look for faults in workflows and scripts (actionlint, zizmor, shellcheck)
	@tests/tools/workflows.sh

# The images are those of a real node's own registry: the API's names the agent's.
.PHONY: test-node
test-node: export HEDDLE_REGISTRY := 10.98.0.1:5000/heddle
test-node: PACKAGES := containerd runc containernetworking-plugins iptables conntrack skopeo openssl
test-node: requirements ## Install Heddle on a real node (kubelet, containerd) and follow a change; takes root (HEDDLE_IMAGES: a layout)
	@$(if $(HEDDLE_IMAGES),,deploy/images.sh build)
	@tests/node/run.sh

.PHONY: sqlx
sqlx: requirements ## Write .sqlx anew, after a query or a migration changed
	@tests/tools/prepare-sql.sh

.PHONY: requirements
requirements:
	@tests/tools/requirements.sh $(PACKAGES)

# Built once; after a change of the dashboard `npm run build` in web/ builds it anew.
.PHONY: web-dist
web-dist:
	@tests/tools/web.sh
