"""The whole way from a delivery to the word of the issuer: outbox, sweep of the worker, signed HTTP to the sandbox issuer, answer kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from anka.adapters.channels.sandbox_keys import Mode
from anka.adapters.issuers.sandbox import SandboxIssuer
from anka.core import database
from anka.flows.deliver_order import deliver_order
from anka.flows.hand_over_keys import Handover, hand_over_keys
from anka.jobs import issuers, keys
from tests.builders import Order, a_key, a_product
from tests.databases import Database
from tests.jobs.market import Market, work
from tests.sandbox.world import PATIENCE

WORD = {"use_check": "used_before_reveal", "used_by": "other"}


@pytest.fixture
def issuer(market: Market) -> Iterator[SandboxIssuer]:
    made = SandboxIssuer(mode=Mode.SANDBOX, home=market.home, base_url=market.channel._base_url, real_clock=market.real)
    made.patience = PATIENCE
    before = dict(issuers.issuers)
    issuers.issuers["sandbox"] = made
    yield made
    issuers.issuers.clear()
    issuers.issuers.update(before)


def a_delivered_order(market: Market, issuer: SandboxIssuer, delivery: str) -> Order:
    """An order that was just delivered; its issuer knows something about the key and has told nobody."""
    product = a_product(stock=1, issuer="sandbox", delivery=delivery)
    order = market.an_order(product=product)
    market.pay(order)
    assert issuer.play(channel=market.channel, unit=order.state.unit_number(1), word=WORD) is not None
    if delivery == "auto":
        assert deliver_order(order_number=order.number, at=market.now)
    else:
        owner, sealer = order.shop.owner, keys.sealer_for(shop_id=order.shop.id, at=market.now)
        handover = Handover(secrets=("HANDED-OVER-1",))
        hand_over_keys(actor=owner, order_number=order.number, handover=handover, sealer=sealer, request=a_key(owner), at=market.now)
    assert order.stages == ["sealed"]
    return order


def heard(order: Order) -> list[tuple[Any, ...]]:
    asked = "SELECT occasion, issuer, position, use_check, length(digest) FROM vault_issuer_answer WHERE shop_id = %s AND order_id = %s"
    return database.rows(asked, (order.shop.id, order.state.id))


@pytest.mark.parametrize("delivery", ["auto", "manual"])
def test_the_issuer_is_asked_about_what_was_delivered_and_its_answer_kept(market: Market, issuer: SandboxIssuer, delivery: str) -> None:
    order = a_delivered_order(market, issuer, delivery)
    assert [(tries, done) for _due, tries, _failure, done in work(order, "issuer")] == [(0, None)]
    assert heard(order) == []
    market.run()
    assert heard(order) == [("delivery", "sandbox", 1, "used_before_reveal", 32)]
    unit = order.state.unit(1)
    assert unit is not None
    assert (unit.use_check, unit.used_by) == ("used_before_reveal", "other")
    assert [done is not None for _due, _tries, _failure, done in work(order, "issuer")] == [True]


@pytest.mark.parametrize("delivery", ["auto", "manual"])
def test_without_the_row_in_the_outbox_nobody_is_asked(
    market: Market, issuer: SandboxIssuer, fresh_database: Database, delivery: str
) -> None:
    """The negative control: it is this row alone that brings the worker to the issuer."""
    order = a_delivered_order(market, issuer, delivery)
    with fresh_database.as_owner() as owner:
        owner.execute("DELETE FROM core_outbox WHERE shop_id = %s AND topic = 'issuer'", (order.shop.id,))
    market.run()
    assert heard(order) == []
