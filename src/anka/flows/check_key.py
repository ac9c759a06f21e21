"""Check the beginning of a key (卡密核验): whoever can type it holds the key. It proves possession, not that the key is unused.

There is no index of beginnings: only the key of the one unit that was named is opened, and only once the asker may see that unit. A unit
that is another's, or none, is a 404 like everywhere else in the house and costs no decryption: its number carries 64 random bits, so
whoever can name it knows already that it exists, and there is nothing to learn from how long the refusal takes. Among units the
asker may check, a match and a mismatch are the same work, the same answer, and one event.
"""

import hashlib
import hmac
import math
from collections.abc import Callable
from datetime import datetime, time, timedelta

import msgspec
from django.utils.translation import gettext_lazy as _

from anka.core import database
from anka.core.actors import Actor, ActorKind
from anka.core.clock import Moment
from anka.core.idempotency import AlreadyDone, RequestKey, require_new
from anka.core.refusals import BadInput, NotFound, Refusal
from anka.domain.delivery_states import Stage
from anka.domain.working_days import CHINA
from anka.flows.steps.change import Change, Event, apply
from anka.orders.models import OrderState, Unit
from anka.orders.queries import lock_order
from anka.vault import queries, writes
from anka.vault.models import SealedKey
from anka.vault.sealing import normalised

LEAST_CHARACTERS = 4
MOST_A_DAY = 5
CHECKABLE = frozenset({Stage.REVEALED, Stage.USED})


class KeyNotOpened(Refusal):
    """Nobody can hold a key that was never opened."""

    code, status = "key_not_opened", 409
    says = _("Only a key that was opened can be checked. Nothing was compared.")


class TooManyKeyChecks(Refusal):
    """This unit's key was tried five times today; `facts["seconds"]` says how long the day still lasts."""

    code, status = "too_many_key_checks", 429
    says = _("This key was checked five times today. Nothing was compared; please try again tomorrow.")


class KeyCheck(msgspec.Struct, frozen=True):
    """What a check showed: `match` or `no_match`, and how many tries are left today."""

    possession: str
    tries_left: int


class Typed(msgspec.Struct, frozen=True):
    """What somebody typed, for which piece of the order."""

    position: int
    prefix: str

    def __repr__(self) -> str:
        """Name the piece; what was typed stays out of logs."""
        return f"Typed(position={self.position})"


def check_key(
    *, actor: Actor, order_number: str, typed: Typed, open_secret: Callable[[SealedKey], str], request: RequestKey, at: Moment
) -> KeyCheck:
    """Tell whether a unit's key begins with what was typed, and record the try: at most five a day of market time and unit.

    Spaces, dashes, capitals and full-width characters do not matter. `request` has to be fingerprinted with a secret (an idempotency
    row must not be a way to guess what was typed); a repeated one is answered as before without a further try.

    Raises:
        BadInput: fewer than 4 characters; not counted. NotFound: the actor is neither its buyer nor an arbiter, or there is no such unit.
        KeyNotOpened, TooManyKeyChecks: nothing was compared.
        AlreadyDone: this request was carried out before; its reference is the answer, see `answer_of`.
    """
    beginning = normalised(typed.prefix)
    if len(beginning) < LEAST_CHARACTERS:
        raise BadInput(fields={"prefix": f"{LEAST_CHARACTERS}+"})
    with database.transaction():
        state = lock_order(number=order_number, actor=actor, request=request, at=at)
        unit = _unit(state, actor, typed.position)
        require_new(state.replay)
        if unit.stage not in CHECKABLE or unit.key_id is None:
            raise KeyNotOpened
        day = at.now.astimezone(CHINA).date()
        tried = queries.key_checks_on(shop_id=state.shop_id, order_id=state.id, position=unit.position, day=day)
        if tried >= MOST_A_DAY:
            midnight = datetime.combine(day + timedelta(days=1), time(), CHINA)
            raise TooManyKeyChecks(seconds=math.ceil((midnight - at.now).total_seconds()))
        secret = open_secret(queries.sealed_key(shop_id=state.shop_id, key_id=unit.key_id))
        possession = "match" if _begins_with(normalised(secret), beginning) else "no_match"
        writes.add_key_check(
            unit=(state.shop_id, state.id, unit.position),
            day=day,
            try_number=tried + 1,
            person_id=actor.person_id,
            possession=possession,
            at=at.now,
        )
        check = KeyCheck(possession=possession, tries_left=MOST_A_DAY - tried - 1)
        event = Event(what="key_checked", positions=[unit.position], details=msgspec.to_builtins(check))
        reference = f"{check.possession}:{check.tries_left}"
        apply(state=state, change=Change(events=[event]), actor=actor, request=request, reference=reference, at=at)
        return check


def answer_of(done: AlreadyDone) -> KeyCheck:
    """Return what a check that was carried out before had shown."""
    possession, _colon, tries_left = done.reference.partition(":")
    return KeyCheck(possession=possession, tries_left=int(tries_left))


def _unit(state: OrderState, actor: Actor, position: int) -> Unit:
    is_buyer = actor.kind is ActorKind.BUYER and state.buyer_id == actor.person_id
    is_arbiter = actor.kind is ActorKind.PLATFORM and "arbiter" in state.standing.staff_roles
    unit = state.unit(position)
    if unit is None or not (is_buyer or is_arbiter):
        raise NotFound
    return unit


def _begins_with(secret: str, beginning: str) -> bool:
    """Compare digests, so that neither where they differ nor how long the key is shows in the time it takes."""
    held, typed = (hashlib.sha256(text.encode()).digest() for text in (secret[: len(beginning)], beginning))
    return hmac.compare_digest(held, typed)
