"""The audit's own thread in the worker: it looks, waits, goes on after troubles, and ends when told; what it finds stops payouts."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from anka.core import audits, freezes
from anka.core.clock import Moment
from anka.core.freezes import PayoutsFrozen, payouts_frozen
from anka.domain.withdrawals import WithdrawalState
from anka.flows.thaw_payouts import thaw_payouts
from anka.jobs import audit_runs
from tests import databases
from tests.builders import a_paid_order
from tests.databases import Database
from tests.faults.mutants import silence_triggers
from tests.flows.test_funds import approve, ask, finance
from tests.flows.test_waterfall import settled

# 04:00 in China: the night's audit is due, and the next one is far away.
NIGHT = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)
pytestmark = pytest.mark.usefixtures("fresh_database")


@dataclass
class Watch:
    """A clock that stands until it is moved."""

    real: datetime = NIGHT

    def __call__(self) -> Moment:
        return Moment(now=self.real, real=self.real)

    def move(self, **by: float) -> None:
        self.real += timedelta(**by)


@dataclass
class Waits(threading.Event):
    """An event whose waiting is what happens meanwhile; after the last of it, the worker is told to stop."""

    meanwhile: list[Callable[[], object]]
    asked_for: list[float | None] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def wait(self, timeout: float | None = None) -> bool:
        self.asked_for.append(timeout)
        if self.meanwhile:
            self.meanwhile.pop(0)()
        else:
            self.set()
        return self.is_set()


def scopes() -> list[str]:
    return [run.scope for run in reversed(audits.runs(limit=10))]


def test_it_looks_again_and_again_and_audits_when_it_is_due() -> None:
    watch = Watch()
    seen: list[list[str]] = []
    stop = Waits([lambda: seen.append(scopes()), lambda: watch.move(minutes=59), lambda: watch.move(minutes=2), lambda: None])
    audit_runs.run(stop=stop, clock=watch)
    assert (seen, scopes()) == ([["whole"]], ["whole", "changed"])
    # It never waits longer than one look, and not once more after it was told to stop.
    assert stop.asked_for == [audit_runs.LOOK_SECONDS] * 5


def test_told_to_stop_it_does_not_begin() -> None:
    stop = Waits([])
    stop.set()
    audit_runs.run(stop=stop, clock=Watch())
    assert (scopes(), stop.asked_for) == ([], [])


def test_told_to_stop_while_it_waits_it_ends() -> None:
    stop = Waits([])
    stop.meanwhile.append(stop.set)
    audit_runs.run(stop=stop, clock=Watch())
    assert (scopes(), len(stop.asked_for)) == (["whole"], 1)


def test_a_database_that_is_away_is_waited_for(fresh_database: Database, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", logger="anka.worker")
    databases.point_django_at(databases.NOT_STARTED)
    audit_runs.run(stop=Waits([lambda: databases.point_django_at(fresh_database.runtime)]), clock=Watch())
    assert scopes() == ["whole"]
    assert [record.getMessage() for record in caplog.records if record.name == "anka.worker"] == ["the audit waits for the database"]


def test_what_goes_wrong_does_not_end_it(caplog: pytest.LogCaptureFixture) -> None:
    watch = Watch()

    def broken_first() -> Moment:
        if not caplog.records:
            raise ZeroDivisionError
        return watch()

    audit_runs.run(stop=Waits([lambda: None]), clock=broken_first)
    assert scopes() == ["whole"]
    assert "tried again" in caplog.text


def test_what_it_finds_within_the_hour_stops_payouts(fresh_database: Database) -> None:
    watch = Watch()
    withdrawal = ask(settled())

    def somebody_breaks_the_books() -> None:
        watch.move(minutes=10)
        order = a_paid_order()
        with fresh_database.as_owner() as owner:
            silence_triggers(owner)
            owner.execute("UPDATE orders_order SET released_minor = 1 WHERE number = %s", (order.number,))

    flowed: list[str | None] = []
    stop = Waits([somebody_breaks_the_books, lambda: flowed.append(payouts_frozen()), lambda: watch.move(minutes=51), lambda: None])
    audit_runs.run(stop=stop, clock=watch)
    assert (flowed, scopes()) == ([None], ["whole", "changed"])
    assert "I4" in (payouts_frozen() or "")
    with pytest.raises(PayoutsFrozen):
        approve(withdrawal)
    # The control: without the freeze it is approved.
    standing = freezes.standing_freeze()
    assert standing is not None
    for person in (finance(), finance()):
        thaw_payouts(actor=person, freeze_id=standing.frozen.id, reason="seen", at=watch())
    assert approve(withdrawal) == WithdrawalState.APPROVED
