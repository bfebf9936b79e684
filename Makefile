PYTHON ?= python3
RUNS ?= 200
SEED ?=
DATABASE ?= sqlite
STORIES ?= 200
ONLY ?=
ROOM ?=
TESTS ?=
SBOM ?= sbom.json
PORT ?= 8000
SANDBOX_PORT ?= 9100
DEMO_HOME ?= var/demo
SCALE ?= 1
ROUNDS ?= 9
SCALES ?= 0.01 0.1 1 10
BIN := .venv/bin
NOT_OURS := --ignore "tests/*" --ignore ".venv/*" --ignore "var/*" --ignore "static/vendor/*"
.DEFAULT_GOAL := help
.PHONY: help demo demo-reset run test bench bench-running growth bench-quick plans test-quick faults throughput mutants shots weights messages lint format lock audit sbom pin

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' Makefile

.venv/ready: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] < (3, 11) and "Python 3.11 or newer is needed; this is %d.%d." % sys.version_info[:2])'
	@$(PYTHON) -m venv --without-pip --clear .venv
	@$(PYTHON) -m pip --python $(BIN)/python install --quiet --disable-pip-version-check --require-hashes -r requirements.txt || { echo "The packages could not be installed: is there a network?" >&2; exit 1; }
	@touch $@

.venv/ready-dev: .venv/ready requirements-dev.txt
	@$(PYTHON) -m pip --python $(BIN)/python install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt || { echo "The packages could not be installed: is there a network?" >&2; exit 1; }
	@touch $@

demo: .venv/ready ## the portal with a stand-in for Roboflow, people and deployments to play with
	@PORTAL_HOME="$(DEMO_HOME)" exec $(BIN)/python manage.py up --demo --port $(PORT) --sandbox-port $(SANDBOX_PORT)

demo-reset: ## forget everything of the demo
	@rm -rf "$(DEMO_HOME)"

run: .venv/ready ## the portal on this machine, against real Roboflow; begins at /setup/
	@exec $(BIN)/python manage.py up --port $(PORT)

test: .venv/ready-dev ## all tests, on SQLite and on PostgreSQL
	@tests/programs.sh
	@$(BIN)/python -m pytest -n 4 -m "not browser and not processes" tests
	@$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder -m "browser or processes" tests
	@# The pages of tests/web look the same on both databases.
	@TEST_DATABASE=postgresql $(BIN)/python -m pytest -n 4 -m "django and not browser" --ignore tests/web tests

	@$(MAKE) --no-print-directory bench-quick

bench: .venv/ready-dev ## time pages, logs, sync and trail after a year of use, on both databases, against floors; SCALE=1, ROUNDS=9
	@rm -f var/bench.json
	@for database in sqlite postgresql; do \
	  TEST_DATABASE=$$database BENCH_JSON=var/bench.json BENCH_SCALE="$(SCALE)" BENCH_ROUNDS="$(ROUNDS)" $(BIN)/python -m pytest -q -s \
	    --durations=0 -o timeout=0 -o python_files='bench_*.py' --ignore tests/benchmarks/bench_quick.py \
	    --ignore tests/benchmarks/bench_growth.py --ignore tests/benchmarks/bench_plans.py tests/benchmarks || exit 1; done
	@BENCH_JSON=var/bench.json $(BIN)/python -m tests.benchmarks.running

bench-running: .venv/ready-dev ## what a running portal costs at rest, and how soon it shows a click
	@$(BIN)/python -m tests.benchmarks.running

growth: .venv/ready-dev ## time pages, polls, syncs and periodic work from 100 to 100,000 deployments, and draw docs/growth-sqlite.svg; SCALES="0.01 0.1 1 10", DATABASE=sqlite|postgresql
	@rm -f var/growth.json
	@for scale in $(SCALES); do \
	  TEST_DATABASE="$(DATABASE)" BENCH_SCALE=$$scale GROWTH_JSON=var/growth.json $(BIN)/python -m pytest -q -s --durations=0 -o timeout=0 \
	    -o python_files='bench_*.py' tests/benchmarks/bench_growth.py || exit 1; done
	@$(BIN)/python -m tests.benchmarks.chart var/growth.json docs/growth-$(DATABASE).svg

