"""The audit by itself: when it is due, what it keeps, and that what it finds freezes payouts and is told, once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from anka.core import audits, database, freezes
from anka.core.actors import Actor, ActorKind
from anka.core.clock import Moment
from anka.core.freezes import OtherFreeze, PayoutsFrozen, payouts_frozen
from anka.core.refusals import BadInput, NotFound
from anka.flows.appoint_staff import appoint_staff
from anka.flows.keep_audit import keep_audit
from anka.flows.thaw_payouts import SecondThawNeeded, freeze_payouts, thaw_payouts
from anka.jobs import audit_runs
from anka.jobs.audit import Violation
from tests.builders import OPERATOR, a_paid_order, a_person
from tests.databases import Database
from tests.faults.mutants import silence_triggers
from tests.horizon import wait_for_the_horizon

# 02:00 in China.
EVENING = datetime(2026, 11, 22, 18, 0, tzinfo=UTC)
pytestmark = pytest.mark.usefixtures("fresh_database")
BAD = Violation(invariant="I2", where="account x", what="cached 1, sums to 2")
WORSE = Violation(invariant="I3", where="account y", what="below zero")


def at(**later: float) -> Moment:
    real = EVENING + timedelta(**later)
    return Moment(now=real, real=real)


def a_run(scope: str = "whole", when: Moment | None = None) -> audits.Run:
    real = (when or at()).real
    return audits.Run(scope=scope, asked_by="system:test", market_at=real, started_at=real, ended_at=real, position="3", violations=0)


def keep(*found: Violation, scope: str = "whole", **later: float) -> int:
    when = at(**later)
    return keep_audit(run=replace(a_run(scope, when), violations=len(found)), found=found, at=when)


def told() -> list[str]:
    return [row[0] for row in database.rows("SELECT kind FROM messaging_notice WHERE audience = 'platform' ORDER BY id")]


def staff(role: str = "finance") -> Actor:
    person = a_person()
    appoint_staff(actor=OPERATOR, person_id=person, role=role)
    return Actor(kind=ActorKind.PLATFORM, person_id=person)


def standing_id() -> int:
    found = freezes.standing_freeze()
    assert found is not None
    return found.frozen.id


def test_hourly_over_what_changed_and_nightly_over_everything() -> None:
    assert audit_runs.due(at=at()) == "whole"
    assert audit_runs.audit_when_due(at=at())
    assert (audit_runs.due(at=at(minutes=59)), audit_runs.due(at=at(minutes=61))) == (None, "whole")
    assert audit_runs.audit_when_due(at=at(minutes=61))
    assert (audit_runs.due(at=at(minutes=120)), audit_runs.due(at=at(minutes=121))) == (None, "changed")
    assert audit_runs.audit_when_due(at=at(minutes=121))
    assert not audit_runs.audit_when_due(at=at(minutes=122))
    assert [run.scope for run in audits.runs(limit=10)] == ["changed", "whole", "whole"]
    assert audit_runs.due(at=at(hours=25, minutes=30)) == "whole"


def test_one_audit_at_a_time(fresh_database: Database) -> None:
    with psycopg.connect(fresh_database.runtime) as other:
        other.execute("SELECT pg_advisory_lock(7266735)")
        assert not audit_runs.audit_when_due(at=at())
        other.execute("SELECT pg_advisory_unlock(7266735)")
        assert audit_runs.audit_when_due(at=at())


def test_what_is_written_after_a_run_is_looked_at_by_the_next(fresh_database: Database) -> None:
    audit_runs.audit_and_keep(scope="whole", asked_by="system:test", at=at())
    order = a_paid_order()
    with fresh_database.as_owner() as owner:
        silence_triggers(owner)
        owner.execute("UPDATE orders_order SET released_minor = 1 WHERE number = %s", (order.number,))
    found, news = audit_runs.audit_and_keep(scope="changed", asked_by="system:test", at=at(hours=1))
    assert ({one.invariant for one in found}, news) == ({"I4"}, len(found))
    assert payouts_frozen() is not None
    # The mark of a look is the oldest transaction that still runs: what was written since is looked at again rather than never.
    wait_for_the_horizon()
    audit_runs.audit_and_keep(scope="changed", asked_by="system:test", at=at(hours=1))
    # Nothing was written since: the next look has nothing to see, and does not call it gone.
    known = len(found)
    found, news = audit_runs.audit_and_keep(scope="changed", asked_by="system:test", at=at(hours=2))
    assert (found, news, len(audits.standing_findings())) == ([], 0, known)


def test_a_finding_freezes_and_is_told_once() -> None:
    assert (keep(), payouts_frozen(), told()) == (0, None, [])
    assert keep(BAD) == 1
    assert (payouts_frozen(), told()) == (str(BAD), ["books_violated"])
    assert keep(BAD, scope="changed", hours=1) == 0
    assert keep(BAD, WORSE, hours=2) == 1
    assert (payouts_frozen(), told()) == (str(WORSE), ["books_violated"] * 2)


def test_what_was_thawed_does_not_freeze_again_until_it_was_gone() -> None:
    keep(BAD)
    thaw_payouts(actor=staff("admin"), freeze_id=standing_id(), reason="known, harmless", at=at())
    assert (keep(BAD, hours=1), payouts_frozen()) == (0, None)
    # Only a look at everything says that it is gone.
    assert (keep(scope="changed", hours=2), keep(BAD, hours=3)) == (0, 0)
    assert (keep(hours=4), audits.standing_findings()) == (0, [])
    assert keep(BAD, hours=5) == 1
    assert payouts_frozen() is not None


def test_runs_are_forgotten_after_a_while() -> None:
    keep()
    keep(days=89)
    assert len(audits.runs(limit=10)) == 2
    keep(days=91)
    assert len(audits.runs(limit=10)) == 2


def test_two_of_the_finance_staff_thaw() -> None:
    first, second = staff(), staff()
    freeze_payouts(actor=first, reason="a strange withdrawal", at=at())
    with pytest.raises(PayoutsFrozen):
        freezes.require_payouts_flow()
    number = standing_id()
    assert thaw_payouts(actor=first, freeze_id=number, reason="it was ours", at=at()) == "asked"
    with pytest.raises(SecondThawNeeded):
        thaw_payouts(actor=first, freeze_id=number, reason="again", at=at())
    assert payouts_frozen() is not None
    assert thaw_payouts(actor=second, freeze_id=number, reason="seen it", at=at()) == "thawed"
    freezes.require_payouts_flow()
    assert [step.step for step in freezes.steps()] == ["thawed", "thaw_asked", "frozen"]
    with pytest.raises(OtherFreeze):
        thaw_payouts(actor=second, freeze_id=number, reason="once more", at=at())


def test_a_thaw_lifts_only_what_was_read() -> None:
    first, second = staff(), staff("admin")
    freeze_payouts(actor=first, reason="one", at=at())
    number = standing_id()
    thaw_payouts(actor=first, freeze_id=number, reason="it was ours", at=at())
    freeze_payouts(actor=first, reason="two", at=at())
    with pytest.raises(OtherFreeze):
        thaw_payouts(actor=second, freeze_id=number, reason="read the old page", at=at())
    assert payouts_frozen() == "two"
    # Whoever had asked to lift the one has not asked to lift the other.
    assert thaw_payouts(actor=first, freeze_id=standing_id(), reason="both", at=at()) == "asked"


def test_nobody_else_freezes_or_thaws() -> None:
    freeze_payouts(actor=staff(), reason="one", at=at())
    for role in ("agent", "arbiter"):
        with pytest.raises(NotFound):
            thaw_payouts(actor=staff(role), freeze_id=standing_id(), reason="why not", at=at())
        with pytest.raises(NotFound):
            freeze_payouts(actor=staff(role), reason="why not", at=at())
    with pytest.raises(BadInput):
        thaw_payouts(actor=staff("admin"), freeze_id=standing_id(), reason=" ", at=at())


def test_the_database_refuses_one_person_twice_and_changed_history(fresh_database: Database) -> None:
    with fresh_database.as_owner() as owner:
        owner.execute("INSERT INTO core_freeze (step, at, actor, reason) VALUES ('frozen', now(), 'platform:1', 'x')")
        with pytest.raises(psycopg.errors.CheckViolation, match="thawed_by_two"):
            owner.execute(
                "INSERT INTO core_freeze (step, at, actor, reason, freeze_id, asked_by)"
                " VALUES ('thawed', now(), 'platform:1', 'x', 1, 'platform:1')"
            )
        with pytest.raises(psycopg.errors.RestrictViolation):
            owner.execute("DELETE FROM core_freeze")
