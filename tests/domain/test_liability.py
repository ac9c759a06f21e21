"""The waterfall: whatever a shop has, what is taken sums exactly, comes in order, and overdraws nothing."""

from dataclasses import fields
from itertools import pairwise
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anka.domain import postings_merchant
from anka.domain.liability import (
    PLACES,
    BearFee,
    Claim,
    Compensate,
    Free,
    Hold,
    Lose,
    Penalise,
    Position,
    Repay,
    Settle,
    resolve,
    waterfall,
)
from anka.domain.postings import Posting, UnequalSums

SHOP = 7
minor = st.integers(0, 10**9)
positions = st.builds(Position, pending=minor, available=minor, frozen=minor, deposit=minor, withdrawing=minor, receivable=minor)
ACCOUNTS = {postings_merchant.account(shop_id=SHOP, place=place): place for place in Position.__dataclass_fields__}


def test_who_says_nothing_of_a_place_says_that_nothing_lies_there() -> None:
    assert {place: Position().at(place) for place in Position.__dataclass_fields__} == {
        "pending": 0,
        "available": 0,
        "frozen": 0,
        "deposit": 0,
        "withdrawing": 0,
        "receivable": 0,
    }


@pytest.mark.parametrize("kind", [Position, *get_args(Claim)])
def test_what_is_claimed_is_claimed_by_name(kind: type) -> None:
    """Amounts stand beside amounts: one in the place of another would be paid by somebody else, and no type would notice."""
    assert [field.name for field in fields(kind) if not field.kw_only] == []


def after(posting: Posting, position: Position) -> Position:
    """The position after these journals, from the journals alone; a receivable is what grows by debits."""
    for transfer in (transfer for journal in posting for transfer in journal.transfers):
        for code, sign in ((transfer.debit, -1), (transfer.credit, 1)):
            place = ACCOUNTS.get(code)
            if place is not None:
                position = position.moved(
                    **{place: -sign * transfer.amount_minor if place == "receivable" else sign * transfer.amount_minor}
                )
    return position


def paid_into(posting: Posting, code: str) -> int:
    """What these journals credit an account with."""
    return sum(transfer.amount_minor for journal in posting for transfer in journal.transfers if transfer.credit == code)


@given(positions, minor, minor)
def test_what_is_taken_sums_in_order_and_overdraws_nothing(position: Position, pending: int, available: int) -> None:
    taken = dict(waterfall(position=position, own={"pending": pending, "available": available}))
    assert sum(taken.values()) == pending + available
    assert all(taken.get(place, 0) <= position.at(place) for place in PLACES)
    assert all(amount > 0 for amount in taken.values())
    # A later place is touched only where the earlier one is used up (its own sale's balance apart).
    rest = {place: position.at(place) - taken.get(place, 0) for place in PLACES}
    if taken.get("receivable"):
        assert set(rest.values()) == {0}
    if taken.get("deposit"):
        assert (rest["pending"], rest["available"]) == (0, 0)


@given(positions, minor)
def test_with_nothing_of_its_own_left_it_is_pending_then_available_then_deposit(position: Position, amount: int) -> None:
    taken = dict(waterfall(position=position.moved(pending=-position.pending), own={"pending": amount}))
    spread = [min(amount, position.available)]
    spread.append(min(amount - spread[0], position.deposit))
    assert (taken.get("available", 0), taken.get("deposit", 0), taken.get("receivable", 0)) == (*spread, amount - sum(spread))


