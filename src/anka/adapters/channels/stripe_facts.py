"""What Stripe's objects mean for us: sessions and payment intents, refunds, disputes, balance transactions."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from anka.adapters.channels import stripe_wire
from anka.adapters.channels.port import BillKind, BillLine, Evidence, EvidenceSource, EvidenceStatus, NoticeKind, RefundRequest
from anka.adapters.channels.stripe_wire import Said

S = EvidenceStatus
PAYMENT, REFUND = "anka_payment", "anka_refund"
NUMBER = re.compile(r"[A-Za-z0-9_-]{1,64}")
INTENT_STATUSES = {"succeeded": S.SUCCEEDED, "canceled": S.CLOSED}
REFUND_STATUSES = {
    "pending": S.PROCESSING,
    # The buyer has to do something, for example tell an account: Stripe has asked them.
    "requires_action": S.PROCESSING,
    "succeeded": S.SUCCEEDED,
    # Also after it had succeeded: the bank sent the money back.
    "failed": S.FAILED,
    "canceled": S.CLOSED,
}
_REFUND_KINDS: dict[EvidenceStatus, NoticeKind] = {
    S.SUCCEEDED: "refund.succeeded",
    S.FAILED: "refund.failed",
    S.CLOSED: "refund.closed",
}
_SESSION_KINDS: dict[str, tuple[NoticeKind, EvidenceStatus]] = {
    "checkout.session.async_payment_succeeded": ("payment.paid", S.SUCCEEDED),
    "checkout.session.async_payment_failed": ("payment.failed", S.FAILED),
    "checkout.session.expired": ("payment.closed", S.CLOSED),
}
_BILL_KINDS: dict[str, BillKind] = {
    "charge": "payment",
    "payment": "payment",
    "refund": "refund",
    "payment_refund": "refund",
    "refund_failure": "refund_reversed",
    "payment_failure_refund": "refund_reversed",
    "payout": "settlement",
}
_DISPUTES = frozenset({"dispute", "dispute_reversal"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What we asked about and how: our number, the way it came, the time on the instance's clock."""

    number: str
    source: EvidenceSource
    now: datetime

    def bare(self, status: EvidenceStatus, reason: str, digest: str = "") -> Evidence:
        """Return a state without an amount, and why."""
        return Evidence(status=status, number=self.number, source=self.source, observed_at=self.now, reason=reason, digest=digest)

    def unknown(self, reason: str, digest: str = "") -> Evidence:
        """Return that nothing certain is known, and why."""
        return self.bare(S.UNKNOWN, reason, digest)

    def told(self, *, status: EvidenceStatus, said: Said, amount: str, channel_number: object, digest: str, reason: str = "") -> Evidence:
        """Return a state with the facts of an object, whose amount stands under the name `amount`."""
        amount_minor, currency = said.get(amount), said.get("currency")
        if type(amount_minor) is not int or not isinstance(currency, str) or not isinstance(channel_number, str | None):
            return self.unknown("malformed_answer", digest)
        return Evidence(
            status=status,
            number=self.number,
            source=self.source,
            observed_at=self.now,
            channel_number=channel_number,
            amount_minor=amount_minor,
            currency=currency.upper(),
            occurred_at=stripe_wire.at(said.get("created")),
            digest=digest,
            reason=reason,
        )

    def intent(self, *, said: Said, digest: str) -> Evidence:
        """Return what a payment intent says; it counts what was received."""
        if metadata_of(said).get(PAYMENT) != self.number:
            return self.unknown("answer_differs", digest)
        status = INTENT_STATUSES.get(str(said.get("status")), S.PROCESSING)
        amount = "amount_received" if status is S.SUCCEEDED else "amount"
        return self.told(status=status, said=said, amount=amount, channel_number=said.get("id"), digest=digest)

    def session(self, *, said: Said, status: EvidenceStatus, digest: str) -> Evidence:
        """Return what a checkout session says."""
        if said.get("client_reference_id") != self.number:
            return self.unknown("answer_differs", digest)
        return self.told(status=status, said=said, amount="amount_total", channel_number=said.get("payment_intent"), digest=digest)

    def refund(self, *, said: Said, digest: str) -> Evidence:
        """Return what a refund says; one that waits for our balance says so."""
        if metadata_of(said).get(REFUND) != self.number:
            return self.unknown("answer_differs", digest)
        word = str(said.get("status"))
        status, reason = REFUND_STATUSES.get(word, S.UNKNOWN), ""
        if status is S.PROCESSING and said.get("pending_reason") == "insufficient_funds":
            status, reason = S.WAITING_FUNDS, "no_funds"
        elif word == "requires_action" or (status is S.FAILED and said.get("failure_reason")):
            reason = "requires_action" if word == "requires_action" else str(said.get("failure_reason"))[:64]
        return self.told(status=status, said=said, amount="amount", channel_number=said.get("id"), digest=digest, reason=reason)


