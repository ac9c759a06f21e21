"""The sandbox seen from our side: play the gateway, move the clock. The notices a play brings are taken before it answers."""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

import httpx
import msgspec
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from anka.adapters.channels import sandbox_play
from anka.adapters.channels.port import PaymentRequest, Started
from anka.adapters.channels.sandbox import SandboxChannel
from anka.core import clock, database, outbox
from anka.core.actors import system
from anka.core.clock import Moment
from anka.core.refusals import BadInput, NotFound, Refusal
from anka.jobs import notices, sweeps, top_ups, warnings
from anka.jobs.channels import channels
from anka.jobs.payments import sign
from anka.orders.models import Payment
from anka.orders.queries import read_order
from anka.payments.cashiers import kept_cashier
from anka.payments.top_ups import TopUp, is_top_up, top_up

CURRENCY = "CNY"
PLAYER = system("sandbox")
ORDER_OF = """
SELECT o.number FROM payments_payment AS payment JOIN orders_order AS o ON o.shop_id = payment.shop_id AND o.id = payment.order_id
WHERE payment.shop_id = (SELECT id FROM accounts_shop WHERE code = split_part(%s, '-', 1)) AND payment.number = %s
"""
ATTEMPT_OF = """
SELECT attempt.number FROM payments_refund AS refund
JOIN payments_attempt AS attempt ON attempt.shop_id = refund.shop_id AND attempt.refund_id = refund.id
WHERE refund.shop_id = shop_of_number(%s) AND (refund.number = %s OR attempt.number = %s)
ORDER BY attempt.id DESC LIMIT 1
"""
# As far as the movable clock goes.
FURTHEST = timedelta(days=3650)
NOT_THERE = "not backwards, at most ten years ahead of real time"
TOGETHER = timedelta(milliseconds=250)
LONGEST_VISIT_SECONDS = 5.0
MOST_STEPS = 2000
# A worker of this sandbox may be at the same work; it is given up to two seconds.
IN_HAND = "SELECT EXISTS (SELECT FROM core_outbox WHERE done_at IS NULL AND due_at <= %s AND leased_until IS NOT NULL)"
MOST_LOOKS, ONE_LOOK = 40, 0.05


class SandboxIsOff(Refusal):
    """This installation handles real money; nothing can be played."""

    code, status = "not_found", 404


class GatewayRefuses(Refusal):
    """The sandbox gateway refused the play, or did not answer."""

    code, status = "sandbox_refused", 409
    says = _("The sandbox gateway refused: %(reason)s. Nothing has changed.")


class Played(msgspec.Struct, frozen=True):
    """What a play did: the state at the gateway, and how each notice that came of it was answered (HTTP status)."""

    status: str
    notices: list[int]


def sandbox() -> SandboxChannel:
    """Return the sandbox channel; raises SandboxIsOff where there is none."""
    channel = channels.get("sandbox")
    if not isinstance(channel, SandboxChannel):
        raise SandboxIsOff
    return channel


def play_payment(
    *, number: str, outcome: str, faults: Sequence[sandbox_play.FaultWish], amount_minor: int | None = None, at: Moment
) -> Played:
    """Decide at the gateway what becomes of a payment, and take the notices it sends.

    `amount_minor` makes it capture another sum than was asked for; together with a number nobody ever began, money that nobody expects.

    Raises:
        NotFound: there is no such payment. BadInput: no such outcome or fault. GatewayRefuses: as its name says.
    """
    channel = sandbox()
    if outcome not in sandbox_play.PAYMENT_OUTCOMES:
        raise BadInput(fields={"outcome": ", ".join(sandbox_play.PAYMENT_OUTCOMES)})
    if is_top_up(number=number):
        return _play(_known_top_up(top_up(number=number), at), number, outcome, amount_minor, faults, at)
    order = database.value(ORDER_OF, (number, number))
    if order is None:
        return _play_nobodys(channel, number, amount_minor, faults, at)
    state = read_order(number=order, actor=PLAYER, at=at)
    payment = state.payment(number)
    if payment is None or payment.channel not in channels:
        raise NotFound
    url = _known_at_the_gateway(payment, state.shop_id, lambda began: sign(state=state, payment=payment, at=began), at)
    return _play(url, number, outcome, amount_minor, faults, at)


