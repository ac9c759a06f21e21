"""Administrators and drafts of rules, made by the real flows. What a run finds is said, not found out, where it does not matter."""

from dataclasses import dataclass

from anka.core.actors import Actor, ActorKind
from anka.core.clock import Moment
from anka.domain.policy.table import default_texts
from anka.flows.appoint_staff import appoint_staff
from anka.flows.draft_policy import draft_policy
from anka.flows.publish_policy import publish_policy
from anka.flows.run_policy import RunResult, ask_for_run, record_run
from anka.policies import queries
from anka.policies.models import Draft
from tests.builders.moments import at
from tests.builders.people import OPERATOR, a_key, a_person, serial


@dataclass(frozen=True)
class Drafted:
    """A draft by its number, and the administrator who works on it."""

    number: str
    admin: Actor

    @property
    def now(self) -> Draft:
        """The draft as it stands."""
        return queries.draft(number=self.number)


def a_staff_actor(role: str = "admin") -> Actor:
    """Somebody of the platform's staff."""
    person_id = a_person()
    appoint_staff(actor=OPERATOR, person_id=person_id, role=role)
    return Actor(kind=ActorKind.PLATFORM, person_id=person_id)


def new_texts(**instead: str) -> dict[str, str]:
    """The default rules under a version of their own: a remark makes them other texts. `instead` replaces words in all files."""
    texts = dict(default_texts())
    first = sorted(texts)[0]
    texts[first] += f"\n# number {serial()}\n"
    for old, new in instead.items():
        texts = {name: text.replace(old, new) for name, text in texts.items()}
    return texts


def a_draft(*, admin: Actor | None = None, texts: dict[str, str] | None = None, when: Moment | None = None) -> Drafted:
    """A draft of rules that are new in name only."""
    by = admin or a_staff_actor()
    asked = new_texts() if texts is None else texts
    number = draft_policy(actor=by, title="Try", base=None, texts=asked, request=a_key(by), at=when or at())
    return Drafted(number=number, admin=by)


def run(drafted: Drafted, kind: str, *, when: Moment | None = None, finds: RunResult | None = None) -> int:
    """Ask for a run and let it be done; without `finds` it passes."""
    now = when or at()
    asked = ask_for_run(actor=drafted.admin, number=drafted.number, kind=kind, days=30, request=a_key(drafted.admin), at=now)
    passed = RunResult(against=queries.version_in_force(at=now.now), passed=True, result={"report": {"findings": []}})
    record_run(run_id=asked, result=finds or passed, at=now)
    return asked


def a_ready_draft(*, admin: Actor | None = None, texts: dict[str, str] | None = None, when: Moment | None = None) -> Drafted:
    """A draft that was checked and tried on the past."""
    drafted = a_draft(admin=admin, texts=texts, when=when)
    for kind in ("check", "backtest"):
        run(drafted, kind, when=when)
    return drafted


def publish(drafted: Drafted, begins: Moment, *, when: Moment | None = None, reason: str = "") -> str:
    """Publish a draft, or submit it where the notice is short; return the version."""
    by = drafted.admin
    return publish_policy(actor=by, number=drafted.number, in_force_from=begins.now, reason=reason, request=a_key(by), at=when or at())
