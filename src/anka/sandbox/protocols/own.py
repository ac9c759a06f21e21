"""The gateway's own protocol, `sandbox`: JSON, signed with Ed25519 as docs/reference/sandbox-gateway.md says."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from typing import TypeVar
from urllib.parse import parse_qs, urlsplit

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from anka.adapters.channels import sandbox_wire
from anka.adapters.channels.sandbox_keys import Mode, load_keys
from anka.adapters.channels.sandbox_wire import Envelope, Purpose, WireRefused
from anka.core.clock import Moment
from anka.sandbox.door import Door
from anka.sandbox.exchange import Refused, Reply, Request, json_reply
from anka.sandbox.notices import Draft
from anka.sandbox.payments import CashierRequest, Number, Wanted
from anka.sandbox.protocols.base import BillRow, Core, Outgoing, Setup
from anka.sandbox.refunds import RefundOrder
from anka.sandbox.told import Told

Body = TypeVar("Body")
NOTICE_FIELDS = (
    "event_id",
    "type",
    "merchant",
    "number",
    "payment_number",
    "transaction",
    "amount_minor",
    "currency",
    "occurred_at",
)


class RouteUnknown(Refused):
    """There is nothing at this address."""

    code = "not_found"
    status = 404


class BodyMalformed(Refused):
    """The body is not the JSON this address takes."""

    code = "malformed"
    status = 422


class CashierRequestRefused(Refused):
    """The signed cashier request is damaged, another's, or for another payment."""

    code = "bad_cashier_request"
    status = 422


