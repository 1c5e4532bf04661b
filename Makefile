# What one does with this project, on a machine that has Python 3.11 or newer and make.
# `make help` lists it. Settings come from the environment: docs/deployment.md.

VENV = .venv
BIN = $(VENV)/bin
MANAGE = $(BIN)/python manage.py
SHOP = mechanic_shop customers mechanics inventory tickets

# What the caller's environment may say about a running shop and must not say to tests and checks.
CLEAN = unset DJANGO_SETTINGS_MODULE DATABASE_URL REDIS_URL SECRET_KEY JWT_SIGNING_KEY DEBUG ALLOWED_HOSTS \
	CSRF_TRUSTED_ORIGINS CORS_ALLOWED_ORIGINS NUM_PROXIES THROTTLE_ANON THROTTLE_CUSTOMER THROTTLE_STAFF \
	THROTTLE_LOGIN THROTTLE_SIGNUP THROTTLE_RESET THROTTLE_SHARED HOST PORT WEB_CONCURRENCY THREADS CONNECTIONS_PER_ADDRESS EMAIL_URL DEFAULT_FROM_EMAIL \
	SHOP_NAME SHOP_CURRENCY SHOP_REGION SHOP_STRICT_VIN SHOP_ADDRESS SHOP_PHONE SHOP_EMAIL SHOP_TAX_ID \
	SHOP_PRICES_INCLUDE_TAX SHOP_TAX_ROUNDING SHOP_SUPPLIES SHOP_SUPPLIES_CAP SHOP_SUPPLIES_TAX SHOP_APPROVAL_TOLERANCE \
	SHOP_PAYMENT_DAYS SHOP_INVOICE_SERIES SHOP_CREDIT_NOTE_SERIES REQUIRE_IF_MATCH FAST_PATH TIME_ZONE METRICS_TOKEN LOG_FORMAT; \
	export SECRET_KEY=only-for-tests-and-checks-0123456789-abcdefghijklmnopqrstuvwxyz \
	JWT_SIGNING_KEY=also-only-for-tests-and-checks-0123456789-abcdefghijklmnopqrst

# The same, but for the database and the cache that the caller names for tests.
ELSEWHERE = $(CLEAN); \
	if [ -n "$$SHOP_TEST_DATABASE_URL" ]; then export DATABASE_URL="$$SHOP_TEST_DATABASE_URL"; fi; \
	if [ -n "$$SHOP_TEST_REDIS_URL" ]; then export REDIS_URL="$$SHOP_TEST_REDIS_URL"; fi

.PHONY: help setup run serve test wide slow next browser faults races walk fuzz check lint types migrations-check schema schema-check deploy-check dev clean broken

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' Makefile | while IFS='|' read -r name what; do printf '  make %-17s %s\n' "$$name" "$$what"; done

setup: $(VENV)/installed staticfiles/staticfiles.json ## make .venv, install, migrate, collect static files
	@$(MANAGE) migrate --noinput --verbosity 0

run: setup ## the shop with demo data, at http://127.0.0.1:8000/ unless HOST and PORT say otherwise
	@$(MANAGE) load_demo --if-empty
	@exec $(MANAGE) serve

serve: ## the production server alone, in the foreground
	@test -x $(BIN)/granian || { echo "The shop is not installed here: run make setup first." >&2; exit 1; }
	@exec $(MANAGE) serve

# On SQLite and the in-process cache, whatever the caller's DATABASE_URL says: tests must never meet a real shop.
# Another database or cache is named by SHOP_TEST_DATABASE_URL and SHOP_TEST_REDIS_URL. More arguments: ARGS="-k stock".
test: dev ## the tests
	@$(ELSEWHERE); \
	$(BIN)/python -m pytest -n $${WORKERS:-auto} $(ARGS)

