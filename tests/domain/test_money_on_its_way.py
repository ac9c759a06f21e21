"""Withdrawals, deposits and refunds that need another way, word for word: every key, every limit, and who may do what next."""

from datetime import UTC, datetime, timedelta
from importlib.resources import files
from itertools import product
from typing import Any

import pytest

from anka.domain import postings_ladder, postings_merchant, withdrawals
from anka.domain.deadlines import ClockOutOfBounds
from anka.domain.deposits import Tier, level, settles_after
from anka.domain.goods import Goods
from anka.domain.postings import Posting
from anka.domain.refund_plan import HAND, WALLET
from anka.domain.refund_states import HAS_GIVEN_UP, NOT_SENT, OVER_FOR_CERTAIN, AttemptState, RefundState, StuckReason
from anka.domain.refund_steps import NextStep, may_choose_wallet, may_retry, next_step
from anka.domain.transitions import IllegalChange
from anka.domain.withdrawals import BadBankAccount, WithdrawalState, due_at, fee_of, masked, needs_two
from tests.domain.written_again import pairs

A, R, W = AttemptState, RefundState, WithdrawalState
WITHDRAWALS = """
asked: approved refused
approved: paying refused
paying: paid failed
"""
LEG: dict[str, Any] = {"shop_id": 7, "leg": ("R1", 2), "channel": "alipay", "amount_minor": 5}


def written(posting: Posting) -> list[tuple[int, str, str, list[str]]]:
    """A posting, word for word."""
    return [(j.shop_id, j.key, j.kind, [f"{t.debit}>{t.credit}={t.amount_minor}" for t in j.transfers]) for j in posting]


@pytest.mark.parametrize(("reversals", "round_"), [(0, ""), (2, ":2")])
def test_each_round_of_a_leg_has_keys_of_its_own(reversals: int, round_: str) -> None:
    done, back = f"refund:R1:2:done{round_}", f"refund:R1:2:reversed{round_}"
    payable, psp = "refund_payable:alipay", "psp:alipay:available"
    assert written(postings_ladder.done_channel(**LEG, reversals=reversals)) == [(7, done, "refund_done", [f"{payable}>{psp}=5"])]
    assert written(postings_ladder.bounced(**LEG, reversals=reversals)) == [(7, back, "refund_reversed", [f"{psp}>{payable}=5"])]
    assert written(postings_ladder.done_by_hand(**LEG, bank="1", reversals=reversals)) == [
        (7, done, "refund_done_by_hand", [f"{payable}>bank:1=5"])
    ]
    assert written(postings_ladder.done_wallet(**LEG, buyer_id=3, reversals=reversals)) == [
        (7, done, "refund_done_wallet", [f"{payable}>bridge:0=5"]),
        (0, f"{done}:in", "refund_done_wallet", ["bridge:7>buyer:3:wallet=5"]),
    ]


def test_what_a_case_moves_of_a_shops_money_is_named_by_the_case() -> None:
    taken = (("pending", 2), ("compensation", 3))
    assert written(postings_merchant.compensated(shop_id=7, case_number="C1", buyer_id=3, taken=taken)) == [
        (7, "case:C1:compensation", "compensated", ["merchant:7:pending>bridge:0=2", "compensation>bridge:0=3"]),
        (0, "case:C1:compensation:in", "compensated", ["bridge:7>buyer:3:wallet=5"]),
    ]
    assert written(postings_merchant.penalised(shop_id=7, case_number="C1", amount_minor=5)) == [
        (7, "case:C1:penalty", "penalised", ["merchant:7:deposit>penalty=5"])
    ]
    case: dict[str, Any] = {"shop_id": 7, "case_number": "C1", "unit": "9-1", "taken": (("available", 5),)}
    assert written(postings_merchant.held(**case)) == [(7, "case:C1:9-1:hold", "case_held", ["merchant:7:available>merchant:7:frozen=5"])]
    assert written(postings_merchant.freed(**case)) == [(7, "case:C1:9-1:free", "case_freed", ["merchant:7:frozen>merchant:7:available=5"])]


