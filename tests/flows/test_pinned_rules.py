"""An order is judged by the rules in force when it was placed, whatever is in force today."""

import json

import pytest

from anka.core import database as door
from anka.core.refusals import NotFound
from anka.domain.policy.table import default_texts, parse_rules
from anka.flows.open_case import quote_case
from anka.flows.steps.judge import Claim
from anka.orders.policies import rules_of
from tests.builders import CHANGED_MIND, a_sealed_order, at
from tests.databases import Database


def test_an_older_order_is_judged_by_its_own_rules(fresh_database: Database) -> None:
    stricter = {name: text.replace('id = "sealed"', 'id = "sealed-of-old"') for name, text in default_texts().items()}
    version = parse_rules(texts=stricter).version
    order = a_sealed_order()
    with fresh_database.as_owner() as owner:
        owner.execute(
            "INSERT INTO orders_policy (version, texts, published_at) VALUES (%s, %s, %s)", (version, json.dumps(stricter), at().now)
        )
    door.rows("UPDATE orders_order SET policy_version = %s WHERE number = %s", (version, order.number))
    quote = quote_case(actor=order.buyer, order_number=order.number, claim=Claim(reason=CHANGED_MIND), at=at(5))
    assert quote["decisions"][0]["rule"] == "sealed-of-old"
    assert quote["policy_version"] == version


def test_a_version_that_never_was_is_not_found() -> None:
    with pytest.raises(NotFound):
        rules_of(version="0123456789ab")
