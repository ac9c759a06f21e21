"""An issuer asked over signed HTTP. It is told the SHA-256 of a key, never the key; whatever goes wrong is an answer that says nothing.

The protocol is that of docs/reference/issuers.md: JSON, Ed25519 both ways, the purpose inside the signature (channels/sandbox_wire.py).
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import ssl
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar
from urllib.parse import urlsplit

import httpx
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from anka.adapters.channels import sandbox_wire
from anka.adapters.channels.sandbox_wire import Envelope, Expected, Purpose, WireRefused
from anka.domain.issuer import KeyState, Redeemer, Said
from anka.vault.issuer import Answer, Question

LARGEST_ANSWER = 262_144
MOST_AT_ONCE = 200
TOTAL_SECONDS = 2.0
_NOT_VOIDABLE = "not_voidable"

Text = Annotated[str, msgspec.Meta(max_length=64)]
Receipt = Annotated[str, msgspec.Meta(pattern=r"\A[!-~]{1,200}\Z")]


class Word(msgspec.Struct, frozen=True, kw_only=True):
    """What an issuer says about one unit. What is left out is not said."""

    unit: Text
    state: KeyState
    used_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    redeemer: Redeemer = Redeemer.UNKNOWN
    voidable: bool | None = None
    receipt: Receipt | None = None
    value_percent: Annotated[int, msgspec.Meta(ge=0, le=100)] | None = None
    face_value: Text | None = None
    region: Text | None = None


class _Words(msgspec.Struct, frozen=True):
    words: Annotated[list[msgspec.Raw], msgspec.Meta(max_length=MOST_AT_ONCE)]


class _Unit(msgspec.Struct, frozen=True):
    unit: Text


class _Voided(msgspec.Struct, frozen=True):
    unit: Text
    number: Text
    receipt: Receipt


class _Refusal(msgspec.Struct, frozen=True):
    code: Literal["not_voidable"]
    unit: Text


class AnswerTooLong(Exception):
    """An issuer's answer has more bytes than any answer needs."""

    code, status = "answer_too_long", 502


Answered = TypeVar("Answered")


