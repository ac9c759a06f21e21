"""The keys with which the sandbox plays Alipay: an application of ours and Alipay's own pair, in ANKA_HOME/sandbox/channels/alipay.json."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from anka.adapters.channels.alipay_settings import AlipaySettings
from anka.adapters.channels.alipay_wire import read_private_key
from anka.adapters.channels.pretended_keys import new_rsa_key, pretended_keys

APP_ID = "2021000000000001"
SELLER_ID = "2088000000000001"


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxAlipay:
    """Both sides' keys: `app_key` is the merchant's, `alipay_key` the gateway's."""

    app_key: RSAPrivateKey
    alipay_key: RSAPrivateKey


def sandbox_settings(*, home: Path, base_url: str) -> AlipaySettings:
    """Return the merchant's side of the pretended Alipay at `base_url` (without gateway.do); makes the keys where there are none.

    Raises PretendedKeysUnreadable, AlipayKeyUnreadable.
    """
    keys = sandbox_keys(home=home)
    return AlipaySettings(
        app_id=APP_ID,
        app_key=keys.app_key,
        alipay_key=keys.alipay_key.public_key(),
        seller_id=SELLER_ID,
        base_url=base_url.rstrip("/"),
    )


def sandbox_keys(*, home: Path) -> SandboxAlipay:
    """Return the keys of both sides, made by whoever comes first. Raises PretendedKeysUnreadable, AlipayKeyUnreadable."""
    told = pretended_keys(home=home, channel="alipay", make={"app_key": new_rsa_key, "alipay_key": new_rsa_key})
    return SandboxAlipay(app_key=read_private_key(text=told["app_key"]), alipay_key=read_private_key(text=told["alipay_key"]))
