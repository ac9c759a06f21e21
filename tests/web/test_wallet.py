"""The wallet's page leads to its statement as a file, for who is signed in; where an institution holds the money no wallet is offered."""

from django.test import override_settings
from tests.builders import a_buyer, a_placed_order, at
from tests.web.browser import browser

FILE = "/api/v1/wallet/statement.csv"


def test_the_statement_is_saved_from_the_page() -> None:
    buyer = a_buyer(wallet_minor=500)
    visitor = browser(buyer)
    assert f'href="{FILE}"' in visitor.get("/wallet").content.decode()
    day = at().now.date().isoformat()
    answer = visitor.get(f"{FILE}?first_day={day}&last_day={day}")
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/csv; charset=utf-8")
    assert "psp:sandbox:clearing,5.00,5.00,CNY" in answer.content.decode()
    assert browser().get(FILE).status_code == 401


def test_the_cashier_offers_no_wallet_where_an_institution_holds_the_money() -> None:
    order = a_placed_order(when=at(4))
    visitor = browser(order.buyer)
    path = f"/orders/{order.number}/pay"
    assert 'value="wallet"' in visitor.get(path).content.decode()
    with override_settings(FUNDS_MODE="psp_mirror"):
        assert 'value="wallet"' not in visitor.get(path).content.decode()
