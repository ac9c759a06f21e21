"""The sandbox issuer as an issuer, and the signed call with which it is played. It may say the fact itself: that is for tests."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Literal

import msgspec

from anka.adapters.channels import sandbox_wire
from anka.adapters.channels.sandbox import SandboxChannel
from anka.adapters.channels.sandbox_keys import Mode, load_keys
from anka.adapters.channels.sandbox_play import SandboxRefused, SandboxUnreachable
from anka.adapters.channels.sandbox_wire import WireRefused
from anka.adapters.issuers.signed_http import SignedIssuer, Word, said_of
from anka.domain.issuer import Said
from anka.vault.issuer import Answer

CODE = "sandbox"
PATH = "/issuer"
NOTICE_PATH = "/notify/issuer"
UseCheck = Literal["unknown", "unused", "used_before_reveal", "used_after_reveal", "invalid"]


class _PlayedWord(Word, frozen=True, kw_only=True):
    """A word that was played: the fact itself stands in it."""

    use_check: UseCheck | None = None


class _Notice(msgspec.Struct, frozen=True):
    headers: dict[str, str]
    body: str


class _Played(msgspec.Struct, frozen=True):
    notice: _Notice | None


class _Refusal(msgspec.Struct, frozen=True):
    code: str
    detail: str = ""


class SandboxIssuer(SignedIssuer):
    """The issuer simulator in the sandbox process."""

    def __init__(self, *, mode: Mode, home: Path, base_url: str, real_clock: Callable[[], datetime] = sandbox_wire.real_now) -> None:
        """Read the keys in `home`; raises SandboxIsOff unless `mode` is sandbox."""
        keys = load_keys(home=home, mode=mode)
        super().__init__(
            base_url=base_url.rstrip("/") + PATH, own_key=keys.merchant, their_key=keys.issuer.public_key(), real_clock=real_clock
        )

    def said(self, word: bytes) -> Said:
        """Return one word of the sandbox issuer, with the fact that was played."""
        played = msgspec.json.decode(word, type=_PlayedWord)
        return replace(said_of(played), use_check=played.use_check)

    def play(self, *, channel: SandboxChannel, unit: str, word: Mapping[str, object]) -> Answer | None:
        """Set what the issuer knows of a unit and return its word about it, None where it stays silent.

        Raises:
            SandboxUnreachable, SandboxRefused: nothing was played.
        """
        heard = channel.call(path=f"/play/issuer/{unit}", message=word)
        if heard is None or heard[0] >= 500:
            raise SandboxUnreachable("The sandbox did not answer; nothing was lost. Check that it runs, then try again.")
        status, body = heard
        if status != 200:
            refusal = msgspec.json.decode(body, type=_Refusal)
            raise SandboxRefused(reason=refusal.code, detail=refusal.detail, http_status=status)
        notice = msgspec.json.decode(body, type=_Played).notice
        if notice is None:
            return None
        try:
            found = self.read_notice(headers=notice.headers, body=base64.b64decode(notice.body), path=NOTICE_PATH)
        except WireRefused as refused:
            raise SandboxUnreachable("What the sandbox issuer told was not signed by it; nothing was played.") from refused
        return found.get(unit)
