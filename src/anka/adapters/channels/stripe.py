"""The adapter for Stripe: cards on Stripe's own page (Checkout), refunds that may fail after they succeeded, chargebacks as events.

Every request that changes something carries our number as its Idempotency-Key, which Stripe keeps for a day. A refund is therefore looked
for among those of its payment before it is asked for, so that the same number never pays twice, however late it is repeated. Answers are
not signed: `https` says who speaks. What Stripe's search does not know yet (it lags up to a minute) is not called unpaid, but still open.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any

import httpx
import msgspec

from anka.adapters.channels import port, stripe_facts, stripe_wire
from anka.adapters.channels.port import (
    Bill,
    BillLine,
    CloseAnswer,
    Evidence,
    EvidenceStatus,
    Incoming,
    Manners,
    Notice,
    PaymentRequest,
    RefundRequest,
    Started,
)
from anka.adapters.channels.sandbox_wire import real_now
from anka.adapters.channels.stripe_facts import NUMBER, PAYMENT, REFUND, Asked
from anka.adapters.channels.stripe_settings import StripeSettings
from anka.adapters.channels.stripe_wire import Clock, EventNotSigned, EventTooOld, Line, NoAnswer, Said, StripeRefused

CHINA = timezone(timedelta(hours=8))
# A session lives at least half an hour. Ours ends later than the payment, always by the same: a repeated request has to say the same again.
SESSION_OUTLIVES = timedelta(minutes=31)
MOST_PAGES, PAGE = 100, 100
PAGES_OF_SESSIONS = 3
# Refusals after which it is certain that no money moves under this number.
_CERTAIN_CODES = frozenset({"charge_already_refunded", "charge_disputed", "resource_missing", "payment_intent_unexpected_state"})
_NO_FUNDS = frozenset({"balance_insufficient", "insufficient_funds"})


class StripeChannel:
    """Stripe as a payment channel."""

    code = "stripe"

    # How long a call may take, in seconds. A machine under test may be slower than any gateway.
    patience = stripe_wire.TOTAL_SECONDS

    def __init__(self, *, settings: StripeSettings, notify_url: str, real_clock: Clock = real_now) -> None:
        """Get ready to call Stripe; where it sends events to (`notify_url`) is set up there."""
        self._settings = settings
        self.manners = Manners(asks_to_start=True, shows_qr=False, refund_window=settings.refund_window)
        self._real_clock = real_clock
        self._client = httpx.Client(trust_env=False, follow_redirects=False)
        self._line = Line(client=self._client, base_url=settings.base_url.rstrip("/"), secret_key=settings.secret_key)

    def close_connections(self) -> None:
        """Close the connections to Stripe."""
        self._client.close()

    def start(self, *, payment: PaymentRequest, now: datetime) -> Started:
        """Have Stripe open a checkout session and return its page. Raises PaymentNotStarted."""
        if payment.expires_at <= now or not stripe_wire.is_chargeable(amount_minor=payment.amount_minor, currency=payment.currency):
            raise port.PaymentNotStarted("Nothing was charged: cards cannot be charged this amount. Choose another way to pay.")
        try:
            said, _ = self._ask("POST", "/v1/checkout/sessions", _session_fields(payment), key=payment.number)
        except NoAnswer as reason:
            raise port.PaymentNotStarted("Nothing was charged: Stripe did not answer. Try again.") from reason
        except StripeRefused as refusal:
            raise port.PaymentNotStarted(f"Nothing was charged: Stripe refused ({refusal.reason}).") from refusal
        url = said.get("url")
        if not isinstance(url, str) or not url.startswith(("https://", "http://")) or said.get("client_reference_id") != payment.number:
            raise port.PaymentNotStarted("Nothing was charged: Stripe gave no address to pay at. Try again.")
        return Started(cashier_url=url, qr_text="")

    def close(self, *, number: str, now: datetime) -> CloseAnswer:
        """Let the open session of a payment expire; where there is none, or it was faster, ask what became of the payment."""
        asked = Asked(number=number, source="answer", now=now)
        try:
            session = self._open_session(number)
            if session is not None:
                said, digest = self._ask("POST", f"/v1/checkout/sessions/{session}/expire", {})
                if said.get("status") == "expired" and said.get("client_reference_id") == number:
                    return CloseAnswer(status="closed", evidence=asked.bare(EvidenceStatus.CLOSED, "", digest))
        except NoAnswer:
            return CloseAnswer(status="unknown", evidence=asked.unknown("no_answer"))
        except StripeRefused:
            session = None
        evidence = replace(self.query_payment(number=number, now=now), source="answer")
        if evidence.status is EvidenceStatus.SUCCEEDED:
            return CloseAnswer(status="paid", evidence=evidence)
        reason = evidence.reason if evidence.status is EvidenceStatus.UNKNOWN else "not_closed"
        return CloseAnswer(status="unknown", evidence=replace(evidence, status=EvidenceStatus.UNKNOWN, reason=reason))

    def query_payment(self, *, number: str, now: datetime) -> Evidence:
        """Ask what became of a payment. One that Stripe's search does not know (yet) is `processing`, reason `payment_not_found`."""
        asked = Asked(number=number, source="poll", now=now)
        if not NUMBER.fullmatch(number):
            return asked.unknown("malformed_number")
        try:
            said, digest = self._ask("GET", "/v1/payment_intents/search", {"query": f"metadata['{PAYMENT}']:'{number}'", "limit": "10"})
        except NoAnswer:
            return asked.unknown("no_answer")
        except StripeRefused as refusal:
            return asked.unknown(refusal.reason)
        intents = sorted(_objects(said), key=lambda intent: intent.get("status") != "succeeded")
        if not intents:
            return asked.bare(EvidenceStatus.PROCESSING, "payment_not_found", digest)
        return asked.intent(said=intents[0], digest=digest)

    def submit_refund(self, *, request: RefundRequest, now: datetime) -> Evidence:
        """Ask for a refund, unless Stripe has one under this number already; repeating it is harmless."""
        known, intent = self._known_refund(request, now)
        if known.reason != "refund_not_found":
            return replace(known, source="answer")
        asked = Asked(number=request.refund_number, source="answer", now=now)
        if not stripe_wire.is_chargeable(amount_minor=request.amount_minor, currency=request.currency):
            return asked.bare(EvidenceStatus.FAILED, "amount_not_payable")
        fields = {
            "payment_intent": intent,
            "amount": str(request.amount_minor),
            f"metadata[{REFUND}]": request.refund_number,
            f"metadata[{PAYMENT}]": request.payment_number,
        }
        try:
            said, digest = self._ask("POST", "/v1/refunds", fields, key=request.refund_number)
        except NoAnswer:
            return asked.unknown("no_answer")
        except StripeRefused as refusal:
            return _refused(refusal, asked)
        return _fitting(asked.refund(said=said, digest=digest), request, asked)

    def query_refund(self, *, request: RefundRequest, now: datetime) -> Evidence:
        """Look for a refund among those of its payment. One Stripe never saw is `unknown` with the reason `refund_not_found`."""
        return self._known_refund(request, now)[0]

    def mend_refund(self, *, request: RefundRequest, now: datetime) -> Evidence:
        """Return `unknown`: Stripe has no other way to send a refund."""
        return Asked(number=request.refund_number, source="answer", now=now).unknown("not_supported")

    def bill(self, *, day: date, now: datetime) -> Bill:
        """Return the balance transactions of one day in China's time. Raises BillNotAvailable, BillMalformed."""
        if day >= now.astimezone(CHINA).date():
            raise port.BillNotAvailable("Stripe has no bill of this day yet: it is not over. Nothing was changed.")
        start = datetime.combine(day, time(), tzinfo=CHINA)
        span = {"created[gte]": str(int(start.timestamp())), "created[lt]": str(int((start + timedelta(days=1)).timestamp()))}
        digest, found = hashlib.sha256(), list[Mapping[str, Any]]()
        for said, page in self._pages("/v1/balance_transactions", {**span, "expand[]": "data.source"}):
            digest.update(page.encode())
            found += _objects(said)
        lines = [_line_of(said) for said in found]
        return Bill(day=day, lines=tuple(sorted(lines, key=lambda line: line.occurred_at)), digest=digest.hexdigest())

    def read_bill(self, *, day: date, content: bytes) -> Bill:
        """Return the bill in a list of balance transactions saved from the API (JSON, `source` expanded). Raises BillMalformed."""
        try:
            said = msgspec.json.decode(content, type=dict[str, Any])
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as reason:
            raise port.BillMalformed("Line 1: this is not a list of balance transactions in JSON. Nothing was taken.") from reason
        if said.get("object") != "list" or not isinstance(said.get("data"), list):
            raise port.BillMalformed("Line 1: this is not a list of balance transactions in JSON. Nothing was taken.")
        start = datetime.combine(day, time(), tzinfo=CHINA)
        lines = [_line_of(one) for one in _objects(said)]
        that_day = tuple(line for line in lines if start <= line.occurred_at < start + timedelta(days=1))
        return Bill(day=day, lines=that_day, digest=hashlib.sha256(content).hexdigest())

    def read_notice(self, *, message: Incoming, now: datetime) -> Notice:
        """Check and read an event; its age is measured on real time. Raises NoticeRefused."""
        if message.method != "POST" or len(message.body) > stripe_wire.LARGEST_EVENT:
            raise port.NoticeMalformed("an event is posted, and not that long")
        header = message.headers.get("stripe-signature", "")
        try:
            sent_at = stripe_wire.verified_at(
                header=header, body=message.body, secrets=self._settings.webhook_secrets, real_now=self._real_clock()
            )
        except EventNotSigned as reason:
            raise port.NoticeBadSignature(str(reason)) from reason
        except EventTooOld as reason:
            raise port.NoticeTooOld(str(reason)) from reason
        return self._read(message.body, sent_at, now)

    def notice_accepted(self) -> tuple[int, str, bytes]:
        """Return the answer that stops Stripe from sending an event again."""
        return 200, "application/json", b'{"received":true}'

    def notice_refused(self, *, status: int) -> tuple[int, str, bytes]:
        """Return an answer to an event that was not taken."""
        return status, "application/json", b'{"received":false}'

    def _read(self, body: bytes, sent_at: datetime, now: datetime) -> Notice:
        try:
            event = msgspec.json.decode(body, type=dict[str, Any])
            said, name, kind = event["data"]["object"], event["id"], event["type"]
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, KeyError, TypeError) as reason:
            raise port.NoticeMalformed("the event does not have the shape of one") from reason
        if not isinstance(said, dict) or not isinstance(name, str) or not isinstance(kind, str) or event.get("object") != "event":
            raise port.NoticeMalformed("the event does not have the shape of one")
        if event.get("livemode") is not self._settings.is_live or "account" in event:
            raise port.NoticeUnknownMerchant("this event is of another account, or of pretended money")
        news = stripe_facts.news_of(event_type=kind, said=said, digest=hashlib.sha256(body).hexdigest(), now=now)
        if news.kind != "nothing" and news.evidence.amount_minor is None:
            raise port.NoticeMalformed("the event lacks an amount")
        return Notice(
            event_id=name[:128],
            kind=news.kind,
            number=news.number,
            payment_number=news.payment_number,
            evidence=news.evidence,
            sent_at=sent_at,
        )

    def _known_refund(self, request: RefundRequest, now: datetime) -> tuple[Evidence, str]:
        """Return what Stripe knows of a refund, and its number of the payment."""
        asked = Asked(number=request.refund_number, source="poll", now=now)
        intent = request.payment_channel_number
        if not intent.startswith("pi_"):
            paid = self.query_payment(number=request.payment_number, now=now)
            intent = paid.channel_number or ""
            if not intent:
                return asked.unknown(paid.reason or "payment_not_found"), ""
        try:
            said, digest = self._ask("GET", "/v1/refunds", {"payment_intent": intent, "limit": "100"})
        except NoAnswer:
            return asked.unknown("no_answer"), intent
        except StripeRefused as refusal:
            return asked.unknown(refusal.reason), intent
        ours = [refund for refund in _objects(said) if stripe_facts.metadata_of(refund).get(REFUND) == request.refund_number]
        if ours:
            return _fitting(asked.refund(said=ours[0], digest=digest), request, asked), intent
        reason = "refund_not_found" if said.get("has_more") is False else "too_many_refunds"
        return asked.unknown(reason, digest), intent

    def _ask(self, method: str, path: str, fields: Mapping[str, str], *, key: str = "") -> tuple[Said, str]:
        return self._line.ask(method=method, path=path, fields=fields, patience=self.patience, key=key)

    def _open_session(self, number: str) -> str | None:
        since = int((self._real_clock() - timedelta(days=2)).timestamp())
        fields = {"status": "open", "limit": str(PAGE), "created[gte]": str(since)}
        for _ in range(PAGES_OF_SESSIONS):
            said, _digest = self._ask("GET", "/v1/checkout/sessions", fields)
            sessions = _objects(said)
            found = [str(session.get("id")) for session in sessions if session.get("client_reference_id") == number]
            if found or not said.get("has_more") or not sessions:
                return found[0] if found else None
            fields["starting_after"] = str(sessions[-1].get("id"))
        return None

    def _pages(self, path: str, fields: Mapping[str, str]) -> list[tuple[Said, str]]:
        wanted, pages = {**fields, "limit": str(PAGE)}, list[tuple[Said, str]]()
        for _ in range(MOST_PAGES):
            try:
                pages.append(self._ask("GET", path, wanted))
            except (NoAnswer, StripeRefused) as reason:
                raise port.BillNotAvailable("Stripe could not be asked for its bill; nothing was changed. Try again later.") from reason
            last = _objects(pages[-1][0])
            if not pages[-1][0].get("has_more") or not last:
                return pages
            wanted["starting_after"] = str(last[-1].get("id"))
        raise port.BillMalformed(f"The day has more than {MOST_PAGES * PAGE} movements. Nothing was taken.")


