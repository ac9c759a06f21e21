"""What corrections post, written a second time; and that one limit says when two persons have to decide about a difference."""

from __future__ import annotations

from importlib.resources import files

import pytest
from hypothesis import given
from hypothesis import strategies as some

from anka.domain.corrections import Sums, corrected, correction
from anka.domain.unidentified import FOUR_EYES_FROM_MINOR, needs_two

FINDING = "9:1"
# Kind, line, ours, theirs ("-" where that side has nothing): what is posted as debit > credit = amount, under which name; or nothing.
WRITTEN = """
amount_differs payment 100 70 recon_diff>psp:alipay:clearing=30 found_short
amount_differs payment 70 100 psp:alipay:clearing>recon_diff=30 found_over
amount_differs payment 100 101 psp:alipay:clearing>recon_diff=1 found_over
amount_differs payment 100 99 recon_diff>psp:alipay:clearing=1 found_short
not_on_bill - 100 0 recon_diff>psp:alipay:clearing=100 found_short
not_on_bill - 100 - recon_diff>psp:alipay:clearing=100 found_short
twice payment 100 100 psp:alipay:clearing>recon_diff=100 found_over
twice payment - 100 -
twice refund 100 100 recon_diff>psp:alipay:available=100 found_short
twice settlement 100 100 -
twice dispute 100 100 -
refund_differs refund 100 130 recon_diff>psp:alipay:available=30 found_short
refund_differs refund 130 100 psp:alipay:available>recon_diff=30 found_over
refund_differs refund_reversed 100 130 psp:alipay:available>recon_diff=30 found_over
refund_differs refund_reversed 130 100 recon_diff>psp:alipay:available=30 found_short
refund_unknown refund 0 100 recon_diff>psp:alipay:available=100 found_short
refund_unknown refund - 100 recon_diff>psp:alipay:available=100 found_short
fee_differs payment 60 70 psp_fee>psp:alipay:clearing=10 fee_corrected
fee_differs payment 60 61 psp_fee>psp:alipay:clearing=1 fee_corrected
fee_differs payment 70 60 psp:alipay:clearing>psp_fee=10 fee_corrected
fee_differs refund -60 -50 psp_fee>psp:alipay:clearing=10 fee_corrected
fee_differs refund_reversed 0 60 psp_fee>psp:alipay:clearing=60 fee_corrected
fee_differs refund_reversed 60 0 psp:alipay:clearing>psp_fee=60 fee_corrected
settlement_differs settlement 100 130 psp:alipay:available>psp:alipay:clearing=30 settlement_corrected
settlement_differs settlement 130 100 psp:alipay:clearing>psp:alipay:available=30 settlement_corrected
amount_differs payment 100 100 -
not_taken payment 0 100 -
not_posted payment 0 100 -
refund_open refund 0 100 -
refund_not_on_bill - 100 0 -
reversal_open refund_reversed 0 100 -
dispute dispute 0 100 -
other other 0 100 -
"""
# What a person who decides is told: which part of the books becomes larger (or smaller, with a minus), and by how much.
TOLD = """
amount_differs payment clearing 30
not_on_bill - clearing 30
twice payment clearing 130
twice refund available -130
refund_differs refund available -30
refund_differs refund_reversed available 30
refund_unknown refund available -30
fee_differs payment fee 30
fee_differs refund fee 30
fee_differs refund_reversed fee 30
settlement_differs settlement settled 30
"""
kinds = some.sampled_from(
    [("amount_differs", "payment"), ("refund_differs", "refund"), ("fee_differs", "payment"), ("settlement_differs", "settlement")]
)
sums_minor = some.integers(0, 10**9)


def minor(written: str) -> int | None:
    """A sum, None where that side has nothing."""
    return None if written == "-" else int(written)


@pytest.mark.parametrize("line", WRITTEN.strip().splitlines())
def test_every_kind_posts_what_is_written_here(line: str) -> None:
    kind, what, ours, theirs, *written = line.split()
    found = correction(sums=Sums(kind=kind, line=what.strip("-"), ours_minor=minor(ours), theirs_minor=minor(theirs)))
    posting = corrected(shop_id=7, channel="alipay", finding=FINDING, of=found) if found else ()
    assert [(journal.shop_id, journal.key) for journal in posting] == ([] if written == ["-"] else [(7, f"recon:{FINDING}")])
    moved = [f"{one.debit}>{one.credit}={one.amount_minor} {journal.kind}" for journal in posting for one in journal.transfers]
    assert moved == ([] if written == ["-"] else [" ".join(written)])


@pytest.mark.parametrize("line", TOLD.strip().splitlines())
def test_who_decides_is_told_what_grows_and_by_how_much(line: str) -> None:
    kind, what, *told = line.split()
    found = correction(sums=Sums(kind=kind, line=what.strip("-"), ours_minor=100, theirs_minor=130))
    assert found is not None
    assert [found.touches, str(found.amount_minor)] == told


@given(kinds, sums_minor, some.lists(sums_minor, min_size=1, max_size=4))
def test_however_often_a_bill_is_corrected_the_corrections_sum_to_the_last(kind: tuple[str, str], ours: int, bills: list[int]) -> None:
    total = 0
    for theirs in bills:
        sums = Sums(kind=kind[0], line=kind[1], ours_minor=ours, theirs_minor=theirs, corrected_minor=total)
        found = correction(sums=sums)
        total += found.amount_minor if found else 0
        # The same decided again posts nothing.
        assert correction(sums=Sums(kind=kind[0], line=kind[1], ours_minor=ours, theirs_minor=theirs, corrected_minor=total)) is None
    sign = -1 if kind[0] == "refund_differs" else 1
    assert total == sign * (bills[-1] - ours)
    # A bill that takes it all back has all of it posted back.
    agreeing = Sums(kind=kind[0], line=kind[1], ours_minor=ours, theirs_minor=ours, corrected_minor=total)
    back = correction(sums=agreeing)
    assert (back.amount_minor if back else 0) == -total


def test_the_audit_and_the_decision_know_one_limit() -> None:
    audit = files("anka.jobs").joinpath("sql/audit/i23_bills.sql").read_text()
    assert f"greatest(found.ours_minor, found.theirs_minor) >= {FOUR_EYES_FROM_MINOR}\n" in audit
    assert (needs_two(amount_minor=FOUR_EYES_FROM_MINOR - 1), needs_two(amount_minor=FOUR_EYES_FROM_MINOR)) == (False, True)