def _play(url: str, number: str, outcome: str, amount_minor: int | None, faults: Sequence[sandbox_play.FaultWish], at: Moment) -> Played:
    channel = sandbox()
    if amount_minor is not None and outcome == "paid":
        return _capture(channel, number, amount_minor, url, faults, at)
    return carry_out(
        lambda: sandbox_play.play_payment(channel=channel, number=number, outcome=outcome, faults=faults, cashier_url=url),  # type: ignore[arg-type]
        at=at,
    )


def _known_top_up(payment: TopUp, at: Moment) -> str:
    if payment.channel not in channels:
        raise NotFound
    return _known_at_the_gateway(payment, payment.shop_id, lambda began: top_ups.sign(payment=payment, at=began), at)


def _known_at_the_gateway(payment: Payment | TopUp, shop_id: int, signed: Callable[[Moment], Started], at: Moment) -> str:
    """See to it that the gateway knows a payment, as it does once a browser was sent there; return the sandbox's own signed address."""
    # The address as it was given out in time: whoever opened it then may still pay late.
    began = Moment(now=payment.created_at, real=at.real)
    adapter = channels[payment.channel]
    if adapter.manners.asks_to_start:
        kept = kept_cashier(shop_id=shop_id, payment_id=payment.id, device="desktop", now=began.now)
        url = kept.cashier_url if kept else ""
    else:
        url = signed(began).cashier_url
    if adapter.code == "sandbox":
        return url
    if url.startswith(f"{settings.ENVIRONMENT.gateway_url}/"):
        with suppress(httpx.HTTPError):
            httpx.get(url, trust_env=False, follow_redirects=False, timeout=LONGEST_VISIT_SECONDS)
    return ""


def _play_nobodys(
    channel: SandboxChannel, number: str, amount_minor: int | None, faults: Sequence[sandbox_play.FaultWish], at: Moment
) -> Played:
    """Let the gateway capture money under a number that no order of ours ever gave out."""
    if amount_minor is None or not notices.NUMBER.fullmatch(number):
        raise NotFound
    request = PaymentRequest(
        number=number,
        amount_minor=amount_minor,
        currency=CURRENCY,
        subject="?",
        expires_at=at.now + timedelta(days=1),
        return_url=settings.ENVIRONMENT.base_url,
    )
    return _capture(channel, number, amount_minor, channel.start(payment=request, now=at.now).cashier_url, faults, at)


def _capture(
    channel: SandboxChannel, number: str, amount_minor: int, url: str, faults: Sequence[sandbox_play.FaultWish], at: Moment
) -> Played:
    return carry_out(
        lambda: sandbox_play.play_capture(channel=channel, number=number, amount_minor=amount_minor, cashier_url=url, faults=faults),
        at=at,
    )


def play_refund(*, number: str, outcome: str, faults: Sequence[sandbox_play.FaultWish], at: Moment) -> Played:
    """Decide at the gateway what becomes of a refund (its number or an attempt's), and take the notices it sends.

    Raises:
        NotFound: there is no such refund. BadInput: no such outcome or fault. GatewayRefuses: as its name says.
    """
    channel = sandbox()
    if outcome not in sandbox_play.REFUND_OUTCOMES:
        raise BadInput(fields={"outcome": ", ".join(sandbox_play.REFUND_OUTCOMES)})
    attempt = database.value(ATTEMPT_OF, (number, number, number))
    if attempt is None:
        raise NotFound
    return carry_out(
        lambda: sandbox_play.play_refund(channel=channel, number=attempt, outcome=outcome, faults=faults),  # type: ignore[arg-type]
        at=at,
    )


def carry_out(play: Callable[[], sandbox_play.Played], *, at: Moment) -> Played:
    """Play, take the notices that come of it, and run what is due; raises GatewayRefuses."""
    try:
        played = play()
    except (sandbox_play.SandboxRefused, sandbox_play.SandboxUnreachable) as error:
        raise GatewayRefuses(reason=str(error)) from error
    answers = [notices.receive(channel=notice.channel, message=notice.incoming, at=at)[0] for notice in played.notices]
    _run_due(at)
    return Played(status=played.status, notices=answers)


