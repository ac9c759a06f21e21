"""Claims as people make them: whoever outside has to be asked is asked before the transaction, then the claim is judged."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, TypeVar

import msgspec

from anka.cases.queries import read_case
from anka.core.actors import Actor, system
from anka.core.clock import Moment
from anka.core.idempotency import RequestKey, once
from anka.core.refusals import Refusal
from anka.flows.open_case import open_case, quote_case
from anka.flows.record_void import record_void
from anka.flows.steps.judge import ChannelsNotAsked, Claim, IssuerNotAsked
from anka.jobs import issuers
from anka.jobs.closing import ask_channels_to_stop
from anka.orders.queries import read_order

Answer = TypeVar("Answer")
VOIDS = system("void")
# An issuer that gives no receipt in so many tries gives none: the claim is then judged as if the key could not be voided.
MOST_TRIES = 3


def quote(*, actor: Actor, order_number: str, claim: Claim, at: Moment) -> dict[str, Any]:
    """Return what would happen; see flows.quote_case, whose errors are ours. What the issuer says on the way is kept."""
    return _having_asked(lambda judged: quote_case(actor=actor, order_number=order_number, claim=judged, at=at), order_number, claim, at)


def submit(*, actor: Actor, order_number: str, claim: Claim, request: RequestKey, at: Moment) -> tuple[str, ...]:
    """Open the cases of a claim; see flows.open_case, whose errors are ours. A channel that may still take money is told to stop first."""

    def run(judged: Claim) -> tuple[str, ...]:
        return once(lambda: open_case(actor=actor, order_number=order_number, claim=judged, request=request, at=at))

    try:
        return _having_asked(run, order_number, claim, at)
    except ChannelsNotAsked:
        ask_channels_to_stop(state=read_order(number=order_number, actor=actor, at=at), at=at)
        return _having_asked(run, order_number, msgspec.structs.replace(claim, channels_asked=True), at)


def _having_asked(run: Callable[[Claim], Answer], order_number: str, claim: Claim, at: Moment) -> Answer:
    try:
        return run(claim)
    except IssuerNotAsked as first:
        issuers.ask(order_number=order_number, positions=first.positions, occasion="claim", at=at)
        return run(msgspec.structs.replace(claim, issuer_asked=True))


def void_keys(*, case_number: str, tries: int, at: Moment) -> bool:
    """Ask the issuer to void the keys of a case that waits for it, and go on with the case; tell whether it is settled.

    False: no receipt yet, ask again. The case's number and the unit make asking repeatable.

    Raises:
        NotFound: there is no such case. Busy: somebody holds the order; nothing was lost.
    """
    state, case = read_case(number=case_number, actor=VOIDS, at=at)
    receipts = {
        position: issuers.void(order_number=state.number, position=position, number=f"{case_number}-{position}", at=at)
        for position in case.positions
    }
    if not all(receipts.values()) and tries < MOST_TRIES:
        return False
    record_void(case_number=case_number, receipts=receipts, at=at)
    return True


def settle_voids(*, case_numbers: Iterable[str], at: Moment) -> None:
    """Try once, for whoever waits in front of the screen, what the worker will try anyway: to have the keys of these cases voided.

    Trouble is left to the worker.
    """
    for number in case_numbers:
        with suppress(Refusal):
            void_keys(case_number=number, tries=1, at=at)
