"""How often somebody may do something: token buckets in PostgreSQL, one budget per kind of action.

Paying, cancelling and refunding have budgets of their own, so that nobody who has used up another one is kept from their money.
"""

from collections.abc import Mapping
from types import MappingProxyType

import msgspec
from django.utils.translation import gettext_lazy as _

from anka.core import database
from anka.core.clock import Moment
from anka.core.refusals import Refusal

TAKE = "SELECT take_token($1, $2, $3, $4, $5)"
SANDBOX_FACTOR = 50


class TooManyRequests(Refusal):
    """The budget for this action is used up for the moment. `seconds` says until when."""

    code, status = "too_many_requests", 429
    says = _("Too many requests. Nothing has changed; please wait %(seconds)s seconds.")


class Budget(msgspec.Struct, frozen=True):
    """A token bucket: how many actions at once, and how many more each second."""

    capacity: float
    per_second: float


_BUDGETS: Mapping[str, Budget] = MappingProxyType(
    {
        "place_order": Budget(capacity=20, per_second=0.2),
        "pay": Budget(capacity=30, per_second=0.5),
        # Each may keep a channel busy for some seconds.
        "look_again": Budget(capacity=5, per_second=1 / 30),
        "cancel": Budget(capacity=30, per_second=0.5),
        "refund": Budget(capacity=30, per_second=0.5),
        "argue": Budget(capacity=60, per_second=1),
        "deliver": Budget(capacity=120, per_second=2),
        "reveal": Budget(capacity=60, per_second=1),
        "sign_in_name": Budget(capacity=10, per_second=1 / 30),
        "sign_in_address": Budget(capacity=30, per_second=0.2),
        "sign_up_address": Budget(capacity=10, per_second=1 / 60),
        "key_check": Budget(capacity=30, per_second=30 / 3_600),
    }
)
"""Per person, except where the name says otherwise."""

NAMES = frozenset(_BUDGETS)

# The sandbox is played by test programs as fast as they can; config puts SANDBOX_FACTOR here then.
factor = 1


def budget(name: str) -> Budget:
    """Return the budget of this name as it is in this installation."""
    found = _BUDGETS[name]
    return found if factor == 1 else Budget(capacity=found.capacity * factor, per_second=found.per_second * factor)


def spend(*, name: str, caller: str, at: Moment) -> None:
    """Take one token of a budget from a caller. Runs on real time.

    Raises:
        TooManyRequests: there is none; the exception's `facts["seconds"]` says when there is one again.
    """
    allowed = budget(name)
    found = database.ask(TAKE, name, caller, allowed.capacity, allowed.per_second, at.real)
    seconds = int(found[0]) if found and found[0] else 0
    if seconds:
        raise TooManyRequests(seconds=seconds)
