"""The headline of an order: what is happening, in words, until when, and the one thing to do about it. Pure."""

from datetime import timedelta
from typing import Any

from django.utils.translation import gettext, ngettext

from anka.cases.queries import Refund
from anka.domain.deadlines import clock_named
from anka.domain.delivery_states import Stage
from anka.domain.payment_states import PaymentState
from anka.domain.unit_money import UnitMoney
from anka.orders import views as statuses
from anka.web import case_words, words
from anka.web.views_of_units import OPENED, Seen

Shown = dict[str, Any]
LOOK = {
    statuses.UNPAID: ("wait", "card"),
    statuses.CLOSED: ("mute", "info"),
    statuses.REFUNDING: ("info", "back"),
    statuses.REFUNDED: ("ok", "check"),
    statuses.TO_DELIVER: ("info", "bolt"),
    statuses.DELIVERED: ("info", "seal"),
    statuses.COMPLETED: ("ok", "check"),
}
FOLLOW_SECONDS = 3


def badge(status: str) -> Shown:
    """Return an order's badge: tone, icon and word."""
    tone, icon = LOOK[status]
    return {"tone": tone, "icon": icon, "label": statuses.LABELS[status]}


def headline(*, seen: Seen, status: str) -> Shown:
    """Return the headline of an order's page."""
    tone, icon = LOOK[status]
    told = _under_case(seen) or _SAID[status](seen)
    return {"tone": tone, "icon": icon, "badge": statuses.LABELS[status], **told}


def refresh_seconds(*, seen: Seen, status: str) -> int | None:
    """Return how soon the page is worth another look, None where nothing moves by itself."""
    paying = status == statuses.UNPAID and any(payment.status == PaymentState.PENDING for payment in seen.state.payments)
    moving = status in (statuses.TO_DELIVER, statuses.REFUNDING) or paying
    waiting_refund = any(refund.status in ("intended", "processing") for refund in seen.beside.refunds)
    return FOLLOW_SECONDS if moving or waiting_refund else None


def link(label: str, href: str, *, amount_minor: int | None = None, currency: str = "") -> Shown:
    """Return an action that only leads somewhere."""
    return {"label": label, "href": href, "method": "get", "amount_minor": amount_minor, "currency": currency}


def way_out(seen: Seen) -> Shown | None:
    """Return the link to the cancel pages, where there is anything left to ask about."""
    if seen.action("quote") is None:
        return None
    return link(gettext("Cancel / after-sale"), f"/orders/{seen.state.number}/cancel")


def cancel_now(seen: Seen) -> Shown | None:
    """Return the one click that closes an unpaid order."""
    if seen.action("cancel") is None:
        return None
    return {
        "label": gettext("Cancel this order"),
        "href": f"/orders/{seen.state.number}/cancel",
        "method": "post",
        "amount_minor": None,
        "currency": seen.state.currency,
        "idempotency_key": seen.new_key(),
        "fields": {"reason": "NO_LONGER_NEEDED"},
    }


def _under_case(seen: Seen) -> Shown | None:
    """An open case is what matters about an order, whatever else is in it."""
    open_cases = [case for case in seen.beside.cases if case.closed_at is None]
    if not open_cases:
        return None
    case = next((case for case in open_cases if case.turn.side == "buyer"), open_cases[0])
    mine = case.turn.side == "buyer"
    about = {"pieces": words.pieces(case.positions), "reason": words.reason(case.reason)}
    count = len([unit for unit in seen.current if seen.case_of(unit.position) is None])
    others = (
        ngettext("The other piece is not touched by this.", "The other %(count)s pieces are not touched by this.", count) if count else ""
    )
    clock = next((clock for clock in case.clocks if clock.kind == case.turn.clock), None)
    return {
        "tone": "wait",
        "icon": "bell" if mine else "clock",
        "badge": case_words.turn(case.turn.side, seen_by="buyer"),
        "title": gettext("Your answer is needed: %(pieces)s, %(reason)s") % about
        if mine
        else gettext("A case is open: %(pieces)s, %(reason)s") % about,
        "text": words.sentences(gettext("What is argued about is frozen; the shop cannot have it."), others % {"count": count}),
        "countdown": {"due": clock.due_at, "since": clock.started_at, "label": case_words.clock(clock.kind), "consequence": ""}
        if clock
        else None,
        "primary": link(gettext("To the case"), f"/cases/{case.number}"),
        "secondary": way_out(seen) if count else None,
    }


def _unpaid(seen: Seen) -> Shown:
    state = seen.state
    if seen.action("pay") is None:
        return {
            "title": gettext("The time to pay is over"),
            "text": gettext("The order is closing by itself. Nothing was charged; what comes in late is served or returned by itself."),
            "primary": link(gettext("To the product"), f"/products/{state.product_number}"),
        }
    held = ngettext("%(count)s piece is held for you.", "%(count)s pieces are held for you.", len(seen.current)) % {
        "count": len(seen.current)
    }
    return {
        "title": gettext("Waiting for your payment"),
        "text": words.sentences(held, gettext("Nothing has been charged, so one tap cancels it.")),
        "countdown": {
            "due": state.hold_until,
            "since": state.placed_at,
            "label": gettext("Time left to pay"),
            "consequence": gettext("the order closes by itself and nothing is charged."),
        },
        "primary": link(gettext("Pay"), f"/orders/{state.number}/pay", amount_minor=state.amount_minor, currency=state.currency),
        "secondary": cancel_now(seen),
    }


