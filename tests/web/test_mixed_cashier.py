"""The cashier's box "use the wallet's balance": works without script, says how much comes from where, sets aside what it showed."""

from collections.abc import Iterator

import pytest
from django.test import override_settings
from tests.builders import a_placed_order, at, fill_wallet, wallet
from tests.web.browser import browser

from anka.adapters.channels.sandbox import SandboxChannel
from anka.adapters.channels.sandbox_keys import Mode
from anka.flows.steps.holds import held_minor
from anka.jobs.channels import channels


@pytest.fixture(autouse=True)
def _a_channel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    before, nowhere = dict(channels), "http://127.0.0.1:9"
    own = SandboxChannel(mode=Mode.SANDBOX, home=tmp_path_factory.getbasetemp(), base_url=nowhere, notify_url=f"{nowhere}/n")
    channels.clear()
    channels["sandbox"] = own
    yield
    own.close_connections()
    channels.clear()
    channels.update(before)


def test_a_part_is_set_aside_as_it_was_shown_and_put_back_when_the_box_is_cleared() -> None:
    order = a_placed_order(when=at(4))
    fill_wallet(order.buyer, 3_000)
    visitor, path = browser(order.buyer), f"/orders/{order.number}/pay"
    page = visitor.get(path)
    assert page.context["part"] == {"wallet_minor": 3_000, "rest_minor": 7_000, "chosen": False}
    fill_wallet(order.buyer, 500)
    visitor.send(visitor.form(page, path), channel="sandbox", use_wallet="yes")
    assert (held_minor(order.state), wallet(order.buyer)) == (3_000, 500)
    begun = visitor.get(path)
    assert (begun.context["pending"]["amount_minor"], begun.context["pending"]["held_minor"]) == (7_000, 3_000)
    assert begun.context["part"] == {"wallet_minor": 3_500, "rest_minor": 6_500, "chosen": True}
    held = visitor.get("/wallet")
    assert held.context["held_minor"] == 3_000
    visitor.send(visitor.form(begun, path), leaving_out=("use_wallet",), channel="sandbox")
    assert (held_minor(order.state), wallet(order.buyer)) == (0, 3_500)
    told = visitor.get(f"/orders/{order.number}").content.decode()
    assert "从钱包为本单预留" in told
    assert "已放回钱包" in told


@pytest.mark.parametrize("shown", ["x", "-1", "9" * 40, ""])
def test_nonsense_beside_the_box_sets_nothing_aside(shown: str) -> None:
    order = a_placed_order(when=at(4))
    fill_wallet(order.buyer, 3_000)
    visitor, path = browser(order.buyer), f"/orders/{order.number}/pay"
    answer = visitor.send(visitor.form(visitor.get(path), path), channel="sandbox", use_wallet="yes", wallet_minor=shown)
    assert answer.status_code in (400, 422)
    assert held_minor(order.state) == 0


def test_the_box_is_not_there_where_it_makes_no_sense() -> None:
    order = a_placed_order(when=at(4))
    visitor, path = browser(order.buyer), f"/orders/{order.number}/pay"
    assert visitor.get(path).context["part"] is None
    fill_wallet(order.buyer, 9_999)
    with override_settings(FUNDS_MODE="psp_mirror"):
        assert visitor.get(path).context["part"] is None
    fill_wallet(order.buyer, 1)
    assert visitor.get(path).context["part"] is None