bench-quick: .venv/ready-dev ## count queries, bytes and rows of pages, syncs and polls: what depends on no machine
	@BENCH_SCALE=0.01 $(BIN)/python -m pytest -q --durations=0 -o python_files='bench_*.py' tests/benchmarks/bench_quick.py

plans: .venv/ready-dev ## ask both databases which questions each index answers, into docs/plans.md
	@rm -f var/plans.json
	@for database in sqlite postgresql; do \
	  TEST_DATABASE=$$database PLANS_JSON=var/plans.json BENCH_SCALE=0.2 $(BIN)/python -m pytest -q -s --durations=0 -o timeout=0 \
	    -o python_files='bench_*.py' tests/benchmarks/bench_plans.py || exit 1; done

test-quick: .venv/ready-dev ## the tests without browser, sandbox and processes, on SQLite
	@$(BIN)/python -m pytest -n 2 -m "not browser and not processes" --ignore tests/sandbox tests

faults: .venv/ready-dev ## break the running portal on purpose, RUNS=200 times, by SEED, DATABASE=sqlite|postgresql|compose
	@RUNS="$(RUNS)" SEED="$(SEED)" DATABASE="$(DATABASE)" ONLY="$(ONLY)" DOCKER="$(DOCKER)" $(BIN)/python -m tests.faults
	@STORIES="$(STORIES)" $(BIN)/python -m pytest tests/faults/test_stories.py -o timeout=3600

throughput: .venv/ready-dev ## what replicas of web and workers bring, with Docker Compose; DOCKER=docker
	@DOCKER="$(DOCKER)" $(BIN)/python -m tests.faults.composed.throughput

mutants: .venv/ready-dev ## change one place of ROOM=fleet at a time: which changes do its tests miss? ONLY=sync.py, TESTS=tests/fleet, SAMPLE=100
	@ROOM="$(ROOM)" ONLY="$(ONLY)" TESTS="$(TESTS)" SAMPLE="$(SAMPLE)" SEED="$(SEED)" $(BIN)/python -m tests.mutants

shots: .venv/ready-dev ## pictures of every page, into docs/screenshots
	@$(BIN)/python -m tests.tools.shots

weights: .venv/ready-dev ## what a browser loads: a first visit, a poll, one change
	@$(BIN)/python -m tests.tools.weigh

messages: .venv/ready ## collect the texts of the pages for translators, into portal/locale; needs gettext
	@$(BIN)/python manage.py makemessages --locale en --add-location file $(NOT_OURS)
	@$(BIN)/python manage.py makemessages --locale en --add-location file --domain djangojs $(NOT_OURS)

lint: .venv/ready-dev ## ruff, mypy, import contracts, templates
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy portal deployments tests/tools/audit_packages.py tests/tools/pin_images.py
	@$(BIN)/lint-imports
	@$(BIN)/djlint --lint --quiet templates

format: .venv/ready-dev ## format the code
	@$(BIN)/ruff check --fix --quiet . ; $(BIN)/ruff format .

lock: .venv/ready-dev ## pin requirements.in and requirements-dev.in with hashes
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header requirements.in -o requirements.txt
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header requirements-dev.in -o requirements-dev.txt

audit: .venv/ready-dev ## look up the packages of requirements.txt among known vulnerabilities
	@$(BIN)/python tests/tools/audit_packages.py

sbom: .venv/ready-dev ## write what the portal is made of into SBOM=sbom.json (CycloneDX)
	@PYTHONWARNINGS=ignore $(BIN)/python -m cyclonedx_py requirements --pyproject pyproject.toml --mc-type application --output-reproducible --of JSON -o $(SBOM) requirements.txt
	@echo "$(SBOM) is written."

pin: ## write the digests of Docker's base images into .env, so that Docker uses exactly these
	@$(PYTHON) tests/tools/pin_images.py
