"""Keep a channel's message that changed nothing else: refused, or repeated."""

from anka.core import database
from anka.core.clock import Moment

WRITE = """
INSERT INTO payments_notice (channel, received_at, digest, verdict, reason, payment_number, excerpt)
VALUES (%s, %s, decode(%s, 'hex'), %s, %s, %s, %s)
"""


def record_notice(*, channel: str, digest: str, verdict: str, reason: str, about: tuple[str | None, str], at: Moment) -> None:
    """Write down a notice: `verdict` refused or repeated, a reason code, and `about`: the payment's number and an excerpt of the body."""
    with database.transaction():
        payment_number, excerpt = about
        database.rows(WRITE, (channel, at.real, digest, verdict, reason, payment_number, excerpt[:2000]))
