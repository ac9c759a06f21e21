"""The keys with which the sandbox plays Alipay: an application of ours and Alipay's own pair, in ANKA_HOME/sandbox/channels/alipay.json."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from anka.adapters.channels.alipay_settings import AlipaySettings
from anka.adapters.channels.alipay_wire import SHORTEST_KEY_BITS, AlipayKeyUnreadable, read_private_key

APP_ID = "2021000000000001"
SELLER_ID = "2088000000000001"


class SandboxAlipayUnreadable(ValueError):
    """The file of the sandbox's Alipay keys is damaged. Remove it to have new keys made."""

    code: ClassVar[str] = "sandbox_alipay_unreadable"
    status: ClassVar[int] = 500


class _File(msgspec.Struct, frozen=True):
    app_key: str
    alipay_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxAlipay:
    """Both sides' keys: `app_key` is the merchant's, `alipay_key` the gateway's."""

    app_key: RSAPrivateKey
    alipay_key: RSAPrivateKey


def sandbox_settings(*, home: Path, base_url: str) -> AlipaySettings:
    """Return the merchant's side of the pretended Alipay at `base_url` (without gateway.do); makes the keys where there are none.

    Raises SandboxAlipayUnreadable.
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
    """Return the keys of both sides, made by whoever comes first. Raises SandboxAlipayUnreadable."""
    folder = home / "sandbox" / "channels"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / "alipay.json"
    with _only_one(folder / "alipay.lock"):
        if not path.exists():
            _write_new(path)
        content = path.read_bytes()
    try:
        file = msgspec.json.decode(content, type=_File)
        return SandboxAlipay(app_key=read_private_key(text=file.app_key), alipay_key=read_private_key(text=file.alipay_key))
    except (msgspec.MsgspecError, UnicodeDecodeError, AlipayKeyUnreadable) as reason:
        raise SandboxAlipayUnreadable(f"{path} holds no keys. Remove the file to have new ones made.") from reason


@contextmanager
def _only_one(path: Path) -> Iterator[None]:
    # Web, worker and gateway start together: without the lock two of them would each make their own keys.
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _write_new(path: Path) -> None:
    unfinished = path.with_suffix(".new")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        json.dump({"app_key": _new_key(), "alipay_key": _new_key()}, file)
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(path)


def _new_key() -> str:
    key = generate_private_key(public_exponent=65_537, key_size=SHORTEST_KEY_BITS)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")
