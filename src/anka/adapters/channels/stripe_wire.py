"""How Stripe is spoken to: forms with nested names, JSON back, a key for every request that changes something, and signed events.

Sources: docs.stripe.com – idempotent requests, refunds, currencies, webhooks. The version of the API is pinned: answers keep their shape.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar

import httpx
import msgspec

from anka.domain.money import EXPONENTS

API_VERSION = "2025-04-30.basil"
TOLERANCE_SECONDS = 300
LARGEST_ANSWER = 4_194_304
LARGEST_EVENT = 262_144
TOTAL_SECONDS = 2.0
# As Stripe counts (docs.stripe.com/currencies). UGX and ISK, which it counts oddly, are none of ours.
ZERO_DECIMAL = frozenset({"BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF", "XPF"})
THREE_DECIMAL = frozenset({"BHD", "JOD", "KWD", "OMR", "TND"})
_SIGNED = re.compile(r"(?:[a-z0-9]+=[A-Za-z0-9]+)(?:,[a-z0-9]+=[A-Za-z0-9]+){1,15}")
# What part of the limit each phase of a call may take, so that together they stay below it; the body has a deadline of its own.
_PHASES = {"connect": 0.2, "pool": 0.1, "write": 0.1, "read": 0.6}

Clock = Callable[[], datetime]
Said = Mapping[str, Any]


class NoAnswer(Exception):
    """Nothing was heard that could be believed: no answer, a 5xx, or no JSON object."""

    code: ClassVar[str] = "no_answer"
    status: ClassVar[int] = 502


class StripeRefused(Exception):
    """Stripe answered with an error; `error_code` and `param` say which, `http_status` how."""

    code: ClassVar[str] = "stripe_refused"
    status: ClassVar[int] = 502

    def __init__(self, *, http_status: int, error_type: str, error_code: str, param: str) -> None:
        """Keep what Stripe said."""
        super().__init__(error_code or error_type or str(http_status))
        self.http_status = http_status
        self.error_type = error_type
        self.error_code = error_code
        self.param = param

    @property
    def reason(self) -> str:
        """One word for what was wrong."""
        return self.error_code or self.error_type or "refused"


class EventNotSigned(Exception):
    """An event without a signature of Stripe's."""

    code: ClassVar[str] = "bad_signature"
    status: ClassVar[int] = 401


class EventTooOld(Exception):
    """A genuine event that was sent more than five minutes of real time away."""

    code: ClassVar[str] = "too_old"
    status: ClassVar[int] = 401


def counts_as_we_do(*, currency: str) -> bool:
    """Return whether a currency is one of ours and Stripe counts its decimals as we do."""
    theirs = 0 if currency in ZERO_DECIMAL else 3 if currency in THREE_DECIMAL else 2
    return EXPONENTS.get(currency) == theirs


def is_chargeable(*, amount_minor: int, currency: str) -> bool:
    """Return whether Stripe can move this amount: of currencies with three decimals, only tens of the smallest unit."""
    return counts_as_we_do(currency=currency) and amount_minor > 0 and (currency not in THREE_DECIMAL or amount_minor % 10 == 0)


def signature(*, secret: str, timestamp: int, body: bytes) -> str:
    """Return the `v1` signature of an event: HMAC-SHA-256 of time, a point and the body, in hex."""
    return hmac.new(secret.encode(), str(timestamp).encode() + b"." + body, hashlib.sha256).hexdigest()


def verified_at(*, header: str, body: bytes, secrets: tuple[str, ...], real_now: datetime) -> datetime:
    """Check the `Stripe-Signature` of an event against each secret in use, and return when it was sent.

    Raises:
        EventNotSigned, EventTooOld.
    """
    if not _SIGNED.fullmatch(header):
        raise EventNotSigned("the header does not have the shape of a signature")
    parts = [part.partition("=") for part in header.split(",")]
    times = [value for name, _, value in parts if name == "t"]
    given = [value for name, _, value in parts if name == "v1"]
    if len(times) != 1 or not times[0].isdigit() or len(times[0]) > 11:
        raise EventNotSigned("the header has no time")
    expected = [signature(secret=secret, timestamp=int(times[0]), body=body).encode() for secret in secrets]
    if not any(hmac.compare_digest(one, other.encode()) for one in expected for other in given):
        raise EventNotSigned("the signature does not fit")
    sent_at = datetime.fromtimestamp(int(times[0]), UTC)
    if abs((real_now - sent_at).total_seconds()) > TOLERANCE_SECONDS:
        raise EventTooOld(f"sent more than {TOLERANCE_SECONDS} seconds away")
    return sent_at


def at(seconds: object) -> datetime | None:
    """Return a Unix time in UTC, or None where it is none."""
    return datetime.fromtimestamp(seconds, UTC) if type(seconds) is int and 0 < seconds < 10**11 else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One connection to Stripe under one secret key."""

    client: httpx.Client
    base_url: str
    secret_key: str

    def ask(self, *, method: str, path: str, fields: Mapping[str, str], patience: float, key: str = "") -> tuple[Said, str]:
        """Send one request and return the object of its answer and the SHA-256 (hex) of its bytes; `key` makes repeating it harmless.

        Raises:
            NoAnswer, StripeRefused.
        """
        headers = {"Authorization": f"Bearer {self.secret_key}", "Stripe-Version": API_VERSION}
        if key:
            headers["Idempotency-Key"] = key
        status, body = self._exchange(method, path, dict(fields), headers, patience)
        said = _object(body)
        if status >= 500 or (status == 200) == ("error" in said):
            raise NoAnswer("no answer that means anything")
        if status != 200:
            raise _refusal(status, said)
        return said, hashlib.sha256(body).hexdigest()

    def _exchange(self, method: str, path: str, fields: dict[str, str], headers: dict[str, str], patience: float) -> tuple[int, bytes]:
        deadline = time.monotonic() + patience
        timeout = httpx.Timeout(**{phase: part * patience for phase, part in _PHASES.items()})
        query, form = (fields, None) if method == "GET" else (None, fields)
        received = bytearray()
        try:
            with self.client.stream(method, self.base_url + path, params=query, data=form, headers=headers, timeout=timeout) as answer:
                for piece in answer.iter_bytes():
                    received += piece
                    if len(received) > LARGEST_ANSWER or time.monotonic() > deadline:
                        raise NoAnswer("the answer took too long or was too long")
                return answer.status_code, bytes(received)
        except (httpx.HTTPError, httpx.InvalidURL) as trouble:
            raise NoAnswer(type(trouble).__name__) from trouble


def _object(body: bytes) -> Said:
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as reason:
        raise NoAnswer("no JSON object") from reason


def _refusal(status: int, said: Said) -> StripeRefused:
    error = said.get("error")
    words = {name: value for name, value in error.items() if isinstance(value, str)} if isinstance(error, dict) else {}
    return StripeRefused(
        http_status=status, error_type=words.get("type", ""), error_code=words.get("code", ""), param=words.get("param", "")
    )
