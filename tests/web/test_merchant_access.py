"""Only people of the shop see its pages: another shop's order or case is exactly a missing one; forged forms do nothing."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from tests.builders import a_buyer, a_paid_order, a_product, a_revealed_order, a_shop, at, stock_up
from tests.builders.cases import a_case, an_arbiter
from tests.builders.goods import Product
from tests.web.browser import Answer, Browser, browser
from tests.web.test_merchant import HOSTILE, a_manual_order, at_the_shop, looked_over

from anka.catalog.models import NewProduct, Terms
from anka.core import database
from anka.core.actors import Actor
from anka.flows.list_product import list_product
from anka.flows.steps.judge import Claim

MISSING = "0" * 13


def without_tokens(answer: Answer, *numbers: str) -> str:
    page = re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"', "", answer.content.decode())
    for number in numbers:
        page = page.replace(number, "")
    return page


@pytest.mark.parametrize(
    "path", ["/shop/orders/{order}", "/shop/orders/{order}/deliver", "/shop/orders/{order}/refund", "/shop/cases/{case}"]
)
def test_another_shops_things_are_exactly_missing(path: str) -> None:
    case, visitor = a_case(), browser(a_shop().owner)
    code = case.order.shop.code
    theirs = visitor.get(path.format(order=case.order.number, case=case.number))
    nobodys = visitor.get(path.format(order=f"{code}-{MISSING}", case=f"{code}-C{MISSING}"))
    assert theirs.status_code == nobodys.status_code == 404
    ours = at_the_shop(case.order).get(path.format(order=case.order.number, case=case.number))
    assert ours.status_code in (200, 409)
    assert without_tokens(theirs, case.order.number, case.number) == without_tokens(nobodys, f"{code}-{MISSING}", f"{code}-C{MISSING}")


@pytest.mark.parametrize("path", ["/shop", "/shop/money", "/shop/orders/{order}", "/shop/cases/{case}"])
@pytest.mark.parametrize("who", ["buyer", "arbiter", "stranger"])
def test_to_everybody_else_the_pages_do_not_exist(path: str, who: str) -> None:
    case = a_case()
    people: dict[str, Callable[[], Actor]] = {"buyer": lambda: case.order.buyer, "arbiter": an_arbiter, "stranger": a_buyer}
    visitor = browser(people[who]())
    assert visitor.get(path.format(order=case.order.number, case=case.number)).status_code == 404


def test_another_shop_named_in_the_address_is_missing() -> None:
    visitor = browser(a_shop().owner)
    assert visitor.get(f"/shop?shop={a_shop().code}").status_code == 404
    assert visitor.get(f"/shop/money?shop={a_shop().code}").status_code == 404


@pytest.mark.parametrize("path", ["/shop", "/shop/money", "/shop/orders/QM-0000000000000"])
def test_a_visitor_is_sent_to_sign_in_and_back(path: str) -> None:
    assert browser().get(path)["Location"].startswith("/sign-in?next=%2Fshop")


def test_another_shops_forms_do_nothing() -> None:
    order, case = a_manual_order(), a_case()
    stranger = browser(a_shop().owner)
    token = stranger.form(stranger.get("/shop"), "/language").value("csrfmiddlewaretoken")
    for owner, action in (
        (at_the_shop(order), f"/shop/orders/{order.number}/accept"),
        (at_the_shop(case.order), f"/shop/cases/{case.number}/agree"),
    ):
        form = owner.form(owner.get("/shop"), action)
        assert stranger.send(form, csrfmiddlewaretoken=token).status_code == 404
    review = at_the_shop(order)
    form = review.form(looked_over(review, order, ("STOLEN-1",)), f"/shop/orders/{order.number}/deliver")
    assert stranger.send(form, csrfmiddlewaretoken=token).status_code == 404
    assert (order.stages, case.status) == (["queued"], "merchant_turn")


def test_forms_without_proof_or_key_do_nothing() -> None:
    order = a_manual_order()
    visitor = at_the_shop(order)
    form = visitor.form(visitor.get("/shop"), f"/shop/orders/{order.number}/accept")
    assert visitor.send(form, leaving_out=("csrfmiddlewaretoken",)).status_code == 403
    assert visitor.send(form, leaving_out=("idempotency_key",)).status_code == 422
    assert order.stages == ["queued"]
    assert visitor.get(f"/shop/orders/{order.number}/accept").status_code == 405


def test_an_unknown_step_is_missing() -> None:
    case = a_case()
    visitor = at_the_shop(case.order)
    form = visitor.form(visitor.get("/shop"), f"/shop/cases/{case.number}/agree")
    form.action = f"/shop/cases/{case.number}/rule"
    assert visitor.send(form).status_code == 404


def a_hostile_product() -> Product:
    shop = a_shop()
    described = NewProduct(
        kind="card_key",
        delivery="auto",
        title_zh=HOSTILE,
        title_en=HOSTILE,
        face_value=HOSTILE,
        region="CN",
        price_minor=10000,
    )
    number = list_product(actor=shop.owner, shop_id=shop.id, product=described, terms=Terms(), at=at())
    product = Product(number=number, shop=shop, price_minor=10000, secrets=())
    stock_up(product, (f"HOSTILE-{number}",))
    return product


def test_what_people_wrote_is_shown_as_text() -> None:
    order = a_revealed_order(product=a_hostile_product())
    case = a_case(order, claim=Claim(reason="KEY_INVALID", ask_minor=4000, statement=HOSTILE, evidence=(("OTHER", HOSTILE),)))
    visitor = at_the_shop(order)
    for path in ("/shop", "/shop?tab=orders", f"/shop/orders/{order.number}", f"/shop/cases/{case.number}"):
        page = visitor.get(path).content.decode()
        assert HOSTILE not in page, path
        assert "&lt;script&gt;" in page, path


def reads_of(visitor: Browser, path: str) -> int:
    made: list[str] = []

    def watch(moment: str, sql: str) -> None:
        if moment == "statement":
            made.append(sql)

    database.watchers.append(watch)
    try:
        assert visitor.get(path).status_code == 200
    finally:
        database.watchers.remove(watch)
    return len(made)


def test_a_longer_list_takes_no_more_reads() -> None:
    shop = a_shop()
    product = a_product(shop=shop, stock=0, delivery="manual", terms=Terms(promise_minutes=120))
    first, case = a_paid_order(product=product), a_case(a_revealed_order(product=a_product(shop=shop)))
    paths = ("/shop", "/shop?tab=cases", "/shop?tab=orders", "/shop/money", f"/shop/orders/{first.number}", f"/shop/cases/{case.number}")
    visitor = browser(shop.owner)
    few = [reads_of(visitor, path) for path in paths]
    for _each in range(4):
        a_paid_order(product=product)
        a_case(a_revealed_order(product=a_product(shop=shop)))
    assert [reads_of(visitor, path) for path in paths] == few
    assert max(few) <= 10, few


def test_people_of_a_shop_find_the_workbench_and_nobody_else() -> None:
    order = a_manual_order()
    for path in ("/", "/orders"):
        assert 'href="/shop"' in at_the_shop(order).get(path).content.decode()
        assert 'href="/shop"' not in browser(order.buyer).get(path).content.decode()
        assert 'href="/shop"' not in browser().get("/").content.decode()
