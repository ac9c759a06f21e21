"""What both versions of 易支付 (epay) share on the wire: how fields are signed, sent and read.

Both sign the same text: all fields that are not empty, without `sign` and `sign_type`, as `name=value` sorted by name and joined by `&`,
values as they are. Nothing in it is escaped, so a value with an `&` could be read as two fields: whoever may name goods could have us sign
a notice. So nothing we sign has one, and a notice that has one anywhere is refused.

Sources: the documentation pages of 彩虹易支付 ("doc_old" for v1, "doc" for v2) and the gateway's published code.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta, timezone
from typing import ClassVar
from urllib.parse import parse_qsl, urlencode

import httpx
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

CURRENCY = "CNY"
CHINA = timezone(timedelta(hours=8))
TOLERANCE_SECONDS = 300
LARGEST_BODY = 65_536
LONGEST_QUERY = 8_192
MOST_FIELDS = 64
LONGEST_NAME_BYTES = 127
TOTAL_SECONDS = 2.0
NOT_SIGNED = frozenset({"sign", "sign_type"})
# The gateway refuses anything else in `out_trade_no`; it takes `out_refund_no` into account from six characters on.
NUMBER = re.compile(r"[A-Za-z0-9._|-]{1,64}")
TRANSACTION = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SECONDS = re.compile(r"[0-9]{1,11}")
TYPE = re.compile(r"[a-z0-9_]{1,20}")
_HARMLESS = str.maketrans("&=<>\"'\\", "＆＝＜＞＂＇＼")
# What part of the limit each phase of a call may take, so that together they stay below it; the body has a deadline of its own.
_PHASES = {"connect": 0.2, "pool": 0.1, "write": 0.1, "read": 0.6}

Clock = Callable[[], datetime]


class NoAnswer(Exception):
    """Nothing was heard that could be believed. `reason` is `not_connected` where it is certain that nothing was sent, else `no_answer`."""

    code: ClassVar[str] = "no_answer"
    status: ClassVar[int] = 502

    def __init__(self, *, reason: str) -> None:
        """Keep why."""
        super().__init__(reason)
        self.reason = reason


class AnswerMalformed(Exception):
    """An answer is not a JSON object of texts and numbers."""

    code: ClassVar[str] = "malformed_answer"
    status: ClassVar[int] = 502


class FieldsMalformed(Exception):
    """A query is not a plain list of fields: too long, a field twice, or a value that could be read as two fields."""

    code: ClassVar[str] = "malformed"
    status: ClassVar[int] = 400


def canonical(*, fields: Mapping[str, str]) -> str:
    """Return the text that is signed."""
    return "&".join(f"{name}={fields[name]}" for name in sorted(fields) if name not in NOT_SIGNED and fields[name])


def md5_signature(*, fields: Mapping[str, str], key: str) -> str:
    """Return the signature of v1: MD5 over the text followed by the key, in lower-case hex. The protocol knows nothing better."""
    return hashlib.md5((canonical(fields=fields) + key).encode(), usedforsecurity=False).hexdigest()


def md5_signed(*, fields: Mapping[str, str], key: str) -> dict[str, str]:
    """Return the fields with their v1 signature."""
    return {**fields, "sign": md5_signature(fields=fields, key=key), "sign_type": "MD5"}


def md5_fits(*, fields: Mapping[str, str], key: str) -> bool:
    """Return whether `sign` fits the fields; how long it takes says nothing about the right one."""
    expected = md5_signature(fields=fields, key=key)
    return fields.get("sign_type", "MD5").upper() == "MD5" and hmac.compare_digest(expected.encode(), fields.get("sign", "").encode())


def rsa_signed(*, fields: Mapping[str, str], key: RSAPrivateKey, real_now: datetime) -> dict[str, str]:
    """Return the fields with their time and v2 signature (RSA with SHA-256, PKCS #1 v1.5, base64)."""
    stamped = {**fields, "timestamp": str(int(real_now.timestamp()))}
    signature = key.sign(canonical(fields=stamped).encode(), PKCS1v15(), SHA256())
    return {**stamped, "sign": base64.b64encode(signature).decode(), "sign_type": "RSA"}


def rsa_fits(*, fields: Mapping[str, str], key: RSAPublicKey) -> bool:
    """Return whether `sign` fits the fields."""
    if fields.get("sign_type", "RSA").upper() != "RSA":
        return False
    try:
        signature = base64.b64decode(fields.get("sign", ""), validate=True)
        key.verify(signature, canonical(fields=fields).encode(), PKCS1v15(), SHA256())
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


def stamp(*, fields: Mapping[str, str]) -> datetime:
    """Return when fields were signed, in UTC; the beginning of 1970 where they do not say."""
    seconds = fields.get("timestamp", "")
    return datetime.fromtimestamp(int(seconds) if _SECONDS.fullmatch(seconds) else 0, UTC)


def is_fresh(*, fields: Mapping[str, str], real_now: datetime) -> bool:
    """Return whether `timestamp` is at most five minutes away from real time."""
    return abs((real_now - stamp(fields=fields)).total_seconds()) <= TOLERANCE_SECONDS


def read_fields(*, query: str) -> dict[str, str]:
    """Return the fields of a query string, each once and unambiguous.

    Raises:
        FieldsMalformed: it is too long, repeats a field, or a name or value has a character that joins fields in the signed text.
    """
    if len(query) > LONGEST_QUERY:
        raise FieldsMalformed("the query is too long")
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=True, max_num_fields=MOST_FIELDS, errors="strict")
    except ValueError as reason:
        raise FieldsMalformed("the query is not a list of fields") from reason
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise FieldsMalformed("a field stands there twice")
    if any("&" in name or "=" in name or "&" in value for name, value in pairs):
        raise FieldsMalformed("a value could be read as two fields")
    return fields


