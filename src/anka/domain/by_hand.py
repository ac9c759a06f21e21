"""Payments that people take by hand: when one of them may decide alone that money has come."""

# From this much on (minor units), a second person has to agree that a payment has come which no channel confirms. PostgreSQL has the same
# limit (payments/sql/0008_by_hand.sql, by_hand_by_two).
FOUR_EYES_FROM_MINOR = 50_000


def needs_two(*, amount_minor: int) -> bool:
    """Tell whether two persons have to agree that a payment of this much has come."""
    return amount_minor >= FOUR_EYES_FROM_MINOR
