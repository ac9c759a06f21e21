"""What the gateway remembers: its own schema in the same PostgreSQL, a small pool of connections, and the rows it works with."""

from __future__ import annotations

import queue
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import class_row

from anka.sandbox.exchange import Refused

MOST_CONNECTIONS = 8
_SCHEMA_LOCK = 0x616E6B61  # "anka": two gateways starting at once do not trip over each other's tables

SCHEMA = """
CREATE TABLE IF NOT EXISTS sandbox.payment (
    number text PRIMARY KEY,
    token text NOT NULL UNIQUE,
    transaction_number text NOT NULL UNIQUE,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    refunded_minor bigint NOT NULL DEFAULT 0,
    currency text NOT NULL,
    subject text NOT NULL,
    language text NOT NULL,
    expires_at timestamptz NOT NULL,
    notify_url text NOT NULL,
    return_url text NOT NULL,
    status text NOT NULL CHECK (status IN ('open', 'paid', 'failed', 'closed')),
    changed_at timestamptz NOT NULL,
    request text NOT NULL
);
-- What was really captured, where a play made it another sum than was asked for.
ALTER TABLE sandbox.payment ADD COLUMN IF NOT EXISTS captured_minor bigint CHECK (captured_minor > 0),
    DROP CONSTRAINT IF EXISTS payment_check, DROP CONSTRAINT IF EXISTS refunded_within_captured,
    ADD CONSTRAINT refunded_within_captured CHECK (refunded_minor BETWEEN 0 AND coalesce(captured_minor, amount_minor));
-- Which protocol a payment was made in, and what that protocol wants to find again (JSON).
ALTER TABLE sandbox.payment ADD COLUMN IF NOT EXISTS protocol text NOT NULL DEFAULT 'sandbox',
    ADD COLUMN IF NOT EXISTS details text NOT NULL DEFAULT '{}';
CREATE TABLE IF NOT EXISTS sandbox.closed_unseen (
    number text PRIMARY KEY,
    closed_at timestamptz NOT NULL
);
CREATE TABLE IF NOT EXISTS sandbox.refund (
    number text PRIMARY KEY,
    payment_number text NOT NULL REFERENCES sandbox.payment,
    transaction_number text NOT NULL UNIQUE,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    status text NOT NULL CHECK (status IN ('accepted', 'processing', 'succeeded', 'closed', 'abnormal', 'unknown')),
    changed_at timestamptz NOT NULL,
    next_status text,
    next_at timestamptz,
    after_status text,
    faults text NOT NULL DEFAULT '[]'
);
-- A refund that succeeded may fail afterwards: the bank sends it back. Both stand in the bill.
ALTER TABLE sandbox.refund ADD COLUMN IF NOT EXISTS succeeded_at timestamptz, DROP CONSTRAINT IF EXISTS refund_status_check,
    ADD CONSTRAINT refund_status_check
    CHECK (status IN ('accepted', 'processing', 'succeeded', 'closed', 'abnormal', 'unknown', 'failed'));
CREATE INDEX IF NOT EXISTS refund_next ON sandbox.refund (next_at) WHERE next_at IS NOT NULL;
CREATE TABLE IF NOT EXISTS sandbox.foretold (
    refund_number text PRIMARY KEY,
    status text NOT NULL,
    faults text NOT NULL
);
CREATE TABLE IF NOT EXISTS sandbox.notice (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    notify_url text NOT NULL,
    facts text NOT NULL,
    disguise text NOT NULL DEFAULT '',
    age_seconds integer NOT NULL DEFAULT 0,
    request text NOT NULL DEFAULT '',
    most_tries integer NOT NULL,
    tries integer NOT NULL DEFAULT 0,
    due_at timestamptz NOT NULL,
    due_clock text NOT NULL CHECK (due_clock IN ('real', 'sandbox')),
    claimed_until timestamptz,
    finished_at timestamptz,
    finished_as text NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS notice_due ON sandbox.notice (due_at) WHERE finished_at IS NULL;
CREATE TABLE IF NOT EXISTS sandbox.preset (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    operation text NOT NULL,
    number text NOT NULL DEFAULT '',
    faults text NOT NULL,
    seed bigint,
    turn integer NOT NULL DEFAULT 0,
    times integer NOT NULL CHECK (times BETWEEN 1 AND 10000)
);
CREATE TABLE IF NOT EXISTS sandbox.nonce (
    nonce text PRIMARY KEY,
    seen_at timestamptz NOT NULL
);
CREATE TABLE IF NOT EXISTS sandbox.issuer_key (
    unit text PRIMARY KEY,
    use_check text NOT NULL,
    used_by text NOT NULL,
    voidable boolean NOT NULL,
    delivered_percent integer,
    face_value text,
    region text,
    silent boolean NOT NULL,
    changed_at timestamptz NOT NULL
);
CREATE TABLE IF NOT EXISTS sandbox.issuer_void (
    unit text PRIMARY KEY,
    number text NOT NULL UNIQUE,
    receipt text NOT NULL
);
"""


