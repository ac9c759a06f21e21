"""An order is judged by the rules in force when it was placed, and keeps what its buyer saw, whatever is in force or on sale today."""

import hashlib
import json
from typing import Any

import psycopg
import pytest

from anka.catalog.models import Terms
from anka.core import database as door
from anka.core.clock import Moment
from anka.core.refusals import NotFound
from anka.domain.policy.table import default_rules, default_texts
from anka.flows.open_case import quote_case
from anka.flows.place_order import RulesChanged
from anka.flows.steps.judge import Claim
from anka.orders.policies import rules_of
from tests.builders import CHANGED_MIND, Order, a_placed_order, a_product, a_sealed_order, at
from tests.builders.policies import a_ready_draft, publish
from tests.databases import Database
from tests.faults.guards import take_away

NOTICE = {"notice_zh": "使用后不退。", "notice_en": "No refund once used."}


def quoted(order: Order, when: Moment) -> dict[str, Any]:
    """What a change of mind would bring."""
    return quote_case(actor=order.buyer, order_number=order.number, claim=Claim(reason=CHANGED_MIND, channels_asked=True), at=when)


def test_each_order_is_judged_by_the_rules_of_its_purchase(clean_rules: Database) -> None:
    renamed = {name: text.replace('id = "unpaid"', 'id = "unpaid-anew"') for name, text in default_texts().items()}
    begins = at(days=8)
    version = publish(a_ready_draft(texts=renamed), begins)
    older, newer = a_placed_order(when=at(days=8, minutes=-1)), a_placed_order(when=begins)
    before, after = (quoted(order, at(days=8, minutes=5)) for order in (older, newer))
    assert (before["policy_version"], before["decisions"][0]["rule"]) == (default_rules().version, "unpaid")
    assert (after["policy_version"], after["decisions"][0]["rule"]) == (version, "unpaid-anew")


def test_a_version_that_never_was_is_not_found() -> None:
    with pytest.raises(NotFound):
        rules_of(version="0123456789ab")


WRITE = (
    "SELECT write_placed_order(o.shop_id, o.placed_at, 'buyer:1', 1, jsonb_build_object('policy_version', %s::text, 'request', %s::jsonb))"
)


def placed_under(order: Order, version: str) -> None:
    """Place an order past the application, under these rules; it comes no further than the rules are looked at."""
    request = json.dumps({"caller": "x", "key": None, "fingerprint": "00"})
    door.rows(f"{WRITE} FROM orders_order AS o WHERE o.shop_id = %s AND o.number = %s", (version, request, order.shop.id, order.number))


def test_postgresql_refuses_an_order_under_other_rules_than_those_in_force(fresh_database: Database) -> None:
    order = a_sealed_order()
    with pytest.raises(RulesChanged):
        placed_under(order, "0123456789ab")
    # Under the right rules, and for the negative control without the guard, it goes on and stumbles over what else is missing.
    with pytest.raises(psycopg.errors.NotNullViolation):
        placed_under(order, default_rules().version)
    take_away(fresh_database, "rules of the moment")
    with pytest.raises(psycopg.errors.NotNullViolation):
        placed_under(order, "0123456789ab")


def test_an_order_keeps_what_its_buyer_saw(database: Database) -> None:
    terms = Terms(refund_window_minutes=20_160, warranty_minutes=43_200, promise_minutes=30, hold_minutes=15, maximum_quantity=9, **NOTICE)
    order = a_sealed_order(product=a_product(terms=terms))
    seen = {
        "title_zh": "测试卡密",
        "title_en": "Test key",
        "face_value": "100",
        "region": "CN",
        "price_minor": 10_000,
        "currency": "CNY",
        "delivery": "auto",
        "terms_version": 1,
        "refund_window_minutes": 20_160,
        "warranty_minutes": 43_200,
        "promise_minutes": 30,
        **NOTICE,
    }
    kept, told = snapshot(order)
    assert seen.items() <= kept.items()
    assert told == hashlib.sha256(raw(order)).hexdigest()
    door.rows(
        "UPDATE catalog_product SET title_zh = '别的', title_en = 'Other', face_value = '1', region = 'US', price_minor = 1"
        " WHERE shop_id = %s",
        (order.shop.id,),
    )
    assert snapshot(order) == (kept, told)
    assert quoted(order, at(days=13))["decisions"][0]["rule"] == "sealed"


def raw(order: Order) -> bytes:
    """The very bytes that are kept of what the buyer saw."""
    return bytes(door.value("SELECT snapshot FROM orders_order WHERE shop_id = %s AND number = %s", (order.shop.id, order.number)))


def snapshot(order: Order) -> tuple[dict[str, Any], str]:
    """What is kept of what the buyer saw, and its digest in the audit chain."""
    asked = "SELECT convert_from(body, 'UTF8') FROM core_event WHERE shop_id = %s AND order_id = %s AND what = 'order_placed'"
    event = json.loads(door.value(asked, (order.shop.id, order.state.id)))
    return json.loads(raw(order)), event["details"]["snapshot"]