claims = st.one_of(
    st.builds(
        lambda own, escrow, commission: Repay(
            order_id=1,
            refund_number="R",
            escrow_minor=escrow,
            commission_minor=commission,
            own={"pending": own, "available": own // 2},
            legs=(("sandbox", own + own // 2 + escrow + commission),),
        ),
        minor,
        minor,
        minor,
    ),
    st.builds(lambda amount: Settle(unit="1-1", amount_minor=amount), minor),
    st.builds(lambda amount: Penalise(case_number="C", amount_minor=amount), minor),
    st.builds(
        lambda amount, bearer: Compensate(case_number="C", buyer_id=3, amount_minor=amount, bearer=bearer),
        minor,
        st.sampled_from(["merchant", "platform"]),
    ),
    st.builds(
        lambda place, amount: Hold(case_number="C", unit="1-1", place=place, amount_minor=amount),
        st.sampled_from(["pending", "available"]),
        minor,
    ),
)


@given(positions, st.lists(claims, max_size=4).map(tuple))
def test_whatever_is_claimed_the_books_say_what_the_position_says(position: Position, claimed: tuple[object, ...]) -> None:
    posting, then = resolve(shop_id=SHOP, claims=claimed, position=position, held={})  # type: ignore[arg-type]  # a tuple of claims
    assert after(posting, position) == then
    assert all(then.at(place) >= 0 for place in Position.__dataclass_fields__)
    assert all(not (first.shop_id == 0 and second.shop_id) for first, second in pairwise(posting)), "the platform's books come last"


@given(positions, minor)
def test_what_a_case_sets_aside_comes_back_to_where_it_was(position: Position, amount: int) -> None:
    hold = Hold(case_number="C", unit="1-1", place="available", amount_minor=amount)
    posting, held = resolve(shop_id=SHOP, claims=(hold,), position=position, held={})
    assert held.frozen - position.frozen == min(amount, position.available + position.pending)
    back = tuple((ACCOUNTS[t.debit], t.amount_minor) for journal in posting for t in journal.transfers)
    free = Free(case_number="C", unit="1-1")
    _posting, then = resolve(shop_id=SHOP, claims=(free,), position=held, held={("C", "1-1"): back})
    assert then == position


def test_a_settlement_pays_what_is_owed_first() -> None:
    posting, then = resolve(
        shop_id=SHOP, claims=(Settle(unit="1-1", amount_minor=100),), position=Position(pending=80, receivable=30), held={}
    )
    assert then == Position(pending=0, available=50, receivable=0)
    assert [(journal.key, journal.kind) for journal in posting] == [
        ("settle:1-1", "settled"),
        ("collect:settle:1-1", "receivable_collected"),
    ]


@given(positions, minor, st.sampled_from(["merchant", "platform"]))
def test_a_compensation_reaches_the_wallet_whole_and_leaves_no_debt(position: Position, amount: int, bearer: str) -> None:
    claim = Compensate(case_number="C", buyer_id=3, amount_minor=amount, bearer=bearer)
    posting, then = resolve(shop_id=SHOP, claims=(claim,), position=position, held={})
    assert paid_into(posting, "buyer:3:wallet") == paid_into(posting, "bridge:0") == amount
    assert then.receivable == position.receivable
    assert bearer == "merchant" or then == position


@pytest.mark.parametrize(("available", "ours"), [(30, 5), (35, 0), (40, 0)])
def test_a_compensation_takes_all_a_shop_has_before_it_costs_us(available: int, ours: int) -> None:
    """20 pending, 40 in the deposit, and 95 for the buyer: what is frozen or on its way to the bank is not touched."""
    claim = Compensate(case_number="C", buyer_id=3, amount_minor=95, bearer="merchant")
    position = Position(pending=20, available=available, deposit=40, frozen=500, withdrawing=500)
    posting, then = resolve(shop_id=SHOP, claims=(claim,), position=position, held={})
    taken = {one.debit: one.amount_minor for one in posting[0].transfers}
    assert taken.pop("compensation", 0) == ours
    from_deposit = 75 - available - ours
    assert taken == {"merchant:7:pending": 20, "merchant:7:available": available, "merchant:7:deposit": from_deposit}
    assert then == Position(deposit=40 - from_deposit, frozen=500, withdrawing=500)


def test_a_compensation_for_our_own_fault_costs_the_shop_nothing() -> None:
    claim = Compensate(case_number="C", buyer_id=3, amount_minor=95, bearer="platform")
    position = Position(pending=200, available=200, deposit=200)
    posting, then = resolve(shop_id=SHOP, claims=(claim,), position=position, held={})
    assert [(one.debit, one.credit, one.amount_minor) for one in posting[0].transfers] == [("compensation", "bridge:0", 95)]
    assert then == position


def test_a_borne_fee_is_taken_like_a_refund() -> None:
    position = Position(pending=20, available=30, deposit=40)
    posting, then = resolve(shop_id=SHOP, claims=(BearFee(refund_number="R", amount_minor=95),), position=position, held={})
    (journal,) = posting
    assert [(one.debit, one.amount_minor) for one in journal.transfers] == [
        ("merchant:7:pending", 20),
        ("merchant:7:available", 30),
        ("merchant:7:deposit", 40),
        ("recv:merchant:7", 5),
    ]
    assert (then, paid_into(posting, "psp_fee")) == (Position(receivable=5), 95)


def test_a_penalty_comes_from_the_deposit_alone() -> None:
    claim = Penalise(case_number="C", amount_minor=100)
    posting, then = resolve(shop_id=SHOP, claims=(claim,), position=Position(available=500, deposit=60), held={})
    assert (then, paid_into(posting, "penalty")) == (Position(available=500), 60)


def test_the_keys_are_those_of_the_design() -> None:
    made = {
        "paid in": postings_merchant.deposit_paid_in(shop_id=SHOP, channel="sandbox", transaction_id="T", amount_minor=5),
        "from balance": postings_merchant.deposit_from_balance(shop_id=SHOP, number="D1", amount_minor=5),
        "released": postings_merchant.deposit_released(shop_id=SHOP, number="D1", amount_minor=5),
        "asked": postings_merchant.withdrawal_asked(shop_id=SHOP, number="W1", amount_minor=5),
        "paid": postings_merchant.withdrawal_paid(shop_id=SHOP, number="W1", amount_minor=5, fee_minor=1),
        "failed": postings_merchant.withdrawal_ended(shop_id=SHOP, number="W1", amount_minor=5),
        "fee": postings_merchant.fee_borne(shop_id=SHOP, refund_number="R1", taken=(("pending", 5),)),
    }
    written = {
        name: [(j.key, j.kind, [f"{t.debit}>{t.credit}={t.amount_minor}" for t in j.transfers]) for j in posting]
        for name, posting in made.items()
    }
    assert written == {
        "paid in": [("pay:sandbox:T", "deposit_paid_in", ["psp:sandbox:clearing>merchant:7:deposit=5"])],
        "from balance": [("deposit:D1", "deposit_from_balance", ["merchant:7:available>merchant:7:deposit=5"])],
        "released": [("deposit:D1:released", "deposit_released", ["merchant:7:deposit>merchant:7:available=5"])],
        "asked": [("withdrawal:W1:asked", "withdrawal_asked", ["merchant:7:available>merchant:7:withdrawing=5"])],
        "paid": [
            ("withdrawal:W1:paid", "withdrawal_paid", ["merchant:7:withdrawing>bank:main=4", "merchant:7:withdrawing>withdraw_fee=1"])
        ],
        "failed": [("withdrawal:W1:failed", "withdrawal_failed", ["merchant:7:withdrawing>merchant:7:available=5"])],
        "fee": [("fee:R1:borne", "channel_fee_borne", ["merchant:7:pending>psp_fee=5"])],
    }


def test_a_withdrawal_pays_out_something_and_its_fee_nothing_back() -> None:
    aside = "merchant:7:withdrawing"
    for fee, moved in {0: {(aside, "bank:main"): 5}, 4: {(aside, "bank:main"): 1, (aside, "withdraw_fee"): 4}}.items():
        (journal,) = postings_merchant.withdrawal_paid(shop_id=SHOP, number="W1", amount_minor=5, fee_minor=fee)
        assert {(one.debit, one.credit): one.amount_minor for one in journal.transfers} == moved
    for fee in (-1, 5, 6):
        with pytest.raises(UnequalSums, match=f"^fee {fee} of 5$"):
            postings_merchant.withdrawal_paid(shop_id=SHOP, number="W1", amount_minor=5, fee_minor=fee)


def test_a_lost_chargeback_is_borne_by_whoever_has_the_money() -> None:
    lost = Lose(
        order_id=3,
        channel="stripe",
        dispute="QM-D1",
        escrow_minor=10,
        commission_minor=5,
        unborne_minor=7,
        own={"pending": 0, "available": 95},
    )
    posting, after = resolve(shop_id=SHOP, claims=(lost,), position=Position(available=40, pending=20, deposit=15), held={})
    (journal,) = posting
    assert (journal.key, journal.kind) == ("dispute:stripe:QM-D1:lost", "chargeback_lost")
    assert {(one.debit, one.credit): one.amount_minor for one in journal.transfers} == {
        ("order:3:escrow", "dispute:stripe"): 10,
        ("merchant:7:available", "dispute:stripe"): 40,
        ("merchant:7:pending", "dispute:stripe"): 20,
        ("merchant:7:deposit", "dispute:stripe"): 15,
        ("recv:merchant:7", "dispute:stripe"): 20,
        ("commission", "dispute:stripe"): 5,
        ("bad_debt", "dispute:stripe"): 7,
    }
    assert after == Position(receivable=20)
