"""Who does what next on an order, and what happens if nobody moves. Pure."""

from datetime import timedelta
from typing import Any

from django.utils.translation import gettext

from anka.cases.models import CaseState
from anka.domain.deadlines import clock_named
from anka.domain.delivery_states import Stage
from anka.orders import views as statuses
from anka.web import words
from anka.web.views_of_units import OPENED, Seen

Shown = dict[str, Any]


def next_steps(*, seen: Seen, status: str) -> list[Shown]:
    """Return the steps to come: whose turn it is now, what the buyer may do, and what happens by itself."""
    argued = next((case for case in seen.beside.cases if case.closed_at is None), None)
    return _under_case(seen, argued) if argued else _STEPS[status](seen)


def _step(when: str, who: str, what: str, detail: str = "") -> Shown:
    return {"when": when, "who": who, "what": what, "detail": detail}


def _under_case(seen: Seen, case: CaseState) -> list[Shown]:
    names = {"merchant": seen.shop, "buyer": gettext("You"), "platform": gettext("The platform"), "none": gettext("Nobody has to move;")}
    doing = {
        "merchant": gettext("answers the request"),
        "buyer": gettext("answer in the case"),
        "platform": gettext("looks at both sides and decides"),
        "none": gettext("either side may appeal"),
    }
    side = case.turn.side
    steps = [_step(gettext("Now"), names[side], doing[side])]
    if case.due_at is not None:
        at = {"at": words.moment(case.due_at)}
        by_itself = gettext("moves on by itself at %(at)s") % at
        steps.append(_step(gettext("If not"), gettext("The case"), by_itself, gettext("The case's page says what happens then.")))
    return steps


def _unpaid(seen: Seen) -> list[Shown]:
    at = {"at": words.moment(seen.state.hold_until)}
    return [
        _step(gettext("Now"), gettext("You"), gettext("pay, or cancel with one tap"), gettext("Nothing has been charged yet.")),
        _step(gettext("Then"), gettext("Anka"), gettext("puts the sealed keys into this order"), gettext("Usually within seconds.")),
        _step(
            gettext("If not"),
            gettext("Anka"),
            gettext("closes the order at %(at)s") % at,
            gettext("The goods are released, nothing is charged."),
        ),
    ]


def _closed(seen: Seen) -> list[Shown]:
    if any(refund.status != "succeeded" for refund in seen.beside.refunds):
        return _refunding(seen)
    detail = gettext("Should a payment for this order still come in, you get it back without asking.")
    return [_step(gettext("Now"), gettext("Everything is done"), "", detail)]


def _refunding(seen: Seen) -> list[Shown]:
    open_legs = [leg for refund in seen.beside.refunds if refund.status != "succeeded" for leg in refund.legs]
    who = gettext(", ").join(dict.fromkeys(words.channel(leg.channel) for leg in open_legs)) or gettext("Anka")
    due = max((leg.arrives_by for leg in open_legs), default=seen.now)
    late = gettext("If it has not arrived by %(at)s, somebody looks into it without you asking.") % {"at": words.moment(due)}
    return [
        _step(gettext("Now"), who, gettext("sends the money to you")),
        _step(gettext("You"), gettext("You have nothing to do"), "", late),
    ]


def _refunded(_seen: Seen) -> list[Shown]:
    return [_step(gettext("Now"), gettext("Everything is done"), "", gettext("The money has arrived."))]


def _to_deliver(seen: Seen) -> list[Shown]:
    due = (seen.state.paid_at or seen.state.placed_at) + timedelta(minutes=seen.state.promise_minutes)
    who = gettext("Anka") if seen.state.delivery == "auto" else seen.shop
    late = gettext("After %(at)s the shop is late, and a cancel counts as its fault.") % {"at": words.moment(due)}
    return [
        _step(gettext("Now"), who, gettext("puts the sealed keys into this order")),
        _step(gettext("You"), gettext("You have nothing to do"), "", gettext("You may cancel while nothing is delivered.")),
        _step(gettext("If not"), gettext("You"), gettext("may cancel and have everything back"), late),
    ]


def _delivered(seen: Seen) -> list[Shown]:
    sealed = [unit for unit in seen.current if unit.stage == Stage.SEALED]
    if not sealed:
        return _opened(seen)
    ends = min((end for end in map(seen.window_ends, sealed) if end is not None), default=seen.now)
    at = {"at": words.moment(ends)}
    return [
        _step(
            gettext("Now"),
            gettext("You"),
            gettext("open it, or send it back sealed"),
            gettext("Opening ends the one-tap refund of that piece."),
        ),
        _step(
            gettext("If not"),
            gettext("Anka"),
            gettext("pays the shop after %(at)s") % at,
            gettext("Until then the full price of what is sealed can go back to you."),
        ),
    ]


def _opened(seen: Seen) -> list[Shown]:
    opened = [unit.revealed_at for unit in seen.current if unit.stage in OPENED and unit.revealed_at and unit.confirmed_at is None]
    falls = min(opened, default=seen.now) + clock_named(name=f"confirm_{seen.state.kind}").default
    return [
        _step(gettext("Now"), gettext("You"), gettext("use it, and confirm if it works")),
        _step(
            gettext("Faulty"),
            gettext("You"),
            gettext("ask for your money under “Cancel / after-sale”"),
            gettext("That right does not end with confirming."),
        ),
        _step(
            gettext("If not"),
            gettext("Anka"),
            gettext("confirms by itself at %(at)s") % {"at": words.moment(falls)},
            gettext("The shop is paid then."),
        ),
    ]


def _completed(seen: Seen) -> list[Shown]:
    delivered = [unit.delivered_at for unit in seen.current if unit.delivered_at]
    until = max(delivered, default=seen.now) + timedelta(minutes=seen.state.warranty_minutes)
    return [
        _step(gettext("Now"), gettext("Everything is done"), ""),
        _step(gettext("You"), gettext("You"), gettext("may claim a fault until %(at)s") % {"at": words.moment(until)}),
    ]


_STEPS = {
    statuses.UNPAID: _unpaid,
    statuses.CLOSED: _closed,
    statuses.REFUNDING: _refunding,
    statuses.REFUNDED: _refunded,
    statuses.TO_DELIVER: _to_deliver,
    statuses.DELIVERED: _delivered,
    statuses.COMPLETED: _completed,
}