class _Query(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    payment: Number | None = None
    refund: Number | None = None


class _Close(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    number: Number


class _Mend(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    refund: Number


class OwnProtocol:
    """Answers the sandbox's own adapter."""

    code = "sandbox"
    prefix = "/api"

    def __init__(self, setup: Setup) -> None:
        """Read the keys; raises SandboxKeyUnreadable, OSError."""
        keys = load_keys(home=setup.home, mode=Mode.SANDBOX)
        self._core: Core = setup.core
        self._gateway_key = keys.gateway
        self._merchant_key = keys.merchant.public_key()
        self.door = Door(core=setup.core, merchant_key=self._merchant_key, gateway_key=keys.gateway, clock=setup.clock)
        self._routes: dict[tuple[str, str], Callable[[Request, Moment], Reply]] = {
            ("POST", "/api/query"): self._query,
            ("POST", "/api/close"): self._close,
            ("POST", "/api/refund"): self._refund,
            ("POST", "/api/mend"): self._mend,
            ("GET", "/api/bill"): self._bill,
        }

    def answer(self, *, request: Request, moment: Moment) -> Reply:
        """Answer one request whose signature fits. Raises HungUp."""
        whole = Request(method=request.method, target=self.prefix + request.target, headers=request.headers, body=request.body)
        return self.door.answer(request=whole, moment=moment, handle=self._handled)

    def written(self, *, draft: Draft, moment: Moment) -> Outgoing:
        """Return a notice, signed now unless the draft says otherwise."""
        if draft.disguise == "reflected":
            headers, body = sandbox_wire.reflect_cashier_request(token=draft.request)
            return _posted(draft=draft, headers=headers, body=body)
        signed_at = moment.real - timedelta(seconds=draft.age_seconds) if draft.disguise == "replayed" else moment.real
        facts = {name: draft.facts[name] for name in NOTICE_FIELDS}
        body = json.dumps({**facts, "sent_at": signed_at.isoformat()}, separators=(",", ":")).encode()
        envelope = Envelope(
            purpose=Purpose.NOTICE,
            method="POST",
            path=urlsplit(draft.notify_url).path,
            timestamp=int(signed_at.timestamp()),
            nonce=sandbox_wire.new_nonce(),
        )
        signer = Ed25519PrivateKey.generate() if draft.disguise == "forged" else self._gateway_key
        return _posted(draft=draft, headers=sandbox_wire.signed_headers(key=signer, envelope=envelope, body=body), body=body)

    def accepts(self, *, status: int, body: bytes) -> bool:
        """Tell whether the merchant said 200 and `{"ok": true}`."""
        if status != 200:
            return False
        try:
            said = json.loads(body)
        except ValueError:
            return False
        return isinstance(said, dict) and said.get("ok") is True

    def wanted(self, *, token: str) -> Wanted:
        """Return the payment that a signed cashier request asks for. Raises CashierRequestRefused."""
        try:
            payload = sandbox_wire.open_cashier_request(key=self._merchant_key, token=token)
            asked = msgspec.json.decode(payload, type=CashierRequest)
        except (WireRefused, msgspec.MsgspecError) as reason:
            raise CashierRequestRefused("This cashier address is damaged or was not made by the merchant.") from reason
        told = {name: getattr(asked, name) for name in CashierRequest.__struct_fields__ if name != "merchant"}
        return Wanted(**told, request=token)

    def _handled(self, request: Request, moment: Moment) -> Reply:
        handler = self._routes.get((request.method, request.path))
        if handler is None:
            raise RouteUnknown("There is nothing here.")
        return handler(request, moment)

    def _query(self, request: Request, moment: Moment) -> Reply:
        asked = read_body(request, _Query)
        if asked.payment is not None and asked.refund is None:
            return _reply(self._core.query_payment(number=asked.payment, moment=moment))
        if asked.refund is not None and asked.payment is None:
            return _reply(self._core.query_refund(number=asked.refund, moment=moment))
        raise BodyMalformed("Ask for a payment or for a refund.")

    def _close(self, request: Request, moment: Moment) -> Reply:
        return _reply(self._core.close_also_unseen(number=read_body(request, _Close).number, moment=moment))

    def _refund(self, request: Request, moment: Moment) -> Reply:
        return _reply(self._core.submit_refund(order=read_body(request, RefundOrder), moment=moment))

    def _mend(self, request: Request, moment: Moment) -> Reply:
        return _reply(self._core.mend_refund(number=read_body(request, _Mend).refund, moment=moment))

    def _bill(self, request: Request, moment: Moment) -> Reply:
        word = parse_qs(request.query).get("date", [""])[0]
        try:
            day = date.fromisoformat(word)
        except ValueError as reason:
            raise BodyMalformed("Ask for a day, as in ?date=2026-01-31.") from reason
        return json_reply(status=200, message={"date": day.isoformat(), "lines": [_line(row) for row in self._core.bill(day=day)]})


def read_body(request: Request, shape: type[Body]) -> Body:
    """Return the JSON of a body in this shape. Raises BodyMalformed."""
    try:
        return msgspec.json.decode(request.body, type=shape)
    except (msgspec.MsgspecError, UnicodeDecodeError) as reason:
        raise BodyMalformed(f"Nothing was changed: {reason}") from reason


def _posted(*, draft: Draft, headers: Mapping[str, str], body: bytes) -> Outgoing:
    return Outgoing(method="POST", url=draft.notify_url, headers={**headers, "Content-Type": "application/json"}, body=body)


def _reply(told: Told) -> Reply:
    message: dict[str, object] = {"status": told.status, "number": told.number, "occurred_at": told.occurred_at.isoformat()}
    if told.transaction:
        message |= {"transaction": told.transaction, "amount_minor": told.amount_minor, "currency": told.currency}
    elif told.amount_minor:
        message["amount_minor"] = told.amount_minor
    return json_reply(status=200, message=message, headers={"Anka-Signature": "forged"} if told.forged else None)


def _line(row: BillRow) -> dict[str, object]:
    return {
        "kind": row.kind,
        "number": row.number,
        "payment_number": row.payment_number,
        "transaction": row.transaction,
        "amount_minor": row.amount_minor,
        "fee_minor": row.fee_minor,
        "currency": row.currency,
        "occurred_at": row.occurred_at.isoformat(),
    }
