"""What the operator has agreed with channels, and which days banks work: read once at the start, the same for everybody afterwards.

The rules stand in the domain; the composition root puts here what is different in this installation.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from anka.domain.deadlines import Arrival, arrival
from anka.domain.refund_plan import LIMITS, ChannelLimit, limits_with
from anka.domain.working_days import CALENDAR, Calendar


@dataclass(slots=True)
class Arrangements:
    """The limits of channels and the calendar of this installation."""

    limits: MappingProxyType[str, ChannelLimit]
    calendar: Calendar


_here = Arrangements(LIMITS, CALENDAR)


def arrange(*, windows: Mapping[str, timedelta] = MappingProxyType({}), calendar: Calendar = CALENDAR) -> None:
    """Set how long after a payment each channel refunds, by channel code, and the calendar; what is not named is as documented."""
    _here.limits, _here.calendar = limits_with(windows=windows), calendar


def arrange_limits(*, limits: Mapping[str, ChannelLimit]) -> None:
    """Set everything that channels allow."""
    _here.limits = MappingProxyType(dict(limits))


def limits() -> MappingProxyType[str, ChannelLimit]:
    """Return what each channel allows."""
    return _here.limits


def expected(*, channel: str, accepted_at: datetime) -> Arrival:
    """Return when money arrives that goes back through a channel, when its absence raises the alarm, and when a person takes over."""
    return arrival(channel=channel, accepted_at=accepted_at, calendar=_here.calendar)
