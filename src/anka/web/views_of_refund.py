"""A refund as its buyer sees it: how far it is, where it goes, what the channel calls it. Pure."""

from datetime import datetime
from typing import Any

from django.utils.translation import gettext

from anka.cases.queries import Attempt, Leg, Refund
from anka.cases.refund_steps import step_of
from anka.web import refund_words, words

Shown = dict[str, Any]
UNDER_WAY, ARRIVED, STUCK = ("intended", "processing"), "succeeded", ("stuck", "failed")
ATTEMPTS = {
    "created": "mute",
    "submitting": "info",
    "processing": "info",
    "succeeded": "ok",
    "closed": "wait",
    "unknown": "wait",
    "waiting_funds": "wait",
    "abnormal": "bad",
    "failed": "bad",
    "reversed": "bad",
    "manual": "wait",
}


def track(*, refund: Refund, leg: Leg) -> list[Shown]:
    """Return the four steps of money on its way: asked for, agreed, with the channel, arrived."""
    submitted = next((attempt.submitted_at for attempt in leg.attempts if attempt.submitted_at), None)
    arrived = leg.ended_at if leg.status == ARRIVED else None
    steps: list[tuple[str, datetime | None]] = [
        (gettext("Asked"), refund.intended_at),
        (gettext("Agreed"), refund.intended_at),
        (gettext("At the channel"), submitted),
        (gettext("Arrived"), arrived),
    ]
    current = next((index for index, (_label, at) in enumerate(steps) if at is None), None)
    due = gettext("by %(at)s") % {"at": words.moment(leg.arrives_by)}
    return [
        {"label": label, "at": at, "done": at is not None, "now": index == current, "detail": due if index == len(steps) - 1 else ""}
        for index, (label, at) in enumerate(steps)
    ]


def channel_number(leg: Leg) -> str:
    """Return what the channel calls the newest attempt, "" before it said so."""
    return next((attempt.channel_number for attempt in reversed(leg.attempts) if attempt.channel_number), "")


def headline(refund: Refund) -> Shown:
    """Return the refund's headline: arrived, stuck, or on its way."""
    channels = gettext(", ").join(dict.fromkeys(words.channel(leg.channel) for leg in refund.legs))
    if refund.status == ARRIVED:
        return {
            "tone": "ok",
            "badge": gettext("Arrived"),
            "icon": "check",
            "title": gettext("Your money is back"),
            "text": gettext("It has arrived at %(channel)s. There is nothing left to do.") % {"channel": channels},
        }
    due = max(leg.arrives_by for leg in refund.legs)
    said = {"channel": channels, "at": words.moment(due)}
    if refund.status in STUCK:
        return {
            "tone": "wait",
            "badge": gettext("Being looked into"),
            "icon": "alert",
            "title": gettext("Your money is still on its way"),
            "text": gettext("%(channel)s could not complete it by itself, so a person is looking into it.") % said,
        }
    return {
        "tone": "info",
        "badge": gettext("Being refunded"),
        "icon": "clock",
        "title": gettext("Your money is on its way back"),
        "text": gettext("It goes to %(channel)s and should be there by %(at)s. There is nothing for you to do.") % said,
    }


def tracker(*, refund: Refund, order_number: str) -> Shown:
    """Return the refund in the shape of its page."""
    return {
        "number": refund.number,
        "order_number": order_number,
        "order_url": f"/orders/{order_number}",
        "amount_minor": refund.amount_minor,
        "currency": refund.currency,
        "stuck": _stuck() if refund.status in STUCK else None,
        "legs": [_leg(refund, leg) for leg in refund.legs],
    }


def _stuck() -> Shown:
    return {
        "tone": "wait",
        "title": gettext("The channel has not completed this refund"),
        "text": gettext("The money is still owed to you and nothing is lost. Somebody at the platform is on it; you need not ask."),
    }


def _leg(refund: Refund, leg: Leg) -> Shown:
    return {
        "channel": words.channel(leg.channel),
        "amount_minor": leg.amount_minor,
        "next": _next(refund, leg),
        "track": track(refund=refund, leg=leg),
        "arrival": words.expected(channel_code=leg.channel, accepted_at=refund.intended_at),
        "channel_refund_number": channel_number(leg),
        "attempts": [_attempt(attempt) for attempt in leg.attempts] if len(leg.attempts) > 1 or refund.status in STUCK else [],
    }


def _next(refund: Refund, leg: Leg) -> Shown:
    """Return what happens next with one way of a refund, by when, and where the buyer may take it into the wallet."""
    step = step_of(leg=leg)
    return {
        "text": refund_words.NEXT[step.code],
        "by": step.by,
        "wallet_url": f"/refunds/{refund.number}/{leg.leg}/wallet" if step.can_choose else None,
    }


def _attempt(attempt: Attempt) -> Shown:
    said = {
        "created": gettext("Written down, the channel is asked next"),
        "submitting": gettext("The channel is being asked"),
        "processing": gettext("The channel has accepted it"),
        "succeeded": gettext("The channel says it has arrived"),
        "closed": gettext("The channel closed this attempt; nothing was sent"),
        "unknown": gettext("The channel has not answered; it is asked again"),
        "waiting_funds": gettext("The channel waits for funds of ours"),
        "abnormal": gettext("The channel cannot reach the account; a person is looking into it"),
        "failed": gettext("The channel refused; a person is looking into it"),
        "reversed": gettext("The money came back to us; a person is looking into it"),
        "manual": gettext("A person completes this by hand"),
    }
    at = attempt.ended_at or attempt.submitted_at or attempt.created_at
    return {"at": at, "what": said.get(attempt.status, attempt.status), "tone": ATTEMPTS.get(attempt.status, "mute")}
