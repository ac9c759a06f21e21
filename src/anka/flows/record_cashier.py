"""Keep where a channel opened a payment's cashier, so that whoever looks again is sent there without asking the channel again."""

from datetime import datetime

from anka.core import database
from anka.core.clock import Moment
from anka.core.refusals import NotFound
from anka.payments.cashiers import Cashier, cashier_decoder

RECORD = "SELECT record_cashier($1, $2, $3, $4, $5, $6)"


def record_cashier(*, payment_number: str, cashier: Cashier, valid_until: datetime, at: Moment) -> Cashier:
    """Keep a cashier and return the one that counts: another that is open for the same device where somebody was faster.

    Raises:
        NotFound: there is no such payment. Busy: somebody else held the payment for more than 3 s.
    """
    with database.transaction():
        kept = database.call(RECORD, payment_number, cashier.device, cashier.cashier_url, cashier.qr_text, at.now, valid_until)
        if kept is None:
            raise NotFound
        return cashier_decoder.decode(kept)
