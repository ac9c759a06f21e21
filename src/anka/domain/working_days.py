"""Which days China's banks work: the holidays and make-up workdays of the State Council's yearly notices, or an operator's own table."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone

CHINA = timezone(timedelta(hours=8), "Asia/Shanghai")
"""Where banks have their working days. China has no summer time."""
DAY = timedelta(days=1)
MOST_WORKING_DAYS = 60
_SATURDAY = 5


class BadCalendar(Exception):
    """A table of holidays cannot be read: the text names the entry and what is wrong with it."""

    code, status = "bad_calendar", 422


@dataclass(frozen=True, slots=True)
class Calendar:
    """Days off that are weekdays otherwise (weekends may be among them), and weekends on which people work instead."""

    holidays: frozenset[date] = frozenset()
    workdays: frozenset[date] = frozenset()

    def works(self, day: date) -> bool:
        """Tell whether banks work on this day."""
        return day in self.workdays or (day.weekday() < _SATURDAY and day not in self.holidays)


def _days(first: str, last: str) -> Iterator[date]:
    day, end = date.fromisoformat(first), date.fromisoformat(last)
    while day <= end:
        yield day
        day += DAY


# 2026: the State Council's notice on holidays of 4 November 2025 (国务院办公厅关于2026年部分节假日安排的通知).
# 2027: no notice was known when this was written, so only the days that the law itself names (全国年节及纪念日放假办法, as revised in
# November 2024); bridging days and make-up workdays come with the notice, by ANKA_HOLIDAYS_FILE or the next version.
_HOLIDAYS = (
    ("2026-01-01", "2026-01-03"),
    ("2026-02-15", "2026-02-23"),
    ("2026-04-04", "2026-04-06"),
    ("2026-05-01", "2026-05-05"),
    ("2026-06-19", "2026-06-21"),
    ("2026-09-25", "2026-09-27"),
    ("2026-10-01", "2026-10-07"),
    ("2027-01-01", "2027-01-01"),
    ("2027-02-05", "2027-02-08"),
    ("2027-04-05", "2027-04-05"),
    ("2027-05-01", "2027-05-02"),
    ("2027-06-09", "2027-06-09"),
    ("2027-09-15", "2027-09-15"),
    ("2027-10-01", "2027-10-03"),
)
_WORKDAYS = ("2026-01-04", "2026-02-14", "2026-02-28", "2026-05-09", "2026-09-20", "2026-10-10")
CALENDAR = Calendar(
    holidays=frozenset(day for first, last in _HOLIDAYS for day in _days(first, last)),
    workdays=frozenset(date.fromisoformat(day) for day in _WORKDAYS),
)


def read_calendar(*, text: str) -> Calendar:
    """Return the calendar of a TOML text: `holidays` and `workdays` are lists of dates, or of pairs of dates (first and last day).

    Raises:
        BadCalendar: the text is no TOML, has other keys, or an entry is not a date or a pair of them.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise BadCalendar(f"the table of holidays is not TOML: {error}") from None
    unknown = sorted(set(table) - {"holidays", "workdays"})
    if unknown:
        raise BadCalendar(f"a table of holidays has holidays and workdays, not {', '.join(unknown)}")
    found = {name: frozenset(day for entry in _listed(table, name) for day in _entry(entry)) for name in ("holidays", "workdays")}
    both = sorted(found["holidays"] & found["workdays"])
    if both:
        raise BadCalendar(f"{both[0]} is both a holiday and a workday")
    return Calendar(**found)


def _listed(table: dict[str, object], name: str) -> list[object]:
    listed = table.get(name, [])
    if not isinstance(listed, list):
        raise BadCalendar(f"{name} is a list of dates")
    return listed


def _entry(entry: object) -> Iterator[date]:
    ends = entry if isinstance(entry, list) else [entry, entry]
    dates = [day for day in ends if isinstance(day, date) and not isinstance(day, datetime)]
    if len(ends) != 2 or len(dates) != 2 or not DAY * 0 <= dates[1] - dates[0] <= DAY * 31:
        raise BadCalendar(f"{entry} is neither a date nor the first and last day of a holiday")
    return _days(dates[0].isoformat(), dates[1].isoformat())


def add_working_days(*, start: datetime, days: int, calendar: Calendar = CALENDAR) -> datetime:
    """Return the same time of day so many working days later, as banks in China count them.

    Raises:
        ValueError: more than 60 working days are asked for, or fewer than none.
    """
    if not 0 <= days <= MOST_WORKING_DAYS:
        raise ValueError(f"0 to {MOST_WORKING_DAYS} working days, not {days}")
    moment, left = start, days
    for _ in range(366):
        if left == 0:
            break
        moment += DAY
        left -= calendar.works(moment.astimezone(CHINA).date())
    return moment
