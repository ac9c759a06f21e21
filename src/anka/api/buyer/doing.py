"""Carrying out a request once, and saying whether it was a repeat."""

from collections.abc import Callable

from anka.api.call import REPLAYED, Call
from anka.core import database
from anka.core.actors import Actor, ActorKind
from anka.core.idempotency import AlreadyDone, once
from anka.core.refusals import NotFound, Refusal

KNOWN = "SELECT known_request(%s, %s, %s)"
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
