"""Keeping house changes no books and forgets nothing that still counts."""

import threading

from anka.core import database
from anka.core.clock import Moment
from anka.jobs.audit import audit
from anka.jobs.housekeeping import keep_house, refresh_statistics
from tests.builders import a_cancelled_order, at
from tests.databases import Database

TICK = threading.Event()


def test_busy_accounts_are_rolled_up_and_keep_their_balance(fresh_database: Database) -> None:
    order = a_cancelled_order()
    account = (order.shop.id, "psp:sandbox:clearing", "CNY")
    before = database.value("SELECT account_balance(%s, %s, %s)", account)
    cached = "SELECT debits - credits FROM ledger_account WHERE shop_id = %s AND code = %s AND currency = %s"

    def rolled_up() -> bool:
        """What is older than every open transaction of the server is, whatever database that is of: another test's may hold it up."""
        keep_house(at=at(10))
        return bool(database.value(cached, account) == before)

    assert any(rolled_up() or TICK.wait(0.05) for _round in range(1200))
    assert database.value("SELECT account_balance(%s, %s, %s)", account) == before
    assert database.value("SELECT count(*) FROM core_checkpoint") == 1
    assert audit(now=at(11).now) == []


def test_requests_are_remembered_for_a_week_of_real_time(fresh_database: Database) -> None:
    a_cancelled_order()
    known = "SELECT count(*) FROM core_request"
    remembered = database.value(known)
    assert remembered > 0
    # The market's clock may be moved by a year: who repeats a request still gets its answer.
    keep_house(at=Moment(now=at(days=365).now, real=at(days=6).real))
    assert database.value(known) == remembered
    keep_house(at=Moment(now=at(days=8).now, real=at(days=8).real))
    assert database.value(known) == 0


def test_statistics_are_counted_anew_by_whoever_runs_the_application(fresh_database: Database) -> None:
    a_cancelled_order()
    refresh_statistics()
    counted = database.value("SELECT count(*) FROM pg_stats WHERE schemaname = 'public' AND tablename = 'orders_order'")
    assert counted > 0
