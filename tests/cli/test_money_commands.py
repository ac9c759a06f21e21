"""`anka reconcile` and `anka audit` as people call them: what they print, and how they end."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from pathlib import Path

import pytest

from anka.core import freezes
from anka.core.clock import moment
from anka.payments.bills import CHINA
from tests.cli.running import Result, anka
from tests.databases import Database
from tests.faults.mutants import silence_triggers

YESTERDAY = moment().now.astimezone(CHINA).date() - timedelta(days=1)


def run(place: Database, home: Path, *words: str) -> Result:
    return anka(*words, variables={"ANKA_HOME": str(home), "ANKA_DATABASE_URL": place.runtime})


def a_file(folder: Path, *lines: dict[str, object]) -> str:
    told = {"date": str(YESTERDAY), "lines": list(lines)}
    path = folder / f"bill-{hashlib.sha256(repr(told).encode()).hexdigest()[:8]}.json"
    path.write_text(json.dumps(told))
    return str(path)


def test_a_bill_from_a_file(fresh_database: Database, tmp_path: Path) -> None:
    asked = ("reconcile", "--channel", "sandbox", "--date", str(YESTERDAY))
    fee = {
        "kind": "other",
        "number": "",
        "payment_number": "",
        "transaction": "MONTHLY",
        "amount_minor": 500,
        "currency": "CNY",
        "occurred_at": f"{YESTERDAY}T12:00:00+08:00",
    }
    done = run(fresh_database, tmp_path, *asked, "--json", a_file(tmp_path, fee))
    told = json.loads(done.out)
    assert (done.status, told["clean"], [one["kind"] for one in told["differences"]]) == (1, False, ["other"])
    # The channel takes it back.
    done = run(fresh_database, tmp_path, *asked, a_file(tmp_path))
    assert (done.status, "1 earlier differences are none any more" in done.out) == (0, True)


def test_what_is_no_bill_is_told_in_one_line(fresh_database: Database, tmp_path: Path) -> None:
    (tmp_path / "bill").write_text("not a bill")
    asked = ("reconcile", "--channel", "sandbox", "--date", str(YESTERDAY))
    done = run(fresh_database, tmp_path, *asked, str(tmp_path / "bill"))
    assert (done.status, "not a bill of the sandbox" in done.complaint) == (1, True)


@pytest.mark.parametrize("words", [("--channel", "wallet"), ("--channel", "sandbox", "--date", "yesterday")], ids=str)
def test_called_wrongly(fresh_database: Database, tmp_path: Path, words: tuple[str, ...]) -> None:
    assert run(fresh_database, tmp_path, "reconcile", *words).status == 2


def test_a_database_without_tables_is_told_in_one_line(fresh_database: Database, tmp_path: Path) -> None:
    with fresh_database.as_owner() as owner:
        owner.execute("DROP TABLE core_audit_run, payments_bill CASCADE")
    for words in (("audit",), ("reconcile", "--channel", "sandbox")):
        done = run(fresh_database, tmp_path, *words)
        assert (done.status, "anka migrate" in done.complaint) == (1, True)


@pytest.mark.breaks_invariants
def test_an_audit_by_hand_is_kept_and_freezes(fresh_database: Database, tmp_path: Path) -> None:
    assert run(fresh_database, tmp_path, "audit").status == 0
    assert freezes.payouts_frozen() is None
    with fresh_database.as_owner() as owner:
        silence_triggers(owner)
        owner.execute("SELECT post_journal(0, 'lost', 'mutant', now(), 'CNY', ARRAY['bridge:7'], ARRAY['commission'], ARRAY[100::bigint])")
    done = run(fresh_database, tmp_path, "audit")
    assert (done.status, "Payouts are frozen" in done.out) == (1, True)
    assert (freezes.payouts_frozen() or "").startswith("I1")
    told = run(fresh_database, tmp_path, "doctor")
    assert "WRONG  payouts" in told.out
    assert "WRONG  audit" in told.out
