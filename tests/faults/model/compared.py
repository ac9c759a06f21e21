"""What the machine compares, in the same shape from the model and from the market."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from anka.cases.models import CaseState
from anka.cases.queries import Refund
from anka.core import database
from anka.orders.models import OrderState
from tests.builders import Product
from tests.builders.moments import BEGINNING
from tests.faults.model.life import Life
from tests.faults.model.things import Case, Order
from tests.faults.model.things import Product as Known

CLOCKS = """
SELECT position, kind, due_at, paused_at FROM core_clock
WHERE shop_id = %s AND order_id = %s AND kind IN ('confirm', 'settle') AND state IN ('running', 'paused')
"""
STOCK = "SELECT status, count(*) FROM vault_key WHERE shop_id = %s AND product_id = %s GROUP BY status"


class Disagreement(AssertionError):
    """The market does not stand where the model stands."""


def require_same(*, what: str, found: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Raise Disagreement, with what differs, unless the market and the model say the same."""
    differ = {key: (found.get(key), wanted.get(key)) for key in {*found, *wanted} if found.get(key) != wanted.get(key)}
    if differ:
        raise Disagreement(f"{what}: the market and the model differ: {differ}")


def _minutes(moment: datetime | None) -> int | None:
    return None if moment is None else round((moment - BEGINNING).total_seconds() / 60)


def of_market(state: OrderState, cases: Sequence[CaseState], refunds: Sequence[Refund]) -> dict[str, Any]:
    """What the market says of an order."""
    return {
        "units": [
            (str(u.stage), str(u.money), u.amount_minor, u.refunded_minor, u.merchant_minor, u.frozen_minor, u.case_count, u.under_case)
            for u in state.units
        ],
        "sums": (state.paid_minor, state.refunded_minor, state.released_minor),
        "closed": state.closed_by,
        "clocks": _clocks_of(state),
        "refunds": Counter((refund.amount_minor, refund.status == "succeeded") for refund in refunds),
        "cases": [
            (case.positions, str(case.status), case.outcome, case.refund_minor, case.turn.side, _minutes(case.due_at), case.rounds)
            for case in cases
        ],
        "rules": [case.receipts[0].rule.partition(".")[0] for case in cases],
        "offers": [[(offer.status, offer.refund_minor, offer.replacement) for offer in case.offers] for case in cases],
        "rulings": [sum(ruling.status == "given" and ruling.by_person > 0 for ruling in case.rulings) for case in cases],
    }


def of_model(model: Life, order: Order) -> dict[str, Any]:
    """The same, by the book."""
    return {
        "units": [(u.stage, u.money, u.amount, u.refunded, u.merchant, u.frozen, u.cases, u.case is not None) for u in order.units],
        "sums": (order.paid, order.refunded, order.released),
        "closed": order.closed_by,
        "clocks": {(unit.position, kind, clock.due, clock.paused_at) for unit in order.units for kind, clock in unit.clocks.items()},
        "refunds": Counter((refund.amount, refund.status == "succeeded") for refund in order.refunds),
        "cases": [_case(model, case) for case in order.cases],
        "rules": [case.facts_rule for case in order.cases],
        "offers": [[(offer.status, offer.amount, offer.keys > 0) for offer in case.offers] for case in order.cases],
        "rulings": [len(case.given) for case in order.cases],
    }


def _clocks_of(state: OrderState) -> set[tuple[int, str, int | None, int | None]]:
    found = database.rows(CLOCKS, (state.shop_id, state.id))
    return {(position, kind, _minutes(due), _minutes(paused)) for position, kind, due, paused in found}


def _case(model: Life, case: Case) -> tuple[Any, ...]:
    side, due = model.turn(case)
    positions = tuple(unit.position for unit in case.units)
    return positions, case.status, case.outcome, case.refund, side, due, case.rounds


def stock_of(product: Product) -> dict[str, int]:
    """Where the keys of a product are, by the vault."""
    target = product.target
    return dict(database.rows(STOCK, (target.shop_id, target.product_id)))


def of_stock(model: Life, product: Known) -> dict[str, int]:
    """The same, by the book."""
    found: Counter[str] = Counter(available=product.available, held=product.held, voided=product.voided)
    for order in model.orders:
        if order.product is product:
            for unit in order.units:
                found[_key(unit.stage, manual=product.manual)] += 1
            found["reserved"] += sum(case.offer.keys for case in order.cases if case.offer)
    del found["none"]
    return {place: count for place, count in found.items() if count}


def _key(stage: str, *, manual: bool) -> str:
    if stage in ("reserved", "queued", "accepted"):
        return "none" if manual else "reserved"
    return {"sealed": "sealed", "revealed": "revealed", "used": "revealed", "closed_out": "revealed"}.get(stage, "none")
