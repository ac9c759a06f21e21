"""The buyer's cashier page: every way to pay with its name and how fast a refund comes back, and a code only where a phone is elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.builders import Order, a_key, a_placed_order, at
from tests.web.browser import Browser, browser

from anka.adapters.channels import configured
from anka.adapters.channels.sandbox import SandboxChannel
from anka.adapters.channels.sandbox_keys import Mode
from anka.jobs import payments
from anka.jobs.channels import WALLET, channels
from anka.web import words

PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Mobile/15E148 Safari/604.1"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keys are slow to make: once for all."""
    return tmp_path_factory.mktemp("channels")


@pytest.fixture(autouse=True)
def _all_channels(home: Path) -> Iterator[None]:
    before = dict(channels)
    nowhere = "http://127.0.0.1:9"
    own = SandboxChannel(mode=Mode.SANDBOX, home=home, base_url=nowhere, notify_url=f"{nowhere}/n")
    found, wrong = configured.sandbox_channels(codes=configured.KINDS, home=home, gateway_url=nowhere, base_url=nowhere)
    assert wrong == {}
    channels.clear()
    channels.update({"sandbox": own, **found})
    yield
    own.close_connections()
    for channel in found.values():
        channel.close_connections()
    channels.clear()
    channels.update(before)


def a_visit() -> tuple[Browser, Order, str]:
    order = a_placed_order(when=at(4))
    return browser(order.buyer), order, f"/orders/{order.number}/pay"


def begun(order: Order, channel: str) -> None:
    payments.begin(actor=order.buyer, order_number=order.number, channel=channel, request=a_key(order.buyer), at=at(5))


def test_every_way_to_pay_has_a_name_and_says_how_a_refund_comes_back() -> None:
    visitor, _order, path = a_visit()
    answer = visitor.get(path)
    shown = answer.context["channels"]
    assert [way["code"] for way in shown] == [*channels, WALLET]
    assert all(way["name"] != way["code"] for way in shown)
    assert all(words.expected(channel_code=way["code"], accepted_at=at(5).now) in way["hint"] for way in shown[:-1])
    # One is chosen, and it is one that can be used: an empty wallet cannot.
    assert [way["code"] for way in shown if way["chosen"]] == ["sandbox"]
    assert not shown[-1]["available"]
    assert len(answer.content) < 60_000


def test_a_code_is_shown_at_a_desk_and_not_on_the_phone_that_would_scan_it() -> None:
    visitor, order, path = a_visit()
    begun(order, "sandbox")
    assert 'class="qr"' in visitor.get(path).content.decode()
    on_the_phone = visitor.get(path, **{"User-Agent": PHONE})
    assert 'class="qr"' not in on_the_phone.content.decode()
    assert on_the_phone.context["pending"]["cashier_url"]


def test_whoever_chooses_again_with_the_same_page_gets_what_they_chose() -> None:
    visitor, order, path = a_visit()
    form = visitor.form(visitor.get(path), path)
    for channel in ("sandbox", "epay", "sandbox"):
        assert visitor.send(form, channel=channel)["Location"] == path
    assert sorted(payment.channel for payment in order.state.payments) == ["epay", "sandbox"]


def test_a_channel_that_does_not_answer_charges_nobody_and_says_so() -> None:
    visitor, order, path = a_visit()
    form = visitor.form(visitor.get(path), path)
    refused = visitor.send(form, channel="wechat")
    assert refused.status_code == 502
    assert "没有扣款" in refused.content.decode()
    assert (order.stages, order.escrow) == (["reserved"], 0)
    # What never opened is not shown as waiting, and other ways are still there.
    again = visitor.get(path)
    assert again.context["pending"] is None
    assert "wechat" in [way["code"] for way in again.context["channels"]]
    assert visitor.send(form, channel="sandbox")["Location"] == path
