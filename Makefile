# `make` lists the commands. Everything runs in .venv, which `make setup` builds from requirements.lock.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
ARGS   ?=
WORKERS ?= 4
PACKAGES := shared services/fetcher services/extractor services/parser services/config-api services/notifier deploy/standalone

COMPILE  = $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --no-emit-index-url \
  $(addprefix --no-emit-package ,dmarq dmarq-pipeline dmarq-fetcher dmarq-extractor dmarq-parser dmarq-config-api dmarq-notifier)

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/ready: requirements.lock pyproject.toml $(addsuffix /pyproject.toml,$(PACKAGES))
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name one: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation $(addprefix -e ,$(PACKAGES))
	@touch $@

.PHONY: setup
setup: $(VENV)/ready ## build .venv with everything in it

.PHONY: demo
demo: setup ## the whole pipeline on a sample mailbox; ARGS="--mails 2000 --once" stops by itself
	$(BIN)/dmarq demo $(ARGS)

.PHONY: run
run: setup ## the whole system on this machine, data in dmarq-data
	$(BIN)/dmarq run $(ARGS)

.PHONY: test
test: setup ## static checks and all tests, WORKERS=4 at a time; installs Dovecot and Chromium where it may
	@sh tests/programs.sh
	$(MAKE) --no-print-directory static
	$(BIN)/pytest --numprocesses $(WORKERS) --dist worksteal $(ARGS)

.PHONY: unit
unit: setup ## the tests that need no server, in seconds
	$(BIN)/pytest tests/unit $(ARGS)

.PHONY: check
check: static ## format, lint, types, import rules, deployment files
	$(BIN)/pytest tests/unit/deploy

.PHONY: static
static: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy shared/pipeline services/fetcher/fetcher services/extractor/extractor services/parser/parser \
	  services/config-api/config_api services/notifier/notifier deploy/standalone/dmarq tests
	$(BIN)/lint-imports

.PHONY: api-lint
api-lint: setup ## what redocly and the AsyncAPI parser say of the API and the bus; needs Node and its packages in tests/node
	@[ -e tests/node/node_modules/.package-lock.json ] || { echo "first install them: npm ci --prefix tests/node"; exit 2; }
	$(BIN)/pytest tests/unit/test_descriptions.py tests/unit/config_api/test_openapi.py $(ARGS)

.PHONY: fix
fix: setup ## format and apply the safe fixes
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: score
score: setup ## judge `dmarq parse` by a manifest; ARGS="FOLDER MANIFEST.tsv"
	$(BIN)/python -m tests.score $(ARGS)

.PHONY: bench
bench: setup ## mails per second from Dovecot to PostgreSQL; ARGS="--mails 5000"
	@sh tests/programs.sh
	$(BIN)/python -m tests.bench $(ARGS)

.PHONY: compose-test
compose-test: setup ## docker-compose.yml under a real engine: images, demo, crash, upgrade, end; ARGS="--no-build"
	$(BIN)/python -m tests.compose $(ARGS)

.PHONY: chaos
chaos: setup ## faults under load: what is lost, doubled, how long recovery takes; ARGS="--mails 2000 --fault 'kill -9 *'"
	@sh tests/programs.sh
	$(BIN)/python -m tests.chaos $(ARGS)

.PHONY: pictures
pictures: setup ## take the README's pictures again, of the pages as they are
	DMARQ_TAKE_PICTURES=1 $(BIN)/pytest tests/web/test_pictures.py

.PHONY: attack
attack: setup ## hostile mails, servers, requests and services against the whole system, as a table; ARGS="rights requests"
	@sh tests/programs.sh
	$(BIN)/python -m tests.attack $(ARGS)

.PHONY: networks
networks: ## fetch a file of networks and their countries (public domain) into deploy/naming, with npm
	cd deploy/naming && npm pack --silent @ip-location-db/geo-whois-asn-country-mmdb \
	  && tar -xzf ip-location-db-*.tgz --strip-components=1 package/geo-whois-asn-country.mmdb && rm ip-location-db-*.tgz
	@echo "use it: DMARQ_NETWORKS_PATHS=deploy/naming/geo-whois-asn-country.mmdb (/naming/... in compose)"

.PHONY: docs
docs: setup ## write the generated pages of docs/ again
	$(BIN)/python -m pipeline.reference docs
	$(BIN)/python -m dmarq.reference docs

build/docs-venv/ready: requirements-docs.lock
	$(PYTHON) -m venv build/docs-venv
	build/docs-venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-docs.lock
	@touch $@

.PHONY: docs-site
docs-site: build/docs-venv/ready ## docs/ as a site with a search that needs no network, in build/site; warnings are errors
	build/docs-venv/bin/zensical build --strict --clean

.PHONY: lock
lock: setup ## resolve requirements.lock again, and from it the locks of the images
	$(BIN)/python -m pip install --quiet uv
	$(COMPILE) $(addsuffix /pyproject.toml,$(PACKAGES)) --group pyproject.toml:dev -o requirements.lock
	for service in fetcher extractor parser config-api notifier; do \
	  $(COMPILE) -c requirements.lock services/$$service/pyproject.toml -o deploy/locks/$$service.txt; done
	$(COMPILE) -c requirements.lock deploy/standalone/pyproject.toml -o deploy/locks/standalone.txt
	$(COMPILE) --group pyproject.toml:docs -o requirements-docs.lock
	$(COMPILE) -c requirements.lock --group pyproject.toml:image-build -o deploy/locks/build.txt

.PHONY: dist
dist: setup ## wheels and sources of all packages, and the lock of what they need, into dist/
	rm -rf dist
	for package in $(PACKAGES); do (cd $$package && $(CURDIR)/$(BIN)/hatchling build --directory $(CURDIR)/dist); done
	cp deploy/locks/standalone.txt dist/requirements.txt

.PHONY: keep-version
keep-version: setup ## keep a data directory as this version leaves it, for the upgrade tests of later ones
	$(BIN)/python -m tests.samples.keep_version

.PHONY: version
version: ## give all packages, images, the chart and the API one version: make version VERSION=1.0.0
	@echo "$(VERSION)" | grep -Eq '^[0-9]+\.[0-9]+\.[0-9]+$$' || { echo "say which: make version VERSION=1.0.0"; exit 2; }
	sed -i 's/^version = ".*"/version = "$(VERSION)"/' $(addsuffix /pyproject.toml,$(PACKAGES))
	sed -i 's/^\(version\|appVersion\): .*/\1: $(VERSION)/' deploy/kubernetes/dmarq/Chart.yaml
	sed -i 's/^ARG VERSION=.*/ARG VERSION=$(VERSION)/' deploy/Dockerfile
	sed -i 's/VERSION: $${DMARQ_VERSION:-[^}]*}/VERSION: $${DMARQ_VERSION:-$(VERSION)}/' docker-compose.yml

.PHONY: clean
clean: ## remove what these commands made
	rm -rf $(VENV) build dist artifacts .mypy_cache .ruff_cache .pytest_cache .hypothesis
