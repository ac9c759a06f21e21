"""The five kinds of goods. The kind decides which stages, reasons and rules exist for a unit."""

from enum import StrEnum


class Goods(StrEnum):
    """What is sold: a card key, a direct top-up, a game account, a boosting job, or the time of a rented account."""

    CARD_KEY = "card_key"
    TOP_UP = "top_up"
    ACCOUNT = "account"
    BOOSTING = "boosting"
    RENTAL = "rental"
