"""Rules tried on the receipts of this market: streamed from one snapshot, a few at a time, and judged again. Changes nothing."""

from collections.abc import Iterator
from dataclasses import fields
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec

from anka.core import database
from anka.domain.facts import Facts, FactsError
from anka.domain.policy.backtest import Backtest, BacktestReport, Past
from anka.domain.policy.decision import Decision
from anka.domain.policy.table import RuleSet
from anka.domain.policy.wordings import FAULTS, REFUNDS, ROUTES

AT_ONCE = 2_000
"""Receipts held in memory at a time."""
SNAPSHOT = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"
# Everything will be read, so the quickest way to all of it counts, not the way to the first rows.
WHOLE = "SET LOCAL cursor_tuple_fraction = 1"
# Every order's judgements together, in the order they were made: money is counted by the last one.
DECLARE = """
DECLARE past_judgements NO SCROLL CURSOR FOR
SELECT o.number, argued.number, receipt.decided_at, receipt.facts, receipt.decision, o.currency,
       (SELECT jsonb_object_agg(unit.position, unit.amount_minor)::text FROM orders_unit AS unit
        WHERE unit.shop_id = argued.shop_id AND unit.order_id = argued.order_id AND unit.position = ANY (argued.positions))
FROM cases_receipt AS receipt JOIN cases_case AS argued ON argued.shop_id = receipt.shop_id AND argued.id = receipt.case_id
    JOIN orders_order AS o ON o.shop_id = argued.shop_id AND o.id = argued.order_id
WHERE receipt.decided_at >= %s AND receipt.decided_at < %s
ORDER BY argued.shop_id, argued.order_id, argued.id, receipt.sequence
"""
NOT_JSON = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
DECISION_FIELDS = frozenset(field.name for field in fields(Decision))
PER_CENT = frozenset({None, *range(101)})
FETCH = f"FETCH FORWARD {AT_ONCE} FROM past_judgements"


class _Judged(msgspec.Struct, frozen=True):
    """One unit of a receipt, as `receipt_of` wrote it."""

    position: int
    facts: dict[str, Any]


class NotReadable(Exception):
    """A receipt in a form this version does not know: written by a later one, or not by us."""

    code, status = "receipt_not_readable", 500


def backtest(*, rules: RuleSet, since: datetime, until: datetime) -> BacktestReport:
    """Judge everything decided from `since` until before `until` again by these rules, and return what would have been decided otherwise.

    It reads one snapshot in a transaction of its own, holds a few thousand receipts at a time, and waits for nobody.

    Raises:
        DatabaseUnavailable: PostgreSQL went away; repeat it.
        TransactionAlreadyOpen: called inside a flow.
    """
    tried = Backtest(rules)
    with database.transaction():
        database.rows(SNAPSHOT)
        database.rows(WHOLE)
        database.rows(DECLARE, (since, until))
        while receipts := database.rows(FETCH):
            for receipt in receipts:
                _add(tried, receipt)
        return tried.report()


def _add(tried: Backtest, receipt: database.Row) -> None:
    try:
        judged = list(_pasts(receipt))
    except NotReadable:
        tried.add_unreadable()
        return
    for past in judged:
        tried.add(past)


def _pasts(receipt: database.Row) -> Iterator[Past]:
    order, case, decided_at, facts, decision, currency, amounts = receipt
    amount_of = _amounts(amounts or "{}")
    stored = _decision(decision)
    for judged in _judged(facts):
        if judged.position not in amount_of:
            raise NotReadable(f"case {case} judged unit {judged.position}, which it is not about")
        try:
            known = Facts.from_json(judged.facts)
        except FactsError as error:
            raise NotReadable(f"case {case}: {error}") from error
        yield Past(order, case, judged.position, decided_at, known, stored, amount_of[judged.position], currency)


_read_judged = msgspec.json.Decoder(list[_Judged]).decode
_read_decision = msgspec.json.Decoder(dict[str, Any]).decode
# Most cases are about one unit, and prices repeat.
_amounts = lru_cache(maxsize=4096)(msgspec.json.Decoder(dict[int, int]).decode)


def _judged(facts: bytes) -> list[_Judged]:
    try:
        return _read_judged(facts)
    except NOT_JSON as error:
        raise NotReadable(f"facts: {error}") from error


@lru_cache(maxsize=4096)
def _decision(stored: bytes) -> Decision:
    """Read a stored decision, strictly. There are few different ones: a rule, its clock, its evidence, its share."""
    try:
        read = _read_decision(stored)
        because = read.pop("because")
        found = msgspec.convert({**read, "because_zh": because["zh"], "because_en": because["en"]}, Decision)
    except (*NOT_JSON, KeyError, TypeError) as error:
        raise NotReadable(f"decision: {error}") from error
    if read.keys() - DECISION_FIELDS or not _is_known(found):
        raise NotReadable(f"decision: {read}")
    return found


def _is_known(decision: Decision) -> bool:
    words = decision.route in ROUTES and decision.refund in REFUNDS and decision.fault in FAULTS
    return words and {decision.refund_percent, decision.fee_percent} <= PER_CENT and (decision.keep_minor or 0) >= 0
