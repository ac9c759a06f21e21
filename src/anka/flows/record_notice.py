"""Keep a channel's message: refused, repeated, or taken. Only money that is taken is written down by its own flow, with what it changed."""

from anka.core import database
from anka.core.clock import Moment

WRITE = """
INSERT INTO payments_notice (channel, received_at, digest, verdict, reason, payment_number, excerpt)
VALUES (%s, %s, decode(%s, 'hex'), %s, %s, %s, %s)
"""


def record_notice(*, channel: str, digest: str, verdict: str, reason: str, about: tuple[str | None, str], at: Moment) -> None:
    """Write down a notice: `verdict` refused, repeated (it changed nothing) or taken, and a reason code.

    `about` is the payment's number, where it can be believed, and an excerpt of the body.
    """
    with database.transaction():
        payment_number, excerpt = about
        database.rows(WRITE, (channel, at.real, digest, verdict, reason, payment_number, excerpt[:2000]))
