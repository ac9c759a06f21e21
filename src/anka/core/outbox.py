"""Work asked for by flows: lease it, do it, mark it done or say when to try again. Every handler may run twice."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from anka.core import database
from anka.core.clock import Moment

# Longer than any batch takes; a worker that died gives its work back after this. Work that asks nobody outside is done sooner.
LEASE = timedelta(seconds=60)
QUICK_LEASE = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Task:
    """One leased piece of work: a topic and what it is about, e.g. ("refund", attempt number).

    `tries` counts how often it was taken up since it last went well; `leased_until` tells this lease from any later one.
    """

    shop_id: int
    id: int
    topic: str
    subject: str
    tries: int
    asked_at: datetime
    leased_until: datetime


def lease(*, topics: list[str], limit: int, at: Moment, length: timedelta = LEASE) -> list[Task]:
    """Take up work that is due, at most `limit` pieces, oldest request first; nobody else gets them for the length of the lease."""
    found = database.rows("SELECT * FROM lease_work(%s, %s, %s, %s)", (topics, at.now, length, limit))
    tasks = [Task(*(*row, at.now + length)) for row in found]
    return sorted(tasks, key=lambda task: (task.asked_at, task.id))


def done(*, task: Task, at: Moment) -> None:
    """Mark a piece of work as done. Whoever lost the lease meanwhile changes nothing: the work is somebody else's now."""
    database.rows(
        "UPDATE core_outbox SET done_at = %s, leased_until = NULL, failure = NULL WHERE shop_id = %s AND id = %s AND leased_until = %s",
        (at.now, task.shop_id, task.id, task.leased_until),
    )


def later(*, task: Task, due_at: datetime, failure: str | None = None) -> None:
    """Put a piece of work back until a later time, with the code of what went wrong where something did.

    Without a failure the count of tries begins anew, so that patience with a slow channel is not taken for trouble.
    """
    database.rows(
        "UPDATE core_outbox SET due_at = %s, leased_until = NULL, failure = %s, tries = CASE WHEN %s THEN 0 ELSE tries END "
        "WHERE shop_id = %s AND id = %s AND leased_until = %s",
        (due_at, failure, failure is None, task.shop_id, task.id, task.leased_until),
    )


def ask(*, shop_id: int, topic: str, subject: str, due_at: datetime, at: Moment) -> None:
    """Ask for work outside any flow: once per subject, brought forward where it is asked for already."""
    database.rows("SELECT ask_for_work(%s, %s, %s, %s, %s)", (shop_id, topic, subject, at.now, due_at))


def bring_forward(*, topic: str, at: Moment) -> None:
    """Make all open work of a topic due now, except what a worker has in hand. For the sandbox, where somebody waits to see it done."""
    database.rows(
        "UPDATE core_outbox SET due_at = %s WHERE topic = %s AND done_at IS NULL AND leased_until IS NULL AND due_at > %s",
        (at.now, topic, at.now),
    )