def _alone(work: Coroutine[Any, Any, Answered]) -> Answered:
    """Carry out a conversation in a thread of its own: whoever asks may be inside an event loop, which takes no second one."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(asyncio.run, work).result()


@dataclass(frozen=True, slots=True)
class _Heard:
    """An answer whose signature was checked."""

    status: int
    body: bytes
    digest: bytes


class SignedIssuer:
    """One issuer. `base_url` may have a path of its own; the issuer signs with the key whose public half is `their_key`."""

    # How long a conversation may take, in seconds.
    patience = TOTAL_SECONDS

    def __init__(
        self,
        *,
        base_url: str,
        own_key: Ed25519PrivateKey,
        their_key: Ed25519PublicKey,
        real_clock: Callable[[], datetime] = sandbox_wire.real_now,
    ) -> None:
        self._base_url = base_url.rstrip("/")
        self._path = urlsplit(self._base_url).path
        self._own_key = own_key
        self._their_key = their_key
        self._real_clock = real_clock
        self._tls = ssl.create_default_context() if self._base_url.startswith("https:") else False

    def status(self, *, questions: Sequence[Question]) -> list[Answer]:
        """Return what the issuer says about each key, in the order of the questions, within 2 s in all, 200 keys at a time."""
        return _alone(self._status(questions))

    def void(self, *, question: Question, number: str) -> Answer:
        """Ask to make a key worthless. A refusal of the issuer says that it is not voidable; silence says nothing."""
        message = {"unit": question.unit, "key_sha256": question.key_sha256, "number": number}
        heard = _alone(self._heard("/void", message, self.patience))
        return Answer(reason="no_answer") if heard is None else _void_answer(heard, question, number)

    def read_notice(self, *, headers: Mapping[str, str], body: bytes, path: str) -> dict[str, Answer]:
        """Return what the issuer tells by itself, by unit. `path` is the address it was signed for.

        Raises:
            WireRefused: the issuer did not sign these bytes for this purpose and address, or too long ago.
        """
        expected = Expected(purpose=Purpose.ISSUER_NOTICE, method="POST", path=path)
        envelope = sandbox_wire.verify(key=self._their_key, headers=headers, body=body, expected=expected, real_now=self._real_clock())
        return self._answers(body, _digest(envelope, body))

    def said(self, word: bytes) -> Said:
        """Return one word of the issuer as the domain knows it.

        Raises:
            msgspec.ValidationError: it is none.
        """
        return said_of(msgspec.json.decode(word, type=Word))

    async def _status(self, questions: Sequence[Question]) -> list[Answer]:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.patience
        answers: list[Answer] = []
        for start in range(0, len(questions), MOST_AT_ONCE):
            batch = questions[start : start + MOST_AT_ONCE]
            message = {"questions": [{"unit": question.unit, "key_sha256": question.key_sha256} for question in batch]}
            heard = await self._heard("/status", message, deadline - loop.time())
            found = self._answers(heard.body, heard.digest) if heard is not None and heard.status == httpx.codes.OK else {}
            answers += [found.get(question.unit, Answer(reason="no_answer")) for question in batch]
        return answers

    def _answers(self, body: bytes, digest: bytes) -> dict[str, Answer]:
        found: dict[str, Answer] = {}
        try:
            words = msgspec.json.decode(body, type=_Words).words
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return found
        for word in words:
            try:
                unit = msgspec.json.decode(word, type=_Unit).unit
            except (msgspec.MsgspecError, UnicodeDecodeError):
                continue
            # Two words about one unit contradict each other: neither counts.
            found[unit] = self._one_answer(bytes(word), digest) if unit not in found else _malformed(digest)
        return found

    def _one_answer(self, word: bytes, digest: bytes) -> Answer:
        try:
            return Answer(said=self.said(word), digest=digest)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return _malformed(digest)

    async def _heard(self, place: str, message: Mapping[str, object], seconds: float) -> _Heard | None:
        """Ask once and return the answer that can be believed, None where there is none."""
        path = self._path + place
        body = json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()
        envelope = Envelope(
            purpose=Purpose.ISSUER_REQUEST,
            method="POST",
            path=path,
            timestamp=int(self._real_clock().timestamp()),
            nonce=sandbox_wire.new_nonce(),
        )
        headers = sandbox_wire.signed_headers(key=self._own_key, envelope=envelope, body=body) | {"Content-Type": "application/json"}
        try:
            async with asyncio.timeout(seconds):
                status, answer_headers, answer = await self._exchange(place, headers, body)
            expected = Expected(purpose=Purpose.ISSUER_ANSWER, method=str(status), path=path, nonce=envelope.nonce)
            signed = sandbox_wire.verify(
                key=self._their_key, headers=answer_headers, body=answer, expected=expected, real_now=self._real_clock()
            )
        except (TimeoutError, OSError, httpx.HTTPError, httpx.InvalidURL, WireRefused, AnswerTooLong):
            return None
        return None if status >= httpx.codes.INTERNAL_SERVER_ERROR else _Heard(status, answer, _digest(signed, answer))

    async def _exchange(self, place: str, headers: Mapping[str, str], body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        # Each phase may take what is left of the two seconds: the caller's time-out ends them all, also an answer that comes in drops.
        async with (
            httpx.AsyncClient(timeout=self.patience, trust_env=False, follow_redirects=False, verify=self._tls) as client,
            client.stream("POST", self._base_url + place, headers=dict(headers), content=body) as answer,
        ):
            received = bytearray()
            async for piece in answer.aiter_bytes():
                received += piece
                if len(received) > LARGEST_ANSWER:
                    raise AnswerTooLong
            return answer.status_code, answer.headers, bytes(received)


def said_of(word: Word) -> Said:
    """Return a word as the domain knows it. What it speaks of as voided was voided for us where it brings the receipt."""
    return Said(
        state=word.state,
        used_at=word.used_at,
        redeemer=word.redeemer,
        voidable=word.voidable,
        voided_for_us=word.receipt is not None,
        value_percent=word.value_percent,
        face_value=word.face_value,
        region=word.region,
    )


def _void_answer(heard: _Heard, question: Question, number: str) -> Answer:
    try:
        if heard.status == httpx.codes.OK:
            done = msgspec.json.decode(heard.body, type=_Voided)
            if (done.unit, done.number) != (question.unit, number):
                return _malformed(heard.digest)
            return Answer(said=Said(state=KeyState.VOIDED, voided_for_us=True), receipt=done.receipt, digest=heard.digest)
        refusal = msgspec.json.decode(heard.body, type=_Refusal)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return _malformed(heard.digest)
    if refusal.unit != question.unit:
        return _malformed(heard.digest)
    return Answer(said=Said(voidable=False), reason=_NOT_VOIDABLE, digest=heard.digest)


def _malformed(digest: bytes) -> Answer:
    return Answer(reason="malformed_answer", digest=digest)


def _digest(envelope: Envelope, body: bytes) -> bytes:
    return hashlib.sha256(sandbox_wire.canonical(envelope=envelope, body=body)).digest()
