"""Withdrawing money on the pages: the owner sees what moves before it does, finance carries it through, nobody else sees a thing."""

from django.test import override_settings
from tests.builders import Order, a_buyer, a_shop
from tests.flows.test_funds import enrich
from tests.flows.test_waterfall import PART, settled
from tests.web.browser import browser
from tests.web.test_money import staff

from anka.core.actors import Actor
from anka.domain.liability import Position
from anka.funds.queries import position, withdrawals_of

PAGE, QUEUE = "/shop/money", "/platform/withdrawals"


def owner_of(order: Order) -> Actor:
    return order.shop.owner


def has(order: Order) -> Position:
    return position(shop_id=order.shop.id, currency="CNY")


def asked(order: Order, amount: str = "50.00") -> str:
    """Ask for a withdrawal on the pages and return its number."""
    owner = browser(owner_of(order))
    review = owner.send(owner.form(owner.get(PAGE), f"{PAGE}/withdraw"), amount=amount, account="6222 0000 1234 5678")
    assert review.status_code == 200
    text = review.content.decode()
    assert "•••• 5678" in text
    assert "6222" not in text.replace("6222 0000 1234 5678", "")
    assert has(order).withdrawing == 0, "looking moves nothing"
    told = owner.send(owner.form(review, f"{PAGE}/withdraw"), confirmed="1", follow=True).content.decode()
    assert "已提交申请" in told, told[told.index("<main") :][:1500]
    return withdrawals_of(shop_id=order.shop.id)[0].number


def test_a_withdrawal_from_the_owners_form_to_the_banks_number() -> None:
    order = settled()
    number, desk = asked(order), browser(staff())
    for step in ("approve", "begin"):
        page = desk.get(QUEUE)
        assert page.status_code == 200
        assert desk.send(desk.form(page, f"{QUEUE}/{number}/{step}")).status_code == 302
    assert desk.send(desk.form(desk.get(QUEUE), f"{QUEUE}/{number}/paid"), text="ICBC-77").status_code == 302
    assert has(order) == Position(available=PART - 5000)
    assert "ICBC-77" in browser(owner_of(order)).get(PAGE).content.decode()
    assert "ICBC-77" in desk.get(f"{QUEUE}?tab=ended").content.decode()


def test_what_cannot_be_withdrawn_is_refused_on_the_page_with_what_was_typed() -> None:
    order = settled()
    owner = browser(owner_of(order))
    form = owner.form(owner.get(PAGE), f"{PAGE}/withdraw")
    for amount, account in (("x", "6222000012345678"), ("50", "12"), ("0.01", "6222000012345678")):
        answer = owner.send(form, amount=amount, account=account)
        assert answer.status_code == 422
        assert f'value="{account}"' in answer.content.decode()
    review = owner.send(form, amount="99999", account="6222000012345678")
    refused = owner.send(owner.form(review, f"{PAGE}/withdraw"), confirmed="1")
    assert refused.status_code == 409
    assert has(order) == Position(available=PART)


def test_where_an_institution_holds_deposits_the_page_has_none() -> None:
    owner = browser(owner_of(settled()))
    assert "保证金" in owner.get(PAGE).content.decode()
    with override_settings(FUNDS_MODE="psp_mirror"):
        found = owner.get(PAGE).content.decode()
        assert f'action="{PAGE}/withdraw"' in found
        assert f'action="{PAGE}/deposit"' not in found
        assert "当前保证金低于" not in found


def test_the_deposit_is_topped_up_by_one_form() -> None:
    order = settled()
    owner = browser(owner_of(order))
    told = owner.send(owner.form(owner.get(PAGE), f"{PAGE}/deposit"), amount="20", follow=True).content.decode()
    assert "已转入保证金" in told
    assert has(order) == Position(available=PART - 2000, deposit=2000)
    still_open = owner.send(owner.form(owner.get(PAGE), f"{PAGE}/release"))
    assert still_open.status_code == 409


def test_much_money_shows_whose_turn_it_is() -> None:
    order = settled()
    enrich(order, 600_000)
    number, first, second = asked(order, "5000.00"), browser(staff()), browser(staff())
    first.send(first.form(first.get(QUEUE), f"{QUEUE}/{number}/approve"))
    assert f"{QUEUE}/{number}/approve" not in first.get(QUEUE).content.decode()
    assert second.send(second.form(second.get(QUEUE), f"{QUEUE}/{number}/approve")).status_code == 302
    assert withdrawals_of(shop_id=order.shop.id)[0].status == "approved"


def test_nobody_else_sees_the_queue_or_moves_the_shops_money() -> None:
    order = settled()
    for stranger in (a_buyer(), staff("arbiter"), staff("agent"), owner_of(order)):
        assert browser(stranger).get(QUEUE).status_code == 404
    owner = browser(owner_of(order))
    form = owner.form(owner.get(PAGE), f"{PAGE}/deposit")
    form.action = f"{PAGE}/deposit?shop={a_shop().code}"
    assert owner.send(form, amount="20").status_code == 404
    assert browser().get(QUEUE).status_code in (302, 401)
