"""A shop's own money over the API: terms, the deposit's release, statements; and who is refused."""

from anka.core import database
from anka.domain.liability import Position
from anka.flows.pay_deposit_from_balance import pay_deposit_from_balance
from tests.api.client import Client
from tests.api.people import a_staff_member, merchant_of
from tests.builders import Order, a_key, at
from tests.flows.test_waterfall import PART, has, settled

TERMS = {"tier": "new", "reason": "Sells accounts soon.", "required_minor": 3000, "floor_minor": 1000, "fee_bearer": "merchant"}


def owner_of(order: Order) -> Client:
    return merchant_of(order.product)


def test_finance_sets_terms_and_the_shop_reads_them_with_their_reason() -> None:
    order = settled()
    owner, finance, code = owner_of(order), a_staff_member("finance"), order.shop.code
    given = finance.post("/funds/terms", {"shop": code, **TERMS})
    assert (given.status, given.json["floor_minor"], given.json["fee_bearer"]) == (200, 1000, "merchant")
    read = owner.call("GET", "/api/v1/funds/terms").json
    assert (read["tier"], read["required_minor"], read["fee_basis_points"]) == ("new", 3000, 60)
    assert [change["reason"] for change in read["changes"]] == ["Sells accounts soon."]
    assert finance.call("GET", f"/api/v1/funds/terms?shop={code}").json == read
    told = owner.call("GET", "/api/v1/notices").json["items"]
    assert [notice["kind"] for notice in told][:2] == ["deposit_low", "funds_terms_set"]


def test_terms_are_set_by_finance_only_with_a_reason_and_within_bounds() -> None:
    order = settled()
    code = order.shop.code
    for stranger in (owner_of(order), a_staff_member("agent"), a_staff_member("arbiter")):
        assert stranger.post("/funds/terms", {"shop": code, **TERMS}).status == 404
    finance = a_staff_member("admin")
    for wrong in ({"reason": ""}, {"reason": " "}, {"settle_minutes": 43_201}, {"floor_minor": 3001}, {"fee_basis_points": 201}):
        assert finance.post("/funds/terms", {"shop": code, **TERMS, **wrong}).status == 422
    assert owner_of(order).call("GET", f"/api/v1/funds/terms?shop={code}").json["changes"] == []
    assert a_staff_member("arbiter").call("GET", f"/api/v1/funds/terms?shop={code}").status == 404


def test_the_deposit_comes_back_when_the_shop_has_closed() -> None:
    order = settled()
    owner, shop = owner_of(order), order.shop
    assert owner.post("/deposit/release", {}).json["code"] == "shop_still_open"
    pay_deposit_from_balance(actor=shop.owner, shop_id=shop.id, amount_minor=4000, request=a_key(shop.owner), at=at(days=5))
    database.rows("UPDATE accounts_shop SET is_open = false WHERE id = %s", (shop.id,))
    # The order is years old by the clock of the API: no warranty binds the deposit any more.
    back = owner.post("/deposit/release", {"shop": shop.code})
    assert (back.status, back.json["deposit_minor"], has(order)) == (200, 0, Position(available=PART))
    assert owner.post("/deposit/release", {"shop": shop.code}).json["code"] == "no_deposit"


def test_a_statement_opens_and_closes_with_what_there_was_and_is() -> None:
    order = settled()
    owner, days = owner_of(order), f"first_day={at().now:%Y-%m-%d}&last_day={at(days=9).now:%Y-%m-%d}"
    read = owner.call("GET", f"/api/v1/funds/statement?place=available&{days}").json
    assert (read["opening_minor"], read["closing_minor"], [line["kind"] for line in read["items"]]) == (0, PART, ["settled"])
    pending = owner.call("GET", f"/api/v1/funds/statement?place=pending&{days}").json
    assert [line["change_minor"] for line in pending["items"]] == [PART, -PART]
    file = owner.call("GET", f"/api/v1/funds/statement.csv?{days}")
    assert file.status == 200
    assert b"closing_balance" in file.body
    assert b"95.00" in file.body
    assert owner.call("GET", "/api/v1/funds/statement?place=elsewhere").status == 422
    assert owner.call("GET", "/api/v1/funds/statement?shop=NONE").status == 404
