"""What the tests of pages can rely on: the market's clock stands where the builders' orders stand, and the Chinese texts are compiled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from django.test.utils import setup_test_environment, teardown_test_environment
from tests.builders import at
from tests.texts import compile_chinese

from anka.core import clock, rate_limits
from anka.core.clock import Moment

SetClock = Callable[[Moment], None]


# Before Django looks for it the first time.
compile_chinese()


@pytest.fixture(scope="session", autouse=True)
def _templates_tell_what_they_were_given() -> Iterator[None]:
    setup_test_environment()
    yield
    teardown_test_environment()


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
