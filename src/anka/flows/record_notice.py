"""Keep a channel's message: refused, repeated, or taken. Only money that is taken is written down by its own flow, with what it changed."""

from datetime import datetime, timedelta

from anka.core import database
from anka.core.clock import Moment
from anka.domain.chart import PLATFORM_SHOP

# What does not fit is acted upon when it is still being said this much later.
SAID_FOR = timedelta(minutes=1)
WRITE = """
INSERT INTO payments_notice (channel, received_at, digest, verdict, reason, payment_number, excerpt)
VALUES (%s, %s, decode(%s, 'hex'), %s, %s, %s, %s) RETURNING id
"""
ASK = "SELECT ask_for_work(%s, 'question', %s, %s, %s)"
QUESTION = """
INSERT INTO payments_question (channel, payment_number, asked_at) VALUES (%s, %s, %s)
ON CONFLICT (channel, payment_number)
DO UPDATE SET asked_at = excluded.asked_at, answered_at = NULL, answer = NULL, said = NULL, said_at = NULL
"""
ANSWERED = """
UPDATE payments_question SET answered_at = %s, answer = %s
WHERE channel = %s AND payment_number = %s AND asked_at = %s AND answered_at IS NULL
RETURNING true
"""

SAID = """
UPDATE payments_question SET said = %(said)s, said_at = CASE WHEN said = %(said)s THEN said_at ELSE %(now)s END
WHERE channel = %(channel)s AND payment_number = %(number)s AND answered_at IS NULL
RETURNING said_at <= %(long_ago)s
"""


def record_notice(*, channel: str, digest: str, verdict: str, reason: str, about: tuple[str | None, str], at: Moment) -> None:
    """Write down a notice: `verdict` refused, repeated (it changed nothing) or taken, and a reason code.

    `about` is the payment's number, where it can be believed, and an excerpt of the body.
    """
    with database.transaction():
        _write(channel, digest, (verdict, reason), about, at)


def record_doubtful_notice(*, channel: str, digest: str, reason: str, about: tuple[str, str], at: Moment) -> None:
    """Write down a genuine notice that is not believed by itself, and ask the channel whether it holds such money, in one."""
    with database.transaction():
        notice = _write(channel, digest, ("refused", reason), about, at)
        # Work of its own for every message: what asks at this moment may have had its answer already.
        _ask(channel, about[0], str(notice), at)


def ask_channel(*, channel: str, payment_number: str, at: Moment) -> None:
    """Ask a channel about a payment, because of something it said by the way."""
    with database.transaction():
        _ask(channel, payment_number, "answer", at)


def note_said(*, channel: str, payment_number: str, said: str, at: Moment) -> bool:
    """Keep what a channel says about a payment that does not fit, and tell whether it has been saying exactly that for a minute."""
    with database.transaction():
        about = {"channel": channel, "number": payment_number, "said": said, "now": at.now, "long_ago": at.now - SAID_FOR}
        return bool(database.value(SAID, about))


def answer_question(*, channel: str, payment_number: str, asked_at: datetime, answer: str, at: Moment) -> bool:
    """Note that a channel has said something certain about a payment it was asked about; `answer` is a code.

    Tells whether that was an answer to the question as it stands: a message that came meanwhile has to be asked about again.
    """
    with database.transaction():
        return bool(database.rows(ANSWERED, (at.now, answer, channel, payment_number, asked_at)))


def _ask(channel: str, payment_number: str, because: str, at: Moment) -> None:
    database.rows(QUESTION, (channel, payment_number, at.now))
    database.rows(ASK, (PLATFORM_SHOP, f"{channel}:{payment_number}:{because}", at.now, at.now))


def _write(channel: str, digest: str, judged: tuple[str, str], about: tuple[str | None, str], at: Moment) -> int:
    payment_number, excerpt = about
    return int(database.value(WRITE, (channel, at.real, digest, *judged, payment_number, excerpt[:2000])))
