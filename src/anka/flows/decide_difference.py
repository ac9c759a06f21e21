"""Decide about a difference between a bill and our books: it is explained, or our books are corrected. Finance staff, with a note.

What is explained posts nothing. What is corrected posts what makes the channel's accounts here say what its bill says, where a correction
can do that; the step names the journal.
"""

import msgspec
from django.utils.translation import gettext_lazy as _

from anka.core import database
from anka.core.actors import Actor
from anka.core.clock import Moment
from anka.core.refusals import BadInput, Refusal
from anka.domain.unidentified import needs_two
from anka.flows.steps.change import journals
from anka.flows.steps.finance_staff import require_finance
from anka.payments.bills import Difference, DifferenceState, difference
from anka.payments.differences import correction_of, journal_of, places

Posted = tuple[int | None, str | None, int | None]
"""The books, the key and the amount of a decision's journal, as its step names them; nothing where it posted none."""
LONGEST_NOTE = 2000
LOCK = "SELECT 1 FROM payments_difference WHERE id = %s FOR UPDATE"
PROPOSE = "UPDATE payments_difference SET proposed_as = %s, proposed_by = %s, proposed_note = %s WHERE id = %s"
DECIDE = "UPDATE payments_difference SET status = %s, decided_by = %s, decided_at = %s, note = %s WHERE id = %s"
STEP = """
INSERT INTO payments_difference_step (difference_id, at, actor, step, note, shop_id, journal_key, corrected_minor)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
"""
POST = "SELECT post_journals(%s, %s, %s)"
COUNT_IN = "UPDATE payments_difference SET corrected_minor = corrected_minor + %s WHERE id = %s"
NOTHING: Posted = (None, None, None)
DECISIONS = (DifferenceState.EXPLAINED, DifferenceState.CORRECTED)


class DifferenceDecided(Refusal):
    """Somebody has decided about this difference already, or it has settled itself."""

    code, status = "difference_decided", 409
    says = _("This difference has been dealt with already. Nothing has changed; reload the page to see how.")


class SecondDecisionNeeded(Refusal):
    """The sum needs two persons, and this one has decided already."""

    code, status = "second_decision_needed", 409
    says = _("A sum like this needs a second person: somebody else of the finance staff has to decide the same.")


class CorrectionDiffers(Refusal):
    """The sums have become others since they were read, so another amount would be posted."""

    code, status = "correction_differs", 409
    says = _("The sums have changed since you read them. Nothing was posted; reload the page and look at them again.")


def decide_difference(*, actor: Actor, difference_id: int, decision: str, note: str, seen_minor: int | None = None, at: Moment) -> str:
    """Close a difference, or propose to where its sum needs two; return `proposed`, `explained` or `corrected`.

    The second person decides the same; who decides otherwise proposes that instead. `seen_minor` is what the person read that a
    correction would post (minor units, signed as in anka.domain.corrections, 0 for nothing), None where nobody read it.

    Raises:
        NotFound: there is none, or the actor is not of the finance staff. BadInput: no note, or no such decision.
        DifferenceDecided, SecondDecisionNeeded, CorrectionDiffers: as they say; nothing was posted.
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
        if decision == DifferenceState.CORRECTED and seen_minor is not None:
            _require_as_seen(found, seen_minor)
        step = _next(found, str(actor), decision)
        posted = _post(found, at) if step == DifferenceState.CORRECTED else NOTHING
        if step == "proposed":
            database.rows(PROPOSE, (decision, str(actor), why, difference_id))
        else:
            database.rows(DECIDE, (decision, str(actor), at.now, why, difference_id))
        database.rows(STEP, (difference_id, at.now, str(actor), step, why, *posted))
        return step


def _require_as_seen(found: Difference, seen_minor: int) -> None:
    correction = correction_of(difference=found, place=places(ids=[found.id])[found.id])
    if (correction.amount_minor if correction else 0) != seen_minor:
        raise CorrectionDiffers


def _post(found: Difference, at: Moment) -> Posted:
    """Post what makes our books agree with the bill, and return what the step has to name."""
    place = places(ids=[found.id])[found.id]
    correction, posting = correction_of(difference=found, place=place), journal_of(difference=found, place=place)
    if correction is None:
        return NOTHING
    database.rows(POST, (at.now, found.currency, msgspec.json.encode(journals(posting)).decode()))
    database.rows(COUNT_IN, (correction.amount_minor, found.id))
    return posting[0].shop_id, posting[0].key, correction.amount_minor


def _next(found: Difference, actor: str, decision: str) -> str:
    if not needs_two(amount_minor=found.size_minor):
        # A proposal of before, when the sums were others, is no longer one.
        return "proposed" if found.proposed_by == actor else decision
    if found.proposed_as != decision:
        return "proposed"
    if found.proposed_by == actor:
        raise SecondDecisionNeeded
    return decision
