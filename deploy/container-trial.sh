#!/usr/bin/env bash
# Shows that an image keeps its promise: up → healthy → message → duplicate → down (SIGTERM, exit 0) → up on the same
# volume → the message is still there and still a duplicate. The container runs as the image's user, with a read-only
# root file system and without capabilities. Ends with exit code 0 only when all of it holds.
#
#   deploy/container-trial.sh [image]        default: postern
#
# ENGINE             docker or podman (default: the one that is installed)
# TRIAL_PORT         port on 127.0.0.1 (default 18000)
# CONTAINER_OPTIONS  further words for `run`, in place of the published port
set -euo pipefail

image=${1:-postern}
engine=${ENGINE:-$(command -v docker || command -v podman)}
port=${TRIAL_PORT:-18000}
url=http://127.0.0.1:$port
name=postern-trial-$$
secret=trial-$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
network="-p 127.0.0.1:$port:8000"
options=${CONTAINER_OPTIONS:-$network}

say() { printf '%s\n' "$*"; }
fail() {
  say "FAILED: $*" >&2
  "$engine" logs "$name" 2>&1 | tail -n 20 >&2 || true
  exit 1
}
clean() {
  "$engine" rm -f "$name" >/dev/null 2>&1 || true
  "$engine" volume rm "$name" >/dev/null 2>&1 || true
}
trap clean EXIT

up() {
  # shellcheck disable=SC2086 # the options are several words
  "$engine" run -d --name "$name" $options --read-only --cap-drop ALL --security-opt no-new-privileges \
    -v "$name:/data" -e WEBHOOK_SECRET="$secret" "$image" >/dev/null
  for _ in $(seq 100); do
    if "$engine" exec "$name" /usr/local/bin/postern healthcheck >/dev/null 2>&1; then
      say "up: healthcheck exits 0"
      return
    fi
    sleep 0.1
  done
  fail "not healthy after 10 s"
}

down() {
  "$engine" stop -t 15 "$name" >/dev/null
  local code
  code=$("$engine" inspect --format '{{.State.ExitCode}}' "$name")
  [ "$code" = 0 ] || fail "exit code $code after SIGTERM"
  "$engine" rm "$name" >/dev/null
  say "down: SIGTERM, exit 0"
}

# send <expected Postern-Result>: the same message each time
send() {
  local body signature answer
  body='{"message_id":"trial-1","from":"+919876543210","to":"+14155550100","ts":"2025-01-15T10:00:00Z","text":"Hello"}'
  signature=$(printf %s "$body" | openssl dgst -sha256 -hmac "$secret" -r | cut -d' ' -f1)
  answer=$(curl -sS -m 10 -D - -H "X-Signature: $signature" --data-binary "$body" "$url/webhook" | tr -d '\r')
  grep -q '^HTTP/1.1 200' <<<"$answer" || fail "POST /webhook answered: $answer"
  grep -qix "Postern-Result: $1" <<<"$answer" || fail "expected Postern-Result: $1, got: $answer"
  say "send: 200, $1"
}

stored() {
  local page
  page=$(curl -sS -m 10 "$url/messages?message_id=trial-1")
  grep -q '"total":1[,}]' <<<"$page" || fail "GET /messages answered: $page"
  say "stored: $page"
}

"$engine" volume create "$name" >/dev/null
up
refused=$(curl -sS -m 10 -o /dev/null -w '%{http_code}' --data-binary '{}' "$url/webhook")
[ "$refused" = 401 ] || fail "an unsigned message was answered with $refused"
say "unsigned: 401"
send ok
send duplicate
stored
down
up
stored
send duplicate
stored
down
say "passed: $image"
