"""Freeze payouts by hand, and let them go again: two persons of the finance staff, or one administrator with a reason."""

from django.utils.translation import gettext_lazy as _

from anka.accounts.queries import standing
from anka.core import database, freezes
from anka.core.actors import Actor
from anka.core.clock import Moment
from anka.core.freezes import Freeze, OtherFreeze
from anka.core.refusals import BadInput, Refusal
from anka.flows.steps.finance_staff import require_finance

LONGEST = 1_000
ADMINISTRATOR = "admin"


class SecondThawNeeded(Refusal):
    """This person has asked for it already; another one has to agree."""

    code, status = "second_thaw_needed", 409
    says = _("You have asked for this already: somebody else of the finance staff has to agree, or an administrator decides.")


def freeze_payouts(*, actor: Actor, reason: str, at: Moment) -> int:
    """Stop payouts by hand, with a reason, and return the number of the freeze.

    Raises:
        NotFound: the actor is not of the finance staff. BadInput: there is no reason.
    """
    why = _reason(reason)
    with database.transaction():
        require_finance(actor=actor, at=at)
        return freezes.freeze(actor=str(actor), reason=why, at=at.now)


def thaw_payouts(*, actor: Actor, freeze_id: int, reason: str, at: Moment) -> str:
    """Let payouts go again, or ask a second person to agree; return `thawed` or `asked`.

    `freeze_id` is the freeze that the actor has read: a newer one is not lifted with it.

    Raises:
        NotFound: the actor is not of the finance staff. BadInput: there is no reason.
        OtherFreeze, SecondThawNeeded: as they say.
    """
    why = _reason(reason)
    with database.transaction():
        require_finance(actor=actor, at=at)
        standing_freeze = freezes.standing_freeze()
        if standing_freeze is None or standing_freeze.frozen.id != freeze_id:
            raise OtherFreeze
        second = _asked_by_another(standing_freeze, str(actor))
        if second is None and not _is_administrator(actor, at):
            if standing_freeze.asked is not None:
                raise SecondThawNeeded
            freezes.ask_to_thaw(freeze_id=freeze_id, actor=str(actor), reason=why, at=at.now)
            return "asked"
        freezes.thaw(freeze_id=freeze_id, actor=str(actor), reason=why, asked_by=second, at=at.now)
        return "thawed"


def _asked_by_another(freeze: Freeze, actor: str) -> str | None:
    return freeze.asked.actor if freeze.asked is not None and freeze.asked.actor != actor else None


def _is_administrator(actor: Actor, at: Moment) -> bool:
    return ADMINISTRATOR in standing(person_id=actor.person_id, token_id=actor.token_id, at=at).staff_roles


def _reason(text: str) -> str:
    found = text.strip()
    if not 1 <= len(found) <= LONGEST or "\0" in found:
        raise BadInput(fields={"reason": f"1–{LONGEST}"})
    return found
