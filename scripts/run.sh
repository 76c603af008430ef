#!/bin/sh
# Serves on the embedded database; makes a secret once when none is set. What it prints once it listens has a signed
# request to try.
set -eu
bun=node_modules/.bin/bun
if [ -z "${WEBHOOK_SECRET:-}" ] && [ -z "${WEBHOOK_SECRET_FILE:-}" ]; then
  WEBHOOK_SECRET_FILE=data/dev-secret
  if [ ! -s "$WEBHOOK_SECRET_FILE" ]; then
    (umask 077 && mkdir -p data && "$bun" scripts/new-secret.ts > "$WEBHOOK_SECRET_FILE")
  fi
  export WEBHOOK_SECRET_FILE
fi
# Receivers that hang hold up no deliveries to others; Bun reads it when it starts.
export BUN_CONFIG_MAX_HTTP_REQUESTS="${BUN_CONFIG_MAX_HTTP_REQUESTS:-65535}"
exec "$bun" src/main.ts serve --first-message
