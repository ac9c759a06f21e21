"""The demo market's money: a deposit, a withdrawal that waits and one that is paid, and yesterday's bills with one difference.

Nothing here is a short cut: the same flows do it that do it for people, told when. Only the bills are written here. The stories were told
within a minute, whatever day they speak of, so the gateway's own bills would say that everything happened today.
"""

import hashlib
from datetime import datetime, timedelta

from anka.adapters.channels.port import Bill, BillLine
from anka.catalog.queries import shop_id_of
from anka.cli.demo_market import DemoFilesMissing, person_id
from anka.core import database
from anka.core.actors import Actor, ActorKind
from anka.core.clock import Moment, moment
from anka.core.idempotency import unrepeated
from anka.domain.deposits import Tier
from anka.domain.funds_mode import Doing
from anka.domain.money import fee
from anka.flows.ask_withdrawal import WithdrawalAsked, ask_withdrawal
from anka.flows.decide_withdrawal import approve_withdrawal
from anka.flows.pay_deposit_from_balance import pay_deposit_from_balance
from anka.flows.record_payout import begin_payout, record_paid
from anka.flows.set_funds_terms import NewTerms, set_funds_terms
from anka.jobs import reconcile
from anka.jobs.channels import channels
from anka.ledger import mode
from anka.payments.bills import CHINA

SHOP, OWNER, ACCOUNT = "QM", "shop1", "6222021234567890123"
DEPOSIT_MINOR, PAID_MINOR, WAITING_MINOR = 50_000, 60_000, 25_000
NOTHING_REMEMBERED = unrepeated("demo")
FEE_BASIS_POINTS = 60
PAYMENTS = """
SELECT payment.number, taken.transaction_number, payment.amount_minor, payment.currency::text, taken.taken_at
FROM payments_transaction AS taken JOIN payments_payment AS payment ON payment.shop_id = taken.shop_id AND payment.id = taken.payment_id
WHERE taken.channel = %s AND taken.taken_at >= %s AND taken.taken_at < %s ORDER BY taken.taken_at
"""
REFUNDS = """
SELECT attempt.number, payment.number, attempt.channel_number, attempt.amount_minor, payment.currency::text, attempt.ended_at
FROM payments_attempt AS attempt
    JOIN payments_leg AS leg ON leg.shop_id = attempt.shop_id AND leg.refund_id = attempt.refund_id AND leg.leg = attempt.leg
    JOIN payments_payment AS payment ON payment.shop_id = leg.shop_id AND payment.id = leg.payment_id
WHERE attempt.channel = %s AND attempt.status = 'succeeded' AND attempt.ended_at >= %s AND attempt.ended_at < %s ORDER BY attempt.ended_at
"""


def fund_shop() -> None:
    """Give a shop a deposit from its balance where we hold deposits, have it withdraw once and ask for a second withdrawal."""
    shop_id, owner = shop_id_of(code=SHOP), Actor(kind=ActorKind.MERCHANT, person_id=person_id(OWNER))
    if shop_id is None:
        raise DemoFilesMissing(f"There is no shop {SHOP} in this market; its money was not loaded.")
    finance = Actor(kind=ActorKind.PLATFORM, person_id=person_id("finance1"))
    if mode.offered(doing=Doing.HOLD_DEPOSITS):
        terms = NewTerms(tier=Tier.PROVEN, reason="经营满一年，纠纷率低")
        set_funds_terms(actor=finance, shop_id=shop_id, terms=terms, request=NOTHING_REMEMBERED, at=_ago(hours=20))
        pay_deposit_from_balance(actor=owner, shop_id=shop_id, amount_minor=DEPOSIT_MINOR, request=NOTHING_REMEMBERED, at=_ago(hours=19))
    first = WithdrawalAsked(amount_minor=PAID_MINOR, account=ACCOUNT)
    number = ask_withdrawal(actor=owner, shop_id=shop_id, asked=first, request=NOTHING_REMEMBERED, at=_ago(hours=18))
    approve_withdrawal(actor=finance, number=number, request=NOTHING_REMEMBERED, at=_ago(hours=17))
    begin_payout(actor=finance, number=number, request=NOTHING_REMEMBERED, at=_ago(hours=16))
    record_paid(actor=finance, number=number, bank_reference="ICBC-20260301-0007", request=NOTHING_REMEMBERED, at=_ago(hours=15))
    second = WithdrawalAsked(amount_minor=WAITING_MINOR, account=ACCOUNT)
    ask_withdrawal(actor=owner, shop_id=shop_id, asked=second, request=NOTHING_REMEMBERED, at=_ago(hours=2))


def compare_yesterday() -> None:
    """Keep yesterday's bill of every channel and compare it with the books; one line of Alipay's stands nowhere in them."""
    at = moment()
    begin = datetime.combine(at.now.astimezone(CHINA).date() - timedelta(days=1), datetime.min.time(), CHINA)
    for code in sorted(code for code, channel in channels.items() if channel.manners.has_bills):
        lines = _lines(code, begin)
        if code == "alipay":
            lines.append(_line("other", ("", "", "20260301-SERVICE"), 3_000, "CNY", begin + timedelta(hours=9)))
        digest = hashlib.sha256(f"demo {code} {begin}".encode()).hexdigest()
        bill = Bill(day=begin.date(), lines=tuple(lines), digest=digest)
        reconcile.compare(bill=reconcile.keep(channel=code, bill=bill, origin=("file", "operator:demo"), at=at), at=at)


def _ago(*, hours: float) -> Moment:
    now = moment()
    return Moment(now=now.now - timedelta(hours=hours), real=now.real)


def _lines(code: str, begin: datetime) -> list[BillLine]:
    day = (code, begin, begin + timedelta(days=1))
    paid = [_line("payment", (number, number, told), *rest) for number, told, *rest in database.rows(PAYMENTS, day)]
    back = [_line("refund", (number, of, told or ""), *rest) for number, of, told, *rest in database.rows(REFUNDS, day)]
    return [*paid, *back]


def _line(kind: str, numbers: tuple[str, str, str], amount_minor: int, currency: str, occurred_at: datetime) -> BillLine:
    number, payment_number, channel_number = numbers
    kept = fee(amount_minor=amount_minor, basis_points=FEE_BASIS_POINTS) if kind == "payment" else 0
    return BillLine(
        kind=kind,  # type: ignore[arg-type]  # one of three written above
        number=number,
        payment_number=payment_number,
        channel_number=channel_number,
        amount_minor=amount_minor,
        fee_minor=kept,
        currency=currency,
        occurred_at=occurred_at,
    )
