#!/bin/sh
# Serves on the embedded database; makes a secret once when none is set, and prints a signed request to try.
set -eu
bun=node_modules/.bin/bun
if [ -z "${WEBHOOK_SECRET:-}" ] && [ -z "${WEBHOOK_SECRET_FILE:-}" ]; then
  WEBHOOK_SECRET_FILE=data/dev-secret
  if [ ! -s "$WEBHOOK_SECRET_FILE" ]; then
    mkdir -p data
    (umask 077 && "$bun" scripts/new-secret.ts > "$WEBHOOK_SECRET_FILE")
  fi
  export WEBHOOK_SECRET_FILE
  echo "The webhook secret is in $WEBHOOK_SECRET_FILE." >&2
fi
echo "A first message, ready to paste into another terminal:" >&2
"$bun" src/main.ts send --dry-run --id hello-1 --from +919876543210 --to +14155550100 --text "Hello, Postern" >&2
# Receivers that hang hold up no deliveries to others; Bun reads it when it starts.
export BUN_CONFIG_MAX_HTTP_REQUESTS="${BUN_CONFIG_MAX_HTTP_REQUESTS:-65535}"
exec "$bun" src/main.ts serve