def _run_due(at: Moment) -> None:
    """Run what is due, and wait a little for what a worker has just taken up: whoever plays wants to see the end of it."""
    for _look in range(MOST_LOOKS):
        sweeps.run_due(at=at)
        if not database.value(IN_HAND, (at.now,)):
            return
        time.sleep(ONE_LOOK)


def move_clock(*, advance_seconds: int | None, now: datetime | None) -> datetime:
    """Move the market's time forward and run every clock that falls or warns, each at its own time, before answering with the new time.

    Clocks that fall within a quarter of a second are run together, as a worker that looks four times a second would. After 2,000 such
    steps the rest of the way is taken in one: years of asking after one refund teach nobody anything.

    Raises:
        BadInput: not exactly one of the two, backwards, or more than ten years ahead of real time.
        SandboxIsOff: this installation handles real money.
    """
    sandbox()
    before = clock.moment()
    target = _target(before, advance_seconds, now)
    # What is due already happens now, not at the end of the way.
    sweeps.run_due(at=before)
    step = before.now
    for left in range(MOST_STEPS, -1, -1):
        step = (_next_due(step, target) if left else None) or target
        clock.set_now(step)
        sweeps.run_due(at=Moment(now=step, real=before.real))
        # Last, so that nobody is warned of a clock whose reason has just gone.
        warnings.warn_of_all(at=Moment(now=step, real=before.real))
        if step >= target:
            break
    end = Moment(now=target, real=before.real)
    # The gateway's notices travel by themselves; who moves the clock wants to see now what it would tell, so it is asked.
    outbox.bring_forward(topic="refund", at=end)
    _run_due(end)
    return clock.moment().now


def _target(before: Moment, advance_seconds: int | None, now: datetime | None) -> datetime:
    if (advance_seconds is None) == (now is None):
        raise BadInput(fields={"advance_seconds": "either advance_seconds or now"})
    furthest = before.real + FURTHEST
    if advance_seconds is not None:
        if not 0 <= advance_seconds <= (furthest - before.now).total_seconds():
            raise BadInput(fields={"advance_seconds": NOT_THERE})
        return before.now + timedelta(seconds=advance_seconds)
    if now is None or now.tzinfo is None:
        raise BadInput(fields={"now": "RFC 3339 with zone"})
    if not before.now <= now <= furthest:
        raise BadInput(fields={"now": NOT_THERE})
    return now


CLOCKS = """(VALUES ('hold'), ('confirm'), ('settle'), ('answer'), ('offer'), ('evidence'), ('look'), ('rule'), ('escalate'), ('appeal'),
    ('ceiling'), ('external_reply'), ('external_done')) AS wanted (kind)"""
NEXT_DUE = f"""
WITH first AS (
    SELECT min(due_at) AS due_at FROM (
        SELECT due_at FROM {CLOCKS}, LATERAL (SELECT due_at FROM core_clock AS clock WHERE clock.kind = wanted.kind
            AND clock.state = 'running' AND clock.due_at > %(after)s ORDER BY clock.due_at LIMIT 1) AS soonest
        UNION ALL SELECT min(due_at) FROM core_outbox WHERE done_at IS NULL AND due_at > %(after)s) AS each_kind),
until AS (SELECT due_at, least(due_at + %(together)s, %(until)s) AS last FROM first WHERE due_at <= %(until)s)
SELECT max(due_at) FROM (
    SELECT due_at FROM until
    UNION ALL SELECT soonest.due_at FROM until, {CLOCKS}, LATERAL (SELECT due_at FROM core_clock AS clock WHERE clock.kind = wanted.kind
        AND clock.state = 'running' AND clock.due_at BETWEEN until.due_at AND until.last ORDER BY clock.due_at DESC LIMIT 1) AS soonest
    UNION ALL SELECT work.due_at FROM until, core_outbox AS work
        WHERE work.done_at IS NULL AND work.due_at BETWEEN until.due_at AND until.last) AS together
"""


def _next_due(after: datetime, until: datetime) -> datetime | None:
    due: datetime | None = database.value(NEXT_DUE, {"after": after, "until": until, "together": TOGETHER})
    return warnings.next_warning(after=after, until=due or until, together=TOGETHER) or due
