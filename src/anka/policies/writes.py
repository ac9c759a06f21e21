"""Writes about the rules. Only flows may call these, inside their transaction; one step is one change with its event."""

from typing import Any

import msgspec

from anka.core import database
from anka.core.actors import Actor
from anka.core.clock import Moment
from anka.core.idempotency import RequestKey
from anka.policies.models import Desk
from anka.policies.queries import draft_of

LOCK = "SELECT lock_policies($1, $2, $3, $4, $5, $6)"
CHANGE = "SELECT change_policy($1, $2, $3, $4)"


class Step(msgspec.Struct, omit_defaults=True):
    """One change: what is new of a draft, its texts, its status, a run, a publication; `what` and `details` are its event.

    `reference` is what a repeated request is answered with; empty for the number of the run.
    """

    what: str
    details: dict[str, Any]
    draft: int | None = None
    new: dict[str, Any] | None = None
    edit: dict[str, Any] | None = None
    run: dict[str, Any] | None = None
    finish: dict[str, Any] | None = None
    status: str | None = None
    submission: dict[str, Any] | None = None
    announcement: dict[str, Any] | None = None
    withdrawal: dict[str, Any] | None = None
    reference: str | None = None


def lock(*, actor: Actor, number: str | None, request: RequestKey, at: Moment) -> Desk:
    """Wait until nobody else changes rules, and return what a step on this draft (None: on none) is decided on."""
    asked = msgspec.json.encode(request.as_json()).decode()
    answer = database.call(LOCK, actor.person_id, actor.token_id, at.real, at.now, asked, number)
    found = msgspec.json.decode(answer or "{}")
    made, runs = found.pop("draft"), found.pop("runs")
    found["draft"] = None if made is None else draft_of(made=made, runs=runs)
    return msgspec.convert(found, Desk)


def write(*, actor: Actor, step: Step, request: RequestKey, at: Moment) -> int:
    """Write a step and return the number of the run it asks for, 0 for none."""
    change = {**msgspec.to_builtins(step), "request": request.as_json(), "made_at": at.real.isoformat()}
    asked = database.call(CHANGE, at.now, str(actor), actor.person_id, msgspec.json.encode(change).decode())
    return int(asked or 0)
