"""A keyring in a file, or in the environment: named key-encryption keys and the secret of the blind index, as JSON.

    {"current": "2026-11", "key_encryption_keys": {"2026-11": "<32 bytes, base64>"}, "blind_index_secret": "<32 bytes, base64>"}

To change the key-encryption key, add one and name it as current: new data keys use it, old ones keep opening with theirs. A keyring in
a file is read again when the file has changed, so that no process has to be started anew.
"""

from __future__ import annotations

import base64
import binascii
import fcntl
import logging
import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import ClassVar

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from anka.vault.keyring import DataKeyDidNotOpen, KeyEncryptionKeyMissing

log = logging.getLogger("anka.keyring")
KEY_BYTES = 32
_NONCE_BYTES = 12
_SANDBOX_NAME = "sandbox-1"


class KeyringNotUsable(Exception):
    """The keyring is missing, open to others, or not in its form. The message never repeats its content."""

    code: ClassVar[str] = "keyring_not_usable"
    status: ClassVar[int] = 500


class _Form(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    current: str
    key_encryption_keys: dict[str, str]
    blind_index_secret: str


@dataclass(frozen=True, slots=True, eq=False)
class FileKeyring:
    """A keyring read into memory. Fits anka.vault.keyring.Keyring."""

    current: str
    _ciphers: Mapping[str, AESGCM] = field(repr=False)
    _blind_index_key: bytes = field(repr=False)

    @property
    def names(self) -> frozenset[str]:
        """The names of all key-encryption keys in the keyring."""
        return frozenset(self._ciphers)

    def wrap(self, *, data_key: bytes, bound_to: bytes) -> bytes:
        """Return nonce and ciphertext of the data key under the current key-encryption key."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._ciphers[self.current].encrypt(nonce, data_key, bound_to)

    def unwrap(self, *, wrapped: bytes, wrapped_by: str, bound_to: bytes) -> bytes:
        """Return the data key. Raises KeyEncryptionKeyMissing, DataKeyDidNotOpen."""
        cipher = self._ciphers.get(wrapped_by)
        if cipher is None:
            raise KeyEncryptionKeyMissing(
                f"The keyring has no key {wrapped_by!r}; nothing was lost. Add it to the keyring and start again."
            )
        try:
            return cipher.decrypt(wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:], bound_to)
        except (InvalidTag, ValueError) as reason:
            raise DataKeyDidNotOpen(
                f"The key {wrapped_by!r} of this keyring does not open the data key; nothing was lost. Use the keyring it was sealed with."
            ) from reason

    def blind_index_key(self) -> bytes:
        """Return the key of the blind index, derived from its secret."""
        return self._blind_index_key


@dataclass(slots=True, eq=False)
class FollowedKeyring:
    """A keyring's place, read when it is first called and again whenever its file has changed.

    Looking costs one system call. Where the file cannot be read any more, what was read before stays in use: a reveal must not fail
    because somebody moved the keyring away. `make` is called before the first reading.
    """

    place: str
    make: Callable[[], None] | None = None
    _ring: FileKeyring | None = None
    _seen: tuple[int, ...] = ()

    def __call__(self) -> FileKeyring:
        """Return the keyring: the same object as long as the file is the same. Raises KeyringNotUsable, if it could never be read."""
        if self._ring is None and self.make is not None:
            self.make()
        seen = _fingerprint(self.place)
        if self._ring is None:
            self._ring, self._seen = read_keyring(place=self.place), seen
        elif seen and seen != self._seen:
            try:
                self._ring = read_keyring(place=self.place)
            except KeyringNotUsable as reason:
                log.warning("the keyring has changed and cannot be used; what was read before stays in use (%s)", reason)
            self._seen = seen
        return self._ring


def _fingerprint(place: str) -> tuple[int, ...]:
    """Return what tells one version of a file from the next, or nothing where there is none to look at."""
    if place.lstrip().startswith("{"):
        return ()
    try:
        found = Path(place).expanduser().stat()
    except OSError:
        return ()
    return (found.st_ino, found.st_mtime_ns, found.st_size, found.st_mode)


def read_keyring(*, place: str) -> FileKeyring:
    """Return the keyring at `place`: a path, or the JSON itself where it begins with a brace. Raises KeyringNotUsable."""
    if place.lstrip().startswith("{"):
        return _keyring(place.encode(), "ANKA_KEYRING")
    path = Path(place).expanduser()
    try:
        mode = path.stat().st_mode
        content = path.read_bytes()
    except OSError as reason:
        raise KeyringNotUsable(f"The keyring {path} cannot be read ({reason.strerror}); name the right file in ANKA_KEYRING.") from reason
    if mode & 0o077:
        raise KeyringNotUsable(f"The keyring {path} can be read by others; run: chmod 600 {path}")
    return _keyring(content, str(path))


def sandbox_keyring(*, home: Path) -> FileKeyring:
    """Return the keyring of a sandbox, `home`/keyring.json, made at the first call with mode 0600. Raises KeyringNotUsable."""
    make_sandbox_keyring(home=home)
    return read_keyring(place=str(home / "keyring.json"))


def make_sandbox_keyring(*, home: Path) -> None:
    """Make the keyring of a sandbox where there is none yet."""
    path = home / "keyring.json"
    if not path.exists():
        home.mkdir(parents=True, exist_ok=True)
        _publish(path, msgspec.json.encode(_Form(_SANDBOX_NAME, {_SANDBOX_NAME: _new_key()}, _new_key())))


def add_key(*, place: str, day: date) -> str:
    """Put a new key-encryption key into a keyring's file and make it the current one; return its name. All others stay.

    The file is exchanged whole: a process that reads it finds the old keyring or the new one. Raises KeyringNotUsable.
    """

    def added(form: _Form) -> _Form:
        names = (f"{day:%Y-%m-%d}{serial}" for serial in ("", *(f"-{number}" for number in range(2, 1000))))
        name = next(name for name in names if name not in form.key_encryption_keys)
        return _Form(name, {**form.key_encryption_keys, name: _new_key()}, form.blind_index_secret)

    return _change(place, added).current


def require_former(*, place: str, name: str) -> None:
    """Refuse a name that is not that of a former key in this keyring. Raises KeyringNotUsable."""
    ring = read_keyring(place=place)
    if name == ring.current or name not in ring.names:
        raise KeyringNotUsable(f"The keyring has no former key {name!r}; nothing was changed. anka doctor names those it has.")


def remove_key(*, place: str, name: str) -> None:
    """Take a key-encryption key that is not the current one out of a keyring's file. Raises KeyringNotUsable."""
    require_former(place=place, name=name)

    def removed(form: _Form) -> _Form:
        kept = {known: key for known, key in form.key_encryption_keys.items() if known != name}
        return _Form(form.current, kept, form.blind_index_secret)

    _change(place, removed)


def _change(place: str, change: Callable[[_Form], _Form]) -> _Form:
    """Change a keyring's file, one at a time. Nothing is written that could not be read back."""
    if place.lstrip().startswith("{"):
        raise KeyringNotUsable("ANKA_KEYRING holds the keyring itself, which cannot be changed from here; put it into a file.")
    read_keyring(place=place)
    path = Path(place).expanduser().resolve()
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        # Read here, under the lock: two changes at once must not lose a key.
        form = change(msgspec.json.decode(path.read_bytes(), type=_Form))
        content = msgspec.json.encode(form)
        _keyring(content, str(path))
        _replace(path, content)
        os.fsync(folder)
    except OSError as reason:
        raise KeyringNotUsable(f"The keyring {path} could not be written ({reason.strerror}); it is as it was.") from reason
    finally:
        os.close(folder)
    return form


def _replace(path: Path, content: bytes) -> None:
    """Exchange the file whole, with the owner and mode it had."""
    before = path.stat()
    unfinished = path.with_name(f".keyring.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchown(file.fileno(), before.st_uid, before.st_gid)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(path)
    except OSError:
        unfinished.unlink(missing_ok=True)
        raise


def _publish(path: Path, content: bytes) -> None:
    """Write the file whole and let the first of several processes win: linking a name that exists fails."""
    unfinished = path.with_name(f".keyring.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        path.hardlink_to(unfinished)
    except FileExistsError:
        return
    finally:
        unfinished.unlink()


def _new_key() -> str:
    return base64.b64encode(os.urandom(KEY_BYTES)).decode()


def _keyring(content: bytes, where: str) -> FileKeyring:
    # The reason of a decoding error may quote the content, so it is not passed on.
    try:
        form = msgspec.json.decode(content, type=_Form)
        keys = {name: base64.b64decode(text, validate=True) for name, text in form.key_encryption_keys.items()}
        blind_index_secret = base64.b64decode(form.blind_index_secret, validate=True)
    except (msgspec.DecodeError, binascii.Error, ValueError):
        raise KeyringNotUsable(f"{where} is not a keyring (see docs/how-to/import-keys.md for its form).") from None
    if form.current not in keys:
        raise KeyringNotUsable(f"{where} names {form.current!r} as current, but holds no key of that name; add it or name another.")
    if any(len(key) != KEY_BYTES for key in (*keys.values(), blind_index_secret)):
        raise KeyringNotUsable(f"{where} holds a key that is not {KEY_BYTES} bytes long; every key is 32 random bytes in base64.")
    derived = HKDF(algorithm=hashes.SHA256(), length=KEY_BYTES, salt=None, info=b"anka blind index 1").derive(blind_index_secret)
    return FileKeyring(form.current, {name: AESGCM(key) for name, key in keys.items()}, derived)
