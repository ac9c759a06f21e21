"""WeChat Pay API v3 on the wire: RSA signatures of requests, answers and notices, and what is encrypted inside them.

Source: "WeChat Pay API v3, interface rules": https://pay.weixin.qq.com/doc/v3/merchant/4012081606
"""

from __future__ import annotations

import base64
import binascii
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA1, SHA256

SCHEME = "WECHATPAY2-SHA256-RSA2048"
CIPHER = "AEAD_AES_256_GCM"
# WeChat now and then sends a message with a wrong signature, to see whether it is checked. It must be refused.
PROBE = "WECHATPAY/SIGNTEST/"
TOLERANCE_SECONDS = 300

# OAEP with SHA-1 is what the protocol prescribes for single fields; it is not a hash of anything.
_FIELD_PADDING = OAEP(mgf=MGF1(algorithm=SHA1()), algorithm=SHA1(), label=None)  # noqa: S303
_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_NONCE = re.compile(r"[\x21-\x7e]{1,64}")
_FIELD = re.compile(r'([a-z_]+)="([^"\r\n]{0,1024})"')


class WireRefused(Exception):
    """Bytes that claim to be signed and may not be believed."""

    code: ClassVar[str] = "wire_refused"
    status: ClassVar[int] = 401


class WireMalformed(WireRefused):
    """A header or a field is missing or does not have its shape."""

    code = "malformed"
    status = 400


class WireBadSignature(WireRefused):
    """The signature does not fit the bytes, or none of the keys we know."""

    code = "bad_signature"


class WireTooOld(WireRefused):
    """The signature is genuine, but more than five minutes of real time away."""

    code = "too_old"


class NotDecrypted(WireRefused):
    """What is encrypted was not encrypted with our key, or has been changed."""

    code = "not_decrypted"
    status = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """Who signs requests: the merchant, and the serial number of the certificate of its key."""

    mchid: str
    serial: str
    key: RSAPrivateKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorization:
    """What the header `Authorization` of a request says, unchecked."""

    mchid: str
    serial: str
    nonce: str
    timestamp: int
    signature: str


def new_nonce() -> str:
    """Return a nonce of 128 random bits, as 32 hexadecimal digits."""
    return secrets.token_hex(16)


def signature_of(*, key: RSAPrivateKey, lines: tuple[str, ...], body: bytes) -> str:
    """Return the signature, in base64, of lines and a body, each ended by a line feed."""
    return base64.b64encode(key.sign(_signed(lines=lines, body=body), PKCS1v15(), SHA256())).decode()


def check_signature(*, key: RSAPublicKey, lines: tuple[str, ...], body: bytes, signature: str) -> None:
    """Check a signature; raises WireBadSignature."""
    try:
        key.verify(base64.b64decode(signature, validate=True), _signed(lines=lines, body=body), PKCS1v15(), SHA256())
    except (InvalidSignature, binascii.Error, ValueError) as reason:
        raise WireBadSignature("the signature does not fit") from reason


def _signed(*, lines: tuple[str, ...], body: bytes) -> bytes:
    return "".join(f"{line}\n" for line in lines).encode() + body + b"\n"


def authorization(*, credentials: Credentials, method: str, target: str, body: bytes, timestamp: int) -> str:
    """Return the header `Authorization` of a request; `target` is path and query as they are sent."""
    nonce = new_nonce()
    signature = signature_of(key=credentials.key, lines=(method, target, str(timestamp), nonce), body=body)
    return (
        f'{SCHEME} mchid="{credentials.mchid}",nonce_str="{nonce}",signature="{signature}",'
        f'timestamp="{timestamp}",serial_no="{credentials.serial}"'
    )


def read_authorization(*, header: str) -> Authorization:
    """Return what a header `Authorization` says; raises WireMalformed."""
    scheme, _, told = header.partition(" ")
    fields = dict(_FIELD.findall(told))
    if scheme != SCHEME or not _TIMESTAMP.fullmatch(fields.get("timestamp", "")) or not _NONCE.fullmatch(fields.get("nonce_str", "")):
        raise WireMalformed("a request carries mchid, serial_no, nonce_str, timestamp and signature")
    return Authorization(
        mchid=fields.get("mchid", ""),
        serial=fields.get("serial_no", ""),
        nonce=fields["nonce_str"],
        timestamp=int(fields["timestamp"]),
        signature=fields.get("signature", ""),
    )


