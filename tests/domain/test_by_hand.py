"""Payments taken by hand: from 500.00 on, two persons."""

from __future__ import annotations

import pytest

from anka.domain.by_hand import FOUR_EYES_FROM_MINOR, needs_two


@pytest.mark.parametrize(("amount_minor", "two"), [(1, False), (49_999, False), (50_000, True), (50_001, True), (10_000_000, True)])
def test_from_the_limit_on_two_persons_have_to_agree(amount_minor: int, two: bool) -> None:
    assert needs_two(amount_minor=amount_minor) is two


def test_the_limit() -> None:
    assert FOUR_EYES_FROM_MINOR == 50_000