def _session_fields(payment: PaymentRequest) -> dict[str, str]:
    price = "line_items[0][price_data]"
    return {
        "mode": "payment",
        "payment_method_types[0]": "card",
        "client_reference_id": payment.number,
        f"metadata[{PAYMENT}]": payment.number,
        f"payment_intent_data[metadata][{PAYMENT}]": payment.number,
        "line_items[0][quantity]": "1",
        f"{price}[currency]": payment.currency.lower(),
        f"{price}[unit_amount]": str(payment.amount_minor),
        f"{price}[product_data][name]": payment.subject[:250],
        "success_url": payment.return_url,
        "cancel_url": payment.return_url,
        "expires_at": str(int((payment.expires_at.astimezone(UTC) + SESSION_OUTLIVES).timestamp())),
        "locale": "zh" if payment.language == "zh" else "en",
    }


def _objects(said: Said) -> list[Mapping[str, Any]]:
    found = said.get("data")
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _refused(refusal: StripeRefused, asked: Asked) -> Evidence:
    if refusal.error_code in _NO_FUNDS:
        return asked.bare(EvidenceStatus.WAITING_FUNDS, "no_funds")
    # A number used for something else, a key under way elsewhere, too many requests, a key that may not: nobody knows what happened before.
    certain = refusal.error_code in _CERTAIN_CODES or (refusal.error_type == "invalid_request_error" and refusal.param == "amount")
    return asked.bare(EvidenceStatus.FAILED if certain and refusal.http_status in (400, 404) else EvidenceStatus.UNKNOWN, refusal.reason)


def _fitting(evidence: Evidence, request: RefundRequest, asked: Asked) -> Evidence:
    if evidence.amount_minor is None or stripe_facts.fits(evidence=evidence, request=request):
        return evidence
    return asked.unknown("answer_differs", evidence.digest)


def _line_of(said: Mapping[str, Any]) -> BillLine:
    line = stripe_facts.bill_line(said=said)
    if line is None:
        raise port.BillMalformed(f"Line {str(said.get('id'))[:40]}: no amount or time. Nothing was taken.")
    return line
