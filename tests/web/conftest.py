"""What the tests of pages can rely on: the market's clock stands where the builders' orders stand, and the Chinese texts are compiled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from anka.core import clock, rate_limits
from anka.core.clock import Moment
from tests.builders import at
from tests.texts import compile_chinese

SetClock = Callable[[Moment], None]


# Before Django looks for it the first time.
compile_chinese()


@pytest.fixture(autouse=True)
def set_clock() -> Iterator[SetClock]:
    """Move the market's clock of this process: pages are looked at five minutes after the beginning unless a test says otherwise."""
    before, factor = clock.offset, rate_limits.factor
    # All tests come from one address and are many.
    rate_limits.factor = rate_limits.SANDBOX_FACTOR

    def move(moment: Moment) -> None:
        distance = moment.now - datetime.now(UTC)
        clock.offset = lambda: distance

    move(at(5))
    yield move
    clock.offset, rate_limits.factor = before, factor