def read_answer(*, body: bytes) -> dict[str, str]:
    """Return the plain fields of an answer as the texts that were signed; lists and objects are never signed and left out.

    Raises:
        AnswerMalformed: it is not a JSON object.
    """
    try:
        said = json.loads(body, parse_int=str, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError) as reason:
        raise AnswerMalformed("not JSON") from reason
    if not isinstance(said, dict):
        raise AnswerMalformed("not an object")
    return {name: value for name, value in said.items() if isinstance(value, str)}


def goods_name(*, subject: str) -> str:
    """Return a name of goods that comes back as it was sent: at most 127 bytes of UTF-8, never empty, nothing that joins fields.

    Nor anything that the gateway would write as an HTML entity, which begins with `&`.
    """
    plain = "".join(letter if letter.isprintable() else " " for letter in subject.translate(_HARMLESS)).strip()
    return plain.encode()[:LONGEST_NAME_BYTES].decode(errors="ignore") or "-"


def china_time(*, text: str) -> datetime | None:
    """Return a time the gateway wrote (China's, without saying so) in UTC, or None where it wrote none."""
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=CHINA).astimezone(UTC)
    except ValueError:
        return None


def address(*, base_url: str, path: str, fields: Mapping[str, str]) -> str:
    """Return an address that carries fields in its query."""
    return f"{base_url}{path}?{urlencode(fields)}"


def exchange(*, client: httpx.Client, method: str, url: str, fields: Mapping[str, str], patience: float) -> bytes:
    """Send fields, in the query of a GET or the form of a POST, and return the body of the answer; it all takes at most `patience` seconds.

    Raises:
        NoAnswer: no answer, one that is not a plain 200, one too long or too late.
    """
    deadline = time.monotonic() + patience
    timeout = httpx.Timeout(**{phase: part * patience for phase, part in _PHASES.items()})
    received = bytearray()
    query, form = (dict(fields), None) if method == "GET" else (None, dict(fields))
    try:
        with client.stream(method, url, params=query, data=form, timeout=timeout) as answer:
            for piece in answer.iter_bytes():
                received += piece
                if len(received) > LARGEST_BODY or time.monotonic() > deadline:
                    raise NoAnswer(reason="no_answer")
            if answer.status_code != 200:
                raise NoAnswer(reason="no_answer")
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as trouble:
        raise NoAnswer(reason="not_connected") from trouble
    except (httpx.HTTPError, httpx.InvalidURL) as trouble:
        raise NoAnswer(reason="no_answer") from trouble
    return bytes(received)