def test_a_refund_and_a_debt_are_named_by_what_they_are_about() -> None:
    sources = (("escrow", 1), ("pending", 2), ("receivable", 3), ("commission", 4))
    refund = postings_merchant.repaid(shop_id=7, order_id=9, refund_number="R1", legs=(("alipay", 10),), sources=sources)
    accounts = ("order:9:escrow", "merchant:7:pending", "recv:merchant:7", "commission")
    moved = [f"{account}>refund_payable:alipay={amount}" for account, amount in zip(accounts, (1, 2, 3, 4), strict=True)]
    assert written(refund) == [(7, "refund:R1:accepted", "refund_accepted", moved)]
    assert written(postings_merchant.collected(shop_id=7, occasion="settle:9-1", amount_minor=5)) == [
        (7, "collect:settle:9-1", "receivable_collected", ["merchant:7:available>recv:merchant:7=5"])
    ]


def test_a_withdrawal_costs_a_thousandth_within_bounds_and_much_needs_two() -> None:
    assert [fee_of(amount_minor=amount) for amount in (1_000, 100_000, 100_999, 101_000, 2_500_000, 9_000_000)] == [
        100,
        100,
        100,
        101,
        2_500,
        2_500,
    ]
    assert [needs_two(amount_minor=amount) for amount in (499_999, 500_000)] == [False, True]


def test_of_a_bank_account_its_end_is_kept() -> None:
    assert (masked(account="6222 0000-1234"), masked(account="AB3456")) == ("•••• 1234", "•••• 3456")
    for wrong in ("12345", "1" * 35, "12345é", "", "123 45"):
        with pytest.raises(BadBankAccount):
            masked(account=wrong)


def test_what_only_looks_long_enough_is_no_bank_account() -> None:
    """Neither spaces nor dashes count: six signs, of which one is a dash, are five."""
    for written in ("1234-5", "1234 5", "-----6", "12-34-5"):
        with pytest.raises(BadBankAccount):
            masked(account=written)
    assert masked(account="-".join("9" * 30 + "4321")) == "•••• 4321"


def test_the_next_step_of_a_withdrawal_is_promised_until_it_is_over() -> None:
    """Finance decides within a day; the money is on its way within three, both from when it was asked for."""
    asked = datetime(2026, 3, 2, tzinfo=UTC)
    found = {status: due_at(status=status, asked_at=asked) for status in W}
    assert found == {
        W.ASKED: datetime(2026, 3, 3, tzinfo=UTC),
        W.APPROVED: datetime(2026, 3, 5, tzinfo=UTC),
        W.PAYING: datetime(2026, 3, 5, tzinfo=UTC),
        W.PAID: None,
        W.FAILED: None,
        W.REFUSED: None,
    }


def test_a_withdrawal_moves_as_written_here_and_is_promised_exactly_while_it_moves() -> None:
    assert withdrawals.table() == pairs(WITHDRAWALS)
    assert {before for before, _ in withdrawals.table()} == withdrawals.OPEN
    # Money leaves only after finance approved and somebody said to be telling the bank; what the bank is told is not refused any more.
    assert [before for before, after in withdrawals.table() if after in ("paid", "failed")] == ["paying", "paying"]
    with pytest.raises(IllegalChange, match=r"^a withdrawal that is paying cannot become refused$"):
        withdrawals.WITHDRAWAL_CHANGES.require(before=W.PAYING, after=W.REFUSED)


def test_the_database_keeps_the_limits_of_withdrawals() -> None:
    tables = files("anka.funds").joinpath("sql/0001_tables.sql").read_text()
    assert f"CHECK (amount_minor >= {withdrawals.LEAST_MINOR})," in tables
    assert f"CHECK (amount_minor < {withdrawals.FOUR_EYES_FROM_MINOR} OR" in tables
    # And what one may ask for is always more than it costs.
    assert fee_of(amount_minor=withdrawals.LEAST_MINOR) < withdrawals.LEAST_MINOR


