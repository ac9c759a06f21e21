"""Doing a request once. A caller's key names a request; its row is written in the same transaction as the request's effect."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from django.utils.translation import gettext_lazy as _

from anka.core.refusals import BadInput, Refusal, refused_by

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class RequestKey:
    """Names one request of one caller.

    `key` is None where the caller sent none: then nothing is remembered. `fingerprint` is the SHA-256 of method, path and body, so
    that a key cannot be used for something else.
    """

    caller: str
    key: str | None
    fingerprint: bytes

    def as_json(self) -> dict[str, str | None]:
        """Return the shape our SQL functions take."""
        return {"caller": self.caller, "key": self.key, "fingerprint": self.fingerprint.hex()}


def request_key(*, caller: str, key: str | None, method: str, path: str, body: bytes) -> RequestKey:
    """Return the key of a request as it came in.

    Raises:
        BadInput: the key is empty, longer than 200 characters or not printable ASCII.
    """
    if key is not None and (not 1 <= len(key) <= 200 or not key.isascii() or not key.isprintable()):
        raise BadInput(fields={"Idempotency-Key": "1 to 200 printable ASCII characters"})
    digest = hashlib.sha256(b"\0".join((method.encode(), path.encode(), body))).digest()
    return RequestKey(caller=caller, key=key, fingerprint=digest)


def unrepeated(caller: str) -> RequestKey:
    """Return the key of a request that is not to be remembered: jobs, and people who sent none."""
    return RequestKey(caller=caller, key=None, fingerprint=bytes(32))


class AlreadyDone(Exception):
    """This request was carried out before; `reference` names what it made. Not an error: the edge answers with that."""

    def __init__(self, reference: str) -> None:
        super().__init__(reference)
        self.reference = reference


@refused_by("AN002")
class IdempotencyConflict(Refusal):
    """The key was used for a request with another body or path."""

    code, status = "idempotency_conflict", 422
    says = _("This Idempotency-Key was already used for another request. Nothing has changed; use a new key.")


@refused_by("AN003")
class TwinWon(Refusal):
    """The same request, sent twice at once, was just committed by its twin; ours was rolled back."""

    code, status = "twin_won", 409
    says = _("The same request is being carried out already. Nothing was done twice.")


def once(run: Callable[[], Answer]) -> Answer:
    """Run a flow; where a simultaneous twin wins, run it again, which finds the twin's row and raises AlreadyDone."""
    try:
        return run()
    except TwinWon:
        return run()


def require_new(replay: str | None) -> None:
    """Raise AlreadyDone where the locking read found that this request was carried out before."""
    if replay is not None:
        raise AlreadyDone(replay)
