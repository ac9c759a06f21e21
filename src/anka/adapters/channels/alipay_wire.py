"""Alipay's signatures and encodings (open platform, gateway v2, RSA2): what is signed, and how answers and forms are taken apart.

RSA2 is RSASSA-PKCS1-v1_5 with SHA-256 over UTF-8 text, in base64. Requests and notices are signed over their sorted parameters, an answer
over the bytes of its one node, exactly as they were sent. Times are texts in China's time, without a zone.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import ClassVar
from urllib.parse import parse_qsl

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_der_public_key

CHINA = timezone(timedelta(hours=8))
SIGN_TYPE = "RSA2"
CHARSET = "utf-8"
SHORTEST_KEY_BITS = 2048
MOST_FIELDS = 100
# Alipay sends a notice again for 25 hours until it is taken, and the documentation does not say whether such a repetition carries the time
# of the first or of this sending: what is younger may be one, what is older is none.
NOTICE_LIVES = timedelta(hours=26)
AHEAD = timedelta(minutes=5)
_TIME = "%Y-%m-%d %H:%M:%S"


class AlipayKeyUnreadable(ValueError):
    """A text is not an RSA key of at least 2048 bits, neither PEM nor the bare base64 that Alipay's tools hand out."""

    code: ClassVar[str] = "alipay_key_unreadable"
    status: ClassVar[int] = 500


class AnswerNotBelieved(Exception):
    """An answer carries no signature of Alipay over its node, or does not have the shape of one."""

    code: ClassVar[str] = "answer_not_believed"
    status: ClassVar[int] = 502


class FormMalformed(Exception):
    """A text is not a form in UTF-8, or names something twice."""

    code: ClassVar[str] = "malformed"
    status: ClassVar[int] = 400


def read_private_key(*, text: str) -> RSAPrivateKey:
    """Return the RSA key in PEM or bare base64 (PKCS 8 or PKCS 1). Raises AlipayKeyUnreadable."""
    try:
        key = load_der_private_key(_der(text), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as reason:
        raise AlipayKeyUnreadable("this is not a private key: give PEM, or the base64 of PKCS 8 or PKCS 1") from reason
    if not isinstance(key, RSAPrivateKey) or key.key_size < SHORTEST_KEY_BITS:
        raise AlipayKeyUnreadable(f"the private key has to be RSA with at least {SHORTEST_KEY_BITS} bits")
    return key


def read_public_key(*, text: str) -> RSAPublicKey:
    """Return the RSA public key in PEM or bare base64. Raises AlipayKeyUnreadable."""
    try:
        key = load_der_public_key(_der(text))
    except (ValueError, TypeError, UnsupportedAlgorithm) as reason:
        raise AlipayKeyUnreadable("this is not a public key: give PEM, or the base64 that the open platform shows") from reason
    if not isinstance(key, RSAPublicKey) or key.key_size < SHORTEST_KEY_BITS:
        raise AlipayKeyUnreadable(f"the public key has to be RSA with at least {SHORTEST_KEY_BITS} bits")
    return key


def _der(text: str) -> bytes:
    lines = (line.strip() for line in text.strip().splitlines())
    return base64.b64decode("".join(line for line in lines if not line.startswith("-----")), validate=True)


def sign(*, key: RSAPrivateKey, content: bytes) -> str:
    """Return the RSA2 signature of these bytes in base64."""
    return base64.b64encode(key.sign(content, PKCS1v15(), SHA256())).decode()


def is_signed(*, key: RSAPublicKey, content: bytes, signature: str) -> bool:
    """Tell whether the signature, in base64, is of these bytes by this key."""
    try:
        key.verify(base64.b64decode(signature, validate=True), content, PKCS1v15(), SHA256())
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


def request_text(*, parameters: Mapping[str, str]) -> bytes:
    """Return what is signed of a request: sorted parameters, without `sign` and without empty ones."""
    return _joined({name: value for name, value in parameters.items() if name != "sign" and value != ""})


def notice_text(*, parameters: Mapping[str, str]) -> bytes:
    """Return what is signed of a notice: all sorted parameters, empty ones too, without `sign` and `sign_type`."""
    return _joined({name: value for name, value in parameters.items() if name not in {"sign", "sign_type"}})


def _joined(parameters: Mapping[str, str]) -> bytes:
    return "&".join(f"{name}={value}" for name, value in sorted(parameters.items())).encode()


def read_form(*, text: bytes) -> dict[str, str]:
    """Return the fields of a form or query in UTF-8. Raises FormMalformed, also where a field stands twice."""
    try:
        fields = parse_qsl(text.decode("ascii"), keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError as reason:
        raise FormMalformed("this is not a form in UTF-8") from reason
    found = dict(fields)
    if not found or len(found) != len(fields):
        raise FormMalformed("there is no field, or one stands twice")
    return found


def node_name(*, method: str) -> str:
    """Return the name under which the answer to a method stands."""
    return f"{method.replace('.', '_')}_response"


def open_answer(*, key: RSAPublicKey, method: str, body: bytes) -> bytes:
    """Return the node of an answer, byte for byte as it was sent and signed. Raises AnswerNotBelieved."""
    try:
        parts = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
        node, signature = bytes(parts[node_name(method=method)]), msgspec.json.decode(bytes(parts["sign"]), type=str)
    except (msgspec.MsgspecError, UnicodeDecodeError, KeyError) as reason:
        raise AnswerNotBelieved("this is no signed answer to what was asked") from reason
    if not is_signed(key=key, content=node, signature=signature):
        raise AnswerNotBelieved("Alipay did not sign this answer")
    return node


def china_text(*, at: datetime) -> str:
    """Return an instant as Alipay writes times."""
    return at.astimezone(CHINA).strftime(_TIME)


def read_china_text(*, text: str) -> datetime:
    """Return the instant that Alipay wrote, with or without milliseconds. Raises ValueError."""
    whole, _, part = text.strip().partition(".")
    if part and not (part.isascii() and part.isdigit()):
        raise ValueError(f"{text!r} is not a time")
    return datetime.strptime(whole, _TIME).replace(tzinfo=CHINA)
