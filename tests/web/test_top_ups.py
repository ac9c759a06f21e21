"""The pages of a wallet that is filled and emptied: everything works without script, is a person's own, and says what goes where."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import override_settings
from tests.builders import a_buyer, a_shop, at, balance, wallet
from tests.builders.top_ups import top_up as fill
from tests.web.browser import browser

from anka.adapters.channels.sandbox import SandboxChannel
from anka.adapters.channels.sandbox_keys import Mode
from anka.core import database
from anka.domain.top_ups import Purpose
from anka.flows.take_payment import PaidNotice
from anka.flows.take_top_up import take_top_up
from anka.jobs.channels import channels
from anka.payments.top_ups import latest_top_ups, returns_of, top_up


@pytest.fixture(autouse=True)
def _a_channel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    before, nowhere = dict(channels), "http://127.0.0.1:9"
    home: Path = tmp_path_factory.getbasetemp()
    own = SandboxChannel(mode=Mode.SANDBOX, home=home, base_url=nowhere, notify_url=f"{nowhere}/n")
    channels.clear()
    channels["sandbox"] = own
    yield
    own.close_connections()
    channels.clear()
    channels.update(before)


def taken(number: str) -> None:
    found = top_up(number=number)
    paid = PaidNotice(
        channel=found.channel,
        payment_number=number,
        transaction_number=f"W{number}",
        amount_minor=found.amount_minor,
        currency=found.currency,
    )
    take_top_up(paid=paid, at=at(9))


def test_a_wallet_is_filled_from_its_page() -> None:
    buyer = a_buyer()
    visitor = browser(buyer)
    assert 'href="/wallet/top-up"' in visitor.get("/wallet").content.decode()
    page = visitor.get("/wallet/top-up")
    answer = visitor.send(visitor.form(page, "/wallet/top-up"), amount="12.34", channel="sandbox")
    assert answer.status_code == 302
    again = visitor.send(visitor.form(page, "/wallet/top-up"), amount="12.34", channel="sandbox")
    assert again["Location"] == answer["Location"]
    number = answer["Location"].removeprefix("/top-ups/")
    assert top_up(number=number).amount_minor == 1_234
    open_page = visitor.get(answer["Location"])
    assert open_page.context["cashier_url"]
    assert open_page.context["refresh_seconds"]
    taken(number)
    done = visitor.get(answer["Location"])
    assert done.context["paid"]
    assert done.context["refresh_seconds"] is None
    assert wallet(buyer) == 1_234
    assert browser(a_buyer()).get(answer["Location"]).status_code == 404


@pytest.mark.parametrize("amount", ["0.99", "5000.01", "", "x", "-1"])
def test_what_cannot_be_paid_in_is_said_beside_what_was_typed(amount: str) -> None:
    visitor = browser(a_buyer())
    page = visitor.get("/wallet/top-up")
    answer = visitor.send(visitor.form(page, "/wallet/top-up"), amount=amount, channel="sandbox")
    assert answer.status_code == 422
    assert answer.context["typed"] == amount
    assert answer.context["notices"]


def test_unused_money_is_sent_back_from_the_page() -> None:
    buyer = a_buyer(wallet_minor=300)
    fill(buyer, 2_000)
    visitor = browser(buyer)
    page = visitor.get("/wallet/return")
    assert (page.context["returnable_minor"], page.context["otherwise_minor"]) == (2_000, 300)
    too_much = visitor.send(visitor.form(page, "/wallet/return"), amount="20.01")
    assert (too_much.status_code, wallet(buyer)) == (409, 2_300)
    form = visitor.form(page, "/wallet/return")
    answers = [visitor.send(form, amount="15") for _time in range(2)]
    assert {answer["Location"] for answer in answers} == {"/wallet?done=return"}
    assert wallet(buyer) == 800
    (sent,) = returns_of(person_id=buyer.person_id, limit=5)
    shown = visitor.get("/wallet?done=return")
    assert sent.number in shown.content.decode()
    assert shown.context["notices"]


def test_an_owner_pays_into_the_deposit_through_a_channel() -> None:
    shop = a_shop()
    visitor = browser(shop.owner)
    assert "/shop/money/deposit/top-up" in visitor.get("/shop/money").content.decode()
    page = visitor.get("/shop/money/deposit/top-up")
    answer = visitor.send(visitor.form(page, "/shop/money/deposit/top-up"), amount="8000", channel="sandbox")
    taken(answer["Location"].removeprefix("/top-ups/"))
    assert balance(f"merchant:{shop.id}:deposit", shop_id=shop.id) == 800_000
    assert visitor.get(answer["Location"]).context["is_deposit"]
    assert browser(a_buyer()).get("/shop/money/deposit/top-up").status_code == 404
    clerk = a_buyer()
    database.rows("INSERT INTO accounts_membership (shop_id, person_id, role) VALUES (%s, %s, 'clerk')", (shop.id, clerk.person_id))
    assert browser(clerk).get("/shop/money/deposit/top-up").status_code == 404


def test_where_an_institution_holds_the_money_nothing_is_filled() -> None:
    buyer, shop = a_buyer(), a_shop()
    with override_settings(FUNDS_MODE="psp_mirror"):
        assert 'href="/wallet/top-up"' not in browser(buyer).get("/wallet").content.decode()
        assert browser(buyer).get("/wallet/top-up").status_code == 409
        assert browser(shop.owner).get("/shop/money/deposit/top-up").status_code == 409
    assert latest_top_ups(shop_id=0, person_id=buyer.person_id, purpose=Purpose.WALLET, limit=1) == ()
