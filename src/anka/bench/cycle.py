"""One cycle of the measurement as HTTP: place an order, begin its payment, have it paid, cancel it."""

import hashlib
import json
import random
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from anka.adapters.channels.sandbox_wire import MERCHANT, Envelope, Purpose, new_nonce, signed_headers
from anka.bench.market import Buyer, Market

ACTIONS = ("create", "begin_payment", "pay", "cancel")
NOTIFY = "/api/v1/notify/sandbox"
TAG_DIGITS = 13


class NotAsExpected(Exception):
    """The server answered something else than a cycle expects, so nothing was measured."""

    code, status = "bench_not_as_expected", 500


@dataclass(slots=True)
class Request:
    """A request before it is put into bytes."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Cycle:
    """One cycle under way. `tag` makes everything about it unique."""

    market: Market
    gateway_key: Ed25519PrivateKey
    buyer: Buyer
    tag: str
    order: str = ""
    payment: str = ""
    digest: str = ""
    step: int = 0

    def request(self) -> Request:
        """Return the next request."""
        if self.step == 0:
            return self._bearing("/api/v1/orders", {"product_id": self.market.product_number, "quantity": 1, "allow_duplicate": True})
        if self.step == 1:
            return self._bearing(f"/api/v1/orders/{self.order}/payments", {"channel": "sandbox"})
        if self.step == 2:
            return self._notice()
        return self._bearing(f"/api/v1/orders/{self.order}/cases", {"reason": "NO_LONGER_NEEDED"})

    def take(self, body: bytes) -> bool:
        """Take the answer of the request last made; tell whether the cycle is complete."""
        if self.step == 0:
            self.order = _number(body)
        elif self.step == 1:
            self.payment = _number(body)
        self.step += 1
        return self.step == len(ACTIONS)

    def _bearing(self, path: str, body: dict[str, object]) -> Request:
        headers = {
            "Authorization": f"Bearer {self.buyer.token}",
            "Idempotency-Key": f"{ACTIONS[self.step]}-{self.tag}",
            "Content-Type": "application/json",
        }
        return Request(path, headers, json.dumps(body).encode())

    def _notice(self) -> Request:
        now = datetime.now(UTC)
        told = {
            "event_id": f"evt_{self.tag}",
            "type": "payment.paid",
            "merchant": MERCHANT,
            "number": self.payment,
            "payment_number": self.payment,
            "transaction": f"SB{self.tag}",
            "amount_minor": self.market.price_minor,
            "currency": "CNY",
            "occurred_at": now.isoformat(),
            "sent_at": now.isoformat(),
        }
        body = json.dumps(told).encode()
        self.digest = hashlib.sha256(body).hexdigest()
        envelope = Envelope(purpose=Purpose.NOTICE, method="POST", path=NOTIFY, timestamp=int(now.timestamp()), nonce=new_nonce())
        headers = signed_headers(key=self.gateway_key, envelope=envelope, body=body)
        return Request(NOTIFY, {**headers, "Content-Type": "application/json"}, body)


def new_cycle(*, market: Market, gateway_key: Ed25519PrivateKey) -> Cycle:
    """Return a cycle of a buyer drawn at random."""
    # Chance spreads the load here; nothing rests on it being unguessable.
    buyer = random.choice(market.buyers)  # noqa: S311
    tag = random.randrange(10 ** (TAG_DIGITS - 1), 10**TAG_DIGITS)  # noqa: S311
    return Cycle(market, gateway_key, buyer, str(tag))


def _number(body: bytes) -> str:
    """Return the number of what was made: the first field of the answer of that name."""
    mark = b'"number":"'
    start = body.find(mark)
    if start < 0:
        raise NotAsExpected(f"An answer names no number: {body[:300]!r}. Nothing was measured.")
    start += len(mark)
    return body[start : body.index(b'"', start)].decode()
