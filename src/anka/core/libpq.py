"""Statements sent straight through libpq: prepared once per connection, parameters and answer as text, nothing in between.

psycopg's cursor costs about as much processor time as the statement itself; the flows' few SQL functions take text and give text, so
they do without. Everything else goes through psycopg as usual. PgBouncer understands these prepared statements from 1.21 on.
"""

from datetime import datetime
from select import POLLIN, POLLOUT, poll
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from psycopg import errors
from psycopg.pq import ConnStatus, DiagnosticField, ExecStatus

Connection = psycopg.Connection[tuple[Any, ...]]
Parameters = tuple[Any, ...]
Row = tuple[str | None, ...]
_prepared: WeakKeyDictionary[Connection, dict[str, bytes]] = WeakKeyDictionary()
# Two statements have an answer and a None each, then comes the end.
_MOST_ANSWERS = 5
_FINE = frozenset({ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK})


def command(raw: Connection, sql: bytes) -> None:
    """Run a command that takes and gives nothing, such as COMMIT.

    Raises:
        psycopg.OperationalError: the connection is gone. Another psycopg.Error: PostgreSQL refused.
    """
    _checked(raw, raw.pgconn.exec_(sql))


def row(raw: Connection, sql: str, parameters: Parameters) -> Row | None:
    """Run a statement with $1, $2, … and return its only row, each column as text or None; None where there is no row.

    Parameters are None, text, whole numbers, aware moments or bytes.

    Raises:
        psycopg.OperationalError: the connection is gone. Another psycopg.Error: PostgreSQL refused.
    """
    return _only_row(_checked(raw, raw.pgconn.exec_prepared(_name(raw, sql), _texts(parameters))))


def begin_and_row(raw: Connection, sql: str, parameters: Parameters) -> Row | None:
    """Open a transaction and run its first statement, as `row` does, in one round trip.

    Raises:
        psycopg.OperationalError: the connection is gone. Another psycopg.Error: PostgreSQL refused; the transaction is open and failed.
    """
    begin, name, texts, server = _name(raw, "BEGIN"), _name(raw, sql), _texts(parameters), raw.pgconn
    server.enter_pipeline_mode()
    server.send_query_prepared(begin, None)
    server.send_query_prepared(name, texts)
    server.pipeline_sync()
    answers = []
    for _ in range(_MOST_ANSWERS):
        _wait(raw)
        result = server.get_result()
        if server.status == ConnStatus.BAD:
            raise psycopg.OperationalError("the connection is gone")
        if result is not None and result.status == ExecStatus.PIPELINE_SYNC:
            break
        # Between the answers of two statements comes a None.
        answers += [result] if result is not None else []
    server.exit_pipeline_mode()
    return _only_row([_checked(raw, answer) for answer in answers][-1])


def _wait(raw: Connection) -> None:
    """Wait until an answer is there. libpq would wait as well, but keep every other thread of this process waiting too."""
    server = raw.pgconn
    while server.is_busy():
        waiting = poll()
        waiting.register(server.socket, POLLIN | POLLOUT if server.flush() else POLLIN)
        waiting.poll()
        server.consume_input()


def _name(raw: Connection, sql: str) -> bytes:
    """Return the name under which this connection has prepared a statement, which happens now where it has not."""
    names = _prepared.setdefault(raw, {})
    name = names.get(sql)
    if name is None:
        name = f"anka_{len(names)}".encode()
        _checked(raw, raw.pgconn.prepare(name, sql.encode()))
        names[sql] = name
    return name


def _only_row(result: Any) -> Row | None:
    if not result.ntuples:
        return None
    found = (result.get_value(0, column) for column in range(result.nfields))
    return tuple(value.decode() if value is not None else None for value in found)


def _texts(parameters: Parameters) -> Any:
    # None is NULL, which psycopg's type of these calls has forgotten.
    return [_text(value) for value in parameters]


def _text(value: Any) -> bytes | None:
    if isinstance(value, str):
        if "\0" in value:
            # libpq would take the text up to there and call it whole.
            raise psycopg.DataError("text with a NUL character")
        return value.encode()
    if value is None:
        return None
    if isinstance(value, int):
        return b"%d" % value
    if isinstance(value, datetime):
        return value.isoformat().encode()
    if isinstance(value, bytes):
        return b"\\x" + value.hex().encode()
    return str(value).encode()


def _checked(raw: Connection, result: Any) -> Any:
    if result.status in _FINE:
        return result
    # PostgreSQL gives each of its errors an SQLSTATE; one without is libpq's own, which may hear of the end before it marks its connection.
    if raw.pgconn.status == ConnStatus.BAD or not result.error_field(DiagnosticField.SQLSTATE):
        raw.close()
        raise psycopg.OperationalError("the connection is gone")
    raise errors.error_from_result(result)
