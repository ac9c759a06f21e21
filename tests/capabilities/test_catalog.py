"""The catalogue: what can be listed, what is found, and what the bounds of terms and texts refuse."""

import secrets
from typing import Any

import psycopg
import pytest

from anka.catalog import queries
from anka.catalog.models import ProductFilter, Terms
from anka.core.actors import Actor, ActorKind
from anka.core.database import rows
from anka.core.refusals import BadInput, NotFound, NotPermitted
from anka.flows.list_product import list_product
from anka.flows.open_shop import ShopCodeTaken
from tests.capabilities.shops import AT, OPERATOR, new_product, new_shop, product_values
from tests.databases import Database


def found(**wanted: str) -> list[str]:
    return [product.number for product in queries.products(wanted=ProductFilter(**wanted)).items]


def test_a_listed_product_is_found_by_its_number_with_shop_and_terms() -> None:
    shop = new_shop()
    number = new_product(shop, Terms(refund_window_minutes=20160, notice_zh="先看区服", notice_en="Check the region"))
    product = queries.product(number=number)
    assert number.startswith(f"{shop.code}-P")
    assert (product.title_zh, product.price_minor, product.available, product.on_sale) == ("《云岚》点卡 100 元", 9350, 0, True)
    assert product.shop.name_zh == "晴梦卡铺"
    assert (product.terms_version, product.terms.refund_window_minutes, product.terms.notice_en) == (1, 20160, "Check the region")


@pytest.mark.parametrize("number", ["", "nothing", "QM-P0000000000000", "x" * 50, "a\0b", "卡"])
def test_an_unknown_number_is_not_found(number: str) -> None:
    with pytest.raises(NotFound):
        queries.product(number=number)


def test_every_word_has_to_occur_and_none_is_a_pattern() -> None:
    shop = new_shop()
    mark = secrets.token_hex(6)
    plain = new_product(shop, title_zh=f"点卡 {mark} 100%", title_en="Card")
    new_product(shop, title_zh=f"点卡 {mark} 1000", title_en="Card")
    assert len(found(text=mark)) == 2
    assert found(text=f"{mark.upper()} 100%") == [plain]
    assert found(text=f"{mark} 100_") == []
    assert found(text=f"{mark} 没有这个") == []
    assert found(text=f"{mark} '; DROP TABLE catalog_product; --") == []


def test_kind_delivery_and_shop_narrow_the_list() -> None:
    shop = new_shop()
    card, manual = new_product(shop), new_product(shop, kind="top_up", delivery="manual")
    assert set(found(shop=shop.code)) == {card, manual}
    assert found(shop=shop.code, kind="top_up") == [manual]
    assert found(shop=shop.code, delivery="auto") == [card]
    assert found(shop=shop.code, kind="rental") == []
    assert "card_key" in [kind.kind for kind in queries.kinds()]
    assert shop.code in [card.code for card in queries.shops()] or len(queries.shops()) == queries.MOST_SHOPS


def test_pages_follow_each_other_without_gap_or_repeat() -> None:
    shop = new_shop()
    numbers = {new_product(shop) for _ in range(7)}
    seen: list[str] = []
    cursor: str | None = None
    for _ in range(4):
        page = queries.products(wanted=ProductFilter(shop=shop.code), after=cursor, limit=2)
        seen += [product.number for product in page.items]
        cursor = page.next
    assert cursor is None
    assert len(seen) == 7
    assert set(seen) == numbers


@pytest.mark.parametrize("cursor", ["x", "!!!", "bnVsbA", "WyJ4IiwieSJd", "WyIyMDI2LTAxLTAxVDAwOjAwOjAwIiwieCJd"])
def test_a_made_up_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(BadInput):
        queries.products(wanted=ProductFilter(), after=cursor)


@pytest.mark.parametrize("limit", [0, -1, 101])
def test_a_page_has_bounds(limit: int) -> None:
    with pytest.raises(BadInput):
        queries.products(wanted=ProductFilter(), limit=limit)


@pytest.mark.parametrize("wanted", [{"text": "x" * 81}, {"text": "\0"}, {"kind": "\0"}, {"shop": "\0"}])
def test_a_filter_out_of_bounds_is_refused(wanted: dict[str, str]) -> None:
    with pytest.raises(BadInput):
        queries.products(wanted=ProductFilter(**wanted))


