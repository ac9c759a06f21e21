"""What payment channels do to our books beside paying and refunding: fees, settlement, disputed payments, and differences found.

The channel's money stands in two accounts: `clearing`, what it took and has not paid out yet, and `available`, what it has paid out to our
balance with it. Each line of a channel's bill is exactly one journal: a payment's, a refund's, a fee's, a settlement's or a dispute's.
"""

from collections.abc import Mapping

from anka.domain.postings import Posting, one_journal, paired


def channel_fee(*, shop_id: int, channel: str, reference: str, amount_minor: int) -> Posting:
    """Record what the channel keeps of a payment, or of a refund that came back.

    `reference` is the transaction's number, or that of the refund's attempt and `:reversed`.
    """
    pairs = [("psp_fee", f"psp:{channel}:clearing", amount_minor)]
    return one_journal(shop_id=shop_id, key=f"fee:{channel}:{reference}", kind="channel_fee", pairs=pairs)


def channel_fee_returned(*, shop_id: int, channel: str, reference: str, amount_minor: int) -> Posting:
    """Record that the channel gave its fee back with a refund; `reference` is the refund's number at the channel. Not all do."""
    pairs = [(f"psp:{channel}:clearing", "psp_fee", amount_minor)]
    return one_journal(shop_id=shop_id, key=f"fee:{channel}:{reference}:returned", kind="channel_fee_returned", pairs=pairs)


def channel_settled(*, shop_id: int, channel: str, reference: str, amount_minor: int) -> Posting:
    """Record that the channel has paid out what it took, less its fee; `reference` names the transaction or the settlement."""
    pairs = [(f"psp:{channel}:available", f"psp:{channel}:clearing", amount_minor)]
    return one_journal(shop_id=shop_id, key=f"settled:{channel}:{reference}", kind="channel_settled", pairs=pairs)


def chargeback_opened(*, shop_id: int, channel: str, dispute: str, amount_minor: int) -> Posting:
    """Record that the channel took a disputed payment out of our balance; whether for good is open."""
    pairs = [(f"dispute:{channel}", f"psp:{channel}:available", amount_minor)]
    return one_journal(shop_id=shop_id, key=f"dispute:{channel}:{dispute}:opened", kind="chargeback_opened", pairs=pairs)


def chargeback_fee(*, shop_id: int, channel: str, dispute: str, amount_minor: int) -> Posting:
    """Record what the channel charges for a dispute, whoever wins."""
    pairs = [("psp_fee", f"psp:{channel}:available", amount_minor)]
    return one_journal(shop_id=shop_id, key=f"dispute:{channel}:{dispute}:fee", kind="chargeback_fee", pairs=pairs)


def chargeback_held(*, shop_id: int, channel: str, dispute: str, account: str, amount_minor: int) -> Posting:
    """Set aside what the merchant already has of a disputed payment; `account` is pending or available. Escrow needs no posting:
    nothing leaves it while its units are frozen."""
    pairs = [(f"merchant:{shop_id}:{account}", f"merchant:{shop_id}:frozen", amount_minor)]
    key = f"dispute:{channel}:{dispute}:{account}:held"
    return one_journal(shop_id=shop_id, key=key, kind="chargeback_held", pairs=pairs)


def chargeback_freed(*, shop_id: int, channel: str, dispute: str, account: str, amount_minor: int) -> Posting:
    """Give the merchant back what was set aside for a dispute, to the balance it came from."""
    pairs = [(f"merchant:{shop_id}:frozen", f"merchant:{shop_id}:{account}", amount_minor)]
    key = f"dispute:{channel}:{dispute}:{account}:freed"
    return one_journal(shop_id=shop_id, key=key, kind="chargeback_freed", pairs=pairs)


def chargeback_lost(*, shop_id: int, order_id: int, channel: str, dispute: str, sources: Mapping[str, int]) -> Posting:
    """Let those bear a lost dispute who have the money by now: `escrow`, the merchant's `frozen`, `pending`, `available` and `deposit`,
    what the merchant will owe (`receivable`), the platform's `commission`, or, where nobody can, `bad_debt`.

    Raises:
        KeyError: a source has another name.
    """
    accounts = {
        "escrow": f"order:{order_id}:escrow",
        "receivable": f"recv:merchant:{shop_id}",
        "commission": "commission",
        "bad_debt": "bad_debt",
        **{name: f"merchant:{shop_id}:{name}" for name in ("frozen", "pending", "available", "deposit")},
    }
    lost = [(f"dispute:{channel}", sum(sources.values()))]
    pairs = paired(sources=[(accounts[name], amount) for name, amount in sources.items()], targets=lost)
    return one_journal(shop_id=shop_id, key=f"dispute:{channel}:{dispute}:lost", kind="chargeback_lost", pairs=pairs)


def chargeback_won(*, shop_id: int, channel: str, dispute: str, amount_minor: int) -> Posting:
    """Record that the channel gave a disputed payment back to us."""
    pairs = [(f"psp:{channel}:available", f"dispute:{channel}", amount_minor)]
    return one_journal(shop_id=shop_id, key=f"dispute:{channel}:{dispute}:won", kind="chargeback_won", pairs=pairs)


def found_short(*, shop_id: int, channel: str, account: str, finding: str, amount_minor: int) -> Posting:
    """Write off what the channel's bill has less than our books, after a person decided; `account` is clearing or available."""
    pairs = [("recon_diff", f"psp:{channel}:{account}", amount_minor)]
    return one_journal(shop_id=shop_id, key=f"recon:{finding}", kind="found_short", pairs=pairs)


def found_over(*, shop_id: int, channel: str, account: str, finding: str, amount_minor: int) -> Posting:
    """Take in what the channel's bill has more than our books and belongs to nobody, after a person decided."""
    pairs = [(f"psp:{channel}:{account}", "recon_diff", amount_minor)]
    return one_journal(shop_id=shop_id, key=f"recon:{finding}", kind="found_over", pairs=pairs)


def written_off(*, shop_id: int, reference: str, amount_minor: int) -> Posting:
    """Give up what a merchant owes and will not pay; `reference` names the decision."""
    pairs = [("bad_debt", f"recv:merchant:{shop_id}", amount_minor)]
    return one_journal(shop_id=shop_id, key=f"bad_debt:{reference}", kind="written_off", pairs=pairs)
