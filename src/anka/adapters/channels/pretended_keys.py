"""Where the keys of channels that the sandbox plays are kept: a file each in ANKA_HOME/sandbox/channels, made by whoever comes first."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import ClassVar

import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

RSA_BITS = 2048


class PretendedKeysUnreadable(ValueError):
    """A file of the sandbox's keys is damaged. Remove it to have new keys made."""

    code: ClassVar[str] = "pretended_keys_unreadable"
    status: ClassVar[int] = 500


def pretended_keys(*, home: Path, channel: str, make: Mapping[str, Callable[[], str]]) -> dict[str, str]:
    """Return the keys of both sides of a pretended channel by name; `make` says how each is made at the first call.

    Raises:
        PretendedKeysUnreadable: the file, which has mode 0600, does not hold these keys.
    """
    path = home / "sandbox" / "channels" / f"{channel}.json"
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write_first(path=path, content=json.dumps({name: new() for name, new in make.items()}))
    try:
        told = msgspec.json.decode(path.read_bytes(), type=dict[str, str])
    except ValueError as reason:
        raise _unreadable(path) from reason
    if told.keys() != make.keys():
        raise _unreadable(path)
    return told


def _unreadable(path: Path) -> PretendedKeysUnreadable:
    return PretendedKeysUnreadable(f"{path} does not hold the keys of this channel. Remove the file to have new ones made.")


def new_rsa_key() -> str:
    """Return a new private key as PEM."""
    key = generate_private_key(public_exponent=65_537, key_size=RSA_BITS)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")


def _write_first(*, path: Path, content: str) -> None:
    unfinished = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        # A link is made whole or not at all, and never over another: web, worker and gateway start together, and the first one wins.
        os.link(unfinished, path)
    except FileExistsError:
        return
    finally:
        unfinished.unlink()
