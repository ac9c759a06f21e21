"""The stop of payouts: while one stands, no money leaves for merchants (withdrawals, deposits given back). Refunds and the shop go on.

Whoever pays out asks `payouts_frozen()` inside the transaction that decides it. Who may thaw is a flow's business.
"""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext_lazy as _

from anka.core import database
from anka.core.refusals import Refusal

LONGEST_REASON = 2000
NOTE = "SELECT note_freeze(%s, %s, %s, %s, %s, %s)"
STEPS = "SELECT id, step, at, actor, reason, freeze_id, asked_by FROM core_freeze ORDER BY id DESC LIMIT %s"
MOST_STEPS = 200


class PayoutsFrozen(Refusal):
    """Something in the books does not add up, so nothing is paid out until somebody has looked."""

    code, status = "payouts_frozen", 409
    says = _("Payouts are stopped until somebody has looked at the books. Nothing was lost; try again later.")


class OtherFreeze(Refusal):
    """The freeze that was read has been lifted, or another one has come since."""

    code, status = "other_freeze", 409
    says = _("Payouts have been frozen or freed otherwise meanwhile. Nothing has changed; reload the page and read it again.")


@dataclass(frozen=True, slots=True)
class FreezeStep:
    """One step: frozen, thaw asked (by one person, waiting for a second), thawed."""

    id: int
    step: str
    at: datetime
    actor: str
    reason: str
    freeze_id: int | None
    asked_by: str | None


@dataclass(frozen=True, slots=True)
class Freeze:
    """The freeze that stands: the newest one, and who has asked to lift exactly that one, if anybody."""

    frozen: FreezeStep
    asked: FreezeStep | None


def payouts_frozen() -> str | None:
    """Return why payouts are frozen, or None where they flow."""
    found: str | None = database.value("SELECT payouts_frozen()")
    return found


def require_payouts_flow() -> None:
    """Refuse while payouts are frozen; call it inside the transaction that would pay out.

    Raises:
        PayoutsFrozen: they are.
    """
    if payouts_frozen() is not None:
        raise PayoutsFrozen


def steps(*, limit: int = MOST_STEPS) -> list[FreezeStep]:
    """Return what happened to payouts, the newest step first."""
    return [FreezeStep(*row) for row in database.rows(STEPS, (min(limit, MOST_STEPS),))]


def standing_freeze() -> Freeze | None:
    """Return the freeze that stands, or None."""
    asked: FreezeStep | None = None
    for step in steps():
        if step.step == "thawed":
            return None
        if step.step == "frozen":
            return Freeze(frozen=step, asked=asked if asked is not None and asked.freeze_id == step.id else None)
        asked = asked or step
    return None


def freeze(*, actor: str, reason: str, at: datetime) -> int:
    """Stop payouts and return the number of the freeze. Inside a transaction; freezing twice is two reasons."""
    database.require_transaction()
    return int(database.value(NOTE, ("frozen", at, actor, reason[:LONGEST_REASON], None, None)))


def ask_to_thaw(*, freeze_id: int, actor: str, reason: str, at: datetime) -> None:
    """Ask for a freeze to be lifted; a second person has to agree.

    Raises:
        OtherFreeze: it is not the newest one that stands.
    """
    database.require_transaction()
    if database.value(NOTE, ("thaw_asked", at, actor, reason[:LONGEST_REASON], freeze_id, None)) is None:
        raise OtherFreeze


def thaw(*, freeze_id: int, actor: str, reason: str, asked_by: str | None, at: datetime) -> None:
    """Lift a freeze and all before it; `asked_by` is the other person who wanted it, None where one administrator decides alone.

    Raises:
        OtherFreeze: it is not the newest one that stands.
    """
    database.require_transaction()
    if database.value(NOTE, ("thawed", at, actor, reason[:LONGEST_REASON], freeze_id, asked_by)) is None:
        raise OtherFreeze