def test_a_deposit_is_the_highest_of_what_is_sold_and_its_floor_half_of_it() -> None:
    by_goods = {Goods.CARD_KEY: 100_000, Goods.TOP_UP: 100_000, Goods.RENTAL: 150_000, Goods.BOOSTING: 200_000, Goods.ACCOUNT: 300_000}
    percent = {Tier.OPEN: 0, Tier.NEW: 100, Tier.PROVEN: 50, Tier.TRUSTED: 20}
    for (goods, most), (tier, part) in product(by_goods.items(), percent.items()):
        required = most * part // 100
        assert level(tier=tier, goods=[goods]) == (required, required // 2)
        assert level(tier=tier, goods=[Goods.CARD_KEY, goods]) == (required, required // 2)
    assert level(tier=Tier.NEW, goods=[]) == (0, 0)


def test_a_shops_money_is_pending_from_no_time_to_thirty_days() -> None:
    minutes_of_a_day = 24 * 60
    for minutes, length in ((0, timedelta(0)), (1, timedelta(minutes=1)), (30 * minutes_of_a_day, timedelta(days=30))):
        assert settles_after(minutes=minutes) == length
    for wrong in (-1, 30 * minutes_of_a_day + 1):
        with pytest.raises(ClockOutOfBounds, match=r"^clock settle runs from 0:00:00 to 30 days"):
            settles_after(minutes=wrong)


def test_what_has_given_up_and_what_is_over() -> None:
    assert {A.CREATED, A.WAITING_FUNDS} == NOT_SENT
    assert {A.CLOSED, A.FAILED, A.REVERSED} == OVER_FOR_CERTAIN
    assert {A.CLOSED, A.FAILED, A.REVERSED, A.ABNORMAL} == HAS_GIVEN_UP


def test_another_way_only_where_nothing_else_can_still_pay() -> None:
    """Every state of leg, attempt and reason there is, against the rule written once more."""
    for leg, attempt, reason in product(R, A, [None, *StuckReason]):
        free = leg == "stuck" and reason not in (None, "paid_twice")
        gave_up = attempt in ("closed", "failed", "reversed", "abnormal")
        asked: dict[str, Any] = {"leg": leg, "attempt": attempt, "reason": reason}
        # A channel's own refund that a person looks after may still be paid by that channel, whoever has taken it on.
        assert may_choose_wallet(**asked, channel="alipay", has_owner=True) == (free and gave_up)
        assert may_choose_wallet(**asked, channel="alipay", has_owner=False) == (free and gave_up)
        assert may_choose_wallet(**asked, channel=HAND, has_owner=False) == (free and (gave_up or attempt == "manual"))
        assert may_choose_wallet(**asked, channel=HAND, has_owner=True) == (free and gave_up)
        assert may_choose_wallet(**asked, channel=WALLET, has_owner=False) == (free and gave_up)
        assert may_retry(**asked) == (free and gave_up and attempt != "abnormal")


def test_what_comes_next_with_a_leg() -> None:
    under_way = {
        A.CREATED: NextStep.ASK_CHANNEL,
        A.SUBMITTING: NextStep.ASK_CHANNEL,
        A.PROCESSING: NextStep.CHANNEL_PAYS,
        A.UNKNOWN: NextStep.ASK_AGAIN,
        A.WAITING_FUNDS: NextStep.WAIT_FOR_FUNDS,
        A.CLOSED: NextStep.ASK_CHANNEL,
        A.ABNORMAL: NextStep.ASK_AGAIN,
    }
    for attempt in A:
        assert next_step(leg=R.SUCCEEDED, attempt=attempt, channel="alipay") == NextStep.ARRIVED
        assert next_step(leg=R.STUCK, attempt=attempt, channel=HAND) == NextStep.PERSON_TRANSFERS
        assert next_step(leg=R.STUCK, attempt=attempt, channel="alipay") == NextStep.PERSON_LOOKS
        assert next_step(leg=R.PROCESSING, attempt=attempt, channel=WALLET) == NextStep.TO_WALLET
        assert next_step(leg=R.PROCESSING, attempt=attempt, channel="alipay") == under_way.get(attempt, NextStep.PERSON_LOOKS)
