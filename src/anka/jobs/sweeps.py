"""What the worker does by itself: work from the outbox, and clocks that have fallen. Every sweep is bounded and may run twice.

Trouble with one order stays with it: it is written into the outbox with its code, put off for longer each time, and looked at by a
person; all others go on. Only a database that is away stops a sweep.
"""

import logging
import secrets
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import TypeVar

from anka.core import database, observation, outbox
from anka.core.clock import Moment
from anka.core.outbox import Task
from anka.core.refusals import Busy, DatabaseUnavailable, Refusal
from anka.flows.confirm_order import auto_confirm_order
from anka.flows.deliver_order import deliver_order
from anka.flows.fall_case_clocks import BATCH as CASES
from anka.flows.fall_case_clocks import fall_case_clocks, fall_one_case
from anka.flows.fall_dispute_clocks import fall_dispute_clocks
from anka.flows.settle_order import settle_order
from anka.jobs import claims, closing, disputes, issuers, policy_runs, questions, reconcile, refunds, top_ups

log = logging.getLogger("anka.worker")
Answer = TypeVar("Answer")
Handler = Callable[[str, Moment], timedelta | None]
# After something unexpected: 5 s, 10 s, 20 s, … at most an hour.
FIRST_RETRY, LONGEST_RETRY = timedelta(seconds=5), timedelta(hours=1)
# How much of each is taken up at once. Whatever talks to a channel waits up to 4 s for it, so a batch stays well below the lease.
BATCH, SLOW_BATCH, CLOCKS = 50, 8, 100
# Case clocks in one look: batches of 200, so that other work is not kept waiting for long.
CASE_BATCHES = 5
ROUNDS = 500

# Orders with a fallen clock that can be acted upon now, longest ago first. Units whose money has left, or that are argued about, are not
# waited for by anybody; orders that made trouble wait in the outbox.
FALLEN = """
SELECT o.shop_id, o.number FROM core_clock AS clock
    JOIN orders_order AS o ON o.shop_id = clock.shop_id AND o.id = clock.order_id
    JOIN orders_unit AS unit ON unit.shop_id = clock.shop_id AND unit.order_id = clock.order_id AND unit.position = clock.position
WHERE clock.kind = %(kind)s AND clock.state = 'running' AND clock.due_at <= %(now)s
  AND unit.money = ANY (%(money)s) AND (%(kind)s <> 'confirm' OR unit.stage IN ('sealed', 'revealed', 'delivered', 'used'))
  AND NOT EXISTS (SELECT FROM cases_unit AS argued WHERE argued.shop_id = unit.shop_id AND argued.order_id = unit.order_id
                  AND argued.position = unit.position AND argued.open)
  AND NOT EXISTS (SELECT FROM core_outbox AS work WHERE work.shop_id = o.shop_id AND work.topic = %(kind)s AND work.subject = o.number
                  AND work.done_at IS NULL)
GROUP BY o.shop_id, o.number ORDER BY min(clock.due_at) LIMIT %(limit)s
"""


def _once(act: Callable[..., object]) -> Handler:
    """A handler that has nothing left to do afterwards."""

    def handler(subject: str, at: Moment) -> timedelta | None:
        act(order_number=subject, at=at)
        return None

    return handler


def _refund(subject: str, at: Moment) -> timedelta | None:
    return refunds.pursue(number=subject, at=at)


def _void(subject: str, at: Moment) -> timedelta | None:
    """Ask the issuer to void the keys of a case: at once, then twice more, then the case is judged without its receipt."""
    for tries in range(1, claims.MOST_TRIES + 1):
        if claims.void_keys(case_number=subject, tries=tries, at=at):
            break
    return None


def _fall_one(subject: str, at: Moment) -> timedelta | None:
    fall_one_case(case_number=subject, at=at)
    return None


def _question(subject: str, at: Moment) -> timedelta | None:
    return questions.pursue(subject=subject, at=at)


def _reconcile(subject: str, at: Moment) -> timedelta | None:
    return reconcile.pursue(subject=subject, at=at)


def _policy_run(subject: str, at: Moment) -> timedelta | None:
    return policy_runs.pursue(subject=subject, at=at)


def _top_up(subject: str, at: Moment) -> timedelta | None:
    return top_ups.pursue(number=subject, at=at)


# A handler returns after what time it wants to be called again, or None where it is done. Expiry, confirming and settling come here only
# after trouble: as a rule their clocks bring them.
QUICK: dict[str, Handler] = {
    "deliver": _once(deliver_order),
    "confirm": _once(auto_confirm_order),
    "settle": _once(settle_order),
    "untouched": _once(closing.give_back),
    "case_clock": _fall_one,
    "dispute_clock": _once(fall_dispute_clocks),
}
SLOW: dict[str, Handler] = {
    "refund": _refund,
    "expire": _once(closing.close_one),
    "question": _question,
    top_ups.TOPIC: _top_up,
    "void": _void,
    "issuer": _once(issuers.ask_about_delivered),
    policy_runs.TOPIC: _policy_run,
    reconcile.TOPIC: _reconcile,
}
HANDLERS = QUICK | SLOW


def work_off(*, at: Moment) -> int:
    """Do a batch of the work that is due and return how much there was. What talks to channels comes in small batches of its own."""
    total = 0
    for topics, limit, length in ((QUICK, BATCH, outbox.QUICK_LEASE), (SLOW, SLOW_BATCH, outbox.LEASE)):
        tasks = outbox.lease(topics=sorted(topics), limit=limit, at=at, length=length)
        for task in tasks:
            _do(task, at)
        total += len(tasks)
    return total


