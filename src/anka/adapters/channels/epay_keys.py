"""The keys of both sides of the sandbox's 易支付, v1 and v2, made by whoever comes first: web, worker and gateway start together."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from anka.adapters.channels.epay import EpaySettings
from anka.adapters.channels.epay_config import SHORTEST_RSA_BITS, private_key
from anka.adapters.channels.epay_v2 import EpayV2Settings

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
    told = _load_or_make(path=home / "sandbox" / "channels" / "epay.json", make=lambda: {"pid": "1001", "key": secrets.token_hex(16)})
    return SandboxEpay(pid=told["pid"], key=told["key"])


def sandbox_keys_v2(home: Path) -> SandboxEpayV2:
    """Return the account in `home`/sandbox/channels/epay_v2.json (mode 0600), made at the first call."""
    path = home / "sandbox" / "channels" / "epay_v2.json"
    told = _load_or_make(path=path, make=lambda: {"pid": "1002", "merchant_key": _new_key(), "platform_key": _new_key()})
    return SandboxEpayV2(
        pid=told["pid"],
        merchant_key=private_key(text=told["merchant_key"], name=f"merchant_key in {path}"),
        platform_key=private_key(text=told["platform_key"], name=f"platform_key in {path}"),
    )


def _load_or_make(*, path: Path, make: Callable[[], Mapping[str, str]]) -> dict[str, str]:
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write_first(path=path, content=json.dumps(make()))
    told = json.loads(path.read_bytes())
    if not isinstance(told, dict) or not all(isinstance(value, str) for value in told.values()):
        raise ValueError(f"{path} does not hold keys. Remove the file to have new ones made.")
    return told


def _write_first(*, path: Path, content: str) -> None:
    unfinished = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        # A link is made whole or not at all, and never over another: the first one wins.
        os.link(unfinished, path)
    except FileExistsError:
        return
    finally:
        unfinished.unlink()


def _new_key() -> str:
    key = rsa.generate_private_key(public_exponent=65_537, key_size=SHORTEST_RSA_BITS)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
