# Everything a person or CI runs. `make run` and `make test` need Node with npm, make and git; they install the rest.
BUN := node_modules/.bin/bun
# What the caller's shell holds must not change a test.
CLEAN_ENV := env -u WEBHOOK_SECRET -u WEBHOOK_SECRET_FILE -u WEBHOOK_SECRET_PREVIOUS -u POSTERN_CONFIG -u DATABASE_URL -u DATABASE_DIRECT_URL -u DATABASE_READ_URL -u API_TOKEN \
	-u API_TOKEN_PREVIOUS -u ALLOWED_HOSTS -u PORT -u READ_PORT -u HOST -u LOG_LEVEL -u LOG_FORMAT -u METRICS_PUBLIC \
	-u POSTERN_TEST_ENGINE -u POSTERN_TEST_SERVER -u POSTERN_TEST_EXECUTABLE -u PGPASSWORD -u PGSSL -u PGAPPNAME -u PGTARGETSESSIONATTRS

.PHONY: run lint check format test test-long test-postgres-versions bench bench-soak bench-growth bench-events bench-follow bench-deliver bench-dashboard bench-postgres bench-attacks bench-designs bench-search-designs screenshots up down reset logs image image-trial clean

node_modules/.installed: package-lock.json
	npm ci --no-audit --no-fund --loglevel=error
	@touch $@

## What editors check postern.yaml by; made from the kinds of sources.
postern.schema.json: node_modules/.installed $(shell find src/sources src/config-file -name '*.ts')
	@$(BUN) src/main.ts config-schema > $@

## The dashboard, as the service holds it; and the types of the API by which it is compiled.
src/features/dashboard/bundle.txt: node_modules/.installed scripts/build-ui.ts src/features/icon.ts $(shell find src/ui -type f ! -name '*.d.ts')
	@$(BUN) scripts/build-ui.ts > /dev/null

src/ui/api-types.d.ts: node_modules/.installed scripts/build-ui-types.ts $(shell find src -name '*.ts' ! -path 'src/ui/*')
	@$(BUN) scripts/build-ui-types.ts

## Serve on the embedded database, with a secret of its own if WEBHOOK_SECRET is not set.
run: node_modules/.installed postern.schema.json src/features/dashboard/bundle.txt
	@exec sh scripts/run.sh

lint: node_modules/.installed src/ui/api-types.d.ts
	node_modules/.bin/biome check .
	node_modules/.bin/tsc
	node_modules/.bin/tsc --project src/ui

## Format, lint, types, structure.
check: lint
	$(CLEAN_ENV) $(BUN) test tests/tidy.test.ts

format: node_modules/.installed
	node_modules/.bin/biome check --write .

## All tests: unit, contract, HTTP, command line, faults (three kills), side by side; HTTP and kills again on PostgreSQL.
## They start a server of their own, unless POSTGRES_URL names another one, or POSTGRES_BIN the folder of other binaries.
test: lint src/features/dashboard/bundle.txt
	@$(CLEAN_ENV) $(BUN) scripts/run-tests.ts

## The same with twenty kills, more messages, 100,000 records through the ledger and longer attacks.
test-long: lint src/features/dashboard/bundle.txt
	@$(CLEAN_ENV) POSTERN_KILL_ROUNDS=20 POSTERN_REPLICA_IDS=200000 POSTERN_LEDGER_SECONDS=120 POSTERN_LEDGER_RECORDS=100000 POSTERN_ATTACK_SECONDS=2 $(BUN) scripts/run-tests.ts --long

## What concerns PostgreSQL, on each version that is supported (npm's binaries, fetched once): about twenty minutes. V="14 17" runs these alone.
test-postgres-versions: node_modules/.installed
	$(CLEAN_ENV) $(BUN) scripts/postgres-versions.ts $(V)

## Postern, the FastAPI and the Fastify reference and a bare server in turn (needs Debian's wrk and Python packages, see bench/README.md).
bench: node_modules/.installed
	$(CLEAN_ENV) $(BUN) bench/run.ts

## Sixty seconds of load: memory, lost requests, log lines.
bench-soak: node_modules/.installed
	$(CLEAN_ENV) $(BUN) bench/soak.ts

## Start, reads, ingest and files from ten thousand to ten million messages: about an hour, 25 GB of disk.
bench-growth: node_modules/.installed
	$(CLEAN_ENV) $(BUN) bench/growth.ts

## Reads of events, at ten thousand and a million of them.
bench-events: node_modules/.installed
	$(CLEAN_ENV) $(BUN) bench/events.ts

## Streams and pages of the log: how soon they have a message, and what they cost those who send: about twelve minutes.
bench-follow: node_modules/.installed
	$(CLEAN_ENV) $(BUN) bench/follow.ts

## What destinations get, and what they cost: about fifteen minutes.
bench-deliver: node_modules/.installed
	$(CLEAN_ENV) $(BUN) bench/deliver.ts

## The dashboard in Chromium over a million messages: about eight minutes.
bench-dashboard: node_modules/.installed
	$(CLEAN_ENV) $(BUN) bench/dashboard.ts

## One and three replicas on one PostgreSQL, a row a statement, and the FastAPI reference; then reads (needs what `bench` needs
## and python3-asyncpg).
bench-postgres: node_modules/.installed
	$(CLEAN_ENV) $(BUN) bench/postgres.ts

## The worst requests that are known, and what they cost everybody else: about ten minutes.
bench-attacks: node_modules/.installed
	$(CLEAN_ENV) $(BUN) bench/attacks.ts

## Designs of the acknowledging transaction against each other: about forty minutes, 12 GB of disk.
bench-designs: node_modules/.installed
	$(CLEAN_ENV) $(BUN) bench/designs.ts

## The search index against FTS5's trigrams and a scan, at a million texts: about three minutes.
bench-search-designs: node_modules/.installed
	$(CLEAN_ENV) $(BUN) bench/search-designs.ts

## The pictures of the docs: the dashboard with made-up messages, in Chromium. P="messages-light message" takes these alone.
screenshots: node_modules/.installed
	$(CLEAN_ENV) $(BUN) scripts/screenshots.ts $(P)

up:
	docker compose up -d --build

down:
	docker compose down

## Stops and deletes the stored messages.
reset:
	docker compose down -v

logs:
	docker compose logs -f api

image:
	docker build -t postern .

## Builds the image and shows that it keeps a message over a restart.
image-trial: image
	deploy/container-trial.sh postern

clean:
	rm -rf node_modules bench/fastify/node_modules tests/client/node_modules dist
