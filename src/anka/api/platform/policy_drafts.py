"""Drafts of the rules over the API: the platform's staff read them, its administrators write, check, try, publish and withdraw."""

from collections.abc import Callable

import msgspec

from anka.accounts import queries as accounts
from anka.api import shapes_of_policies as shapes
from anka.api.buyer.policies import publication_view
from anka.api.call import Answer, Call, NotSignedIn
from anka.api.doing import carry_out
from anka.api.parsing import require_number
from anka.core.actors import Actor, ActorKind
from anka.core.refusals import NotFound, NotPermitted
from anka.domain.policy_states import RunKind
from anka.flows.draft_policy import draft_policy
from anka.flows.edit_policy import discard_policy, edit_policy
from anka.flows.publish_policy import approve_policy, publish_policy, withdraw_policy
from anka.flows.run_policy import ask_for_run
from anka.policies import queries
from anka.policies.models import Draft, DraftRow, Run


def index(call: Call) -> Answer:
    """Answer with the drafts."""
    if not _is_staff(call):
        raise NotPermitted
    return Answer(200, shapes.DraftList(items=[_summary(row) for row in queries.drafts()]))


def show(call: Call) -> Answer:
    """Answer with one draft."""
    if not _is_staff(call):
        raise NotFound
    return Answer(200, _view(queries.draft(number=require_number(call.parameters["number"]))))


def create(call: Call) -> Answer:
    """Begin a draft."""
    asked: shapes.NewDraft = call.body
    actor, request = _actor(call), call.request()
    number, replayed = carry_out(
        call, lambda: draft_policy(actor=actor, title=asked.title, base=asked.base, texts=asked.texts, request=request, at=call.at)
    )
    return Answer(201, _view(queries.draft(number=number)), replayed)


def edit(call: Call) -> Answer:
    """Give a draft other texts."""
    asked: shapes.NewTexts = call.body
    request = call.request()
    return _step(
        call,
        lambda actor, number: str(
            edit_policy(actor=actor, number=number, revision=asked.revision, texts=asked.texts, request=request, at=call.at)
        ),
    )


def check(call: Call) -> Answer:
    """Ask for a check."""
    return _run(call, RunKind.CHECK, 0)


def backtest(call: Call) -> Answer:
    """Ask for a trial on the past."""
    asked: shapes.NewBacktest = call.body
    return _run(call, RunKind.BACKTEST, asked.days)


def publish(call: Call) -> Answer:
    """Announce the rules of a draft, or submit them to a second person."""
    asked: shapes.NewPublication = call.body
    request = call.request()
    return _step(
        call,
        lambda actor, number: publish_policy(
            actor=actor, number=number, in_force_from=asked.in_force_from, reason=asked.reason, request=request, at=call.at
        ),
    )


def approve(call: Call) -> Answer:
    """Agree as the second person."""
    asked: shapes.NewApproval = call.body
    request = call.request()
    return _step(call, lambda actor, number: approve_policy(actor=actor, number=number, seen=asked.seen, request=request, at=call.at))


def discard(call: Call) -> Answer:
    """Give a draft up."""
    request = call.request()
    return _step(call, lambda actor, number: discard_policy(actor=actor, number=number, request=request, at=call.at))


def withdraw(call: Call) -> Answer:
    """Take announced rules back."""
    asked: shapes.NewWithdrawal = call.body
    actor, request, version = _actor(call), call.request(), call.parameters["version"]
    _, replayed = carry_out(call, lambda: withdraw_policy(actor=actor, version=version, reason=asked.reason, request=request, at=call.at))
    return Answer(200, publication_view(queries.publication(version=version, at=call.at.now)), replayed)


def _run(call: Call, kind: RunKind, days: int) -> Answer:
    request = call.request()
    return _step(
        call, lambda actor, number: str(ask_for_run(actor=actor, number=number, kind=kind, days=days, request=request, at=call.at))
    )


def _step(call: Call, step: Callable[[Actor, str], str]) -> Answer:
    """Take a step of the draft the path names, once; answer with the draft as it is then."""
    number = require_number(call.parameters["number"])
    _, replayed = carry_out(call, lambda: step(_actor(call), number))
    return Answer(200, _view(queries.draft(number=number)), replayed)


def _actor(call: Call) -> Actor:
    return call.acting_as(ActorKind.PLATFORM)


def _is_staff(call: Call) -> bool:
    who = accounts.standing(person_id=call.identity.person_id, token_id=call.identity.token_id, at=call.at)
    if not who.active:
        raise NotSignedIn
    return bool(who.staff_roles)


def _summary(row: DraftRow) -> shapes.DraftSummary:
    return msgspec.convert(_common(row), shapes.DraftSummary)


def _common(row: Draft | DraftRow) -> dict[str, object]:
    plain = ("number", "title", "version", "revision", "status", "created_at", "changed_at")
    people = {"created_by": f"platform:{row.created_by}", "changed_by": f"platform:{row.changed_by}"}
    return {**{name: getattr(row, name) for name in plain}, **people, "base": row.base_version}


def _view(draft: Draft) -> shapes.DraftView:
    waits = draft.submission
    said = {
        **_common(draft),
        "seen": draft.seen,
        "data": draft.texts,
        "check": _run_view(draft.check),
        "backtest": _run_view(draft.backtest),
        "submission": shapes.SubmissionView(
            by=f"platform:{waits.by_person}", submitted_at=waits.submitted_at, in_force_from=waits.in_force_from, reason=waits.reason
        )
        if waits
        else None,
    }
    return msgspec.convert(said, shapes.DraftView)


def _run_view(run: Run | None) -> shapes.RunView | None:
    if run is None:
        return None
    return shapes.RunView(**{name: getattr(run, name) for name in shapes.RunView.__struct_fields__})
