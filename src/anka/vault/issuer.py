"""The issuer port: the party that made a key and knows whether it was redeemed. Asked by jobs, never inside a transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from anka.domain.issuer import SILENCE, Said


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A key an issuer is asked about: the number of its unit, and the SHA-256 (hex) of the normalised key, never the key itself."""

    unit: str
    key_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was heard about one key. `receipt` proves a void. `digest` is the SHA-256 of the signed answer, empty where none came.

    `reason` says in a code why nothing certain was heard, "" where something was.
    """

    said: Said = SILENCE
    receipt: str | None = None
    reason: str = ""
    digest: bytes = b""


class Issuer(Protocol):
    """Somebody who can be asked about keys. No method raises: whatever goes wrong is an answer that says nothing."""

    def status(self, *, questions: Sequence[Question]) -> list[Answer]:
        """Return what the issuer says about each key, in the order of the questions, within 2 s in all."""

    def void(self, *, question: Question, number: str) -> Answer:
        """Ask to make a key worthless; its receipt proves it. Asking again with the same number brings the same receipt. Within 2 s."""
