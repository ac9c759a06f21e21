"""Clocks fall when they should, within their bounds; working days are China's."""

from datetime import UTC, date, datetime, timedelta

import pytest

from anka.domain.deadlines import ARRIVALS, CLOCKS, ClockOutOfBounds, UnknownClock, arrival, clock_named, due, warnings
from anka.domain.working_days import CHINA, Calendar, add_working_days

FRIDAY = datetime(2026, 3, 6, 4, tzinfo=UTC)


def off(*days: date) -> Calendar:
    return Calendar(holidays=frozenset(days))


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
    with pytest.raises(UnknownClock, match="clock 'lunch' is not one of hold, late, "):
        clock_named(name="lunch")


@pytest.mark.parametrize("minutes", [5, 120])
def test_a_hold_may_be_as_short_and_as_long_as_allowed(minutes: int) -> None:
    assert due(clock=CLOCKS["hold"], started_at=FRIDAY, runs=timedelta(minutes=minutes)) == FRIDAY + timedelta(minutes=minutes)


def test_warnings_at_half_and_four_fifths() -> None:
    assert warnings(started_at=FRIDAY, due_at=FRIDAY + timedelta(hours=10)) == (FRIDAY + timedelta(hours=5), FRIDAY + timedelta(hours=8))


def test_working_days_skip_the_weekend_and_holidays() -> None:
    assert add_working_days(start=FRIDAY, days=1) == FRIDAY + timedelta(days=3)
    assert add_working_days(start=FRIDAY, days=1, calendar=off(date(2026, 3, 9))) == FRIDAY + timedelta(days=4)
    assert add_working_days(start=FRIDAY, days=0) == FRIDAY
    assert add_working_days(start=FRIDAY, days=60, calendar=Calendar()) == FRIDAY + timedelta(weeks=12)
    for days in (-1, 61):
        with pytest.raises(ValueError, match=f"0 to 60 working days, not {days}"):
            add_working_days(start=FRIDAY, days=days)


def test_a_calendar_of_holidays_alone_comes_to_an_end() -> None:
    whole_year = off(*((FRIDAY + timedelta(days=day)).date() for day in range(400)))
    assert add_working_days(start=FRIDAY, days=1, calendar=whole_year) == FRIDAY + timedelta(days=366)


def test_china_is_eight_hours_ahead() -> None:
    sunday_in_china = datetime(2026, 3, 7, 16, tzinfo=UTC)
    for minutes, later in ((-1, 2), (0, 1)):
        start = sunday_in_china + timedelta(minutes=minutes)
        assert add_working_days(start=start, days=1) == start + timedelta(days=later)
    assert CHINA.tzname(None) == "Asia/Shanghai"


def test_a_day_is_a_day_in_china() -> None:
    """Friday 20:00 in London is Saturday in China; the next working day is Monday there."""
    assert add_working_days(start=datetime(2026, 3, 5, 20, tzinfo=UTC), days=1) == datetime(2026, 3, 8, 20, tzinfo=UTC)


@pytest.mark.parametrize("channel", ["wallet", "alipay", "wechat", "sandbox", "epay", "epay_v2"])
def test_balances_arrive_at_once(channel: str) -> None:
    expected = arrival(channel=channel, accepted_at=FRIDAY)
    assert (expected.earliest_at, expected.latest_at) == (FRIDAY, FRIDAY + timedelta(minutes=5))
    assert (expected.alarm_at, expected.person_at) == (FRIDAY + timedelta(minutes=30), FRIDAY + timedelta(days=6))
    assert "5" in expected.zh
    assert "5 minutes" in expected.en


@pytest.mark.parametrize("channel", ["card", "stripe", "nobody-knows"])
def test_cards_take_up_to_three_working_days(channel: str) -> None:
    expected = arrival(channel=channel, accepted_at=FRIDAY)
    assert (expected.earliest_at, expected.latest_at) == (FRIDAY + timedelta(days=3), FRIDAY + timedelta(days=5))
    assert (expected.alarm_at, expected.person_at) == (FRIDAY + timedelta(days=5), FRIDAY + timedelta(days=6))
    assert "1 to 3 working days" in expected.en


def test_a_transfer_by_hand_takes_up_to_five_working_days() -> None:
    expected = arrival(channel="hand", accepted_at=FRIDAY)
    days = [timedelta(days=3), timedelta(days=7), timedelta(days=7), timedelta(days=7)]
    assert [expected.earliest_at, expected.latest_at, expected.alarm_at, expected.person_at] == [FRIDAY + later for later in days]
    assert "1 to 5 working days" in expected.en


def test_every_channel_that_is_described() -> None:
    at_once, by_card = (timedelta(minutes=5), (0, 0)), (None, (1, 3))
    assert {channel: (rule.within, rule.working_days) for channel, rule in ARRIVALS.items()} == dict.fromkeys(
        ["wallet", "alipay", "wechat", "sandbox", "epay", "epay_v2"], at_once
    ) | dict.fromkeys(["card", "stripe"], by_card) | {"hand": (None, (1, 5))}


def test_holidays_put_every_moment_of_an_arrival_off() -> None:
    expected = arrival(channel="card", accepted_at=FRIDAY, calendar=off(date(2026, 3, 9), date(2026, 3, 13)))
    days = [timedelta(days=4), timedelta(days=6), timedelta(days=6)]
    assert [expected.earliest_at, expected.latest_at, expected.alarm_at] == [FRIDAY + later for later in days]


def test_a_person_never_comes_before_the_alarm() -> None:
    spring_festival = datetime(2026, 2, 13, 4, tzinfo=UTC)
    expected = arrival(channel="card", accepted_at=spring_festival)
    # Saturday the 14th is worked, then nine days off; Tuesday the 24th and Wednesday the 25th follow.
    assert expected.latest_at == expected.alarm_at == expected.person_at == spring_festival + timedelta(days=12)
