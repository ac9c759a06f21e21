"""Where an institution keeps the money, the wallet is neither a way to pay nor a place for refunds; where we do, it is both."""

import pytest
from django.conf import settings
from django.test import override_settings

from anka.config.environment import EnvironmentNotUsable, read
from anka.domain.funds_mode import Doing, FundsMode
from anka.flows.pay_from_wallet import pay_from_wallet
from anka.flows.steps.plan_money_back import plan_legs
from anka.ledger import mode
from anka.ledger.mode import NotOursToHold
from tests import builders
from tests.builders import a_key, at

PRICE = 10_000
mirrored = override_settings(FUNDS_MODE="psp_mirror")


def test_an_installation_holds_the_money_itself_unless_it_says_otherwise() -> None:
    assert settings.FUNDS_MODE == mode.funds_mode() == FundsMode.SELF_HELD
    assert read({"ANKA_SANDBOX": "1"}).funds_mode == FundsMode.SELF_HELD
    assert read({"ANKA_SANDBOX": "1", "ANKA_FUNDS_MODE": "psp_mirror"}).funds_mode == FundsMode.PSP_MIRROR
    with pytest.raises(EnvironmentNotUsable, match="ANKA_FUNDS_MODE must be self_held or psp_mirror; nothing was started"):
        read({"ANKA_SANDBOX": "1", "ANKA_FUNDS_MODE": "mirror"})


@pytest.mark.parametrize("doing", list(Doing))
def test_what_is_not_offered_is_refused(doing: Doing) -> None:
    mode.require(doing=doing)
    with mirrored, pytest.raises(NotOursToHold):
        mode.require(doing=doing)


def test_a_wallet_does_not_pay_where_we_hold_no_money() -> None:
    buyer = builders.a_buyer(wallet_minor=PRICE)
    order = builders.a_placed_order(buyer=buyer)
    with mirrored, pytest.raises(NotOursToHold):
        pay_from_wallet(actor=buyer, order_number=order.number, request=a_key(buyer), at=at(1))
    assert (builders.wallet(buyer), order.stages) == (PRICE, ["reserved"])
    pay_from_wallet(actor=buyer, order_number=order.number, request=a_key(buyer), at=at(1))
    assert builders.wallet(buyer) == 0


def test_no_refund_goes_to_a_wallet_where_we_hold_no_money_and_the_way_it_came_stays_open() -> None:
    order = builders.a_paid_order()
    with mirrored:
        with pytest.raises(NotOursToHold):
            plan_legs(state=order.state, amounts=[100], refund_to="wallet", at=at(5))
        ((leg,),) = plan_legs(state=order.state, amounts=[100], refund_to="original", at=at(5))
        assert (leg.channel, leg.amount_minor) == ("sandbox", 100)
    ((leg,),) = plan_legs(state=order.state, amounts=[100], refund_to="wallet", at=at(5))
    assert leg.channel == "wallet"


def test_what_was_paid_from_a_wallet_still_goes_back_there() -> None:
    order = builders.an_order_paid_from_wallet()
    with mirrored:
        ((leg,),) = plan_legs(state=order.state, amounts=[100], refund_to="original", at=at(5))
    assert leg.channel == "wallet"
