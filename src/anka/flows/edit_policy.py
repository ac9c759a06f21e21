"""Change the texts of a draft, or give it up. Whoever edits says which revision they have seen."""

from collections.abc import Mapping

from django.utils.translation import gettext_lazy as _

from anka.core import database
from anka.core.actors import Actor
from anka.core.clock import Moment
from anka.core.idempotency import RequestKey
from anka.core.refusals import Refusal, refused_by
from anka.domain.policy.table import parse_rules
from anka.domain.policy_states import DraftStatus
from anka.flows.steps.policy_desk import edited_rules, open_draft, read_rules, sit_down
from anka.policies.writes import Step, write


@refused_by("AN012")
class DraftChanged(Refusal):
    """Somebody has edited the draft since it was read."""

    code, status = "draft_changed", 409
    says = _("Somebody else has edited this draft meanwhile. Nothing of yours was saved; copy your text, reload the page and edit again.")


def edit_policy(*, actor: Actor, number: str, revision: int, texts: Mapping[str, str], request: RequestKey, at: Moment) -> int:
    """Give a draft these texts, all of them, and return its new revision. What was found about it before counts no longer.

    Raises:
        DraftChanged: it is not at this revision any more. DraftClosed: it was published or discarded.
        BadInput: a file is out of bounds. BadRuleTable: the texts are no usable rules.
        NotFound: there is no such draft, or it is not the actor's business. NotPermitted: the actor is no administrator.
        AlreadyDone: this request was carried out before; its reference is the revision.
    """
    with database.transaction():
        desk = sit_down(actor=actor, number=number, request=request, at=at)
        draft = open_draft(desk=desk)
        if draft.revision != revision:
            raise DraftChanged
        new = read_rules(texts=texts)
        told = {"revision": revision + 1, "version": new.version, **edited_rules(old=parse_rules(texts=draft.texts), new=new)}
        edit = {"texts": dict(new.texts), "version": new.version, "revision": revision}
        step = Step(what="policy_edited", details=told, draft=draft.id, edit=edit, reference=str(revision + 1))
        write(actor=actor, step=step, request=request, at=at)
        return revision + 1


def discard_policy(*, actor: Actor, number: str, request: RequestKey, at: Moment) -> str:
    """Give a draft up for good and return its number.

    Raises:
        DraftClosed, NotFound, NotPermitted, AlreadyDone: as edit_policy; the reference is the number.
    """
    with database.transaction():
        desk = sit_down(actor=actor, number=number, request=request, at=at)
        draft = open_draft(desk=desk)
        told = {"version": draft.version, "revision": draft.revision}
        step = Step(what="policy_discarded", details=told, draft=draft.id, status=DraftStatus.DISCARDED, reference=number)
        write(actor=actor, step=step, request=request, at=at)
        return number
