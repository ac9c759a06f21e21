"""What every endpoint is made of: a call comes in, an answer goes out, a route says how the two look and who may call."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

import msgspec
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from anka.accounts import queries as accounts
from anka.accounts.tokens import EVERYTHING, Scope
from anka.core.actors import Actor, ActorKind
from anka.core.clock import Moment
from anka.core.idempotency import RequestKey, request_key
from anka.core.refusals import Refusal

Language = Literal["zh", "en"]
V1 = "/api/v1"


class Who(StrEnum):
    """Who may call a route. What of it they may see is decided by the thing itself: another's looks like a missing one."""

    ANYONE = "anyone"
    SIGNED_IN = "signed_in"
    GATEWAY = "gateway"
    SANDBOX = "sandbox"


class Nothing(msgspec.Struct, forbid_unknown_fields=True):
    """A body without any field: nothing at all, or an empty object."""


class Identity(msgspec.Struct, frozen=True):
    """On whose behalf a call comes in: a bearer token's or a session's person; 0 for nobody. Not yet checked to count.

    `signed_in_at` is when a session began, on real time; a token has its scopes instead.
    """

    person_id: int = 0
    token_id: int = 0
    scopes: Scope = EVERYTHING
    signed_in_at: datetime | None = None


NOBODY = Identity()


class NotSignedIn(Refusal):
    """The route needs somebody, and nobody was named, or the token or session no longer counts."""

    code, status = "not_signed_in", 401
    says = _("Sign in first, or send a token that still counts. Nothing has changed.")


class Call(msgspec.Struct):
    """One request, taken apart: everything an endpoint may look at.

    `query` and `body` are instances of the route's structs. `address` is where the request came from, for rate limits only.
    `holds_secret`: the body has a key, or part of one, in it.
    """

    method: str
    path: str
    parameters: dict[str, str]
    identity: Identity
    language: Language
    at: Moment
    headers: Mapping[str, Any]
    raw_body: bytes = b""
    query: Any = None
    body: Any = None
    key: str | None = None
    address: str = ""
    holds_secret: bool = False

    @property
    def caller(self) -> str:
        """The name under which idempotency keys and budgets are kept."""
        return f"person:{self.identity.person_id}"

    def request(self) -> RequestKey:
        """Return the key of this request, for the flow that carries it out.

        A digest of the request is kept for days. Where the body holds a secret it is made with a secret of ours, so that nobody who
        reads the database can guess what was sent.
        """
        body = salted_hmac("anka.request", self.raw_body, algorithm="sha256").digest() if self.holds_secret else self.raw_body
        return request_key(caller=self.caller, key=self.key, method=self.method, path=self.path, body=body)

    def acting_as(self, kind: ActorKind) -> Actor:
        """Return the caller as an actor of this kind."""
        return Actor(kind=kind, person_id=self.identity.person_id, token_id=self.identity.token_id)

    @property
    def buyer(self) -> Actor:
        """The caller as a buyer."""
        return self.acting_as(ActorKind.BUYER)

    def require_standing(self) -> None:
        """Refuse a caller whose account was closed or whose token was revoked or has expired, for reads that do not ask themselves.

        Raises:
            NotSignedIn: nobody is signed in, or they no longer count.
        """
        if not self.counts():
            raise NotSignedIn

    def counts(self) -> bool:
        """Tell whether somebody is signed in who still counts."""
        who = self.identity
        return bool(who.person_id) and accounts.standing(person_id=who.person_id, token_id=who.token_id, at=self.at).active

    def pick(self, zh: str, en: str) -> str:
        """Return the text in the language asked for; where that is empty, the other one."""
        return (zh or en) if self.language == "zh" else (en or zh)


class Answer(msgspec.Struct):
    """What goes back: a status, and a struct to be written as JSON, or bytes of a content type of their own.

    `is_step_up`: the caller has just proved again who they are, which a session remembers.
    """

    status: int
    body: Any = None
    headers: tuple[tuple[str, str], ...] = ()
    raw: bytes | None = None
    content_type: str = "application/json"
    is_step_up: bool = False


Handler = Callable[[Call], Answer]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One row of the table: everything the dispatcher, the documentation and the access tests need to know about an endpoint.

    `holds_secret`: what is sent has a key in it. `files_later`: a later version takes files here; until then they are refused clearly.
    """

    method: Literal["GET", "POST"]
    path: str
    handler: Handler
    who: Who
    tag: str
    zh: str
    en: str
    answer: Any
    status: int = 200
    body: type[msgspec.Struct] | None = None
    query: type[msgspec.Struct] | None = None
    scope: Scope | None = None
    budget: str | None = None
    raw_body: bool = False
    holds_secret: bool = False
    files_later: bool = False
    largest_body: int = 262_144
    refusals: tuple[int, ...] = field(default=())

    @property
    def name(self) -> str:
        """The route's name in tests and documents, e.g. "POST /api/v1/orders"."""
        return f"{self.method} {self.path}"

    @property
    def operation(self) -> str:
        """The operation's id, e.g. post_orders_number_payments."""
        parts = [part.strip("{}").replace("-", "_").replace(".", "_") for part in self.path.removeprefix("/api/v1").split("/") if part]
        return "_".join([self.method.lower(), *parts])


REPLAYED = (("Idempotency-Replayed", "true"),)
