"""The gateway's side of Stripe: checkout sessions, payment intents, refunds, balance transactions, and signed events.

Amounts are in Stripe's minor units, which are ours. Objects are named after the merchant's numbers, so that each is found by its name.
"""

from __future__ import annotations

import hmac
import json
import re
import secrets
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl

from anka.adapters.channels import stripe_wire
from anka.adapters.channels.stripe_facts import PAYMENT, REFUND
from anka.adapters.channels.stripe_settings import sandbox_settings
from anka.core.clock import Moment
from anka.sandbox.bills import CHINA, BillRow
from anka.sandbox.exchange import Refused, Reply, Request, json_reply
from anka.sandbox.payments import PaymentNotFound, PaymentNumberReused
from anka.sandbox.protocols.base import Core, Draft, Outgoing, RefundOrder, ServerTrouble, Setup, Told, Wanted
from anka.sandbox.refunds import CurrencyDiffers, OutOfFunds, PaymentNotPaid, RefundExceedsPayment, RefundNumberReused
from anka.sandbox.store import Payment

Fields = Mapping[str, str]
Object = dict[str, object]
KEY_IS_KEPT = timedelta(hours=24)
SHORTEST, LONGEST = timedelta(minutes=30), timedelta(hours=24)
FIREWALL = Reply(status=200, body=b"<html><title>Just a moment...</title></html>", content_type="text/html; charset=utf-8")
_STRANGERS_SECRET = "whsec_" + "0" * 48
_PRICE = "line_items[0][price_data]"
_SEARCH = re.compile(rf"metadata\['{PAYMENT}'\]:'([A-Za-z0-9_-]{{1,64}})'")
_REFUND_STATUSES = {"succeeded": "succeeded", "failed": "failed", "closed": "canceled", "abnormal": "requires_action"}
_REFUSALS: dict[type[Refused], tuple[int, str, str, str]] = {
    PaymentNotFound: (404, "invalid_request_error", "resource_missing", "payment_intent"),
    PaymentNotPaid: (400, "invalid_request_error", "payment_intent_unexpected_state", ""),
    RefundExceedsPayment: (400, "invalid_request_error", "", "amount"),
    CurrencyDiffers: (400, "invalid_request_error", "", "currency"),
    RefundNumberReused: (400, "idempotency_error", "", ""),
    PaymentNumberReused: (400, "idempotency_error", "", ""),
}
_BILL = {"payment": "charge", "refund": "refund", "refund_reversed": "refund_failure", "settlement": "payout"}


