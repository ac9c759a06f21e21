"""The audit finds nothing wrong with what the real flows have made."""

from collections.abc import Callable

import pytest

from anka.jobs import audit
from tests import builders
from tests.builders import at

LATER = at(days=3650).now


@pytest.mark.parametrize(
    "make",
    [
        builders.a_placed_order,
        builders.a_paid_order,
        builders.an_order_paid_from_wallet,
        builders.a_sealed_order,
        builders.a_revealed_order,
        builders.a_cancelled_order,
    ],
)
def test_every_point_of_life_is_clean(make: Callable[..., object]) -> None:
    since = audit.position()
    make(quantity=2)
    assert audit.audit(now=LATER, since=since) == []
