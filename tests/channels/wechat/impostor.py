"""A gateway that answers whatever a test wants, signed or not: for what the pretended one never says."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

from anka.adapters.channels import wechat_wire
from anka.adapters.channels.wechat import WechatChannel
from anka.adapters.channels.wechat_keys import SandboxWechat
from tests.channels.wechat.world import NOTIFY
from tests.sandbox.world import PATIENCE


@dataclass(frozen=True)
class Said:
    """One answer; by default signed by WeChat, now."""

    status: int
    message: Any
    signed: Literal["now", "long ago", "not", "by nobody we know", "as a probe"] = "now"
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def body(self) -> bytes:
        return self.message if isinstance(self.message, bytes) else json.dumps(self.message).encode()


class Impostor:
    """Answers one after the other, the last one again and again."""

    def __init__(self, *, keys: SandboxWechat, now: datetime, answers: tuple[Said, ...]) -> None:
        self.heard: list[tuple[str, bytes]] = []
        waiting = list(answers)
        impostor = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                impostor.heard.append((f"{self.command} {self.path}", body))
                said = waiting.pop(0) if len(waiting) > 1 else waiting[0]
                self.send_response(said.status)
                for name, value in {**impostor.signature(said, keys, now), **said.headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(said.body)))
                self.end_headers()
                self.wfile.write(said.body)

            do_POST = do_GET  # noqa: N815 – the name is the base class's

            def log_message(self, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @staticmethod
    def signature(said: Said, keys: SandboxWechat, now: datetime) -> dict[str, str]:
        if said.signed == "not":
            return {}
        at = now - timedelta(minutes=6) if said.signed == "long ago" else now
        serial = "PUB_KEY_ID_NOBODY" if said.signed == "by nobody we know" else keys.settings.platform_serial
        headers = wechat_wire.signed_headers(key=keys.platform_key, serial=serial, body=said.body, timestamp=int(at.timestamp()))
        if said.signed == "as a probe":
            headers["Wechatpay-Signature"] = wechat_wire.PROBE + headers["Wechatpay-Signature"]
        return headers

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def told_by(keys: SandboxWechat, now: datetime, *answers: Said) -> Iterator[tuple[WechatChannel, Impostor]]:
    """Our adapter, talking to somebody who says these things."""
    impostor = Impostor(keys=keys, now=now, answers=answers)
    channel = WechatChannel(settings=replace(keys.settings, base_url=impostor.address), notify_url=NOTIFY, real_clock=lambda: now)
    channel.patience = PATIENCE
    try:
        yield channel, impostor
    finally:
        channel.close_connections()
        impostor.close()
