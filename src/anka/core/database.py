"""The one door to PostgreSQL for flows, queries and writes: Django's connection, used without the ORM in between.

Statements are prepared on the server and return rows as tuples. A transaction is opened by `transaction()` only, by a flow
only, once. Django's ORM shares the connection, so what it does inside a flow is part of the same transaction.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from threading import local
from typing import Any, cast

import psycopg
from django.db import connection as django_connection
from django.db import utils as django_errors

from anka.core import libpq
from anka.core.refusals import BY_SIGN, DatabaseUnavailable, Refusal

Parameters = Sequence[Any] | Mapping[str, Any]
Row = tuple[Any, ...]

# Called with the name of what is about to happen ("begin", "statement", "commit", "committed") and the SQL.
# Fault tests interrupt here; nothing in production registers anything.
watchers: list[Callable[[str, str], None]] = []

_state = local()
_GONE = (psycopg.OperationalError, psycopg.InterfaceError)


class TransactionAlreadyOpen(RuntimeError):
    """A flow was called inside another flow. Share a step instead."""


class TransactionRequired(RuntimeError):
    """A write or a step was called outside a flow's transaction."""


def _tell(moment: str, sql: str = "") -> None:
    for watcher in watchers:
        watcher(moment, sql)


def _connection() -> libpq.Connection:
    raw = django_connection.connection
    if raw is None or raw.closed:
        try:
            if raw is not None:
                django_connection.close()
            django_connection.connect()
        except (*_GONE, django_errors.OperationalError) as error:
            raise DatabaseUnavailable from error
        raw = django_connection.connection
        raw.prepare_threshold = 2
        if _begin_before not in django_connection.execute_wrappers:
            django_connection.execute_wrappers.append(_begin_before)
    return cast("libpq.Connection", raw)


def _forget(raw: libpq.Connection) -> None:
    """Drop a connection whose state is unknown, so that the next use opens a new one."""
    raw.close()
    django_connection.close()


def in_transaction() -> bool:
    """Tell whether a flow's transaction is open on this thread."""
    return getattr(_state, "raw", None) is not None


@contextmanager
def transaction() -> Iterator[None]:
    """Run the block as one durable transaction: all of it is committed on leaving, or none of it.

    Raises:
        TransactionAlreadyOpen: a transaction is open on this thread.
        DatabaseUnavailable: PostgreSQL is gone; whether the commit happened is unknown, so repeat with the same idempotency key.
    """
    if in_transaction():
        raise TransactionAlreadyOpen
    _tell("begin")
    _state.raw, _state.begun = _connection(), False
    try:
        yield
        _tell("commit")
        if _state.begun:
            _command(_state.raw, b"COMMIT")
    except BaseException:
        if _state.begun:
            _roll_back(_state.raw)
        raise
    finally:
        _state.raw = None
    _tell("committed")


def _begin_before(execute: Callable[..., Any], *statement: Any) -> Any:
    """Say BEGIN before the ORM's first statement in a flow, where the flow has said nothing yet."""
    if in_transaction():
        _begin()
    return execute(*statement)


def _begin() -> None:
    """Say BEGIN where nothing has been said yet; `call` says it together with its statement instead."""
    if _state.begun:
        return
    try:
        libpq.command(_state.raw, b"BEGIN")
    except _GONE:
        # Nothing has been done yet, so a connection that died while idle may be replaced once without anyone noticing.
        _forget(_state.raw)
        _state.raw = _connection()
        _command(_state.raw, b"BEGIN")
    _state.begun = True


def _command(raw: libpq.Connection, sql: bytes) -> None:
    try:
        libpq.command(raw, sql)
    except _GONE as error:
        _forget(raw)
        raise DatabaseUnavailable from error


def _roll_back(raw: libpq.Connection) -> None:
    if raw.closed:
        return
    try:
        libpq.command(raw, b"ROLLBACK")
    except psycopg.Error:
        _forget(raw)


