"""The signed calls with which an instance plays its own sandbox gateway: outcomes, and faults for operations to come."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal, get_args
from urllib.parse import parse_qs, urlsplit

import msgspec

from anka.adapters.channels.port import Incoming
from anka.adapters.channels.sandbox import SandboxChannel

PaymentOutcome = Literal["paid", "failed", "closed"]
RefundOutcome = Literal["succeeded", "closed", "abnormal", "unknown", "failed"]
DisputeOutcome = Literal["opened", "won", "lost"]
Deliver = Literal["return", "send"]
# A fault is its name, or an object with `fault` and its parameters: seconds, clock, copies, number.
FaultWish = str | Mapping[str, object]

PAYMENT_OUTCOMES: tuple[str, ...] = get_args(PaymentOutcome)
REFUND_OUTCOMES: tuple[str, ...] = get_args(RefundOutcome)


class SandboxUnreachable(Exception):
    """The gateway gave no answer that can be believed."""

    code: ClassVar[str] = "sandbox_unreachable"
    status: ClassVar[int] = 502


class SandboxRefused(Exception):
    """The gateway refused; `reason` is its code and `http_status` its HTTP status."""

    code: ClassVar[str] = "sandbox_refused"
    status: ClassVar[int] = 409

    def __init__(self, *, reason: str, detail: str, http_status: int) -> None:
        """Keep what the gateway said."""
        super().__init__(detail)
        self.reason = reason
        self.http_status = http_status


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnedNotice:
    """A notice the gateway handed over instead of sending it: give it to the endpoint that takes notices of `channel`."""

    headers: Mapping[str, str]
    body: bytes
    method: str = "POST"
    query: str = ""
    channel: str = "sandbox"

    @property
    def incoming(self) -> Incoming:
        """The notice as it would have come in."""
        headers = {name.lower(): value for name, value in self.headers.items()}
        return Incoming(headers=headers, body=self.body, method=self.method, query=self.query)


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What a play did: the state at the gateway (`foretold` when it waits for its refund) and the notices to be delivered."""

    status: str
    notices: tuple[ReturnedNotice, ...]


class _Handed(msgspec.Struct, frozen=True):
    headers: dict[str, str]
    body: str
    method: str = "POST"
    url: str = ""
    protocol: str = "sandbox"


class _PlayAnswer(msgspec.Struct, frozen=True):
    status: str
    notices: list[_Handed]


class _RefusalBody(msgspec.Struct, frozen=True):
    code: str
    detail: str = ""


def play_payment(
    *,
    channel: SandboxChannel,
    number: str,
    outcome: PaymentOutcome,
    faults: Sequence[FaultWish] = (),
    cashier_url: str = "",
    deliver: Deliver = "return",
) -> Played:
    """Decide the outcome of a payment; `cashier_url` makes one known that nobody has visited.

    Raises SandboxUnreachable, SandboxRefused.
    """
    message: dict[str, object] = {"outcome": outcome, "faults": list(faults), "deliver": deliver}
    token = parse_qs(urlsplit(cashier_url).query).get("request", [""])[0]
    if token:
        message["request"] = token
    return _played(channel=channel, path=f"/play/payments/{number}", message=message)


def play_capture(
    *,
    channel: SandboxChannel,
    number: str,
    amount_minor: int,
    cashier_url: str,
    faults: Sequence[FaultWish] = (),
    deliver: Deliver = "return",
) -> Played:
    """Let a payment capture this much, whatever it asked for. Raises SandboxUnreachable, SandboxRefused."""
    token = parse_qs(urlsplit(cashier_url).query).get("request", [""])[0]
    message = {"outcome": "paid", "faults": list(faults), "deliver": deliver, "request": token, "amount_minor": amount_minor}
    return _played(channel=channel, path=f"/play/payments/{number}", message=message)


def play_refund(
    *, channel: SandboxChannel, number: str, outcome: RefundOutcome, faults: Sequence[FaultWish] = (), deliver: Deliver = "return"
) -> Played:
    """Decide the outcome of a refund, also of one that has not been submitted yet. Raises SandboxUnreachable, SandboxRefused."""
    message = {"outcome": outcome, "faults": list(faults), "deliver": deliver}
    return _played(channel=channel, path=f"/play/refunds/{number}", message=message)


def play_dispute(
    *,
    channel: SandboxChannel,
    number: str,
    outcome: DisputeOutcome,
    amount_minor: int | None = None,
    faults: Sequence[FaultWish] = (),
    deliver: Deliver = "return",
) -> Played:
    """Let the payer's bank say what becomes of the chargeback of a payment. Raises SandboxUnreachable, SandboxRefused."""
    message = {"outcome": outcome, "faults": list(faults), "deliver": deliver, "amount_minor": amount_minor}
    return _played(channel=channel, path=f"/play/disputes/{number}", message=message)


def preset_fault(
    *,
    channel: SandboxChannel,
    operation: str,
    fault: FaultWish | Sequence[FaultWish],
    times: int = 1,
    seed: int | None = None,
    number: str = "",
) -> None:
    """Make the next `times` operations misbehave, all or those of one number; with a `seed`, one of the faults or none is drawn for each.

    Raises SandboxUnreachable, SandboxRefused.
    """
    message: dict[str, object] = {"operation": operation, "fault": fault, "times": times, "number": number}
    if seed is not None:
        message["seed"] = seed
    _answer(channel=channel, path="/play/faults", message=message)


def _played(*, channel: SandboxChannel, path: str, message: Mapping[str, object]) -> Played:
    answer = msgspec.json.decode(_answer(channel=channel, path=path, message=message), type=_PlayAnswer)
    return Played(status=answer.status, notices=tuple(_returned(notice) for notice in answer.notices))


def _returned(notice: _Handed) -> ReturnedNotice:
    return ReturnedNotice(
        headers=notice.headers,
        body=base64.b64decode(notice.body),
        method=notice.method,
        query=urlsplit(notice.url).query,
        channel=notice.protocol,
    )


def lift_faults(*, channel: SandboxChannel, operation: str) -> None:
    """Forget every fault that still waits for operations of this kind. Raises SandboxUnreachable, SandboxRefused."""
    _answer(channel=channel, path="/play/faults/lift", message={"operation": operation})


def _answer(*, channel: SandboxChannel, path: str, message: Mapping[str, object]) -> bytes:
    heard = channel.call(path=path, message=message)
    if heard is None or heard[0] >= 500:
        raise SandboxUnreachable("The sandbox gateway did not answer; nothing was lost. Check that it runs, then try again.")
    status, body = heard
    if status != 200:
        refusal = msgspec.json.decode(body, type=_RefusalBody)
        raise SandboxRefused(reason=refusal.code, detail=refusal.detail, http_status=status)
    return body
