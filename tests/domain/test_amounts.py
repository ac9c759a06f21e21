"""What a decision is worth: never negative, never more than was paid, exact whole numbers."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from anka.domain.money import MAX_MINOR, BadAmount, share
from anka.domain.policy.amounts import NoShareToPay, refund_minor
from anka.domain.policy.decision import Decision

AMOUNTS = some.integers(0, MAX_MINOR)
PER_CENT = some.integers(0, 100)
FULL = Decision("mine", "instant", "full", 100, "none", "keep", None, None, False, ())


def decided(*, percent: int | None = 100, keep: int | None = None, fee: int | None = None, compensation: int | None = None) -> Decision:
    return replace(FULL, refund_percent=percent, keep_minor=keep, fee_percent=fee, compensation_minor=compensation)


@settings(max_examples=200, deadline=None)
@given(
    AMOUNTS,
    PER_CENT,
    some.none() | some.integers(1, MAX_MINOR),
    some.none() | some.integers(1, 99),
    some.none() | some.integers(1, MAX_MINOR),
)
def test_never_negative_never_more_than_paid(
    amount: int, percent: int, keep: int | None, fee: int | None, compensation: int | None
) -> None:
    decision = decided(percent=percent, keep=keep, fee=fee, compensation=compensation)
    refund = refund_minor(decision=decision, amount_minor=amount)
    gross = share(amount_minor=amount, percent=percent)
    assert type(refund) is int
    assert 0 <= refund <= gross <= amount
    # What the fee takes of the share, exactly: the whole minor units of it, and not one more.
    taken = gross - refund_minor(decision=decided(percent=percent, fee=fee), amount_minor=amount)
    assert 100 * taken <= gross * (fee or 0) < 100 * (taken + 1)
    assert refund == max(0, gross - taken - (keep or 0))


@settings(max_examples=100, deadline=None)
@given(AMOUNTS, PER_CENT)
def test_without_fee_or_keep_it_is_the_share(amount: int, percent: int) -> None:
    assert refund_minor(decision=decided(percent=percent), amount_minor=amount) == share(amount_minor=amount, percent=percent)


@settings(max_examples=100, deadline=None)
@given(AMOUNTS, some.integers(0, 99), some.integers(1, 98), some.integers(1, MAX_MINOR - 1))
def test_a_larger_fee_keep_or_share_never_works_the_other_way(amount: int, percent: int, fee: int, keep: int) -> None:
    now = refund_minor(decision=decided(percent=percent, fee=fee, keep=keep), amount_minor=amount)
    assert refund_minor(decision=decided(percent=percent, fee=fee + 1, keep=keep), amount_minor=amount) <= now
    assert refund_minor(decision=decided(percent=percent, fee=fee, keep=keep + 1), amount_minor=amount) <= now
    assert refund_minor(decision=decided(percent=percent + 1, fee=fee, keep=keep), amount_minor=amount) >= now


@pytest.mark.parametrize(
    ("percent", "fee", "keep", "amount", "refund"),
    [
        (60, 5, None, 10_000, 5_700),
        (100, 5, None, 19, 19),
        (100, 5, None, 20, 19),
        (100, None, 300, 1_200, 900),
        (100, None, 300, 299, 0),
        (60, 5, 700, 10_000, 5_000),
        (0, 99, 1, 10_000, 0),
        (100, 99, None, MAX_MINOR, MAX_MINOR // 100),
    ],
)
def test_by_hand(percent: int, fee: int | None, keep: int | None, amount: int, refund: int) -> None:
    assert refund_minor(decision=decided(percent=percent, fee=fee, keep=keep, compensation=800), amount_minor=amount) == refund


def test_what_cannot_be_computed_is_refused() -> None:
    with pytest.raises(NoShareToPay, match="negotiable"):
        refund_minor(decision=replace(FULL, refund="negotiable", refund_percent=None), amount_minor=100)
    with pytest.raises(BadAmount):
        refund_minor(decision=FULL, amount_minor=-1)
