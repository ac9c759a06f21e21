"""Every clock of the market: its default and the bounds within which the operator may set it. Time is always an argument."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from anka.domain.working_days import CALENDAR, Calendar, add_working_days

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


class UnknownClock(Exception):
    """There is no clock of this name."""

    code, status = "unknown_clock", 500


class ClockOutOfBounds(Exception):
    """The clock may not be set that short or that long."""

    code, status = "clock_out_of_bounds", 422


@dataclass(frozen=True, slots=True)
class Clock:
    """One clock: how long it runs by default, at least and at most, and what it means to people."""

    id: str
    default: timedelta
    minimum: timedelta
    maximum: timedelta
    zh: str
    en: str


CLOCKS: MappingProxyType[str, Clock] = MappingProxyType(
    {
        clock.id: clock
        for clock in (
            Clock("hold", 15 * MINUTE, 5 * MINUTE, 120 * MINUTE, "未付款订单保留时间", "how long an unpaid order is held"),
            Clock("late", DAY, HOUR, 3 * DAY, "超时后到账可重新发货的期限", "how long money that comes late may still buy the goods"),
            Clock("promise_auto", 5 * MINUTE, MINUTE, HOUR, "自动发货的承诺时间", "automatic delivery is promised within"),
            Clock("promise_manual", 2 * HOUR, 5 * MINUTE, 30 * DAY, "人工发货的承诺时间", "delivery by hand is promised within"),
            Clock("untouched", 48 * HOUR, 2 * HOUR, 48 * HOUR, "商家未接单自动退款", "an untouched order is cancelled and refunded after"),
            Clock("answer", 24 * HOUR, HOUR, 24 * HOUR, "商家答复期限", "the merchant answers within"),
            Clock("offer", 48 * HOUR, 12 * HOUR, 72 * HOUR, "买家答复方案的期限", "the buyer answers an offer within"),
            Clock("bargaining", 72 * HOUR, 24 * HOUR, 72 * HOUR, "协商总时限", "bargaining ends after, in all"),
            Clock("evidence", 24 * HOUR, 12 * HOUR, 72 * HOUR, "举证期限", "evidence is due within"),
            Clock("evidence_account", 48 * HOUR, 24 * HOUR, 72 * HOUR, "账号类举证期限", "evidence about an account is due within"),
            Clock("look", 24 * HOUR, HOUR, 24 * HOUR, "平台首次处理", "the platform looks at a case within"),
            Clock("rule", 48 * HOUR, HOUR, 48 * HOUR, "平台裁决", "the platform decides within"),
            Clock("escalate", 7 * DAY, 7 * DAY, 30 * DAY, "被拒后可申请平台介入", "after a refusal the buyer may call the platform within"),
            Clock("appeal", 72 * HOUR, 24 * HOUR, 7 * DAY, "申诉期限", "an appeal may be made within"),
            Clock("confirm_card_key", 72 * HOUR, 24 * HOUR, 30 * DAY, "卡密查看后自动确认", "a key that was opened is confirmed after"),
            Clock("confirm_top_up", 24 * HOUR, 24 * HOUR, 30 * DAY, "充值完成后自动确认", "a top-up is confirmed after"),
            Clock("confirm_account", 72 * HOUR, 72 * HOUR, 30 * DAY, "账号交付后自动确认", "an account is confirmed after"),
            Clock("confirm_boosting", 72 * HOUR, 24 * HOUR, 30 * DAY, "代练完成后自动确认", "a boosting job is confirmed after"),
            Clock("confirm_rental", 72 * HOUR, 24 * HOUR, 30 * DAY, "租号结束后自动确认", "a rental is confirmed after"),
            Clock("settle", 2 * DAY, timedelta(0), 30 * DAY, "结算给商家", "settled to the merchant after"),
            Clock("external_reply", 20 * HOUR, HOUR, 24 * HOUR, "渠道投诉首次回复", "a complaint at the channel is answered within"),
            Clock("external_done", 60 * HOUR, HOUR, 72 * HOUR, "渠道投诉处理完成", "a complaint at the channel is settled within"),
            Clock("ceiling_alarm", 10 * DAY, DAY, 10 * DAY, "纠纷时长预警", "a case raises the alarm after"),
            Clock("ceiling", 15 * DAY, DAY, 15 * DAY, "纠纷最长处理时间", "a case without a ruling is decided for the buyer after"),
            Clock("keep", 1096 * DAY, 1096 * DAY, 3653 * DAY, "记录保存", "records are kept after completion for"),
        )
    }
)


def clock_named(*, name: str) -> Clock:
    """Return the clock of this name, or raise UnknownClock."""
    try:
        return CLOCKS[name]
    except KeyError:
        raise UnknownClock(f"clock {name!r} is not one of {', '.join(CLOCKS)}") from None


def due(*, clock: Clock, started_at: datetime, runs: timedelta | None = None, paused: timedelta = timedelta(0)) -> datetime:
    """Return the moment a clock falls: when it started, plus how long it runs (its default), plus how long it was paused.

    Raises:
        ClockOutOfBounds: it may not run that short or that long.
    """
    length = clock.default if runs is None else runs
    if not clock.minimum <= length <= clock.maximum:
        raise ClockOutOfBounds(f"clock {clock.id} runs from {clock.minimum} to {clock.maximum}, not {length}")
    return started_at + length + paused


def warnings(*, started_at: datetime, due_at: datetime) -> tuple[datetime, datetime]:
    """Return when to warn: at 50 % and at 80 % of the time."""
    whole = due_at - started_at
    return started_at + whole * 50 // 100, started_at + whole * 80 // 100


@dataclass(frozen=True, slots=True)
class Warned:
    """Whom a clock warns (buyer, shop, platform), at which shares of its time in percent; or once, so long `after` it started."""

    audiences: tuple[str, ...]
    percents: tuple[int, ...] = (50, 80)
    after: timedelta | None = None


_CEILING, _ALARM = CLOCKS["ceiling"].default, CLOCKS["ceiling_alarm"].default
WARNED: MappingProxyType[str, Warned] = MappingProxyType(
    {
        "hold": Warned(("buyer",), (80,)),
        "promise": Warned(("shop",)),
        "answer": Warned(("shop",)),
        "offer": Warned(("buyer",)),
        "escalate": Warned(("buyer",)),
        "appeal": Warned(("buyer",)),
        "evidence": Warned(("buyer", "shop")),
        "look": Warned(("platform",)),
        "rule": Warned(("platform",)),
        "ceiling": Warned(("platform",), (_ALARM * 100 // _CEILING,), _ALARM),
    }
)
"""Who hears of a running clock before it falls; clocks that are not here run out without anybody having to do something. The half is a
reminder, four fifths are the last call; only unpaid orders, whose clock runs for minutes, have no reminder."""


@dataclass(frozen=True, slots=True)
class ArrivalRule:
    """How soon a channel brings money back: at most `within`, or from and to so many working days."""

    within: timedelta | None
    working_days: tuple[int, int]
    zh: str
    en: str


_BALANCE = ArrivalRule(5 * MINUTE, (0, 0), "即时到账，一般不超过 5 分钟", "at once, as a rule within 5 minutes")
_CARD = ArrivalRule(None, (1, 3), "1–3 个工作日", "1 to 3 working days")
_BY_HAND = ArrivalRule(None, (1, 5), "由工作人员转账，1–5 个工作日", "a transfer made by a person, 1 to 5 working days")
_BALANCES = ("wallet", "alipay", "wechat", "sandbox", "epay", "epay_v2")
ARRIVALS: MappingProxyType[str, ArrivalRule] = MappingProxyType(
    dict.fromkeys(_BALANCES, _BALANCE) | dict.fromkeys(("card", "stripe"), _CARD) | {"hand": _BY_HAND}
)
BALANCE_ALARM = 30 * MINUTE
"""When the absence of money raises the alarm on channels that pay into a balance; on those that pay a bank account it is the last day."""
PERSON_AFTER = 6 * DAY
"""From then on a refund that has not arrived is a person's to look after, whatever its channel says."""
STUCK_WITHIN = DAY
"""How soon a person has taken a stuck refund further, or written down why not."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """When money is expected back, when its absence raises the alarm, and when a person takes over."""

    earliest_at: datetime
    latest_at: datetime
    alarm_at: datetime
    person_at: datetime
    zh: str
    en: str


def arrival(*, channel: str, accepted_at: datetime, calendar: Calendar = CALENDAR) -> Arrival:
    """Return when a refund through this channel arrives. A channel nobody has described is treated as a bank card."""
    rule = ARRIVALS.get(channel, _CARD)
    first, last = rule.working_days
    if rule.within is not None:
        earliest, latest, alarm = accepted_at, accepted_at + rule.within, accepted_at + BALANCE_ALARM
    else:
        earliest = add_working_days(start=accepted_at, days=first, calendar=calendar)
        latest = alarm = add_working_days(start=accepted_at, days=last, calendar=calendar)
    return Arrival(earliest, latest, alarm, max(alarm, accepted_at + PERSON_AFTER), rule.zh, rule.en)
