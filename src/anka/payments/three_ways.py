"""One channel and day seen three ways: its bill, our payments and refunds, and the ledger. Where the three agree, nothing is missing."""

from datetime import date, datetime

import msgspec

from anka.core import database

SEEN = """
WITH bounds AS (
    SELECT (%(day)s::date::timestamp - interval '8 hours') AT TIME ZONE 'UTC' AS begins,
        (%(day)s::date::timestamp + interval '16 hours') AT TIME ZONE 'UTC' AS ends),
bill AS (
    SELECT * FROM payments_bill WHERE channel = %(channel)s AND day = %(day)s AND read_at IS NOT NULL AND superseded_at IS NULL),
billed AS (
    SELECT said.currency::text, said.kind AS what, count(*) AS number, sum(said.amount_minor) AS minor
    FROM bill JOIN payments_bill_line AS said ON said.bill_id = bill.id WHERE said.kind IN ('payment', 'refund') GROUP BY 1, 2),
ours AS (
    SELECT coalesce(payment.currency, odd.currency)::text AS currency, 'payment' AS what, count(*) AS number,
        sum(coalesce(payment.amount_minor, odd.amount_minor)) AS minor
    FROM bounds JOIN payments_transaction AS taken ON taken.channel = %(channel)s AND taken.taken_at >= begins AND taken.taken_at < ends
        LEFT JOIN payments_payment AS payment ON payment.shop_id = taken.shop_id AND payment.id = taken.payment_id
        LEFT JOIN payments_unidentified AS odd ON odd.shop_id = taken.shop_id AND odd.id = taken.unidentified_id
    GROUP BY 1
    UNION ALL
    SELECT refund.currency::text, 'refund', count(*), sum(attempt.amount_minor)
    FROM bounds JOIN payments_attempt AS attempt ON attempt.channel = %(channel)s AND attempt.status = 'succeeded'
            AND attempt.ended_at >= begins AND attempt.ended_at < ends
        JOIN payments_refund AS refund ON refund.shop_id = attempt.shop_id AND refund.id = attempt.refund_id GROUP BY 1),
booked AS (
    SELECT account.currency::text, CASE WHEN journal.idempotency_key LIKE 'pay:%%' THEN 'payment' ELSE 'refund' END AS what,
        count(DISTINCT (journal.shop_id, journal.id)) AS number, sum(transfer.amount_minor) AS minor
    FROM bounds JOIN ledger_journal AS journal ON journal.posted_at >= begins AND journal.posted_at < ends
            AND (starts_with(journal.idempotency_key, 'pay:' || %(channel)s || ':')
                 OR journal.idempotency_key LIKE 'refund:%%:done')
        JOIN ledger_transfer AS transfer ON transfer.shop_id = journal.shop_id AND transfer.journal_id = journal.id
        JOIN ledger_account AS account ON account.shop_id = transfer.shop_id AND account.code LIKE 'psp:' || %(channel)s || ':%%'
            AND account.id = CASE WHEN journal.idempotency_key LIKE 'pay:%%' THEN transfer.debit_id ELSE transfer.credit_id END
    GROUP BY 1, 2)
SELECT names.currency, names.what, billed.number, billed.minor::bigint, coalesce(ours.number, 0), coalesce(ours.minor, 0)::bigint,
    coalesce(booked.number, 0), coalesce(booked.minor, 0)::bigint
FROM (SELECT currency, what FROM billed UNION SELECT currency, what FROM ours UNION SELECT currency, what FROM booked) AS names
    LEFT JOIN billed USING (currency, what) LEFT JOIN ours USING (currency, what) LEFT JOIN booked USING (currency, what)
ORDER BY 1, 2
"""
FEES = """
SELECT said.currency::text, sum(said.fee_minor) FILTER (WHERE said.kind <> 'settlement'), sum(said.amount_minor)
    FILTER (WHERE said.kind = 'settlement')
FROM payments_bill AS bill JOIN payments_bill_line AS said ON said.bill_id = bill.id
WHERE bill.channel = %s AND bill.day = %s AND bill.read_at IS NOT NULL AND bill.superseded_at IS NULL GROUP BY 1 ORDER BY 1
"""


class ThreeWays(msgspec.Struct, frozen=True):
    """Payments or refunds of a day in one currency: number and sum by the bill (None where there is no such line), by us, in the ledger.

    Around midnight the bill may have on one day what our books have on the next.
    """

    currency: str
    what: str
    billed: int | None
    billed_minor: int | None
    ours: int
    ours_minor: int
    booked: int
    booked_minor: int

    @property
    def agree(self) -> bool:
        """Whether all three say the same."""
        return (self.billed, self.billed_minor) == (self.ours, self.ours_minor) == (self.booked, self.booked_minor)


class Charges(msgspec.Struct, frozen=True):
    """What a channel kept of a day and what it settled, in minor units."""

    currency: str
    fee_minor: int
    settled_minor: int


class DayOfChannel(msgspec.Struct, frozen=True):
    """A channel and a day, seen three ways."""

    channel: str
    day: date
    read_at: datetime | None
    compared_at: datetime | None
    rows: list[ThreeWays]
    charges: list[Charges]


READ = """
SELECT read_at, compared_at FROM payments_bill WHERE channel = %s AND day = %s AND read_at IS NOT NULL AND superseded_at IS NULL
"""


def day_of_channel(*, channel: str, day: date) -> DayOfChannel:
    """Return what the bill, our payments and refunds, and the ledger say of a channel's day."""
    read = database.rows(READ, (channel, day))
    seen = database.rows(SEEN, {"channel": channel, "day": day})
    charged = database.rows(FEES, (channel, day))
    return DayOfChannel(
        channel=channel,
        day=day,
        read_at=read[0][0] if read else None,
        compared_at=read[0][1] if read else None,
        rows=[ThreeWays(*row) for row in seen],
        charges=[Charges(currency, int(fee or 0), int(settled or 0)) for currency, fee, settled in charged],
    )
