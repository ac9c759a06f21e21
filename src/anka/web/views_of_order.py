"""An order as its buyer sees it: a headline in words, whose turn it is, the pieces, the money, what happened."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext, ngettext

from anka.cases.queries import Refund
from anka.domain.delivery_states import Stage
from anka.domain.unit_money import UnitMoney
from anka.orders import views as statuses
from anka.orders.models import OrderState, Unit
from anka.web import case_words, words
from anka.web.requests import pick
from anka.web.views_of_headline import headline, refresh_seconds
from anka.web.views_of_receipts import receipts
from anka.web.views_of_steps import next_steps
from anka.web.views_of_units import OPENED, Seen, tickets

Shown = dict[str, Any]
# The cause of refunds of money that never was the order's.
ODD = "odd_payment"


def status(state: OrderState) -> str:
    """Return the one word for an order, a key of orders.views.LABELS."""
    return statuses.status_of(
        is_paid=state.paid_at is not None,
        is_closed=state.closed_at is not None,
        stages=[unit.stage for unit in state.units],
        moneys=[unit.money for unit in state.units],
    )


def order_page(*, seen: Seen, secret: tuple[int, str] | None = None) -> Shown:
    """Return everything the order's page shows; `secret` is the position and text of a key that was just opened."""
    state, word = seen.state, status(seen.state)
    return {
        "order": order_facts(state),
        "headline": headline(seen=seen, status=word),
        "next_steps": next_steps(seen=seen, status=word),
        "units": tickets(seen=seen, secret=secret),
        "money_lines": money_lines(seen),
        "timeline": timeline(seen),
        "confirm": confirmation(seen),
        "cases": cases(seen),
        "receipts": receipts(cases=seen.beside.cases),
        "notices": _notices(seen, word),
        "refresh_seconds": None if secret else refresh_seconds(seen=seen, status=word),
    }


def order_facts(state: OrderState) -> Shown:
    """Return what an order is about, for every page that shows one."""
    return {
        "number": state.number,
        "url": f"/orders/{state.number}",
        "title": pick(state.title_zh, state.title_en),
        "quantity": state.quantity,
        "face_value": state.face_value,
        "region": state.region,
        "shop": {"code": state.shop_code, "name": pick(state.shop_name_zh, state.shop_name_en)},
        "total_minor": state.amount_minor,
        "currency": state.currency,
        "placed_at": state.placed_at,
        "hold_until": state.hold_until,
        "rules_version": state.policy_version,
    }


def money_lines(seen: Seen) -> list[Shown]:
    """Return where the money of an order is; the parts always add up to what was paid."""
    state = seen.state
    if state.paid_minor == 0:
        label = gettext("To pay") if state.closed_at is None else gettext("Charged")
        return [_line(state, label, state.amount_minor if state.closed_at is None else 0), *_odd_lines(seen)]
    lines = [_line(state, gettext("You paid"), state.paid_minor)]
    for refund in (refund for refund in seen.beside.refunds if refund.cause != ODD):
        arrived = refund.status == "succeeded"
        label = gettext("Back with you") if arrived else gettext("On its way to you")
        lines.append(_line(state, label, refund.amount_minor, detail=_which(refund), tone="ok" if arrived else "info"))
    if state.released_minor:
        lines.append(_line(state, gettext("Paid to the shop"), state.released_minor))
    held = state.paid_minor - state.refunded_minor - state.released_minor
    if held:
        lines.append(_line(state, gettext("Held by Anka"), held, detail=gettext("not paid to the shop yet")))
    return lines + _odd_lines(seen)


def _odd_lines(seen: Seen) -> list[Shown]:
    """Money that was never this order's: it came as another sum and goes back, so it stands apart from what was paid."""
    return [
        {
            "label": gettext("Did not fit, back with you")
            if refund.status == "succeeded"
            else gettext("Did not fit, on its way back to you"),
            "detail": _which(refund),
            "amount_minor": refund.amount_minor,
            "currency": refund.currency,
            "tone": "ok" if refund.status == "succeeded" else "wait",
        }
        for refund in seen.beside.refunds
        if refund.cause == ODD
    ]


