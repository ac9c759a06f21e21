"""A shop's terms on the pages: finance sets them with a reason, the shop reads them, nobody else sees the form."""

from typing import Any

from tests.builders import a_buyer
from tests.flows.test_waterfall import settled
from tests.web.browser import browser
from tests.web.test_money import staff

from anka.funds.queries import terms

ASKED: dict[str, Any] = {"tier": "proven", "required": "500", "floor": "250.50", "hours": "24", "bearer": "merchant", "rate": "0.60"}


def test_finance_sets_terms_and_the_shop_reads_them_on_its_page() -> None:
    order = settled()
    page, desk = f"/platform/shops/{order.shop.code}/funds", browser(staff())
    assert desk.send(desk.form(desk.get(page), page), **ASKED, reason="卖得稳 <b>").status_code == 302
    found = terms(shop_id=order.shop.id)
    assert (found.required_minor, found.floor_minor, found.settle_minutes, found.fee_basis_points) == (50_000, 25_050, 1440, 60)
    shown = desk.get(page).content.decode()
    assert "卖得稳 &lt;b&gt;" in shown
    assert 'value="250.50"' in shown
    owner = browser(order.shop.owner)
    money = owner.get("/shop/money").content.decode()
    assert "卖得稳 &lt;b&gt;" in money
    assert "确认后 1 天" in money
    assert "0.60 %" in money
    assert "店铺（责任在店铺时）" in money
    told = owner.get("/notices").content.decode()
    assert "保证金低于下限" in told
    assert f'href="/shop/money?shop={order.shop.code}"' in told


def test_what_cannot_hold_is_refused_with_what_was_typed() -> None:
    order = settled()
    page, desk = f"/platform/shops/{order.shop.code}/funds", browser(staff())
    form = desk.form(desk.get(page), page)
    for wrong in (
        {"floor": "501"},
        {"hours": "721"},
        {"hours": "-1"},
        {"tier": "none"},
        {"rate": "2.01"},
        {"required": "x"},
        {"reason": " "},
    ):
        answer = desk.send(form, **{**ASKED, "reason": "as agreed", **wrong})
        assert answer.status_code == 422, wrong
        assert 'value="24"' in answer.content.decode() or "hours" in wrong
    assert terms(shop_id=order.shop.id).required_minor == 0


def test_nobody_else_sees_a_shops_terms() -> None:
    order = settled()
    page = f"/platform/shops/{order.shop.code}/funds"
    for stranger in (a_buyer(), staff("arbiter"), staff("agent"), order.shop.owner):
        assert browser(stranger).get(page).status_code == 404
    assert browser(staff()).get("/platform/shops/NONE/funds").status_code == 404
