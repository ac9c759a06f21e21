"""The calendar of China's banks: holidays, make-up workdays, and an operator's own table."""

from datetime import UTC, date, datetime, timedelta

import pytest

from anka.domain.working_days import CALENDAR, BadCalendar, Calendar, add_working_days, read_calendar


@pytest.mark.parametrize(
    ("day", "works"),
    [
        ("2026-01-01", False),
        ("2026-01-03", False),
        ("2026-01-04", True),
        ("2026-02-14", True),
        ("2026-02-15", False),
        ("2026-02-23", False),
        ("2026-02-24", True),
        ("2026-02-28", True),
        ("2026-03-01", False),
        ("2026-04-06", False),
        ("2026-05-05", False),
        ("2026-05-09", True),
        ("2026-06-19", False),
        ("2026-09-20", True),
        ("2026-09-25", False),
        ("2026-10-07", False),
        ("2026-10-08", True),
        ("2026-10-10", True),
        ("2026-11-23", True),
        ("2027-01-01", False),
        ("2027-02-08", False),
        ("2027-04-05", False),
        ("2027-04-06", True),
        ("2027-05-03", True),
        ("2027-06-09", False),
        ("2027-09-15", False),
        ("2027-10-01", False),
        ("2027-10-04", True),
    ],
)
def test_the_days_of_the_notice(day: str, works: bool) -> None:
    assert CALENDAR.works(date.fromisoformat(day)) == works


def test_a_weekend_that_is_worked_is_never_a_holiday() -> None:
    assert not CALENDAR.holidays & CALENDAR.workdays
    assert all(day.weekday() >= 5 for day in CALENDAR.workdays)
    assert len([day for day in CALENDAR.holidays if day.year == 2026]) == 33


def test_a_year_without_a_notice_has_the_days_that_the_law_names() -> None:
    """Thirteen: new year 1, spring festival 4, tomb sweeping 1, labour day 2, dragon boat 1, mid-autumn 1, national day 3."""
    days = sorted(day for day in CALENDAR.holidays if day.year == 2027)
    by_month = [sum(day.month == month for day in days) for month in range(1, 13)]
    assert by_month == [1, 4, 0, 1, 2, 1, 0, 0, 1, 3, 0, 0]
    assert (days[1], days[6], days[7]) == (date(2027, 2, 5), date(2027, 5, 1), date(2027, 5, 2))
    assert not [day for day in CALENDAR.workdays if day.year == 2027]


def test_working_days_over_national_day() -> None:
    """Wednesday, 30 September: the 8th, the 9th and the Saturday that is worked."""
    start = datetime(2026, 9, 30, 4, tzinfo=UTC)
    assert add_working_days(start=start, days=3) == start + timedelta(days=10)


def test_an_operators_own_table() -> None:
    text = "holidays = [2028-01-03, [2028-01-24, 2028-01-30]]\nworkdays = [2028-01-22]"
    calendar = read_calendar(text=text)
    assert len(calendar.holidays) == 8
    assert calendar.workdays == {date(2028, 1, 22)}
    assert read_calendar(text="") == Calendar()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("holidays = [", "is not TOML"),
        ("days = []", "has holidays and workdays, not days"),
        ("holidays = 2028-01-03", "a list of dates"),
        ("holidays = ['2028-01-03']", "neither a date"),
        ("holidays = [2028-01-03T10:00:00]", "neither a date"),
        ("holidays = [[2028-01-03]]", "neither a date"),
        ("holidays = [[2028-01-03, 2028-01-04, 2028-01-05]]", "neither a date"),
        ("holidays = [[2028-01-03, 2028-01-04, 'and so on']]", "neither a date"),
        ("holidays = [[2028-01-03, 2028-01-02]]", "neither a date"),
        ("holidays = [[2028-01-03, 2028-02-04]]", "neither a date"),
        ("holidays = [2028-01-03]\nworkdays = [2028-01-03]", "2028-01-03 is both"),
        # Of several mistakes the first is told, or all of them in order: the same text has the same answer each time.
        ("holidays = [[2028-01-03, 2028-01-30]]\nworkdays = [[2028-01-01, 2028-01-31]]", "^2028-01-03 is both"),
        ("g = 1\nb = 1\nf = 1\na = 1\ne = 1\nc = 1\nd = 1", "not a, b, c, d, e, f, g$"),
    ],
)
def test_a_table_that_cannot_be_read_says_why(text: str, why: str) -> None:
    with pytest.raises(BadCalendar, match=why):
        read_calendar(text=text)


def test_a_holiday_has_a_month_at_most() -> None:
    assert len(read_calendar(text="holidays = [[2028-01-03, 2028-02-03]]").holidays) == 32
