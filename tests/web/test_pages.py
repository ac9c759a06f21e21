"""Every page, with real data, at every point of an order's life, in both languages."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.builders import (
    Order,
    a_buyer,
    a_cancelled_order,
    a_key,
    a_paid_order,
    a_placed_order,
    a_product,
    a_revealed_order,
    a_sealed_order,
    an_order_paid_from_wallet,
    at,
    fill_wallet,
)
from tests.web.browser import browser
from tests.web.conftest import SetClock

from anka.cases.queries import dossier
from anka.flows.confirm_order import confirm_order
from anka.flows.expire_unpaid import expire_unpaid
from anka.flows.settle_order import settle_order
from anka.flows.steps.judge import Claim
from anka.jobs import keys
from anka.policies import words as policy_words
from anka.web import case_words, dispute_words, refund_words, words

ANKA = Path(__file__).parents[2] / "src" / "anka"
PUBLIC = ("/", "/?q=x", "/rules", "/sign-in", "/register", "/robots.txt", "/api/v1/docs")
TABS = ("/orders?tab=refunds", "/orders?tab=x")


def a_timed_out_order() -> Order:
    order = a_placed_order(when=at(-60))
    expire_unpaid(at=at(0))
    return order


def a_confirmed_order() -> Order:
    order = a_revealed_order()
    confirm_order(actor=order.buyer, order_number=order.number, positions=None, request=a_key(order.buyer), at=at(5))
    return order


def a_settled_order() -> Order:
    order = a_confirmed_order()
    settle_order(order_number=order.number, at=at(days=3))
    return order


def a_partly_cancelled_order() -> Order:
    order = a_sealed_order(quantity=3)
    order.reveal(2)
    order.cancel(Claim(reason="NO_LONGER_NEEDED", positions=(3,)))
    return order


LIVES: dict[str, Callable[[], Order]] = {
    "placed": a_placed_order,
    "timed out": a_timed_out_order,
    "paid": a_paid_order,
    "sealed": lambda: a_sealed_order(quantity=2),
    "revealed": a_revealed_order,
    "cancelled": a_cancelled_order,
    "partly cancelled": a_partly_cancelled_order,
    "confirmed": a_confirmed_order,
    "settled": a_settled_order,
}


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize("life", LIVES)
def test_an_order_is_shown_at_every_point_of_its_life(life: str, language: str) -> None:
    order = LIVES[life]()
    visitor = browser(order.buyer)
    answer = visitor.get(f"/orders/{order.number}", accept_language=language)
    assert answer.status_code == 200
    page = answer.content.decode()
    assert order.number in page
    assert ("订单" in page) is (language == "zh-CN")
    for path in ("/orders", f"/orders/{order.number}/cancel"):
        assert visitor.get(path, accept_language=language).status_code in (200, 409)


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_the_other_pages_are_shown(language: str) -> None:
    order = a_cancelled_order()
    visitor, anybody = browser(order.buyer), browser()
    refund = dossier(state=order.state).refunds[0]
    unpaid = a_placed_order(buyer=order.buyer, when=at(4))
    for path in (
        f"/refunds/{refund.number}",
        "/wallet",
        "/sign-out",
        f"/orders/{unpaid.number}/pay",
        "/orders?tab=refunds",
        "/orders?tab=x",
    ):
        assert visitor.get(path, accept_language=language).status_code == 200, path
    product = a_product()
    for path in (
        "/",
        f"/?q={product.number}",
        f"/products/{product.number}",
        "/rules",
        "/sign-in",
        "/register",
        "/robots.txt",
        "/api/v1/docs",
    ):
        assert anybody.get(path, accept_language=language).status_code == 200, path


def test_the_wallet_counts_back_from_its_balance_over_pages() -> None:
    order = an_order_paid_from_wallet()
    for _top_up in range(31):
        fill_wallet(order.buyer, 100)
    visitor = browser(order.buyer)
    first = visitor.get("/wallet")
    lines = first.context["lines"]
    assert lines[0]["balance_minor"] == first.context["balance_minor"] == 3100
    last = visitor.get(first.context["next_url"]).context["lines"]
    assert last[-1]["balance_minor"] == last[-1]["amount_minor"] == order.product.price_minor
    assert last[-2]["balance_minor"] == 0
    assert visitor.get(first.context["next_url"] + "x").status_code == 422
    assert browser(a_buyer()).get(first.context["next_url"]).status_code == 422


def test_orders_are_shown_page_by_page_and_tabs_count() -> None:
    product, buyer = a_product(stock=22), a_buyer()
    numbers = [a_placed_order(product=product, buyer=buyer, when=at(minute / 10)).number for minute in range(22)]
    visitor = browser(buyer)
    first = visitor.get("/orders?tab=unpaid")
    second = visitor.get(first.context["next_url"])
    shown = [order["url"] for page in (first, second) for order in page.context["orders"]]
    assert shown == [f"/orders/{number}" for number in reversed(numbers)]
    assert [tab["count"] for tab in first.context["tabs"]] == [22, 22, 0, 0, 0]
    assert visitor.get("/orders?after=nonsense").status_code == 422


def test_every_event_has_words() -> None:
    source = "\n".join(path.read_text(encoding="utf-8") for path in [*ANKA.glob("flows/**/*.py"), *ANKA.glob("*/sql/functions/*.sql")])
    named = set(re.findall(r'what="([a-z_]+)"|_event\("([a-z_]+)"|in_actor, \'([a-z_]+)\',|\'actor\', \'([a-z_]+)\'', source))
    events = {name for names in named for name in names if name} - {"what"}
    assert len(events) > 12
    # What a party says in a case is no event of its own; it has a verb.
    said = (words.EVENTS, case_words.EVENTS, case_words.SAID, policy_words.EVENTS, refund_words.EVENTS, dispute_words.EVENTS)
    # Steps of a shop's funds and of a difference stand on pages of their own, not in an order's timeline.
    elsewhere = {name for name in events if name.startswith(("withdrawal_", "deposit_"))} | {"terms_set", "corrected", "found_again"}
    assert events - elsewhere - set().union(*said) == set()


def test_the_parts_of_the_money_add_up() -> None:
    for life in (a_partly_cancelled_order, a_confirmed_order, a_sealed_order, a_cancelled_order):
        order = life()
        lines = browser(order.buyer).get(f"/orders/{order.number}").context["money_lines"]
        assert lines[0]["amount_minor"] == sum(line["amount_minor"] for line in lines[1:])


def test_pages_and_the_api_say_the_same_may_be_done() -> None:
    order = a_partly_cancelled_order()
    visitor = browser(order.buyer)
    may = visitor.get(f"/api/v1/orders/{order.number}").json()["actions"]
    units = visitor.get(f"/orders/{order.number}").context["units"]
    reveal = {action["unit"]: action["allowed"] for action in may if action["name"] == "reveal"}
    assert {f"{order.number}-{unit['position']}": unit["can_reveal"] for unit in units} == reveal


def test_an_unpaid_order_whose_time_is_over_offers_no_payment(set_clock: SetClock) -> None:
    order = a_placed_order()
    set_clock(at(16))
    visitor = browser(order.buyer)
    assert f"/orders/{order.number}/pay" not in visitor.get(f"/orders/{order.number}").content.decode()
    assert visitor.get(f"/orders/{order.number}/pay")["Location"] == f"/orders/{order.number}"


def test_a_fault_of_ours_shows_a_reference_and_nothing_else(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    order = a_sealed_order()
    visitor = browser(order.buyer)
    form = visitor.form(visitor.get(f"/orders/{order.number}"), f"/orders/{order.number}/units/1/reveal")
    visitor.client.raise_request_exception = False
    monkeypatch.setattr(keys, "keyring", keys._not_wired)
    answer = visitor.send(form)
    assert answer.status_code == 500
    reference = answer.context["problem"]["reference"]
    assert reference in caplog.text
    assert "Traceback" not in answer.content.decode()
    assert order.stages == ["sealed"]


def test_money_on_its_way_back_is_not_called_goods_on_their_way() -> None:
    order = a_cancelled_order()
    number = dossier(state=order.state).refunds[0].number
    shown = browser(order.buyer).get(f"/refunds/{number}").content.decode()
    assert "退款中" in shown
    assert "发货中" not in shown
