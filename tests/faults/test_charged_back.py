"""Payers' banks take payments back in the middle of everything else; and the proof that paying beside them would be noticed."""

from __future__ import annotations

import os
from collections import Counter

import pytest

from tests.databases import Database
from tests.faults.guards import take_away
from tests.faults.money.charged_back import STEPS, Walk

NIGHTLY = os.environ.get("ANKA_NIGHTLY") == "1"
SEEDS = 3_000 if NIGHTLY else 120
BATCH, LONG = 60, 40


def walks(seeds: range) -> None:
    for seed in seeds:
        Walk(seed).walk(LONG)


@pytest.mark.usefixtures("fresh_database")
@pytest.mark.parametrize("first", range(0, SEEDS, BATCH))
def test_whatever_banks_do_nothing_is_paid_back_twice_and_nothing_forgotten(first: int) -> None:
    done: Counter[str] = Counter()
    for seed in range(first, first + BATCH):
        walk = Walk(seed)
        try:
            walk.walk(LONG)
        except Exception as error:
            raise AssertionError(f"seed {seed}, after {dict(walk.done)}") from error
        done += walk.done
    missing = set(STEPS) - set(done)
    assert len(missing) <= 1, f"steps that were never carried out: {missing}"


@pytest.mark.breaks_invariants
def test_where_refunds_are_sent_beside_a_dispute_the_walks_notice(fresh_database: Database) -> None:
    """The control: without the guard that holds them, one walk of a few ends with what the audit finds."""
    take_away(fresh_database, "nothing is sent beside a dispute")
    with pytest.raises(AssertionError, match="was sent while dispute"):
        walks(range(BATCH))
