"""What an installation needs to speak with WeChat Pay: numbers, keys and addresses, from its configuration or made for the sandbox."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Self

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from cryptography.x509 import load_pem_x509_certificate

from anka.adapters.channels.pretended_keys import new_rsa_key, pretended_keys
from anka.adapters.channels.wechat_wire import Credentials

REAL_BASE_URL = "https://api.mch.weixin.qq.com"
REFUND_WINDOW = timedelta(days=365)
MERCHANT_BANK_CARD = "merchant"

_ADDRESS = re.compile(r"https://[^\s/?#]+(/[^\s?#]*)?|http://(127\.0\.0\.1|localhost)(:\d+)?(/[^\s?#]*)?")
_SHAPES = {
    "mchid": re.compile(r"[0-9]{6,12}"),
    "appid": re.compile(r"[A-Za-z0-9]{10,32}"),
    "merchant_serial": re.compile(r"[0-9A-Fa-f]{16,64}"),
    "public_key_id": re.compile(r"PUB_KEY_ID_[0-9A-Za-z]{1,64}"),
    "base_url": _ADDRESS,
    "abnormal_refunds_to": re.compile(f"|{MERCHANT_BANK_CARD}"),
}
_PLACES = ("merchant_key", "api_v3_key", "public_key")
_KNOWN = frozenset({*_SHAPES, *_PLACES, "certificates"})


@dataclass(frozen=True, slots=True, kw_only=True)
class WechatSettings:
    """One merchant at WeChat Pay, with all keys loaded.

    `platform_keys` are WeChat's own keys by public key id or certificate serial; the first is the one we ask to be answered with.
    `abnormal_refunds_to` is empty (a person decides) or `merchant`: an abnormal refund is sent to the merchant's bank account, from where
    a person pays it to the buyer.
    """

    mchid: str
    appid: str
    merchant_key: RSAPrivateKey
    merchant_serial: str
    api_v3_key: bytes
    platform_keys: Mapping[str, RSAPublicKey]
    base_url: str = REAL_BASE_URL
    refund_window: timedelta = REFUND_WINDOW
    abnormal_refunds_to: str = ""

    @property
    def credentials(self) -> Credentials:
        """Who signs our requests."""
        return Credentials(mchid=self.mchid, serial=self.merchant_serial, key=self.merchant_key)

    @property
    def platform_serial(self) -> str:
        """The name of the key we ask WeChat to answer with, and encrypt for."""
        return next(iter(self.platform_keys))

    @classmethod
    def read(cls, table: Mapping[str, object], folder: Path) -> Self:
        """Return the settings a table of the configuration stands for; places are relative to `folder`.

        Raises:
            ValueError: with what is wrong, in one line.
        """
        words = _words(table)
        keys = {words["public_key_id"]: _public_key(folder / words["public_key"])} if "public_key_id" in words else {}
        keys.update(_certificates(table, folder))
        if not keys:
            raise ValueError("public_key and public_key_id, or certificates, say by which keys WeChat is believed")
        return cls(
            mchid=words["mchid"],
            appid=words["appid"],
            merchant_key=_private_key(folder / words["merchant_key"]),
            merchant_serial=words["merchant_serial"].upper(),
            api_v3_key=_secret(folder / words["api_v3_key"]),
            platform_keys=keys,
            base_url=words.get("base_url", REAL_BASE_URL).rstrip("/"),
            abnormal_refunds_to=words.get("abnormal_refunds_to", ""),
        )


def _words(table: Mapping[str, object]) -> dict[str, str]:
    unknown = sorted(set(table) - _KNOWN)
    if unknown:
        raise ValueError(f"{unknown[0]} is not a setting")
    words = {name: value for name, value in table.items() if isinstance(value, str)}
    wanted = ["mchid", "appid", "merchant_serial", "merchant_key", "api_v3_key"]
    if "public_key" in table or "public_key_id" in table:
        wanted += ["public_key", "public_key_id"]
    for name in wanted:
        if not words.get(name):
            raise ValueError(f"{name} is missing")
    for name, shape in _SHAPES.items():
        if name in table and not shape.fullmatch(words.get(name, "\n")):
            raise ValueError(f"{name} does not look like one")
    return words


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as reason:
        raise ValueError(f"{path} cannot be read ({reason.strerror})") from reason


def _private_key(path: Path) -> RSAPrivateKey:
    return _rsa_key(_bytes(path), path)


def _rsa_key(pem: bytes, path: Path) -> RSAPrivateKey:
    try:
        key = load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as reason:
        raise ValueError(f"{path} is not a private key in PEM ({reason})") from reason
    if not isinstance(key, RSAPrivateKey) or key.key_size < 2048:
        raise ValueError(f"{path} is not an RSA key of 2048 bits")
    return key


def _public_key(path: Path) -> RSAPublicKey:
    try:
        key = load_pem_public_key(_bytes(path))
    except (ValueError, UnsupportedAlgorithm) as reason:
        raise ValueError(f"{path} is not a public key in PEM ({reason})") from reason
    return _strong(key, path)


def _strong(key: object, path: Path) -> RSAPublicKey:
    if not isinstance(key, RSAPublicKey) or key.key_size < 2048:
        raise ValueError(f"{path} is not an RSA key of 2048 bits")
    return key


def _certificates(table: Mapping[str, object], folder: Path) -> dict[str, RSAPublicKey]:
    places = table.get("certificates", [])
    if not isinstance(places, list) or not all(isinstance(place, str) for place in places):
        raise ValueError("certificates is a list of files")
    return dict(_certificate(folder / place) for place in places)


def _certificate(path: Path) -> tuple[str, RSAPublicKey]:
    try:
        certificate = load_pem_x509_certificate(_bytes(path))
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm) as reason:
        raise ValueError(f"{path} is not a certificate in PEM ({reason})") from reason
    return f"{certificate.serial_number:X}", _strong(key, path)


def _secret(path: Path) -> bytes:
    secret = _bytes(path).strip()
    if len(secret) != 32:
        raise ValueError(f"{path} does not hold an API v3 key of 32 characters")
    return secret


_MADE: Mapping[str, Callable[[], str]] = MappingProxyType(
    {
        "mchid": lambda: "1900000109",
        "appid": lambda: f"wx{secrets.token_hex(8)}",
        "merchant_key": new_rsa_key,
        "merchant_serial": lambda: secrets.token_hex(20).upper(),
        "platform_key": new_rsa_key,
        "public_key_id": lambda: f"PUB_KEY_ID_{secrets.randbelow(10**30):031d}",
        "api_v3_key": lambda: secrets.token_hex(16),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxWechat:
    """Both sides of the pretended WeChat Pay: the merchant's settings, and the key with which the gateway signs."""

    settings: WechatSettings
    platform_key: RSAPrivateKey


def sandbox_settings(home: Path, base_url: str) -> WechatSettings:
    """Return the merchant's settings for the sandbox at `base_url`; its keys are made in `home` by whoever comes first."""
    return sandbox_keys(home=home, base_url=base_url).settings


def sandbox_keys(home: Path, base_url: str = "") -> SandboxWechat:
    """Return both sides' keys of the sandbox, made at the first call in `home`/sandbox/channels/wechat.json (mode 0600)."""
    told = pretended_keys(home=home, channel="wechat", make=_MADE)
    merchant, platform = (_rsa_key(told[name].encode(), Path(name)) for name in ("merchant_key", "platform_key"))
    settings = WechatSettings(
        mchid=told["mchid"],
        appid=told["appid"],
        merchant_key=merchant,
        merchant_serial=told["merchant_serial"],
        api_v3_key=told["api_v3_key"].encode(),
        platform_keys={told["public_key_id"]: platform.public_key()},
        base_url=base_url,
        abnormal_refunds_to=MERCHANT_BANK_CARD,
    )
    return SandboxWechat(settings=settings, platform_key=platform)
