"""Speaking HTTP to the served application, in this process: a WSGI environment goes in, status, headers and bytes come out."""

import io
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from urllib.parse import urlsplit

import msgspec

from anka.config.wsgi import application

_keys = count(1)


@dataclass(frozen=True)
class Response:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes
    request_id: str = ""

    @property
    def json(self) -> Any:
        """The body read as JSON."""
        return msgspec.json.decode(self.body)

    @property
    def code(self) -> str:
        """The stable code of a problem."""
        assert self.headers["Content-Type"] == "application/problem+json", self.body
        problem = self.json
        assert problem["status"] == self.status
        assert problem["type"] == f"urn:anka:problem:{problem['code']}"
        assert problem["title"]
        assert problem["detail"]
        return str(problem["code"])


@dataclass
class Client:
    """Somebody who calls the API: with a token, with a session's cookies, or as nobody."""

    token: str = ""
    headers: dict[str, str] = field(default_factory=dict)

    def call(self, method: str, path: str, *, body: bytes = b"", headers: dict[str, str] | None = None) -> Response:
        """Make one request and return what came back."""
        parts = urlsplit(path)
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": parts.path,
            "QUERY_STRING": parts.query,
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "8000",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_HOST": "127.0.0.1:8000",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
        }
        if body:
            environ["CONTENT_LENGTH"] = str(len(body))
        given = {**self.headers, **({"Authorization": f"Bearer {self.token}"} if self.token else {}), **(headers or {})}
        for name, value in given.items():
            key = name.upper().replace("-", "_")
            environ[key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"] = value
        return _served(environ)

    def get(self, path: str, **headers: str) -> Response:
        """GET an address below /api/v1."""
        return self.call("GET", f"/api/v1{path}", headers=headers)

    def post(self, path: str, body: Any = None, *, key: str | None = None, headers: dict[str, str] | None = None) -> Response:
        """POST a JSON body to an address below /api/v1, with a key of its own unless one is given."""
        sent = {"Idempotency-Key": key or f"test-{next(_keys)}", "Content-Type": "application/json", **(headers or {})}
        return self.call("POST", f"/api/v1{path}", body=b"" if body is None else msgspec.json.encode(body), headers=sent)


def _served(environ: dict[str, Any]) -> Response:
    seen: list[tuple[int, dict[str, str]]] = []

    def start_response(status: str, headers: list[tuple[str, str]], _error: Any = None) -> Any:
        seen.append((int(status.split(" ", 1)[0]), dict(headers)))
        return None

    parts = application(environ, start_response)
    body = b"".join(parts)
    close = getattr(parts, "close", None)
    if close is not None:
        close()
    (status, headers) = seen[-1]
    # Every answer has its own, so it is kept apart from what two answers may have in common.
    return Response(status, headers, body, headers.pop("X-Request-ID"))
