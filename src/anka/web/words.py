"""What things are called on pages: kinds, channels, stages, events, actors. Pure: codes in, words in the reader's language out."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.translation import gettext, gettext_lazy, ngettext

from anka.domain.policy import wordings
from anka.domain.policy.reasons import REASONS
from anka.payments import arrangements
from anka.web import case_words, dispute_words, refund_words
from anka.web.requests import language, pick
from anka.web.templatetags.anka import in_a_sentence

Words = Mapping[str, str | Promise]

CHANNELS: Words = MappingProxyType(
    {
        "wallet": gettext_lazy("Anka wallet"),
        "sandbox": gettext_lazy("Sandbox pay"),
        "alipay": gettext_lazy("Alipay"),
        "wechat": gettext_lazy("WeChat Pay"),
        "card": gettext_lazy("Bank card"),
        "stripe": gettext_lazy("Bank card (Stripe)"),
        "epay": gettext_lazy("Epay"),
        "epay_v2": gettext_lazy("Epay v2"),
        "hand": gettext_lazy("Bank transfer made by a person"),
    }
)
STAGES: Words = MappingProxyType(
    {
        "reserved": gettext_lazy("Reserved"),
        "queued": gettext_lazy("On its way"),
        "accepted": gettext_lazy("Accepted"),
        "working": gettext_lazy("In progress"),
        "sealed": gettext_lazy("Sealed"),
        "revealed": gettext_lazy("Opened"),
        "delivered": gettext_lazy("Delivered"),
        "used": gettext_lazy("Used"),
        "released": gettext_lazy("Released"),
        "recalled": gettext_lazy("Taken back"),
        "voided": gettext_lazy("Voided"),
        "replaced": gettext_lazy("Replaced"),
        "closed_out": gettext_lazy("Closed"),
    }
)
STATEMENT: Words = MappingProxyType(
    {
        "paid_from_wallet": gettext_lazy("Paid for an order"),
        "wallet_topped_up": gettext_lazy("Topped up"),
        "refund_done_wallet": gettext_lazy("Refund"),
        "wallet_held": gettext_lazy("Set aside for an order"),
        "held_released": gettext_lazy("Set aside, given back"),
        "unused_returned": gettext_lazy("Unused balance sent back"),
    }
)
EVENTS: Words = MappingProxyType(
    {
        "order_placed": gettext_lazy("Order placed, %(amount)s; the goods are reserved"),
        "payment_begun": gettext_lazy("Payment begun with %(channel)s, %(amount)s"),
        "wallet_held": gettext_lazy("%(amount)s of the wallet set aside for this order"),
        "wallet_hold_released": gettext_lazy("%(amount)s put back into the wallet"),
        "payment_closed": gettext_lazy("%(channel)s was told to take no more money for this payment"),
        "payment_failed": gettext_lazy("The payment with %(channel)s failed; nothing was charged"),
        "order_paid": gettext_lazy("Payment of %(amount)s received; Anka holds it"),
        "units_sealed": gettext_lazy("%(pieces)s delivered sealed into the order"),
        "unit_opened": gettext_lazy("%(pieces)s opened"),
        "unit_opened_again": gettext_lazy("%(pieces)s shown again"),
        "issuer_answered": gettext_lazy("The issuer was asked about %(pieces)s; what it said is on record"),
        "key_checked": gettext_lazy("The beginning of the key of %(pieces)s was compared with the record"),
        "delivery_confirmed": gettext_lazy("%(pieces)s confirmed; %(amount)s goes to the shop"),
        "units_settled": gettext_lazy("%(pieces)s settled with the shop"),
        "units_added": gettext_lazy("%(pieces)s reserved anew for the late payment"),
        "order_timed_out": gettext_lazy("Closed because it was not paid in time; the goods were released, nothing was charged"),
        "order_closed": gettext_lazy("Order cancelled before payment; the goods were released, nothing was charged"),
        "units_released": gettext_lazy("%(pieces)s cancelled before delivery"),
        "units_recalled": gettext_lazy("%(pieces)s taken back unopened"),
        "units_voided": gettext_lazy("%(pieces)s voided"),
        "units_rotated": gettext_lazy("%(pieces)s taken back, its login changed"),
        "units_kept": gettext_lazy("%(pieces)s closed; the goods stay with the buyer"),
        "refund_submitted": gettext_lazy("%(channel)s was asked to send %(amount)s back"),
        "refund_arrived": gettext_lazy("%(amount)s has arrived at %(channel)s"),
        "refund_stuck": gettext_lazy("%(channel)s could not complete the refund of %(amount)s; a person is looking into it"),
        "refund_attempt_closed": gettext_lazy("%(channel)s closed the attempt to refund %(amount)s; a new one follows by itself"),
        "refund_evidence_contradicts": gettext_lazy("%(channel)s said something that does not fit; a person is looking into it"),
        "late_payment_refunded": gettext_lazy("%(amount)s came after the order had closed and goes back by itself"),
        "odd_payment_refunded": gettext_lazy("%(amount)s arrived that is not the sum asked for; it goes back by itself"),
        "payment_matched": gettext_lazy("%(amount)s that had come under an unknown number was found to be for this order"),
        "payment_by_hand_entered": gettext_lazy("%(amount)s was found at %(channel)s by hand; a second person has to agree"),
        "payment_by_hand_refused": gettext_lazy("What was entered by hand about %(amount)s at %(channel)s was not confirmed"),
        "payment_taken_by_hand": gettext_lazy("%(amount)s at %(channel)s was found and taken by the platform's staff"),
        "double_payment_refunded": gettext_lazy("%(amount)s was paid a second time and goes back by itself"),
    }
)
_TONES = MappingProxyType(
    {
        "refund_arrived": "ok",
        "delivery_confirmed": "ok",
        "units_settled": "ok",
        "order_timed_out": "wait",
        "refund_stuck": "wait",
        "odd_payment_refunded": "wait",
        "refund_evidence_contradicts": "wait",
        "refund_bounced": "bad",
        "refund_overdue": "wait",
        "refund_late": "wait",
        "refund_waiting_funds": "wait",
        "order_placed": "mute",
        "payment_begun": "mute",
        "payment_closed": "mute",
        "payment_failed": "wait",
        "payment_by_hand_entered": "wait",
        "unit_opened_again": "mute",
        "issuer_answered": "mute",
        "key_checked": "mute",
    }
)


def amount(amount_minor: int, currency: str) -> str:
    """Return an amount as it stands in a sentence: ¥98.00."""
    return in_a_sentence(amount_minor, currency)


def sentences(*parts: str) -> str:
    """Return sentences one after the other, as the language joins them."""
    return ("" if language() == "zh" else " ").join(part for part in parts if part)


def moment(at: datetime) -> str:
    """Return an instant as it stands in a sentence, in the zone of the settings."""
    return str(date_format(timezone.localtime(at), gettext("M j, H:i"), use_l10n=False))


def channel(code: str) -> str:
    """Return what a way to pay is called."""
    return str(CHANNELS.get(code, code))


def sentence_case(text: str) -> str:
    """Return a text that begins like a sentence."""
    return f"{text[:1].upper()}{text[1:]}"


def kind(code: str) -> str:
    """Return what a kind of goods is called."""
    found = wordings.GOODS.get(code)
    return sentence_case(found[language()]) if found else code


def stage(code: str) -> str:
    """Return what a stage is called on a ticket's stub."""
    return str(STAGES.get(code, code))


