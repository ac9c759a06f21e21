"""Ask for a check of a draft, or for a trial on the decisions of the past; write down what the worker has found."""

from typing import Any

import msgspec
from django.utils.translation import gettext_lazy as _

from anka.core import database
from anka.core.actors import Actor, system
from anka.core.clock import Moment
from anka.core.idempotency import RequestKey, unrepeated
from anka.core.refusals import BadInput, Refusal
from anka.domain.policy_states import EDITABLE, DraftStatus, RunKind, status_after_failure, status_after_pass
from anka.flows.steps.policy_desk import draft_on, open_draft, sit_down
from anka.policies import queries, writes
from anka.policies.models import Draft, Run
from anka.policies.writes import Step

MOST_DAYS = 366
LARGEST_RESULT = 900_000
WORKER = system("policy_run")


class CheckFirst(Refusal):
    """Rules are tried on the past once it is proved that they answer everything."""

    code, status = "check_first", 409
    says = _("These rules were not checked yet, or the check found something. Nothing has changed; let them be checked first.")


class RunResult(msgspec.Struct, frozen=True):
    """What a run has found: `passed` tells whether the draft may be published as far as it can say.

    `against` is the version in force it was compared with. Where it could not be carried out, `failure` is the code of what went wrong.
    """

    against: str = ""
    passed: bool = False
    result: dict[str, Any] = {}
    failure: str = ""


def ask_for_run(*, actor: Actor, number: str, kind: str, days: int, request: RequestKey, at: Moment) -> int:
    """Ask for a check, or a trial on the last `days` days (1 to 366; a check takes no notice of them), and return the run's number.

    Where the same was asked for and is still waiting, that run is returned.

    Raises:
        BadInput: there is no such kind, or the days are out of bounds. CheckFirst: a trial of rules that did not pass the check.
        DraftClosed, NotFound, NotPermitted: as edit_policy.
        AlreadyDone: this request was carried out before; its reference is the run's number.
    """
    with database.transaction():
        desk = sit_down(actor=actor, number=number, request=request, at=at)
        draft = open_draft(desk=desk)
        asked = _kind(kind)
        if asked is RunKind.BACKTEST:
            _require_days(days)
            if draft.status is DraftStatus.DRAFT:
                raise CheckFirst
        waiting = draft.run(asked)
        if waiting is not None and waiting.status == "waiting":
            return waiting.id
        run = {"kind": asked.value, "days": days if asked is RunKind.BACKTEST else 0}
        told = {**run, "version": draft.version, "revision": draft.revision}
        return writes.write(actor=actor, step=Step(what="policy_run_asked", details=told, draft=draft.id, run=run), request=request, at=at)


def record_run(*, run_id: int, result: RunResult, at: Moment) -> bool:
    """Write down what a run has found, and how far its draft is now; tell whether that was news. Doing it again changes nothing.

    What was found about texts that were edited meanwhile is kept, and the draft stays as it is.

    Raises:
        NotFound: there is no such run.
    """
    with database.transaction():
        number = queries.run(run_id=run_id).draft_number
        desk = writes.lock(actor=WORKER, number=number, request=unrepeated(str(WORKER)), at=at)
        found = queries.run(run_id=run_id)
        if found.run.status != "waiting":
            return False
        draft = draft_on(desk=desk)
        done = _fitting(result)
        finish = {
            "run": run_id,
            "status": "failed" if done.failure else "done",
            "failure": done.failure or None,
            "against": None if done.failure else done.against,
            "passed": None if done.failure else done.passed,
            "result": None if done.failure else done.result,
        }
        told = {"kind": found.run.kind.value, "version": found.run.version, "passed": done.passed, "failure": done.failure}
        step = Step(what="policy_run_done", details=told, draft=draft.id, finish=finish, reference="")
        if found.is_current and not done.failure:
            step.status = _moved(draft, found.run, done)
        writes.write(actor=WORKER, step=step, request=unrepeated(str(WORKER)), at=at)
        return True


def _kind(text: str) -> RunKind:
    if text not in tuple(RunKind):
        raise BadInput(fields={"kind": ", ".join(RunKind)})
    return RunKind(text)


def _require_days(days: int) -> None:
    if not 1 <= days <= MOST_DAYS:
        raise BadInput(fields={"days": f"1–{MOST_DAYS}"})


def _fitting(result: RunResult) -> RunResult:
    """A result nobody could keep is a failure of the run, not of the worker."""
    if not result.failure and len(msgspec.json.encode(result.result)) > LARGEST_RESULT:
        return RunResult(failure="result_too_large")
    return result


def _moved(draft: Draft, run: Run, result: RunResult) -> str | None:
    if draft.status not in EDITABLE:
        return None
    follow = status_after_pass if result.passed else status_after_failure
    after = follow(status=draft.status, kind=run.kind)
    return after.value if after is not draft.status else None
