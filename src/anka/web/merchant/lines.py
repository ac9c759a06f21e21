"""What stands in the workbench's lists: what it is, what it is worth, until when, what happens when nobody moves. Pure."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils.translation import gettext, ngettext

from anka.cases.queries import CaseLine
from anka.cases.workbench import CaseWaiting, ToDeliver
from anka.orders import views as statuses
from anka.orders.queries import Line
from anka.web import case_words, words
from anka.web.requests import pick
from anka.web.views_of_headline import badge

Shown = dict[str, Any]
URGENT = timedelta(hours=1)
SOON = timedelta(hours=6)
NEVER = datetime(9999, 1, 1, tzinfo=UTC)
"""The place in a list of what has no clock."""


def tone_of(*, due: datetime, now: datetime) -> str:
    """Return how pressing a moment is: less than an hour is bad, less than six wait for somebody, else it is under way."""
    if due - now <= URGENT:
        return "bad"
    return "wait" if due - now <= SOON else "info"


def to_deliver_line(line: ToDeliver, *, now: datetime, key: str) -> Shown:
    """Return an order that waits for the shop's hands."""
    late = line.due_at <= now
    back_at = line.given_back_at
    due = back_at if late and back_at is not None else line.due_at
    url = f"/shop/orders/{line.number}"
    return {
        "what": "order",
        "number": line.number,
        "url": url,
        "title": f"{pick(line.title_zh, line.title_en)} × {line.quantity}",
        "amount_minor": line.amount_minor,
        "currency": line.currency,
        "due": line.due_at,
        "countdown": due if due > now else None,
        "since": line.started_at,
        "tone": "bad" if late else tone_of(due=line.due_at, now=now),
        "urgent": line.due_at - now <= URGENT,
        "badge": gettext("Late: not delivered as promised") if late else _stage(line),
        "icon": "alert" if late else "clock",
        "consequence": deliver_or_else(due_at=line.due_at, back_at=back_at, amount=words.amount(line.amount_minor, line.currency), now=now),
        "asked": gettext("Paid %(at)s") % {"at": words.moment(line.paid_at)},
        "said": "",
        "accept": {"action": f"{url}/accept", "key": key} if line.queued else None,
        "deliver_url": f"{url}/deliver",
        "refund_url": f"{url}/refund",
        "agree": None,
    }


def _stage(line: ToDeliver) -> str:
    if line.queued:
        return gettext("To accept and deliver")
    return ngettext("Accepted, %(count)s piece to deliver", "Accepted, %(count)s pieces to deliver", line.taken_up) % {
        "count": line.taken_up
    }


def deliver_or_else(*, due_at: datetime, back_at: datetime | None, amount: str, now: datetime) -> str:
    """Return what happens if nobody delivers: late after the promise, and given back by itself where nobody has taken it up."""
    said = {"at": words.moment(due_at), "amount": amount}
    late = (
        gettext("Promised for %(at)s and not delivered: it counts as a breach, and the buyer may cancel at any moment.")
        if due_at <= now
        else gettext("After %(at)s it counts as a breach, and the buyer may cancel and has everything back.")
    ) % said
    if back_at is None:
        return late
    return words.sentences(late, gettext("On %(at)s %(amount)s is refunded by itself.") % {**said, "at": words.moment(back_at)})


def case_line(line: CaseWaiting, *, now: datetime, key: str) -> Shown:
    """Return an open case."""
    url = f"/shop/cases/{line.number}"
    mine = line.side == "merchant"
    due = line.due_at
    wanted = line.left_minor if line.ask_minor is None else line.ask_minor
    return {
        "what": "case",
        "number": line.number,
        "url": url,
        "title": f"{pick(line.title_zh, line.title_en)} · {words.pieces(line.positions)}",
        "amount_minor": wanted,
        "currency": line.currency,
        "due": due or NEVER,
        "countdown": due if due is not None and due > now else None,
        "since": line.started_at,
        "tone": _case_tone(line, now),
        "urgent": mine and due is not None and due - now <= URGENT,
        "badge": case_words.turn("merchant", seen_by="merchant") if mine else case_words.status(line.status),
        "icon": "bell" if mine else "clock",
        "consequence": silence(line, now=now) if due is not None else "",
        "asked": gettext("%(reason)s · asks for %(what)s") % {"reason": words.reason(line.reason), "what": _wish(line, wanted)},
        "said": line.statement,
        "accept": None,
        "agree": {"action": f"{url}/agree", "key": key, "replacement": line.ask_replacement} if mine else None,
        "refuse_url": f"{url}#refuse" if mine else "",
        "offer_url": f"{url}#offer" if mine else "",
        "open_url": "" if mine else url,
    }


def _case_tone(line: CaseWaiting, now: datetime) -> str:
    if line.side != "merchant" or line.due_at is None:
        return case_words.status_tone(line.status) if line.status != "merchant_turn" else "wait"
    return tone_of(due=line.due_at, now=now)


def _wish(line: CaseWaiting, wanted: int) -> str:
    return gettext("a replacement") if line.ask_replacement else words.amount(wanted, line.currency)


def silence(line: CaseWaiting, *, now: datetime) -> str:
    """Return what happens when the clock of a case falls, in the shop's words."""
    if line.due_at is None:
        return ""
    offered = line.offered_minor if line.offered_minor is not None else line.ask_minor or 0
    said = {"at": words.moment(line.due_at), "amount": words.amount(offered, line.currency)}
    forms = {
        "refund": gettext("On %(at)s %(amount)s is refunded by itself and counted as your breach."),
        "escalate": gettext("On %(at)s the platform takes over; the money stays frozen. Silence counts against you."),
        "close": gettext("On %(at)s the refusal stands and the case closes, unless the buyer calls the platform."),
        "review": gettext("On %(at)s the platform decides on what is there; add your evidence before."),
        "alarm": gettext("The platform decides by %(at)s; the money stays frozen until then."),
        "execute": gettext("On %(at)s the ruling is carried out, unless somebody appeals."),
    }
    if line.status == "buyer_turn":
        return gettext("On %(at)s the platform takes over, unless the buyer answers.") % said
    return forms.get(line.if_silent or "", "") % said


def closed_case(line: CaseLine) -> Shown:
    """Return a case that is over."""
    outcome = line.outcome or ""
    return {
        "what": "closed",
        "number": line.number,
        "url": f"/shop/cases/{line.number}",
        "title": f"{words.reason(line.reason)} · {words.pieces(line.positions)}",
        "amount_minor": line.refund_minor,
        "currency": line.currency,
        "tone": case_words.outcome_tone(outcome),
        "badge": case_words.outcome(outcome),
        "icon": "check",
        "at": line.closed_at,
        "asked": gettext("Back to the buyer") if line.refund_minor else gettext("No money went back"),
        "urgent": False,
    }


def order_line(line: Line) -> Shown:
    """Return one of all orders."""
    word = statuses.status_of(
        is_paid=line.paid_at is not None, is_closed=line.closed_at is not None, stages=line.stages, moneys=line.moneys
    )
    look = badge(word)
    return {
        "what": "closed",
        "number": line.number,
        "url": f"/shop/orders/{line.number}",
        "title": f"{pick(line.title_zh, line.title_en)} × {line.quantity}",
        "amount_minor": line.amount_minor,
        "currency": line.currency,
        "tone": look["tone"],
        "badge": look["label"],
        "icon": look["icon"],
        "at": line.placed_at,
        "asked": "",
        "urgent": False,
    }
