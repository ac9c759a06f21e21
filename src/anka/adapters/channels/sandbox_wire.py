"""The signatures of the sandbox protocol: what is signed, by whom, for what purpose.

Every signed thing names its purpose inside the signed bytes, so that a request can never pass for a notice, nor an answer for a request.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import ClassVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

PROTOCOL = "anka-sandbox-1"
MERCHANT = "anka"
TOLERANCE_SECONDS = 300
CASHIER_PATH = "/cashier"
LONGEST_TOKEN = 8_192

_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_NONCE = re.compile(r"[A-Za-z0-9_-]{16,64}")
_MERCHANT = re.compile(r"[a-z0-9_-]{1,32}")


class Purpose(StrEnum):
    """What a signature is good for."""

    CASHIER = "cashier"
    REQUEST = "request"
    ANSWER = "answer"
    NOTICE = "notice"
    ISSUER_REQUEST = "issuer_request"
    ISSUER_ANSWER = "issuer_answer"
    ISSUER_NOTICE = "issuer_notice"


class WireRefused(Exception):
    """Signed bytes that may not be believed."""

    code: ClassVar[str] = "wire_refused"
    status: ClassVar[int] = 401


class WireMalformed(WireRefused):
    """A header is missing or does not have its shape."""

    code = "malformed"
    status = 400


class WireWrongPurpose(WireRefused):
    """The bytes were signed for another purpose."""

    code = "wrong_purpose"


class WireUnknownMerchant(WireRefused):
    """The bytes speak of another merchant."""

    code = "unknown_merchant"


class WireTooOld(WireRefused):
    """The signature is genuine, but more than five minutes of real time away."""

    code = "too_old"


class WireBadSignature(WireRefused):
    """The signature does not fit the bytes, the address or the key."""

    code = "bad_signature"


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """Everything that is signed beside the body. For an answer, `method` is the HTTP status and `nonce` that of the request."""

    purpose: Purpose
    method: str
    path: str
    timestamp: int
    nonce: str
    merchant: str = MERCHANT


def real_now() -> datetime:
    """Return real time: the clock of signatures, which never moves by request."""
    return datetime.now(UTC)


def new_nonce() -> str:
    """Return a nonce of 128 random bits."""
    return secrets.token_urlsafe(16)


def canonical(*, envelope: Envelope, body: bytes) -> bytes:
    """Return the bytes that are signed: eight lines, each ended by a line feed."""
    lines = (
        PROTOCOL,
        envelope.purpose.value,
        envelope.merchant,
        envelope.method,
        envelope.path,
        str(envelope.timestamp),
        envelope.nonce,
        hashlib.sha256(body).hexdigest(),
    )
    return "".join(f"{line}\n" for line in lines).encode()


def signed_headers(*, key: Ed25519PrivateKey, envelope: Envelope, body: bytes) -> dict[str, str]:
    """Return the headers that carry an envelope and its signature."""
    signature = key.sign(canonical(envelope=envelope, body=body))
    return {
        "Anka-Purpose": envelope.purpose.value,
        "Anka-Merchant": envelope.merchant,
        "Anka-Timestamp": str(envelope.timestamp),
        "Anka-Nonce": envelope.nonce,
        "Anka-Signature": base64.b64encode(signature).decode(),
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What the receiver insists on. An empty `nonce` accepts any."""

    purpose: Purpose
    method: str
    path: str
    nonce: str = ""
    merchant: str = MERCHANT


def verify(*, key: Ed25519PublicKey, headers: Mapping[str, str], body: bytes, expected: Expected, real_now: datetime) -> Envelope:
    """Check signed headers and return their envelope.

    `real_now` is real time, never the movable clock. Raises WireRefused.
    """
    found = {name.lower(): value for name, value in headers.items()}
    purpose, merchant = found.get("anka-purpose", ""), found.get("anka-merchant", "")
    timestamp, nonce = found.get("anka-timestamp", ""), found.get("anka-nonce", "")
    if not (_MERCHANT.fullmatch(merchant) and _TIMESTAMP.fullmatch(timestamp) and _NONCE.fullmatch(nonce)):
        raise WireMalformed("a signed message carries purpose, merchant, timestamp, nonce and signature")
    if purpose != expected.purpose.value:
        raise WireWrongPurpose(f"signed as {purpose[:16]!r}, wanted {expected.purpose.value!r}")
    if merchant != expected.merchant:
        raise WireUnknownMerchant("this message is for another merchant")
    if expected.nonce and nonce != expected.nonce:
        raise WireBadSignature("this answers another request")
    envelope = Envelope(
        purpose=expected.purpose,
        method=expected.method,
        path=expected.path,
        timestamp=int(timestamp),
        nonce=nonce,
        merchant=merchant,
    )
    _check_signature(key=key, envelope=envelope, body=body, signature=found.get("anka-signature", ""))
    if abs(real_now.timestamp() - envelope.timestamp) > TOLERANCE_SECONDS:
        raise WireTooOld(f"signed more than {TOLERANCE_SECONDS} seconds away")
    return envelope


def _check_signature(*, key: Ed25519PublicKey, envelope: Envelope, body: bytes, signature: str) -> None:
    try:
        key.verify(base64.b64decode(signature, validate=True), canonical(envelope=envelope, body=body))
    except (InvalidSignature, binascii.Error, ValueError) as reason:
        raise WireBadSignature("the signature does not fit") from reason


def seal_cashier_request(*, key: Ed25519PrivateKey, payload: bytes, real_now: datetime) -> str:
    """Return a signed payload as one address-safe word: timestamp, nonce, payload and signature, joined by dots."""
    envelope = Envelope(
        purpose=Purpose.CASHIER,
        method="GET",
        path=CASHIER_PATH,
        timestamp=int(real_now.timestamp()),
        nonce=new_nonce(),
    )
    signature = key.sign(canonical(envelope=envelope, body=payload))
    return f"{envelope.timestamp}.{envelope.nonce}.{_word(payload)}.{_word(signature)}"


def open_cashier_request(*, key: Ed25519PublicKey, token: str) -> bytes:
    """Check a signed cashier request and return its payload.

    Its age is not limited: the payload says until when it may be paid. Raises WireRefused.
    """
    headers, payload = reflect_cashier_request(token=token)
    envelope = Envelope(
        purpose=Purpose.CASHIER,
        method="GET",
        path=CASHIER_PATH,
        timestamp=int(headers["Anka-Timestamp"]),
        nonce=headers["Anka-Nonce"],
    )
    _check_signature(key=key, envelope=envelope, body=payload, signature=headers["Anka-Signature"])
    return payload


def reflect_cashier_request(*, token: str) -> tuple[dict[str, str], bytes]:
    """Return a cashier request as headers and body, unchecked: what an attacker would send back. Raises WireMalformed."""
    parts = token.split(".")
    if len(token) > LONGEST_TOKEN or len(parts) != 4 or not (_TIMESTAMP.fullmatch(parts[0]) and _NONCE.fullmatch(parts[1])):
        raise WireMalformed("this is not a cashier request")
    try:
        payload, signature = (base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True) for part in parts[2:])
    except (binascii.Error, ValueError) as reason:
        raise WireMalformed("this is not a cashier request") from reason
    headers = {
        "Anka-Purpose": Purpose.CASHIER.value,
        "Anka-Merchant": MERCHANT,
        "Anka-Timestamp": parts[0],
        "Anka-Nonce": parts[1],
        "Anka-Signature": base64.b64encode(signature).decode(),
    }
    return headers, payload


def _word(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
