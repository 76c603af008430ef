"""The reference's messages in a SQLite file: one connection, in a thread of its own, one commit a message.

While the thread waits for an fsync, the event loop reads and checks the next requests.
"""

import asyncio
import queue
import sqlite3
import threading
import time
from typing import Callable, Optional

COMMIT_AGE_SECONDS_MAX = 5
PROBE_INTERVAL_SECONDS = 1
SENDERS_SHOWN = 10


def open_database(path: str, fold: Callable) -> sqlite3.Connection:
    database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    database.execute("pragma journal_mode = wal")
    database.execute("pragma synchronous = full")
    database.create_function("fold", 1, fold, deterministic=True)
    database.execute(
        """create table if not exists messages (
             message_id text primary key, from_msisdn text not null, to_msisdn text not null,
             ts text not null, text text, created_at text not null, ts_key text not null)"""
    )
    database.execute("create index if not exists messages_ts on messages (ts_key, message_id)")
    database.execute("create table if not exists probe (id integer primary key, at text not null)")
    return database


def settle(future: asyncio.Future, value: object, error: Optional[Exception]) -> None:
    if future.cancelled():
        return
    if error is None:
        future.set_result(value)
    else:
        future.set_exception(error)


class SqliteStore:
    FAILURES = (sqlite3.Error,)
    HAS_TEXT = "instr(fold(text), ?) > 0"

    def __init__(self, path: str, fold: Callable) -> None:
        self.database = open_database(path, fold)
        self.jobs: queue.SimpleQueue = queue.SimpleQueue()
        self.last_commit = 0.0
        self.last_probe = 0.0

    async def start(self) -> None:
        threading.Thread(target=self.run_jobs, daemon=True).start()

    async def close(self) -> None:
        self.database.close()

    def store(self, row: tuple) -> asyncio.Future:
        return self.in_database(self.store_now, row)

    def find(self, wanted: list, limit: int, offset: int) -> asyncio.Future:
        return self.in_database(self.find_now, wanted, limit, offset)

    def count(self) -> asyncio.Future:
        return self.in_database(self.count_now)

    def probe(self, now: str) -> asyncio.Future:
        return self.in_database(self.probe_now, now)

    def in_database(self, work: Callable, *arguments) -> asyncio.Future:
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        self.jobs.put((loop, future, work, arguments))
        return future

    def run_jobs(self) -> None:
        while True:
            loop, future, work, arguments = self.jobs.get()
            try:
                loop.call_soon_threadsafe(settle, future, work(*arguments), None)
            except Exception as error:
                loop.call_soon_threadsafe(settle, future, None, error)

    def store_now(self, row: tuple) -> str:
        inserted = self.database.execute(
            "insert into messages values (?, ?, ?, ?, ?, ?, ?) on conflict do nothing", row
        ).rowcount
        self.last_commit = time.monotonic()
        if inserted == 1:
            return "created"
        stored = self.database.execute(
            "select from_msisdn, to_msisdn, ts, text from messages where message_id = ?", row[:1]
        ).fetchone()
        return "duplicate" if stored == row[1:5] else "differing"

    def find_now(self, wanted: list, limit: int, offset: int) -> tuple:
        where = " and ".join(condition for condition, _ in wanted) or "true"
        values = [value for _, value in wanted]
        total = self.database.execute(f"select count(*) from messages where {where}", values).fetchone()[0]
        rows = self.database.execute(
            f"""select message_id, from_msisdn, to_msisdn, ts, text from messages where {where}
                order by ts_key, message_id limit ? offset ?""",
            [*values, limit, offset],
        )
        return [dict(zip(("message_id", "from", "to", "ts", "text"), row)) for row in rows], total

    def count_now(self) -> dict:
        senders = self.database.execute(
            """select from_msisdn, count(*) from messages group by from_msisdn
               order by count(*) desc, from_msisdn limit ?""",
            (SENDERS_SHOWN,),
        ).fetchall()
        total, senders_count = self.database.execute(
            "select count(*), count(distinct from_msisdn) from messages"
        ).fetchone()
        return {
            "total_messages": total,
            "senders_count": senders_count,
            "messages_per_sender": [{"from": sender, "count": count} for sender, count in senders],
            "first_message_ts": self.end_of_log("asc"),
            "last_message_ts": self.end_of_log("desc"),
        }

    def end_of_log(self, order: str) -> Optional[str]:
        row = self.database.execute(f"select ts from messages order by ts_key {order}, message_id limit 1").fetchone()
        return row and row[0]

    def probe_now(self, now: str) -> None:
        at = time.monotonic()
        if at - self.last_commit < COMMIT_AGE_SECONDS_MAX or at - self.last_probe < PROBE_INTERVAL_SECONDS:
            return
        self.last_probe = at
        self.database.execute("insert or replace into probe values (1, ?)", (now,))
        self.last_commit = at
