"""The keys of both sides of the sandbox's 易支付, v1 and v2, made by whoever comes first: web, worker and gateway start together."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from anka.adapters.channels.epay import EpaySettings
from anka.adapters.channels.epay_config import private_key
from anka.adapters.channels.epay_v2 import EpayV2Settings
from anka.adapters.channels.pretended_keys import new_rsa_key, pretended_keys

TYPES = ("alipay", "wxpay", "qqpay")


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxEpay:
    """One account of the sandbox's v1: both sides hold the same key."""

    pid: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxEpayV2:
    """One account of the sandbox's v2: the merchant's key, and the gateway's."""

    pid: str
    merchant_key: RSAPrivateKey
    platform_key: RSAPrivateKey


def sandbox_settings(home: Path, base_url: str) -> EpaySettings:
    """Return the merchant's settings for the sandbox's v1 at `base_url`."""
    keys = sandbox_keys(home)
    return EpaySettings(base_url=base_url, pid=keys.pid, key=keys.key, types=TYPES)


def sandbox_settings_v2(home: Path, base_url: str) -> EpayV2Settings:
    """Return the merchant's settings for the sandbox's v2 at `base_url`."""
    keys = sandbox_keys_v2(home)
    platform = keys.platform_key.public_key()
    return EpayV2Settings(base_url=base_url, pid=keys.pid, private_key=keys.merchant_key, platform_key=platform, types=TYPES)


def sandbox_keys(home: Path) -> SandboxEpay:
    """Return the account in `home`/sandbox/channels/epay.json (mode 0600), made at the first call."""
    told = pretended_keys(home=home, channel="epay", make={"pid": lambda: "1001", "key": lambda: secrets.token_hex(16)})
    return SandboxEpay(pid=told["pid"], key=told["key"])


def sandbox_keys_v2(home: Path) -> SandboxEpayV2:
    """Return the account in `home`/sandbox/channels/epay_v2.json (mode 0600), made at the first call."""
    made = {"pid": lambda: "1002", "merchant_key": new_rsa_key, "platform_key": new_rsa_key}
    told = pretended_keys(home=home, channel="epay_v2", make=made)
    return SandboxEpayV2(
        pid=told["pid"],
        merchant_key=private_key(text=told["merchant_key"], name="the sandbox's merchant_key"),
        platform_key=private_key(text=told["platform_key"], name="the sandbox's platform_key"),
    )