class DatabaseBusy(Refused):
    """No connection became free in time."""

    code = "sandbox_busy"
    status = 503


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    """A payment the gateway knows. `request` is the signed word it came with, `token` its unguessable cashier address.

    `captured_minor` is what was captured, where that is another sum than the `amount_minor` that was asked for. `protocol` is the code of
    the channel that is played, `details` JSON that its protocol wants to find again.
    """

    number: str
    token: str
    transaction_number: str
    amount_minor: int
    refunded_minor: int
    currency: str
    subject: str
    language: str
    expires_at: datetime
    notify_url: str
    return_url: str
    status: str
    changed_at: datetime
    request: str
    captured_minor: int | None = None
    protocol: str = "sandbox"
    details: str = "{}"

    @property
    def told_minor(self) -> int:
        """The sum the gateway speaks of: what was captured, else what was asked for."""
        return self.captured_minor or self.amount_minor


@dataclass(frozen=True, slots=True, kw_only=True)
class Refund:
    """A refund; at `next_at` (sandbox clock) it turns into `next_status`, and after that into `after_status`.

    `succeeded_at` stays when a refund fails after it had succeeded.
    """

    number: str
    payment_number: str
    transaction_number: str
    amount_minor: int
    status: str
    changed_at: datetime
    next_status: str | None
    next_at: datetime | None
    after_status: str | None
    faults: str
    succeeded_at: datetime | None = None


Connection = psycopg.Connection[tuple[Any, ...]]


class Store:
    """At most eight connections, opened when needed and kept; broken ones are replaced."""

    def __init__(self, *, database_url: str) -> None:
        self._database_url = database_url
        self._slots: queue.LifoQueue[Connection | None] = queue.LifoQueue()
        for _ in range(MOST_CONNECTIONS):
            self._slots.put(None)

    def create_schema(self) -> None:
        """Create the gateway's tables where they are missing, and free the notices that a killed gateway was sending."""
        with self.transaction() as connection:
            connection.execute("SELECT pg_advisory_xact_lock(%s)", (_SCHEMA_LOCK,))
            # Where the schema was made for us, a role that may not make one is enough.
            if connection.execute("SELECT FROM pg_namespace WHERE nspname = 'sandbox'").rowcount == 0:
                connection.execute("CREATE SCHEMA sandbox")
            connection.execute(SCHEMA)
            connection.execute("UPDATE sandbox.notice SET claimed_until = NULL WHERE claimed_until IS NOT NULL AND finished_at IS NULL")

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Lend a connection with an open transaction: committed on success, rolled back on any error. Raises DatabaseBusy."""
        try:
            connection = self._slots.get(timeout=5)
        except queue.Empty as reason:
            raise DatabaseBusy("The sandbox is busy and nothing was changed. Try again in a moment.") from reason
        try:
            if connection is None or connection.closed:
                connection = psycopg.connect(self._database_url, autocommit=True, connect_timeout=5)
            with connection.transaction():
                yield connection
        except psycopg.OperationalError:
            # After a restart of the database every kept connection is broken: one failure is enough to learn it.
            if connection is None or connection.closed:
                self._forget_idle()
            raise
        finally:
            self._slots.put(connection)

    def _forget_idle(self) -> None:
        for _ in range(self._slots.qsize()):
            try:
                idle = self._slots.get_nowait()
            except queue.Empty:
                return
            if idle is not None:
                idle.close()
            self._slots.put(None)

    def close(self) -> None:
        """Close the connections that are not in use."""
        for _ in range(MOST_CONNECTIONS):
            try:
                connection = self._slots.get_nowait()
            except queue.Empty:
                return
            if connection is not None:
                connection.close()


def lock_number(*, connection: Connection, number: str) -> None:
    """Hold everything that concerns one payment number until the transaction ends, whether its row exists or not."""
    connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (number,))


def find_payment(*, connection: Connection, number: str) -> Payment | None:
    """Return a payment by our number."""
    with connection.cursor(row_factory=class_row(Payment)) as cursor:
        return cursor.execute("SELECT * FROM sandbox.payment WHERE number = %s", (number,)).fetchone()


def find_payment_by_token(*, connection: Connection, token: str) -> Payment | None:
    """Return a payment by the token of its cashier address."""
    with connection.cursor(row_factory=class_row(Payment)) as cursor:
        return cursor.execute("SELECT * FROM sandbox.payment WHERE token = %s", (token,)).fetchone()


def find_refund(*, connection: Connection, number: str) -> Refund | None:
    """Return a refund by our number."""
    with connection.cursor(row_factory=class_row(Refund)) as cursor:
        return cursor.execute("SELECT * FROM sandbox.refund WHERE number = %s", (number,)).fetchone()


def use_nonce(*, connection: Connection, nonce: str, real_now: datetime) -> bool:
    """Return whether this nonce is new, and remember it."""
    inserted = connection.execute("INSERT INTO sandbox.nonce (nonce, seen_at) VALUES (%s, %s) ON CONFLICT DO NOTHING", (nonce, real_now))
    return inserted.rowcount == 1


def forget_nonces(*, connection: Connection, real_now: datetime) -> None:
    """Drop nonces older than eleven minutes: a signature lives for ten, five before and five after its time."""
    connection.execute("DELETE FROM sandbox.nonce WHERE seen_at < %s::timestamptz - interval '11 minutes'", (real_now,))