def _closed(seen: Seen) -> Shown:
    late = [refund for refund in seen.beside.refunds if not refund.positions]
    again = link(gettext("To the product"), f"/products/{seen.state.product_number}")
    if late:
        return _late(seen, late[-1], again)
    if seen.state.closed_by == "timeout":
        why = gettext("It was not paid in time.")
        then = gettext("The goods were released. If a payment still comes in, it is served or returned by itself.")
    else:
        why = gettext("You cancelled it before paying.")
        then = gettext("The goods were released. If a payment still comes in, it is returned by itself.")
    return {
        "title": gettext("The order is closed, nothing was charged"),
        "text": words.sentences(why, then),
        "primary": again,
    }


def _late(seen: Seen, refund: Refund, again: Shown) -> Shown:
    amount = words.amount(refund.amount_minor, seen.state.currency)
    arrived = refund.status == "succeeded"
    title = (
        gettext("Your late payment of %(amount)s is back with you")
        if arrived
        else gettext("Your late payment of %(amount)s is on its way back")
    )
    return {
        "tone": "ok" if arrived else "info",
        "icon": "check" if arrived else "back",
        "title": title % {"amount": amount},
        "text": gettext("It came in after the order had closed, so nothing was delivered and it was returned by itself."),
        "primary": link(gettext("Follow the refund"), f"/refunds/{refund.number}"),
        "secondary": again,
    }


def _refunding(seen: Seen) -> Shown:
    units = [unit for unit in seen.state.units if unit.money == UnitMoney.REFUNDING]
    refund = seen.refund_of(units[0].position)
    others = len([unit for unit in seen.current if unit.money not in (UnitMoney.REFUNDING, UnitMoney.REFUNDED, UnitMoney.NONE)])
    amount = words.amount(sum(unit.refunded_minor for unit in units), seen.state.currency)
    text = gettext("There is nothing for you to do; it arrives by itself.")
    if others:
        kept = ngettext("The other piece is not touched by this.", "The other %(count)s pieces are not touched by this.", others)
        text = words.sentences(text, kept % {"count": others})
    return {
        "title": gettext("%(amount)s is on its way back to you") % {"amount": amount},
        "text": text,
        "primary": link(gettext("Follow the refund"), f"/refunds/{refund.number}") if refund else None,
        "secondary": way_out(seen) if others else None,
    }


def _refunded(seen: Seen) -> Shown:
    amount = words.amount(seen.state.refunded_minor, seen.state.currency)
    newest = seen.beside.refunds[-1] if seen.beside.refunds else None
    return {
        "title": gettext("%(amount)s is back with you") % {"amount": amount},
        "text": gettext("The money has arrived and the order is settled. There is nothing left to do."),
        "primary": link(gettext("See the refund"), f"/refunds/{newest.number}") if newest else None,
    }


def _to_deliver(seen: Seen) -> Shown:
    state = seen.state
    due = (state.paid_at or state.placed_at) + timedelta(minutes=state.promise_minutes)
    if seen.now > due:
        return {
            "tone": "wait",
            "title": gettext("Delivery is late"),
            "text": gettext("It was promised for %(at)s. You can wait, or cancel and have everything back.") % {"at": words.moment(due)},
            "primary": way_out(seen),
        }
    return {
        "title": gettext("Paid. Your order is being delivered"),
        "text": gettext("The goods come sealed into this order; nothing is sent by message. Anka holds your money."),
        "countdown": {
            "due": due,
            "since": state.paid_at,
            "label": gettext("Promised within"),
            "consequence": gettext("is the latest; after that you may cancel and have everything back."),
        },
        "primary": way_out(seen),
    }


def _delivered(seen: Seen) -> Shown:
    sealed = [unit for unit in seen.current if unit.stage == Stage.SEALED]
    ends = [end for end in map(seen.window_ends, sealed) if end is not None and end >= seen.now]
    if ends:
        count = len(sealed)
        said = ngettext("%(count)s piece is sealed in your order", "%(count)s pieces are sealed in your order", count)
        return {
            "title": said % {"count": count},
            "text": gettext("Open it when you need it. What you leave sealed goes back for its full price in one tap."),
            "countdown": {
                "due": min(ends),
                "since": min(unit.delivered_at for unit in sealed if unit.delivered_at),
                "label": gettext("Time left for the one-tap refund"),
                "consequence": gettext("the one-tap refund of what is still sealed ends."),
            },
            "primary": None,
            "secondary": way_out(seen),
        }
    opened = [unit for unit in seen.current if unit.stage in OPENED and unit.money == UnitMoney.HELD and unit.revealed_at]
    shown: Shown = {
        "icon": "open",
        "title": gettext("Opened. Does it work?"),
        "text": gettext("Anka still holds your money. If the key is faulty, ask for it back before you confirm."),
        "secondary": way_out(seen),
    }
    if opened:
        first = min(unit.revealed_at for unit in opened if unit.revealed_at)
        shown["countdown"] = {
            "due": first + clock_named(name=f"confirm_{seen.state.kind}").default,
            "since": first,
            "label": gettext("Confirmed by itself in"),
            "consequence": gettext("the shop is paid. A fault can still be claimed after that."),
        }
    return shown


def _completed(seen: Seen) -> Shown:
    back = seen.state.refunded_minor
    title = gettext("Done: %(amount)s goes back to you, the shop has the rest") if back else gettext("Done, and the shop is paid")
    return {
        "title": title % {"amount": words.amount(back, seen.state.currency)},
        "text": gettext("If a fault shows later, you can still claim it within the warranty."),
        "primary": None,
        "secondary": way_out(seen),
    }


_SAID = {
    statuses.UNPAID: _unpaid,
    statuses.CLOSED: _closed,
    statuses.REFUNDING: _refunding,
    statuses.REFUNDED: _refunded,
    statuses.TO_DELIVER: _to_deliver,
    statuses.DELIVERED: _delivered,
    statuses.COMPLETED: _completed,
}
