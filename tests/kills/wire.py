"""HTTP as a client sees it that has to live with a server being killed: an answer, or no word about what became of the request."""

import http.client
import json
from dataclasses import dataclass
from typing import Any

PATIENCE_SECONDS = 10.0


class NoAnswer(Exception):
    """The connection broke: the request was carried out, or it was not."""


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    body: bytes

    @property
    def json(self) -> Any:
        """The body read as JSON."""
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The stable code of a problem; empty where the answer is none."""
        try:
            said = self.json
        except ValueError:
            return ""
        return str(said.get("code", "")) if isinstance(said, dict) else ""


@dataclass(frozen=True)
class Address:
    """Where something listens."""

    host: str
    port: int

    def ask(self, path: str, *, token: str = "") -> Answer:
        """GET on a connection of its own.

        Raises:
            NoAnswer: nobody answered.
        """
        line = Line(self)
        try:
            return line.send("GET", path, token=token)
        finally:
            line.close()

    def tell(self, path: str, body: Any, *, token: str = "") -> Answer:
        """POST a JSON body on a connection of its own.

        Raises:
            NoAnswer: nobody answered.
        """
        line = Line(self)
        try:
            return line.send("POST", path, token=token, body=json.dumps(body).encode())
        finally:
            line.close()

    def serves(self, path: str, *, token: str = "") -> bool:
        """Tell whether a new connection is answered with 200."""
        try:
            return self.ask(path, token=token).status == 200
        except NoAnswer:
            return False


class Line:
    """A kept connection of one client, opened again after it broke."""

    def __init__(self, address: Address) -> None:
        self._connection = http.client.HTTPConnection(address.host, address.port, timeout=PATIENCE_SECONDS)

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def send(self, method: str, path: str, *, token: str = "", key: str = "", body: bytes = b"", form: bool = False) -> Answer:
        """Make one request.

        Raises:
            NoAnswer: nobody answered, or not to the end.
        """
        headers = {"Content-Type": "application/x-www-form-urlencoded" if form else "application/json"} if body else {}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        if key:
            headers["Idempotency-Key"] = key
        try:
            self._connection.request(method, path, body=body or None, headers=headers)
            answer = self._connection.getresponse()
            return Answer(answer.status, answer.read())
        except (OSError, http.client.HTTPException) as broken:
            self._connection.close()
            raise NoAnswer(str(broken)) from broken
