"""A key that two merchants bring is found for the platform, and neither merchant is told of the other."""

import pytest

from anka.core import database as door
from anka.flows.import_keys import Imported, import_keys
from anka.jobs import keys
from anka.vault.models import Duplicate, KeyLine
from anka.vault.queries import duplicates
from tests.builders import Product, a_product, a_shop, at, serial
from tests.databases import Database
from tests.faults.guards import edited
from tests.faults.interleave import Outcome, interleave


def bring(product: Product, *secrets: str) -> Imported:
    lines = tuple(KeyLine(number=number, secret=secret) for number, secret in enumerate(secrets, start=2))
    sealer = keys.sealer_for(shop_id=product.shop.id, at=at())
    return import_keys(actor=product.shop.owner, target=product.target, source="keys.csv", lines=lines, sealer=sealer, at=at())


def found_for(*products: Product) -> list[Duplicate]:
    shops = {product.shop.code for product in products}
    return [found for found in duplicates(limit=1000) if found.shop in shops]


def empty() -> Product:
    return a_product(stock=0)


def test_a_key_of_another_shop_is_an_alert_for_the_platform() -> None:
    one, two, key = empty(), empty(), f"SHARED-{serial()}"
    bring(one, key, f"OWN-{serial()}")
    assert found_for(one, two) == []
    assert bring(two, f"OWN-{serial()}", key.lower().replace("-", " ")) == Imported(stored=2, duplicates=())
    [alert] = found_for(one, two)
    assert (alert.shop, alert.product, alert.other_shop, alert.other_product) == (two.shop.code, two.number, one.shop.code, one.number)
    assert alert.found_at == at().now
    assert key not in repr(alert)


def test_the_merchant_is_told_the_same_with_and_without_another_shop() -> None:
    key, alone, second = f"SHARED-{serial()}", empty(), empty()
    assert bring(alone, key) == bring(second, key) == Imported(stored=1, duplicates=())


def test_three_shops_are_two_alerts_and_importing_again_none() -> None:
    shops, key = [empty() for _ in range(3)], f"SHARED-{serial()}"
    for product in (*shops, *shops):
        bring(product, key)
    assert [(found.shop, found.other_shop) for found in found_for(*shops)] == [
        (shops[number].shop.code, shops[other].shop.code) for number, other in ((1, 0), (2, 0), (2, 1))
    ]


def test_two_products_of_one_shop_are_its_own_affair() -> None:
    shop, key = a_shop(), f"SHARED-{serial()}"
    one, two = a_product(stock=0, shop=shop), a_product(stock=0, shop=shop)
    bring(one, key)
    bring(two, key)
    assert found_for(one) == []


def test_within_a_product_duplicates_are_refused_as_ever() -> None:
    product, key = empty(), f"OWN-{serial()}"
    assert bring(product, key, key) == Imported(stored=1, duplicates=(3,))


def at_once(place: Database) -> tuple[Product, Product, Outcome]:
    """Two shops bring the same key, the second one while the first is about to commit. Both have keys already."""
    one, two, key = a_product(stock=1), a_product(stock=1), f"SHARED-{serial()}"
    raced = interleave(place=place, first=lambda: bring(one, key), second=lambda: bring(two, key), hook="before_commit")
    return one, two, raced


def test_two_imports_at_once_see_each_other(database: Database) -> None:
    one, two, raced = at_once(database)
    assert raced.winners == 2
    assert [found.shop for found in found_for(one, two)] == [two.shop.code]


def test_negative_control_without_the_lock_neither_sees_the_other(fresh_database: Database) -> None:
    with fresh_database.as_owner() as owner:
        edited("note_duplicates", "PERFORM pg_advisory_xact_lock(7266734);")(owner)
    one, two, raced = at_once(fresh_database)
    assert raced.winners == 2
    assert found_for(one, two) == []


@pytest.mark.parametrize("limit", [-1, 0, 1])
def test_the_list_is_bounded(limit: int) -> None:
    key = f"SHARED-{serial()}"
    for _ in range(3):
        bring(empty(), key)
    assert len(duplicates(limit=limit)) == 1
    assert door.value("SELECT count(*) FROM vault_duplicate") >= 2