def metadata_of(said: Said) -> Mapping[str, str]:
    """Return the texts an object carries for us."""
    found = said.get("metadata")
    return {name: value for name, value in found.items() if isinstance(value, str)} if isinstance(found, dict) else {}


def fits(*, evidence: Evidence, request: RefundRequest) -> bool:
    """Return whether what is told of a refund is the refund that was asked for."""
    return (evidence.amount_minor, evidence.currency) == (request.amount_minor, request.currency)


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What an event tells: the kind, our numbers, and the evidence."""

    kind: NoticeKind
    number: str
    payment_number: str
    evidence: Evidence


def news_of(*, event_type: str, said: Said, digest: str, now: datetime) -> News:
    """Return what an event tells us. Events about what we did not start, or that change nothing, are `nothing`."""
    if event_type.startswith("checkout.session."):
        return _of_session(event_type, said, digest, now)
    if event_type.startswith(("refund.", "charge.refund.")):
        return _of_refund(said, digest, now)
    if event_type in ("charge.dispute.created", "charge.dispute.closed"):
        return _of_dispute(event_type, said, digest, now)
    return _nothing(digest, now)


def _of_session(event_type: str, said: Said, digest: str, now: datetime) -> News:
    number = said.get("client_reference_id")
    kind, status = _SESSION_KINDS.get(event_type, ("nothing", S.PROCESSING))
    if event_type == "checkout.session.completed" and said.get("payment_status") == "paid":
        kind, status = "payment.paid", S.SUCCEEDED
    if not isinstance(number, str) or not NUMBER.fullmatch(number):
        return _nothing(digest, now)
    evidence = Asked(number=number, source="notice", now=now).session(said=said, status=status, digest=digest)
    return News(kind=kind, number=number, payment_number=number, evidence=evidence)


def _of_refund(said: Said, digest: str, now: datetime) -> News:
    metadata = metadata_of(said)
    number, payment = metadata.get(REFUND, ""), metadata.get(PAYMENT, "")
    if not NUMBER.fullmatch(number) or not NUMBER.fullmatch(payment):
        return _nothing(digest, now)
    evidence = Asked(number=number, source="notice", now=now).refund(said=said, digest=digest)
    return News(kind=_REFUND_KINDS.get(evidence.status, "nothing"), number=number, payment_number=payment, evidence=evidence)


def _of_dispute(event_type: str, said: Said, digest: str, now: datetime) -> News:
    status, intent = str(said.get("status")), said.get("payment_intent")
    kinds: dict[str, NoticeKind] = {"won": "dispute.won", "lost": "dispute.lost"}
    kind = "dispute.opened" if event_type == "charge.dispute.created" else kinds.get(status, "nothing")
    # An inquiry ("warning") takes no money away. A dispute carries Stripe's number of the payment alone.
    if status.startswith("warning_") or not isinstance(intent, str) or not NUMBER.fullmatch(intent):
        return _nothing(digest, now)
    asked = Asked(number=intent, source="notice", now=now)
    evidence = asked.told(status=S.PROCESSING, said=said, amount="amount", channel_number=said.get("id"), digest=digest)
    return News(kind=kind, number=intent, payment_number=intent, evidence=evidence)


def _nothing(digest: str, now: datetime) -> News:
    evidence = Asked(number="", source="notice", now=now).bare(S.PROCESSING, "", digest)
    return News(kind="nothing", number="", payment_number="", evidence=evidence)


def bill_line(*, said: Mapping[str, Any]) -> BillLine | None:
    """Return a balance transaction as a line of a bill, or None where it does not have the shape of one."""
    amount, fee, occurred_at, currency = said.get("amount"), said.get("fee"), stripe_wire.at(said.get("created")), said.get("currency")
    if type(amount) is not int or type(fee) is not int or occurred_at is None or not isinstance(currency, str):
        return None
    source = said.get("source")
    known: Said = source if isinstance(source, dict) else {}
    metadata = metadata_of(known)
    kind = _BILL_KINDS.get(str(said.get("type")), "dispute" if said.get("reporting_category") in _DISPUTES else "other")
    payment = metadata.get(PAYMENT, "")
    intent = known.get("payment_intent")
    return BillLine(
        kind=kind,
        number=metadata.get(REFUND, "") if kind in ("refund", "refund_reversed") else payment,
        payment_number=payment,
        channel_number=str(intent if kind == "payment" and intent else known.get("id") or said.get("id")),
        amount_minor=abs(amount),
        fee_minor=fee,
        currency=currency.upper(),
        occurred_at=occurred_at,
    )