def reason(code: str) -> str:
    """Return what a reason is called."""
    found = REASONS.get(code)
    return pick(found.zh, found.en) if found else code


def pieces(positions: tuple[int, ...] | list[int]) -> str:
    """Return which pieces: piece 2, or pieces 1, 2 and 3."""
    listed = gettext(", ").join(str(position) for position in positions)
    return ngettext("Piece %(listed)s", "Pieces %(listed)s", len(positions)) % {"listed": listed}


def expected(*, channel_code: str, accepted_at: datetime) -> str:
    """Return how soon money comes back through a channel."""
    found = arrangements.expected(channel=channel_code, accepted_at=accepted_at)
    return pick(found.zh, found.en)


def statement(code: str) -> str:
    """Return what a movement of the wallet is called."""
    return str(STATEMENT.get(code, gettext("Booking")))


def event(*, what: str, positions: tuple[int, ...], details: Mapping[str, object], currency: str) -> str:
    """Return what happened, in one clause."""
    known = EVENTS.get(what) or refund_words.EVENTS.get(what) or dispute_words.EVENTS.get(what)
    form = str(known or "") or case_words.event_form(what=what, details=details) or gettext("Recorded: %(what)s")
    minor = details.get("amount_minor", details.get("refund_minor", 0))
    return form % {
        "what": what,
        "amount": amount(minor, currency) if isinstance(minor, int) else "",
        "channel": channel(str(details.get("channel", ""))),
        "pieces": pieces(positions),
        "reason": reason(str(details.get("reason", ""))),
        "code": case_words.refusal(str(details.get("code", ""))),
        "kind": case_words.evidence_kind(str(details.get("kind", ""))),
        "side": case_words.side(str(details.get("side", "")), seen_by=""),
    }


def event_tone(what: str) -> str:
    """Return the tone of an event's dot."""
    return _TONES.get(what) or dispute_words.TONES.get(what) or case_words.TONES.get(what, "info")


def actor(code: str, *, shop: str) -> str:
    """Return who did something, seen by the buyer: buyer:7, merchant:3, gateway:sandbox, system:expiry."""
    who, _separator, name = code.partition(":")
    if who == "buyer":
        return gettext("You")
    if who == "merchant":
        return shop
    if who == "gateway":
        return channel(name)
    return gettext("Anka, by itself") if who == "system" else gettext("The platform")
