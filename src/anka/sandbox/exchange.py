"""Requests and replies between the HTTP server and the gateway, and the gateway's fixed headers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

LARGEST_BODY = 65_536
SAFE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One HTTP request; `target` is path and query exactly as they were sent and signed."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        """The path without its query."""
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        """What follows the question mark."""
        return self.target.partition("?")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One HTTP answer."""

    status: int
    body: bytes
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


class Refused(Exception):
    """The gateway says no and has changed nothing; `code` and `status` tell why."""

    code: ClassVar[str] = "refused"
    status: ClassVar[int] = 400


class HungUp(Exception):
    """The gateway was asked to close the connection without a word."""


def json_reply(*, status: int, message: Mapping[str, object], headers: Mapping[str, str] | None = None) -> Reply:
    """Return an answer in JSON."""
    body = json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()
    return Reply(status=status, body=body, headers=headers or {})
