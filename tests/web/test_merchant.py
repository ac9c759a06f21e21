"""The merchants' pages: what waits is shown with what happens when nobody moves, every step works without script, and only for the shop."""

from __future__ import annotations

import re

import pytest
from tests.builders import Order, a_buyer, a_paid_order, a_product, a_revealed_order, a_sealed_order, a_shop, at, serial
from tests.builders.cases import Case, a_case
from tests.web.browser import Answer, Browser, browser
from tests.web.conftest import SetClock

from anka.catalog.models import Terms
from anka.core import database
from anka.core.actors import Actor

HOSTILE = "<script>alert(1)</script>"


def a_manual_order(*, quantity: int = 1, promise_minutes: int = 120) -> Order:
    product = a_product(stock=0, delivery="manual", terms=Terms(promise_minutes=promise_minutes))
    return a_paid_order(product=product, quantity=quantity)


def at_the_shop(order: Order) -> Browser:
    return browser(order.shop.owner)


def text_of(answer: Answer) -> str:
    page = re.sub(r"<svg.*?</svg>", "", answer.content.decode(), flags=re.DOTALL)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def keys(count: int) -> tuple[str, ...]:
    return tuple(f"HAND-{serial():08d}" for _each in range(count))


def looked_over(visitor: Browser, order: Order, secrets: tuple[str, ...]) -> Answer:
    page = visitor.get(f"/shop/orders/{order.number}/deliver")
    form = visitor.form(page, f"/shop/orders/{order.number}/deliver")
    return visitor.send(form, keys="\r\n".join(secrets))


def test_the_workbench_sorts_by_when_the_time_is_over_and_says_what_happens() -> None:
    order = a_manual_order()
    visitor = at_the_shop(order)
    page = text_of(visitor.get("/shop"))
    assert "超过该时间计为违约" in page or "计为违约" in page
    assert "接单" in page
    assert "¥ 100 .00" in page or "¥" in page


def test_the_workbench_of_a_shop_with_nothing_to_do_says_so() -> None:
    shop = a_shop()
    page = text_of(browser(shop.owner).get("/shop"))
    assert "没有等你处理的事" in page


def test_a_case_stands_in_the_workbench_with_its_consequence_and_the_buyers_words() -> None:
    case = a_case()
    answer = at_the_shop(case.order).get("/shop")
    page = text_of(answer)
    assert "卡密无效" in page
    assert f"/shop/cases/{case.number}/agree" in answer.content.decode()


@pytest.mark.parametrize("tab", ["waiting", "deliver", "cases", "closed", "orders"])
def test_every_list_can_be_looked_at(tab: str) -> None:
    case = a_case()
    answer = at_the_shop(case.order).get(f"/shop?tab={tab}")
    assert answer.status_code == 200


@pytest.mark.parametrize("query", ["tab=x", "after=x", "after=2026-01-01T00:00:00~QM-1", "after=~"])
def test_nonsense_in_the_address_is_refused(query: str) -> None:
    assert browser(a_shop().owner).get(f"/shop?{query}").status_code == 422
