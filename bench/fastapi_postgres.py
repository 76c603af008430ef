"""The reference's messages on PostgreSQL, by asyncpg: one statement a message, which is its own transaction.

A pool of connections with their statements prepared, so that a message costs one round trip; asyncpg's own pool would
spend another one on resetting each connection. `POOL_CONNECTIONS` is how many.
"""

import asyncio
import os
import time
from typing import Optional

import asyncpg

POOL_CONNECTIONS = int(os.environ.get("POOL_CONNECTIONS", "32"))
COMMIT_AGE_SECONDS_MAX = 5
PROBE_INTERVAL_SECONDS = 1
SENDERS_SHOWN = 10

SCHEMA = """
    create table if not exists messages (
      message_id text collate "C" primary key, from_msisdn text collate "C" not null, to_msisdn text collate "C" not null,
      ts text collate "C" not null, text text collate "C", created_at text collate "C" not null,
      ts_key text collate "C" not null);
    create index if not exists messages_ts on messages (ts_key, message_id);
    create table if not exists probe (id integer primary key, at text not null);
"""
# Replicas that start at once make the tables one after the other.
SCHEMA_LOCK = 1
INSERT = "insert into messages values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing returning true"
SELECT = "select from_msisdn, to_msisdn, ts, text from messages where message_id = $1"


class Prepared:
    def __init__(self, connection: asyncpg.Connection) -> None:
        self.connection = connection
        self.insert: Optional[asyncpg.prepared_stmt.PreparedStatement] = None


class PostgresStore:
    FAILURES = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError)
    HAS_TEXT = "position(? in lower(text)) > 0"

    def __init__(self, url: str) -> None:
        self.url = url
        self.last_commit = 0.0
        self.last_probe = 0.0

    async def start(self) -> None:
        self.free: asyncio.LifoQueue = asyncio.LifoQueue()
        self.connections = [await asyncpg.connect(self.url) for _ in range(POOL_CONNECTIONS)]
        async with self.connections[0].transaction():
            await self.connections[0].execute(f"select pg_advisory_xact_lock({SCHEMA_LOCK})")
            await self.connections[0].execute(SCHEMA)
        for connection in self.connections:
            self.free.put_nowait(Prepared(connection))

    async def close(self) -> None:
        for connection in self.connections:
            await connection.close()

    async def store(self, row: tuple) -> str:
        prepared = await self.free.get()
        try:
            # Only now: a statement that is prepared and not run yet keeps its lock on the table.
            if prepared.insert is None:
                prepared.insert = await prepared.connection.prepare(INSERT)
            inserted = await prepared.insert.fetchval(*row)
            self.last_commit = time.monotonic()
            if inserted:
                return "created"
            stored = await prepared.connection.fetchrow(SELECT, row[0])
            return "duplicate" if tuple(stored) == row[1:5] else "differing"
        finally:
            self.free.put_nowait(prepared)

    async def find(self, wanted: list, limit: int, offset: int) -> tuple:
        places = enumerate((condition for condition, _ in wanted), 1)
        where = " and ".join(condition.replace("?", f"${place}") for place, condition in places) or "true"
        values = [value for _, value in wanted]
        prepared = await self.free.get()
        try:
            total = await prepared.connection.fetchval(f"select count(*) from messages where {where}", *values)
            rows = await prepared.connection.fetch(
                f"""select message_id, from_msisdn as "from", to_msisdn as "to", ts, text from messages where {where}
                    order by ts_key, message_id limit {limit} offset {offset}""",
                *values,
            )
        finally:
            self.free.put_nowait(prepared)
        return [dict(row) for row in rows], total

    async def count(self) -> dict:
        prepared = await self.free.get()
        connection = prepared.connection
        try:
            senders = await connection.fetch(
                """select from_msisdn as "from", count(*) as count from messages group by from_msisdn
                   order by count(*) desc, from_msisdn limit $1""",
                SENDERS_SHOWN,
            )
            total, senders_count = await connection.fetchrow(
                "select count(*), count(distinct from_msisdn) from messages"
            )
            return {
                "total_messages": total,
                "senders_count": senders_count,
                "messages_per_sender": [dict(row) for row in senders],
                "first_message_ts": await end_of_log(connection, "asc"),
                "last_message_ts": await end_of_log(connection, "desc"),
            }
        finally:
            self.free.put_nowait(prepared)

    async def probe(self, now: str) -> None:
        at = time.monotonic()
        if at - self.last_commit < COMMIT_AGE_SECONDS_MAX or at - self.last_probe < PROBE_INTERVAL_SECONDS:
            return
        self.last_probe = at
        prepared = await self.free.get()
        try:
            await prepared.connection.execute(
                "insert into probe values (1, $1) on conflict (id) do update set at = excluded.at", now
            )
        finally:
            self.free.put_nowait(prepared)
        self.last_commit = at


async def end_of_log(connection: asyncpg.Connection, order: str) -> Optional[str]:
    return await connection.fetchval(f"select ts from messages order by ts_key {order}, message_id limit 1")
