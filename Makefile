# Every target sets up what it needs first (packaging/setup.sh), so each works on a fresh machine.
PYTHON := .venv/bin/python
# Two workers per processor (tests/scheduling.py); WORKERS=0 runs the tests one by one.
PYTEST := $(PYTHON) -m pytest -n $(or $(WORKERS),auto)
# uv trusts whom the system trusts, as pip does: many networks have an authority of their own.
export UV_SYSTEM_CERTS := true
.PHONY: run test unit lint format bench bench-versus bench-drift soak faults fuzz locales environments
.PHONY: bundle screenshot clean contract audit

run: ## A rehearsal on the embedded local Atlas; without a display, a measured test call
	@sh packaging/run.sh

test: ## Everything: lint, unit, window and end-to-end tests on a virtual desk
	@sh packaging/setup.sh run desk test
	@$(MAKE) --no-print-directory lint
	$(PYTEST)

unit: ## The fast tests only
	@sh packaging/setup.sh run
	$(PYTEST) tests/unit

lint:
	@sh packaging/setup.sh
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/lint-imports
	.venv/bin/mypy

format:
	@sh packaging/setup.sh
	.venv/bin/ruff check --fix
	.venv/bin/ruff format

bench: ## Start-up, picture and sound figures, once beside Chromium, as JSON in out/
	@sh packaging/setup.sh run desk test bench
	$(PYTHON) -m tests.bench.versus
	$(PYTHON) -m tests.bench

bench-versus: ## All figures beside Chromium; writes docs/performance.md (PAIRS=…, an hour for 5)
	@sh packaging/setup.sh run desk test bench
	$(PYTHON) -m tests.bench.versus --fresh --pairs $(or $(PAIRS),5) \
		--size 512@25 1280x720@30 1920x1080@30 --condition idle busy stalled
	$(PYTHON) -m tests.bench.versus --write --pairs $(or $(PAIRS),5) --seconds 2 \
		--size 512@25 1280x720@30 1920x1080@30 --condition start --viewers program chromium

bench-drift: ## Half an hour with a sender whose sound runs fast (PPM=…), beside Chromium
	@sh packaging/setup.sh run desk test bench
	$(PYTHON) -m tests.bench.versus --write --seconds 1800 --ppm=$(or $(PPM),300)

soak: ## An hour of rehearsal, watched for growth (SECONDS=…)
	@sh packaging/setup.sh run desk test
	$(PYTHON) -m tests.bench.soak $(or $(SECONDS),3600)

faults: ## Programs hurt at every stage of a paid session; nothing may be left billing (RUNS=…)
	@sh packaging/setup.sh run desk test
	$(PYTHON) -m tests.faults --runs $(or $(RUNS),500)
	$(PYTHON) -m tests.faults --kind hostile --runs $(or $(RUNS),200)
	$(PYTHON) -m tests.faults.real_limits

fuzz: ## Hostile answers, rooms and files for hours; writes docs/hostile.md (KINDS=…, COUNT=…)
	@sh packaging/setup.sh run desk test
	$(PYTHON) -m tests.hostile $(KINDS) $(if $(COUNT),--count $(COUNT)) --write

contract: ## After a changed pin in pyproject.toml: locks and installs it, tests what leans on its insides
	@sh packaging/setup.sh run
	.venv/bin/uv lock
	@sh packaging/setup.sh run
	$(PYTEST) -m contract

audit: ## Compares uv.lock with the published security advisories; needs a network
	@sh packaging/setup.sh
	@sh packaging/advisories.sh

locales: ## The end-to-end tests under a comma locale, other digits and right to left, and C (LOCALES=…)
	@sh packaging/setup.sh run desk test
	for locale in $(or $(LOCALES),de_DE.UTF-8 ar_EG.UTF-8 C); do \
		echo "$$locale"; $(PYTEST) tests/e2e --locale $$locale || exit 1; done

environments: ## A rehearsal in many environments; writes docs/environments.md (ten minutes)
	@sh packaging/setup.sh run desk test
	$(PYTHON) -m tests.environments --write

bundle: ## A PyInstaller bundle in dist/, then its own test call
	@sh packaging/setup.sh run desk
	@sh packaging/bundle.sh

clean:
	rm -rf .venv build dist out .mypy_cache .ruff_cache .pytest_cache