def _which(refund: Refund) -> str:
    channels = gettext(", ").join(dict.fromkeys(words.channel(leg.channel) for leg in refund.legs))
    return f"{words.pieces(refund.positions)} · {channels}" if refund.positions else channels


def _line(state: OrderState, label: str, amount_minor: int, *, detail: str = "", tone: str = "") -> Shown:
    return {"label": label, "detail": detail, "amount_minor": amount_minor, "currency": state.currency, "tone": tone}


def timeline(seen: Seen) -> list[Shown]:
    """Return what happened, newest first."""
    return [
        {
            "at": event.at,
            "actor": words.actor(event.actor, shop=seen.shop),
            "what": words.event(what=event.what, positions=event.positions, details=event.details, currency=seen.state.currency),
            "tone": words.event_tone(event.what),
            "now": False,
        }
        for event in reversed(seen.beside.timeline)
    ]


def confirmation(seen: Seen) -> Shown | None:
    """Return the offer to confirm delivery, with what goes to the shop; None where there is nothing to confirm."""
    if seen.action("confirm") is None:
        return None
    ready = confirmable(state=seen.state, now=seen.now)
    return {
        "text": gettext("%(pieces)s: if it works, confirm and the shop is paid. A fault that shows later can still be claimed.")
        % {"pieces": words.pieces([unit.position for unit in ready])},
        "amount_minor": sum(unit.left_minor for unit in ready),
        "currency": seen.state.currency,
        "idempotency_key": seen.new_key(),
    }


def confirmable(*, state: OrderState, now: datetime) -> list[Unit]:
    """Return the units a confirmation of the whole order would be about."""
    window = timedelta(minutes=state.refund_window_minutes)
    return [
        unit
        for unit in state.units
        if unit.money == UnitMoney.HELD
        and not unit.under_case
        and (unit.stage in OPENED or (unit.stage == Stage.SEALED and unit.delivered_at is not None and now > unit.delivered_at + window))
    ]


def cases(seen: Seen) -> list[Shown]:
    """Return the cases of an order that were more than one click, the newest first: what about, how it stands or ended."""
    told = [case for case in seen.beside.cases if case.closed_at is None or len(case.receipts) > 1 or case.answers or case.rulings]
    return [
        {
            "url": f"/cases/{case.number}",
            "pieces": words.pieces(case.positions),
            "reason": words.reason(case.reason),
            "at": case.closed_at or case.opened_at,
            "status": case_words.outcome(case.outcome or "") if case.closed_at else case_words.status(case.status),
            "tone": case_words.outcome_tone(case.outcome or "") if case.closed_at else "wait",
        }
        for case in reversed(told)
    ]


def _notices(seen: Seen, word: str) -> list[Shown]:
    odd = [_odd_notice(event.details) for event in seen.beside.timeline if event.what == "odd_payment_refunded"]
    if seen.ways_out:
        said = gettext("The issuer says that the key is bad: %(pieces)s. The way to your money stands beside it below.")
        odd.insert(0, {"tone": "bad", "text": said % {"pieces": words.pieces(sorted(seen.ways_out))}})
    extra = [refund for refund in seen.beside.refunds if not refund.positions and refund.cause != ODD]
    if word == statuses.CLOSED or not extra:
        return odd
    total = words.amount(sum(refund.amount_minor for refund in extra), seen.state.currency)
    said = ngettext(
        "%(count)s payment too many came in, %(amount)s in all; it goes back by itself.",
        "%(count)s payments too many came in, %(amount)s in all; they go back by themselves.",
        len(extra),
    )
    return [*odd, {"tone": "info", "text": said % {"amount": total, "count": len(extra)}}]


def _odd_notice(details: Mapping[str, Any]) -> Shown:
    """Say that another sum arrived than was asked for; the order was not paid by it."""
    came, asked = words.amount(details["amount_minor"], details["currency"]), details["asked_minor"]
    text = gettext("%(came)s arrived instead of %(asked)s, so it did not pay this order. It goes back by itself; you need not do anything.")
    return {"tone": "wait", "text": text % {"came": came, "asked": words.amount(asked, details["asked_currency"])}}