WRONG = [
    ("kind", {"kind": "gift"}),
    ("delivery", {"delivery": "drone"}),
    ("currency", {"currency": "USD"}),
    ("price_minor", {"price_minor": 0}),
    ("price_minor", {"price_minor": -1}),
    ("price_minor", {"price_minor": 100_000_001}),
    ("title_zh", {"title_zh": " "}),
    ("title_zh", {"title_zh": "x" * 121}),
    ("title_en", {"title_en": "two\nlines"}),
    ("region", {"region": ""}),
    ("face_value", {"face_value": "\u202e100"}),
    ("description_zh", {"description_zh": "x" * 4001}),
]


@pytest.mark.parametrize(("name", "changes"), WRONG)
def test_a_product_out_of_bounds_is_refused(name: str, changes: dict[str, Any]) -> None:
    shop = new_shop()
    with pytest.raises(BadInput) as refusal:
        new_product(shop, **changes)
    assert list(refusal.value.fields) == [name]
    assert found(shop=shop.code) == []


WRONG_TERMS = [
    ("refund_window_minutes", 10079),
    ("refund_window_minutes", 5_256_001),
    ("warranty_minutes", 0),
    ("promise_minutes", 0),
    ("hold_minutes", 4),
    ("hold_minutes", 121),
    ("maximum_quantity", 0),
    ("maximum_quantity", 1001),
]


@pytest.mark.parametrize(("name", "value"), WRONG_TERMS)
def test_terms_unkinder_than_the_platform_are_refused(name: str, value: int) -> None:
    with pytest.raises(BadInput) as refusal:
        new_product(new_shop(), Terms(**{name: value}))  # type: ignore[arg-type]  # every one of them is a number
    assert list(refusal.value.fields) == [name]


def test_a_notice_is_given_in_both_languages() -> None:
    with pytest.raises(BadInput):
        new_product(new_shop(), Terms(notice_zh="只有中文"))


def test_the_database_refuses_the_same_terms(database: Database) -> None:
    number = new_product(new_shop())
    copy = (
        "INSERT INTO catalog_terms (shop_id, product_id, version, refund_window_minutes, warranty_minutes, promise_minutes, hold_minutes,"
        " maximum_quantity, published_at) SELECT terms.shop_id, product_id, 2, {}, {}, 5, {}, 20, published_at FROM catalog_terms AS terms"
        " JOIN catalog_product AS product ON product.shop_id = terms.shop_id AND product.id = product_id WHERE number = %s"
    )
    with database.as_owner() as owner:
        for values in ((10079, 10080, 15), (10080, 10079, 15), (10080, 10080, 4), (10080, 10080, 121)):
            with pytest.raises(psycopg.errors.CheckViolation):
                owner.execute(copy.format(*values).encode(), (number,))
        owner.execute(copy.format(10080, 10080, 15).encode(), (number,))


def test_published_terms_cannot_be_changed(database: Database) -> None:
    number = new_product(new_shop())
    with database.as_owner() as owner, pytest.raises(psycopg.errors.RestrictViolation):
        owner.execute("UPDATE catalog_terms SET hold_minutes = 120")
    assert queries.product(number=number).terms.hold_minutes == 15


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("code", {"code": "q"}),
        ("code", {"code": "1AB"}),
        ("name_zh", {"name_zh": ""}),
        ("commission_basis_points", {"commission_basis_points": 10001}),
    ],
)
def test_a_shop_out_of_bounds_is_refused(name: str, changes: dict[str, object]) -> None:
    with pytest.raises(BadInput) as refusal:
        new_shop(**changes)
    assert list(refusal.value.fields) == [name]


def test_a_shop_code_is_taken_once() -> None:
    shop = new_shop()
    with pytest.raises(ShopCodeTaken):
        new_shop(code=shop.code)


def test_only_a_shops_own_people_and_the_operator_list_products() -> None:
    shop, other = new_shop(), new_shop()
    for stranger in (other.owner, Actor(kind=ActorKind.BUYER, person_id=shop.owner.person_id)):
        with pytest.raises(NotPermitted):
            list_product(actor=stranger, shop_id=shop.id, product=product_values(), terms=Terms(), at=AT)
    assert list_product(actor=shop.owner, shop_id=shop.id, product=product_values(), terms=Terms(), at=AT)
    with pytest.raises(NotFound):
        list_product(actor=OPERATOR, shop_id=10**9, product=product_values(), terms=Terms(), at=AT)


def test_a_blocked_owner_lists_nothing(database: Database) -> None:
    shop = new_shop()
    with database.as_owner() as owner:
        owner.execute("UPDATE accounts_person SET is_active = false WHERE id = %s", (shop.owner.person_id,))
    with pytest.raises(NotPermitted):
        list_product(actor=shop.owner, shop_id=shop.id, product=product_values(), terms=Terms(), at=AT)
    assert rows("SELECT count(*) FROM catalog_product WHERE shop_id = %s", (shop.id,)) == [(0,)]
