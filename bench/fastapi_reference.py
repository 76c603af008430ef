"""The yardstick: the native part of Postern's contract on FastAPI, tuned as well as it honestly can be.

It commits each message by itself and answers only after the fsync. One process with one worker, as Postern itself:
one process writes a SQLite file, and a second worker would only wait for the first one's lock; on PostgreSQL more
processes are more replicas.
"""

import asyncio
import gc
import hashlib
import hmac
import json
import os
import re
import secrets
import sys
import time
from datetime import datetime, timezone
from typing import Awaitable, Optional, Protocol

import uvicorn
from fastapi import FastAPI, Query, Request
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Histogram, generate_latest
from pydantic import BaseModel, Field, StrictStr, ValidationError, validator

SECRET = os.environ["WEBHOOK_SECRET"].encode()
HOST = os.environ.get("HOST", "127.0.0.1")
PORT = int(os.environ.get("PORT", "8000"))
LEVELS = {"DEBUG": 10, "INFO": 20, "WARN": 30, "ERROR": 40}
LOG_LEVEL = LEVELS[os.environ.get("LOG_LEVEL", "INFO").upper()]
BODY_BYTES_MAX = 4 * 1024 * 1024
INPUT_CHARACTERS_MAX = 100
LOG_FLUSH_SECONDS = 0.05

SIGNATURE = re.compile(rb"[0-9a-f]{64}")
REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,128}")
PHONE = re.compile(r"\+[0-9]{1,31}")
TIMESTAMP = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?Z"
)
PAGE_NUMBER = re.compile("[0-9]{1,15}")


# Messages


def storable(value: str) -> str:
    if "\0" in value:
        raise ValueError("must not contain U+0000")
    if not value.isascii() and has_lone_surrogate(value):
        raise ValueError("must not contain a lone surrogate")
    return value


