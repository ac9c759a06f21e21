"""Who bears what a channel keeps of a refunded payment: the platform, or the shop by its terms where it is at fault."""

import pytest

from anka.domain.deposits import MOST_FEE_BASIS_POINTS, USUAL_FEE_BASIS_POINTS, FeeBearer, borne_fee
from anka.domain.liability import BearFee, Position, resolve

SHOP = 7


@pytest.mark.parametrize(
    ("bearer", "fault", "refunded", "borne"),
    [
        (FeeBearer.MERCHANT, "merchant", 10_000, 60),
        (FeeBearer.MERCHANT, "merchant", 0, 0),
        (FeeBearer.MERCHANT, "both", 10_000, 0),
        (FeeBearer.MERCHANT, "none", 10_000, 0),
        (FeeBearer.PLATFORM, "merchant", 10_000, 0),
    ],
)
def test_a_fee_is_borne_by_a_shop_at_fault_whose_terms_say_so(bearer: FeeBearer, fault: str, refunded: int, borne: int) -> None:
    assert borne_fee(bearer=bearer, basis_points=USUAL_FEE_BASIS_POINTS, fault=fault, refunded_minor=refunded) == borne


def test_rates_are_what_channels_take() -> None:
    assert (USUAL_FEE_BASIS_POINTS, MOST_FEE_BASIS_POINTS) == (60, 200)


def test_a_fee_is_taken_like_a_refund_and_owed_where_nothing_is_left() -> None:
    claims = (BearFee(refund_number="R1", amount_minor=100),)
    posting, after = resolve(shop_id=SHOP, claims=claims, position=Position(pending=30, available=20, deposit=10), held={})
    assert after == Position(receivable=40)
    (journal,) = posting
    assert (journal.shop_id, journal.key, journal.kind) == (SHOP, "fee:R1:borne", "channel_fee_borne")
    assert [transfer.amount_minor for transfer in journal.transfers] == [30, 20, 10, 40]
    assert {transfer.credit for transfer in journal.transfers} == {"psp_fee"}
