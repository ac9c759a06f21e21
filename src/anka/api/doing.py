"""Carrying out a request once, and saying whether it was a repeat."""

from collections.abc import Callable
from typing import TypeVar

from anka.api.call import REPLAYED, Answer, Call
from anka.api.parsing import require_number
from anka.api.views.cases import case_view
from anka.api.views.orders import order_view
from anka.api.views.seen import case_seen_by, order_seen_by
from anka.core import database
from anka.core.actors import Actor, ActorKind
from anka.core.idempotency import AlreadyDone, once
from anka.core.refusals import NotFound, Refusal

KNOWN = "SELECT known_request(%s, %s, %s)"
Found = TypeVar("Found")
Headers = tuple[tuple[str, str], ...]


def carry_out(call: Call, run: Callable[[], str]) -> tuple[str, Headers]:
    """Run a flow once and return its reference, with the header that says so where the request was carried out before."""
    try:
        return once(run), ()
    except AlreadyDone as done:
        return done.reference, REPLAYED
    except Refusal:
        # A twin that committed while we were deciding may be the very reason: its order is our duplicate, its keys are gone.
        reference = _done_meanwhile(call)
        if reference is None:
            raise
        return reference, REPLAYED


def _done_meanwhile(call: Call) -> str | None:
    if call.key is None:
        return None
    request = call.request()
    found: str | None = database.value(KNOWN, (request.caller, request.key, request.fingerprint))
    return found


def seen_by_first_of(kinds: tuple[ActorKind, ...], call: Call, read: Callable[[Actor], Found]) -> Found:
    """Return what a read finds for the first of these parties that the thing exists for.

    Raises:
        NotFound: it exists for none of them.
    """
    for kind in kinds[:-1]:
        try:
            return read(call.acting_as(kind))
        except NotFound:
            continue
    return read(call.acting_as(kinds[-1]))


def on_case(call: Call, kinds: tuple[ActorKind, ...], step: Callable[[Actor, str], str]) -> Answer:
    """Take a step of the case the path names, as the first of these parties it exists for, once; answer with the case as it is then."""
    number = require_number(call.parameters["number"])
    _, replayed = as_first_of(kinds, call, lambda actor: step(actor, number))
    seen, case = case_seen_by(call, number, kinds)
    return Answer(200, case_view(seen, case, call), replayed)


def on_order(call: Call, kind: ActorKind, step: Callable[[Actor, str], str]) -> Answer:
    """Take a step of the order the path names, as this party, once; answer with the order as it is then."""
    number = require_number(call.parameters["number"])
    _, replayed = carry_out(call, lambda: step(call.acting_as(kind), number))
    return Answer(200, order_view(call, order_seen_by(call, number, (kind,))), replayed)


def as_first_of(kinds: tuple[ActorKind, ...], call: Call, run: Callable[[Actor], str]) -> tuple[str, Headers]:
    """Run a flow as the first of these parties that the thing exists for.

    Raises:
        NotFound: it exists for none of them.
    """
    for kind in kinds[:-1]:
        actor = call.acting_as(kind)
        try:
            return carry_out(call, lambda actor=actor: run(actor))  # type: ignore[misc]
        except NotFound:
            continue
    return carry_out(call, lambda: run(call.acting_as(kinds[-1])))