def _do(task: Task, at: Moment) -> None:
    with observation.working_on(topic=task.topic, subject=task.subject):
        again, failure = _safely(f"{task.topic} {task.subject}", partial(HANDLERS[task.topic], task.subject, at))
    if failure is not None:
        wait = min(FIRST_RETRY * 2 ** min(max(task.tries - 1, 0), 10), LONGEST_RETRY)
        outbox.later(task=task, due_at=at.now + wait, failure=failure)
    elif again is None:
        outbox.done(task=task, at=at)
    else:
        outbox.later(task=task, due_at=at.now + again)


def _safely(what: str, run: Callable[[], Answer]) -> tuple[Answer | None, str | None]:
    """Run one piece of work; return its answer and what went wrong: nothing, a refusal's code, or a surprise with its number in the log."""
    try:
        return run(), None
    except DatabaseUnavailable:
        raise
    except Refusal as refusal:
        log.warning("%s was refused (%s); it is tried again later", what, refusal.code)
        return None, refusal.code
    except Exception as error:
        # One order that nobody foresaw must neither end the worker nor hold up all others. It is logged whole and tried again.
        number = secrets.token_hex(4)
        log.exception("%s went wrong (%s); nothing of it was done, it is tried again later", what, number)
        return None, f"{type(error).__name__} {number}"


def fall(*, at: Moment) -> int:
    """Act on a batch of each kind of clock that has fallen, and return how many orders that moved.

    Unpaid orders close, opened keys are confirmed, confirmed money is settled, goods nobody touched for two days are given back, and
    silence in a case has the consequence that was announced.
    """
    closed, trouble = _safely("closing unpaid orders", partial(closing.close_expired, at=at))
    # Where one order spoils the closing of all at once, they are closed one by one.
    waiting = closing.held_open if trouble is None else closing.overdue
    acted = (closed or 0) + sum(_attend("expire", order, closing.close_one, at) for order in waiting(at=at, limit=SLOW_BATCH))
    for kind, money, act in (("confirm", ["held"], auto_confirm_order), ("settle", ["released", "part_refunded"], settle_order)):
        fallen = database.rows(FALLEN, {"kind": kind, "money": money, "now": at.now, "limit": CLOCKS})
        acted += sum(_attend(kind, (shop_id, number), act, at) for shop_id, number in fallen)
    acted += _fall_cases(at)
    acted += sum(_attend("dispute_clock", order, fall_dispute_clocks, at) for order in disputes.fallen(at=at, limit=CLOCKS))
    return acted + sum(_attend("untouched", order, closing.give_back, at) for order in closing.untouched(at=at, limit=CLOCKS))


FALLEN_CASES = """
SELECT argued.shop_id, argued.number FROM core_clock AS clock
    JOIN cases_unit AS unit ON unit.shop_id = clock.shop_id AND unit.order_id = clock.order_id AND unit.position = clock.position
        AND unit.open
    JOIN cases_case AS argued ON argued.shop_id = unit.shop_id AND argued.id = unit.case_id
WHERE clock.kind IN ('answer', 'offer', 'evidence', 'look', 'rule', 'escalate', 'appeal', 'ceiling')
    AND clock.state = 'running' AND clock.due_at <= %s
    AND NOT EXISTS (SELECT FROM core_outbox AS work WHERE work.shop_id = argued.shop_id AND work.topic = 'case_clock'
                    AND work.subject = argued.number AND work.done_at IS NULL)
ORDER BY clock.due_at LIMIT %s
"""


def _fall_cases(at: Moment) -> int:
    """Act on the cases whose clocks have fallen, in batches; where one spoils its batch, they are taken one by one."""
    acted = 0
    for _batch in range(CASE_BATCHES):
        fallen, trouble = _safely("case clocks", partial(fall_case_clocks, at=at))
        acted += fallen or 0
        if trouble is not None and trouble != Busy.code:
            for shop_id, number in database.rows(FALLEN_CASES, (at.now, CASES)):
                acted += _attend_case(shop_id, number, at)
        if (fallen or 0) < CASES:
            break
    return acted


def _attend_case(shop_id: int, number: str, at: Moment) -> bool:
    with observation.working_on(topic="case_clock", subject=number):
        acted, failure = _safely(f"case clock {number}", partial(fall_one_case, case_number=number, at=at))
    if failure is not None and failure != Busy.code:
        outbox.ask(shop_id=shop_id, topic="case_clock", subject=number, due_at=at.now + FIRST_RETRY, at=at)
    return bool(acted)


def _attend(topic: str, order: tuple[int, str], act: Callable[..., bool], at: Moment) -> bool:
    """Act on one order's clock; where that fails, hand it to the outbox, which knows how to be patient."""
    shop_id, number = order
    with observation.working_on(topic=topic, subject=number):
        acted, failure = _safely(f"{topic} {number}", partial(act, order_number=number, at=at))
    # A busy order is simply looked at again.
    if failure is not None and failure != Busy.code:
        outbox.ask(shop_id=shop_id, topic=topic, subject=number, due_at=at.now + FIRST_RETRY, at=at)
    return bool(acted)


def run_due(*, at: Moment) -> int:
    """Do everything that is due at this moment, until nothing is left or a bound is reached; return how much was done."""
    total = 0
    for _round in range(ROUNDS):
        did = fall(at=at) + work_off(at=at)
        total += did
        if did == 0:
            break
    return total