# Each of them migrates databases of its own, or loads the demo again.
slow: dev ## the tests that take longest: the demo shop, old backups, upgrades
	@$(ELSEWHERE); \
	$(BIN)/python -m pytest -n $${WORKERS:-auto} -m slow --ignore=tests/test_random_walk.py $(ARGS)

# What they find seldom depends on the database: .ci/run asks them on PostgreSQL alone.
wide: dev ## every route and page, as every actor, with every odd value
	@$(ELSEWHERE); \
	$(BIN)/python -m pytest -n $${WORKERS:-auto} -m wide $(ARGS)

# Requirements stay on the LTS; this says early what the next Django breaks. Its own deprecations are not ours yet.
DEPRECATED = -W ignore::DeprecationWarning -W ignore::PendingDeprecationWarning
next: .venv-next/installed ## the tests on the newest Django, without the fast path; then those about it
	@$(ELSEWHERE); export FAST_PATH=off; \
	.venv-next/bin/python -m pytest -n $${WORKERS:-auto} $(DEPRECATED) $(ARGS) && \
	FAST_PATH=on .venv-next/bin/python -m pytest -n $${WORKERS:-auto} -m fast_path $(DEPRECATED) $(ARGS)

.venv-next/installed: requirements.txt requirements-dev.txt
	@for found in $${NEXT_PYTHON:-python3.14 python3.13 python3.12 $$HOME/.pyenv/versions/3.1[2-9].*/bin/python}; do \
		if "$$found" -c 'import sys; sys.exit(sys.version_info < (3, 12))' >/dev/null 2>&1; then python=$$found; fi; \
	done; \
	if [ -z "$$python" ]; then echo "Django 6 needs Python 3.12 or newer: name it with make next NEXT_PYTHON=/path/to/python3." >&2; exit 1; fi; \
	"$$python" -m venv --clear .venv-next
	@.venv-next/bin/python -m pip install --quiet --disable-pip-version-check -r requirements.txt -r requirements-dev.txt
	@.venv-next/bin/python -m pip install --quiet --disable-pip-version-check 'Django>=6,<7'
	@touch $@

browser: dev ## the pages in a real browser (Chromium), with screenshots in var/screenshots/
	@$(CLEAN); SHOP_BROWSER_TESTS=1 $(BIN)/python -m pytest -m browser tests/browser $(ARGS)

# Needs, from Debian: postgresql, redis-server, libfaketime. The full disks are mounted by root only; everything else needs no rights.
faults: dev staticfiles/staticfiles.json ## servers, databases, Redis, disks and clocks that fail: about 5 minutes
	@$(CLEAN); $(BIN)/python -m pytest -n $${WORKERS:-2} -m faults tests/faults $(ARGS)

# Another database is named as for the tests. On PostgreSQL two servers race, on SQLite the threads of one.
races: dev ## 200 rounds of every race over customers, vehicles, tickets and money: about 2 minutes
	@$(ELSEWHERE); \
	RACE_ROUNDS=$${RACE_ROUNDS:-200} $(BIN)/python -m pytest -s tests/test_race_rounds.py -k servers $(ARGS)

# Another database is named as for the tests. WALK_SEEDS="7" repeats one walk.
walk: dev ## 2,000 random requests from each of five seeds; the books must balance: about 2 minutes
	@$(ELSEWHERE); \
	$(BIN)/python -m pytest -n $${WORKERS:-2} -m slow tests/test_random_walk.py $(ARGS)

# Seeded anew each time; a failure prints the command that repeats it. ARGS="--as customer --seconds 600" asks as one of them for ten minutes.
fuzz: dev staticfiles/staticfiles.json tests/fuzz/.venv/installed ## what the OpenAPI schema promises, asked for at random as several people
	@exec $(BIN)/python tests/fuzz/fuzz.py $(ARGS)

tests/fuzz/.venv/installed: tests/fuzz/requirements.txt $(BIN)/pip
	@echo "Installing what the fuzzer needs …"
	@test -x tests/fuzz/.venv/bin/python || $(BIN)/python -m venv tests/fuzz/.venv
	@tests/fuzz/.venv/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

