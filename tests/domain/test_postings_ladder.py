"""What ends a leg of a refund without its channel: a person at our bank, or the buyer's bank after a lost chargeback."""

from typing import Any

import pytest

from anka.domain.chart import UnknownAccount
from anka.domain.money import BadAmount
from anka.domain.postings import Journal, Transfer
from anka.domain.postings_ladder import bounced, done_by_bank, done_by_hand, returned

LEG: dict[str, Any] = {"shop_id": 7, "leg": ("R1", 2)}


@pytest.mark.parametrize(("reversals", "key"), [(0, "refund:R1:2:done"), (1, "refund:R1:2:done:1"), (2, "refund:R1:2:done:2")])
def test_what_was_owed_into_the_wallet_a_lost_chargeback_takes_at_the_channel_of_the_payment(reversals: int, key: str) -> None:
    (journal,) = done_by_bank(**LEG, channels=("wallet", "stripe"), amount_minor=5, reversals=reversals)
    assert journal == Journal(7, key, "refund_done_by_bank", (Transfer("refund_payable:wallet", "dispute:stripe", 5),))


def test_however_a_leg_is_done_its_key_is_one_so_that_it_is_done_once() -> None:
    by_hand = done_by_hand(**LEG, channel="alipay", bank="main", amount_minor=5, reversals=0)
    by_bank = done_by_bank(**LEG, channels=("alipay", "alipay"), amount_minor=5, reversals=0)
    assert [journal.key for journal in by_hand] == [journal.key for journal in by_bank]


@pytest.mark.parametrize("strange", ["Ali Pay", "ali:pay", ""])
def test_a_leg_is_paid_from_accounts_of_the_chart_or_not_at_all(strange: str) -> None:
    for channel, bank in ((strange, "main"), ("alipay", strange)):
        with pytest.raises(UnknownAccount):
            done_by_hand(**LEG, channel=channel, bank=bank, amount_minor=5, reversals=0)
    for channels in ((strange, "stripe"), ("stripe", strange)):
        with pytest.raises(UnknownAccount):
            done_by_bank(**LEG, channels=channels, amount_minor=5, reversals=0)


@pytest.mark.parametrize(("reversals", "key"), [(0, "refund:R1:2:reversed"), (1, "refund:R1:2:reversed:1")])
def test_what_was_sent_by_hand_comes_back_to_the_account_it_left(reversals: int, key: str) -> None:
    (journal,) = returned(**LEG, channel="alipay", bank="main", amount_minor=5, reversals=reversals)
    assert journal == Journal(7, key, "refund_reversed", (Transfer("bank:main", "refund_payable:alipay", 5),))
    (bounce,) = bounced(**LEG, channel="alipay", amount_minor=5, reversals=reversals)
    assert bounce.key == key


def test_a_leg_of_less_than_nothing_is_refused() -> None:
    with pytest.raises(BadAmount):
        done_by_hand(**LEG, channel="alipay", bank="main", amount_minor=-5, reversals=0)
    with pytest.raises(BadAmount):
        done_by_bank(**LEG, channels=("alipay", "alipay"), amount_minor=-5, reversals=0)