def has_lone_surrogate(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return True
    return False


def phone(value: str) -> str:
    if not PHONE.fullmatch(value):
        raise ValueError("must be '+' and digits, at most 32 characters")
    return value


def timestamp(value: str) -> str:
    match = TIMESTAMP.fullmatch(value)
    if not match:
        raise ValueError("must look like 2025-01-15T10:00:00Z")
    datetime(int(match[1]), int(match[2]), int(match[3]))
    return value


def instant_key(ts: str) -> str:
    """What orders timestamps as instants: no 'Z', no trailing zeros of a fraction."""
    key = ts[:-1]
    return key.rstrip("0").rstrip(".") if "." in key else key


class Message(BaseModel):
    message_id: StrictStr = Field(min_length=1, max_length=512)
    sender: StrictStr = Field(alias="from")
    to: StrictStr
    ts: StrictStr
    text: Optional[StrictStr] = Field(default=None, max_length=4096)

    @validator("message_id")
    def message_id_is_visible(cls, value: str) -> str:
        if value.isspace():
            raise ValueError("must not be only white space")
        return storable(value)

    @validator("sender", "to")
    def numbers_are_phones(cls, value: str) -> str:
        return phone(value)

    @validator("ts")
    def ts_is_a_date(cls, value: str) -> str:
        return timestamp(value)

    @validator("text")
    def text_is_storable(cls, value: Optional[str]) -> Optional[str]:
        return None if value is None else storable(value)


class Invalid(Exception):
    """Bad input, with the entries of the 422 answer."""

    def __init__(self, detail: list) -> None:
        self.detail = detail


def entry(kind: str, loc: list, msg: str, value: object) -> dict:
    shown = value if value is None or isinstance(value, (bool, int, float)) else str(value)[:INPUT_CHARACTERS_MAX]
    return {"type": kind, "loc": loc, "msg": msg, "input": shown}


def refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


decode_json = json.JSONDecoder(parse_constant=refuse_constant).decode


def parse_message(body: bytes) -> Message:
    try:
        value = decode_json(body.decode())
    except (ValueError, RecursionError):
        raise Invalid([entry("json_invalid", ["body"], "must be one JSON value in UTF-8", None)])
    if not isinstance(value, dict):
        raise Invalid([entry("dict_type", ["body"], "must be an object", value)])
    try:
        return Message(**{name: value[name] for name in ("message_id", "from", "to", "ts", "text") if name in value})
    except ValidationError as error:
        raise Invalid(
            [entry(e["type"], ["body", *e["loc"]], e["msg"], value.get(e["loc"][0])) for e in error.errors()]
        )


# Store


def fold(text: Optional[str]) -> Optional[str]:
    """Simple case folding: each character alone, never to more than one."""
    if text is None or (text.isascii() and text.islower()):
        return text
    return "".join(fold_character(character) for character in text)


def fold_character(character: str) -> str:
    for folded in (character.casefold(), character.lower()):
        if len(folded) == 1:
            return folded
    return character


class Store(Protocol):
    """What both databases offer, in a file each. A row is what `row_of` makes."""

    FAILURES: tuple
    # The condition that a text holds `?`, which is folded.
    HAS_TEXT: str

    async def start(self) -> None: ...

    def store(self, row: tuple) -> Awaitable[str]:
        """Commits one message, fsync'ed when it returns, and says what it was: created, duplicate or differing."""

    def find(self, wanted: list, limit: int, offset: int) -> Awaitable[tuple]:
        """A page and its total. `wanted`: conditions with `?` for their value, and the values."""

    def count(self) -> Awaitable[dict]: ...

    def probe(self, now: str) -> Awaitable[None]: ...

    async def close(self) -> None: ...


def open_store(url: str) -> Store:
    if url.startswith("sqlite:///"):
        from fastapi_sqlite import SqliteStore

        return SqliteStore(url.removeprefix("sqlite:///"), fold)
    from fastapi_postgres import PostgresStore

    return PostgresStore(url)


database = open_store(os.environ["DATABASE_URL"])


def now_text() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def row_of(message: Message) -> tuple:
    return (
        message.message_id,
        message.sender,
        message.to,
        message.ts,
        message.text,
        now_text(),
        instant_key(message.ts),
    )


# Logs and metrics

log_lines: list = []


def log(level: str, fields: dict) -> None:
    if LEVELS[level] < LOG_LEVEL:
        return
    if not log_lines:
        asyncio.get_running_loop().call_later(LOG_FLUSH_SECONDS, flush_log)
    log_lines.append(encode_json({"timestamp": now_text(), "level": level, **fields}))


def flush_log() -> None:
    sys.stdout.write("\n".join(log_lines) + "\n" if log_lines else "")
    sys.stdout.flush()
    log_lines.clear()


encode_json = json.JSONEncoder(separators=(",", ":")).encode

http_requests = Counter("http_requests_total", "Requests by route and status.", ["method", "path", "status"])
webhook_requests = Counter("webhook_requests_total", "Webhook requests by result.", ["result"])
duplicates_differing = Counter("webhook_duplicates_differing_total", "Duplicates that differ from what is stored.")
latency = Histogram(
    "request_latency_ms",
    "Milliseconds from a request's head to the end of its answer.",
    buckets=(1, 2, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000),
)
RESULTS = ("ok", "duplicate", "invalid_signature", "validation_error", "overloaded", "error")
webhook_counters = {result: webhook_requests.labels(result) for result in RESULTS}
http_counters: dict = {}
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


def count_request(method: str, path: str, status: int, latency_ms: float) -> None:
    key = (method if method in METHODS else "OTHER", path, status)
    counter = http_counters.get(key)
    if counter is None:
        counter = http_counters[key] = http_requests.labels(*key)
    counter.inc()
    latency.observe(latency_ms)


class Observed:
    """Plain ASGI middleware: request ids, one log line and the metrics of every request."""

    def __init__(self, app) -> None:
        self.app = app

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        started = time.perf_counter()
        request_id = caller_request_id(scope) or secrets.token_hex(16)
        notes = scope["notes"] = {}
        status = 500

        async def send_observed(event) -> None:
            nonlocal status
            if event["type"] == "http.response.start":
                status = event["status"]
                event["headers"].append((b"x-request-id", request_id.encode()))
            await send(event)

        try:
            await self.app(scope, receive, send_observed)
        finally:
            latency_ms = (time.perf_counter() - started) * 1000
            route = scope.get("route")
            count_request(scope["method"], route.path if route else "unmatched", status, latency_ms)
            log(
                notes.pop("level", "INFO"),
                {
                    "request_id": request_id,
                    "method": scope["method"],
                    "path": scope["path"],
                    "status": status,
                    "latency_ms": round(latency_ms, 3),
                    **notes,
                },
            )


def caller_request_id(scope) -> Optional[str]:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and REQUEST_ID.fullmatch(value):
            return value.decode()
    return None


# Routes

app = FastAPI(openapi_url=None)
app.add_middleware(Observed)


def result_response(request: Request, status: int, body: bytes, result: str, **notes) -> Response:
    webhook_counters[result].inc()
    request.scope["notes"].update(result=result, source="native", **notes)
    return Response(body, status, {"postern-result": result}, "application/json")


async def read_body(request: Request) -> Optional[bytes]:
    """The whole body, or None when it is too large; read to its end, so that the client gets the answer."""
    if int(request.headers.get("content-length", BODY_BYTES_MAX + 1)) <= BODY_BYTES_MAX:
        return await request.body()
    body = bytearray()
    too_large = False
    async for chunk in request.stream():
        too_large = too_large or len(body) + len(chunk) > BODY_BYTES_MAX
        if not too_large:
            body += chunk
    return None if too_large else bytes(body)


def signature_holds(signature: bytes, body: bytes) -> bool:
    return hmac.compare_digest(signature, hmac.digest(SECRET, body, hashlib.sha256).hex().encode())


@app.post("/webhook")
async def webhook(request: Request) -> Response:
    signature = request.headers.get("x-signature", "").encode("latin-1")
    if not SIGNATURE.fullmatch(signature):
        return invalid_signature(request)
    body = await read_body(request)
    if body is None:
        return result_response(request, 413, b'{"detail":"body too large"}', "validation_error", duplicate=False)
    if not signature_holds(signature, body):
        return invalid_signature(request)
    try:
        message = parse_message(body)
    except Invalid as invalid:
        answer = encode_json({"detail": invalid.detail}).encode()
        return result_response(request, 422, answer, "validation_error", duplicate=False)
    try:
        return stored_response(request, message, await database.store(row_of(message)))
    except database.FAILURES:
        response = result_response(request, 503, b'{"detail":"the store can\'t write"}', "error", level="ERROR")
        response.headers["retry-after"] = "1"
        return response


def invalid_signature(request: Request) -> Response:
    answer = b'{"detail":"invalid signature"}'
    return result_response(request, 401, answer, "invalid_signature", duplicate=False, level="ERROR")


def stored_response(request: Request, message: Message, outcome: str) -> Response:
    notes = {"message_id": message.message_id, "duplicate": outcome != "created"}
    if outcome == "differing":
        duplicates_differing.inc()
        notes.update(level="WARN", differs=True)
    result = "ok" if outcome == "created" else "duplicate"
    return result_response(request, 200, b'{"status":"ok"}', result, **notes)


def page_number(name: str, text: str, low: int, high: int) -> int:
    if not PAGE_NUMBER.fullmatch(text) or not low <= int(text) <= high:
        raise Invalid([entry("number_invalid", ["query", name], f"must be from {low} to {high}", text)])
    return int(text)


def instant_filter(name: str, text: str) -> Optional[str]:
    if text == "":
        return None
    try:
        return instant_key(timestamp(text))
    except ValueError as error:
        raise Invalid([entry("ts_invalid", ["query", name], str(error), text)])


def phone_filter(text: str) -> str:
    """A query string turns '+' into a space: a leading space, or none, means '+'."""
    return text if text == "" or text.startswith("+") else "+" + text.removeprefix(" ")


@app.get("/messages")
async def messages(
    limit: str = "50",
    offset: str = "0",
    sender: str = Query("", alias="from"),
    to: str = "",
    message_id: str = "",
    since: str = "",
    until: str = "",
    q: str = "",
) -> Response:
    rows_wanted = page_number("limit", limit, 1, 100)
    rows_skipped = page_number("offset", offset, 0, 10**15)
    filters = [
        ("from_msisdn = ?", phone_filter(sender)),
        ("to_msisdn = ?", phone_filter(to)),
        ("message_id = ?", message_id),
        ("ts_key >= ?", instant_filter("since", since)),
        ("ts_key < ?", instant_filter("until", until)),
        (database.HAS_TEXT, fold(q)),
    ]
    wanted = [(condition, value) for condition, value in filters if value]
    data, total = await database.find(wanted, rows_wanted, rows_skipped)
    return JSONResponse({"data": data, "total": total, "limit": rows_wanted, "offset": rows_skipped})


@app.get("/stats")
async def stats() -> Response:
    return JSONResponse(await database.count())


@app.get("/health/live")
async def live() -> Response:
    return JSONResponse({"status": "alive"})


@app.get("/health/ready")
async def ready() -> Response:
    try:
        await database.probe(now_text())
    except database.FAILURES:
        return JSONResponse({"detail": "the store can't write"}, 503)
    return JSONResponse({"status": "ready"})


@app.get("/metrics")
async def metrics() -> Response:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


@app.exception_handler(Invalid)
async def invalid_answer(_: Request, invalid: Invalid) -> Response:
    return JSONResponse({"detail": invalid.detail}, 422)


@app.on_event("startup")
async def start_database() -> None:
    await database.start()
    gc.collect()
    gc.freeze()


@app.on_event("shutdown")
async def close_database() -> None:
    flush_log()
    await database.close()


if __name__ == "__main__":
    uvicorn.run(
        app,
        host=HOST,
        port=PORT,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=60,
    )
