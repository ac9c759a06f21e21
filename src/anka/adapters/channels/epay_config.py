"""The tables `[epay]` and `[epay_v2]` of the file that names an installation's channels."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import (
    load_der_private_key,
    load_der_public_key,
    load_pem_private_key,
    load_pem_public_key,
)

from anka.adapters.channels.epay_wire import TYPE

ADDRESS = re.compile(r"https://[^\s/?#]+(/[^\s?#]*)?|http://(127\.0\.0\.1|localhost)(:\d+)?(/[^\s?#]*)?")
PID = re.compile(r"[0-9]{1,20}")
SHORTEST_RSA_BITS = 2_048
REFUND_DAYS = 90


def check_names(*, table: Mapping[str, object], known: frozenset[str]) -> None:
    """Raise ValueError where a table has a setting that does not exist: a misspelt one would silently be something else."""
    unknown = sorted(set(table) - known)
    if unknown:
        raise ValueError(f"{unknown[0]!r} is not a setting; there are {', '.join(sorted(known))}")


def read_address(*, table: Mapping[str, object]) -> str:
    """Return the gateway's address, without a slash at its end. Raises ValueError."""
    url = table.get("base_url")
    if not isinstance(url, str) or not ADDRESS.fullmatch(url):
        raise ValueError("base_url is an https address, as in https://pay.example.com")
    return url.rstrip("/")


def read_pid(*, table: Mapping[str, object]) -> str:
    """Return the merchant's number, written as a text or a number. Raises ValueError."""
    pid = str(table.get("pid", ""))
    if not PID.fullmatch(pid):
        raise ValueError('pid is the number of the merchant, as in "1001"')
    return pid


def read_types(*, table: Mapping[str, object]) -> tuple[str, ...]:
    """Return the ways to pay; none where the gateway's own page lets the buyer choose. Raises ValueError."""
    types = table.get("types", [])
    if not isinstance(types, list) or not all(isinstance(way, str) and TYPE.fullmatch(way) for way in types):
        raise ValueError('types is a list of ways to pay, as in ["alipay", "wxpay"]')
    return tuple(types)


def read_window(*, table: Mapping[str, object]) -> timedelta:
    """Return for how long a payment can be refunded. Raises ValueError."""
    days = table.get("refund_window_days", REFUND_DAYS)
    if type(days) is not int or not 1 <= days <= 365:
        raise ValueError("refund_window_days is a number of days from 1 to 365")
    return timedelta(days=days)


def read_text(*, table: Mapping[str, object], name: str, folder: Path) -> str:
    """Return the content of the file a field names, without the white space around it. Raises ValueError."""
    place = table.get(name)
    if not isinstance(place, str) or not place:
        raise ValueError(f"{name} names a file")
    try:
        content = (folder / place).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as reason:
        raise ValueError(f"{name}: {place} cannot be read ({type(reason).__name__})") from reason
    if not content:
        raise ValueError(f"{name}: {place} is empty")
    return content


def private_key(*, text: str, name: str) -> RSAPrivateKey:
    """Return an RSA key of at least 2048 bits from PEM, or from the bare base64 that gateways show. Raises ValueError."""
    try:
        key = load_pem_private_key(text.encode(), None) if "-----" in text else load_der_private_key(_bare(text), None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as reason:
        raise ValueError(f"{name} is not an RSA private key") from reason
    if not isinstance(key, RSAPrivateKey) or key.key_size < SHORTEST_RSA_BITS:
        raise ValueError(f"{name} is not an RSA private key of {SHORTEST_RSA_BITS} bits or more")
    return key


def public_key(*, text: str, name: str) -> RSAPublicKey:
    """Return an RSA key of at least 2048 bits from PEM, or from the bare base64 that gateways show. Raises ValueError."""
    try:
        key = load_pem_public_key(text.encode()) if "-----" in text else load_der_public_key(_bare(text))
    except (ValueError, UnsupportedAlgorithm) as reason:
        raise ValueError(f"{name} is not an RSA public key") from reason
    if not isinstance(key, RSAPublicKey) or key.key_size < SHORTEST_RSA_BITS:
        raise ValueError(f"{name} is not an RSA public key of {SHORTEST_RSA_BITS} bits or more")
    return key


def _bare(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except binascii.Error as reason:
        raise ValueError("not base64") from reason