def check_authorization(*, key: RSAPublicKey, told: Authorization, method: str, target: str, body: bytes) -> None:
    """Check the signature of a request; raises WireBadSignature. Age, merchant and nonce are the caller's to compare."""
    check_signature(key=key, lines=(method, target, str(told.timestamp), told.nonce), body=body, signature=told.signature)


def signed_headers(*, key: RSAPrivateKey, serial: str, body: bytes, timestamp: int) -> dict[str, str]:
    """Return the headers with which WeChat signs an answer or a notice; `serial` names the key."""
    nonce = new_nonce()
    return {
        "Wechatpay-Serial": serial,
        "Wechatpay-Timestamp": str(timestamp),
        "Wechatpay-Nonce": nonce,
        "Wechatpay-Signature": signature_of(key=key, lines=(str(timestamp), nonce), body=body),
        "Wechatpay-Signature-Type": SCHEME,
    }


def verify(*, keys: Mapping[str, RSAPublicKey], headers: Mapping[str, str], body: bytes, real_now: datetime) -> datetime:
    """Check that WeChat signed an answer or a notice, not more than five minutes away, and return when.

    `keys` are WeChat's by public key id or certificate serial. `real_now` is real time, never the movable clock. Raises WireRefused.
    """
    found = {name.lower(): value for name, value in headers.items()}
    timestamp, nonce = found.get("wechatpay-timestamp", ""), found.get("wechatpay-nonce", "")
    signature = found.get("wechatpay-signature", "")
    if not (_TIMESTAMP.fullmatch(timestamp) and _NONCE.fullmatch(nonce) and signature):
        raise WireMalformed("a signed message carries serial, timestamp, nonce and signature")
    if signature.startswith(PROBE):
        raise WireBadSignature("this is WeChat's test whether signatures are checked")
    serial = found.get("wechatpay-serial", "")
    key = keys.get(serial) or keys.get(serial.upper().lstrip("0"))
    if key is None or found.get("wechatpay-signature-type", SCHEME) != SCHEME:
        raise WireBadSignature("signed with a key or a method we do not know")
    check_signature(key=key, lines=(timestamp, nonce), body=body, signature=signature)
    if abs(real_now.timestamp() - int(timestamp)) > TOLERANCE_SECONDS:
        raise WireTooOld(f"signed more than {TOLERANCE_SECONDS} seconds away")
    return datetime.fromtimestamp(int(timestamp), UTC)


def sealed(*, api_v3_key: bytes, plain: bytes, associated: str) -> dict[str, str]:
    """Return the fields of a resource that only the merchant can read."""
    nonce = secrets.token_hex(6)
    hidden = AESGCM(api_v3_key).encrypt(nonce.encode(), plain, associated.encode())
    return {"algorithm": CIPHER, "ciphertext": base64.b64encode(hidden).decode(), "associated_data": associated, "nonce": nonce}


def opened(*, api_v3_key: bytes, ciphertext: str, associated: str, nonce: str) -> bytes:
    """Return what a resource hides; raises NotDecrypted."""
    try:
        return AESGCM(api_v3_key).decrypt(nonce.encode(), base64.b64decode(ciphertext, validate=True), associated.encode())
    except (InvalidTag, binascii.Error, ValueError) as reason:
        raise NotDecrypted("the notice was not encrypted with our API v3 key") from reason


def hidden_field(*, key: RSAPublicKey, text: str) -> str:
    """Return a person's name or account as WeChat alone can read it."""
    return base64.b64encode(key.encrypt(text.encode(), _FIELD_PADDING)).decode()


def shown_field(*, key: RSAPrivateKey, text: str) -> str:
    """Return what `hidden_field` hid; raises NotDecrypted."""
    try:
        return key.decrypt(base64.b64decode(text, validate=True), _FIELD_PADDING).decode()
    except (binascii.Error, ValueError) as reason:
        raise NotDecrypted("the field was not encrypted with this key") from reason
