"""Work asked for by flows: lease it, do it, mark it done or say when to try again. Every handler may run twice."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from anka.core import database
from anka.core.clock import Moment

# Longer than any handler takes; a worker that died gives its work back after this.
LEASE = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Task:
    """One leased piece of work: a topic and what it is about, e.g. ("refund", attempt number)."""

    shop_id: int
    id: int
    topic: str
    subject: str
    tries: int
    asked_at: datetime


def lease(*, topics: list[str], limit: int, at: Moment) -> list[Task]:
    """Take up work that is due, at most `limit` pieces; nobody else gets them for a minute."""
    found = database.rows("SELECT * FROM lease_work(%s, %s, %s, %s)", (topics, at.now, LEASE, limit))
    return [Task(*row) for row in found]


def done(*, task: Task, at: Moment) -> None:
    """Mark a piece of work as done."""
    database.rows(
        "UPDATE core_outbox SET done_at = %s, leased_until = NULL WHERE shop_id = %s AND id = %s", (at.now, task.shop_id, task.id)
    )


def later(*, task: Task, due_at: datetime, failure: str | None = None) -> None:
    """Put a piece of work back until a later time, with the code of what went wrong where something did."""
    database.rows(
        "UPDATE core_outbox SET due_at = %s, leased_until = NULL, failure = %s WHERE shop_id = %s AND id = %s",
        (due_at, failure, task.shop_id, task.id),
    )
