"""Where payments' cashiers are, as their channels said when they were asked."""

from datetime import datetime

import msgspec

from anka.core import database

KEPT = """
SELECT device, cashier_url, qr_text FROM payments_cashier
WHERE shop_id = %(shop)s AND payment_id = %(payment)s AND valid_until > %(now)s
ORDER BY (device = %(device)s) DESC, id DESC LIMIT 1
"""


class Cashier(msgspec.Struct, frozen=True):
    """A cashier that a channel opened for a device; either of the address and the text of a QR code may be empty."""

    device: str
    cashier_url: str
    qr_text: str


cashier_decoder = msgspec.json.Decoder(Cashier)


def kept_cashier(*, shop_id: int, payment_id: int, device: str, now: datetime) -> Cashier | None:
    """Return the newest cashier of a payment that is still open, one for this device before any other."""
    found = database.rows(KEPT, {"shop": shop_id, "payment": payment_id, "device": device, "now": now})
    return Cashier(*found[0]) if found else None