def call(sql: str, *parameters: Any) -> str | None:
    """Run one of our SQL functions ("SELECT lock_order($1, $2)") in the open transaction and return its value as text.

    Raises:
        Refusal: our SQL refused (SQLSTATE class AN, or a named constraint), or a lock was not free within 3 s.
        DatabaseUnavailable: PostgreSQL went away.
        TransactionRequired: no transaction is open.
    """
    require_transaction()
    found = ask(sql, *parameters)
    return found[0] if found and found[0] else None


def ask(sql: str, *parameters: Any) -> libpq.Row | None:
    """Run one of our SQL functions, inside the open transaction or on its own, and return its only row, each column as text.

    Raises:
        Refusal, DatabaseUnavailable: as `call`.
    """
    _tell("statement", sql)
    raw = _state.raw if in_transaction() else _connection()
    try:
        if in_transaction() and _state.begun:
            return libpq.row(raw, sql, parameters)
        return _first_asked(raw, sql, parameters)
    except psycopg.Error as error:
        explained = _explained(error, _state.raw if in_transaction() else raw)
        if explained is error:
            raise
        raise explained from error


def _first_asked(raw: libpq.Connection, sql: str, parameters: tuple[Any, ...]) -> libpq.Row | None:
    """Ask before anything else was said, so that a connection that died while idle may be replaced once without anyone noticing."""
    try:
        return _alone_or_with_begin(raw, sql, parameters)
    except _GONE:
        if not raw.closed:
            raise
    _forget(raw)
    return _alone_or_with_begin(_connection(), sql, parameters)


def _alone_or_with_begin(raw: libpq.Connection, sql: str, parameters: tuple[Any, ...]) -> libpq.Row | None:
    if not in_transaction():
        return libpq.row(raw, sql, parameters)
    _state.raw, _state.begun = raw, True
    return libpq.begin_and_row(raw, sql, parameters)


def rows(sql: str, parameters: Parameters = ()) -> list[Row]:
    """Run one statement, inside the open transaction or on its own, and return its rows.

    Raises:
        Refusal: our SQL refused (SQLSTATE class AN), or a lock was not free within 3 s.
        DatabaseUnavailable: PostgreSQL went away.
    """
    _tell("statement", sql)
    inside = in_transaction()
    if inside:
        _begin()
    cursor = psycopg.Cursor(_state.raw if inside else _connection())
    try:
        cursor.execute(sql, parameters)
        return cursor.fetchall() if cursor.description else []
    except psycopg.Error as error:
        explained = _explained(error, cursor.connection)
        if explained is error:
            raise
        if inside or error.sqlstate is not None or not isinstance(explained, DatabaseUnavailable):
            raise explained from error
        return rows_once_more(sql, parameters)


def _explained(error: psycopg.Error, raw: libpq.Connection) -> Exception:
    """Return what to raise for an error: the refusal it stands for, that the database is gone, or the error itself, a bug of ours."""
    refusal = _meaning(error)
    if refusal is not None or not isinstance(error, _GONE):
        return refusal or error
    _forget(raw)
    return DatabaseUnavailable()


def _meaning(error: psycopg.Error) -> Refusal | None:
    """Return the refusal that an SQLSTATE or a violated constraint stands for."""
    sign = BY_SIGN.get(error.sqlstate or "") or BY_SIGN.get(error.diag.constraint_name or "")
    return sign() if sign else None


def rows_once_more(sql: str, parameters: Parameters) -> list[Row]:
    """Repeat a lone statement on a fresh connection after the idle one turned out to be dead."""
    cursor = psycopg.Cursor(_connection())
    try:
        cursor.execute(sql, parameters)
        return cursor.fetchall() if cursor.description else []
    except _GONE as error:
        _forget(cursor.connection)
        raise DatabaseUnavailable from error


def value(sql: str, parameters: Parameters = ()) -> Any:
    """Run one statement and return the first column of its first row, or None where there is no row."""
    found = rows(sql, parameters)
    return found[0][0] if found else None


def require_transaction() -> None:
    """Refuse to go on outside a flow's transaction; steps and writes call this.

    Raises:
        TransactionRequired: no transaction is open on this thread.
    """
    if not in_transaction():
        raise TransactionRequired
