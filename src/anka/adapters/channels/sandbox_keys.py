"""The sandbox's keys, and the one door that keeps it out of production.

Nothing of the sandbox works without these keys, and these keys are only handed out in sandbox mode.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import ClassVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key


class Mode(StrEnum):
    """Whether this instance plays with pretended money."""

    SANDBOX = "sandbox"
    PRODUCTION = "production"


class SandboxIsOff(Exception):
    """The sandbox was asked for in an instance that did not switch it on."""

    code: ClassVar[str] = "sandbox_is_off"
    status: ClassVar[int] = 404


class SandboxKeyUnreadable(Exception):
    """A key file is not an Ed25519 key in PEM."""

    code: ClassVar[str] = "sandbox_key_unreadable"
    status: ClassVar[int] = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxKeys:
    """The private keys of all sides. A real channel would hold one of them; here all live in one folder."""

    gateway: Ed25519PrivateKey
    merchant: Ed25519PrivateKey
    issuer: Ed25519PrivateKey


def require_sandbox(*, mode: Mode) -> None:
    """Refuse to go on unless the sandbox is switched on. Raises SandboxIsOff."""
    if mode is not Mode.SANDBOX:
        raise SandboxIsOff("The sandbox is off and nothing was changed. Set ANKA_SANDBOX=1 on an instance without real money to use it.")


def load_keys(*, home: Path, mode: Mode) -> SandboxKeys:
    """Return the keys in `home`/sandbox, made at the first call; files have mode 0600. Raises SandboxIsOff, SandboxKeyUnreadable."""
    require_sandbox(mode=mode)
    folder = home / "sandbox"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _only_one(folder / "keys.lock"):
        return SandboxKeys(gateway=_key(folder / "gateway.pem"), merchant=_key(folder / "merchant.pem"), issuer=_key(folder / "issuer.pem"))


@contextmanager
def _only_one(path: Path) -> Iterator[None]:
    # Web, worker and gateway start together: without the lock two of them would each make their own keys.
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _key(path: Path) -> Ed25519PrivateKey:
    if not path.exists():
        _write_new_key(path)
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except ValueError as reason:
        raise SandboxKeyUnreadable(f"{path} is not a key. Remove the file to have a new one made.") from reason
    if not isinstance(key, Ed25519PrivateKey):
        raise SandboxKeyUnreadable(f"{path} is not an Ed25519 key. Remove the file to have a new one made.")
    return key


def _write_new_key(path: Path) -> None:
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    unfinished = path.with_suffix(".new")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(path)
