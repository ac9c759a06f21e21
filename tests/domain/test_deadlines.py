"""Clocks fall when they should, within their bounds; working days are China's."""

from datetime import UTC, date, datetime, timedelta

import pytest

from anka.domain.deadlines import CLOCKS, ClockOutOfBounds, UnknownClock, add_working_days, arrival, clock_named, due, warnings

FRIDAY = datetime(2026, 3, 6, 4, tzinfo=UTC)


def test_every_default_is_within_its_bounds_and_has_words() -> None:
    for name, clock in CLOCKS.items():
        assert name == clock.id
        assert clock.minimum <= clock.default <= clock.maximum
        assert clock.zh
        assert clock.en


def test_due() -> None:
    hold = clock_named(name="hold")
    assert due(clock=hold, started_at=FRIDAY) == FRIDAY + timedelta(minutes=15)
    assert due(clock=hold, started_at=FRIDAY, runs=timedelta(minutes=5), paused=timedelta(hours=1)) == FRIDAY + timedelta(minutes=65)


@pytest.mark.parametrize("minutes", [4, 121])
def test_a_hold_is_neither_shorter_nor_longer_than_allowed(minutes: int) -> None:
    with pytest.raises(ClockOutOfBounds):
        due(clock=CLOCKS["hold"], started_at=FRIDAY, runs=timedelta(minutes=minutes))


def test_there_are_no_other_clocks() -> None:
    with pytest.raises(UnknownClock):
        clock_named(name="lunch")


def test_warnings_at_half_and_four_fifths() -> None:
    assert warnings(started_at=FRIDAY, due_at=FRIDAY + timedelta(hours=10)) == (FRIDAY + timedelta(hours=5), FRIDAY + timedelta(hours=8))


def test_working_days_skip_the_weekend_and_holidays() -> None:
    assert add_working_days(start=FRIDAY, days=1) == FRIDAY + timedelta(days=3)
    assert add_working_days(start=FRIDAY, days=1, holidays=[date(2026, 3, 9)]) == FRIDAY + timedelta(days=4)
    assert add_working_days(start=FRIDAY, days=0) == FRIDAY
    with pytest.raises(ValueError, match="working days"):
        add_working_days(start=FRIDAY, days=61)


def test_a_day_is_a_day_in_china() -> None:
    """Friday 20:00 in London is Saturday in China; the next working day is Monday there."""
    assert add_working_days(start=datetime(2026, 3, 5, 20, tzinfo=UTC), days=1) == datetime(2026, 3, 8, 20, tzinfo=UTC)


@pytest.mark.parametrize("channel", ["wallet", "alipay", "wechat", "sandbox"])
def test_balances_arrive_at_once(channel: str) -> None:
    expected = arrival(channel=channel, accepted_at=FRIDAY)
    assert expected.latest_at == FRIDAY + timedelta(minutes=5)
    assert expected.alarm_at > expected.latest_at


@pytest.mark.parametrize("channel", ["card", "stripe", "nobody-knows"])
def test_cards_take_up_to_three_working_days(channel: str) -> None:
    expected = arrival(channel=channel, accepted_at=FRIDAY)
    assert (expected.earliest_at, expected.latest_at) == (FRIDAY + timedelta(days=3), FRIDAY + timedelta(days=5))
    assert expected.alarm_at == FRIDAY + timedelta(days=6)