check: lint types migrations-check schema-check deploy-check ## everything but the tests

lint: dev ## ruff: rules and format
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: dev ## mypy
	@$(CLEAN); $(BIN)/mypy

migrations-check: dev ## every change of a model has its migration
	@$(CLEAN); $(MANAGE) makemigrations --check --dry-run

schema: dev ## write docs/openapi.yaml anew
	@$(CLEAN); $(MANAGE) spectacular --validate --fail-on-warn --file docs/openapi.yaml

schema-check: dev ## the schema is valid and docs/openapi.yaml is what the code says
	@$(CLEAN); $(MANAGE) spectacular --validate --fail-on-warn --file $(VENV)/openapi.yaml
	@diff -u docs/openapi.yaml $(VENV)/openapi.yaml || { echo "docs/openapi.yaml is stale: run make schema and commit it." >&2; exit 1; }

deploy-check: dev ## Django's own check of a production configuration
	@$(CLEAN); DATABASE_URL=postgres://shop@db.example.com/shop REDIS_URL=redis://127.0.0.1:1/0 ALLOWED_HOSTS=shop.example.com \
	CSRF_TRUSTED_ORIGINS=https://shop.example.com NUM_PROXIES=1 DEFAULT_FROM_EMAIL=shop@example.com \
	$(MANAGE) check --deploy --fail-level WARNING

dev: $(VENV)/installed-dev

clean: ## remove what was installed and built; the shop's data in var/ stay
	rm -rf $(VENV) .venv-next bench/.venv tests/fuzz/.venv staticfiles .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A virtual environment that still starts is kept; one whose Python is gone is made anew. PYTHON=… says with what.
ifneq ($(shell test ! -e $(BIN)/pip || $(BIN)/python -c '' 2>/dev/null || echo broken),)
$(BIN)/pip: broken
endif
$(BIN)/pip:
	@python=; \
	for found in $${PYTHON:-python3.13 python3.12 python3.11 python3 python}; do \
		if "$$found" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then python=$$found; break; fi; \
	done; \
	if [ -z "$$python" ]; then \
		echo "No Python 3.11 or newer was found$${PYTHON:+ at $$PYTHON}: install one, or name it with make PYTHON=/path/to/python3." >&2; exit 1; \
	fi; \
	if ! "$$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then \
		echo "$$python has no ensurepip, so it cannot make a virtual environment: on Debian and Ubuntu, apt-get install python3-venv." >&2; exit 1; \
	fi; \
	"$$python" -m venv --clear $(VENV)

$(VENV)/installed: requirements.txt $(BIN)/pip
	@echo "Installing what the shop needs …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/installed-dev: requirements-dev.txt $(VENV)/installed
	@echo "Installing what tests and checks need …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

# The manifest is what collectstatic writes last.
staticfiles/staticfiles.json: $(VENV)/installed $(shell find $(SHOP) -path '*/static/*' -type f 2>/dev/null)
	@$(MANAGE) collectstatic --noinput --verbosity 0
	@touch $@

# bench/ is a folder too: without .PHONY make would find nothing to do. SCALE=10 is a million tickets; more: ARGS="--suites postgres".
.PHONY: bench bench-quick

bench: $(VENV)/installed bench/.venv/installed ## this shop beside Flask, FastAPI and the floor, about an hour
	@exec $(BIN)/python bench/bench.py $(ARGS)

bench-quick: $(VENV)/installed ## this shop beside the floor, under 2 minutes
	@exec $(BIN)/python bench/bench.py --quick $(ARGS)

bench/.venv/installed: bench/requirements.txt requirements.txt $(VENV)/installed
	@echo "Installing what the reference servers need …"
	@test -x bench/.venv/bin/python || $(BIN)/python -m venv bench/.venv
	@bench/.venv/bin/python -m pip install --quiet --disable-pip-version-check -r bench/requirements.txt
	@touch $@