class StripeProtocol:
    """Speaks Stripe."""

    code = "stripe"
    prefix = "/stripe"

    def __init__(self, setup: Setup) -> None:
        """Read the keys; raises OSError, ValueError, KeyError."""
        self._core: Core = setup.core
        self._settings = sandbox_settings(setup.home, "")
        self._routes: dict[tuple[str, str], Callable[[Request, Fields, Moment], Reply]] = {
            ("POST", "/v1/checkout/sessions"): self._create_session,
            ("GET", "/v1/checkout/sessions"): self._list_sessions,
            ("GET", "/v1/payment_intents/search"): self._search,
            ("POST", "/v1/refunds"): self._create_refund,
            ("GET", "/v1/refunds"): self._list_refunds,
            ("GET", "/v1/balance_transactions"): self._list_balance,
        }

    def answer(self, *, request: Request, moment: Moment) -> Reply:
        """Answer whoever has the secret key. Raises HungUp, ServerTrouble."""
        given = request.headers.get("authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {self._settings.secret_key}".encode()):
            return _error(401, "invalid_request_error", "", "")
        fields = dict(parse_qsl(request.body.decode("ascii", "replace") if request.method == "POST" else request.query))
        try:
            route = self._routes.get((request.method, request.path))
            return route(request, fields, moment) if route else self._named(request, moment)
        except ServerTrouble:
            raise
        except tuple(_REFUSALS) as refused:
            return _error(*_REFUSALS[type(refused)])
        except Refused as refused:
            return _error(refused.status, "invalid_request_error", refused.code, "")

    def written(self, *, draft: Draft, moment: Moment) -> Outgoing | None:
        """Return an event, signed now unless the draft says otherwise. A reflected one is our own request, which nobody signs."""
        headers = {"Content-Type": "application/json"}
        if draft.disguise == "reflected":
            return Outgoing(method="POST", url=draft.notify_url, headers=headers, body=draft.request.encode())
        kind, said = _event_of(draft)
        at = moment.real - timedelta(seconds=draft.age_seconds if draft.disguise == "replayed" else 0)
        event = {"id": draft.facts["event_id"], "object": "event", "api_version": stripe_wire.API_VERSION, "created": int(at.timestamp())}
        body = json.dumps({**event, "livemode": False, "type": kind, "data": {"object": said}}, ensure_ascii=False).encode()
        secret = _STRANGERS_SECRET if draft.disguise == "forged" else self._settings.webhook_secrets[0]
        signed = stripe_wire.signature(secret=secret, timestamp=int(at.timestamp()), body=body)
        return Outgoing(
            method="POST",
            url=draft.notify_url,
            headers={**headers, "Stripe-Signature": f"t={int(at.timestamp())},v1={signed}"},
            body=body,
        )

    def accepts(self, *, status: int, body: bytes) -> bool:
        """Tell whether the merchant answered with any 2xx."""
        return 200 <= status < 300

    def _named(self, request: Request, moment: Moment) -> Reply:
        expired = re.fullmatch(r"/v1/checkout/sessions/cs_test_([A-Za-z0-9_-]{1,64})/expire", request.path)
        shown = re.fullmatch(r"/v1/checkout/sessions/cs_test_([A-Za-z0-9_-]{1,64})", request.path)
        intent = re.fullmatch(r"/v1/payment_intents/(pi_[A-Za-z0-9]{1,64})", request.path)
        refund = re.fullmatch(r"/v1/refunds/re_([A-Za-z0-9_-]{1,64})", request.path)
        if expired and request.method == "POST":
            told = self._core.close(number=expired[1], moment=moment)
            if told.status == "paid":
                return _error(400, "invalid_request_error", "", "")
            return FIREWALL if told.forged else json_reply(status=200, message=self._session(self._core.payment(number=expired[1])))
        if shown and request.method == "GET":
            return json_reply(status=200, message=self._session(self._core.payment(number=shown[1])))
        if intent and request.method == "GET":
            told = self._core.query_payment(number=self._core.number_of(transaction=intent[1]), moment=moment)
            return _reply(told, _intent(told))
        if refund and request.method == "GET":
            told = self._core.query_refund(number=refund[1], moment=moment)
            return _reply(told, _refund(told))
        return _error(404, "invalid_request_error", "", "")

    def _create_session(self, request: Request, fields: Fields, moment: Moment) -> Reply:
        number, expires = fields.get("client_reference_id", ""), fields.get("expires_at", "")
        until = datetime.fromtimestamp(int(expires), UTC) if re.fullmatch("[0-9]{1,11}", expires) else moment.now + LONGEST
        if not SHORTEST <= until - moment.now <= LONGEST:
            return _error(400, "invalid_request_error", "", "expires_at")
        if fields.get(f"payment_intent_data[metadata][{PAYMENT}]") != number or not request.headers.get("idempotency-key"):
            return _error(400, "invalid_request_error", "", "metadata")
        amount = fields.get(f"{_PRICE}[unit_amount]", "")
        wanted = Wanted(
            number=number,
            amount_minor=int(amount) if re.fullmatch("[0-9]{1,12}", amount) else 0,
            currency=fields.get(f"{_PRICE}[currency]", "").upper(),
            subject=fields.get(f"{_PRICE}[product_data][name]", ""),
            expires_at=until,
            # Where events go to is set up at Stripe and not said by the request; here the merchant's address stands in for that.
            notify_url=re.sub(r"^(https?://[^/]+).*", r"\1/api/v1/notify/stripe", fields.get("success_url", "")),
            return_url=fields.get("success_url", ""),
            language="zh" if fields.get("locale") == "zh" else "en",
            request=request.body.decode("ascii", "replace"),
            transaction_number=f"pi_{secrets.token_hex(12)}",
            details={"created": str(int(moment.real.timestamp()))},
        )
        told = self._core.start(wanted=wanted, moment=moment)
        return _reply(told, self._session(self._core.payment(number=number)))

    def _list_sessions(self, request: Request, fields: Fields, moment: Moment) -> Reply:
        del request, fields, moment
        return _listed([self._session(payment) for payment in self._core.open_payments(most=100)], "/v1/checkout/sessions")

    def _search(self, request: Request, fields: Fields, moment: Moment) -> Reply:
        del request
        asked = _SEARCH.fullmatch(fields.get("query", ""))
        if asked is None:
            return _error(400, "invalid_request_error", "", "query")
        try:
            told = self._core.query_payment(number=asked[1], moment=moment)
        except PaymentNotFound:
            return _listed([], "/v1/payment_intents/search", "search_result")
        if told.forged:
            return FIREWALL
        # There is no payment intent before the buyer has paid on the page.
        return _listed([_intent(told)] if told.status == "paid" else [], "/v1/payment_intents/search", "search_result")

    def _create_refund(self, request: Request, fields: Fields, moment: Moment) -> Reply:
        key, amount = request.headers.get("idempotency-key", ""), fields.get("amount", "")
        number = self._core.number_of(transaction=fields.get("payment_intent", ""))
        payment = self._core.payment(number=number)
        if not re.fullmatch("[0-9]{1,12}", amount) or fields.get(f"metadata[{REFUND}]", key) != key or not key:
            return _error(400, "invalid_request_error", "", "amount")
        # Stripe keeps a key for a day; afterwards the same key is another request.
        known = self._core.refunds_of(payment_number=number)
        forgotten = any(refund.number == key and moment.now - refund.changed_at >= KEY_IS_KEPT for refund in known)
        name = f"{key}-{secrets.token_hex(4)}" if forgotten else key
        order = RefundOrder(payment_number=number, refund_number=name, amount_minor=int(amount), currency=payment.currency)
        try:
            told = self._core.submit_refund(order=order, moment=moment)
        except OutOfFunds:
            waiting = Told(
                status="accepted",
                number=key,
                payment_number=number,
                occurred_at=moment.now,
                payment_transaction=payment.transaction_number,
                amount_minor=int(amount),
                currency=payment.currency,
            )
            return json_reply(status=200, message={**_refund(waiting), "pending_reason": "insufficient_funds"})
        return _reply(told, _refund(told))

    def _list_refunds(self, request: Request, fields: Fields, moment: Moment) -> Reply:
        del request
        number = self._core.number_of(transaction=fields.get("payment_intent", ""))
        known = [self._core.query_refund(number=refund.number, moment=moment) for refund in self._core.refunds_of(payment_number=number)]
        return FIREWALL if any(told.forged for told in known) else _listed([_refund(told) for told in known], "/v1/refunds")

    def _list_balance(self, request: Request, fields: Fields, moment: Moment) -> Reply:
        del request, moment
        since, until = (int(fields.get(name, "0")) for name in ("created[gte]", "created[lt]"))
        day = datetime.fromtimestamp(since, CHINA).date()
        days = [day + timedelta(days=more) for more in range(max(1, min(31, (until - since) // 86_400)))]
        rows = [row for one in days for row in self._core.bill(day=one)]
        after = fields.get("starting_after", "")
        names = [f"txn_{row.kind}_{row.number or row.transaction}" for row in rows]
        first = names.index(after) + 1 if after in names else 0
        most = min(100, int(fields.get("limit", "10")))
        shown = [_balance(row, name) for row, name in list(zip(rows, names, strict=True))[first : first + most]]
        return _listed(shown, "/v1/balance_transactions", more=len(rows) > first + most)

    def _session(self, payment: Payment) -> Object:
        paid = payment.status == "paid"
        status = "complete" if paid else "expired" if payment.status == "closed" else "open"
        said = _session(number=payment.number, amount=payment.told_minor, currency=payment.currency, status=status)
        shown = {"url": self._core.cashier_url(number=payment.number)} if status == "open" else {}
        intent = payment.transaction_number if paid else None
        return {**said, "created": int(json.loads(payment.details).get("created", "0")), "payment_intent": intent, **shown}


def _session(*, number: str, amount: int, currency: str, status: str) -> Object:
    return {
        "id": f"cs_test_{number}",
        "object": "checkout.session",
        "client_reference_id": number,
        "metadata": {PAYMENT: number},
        "mode": "payment",
        "payment_intent": None,
        "payment_status": "paid" if status == "complete" else "unpaid",
        "status": status,
        "amount_total": amount,
        "currency": currency.lower(),
        "livemode": False,
        "url": None,
    }


def _intent(told: Told) -> Object:
    paid = told.status == "paid"
    return {
        "id": told.transaction,
        "object": "payment_intent",
        "amount": told.payment_minor,
        "amount_received": told.amount_minor if paid else 0,
        "currency": told.currency.lower(),
        "created": int(told.occurred_at.timestamp()),
        "livemode": False,
        "metadata": {PAYMENT: told.number},
        "status": "succeeded" if paid else "requires_payment_method",
    }


def _refund(told: Told) -> Object:
    status = _REFUND_STATUSES.get(told.status, "pending")
    return {
        "id": f"re_{told.number}",
        "object": "refund",
        "amount": told.amount_minor,
        "currency": told.currency.lower(),
        "created": int(told.occurred_at.timestamp()),
        "payment_intent": told.payment_transaction,
        "metadata": {REFUND: told.number, PAYMENT: told.payment_number},
        "status": status,
        **({"pending_reason": "processing"} if status == "pending" else {}),
        **({"failure_reason": "expired_or_canceled_card"} if status == "failed" else {}),
    }


def _event_of(draft: Draft) -> tuple[str, Object]:
    facts = draft.facts
    kind, number, amount = str(facts["type"]), str(facts["number"]), int(str(facts["amount_minor"]))
    at = datetime.fromisoformat(str(facts["occurred_at"]))
    intent, currency = str(facts["payment_transaction"]), str(facts["currency"])
    if kind.startswith("payment."):
        status = "complete" if kind == "payment.paid" else "expired" if kind == "payment.closed" else "open"
        names = {"complete": "completed", "expired": "expired", "open": "async_payment_failed"}
        said = _session(number=number, amount=amount, currency=currency, status=status)
        paid = {"payment_intent": intent} if status == "complete" else {}
        return f"checkout.session.{names[status]}", {**said, "created": int(at.timestamp()), **paid}
    told = Told(
        status=kind.removeprefix("refund."),
        number=number,
        payment_number=str(facts["payment_number"]),
        occurred_at=at,
        payment_transaction=intent,
        amount_minor=amount,
        currency=currency,
    )
    return "refund.failed" if told.status == "failed" else "refund.updated", _refund(told)


def _balance(row: BillRow, name: str) -> Object:
    sign = 1 if row.kind in ("payment", "refund_reversed") else -1
    source: Object = {"id": row.transaction, "object": _BILL[row.kind], "payment_intent": row.payment_transaction or None}
    if row.payment_number:
        source["metadata"] = {PAYMENT: row.payment_number, **({} if row.kind == "payment" else {REFUND: row.number})}
    return {
        "id": name,
        "object": "balance_transaction",
        "type": _BILL[row.kind],
        "reporting_category": _BILL[row.kind],
        "amount": sign * row.amount_minor,
        "fee": row.fee_minor,
        "net": sign * row.amount_minor - row.fee_minor,
        "currency": row.currency.lower(),
        "created": int(row.occurred_at.timestamp()),
        "source": source,
    }


def _reply(told: Told, said: Object) -> Reply:
    return FIREWALL if told.forged else json_reply(status=200, message=said)


def _listed(found: list[Object], url: str, kind: str = "list", *, more: bool = False) -> Reply:
    return json_reply(status=200, message={"object": kind, "url": url, "has_more": more, "data": found})


def _error(status: int, kind: str, code: str, param: str) -> Reply:
    words = {"type": kind, "message": "The sandbox refused.", **({"code": code} if code else {}), **({"param": param} if param else {})}
    return json_reply(status=status, message={"error": words})
