"""What the worker does by itself: work from the outbox, and clocks that have fallen. Every sweep is bounded and may run twice."""

import logging
from collections.abc import Callable
from datetime import timedelta

from anka.core import database, outbox
from anka.core.clock import Moment
from anka.core.outbox import Task
from anka.core.refusals import DatabaseUnavailable, Refusal
from anka.flows.confirm_order import auto_confirm_order
from anka.flows.deliver_order import deliver_order
from anka.flows.settle_order import settle_order
from anka.jobs import closing, refunds

log = logging.getLogger("anka.worker")
BATCH = 50
# After something unexpected: 5 s, 10 s, 20 s, … at most an hour.
FIRST_RETRY, LONGEST_RETRY = timedelta(seconds=5), timedelta(hours=1)

FALLEN = """
SELECT DISTINCT o.number FROM core_clock AS clock JOIN orders_order AS o ON o.shop_id = clock.shop_id AND o.id = clock.order_id
WHERE clock.kind = %s AND clock.state = 'running' AND clock.due_at <= %s LIMIT 500
"""


def _deliver(subject: str, at: Moment) -> timedelta | None:
    deliver_order(order_number=subject, at=at)
    return None


def _refund(subject: str, at: Moment) -> timedelta | None:
    return refunds.pursue(number=subject, at=at)


# A handler returns after what time it wants to be called again, or None where it is done.
HANDLERS: dict[str, Callable[[str, Moment], timedelta | None]] = {"deliver": _deliver, "refund": _refund}


def work_off(*, at: Moment) -> int:
    """Do a batch of the work that is due and return how much there was."""
    tasks = outbox.lease(topics=sorted(HANDLERS), limit=BATCH, at=at)
    for task in tasks:
        _do(task, at)
    return len(tasks)


def _do(task: Task, at: Moment) -> None:
    try:
        again = HANDLERS[task.topic](task.subject, at)
    except DatabaseUnavailable:
        raise
    except Refusal as refusal:
        wait = min(FIRST_RETRY * 2 ** min(task.tries, 10), LONGEST_RETRY)
        log.warning("%s %s was refused (%s); trying again in %s", task.topic, task.subject, refusal.code, wait)
        outbox.later(task=task, due_at=at.now + wait, failure=refusal.code)
        return
    if again is None:
        outbox.done(task=task, at=at)
    else:
        outbox.later(task=task, due_at=at.now + again)


def fall(*, at: Moment) -> int:
    """Act on every clock that has fallen: unpaid orders close, opened keys are confirmed, confirmed money is settled."""
    acted = closing.close_expired(at=at)
    for kind, act in (("confirm", auto_confirm_order), ("settle", settle_order)):
        for (number,) in database.rows(FALLEN, (kind, at.now)):
            acted += act(order_number=number, at=at)
    return acted


def run_due(*, at: Moment) -> int:
    """Do everything that is due at this moment, until nothing is left or a bound is reached; return how much was done."""
    total = 0
    for _round in range(200):
        did = fall(at=at) + work_off(at=at)
        total += did
        if did == 0:
            break
    return total
