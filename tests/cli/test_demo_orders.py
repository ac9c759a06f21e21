"""The stories of the demo market are those that an installation can tell."""

import pytest
from django.test import override_settings

from anka.cli.demo_orders import STORIES, to_tell

pytestmark = pytest.mark.no_database


def test_a_market_that_holds_no_money_tells_no_stories_of_wallets() -> None:
    assert to_tell() == list(STORIES)
    with override_settings(FUNDS_MODE="psp_mirror"):
        left_out = [tell.__name__ for *_, tell in STORIES if tell not in {story[-1] for story in to_tell()}]
    assert left_out == ["_refunded_to_wallet", "_paid_from_wallet"]
