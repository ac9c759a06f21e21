"""The exact bytes that are hashed, and the chain over them. PostgreSQL computes the same: `sha256(previous || body)`."""

import hashlib
import json

GENESIS = bytes(32)
"""What the first link of a chain is chained to."""


class NotCanonical(Exception):
    """The value has no single way of being written down."""

    code, status = "not_canonical", 500


def _check(value: object, path: str) -> None:
    if value is None or isinstance(value, str | int):
        return
    if isinstance(value, dict):
        for key, inner in value.items():
            if type(key) is not str:
                raise NotCanonical(f"{path}: a key must be text, not {key!r}")
            _check(inner, f"{path}.{key}")
    elif isinstance(value, list | tuple):
        for index, inner in enumerate(value):
            _check(inner, f"{path}[{index}]")
    else:
        raise NotCanonical(f"{path}: {type(value).__name__} has no canonical form; use text, whole numbers, true, false, null")


def canonical_json(value: object) -> bytes:
    """Write a value as JSON in the one way that is hashed: keys sorted, no spaces, UTF-8 as it stands.

    Raises:
        NotCanonical: it holds a float or anything else that could be written in two ways, or text that is not valid Unicode.
    """
    _check(value, "value")
    try:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
    except UnicodeEncodeError as error:
        raise NotCanonical(f"text that is not valid Unicode: {error.reason}") from None


def chain_hash(previous: bytes, body: bytes) -> bytes:
    """Return the next link: SHA-256 over the previous link's 32 bytes followed by the body.

    Raises:
        ValueError: the previous link is not 32 bytes long.
    """
    if len(previous) != hashlib.sha256().digest_size:
        raise ValueError(f"a link is 32 bytes long, not {len(previous)}")
    return hashlib.sha256(previous + body).digest()
