"""Closing the accounts of finished orders, so that the books that are looked at every hour stay as small as what is going on.

An account is closed when it is empty and every unit of its order has ended: its money is with the merchant for good, or back, or there
never was any. Closing forbids nothing: money that moves after all (a bounced refund, a late payment) opens the account again.
"""

from anka.core import database
from anka.core.clock import Moment
from anka.domain.delivery_states import FINAL_STAGES
from anka.domain.unit_money import UnitMoney

BATCH = 2000
ENDED_MONEY = (UnitMoney.SETTLED, UnitMoney.REFUNDED)
CLOSE = """
SELECT close_accounts(%(now)s, array_agg(seen.shop_id), array_agg(seen.account_id)) FROM next_order_accounts(%(limit)s) AS seen
WHERE NOT EXISTS (
    SELECT FROM orders_unit AS unit WHERE unit.shop_id = seen.shop_id AND unit.order_id = seen.order_id
        AND NOT (unit.money = ANY (%(ended)s) OR unit.money = 'none' AND unit.stage = ANY (%(final)s)))
"""


def close_finished(*, at: Moment, limit: int = BATCH) -> int:
    """Look at the next open accounts of orders, at most `limit`, close those that are finished, and return how many that were.

    Each call goes on where the last one stopped, whichever worker made it, and begins anew after the last account.
    """
    given = {"now": at.now, "limit": limit, "ended": [str(money) for money in ENDED_MONEY], "final": [str(one) for one in FINAL_STAGES]}
    closed: int | None = database.value(CLOSE, given)
    return closed or 0
