"""Decide about a difference between a bill and our books: it is explained, or it has been put right. Finance staff, with a note."""

from django.utils.translation import gettext_lazy as _

from anka.core import database
from anka.core.actors import Actor
from anka.core.clock import Moment
from anka.core.refusals import BadInput, Refusal
from anka.domain.unidentified import needs_two
from anka.flows.return_unidentified import require_finance
from anka.payments.bills import Difference, DifferenceState, difference

LONGEST_NOTE = 2000
LOCK = "SELECT 1 FROM payments_difference WHERE id = %s FOR UPDATE"
PROPOSE = "UPDATE payments_difference SET proposed_as = %s, proposed_by = %s, proposed_note = %s WHERE id = %s"
DECIDE = "UPDATE payments_difference SET status = %s, decided_by = %s, decided_at = %s, note = %s WHERE id = %s"
STEP = "INSERT INTO payments_difference_step (difference_id, at, actor, step, note) VALUES (%s, %s, %s, %s, %s)"
DECISIONS = (DifferenceState.EXPLAINED, DifferenceState.CORRECTED)


class DifferenceDecided(Refusal):
    """Somebody has decided about this difference already, or it has settled itself."""

    code, status = "difference_decided", 409
    says = _("This difference has been dealt with already. Nothing has changed; reload the page to see how.")


class SecondDecisionNeeded(Refusal):
    """The sum needs two persons, and this one has decided already."""

    code, status = "second_decision_needed", 409
    says = _("A sum like this needs a second person: somebody else of the finance staff has to decide the same.")


def decide_difference(*, actor: Actor, difference_id: int, decision: str, note: str, at: Moment) -> str:
    """Close a difference, or propose to where its sum needs two; return `proposed`, `explained` or `corrected`.

    The second person decides the same; who decides otherwise proposes that instead.

    Raises:
        NotFound: there is none, or the actor is not of the finance staff. BadInput: no note, or no such decision.
        DifferenceDecided, SecondDecisionNeeded: as they say.
    """
    why = note.strip()
    if decision not in DECISIONS:
        raise BadInput(fields={"decision": ", ".join(DECISIONS)})
    if not 1 <= len(why) <= LONGEST_NOTE or "\0" in why:
        raise BadInput(fields={"note": f"1–{LONGEST_NOTE}"})
    with database.transaction():
        require_finance(actor=actor, at=at)
        database.rows(LOCK, (difference_id,))
        found = difference(difference_id=difference_id)
        if found.status != DifferenceState.OPEN:
            raise DifferenceDecided
        step = _next(found, str(actor), decision)
        if step == "proposed":
            database.rows(PROPOSE, (decision, str(actor), why, difference_id))
        else:
            database.rows(DECIDE, (decision, str(actor), at.now, why, difference_id))
        database.rows(STEP, (difference_id, at.now, str(actor), step, why))
        return step


def _next(found: Difference, actor: str, decision: str) -> str:
    if not needs_two(amount_minor=found.size_minor):
        # A proposal of before, when the sums were others, is no longer one.
        return "proposed" if found.proposed_by == actor else decision
    if found.proposed_as != decision:
        return "proposed"
    if found.proposed_by == actor:
        raise SecondDecisionNeeded
    return decision
