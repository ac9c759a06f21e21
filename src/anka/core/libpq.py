"""Statements sent straight through libpq: prepared once per connection, parameters and answer as text, nothing in between.

psycopg's cursor costs about as much processor time as the statement itself; the flows' few SQL functions take text and give text, so
they do without. Everything else goes through psycopg as usual. PgBouncer understands these prepared statements from 1.21 on.
"""

from datetime import datetime
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from psycopg import errors
from psycopg.pq import ConnStatus, ExecStatus

Connection = psycopg.Connection[tuple[Any, ...]]
_prepared: WeakKeyDictionary[Connection, dict[str, bytes]] = WeakKeyDictionary()
_FINE = frozenset({ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK})


def command(raw: Connection, sql: bytes) -> None:
    """Run a command that takes and gives nothing, such as COMMIT.

    Raises:
        psycopg.OperationalError: the connection is gone. Another psycopg.Error: PostgreSQL refused.
    """
    _checked(raw, raw.pgconn.exec_(sql))


def call(raw: Connection, sql: str, parameters: tuple[Any, ...]) -> str | None:
    """Run a statement with $1, $2, … and return the only column of its only row as text; None for NULL or void.

    Parameters are None, text, whole numbers, aware moments or bytes.

    Raises:
        psycopg.OperationalError: the connection is gone. Another psycopg.Error: PostgreSQL refused.
    """
    names = _prepared.setdefault(raw, {})
    name = names.get(sql)
    if name is None:
        name = f"anka_{len(names)}".encode()
        _checked(raw, raw.pgconn.prepare(name, sql.encode()))
        names[sql] = name
    texts: Any = [_text(value) for value in parameters]  # None is NULL, which psycopg's type of this call has forgotten
    result = _checked(raw, raw.pgconn.exec_prepared(name, texts))
    found = result.get_value(0, 0) if result.ntuples else None
    return found.decode() if found else None


def _text(value: Any) -> bytes | None:
    if value is None:
        return None
    if isinstance(value, str):
        if "\0" in value:
            # libpq would take the text up to there and call it whole.
            raise psycopg.DataError("text with a NUL character")
        return value.encode()
    if isinstance(value, bytes):
        return b"\\x" + value.hex().encode()
    if isinstance(value, datetime):
        return value.isoformat().encode()
    return str(value).encode()


def _checked(raw: Connection, result: Any) -> Any:
    if result.status in _FINE:
        return result
    if raw.pgconn.status == ConnStatus.BAD:
        raise psycopg.OperationalError("the connection is gone")
    raise errors.error_from_result(result)
