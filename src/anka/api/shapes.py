"""The shapes that go out: people, products, wallets. Field names are the contract's; amounts are integers in minor units, times
RFC 3339 with zone."""

from datetime import datetime
from typing import Literal

import msgspec


class StepUpAnswer(msgspec.Struct):
    """Until when this session may do what asks for a recent sign-in. A token's scopes decide instead, so it stays as it is."""

    fresh_until: datetime


class TokenAnswer(msgspec.Struct):
    """A bearer token. It is shown once."""

    token: str
    token_type: str
    expires_at: datetime
    scopes: list[str]


class TermsView(msgspec.Struct):
    """What the merchant promises with a product."""

    version: int
    refund_window_minutes: int
    warranty_minutes: int
    promise_minutes: int
    hold_minutes: int
    maximum_quantity: int


class ShopView(msgspec.Struct):
    """The merchant behind a product."""

    code: str
    name: str
    opened_at: datetime


class ProductView(msgspec.Struct):
    """A product with its terms, the notice to be confirmed (empty where there is none), its merchant, and what is in stock."""

    id: str
    name: str
    description: str
    kind: str
    delivery: str
    face_value: str
    region: str
    price_minor: int
    currency: str
    on_sale: bool
    available: int
    shop: ShopView
    terms: TermsView
    notice: str
    listed_at: datetime


class ProductList(msgspec.Struct):
    """One page of products."""

    items: list[ProductView]
    next: str | None


class WalletLine(msgspec.Struct):
    """One movement of the wallet; the amount is negative where money left it."""

    at: datetime
    kind: str
    amount_minor: int


class Wallet(msgspec.Struct):
    """The balance of the buyer's wallet and its newest movements."""

    balance_minor: int
    currency: str
    items: list[WalletLine]
    next: str | None


class ClockAnswer(msgspec.Struct):
    """The time of the market now, and what the clocks that fell have done."""

    now: datetime
    offset_seconds: int


class PlayAnswer(msgspec.Struct):
    """What the gateway made of it."""

    status: str


class Health(msgspec.Struct):
    """Whether this instance works, and what does not."""

    status: Literal["ok", "unavailable"]
    checks: dict[str, str]
