"""Wallets and coupons in the books: money held for an order that is not paid yet, an order paid in parts, unused balance going back.

A wallet stands in the platform's books, an order in its shop's, so what moves between them crosses a bridge (see `postings`). An order
paid partly from the wallet and partly through a channel holds the wallet's part first: `wallet_held`, then, when the channel has captured
the rest, `held_used` beside `postings.paid` in one transaction; or `held_released` when it never does.
"""

from anka.domain.chart import PLATFORM_SHOP
from anka.domain.postings import Legs, Posting, one_journal, paired


def wallet_held(*, shop_id: int, order_id: int, buyer_id: int, payment_number: str, amount_minor: int) -> Posting:
    """Set wallet money aside for an order that waits for the rest of its payment."""
    key = f"hold:{payment_number}"
    into = [(f"bridge:{PLATFORM_SHOP}", f"order:{order_id}:hold", amount_minor)]
    out = [(f"buyer:{buyer_id}:wallet", f"bridge:{shop_id}", amount_minor)]
    return one_journal(shop_id=shop_id, key=f"{key}:in", kind="wallet_held", pairs=into) + one_journal(
        shop_id=PLATFORM_SHOP, key=key, kind="wallet_held", pairs=out
    )


def held_used(*, shop_id: int, order_id: int, payment_number: str, amount_minor: int) -> Posting:
    """Pay the order with what was set aside for it."""
    pairs = [(f"order:{order_id}:hold", f"order:{order_id}:escrow", amount_minor)]
    return one_journal(shop_id=shop_id, key=f"pay:wallet:{payment_number}", kind="held_used", pairs=pairs)


def held_released(*, shop_id: int, order_id: int, buyer_id: int, payment_number: str, amount_minor: int) -> Posting:
    """Put back into the wallet what was set aside for an order that was not paid."""
    key = f"hold:{payment_number}:released"
    out = [(f"order:{order_id}:hold", f"bridge:{PLATFORM_SHOP}", amount_minor)]
    into = [(f"bridge:{shop_id}", f"buyer:{buyer_id}:wallet", amount_minor)]
    return one_journal(shop_id=shop_id, key=key, kind="held_released", pairs=out) + one_journal(
        shop_id=PLATFORM_SHOP, key=f"{key}:in", kind="held_released", pairs=into
    )


def coupon_used(*, shop_id: int, order_id: int, coupon: str, amount_minor: int) -> Posting:
    """Let the platform pay a part of an order, as a coupon promised."""
    pairs = [("promo", f"order:{order_id}:escrow", amount_minor)]
    return one_journal(shop_id=shop_id, key=f"coupon:{coupon}:{order_id}", kind="coupon_used", pairs=pairs)


def coupon_returned(*, shop_id: int, order_id: int, coupon: str, amount_minor: int) -> Posting:
    """Take the platform's part back out of a wholly cancelled order; the buyer may use the coupon again."""
    pairs = [(f"order:{order_id}:escrow", "promo", amount_minor)]
    return one_journal(shop_id=shop_id, key=f"coupon:{coupon}:{order_id}:returned", kind="coupon_returned", pairs=pairs)


def unused_returned(*, buyer_id: int, refund_number: str, legs: Legs) -> Posting:
    """Owe a wallet's unused balance back, per channel it had come through; then each leg is done as any refund's, in shop 0."""
    owed = [(f"refund_payable:{channel}", amount) for channel, amount in legs]
    pairs = paired(sources=[(f"buyer:{buyer_id}:wallet", sum(amount for _, amount in legs))], targets=owed)
    return one_journal(shop_id=PLATFORM_SHOP, key=f"refund:{refund_number}:accepted", kind="unused_returned", pairs=pairs)
