"""The signatures of 易支付 written a second time, from the documentation alone and without a line of ours; the keys are OpenSSL's."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from urllib.parse import quote

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

KEYS = Path(__file__).parents[2] / "data" / "channels" / "epay"
DOCUMENTED_KEY = "89unJUB8HZ54Hj7x4nUj56HN4nUzUJ8i"


def rsa_key(name: str) -> RSAPrivateKey:
    key = load_pem_private_key((KEYS / f"{name}.pem").read_bytes(), None)
    assert isinstance(key, RSAPrivateKey)
    return key


def text_of(fields: dict[str, str]) -> str:
    """Steps 1 to 3: sort by name, leave out sign, sign_type and what is empty, join."""
    left = []
    for name in sorted(fields.keys()):
        if name in ("sign", "sign_type") or fields[name] == "":
            continue
        left.append(name + "=" + fields[name])
    return "&".join(left)


def md5(fields: dict[str, str], key: str = DOCUMENTED_KEY) -> dict[str, str]:
    return {**fields, "sign": hashlib.md5((text_of(fields) + key).encode("utf-8")).hexdigest(), "sign_type": "MD5"}


def rsa(fields: dict[str, str], key: RSAPrivateKey) -> dict[str, str]:
    signature = key.sign(text_of(fields).encode("utf-8"), padding.PKCS1v15(), hashes.SHA256())
    return {**fields, "sign": base64.b64encode(signature).decode(), "sign_type": "RSA"}


def query(fields: dict[str, str]) -> str:
    return "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in fields.items())
