"""Calls to WeChat Pay: signed by us, answered by WeChat, and believed only when its signature fits."""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal
from urllib.parse import urlsplit

import httpx
import msgspec

from anka.adapters.channels import wechat_wire
from anka.adapters.channels.wechat_keys import WechatSettings
from anka.adapters.channels.wechat_wire import WireRefused

LARGEST_ANSWER = 1_048_576
LARGEST_BILL = 64 * 1_048_576
TOTAL_SECONDS = 2.0
# A bill is a file of a whole day; nobody waits for it at a page.
BILL_SECONDS = 60.0
# What part of the limit each phase of a call may take, so that together they stay below it; the body has a deadline of its own.
_PHASES = {"connect": 0.2, "pool": 0.1, "write": 0.1, "read": 0.6}
_CODE = re.compile(r"[A-Z][A-Z_]{1,63}")

log = logging.getLogger(__name__)


class NotHeard(Exception):
    """Nothing certain was heard of WeChat; `reason` says in a code why. What was asked for may have happened or not."""

    code: ClassVar[str] = "not_heard"
    status: ClassVar[int] = 502

    def __init__(self, reason: str) -> None:
        """Keep the reason."""
        super().__init__(reason)
        self.reason = reason


class Refusal(msgspec.Struct, frozen=True):
    """What WeChat says when it refuses."""

    code: str
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A genuine answer."""

    status: int
    body: bytes

    @property
    def refusal(self) -> Refusal | None:
        """What a refusing answer says; nothing where WeChat did what it was asked for."""
        return None if self.status < 300 else refusal_in(body=self.body)


def refusal_in(*, body: bytes) -> Refusal:
    """Return the refusal in a body; one without a proper code is `MALFORMED`."""
    try:
        refusal = msgspec.json.decode(body, type=Refusal)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return Refusal(code="MALFORMED")
    return refusal if _CODE.fullmatch(refusal.code) else Refusal(code="MALFORMED")


class WechatClient:
    """One merchant's connection to WeChat Pay."""

    def __init__(self, *, settings: WechatSettings, real_clock: Callable[[], datetime]) -> None:
        self._settings = settings
        self._real_clock = real_clock
        self._client = httpx.Client(trust_env=False, follow_redirects=False)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def call(self, *, method: Literal["GET", "POST"], target: str, message: Mapping[str, object] | None, patience: float) -> Heard:
        """Send one signed request, at most `patience` seconds long, and return the genuine answer; raises NotHeard."""
        body = b"" if message is None else json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()
        status, headers, answer = self._exchange(method=method, target=target, body=body, patience=patience)
        try:
            wechat_wire.verify(keys=self._settings.platform_keys, headers=headers, body=answer, real_now=self._real_clock())
        except WireRefused as refused:
            raise NotHeard(_why(status=status, body=answer, refused=refused)) from refused
        if status >= 500:
            raise NotHeard(refusal_in(body=answer).code.lower())
        return Heard(status=status, body=answer)

    def download(self, *, address: str, patience: float) -> bytes:
        """Return a file WeChat named, from the host we know and no other. It is not signed: compare its hash. Raises NotHeard."""
        try:
            split = urlsplit(address)
        except ValueError as reason:
            raise NotHeard("malformed_answer") from reason
        path = split.path.removeprefix(urlsplit(self._settings.base_url).path)
        if not path.startswith("/v3/billdownload/"):
            raise NotHeard("malformed_answer")
        target = f"{path}?{split.query}" if split.query else path
        status, _, content = self._exchange(method="GET", target=target, body=b"", patience=patience, largest=LARGEST_BILL)
        if status != 200:
            raise NotHeard("no_answer")
        return content

    def _exchange(
        self, *, method: str, target: str, body: bytes, patience: float, largest: int = LARGEST_ANSWER
    ) -> tuple[int, Mapping[str, str], bytes]:
        deadline = time.monotonic() + patience
        timeout = httpx.Timeout(**{phase: part * patience for phase, part in _PHASES.items()})
        address, received = self._settings.base_url + target, bytearray()
        try:
            headers = self._headers(method=method, target=target, body=body)
            with self._client.stream(method, address, headers=headers, content=body or None, timeout=timeout) as answer:
                for piece in answer.iter_bytes():
                    received += piece
                    if len(received) > largest or time.monotonic() > deadline:
                        raise NotHeard("no_answer")
                return answer.status_code, answer.headers, bytes(received)
        except (httpx.HTTPError, httpx.InvalidURL) as silence:
            raise NotHeard("no_answer") from silence

    def _headers(self, *, method: str, target: str, body: bytes) -> dict[str, str]:
        timestamp = int(self._real_clock().timestamp())
        headers = {
            "Authorization": wechat_wire.authorization(
                credentials=self._settings.credentials, method=method, target=target, body=body, timestamp=timestamp
            ),
            "Accept": "application/json",
            "User-Agent": "anka",
            "Wechatpay-Serial": self._settings.platform_serial,
        }
        if body:
            headers["Content-Type"] = "application/json"
        return headers


def _why(*, status: int, body: bytes, refused: WireRefused) -> str:
    # WeChat does not always sign that it could not read our own signature. Nothing is believed of it, but a person must be told.
    if status == 401 and refusal_in(body=body).code == "SIGN_ERROR":
        log.warning("WeChat Pay does not accept our signature: check merchant_key, merchant_serial, mchid and this machine's clock.")
        return "sign_error"
    return "no_answer" if status >= 500 else f"answer_{refused.code}"
