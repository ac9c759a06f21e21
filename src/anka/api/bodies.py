"""The shapes that come in: bodies and queries. Every bound a value can have is said here; unknown fields are refused."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Text = Annotated[str, Meta(max_length=2_000)]
Name = Annotated[str, Meta(min_length=1, max_length=120)]
Minor = Annotated[int, Meta(ge=0, le=10**15)]
Position = Annotated[int, Meta(ge=1, le=1_000)]
Cursor = Annotated[str, Meta(max_length=400)]
Limit = Annotated[int, Meta(ge=1, le=100)]
UnitName = Annotated[str, Meta(min_length=1, max_length=40)]
Units = Annotated[list[UnitName | Position], Meta(min_length=1, max_length=1_000)]
Percent = Annotated[int, Meta(ge=0, le=100)]
Kind = Literal["card_key", "top_up", "account", "boosting", "rental"]
ScopeName = Literal["read", "order", "pay", "refund", "reveal", "sell", "rule", "policy"]


class Input(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """What comes in: a field that is not named here is refused, never ignored."""


class SignIn(Input):
    """A name and its password, and what the token shall be good for (everything, where nothing is said)."""

    username: Annotated[str, Meta(max_length=200)]
    password: Annotated[str, Meta(max_length=1_000)]
    scopes: Annotated[list[ScopeName], Meta(min_length=1, max_length=8)] | None = None


class StepUp(Input):
    """The password again, by somebody who is signed in."""

    password: Annotated[str, Meta(max_length=1_000)]


class NewOrder(Input):
    """What to order. `product_id` is the number of a product; a notice has to be accepted, a duplicate to be allowed, explicitly."""

    product_id: Name
    quantity: Annotated[int, Meta(ge=1, le=1_000)]
    fields: dict[Annotated[str, Meta(max_length=40)], Annotated[str, Meta(max_length=200)]] | None = None
    accept_notice: bool = False
    allow_duplicate: bool = False
    coupon: Annotated[str, Meta(max_length=40)] | None = None


class NewPayment(Input):
    """How to pay. `device` says where: in front of a large screen, in a phone's browser, or in the browser inside WeChat.

    `wallet_minor` is what the wallet pays beside a channel: set aside at once, and used when the channel has the rest.
    """

    channel: Annotated[str, Meta(min_length=1, max_length=32)]
    device: Literal["desktop", "mobile", "wechat"] = "desktop"
    wallet_minor: Minor = 0


class Ask(Input):
    """What the asker wants where the amount is negotiable."""

    refund_minor: Minor | None = None
    replacement: bool | None = None


class EvidenceText(Input):
    """Something to prove a case with: what kind of proof it is, in words."""

    kind: Annotated[str, Meta(min_length=1, max_length=40)]
    text: Annotated[str, Meta(min_length=1, max_length=4_000)]


class NewCase(Input):
    """A request to get out. `units` are unit ids or positions; without them every unit still open is meant. `quote` is the id of the
    verdict that was shown; `refund_to` the wallet only by the buyer's own choice, `hand` only where no channel takes it back; `evidence`
    kinds of proof, or kinds with a text."""

    reason: Annotated[str, Meta(min_length=1, max_length=40)]
    statement: Text = ""
    units: Units | None = None
    ask: Ask | None = None
    quote: Annotated[str, Meta(max_length=8_000)] | None = None
    evidence: Annotated[list[Annotated[str, Meta(max_length=80)] | EvidenceText], Meta(max_length=20)] | None = None
    refund_to: Literal["original", "wallet", "hand"] = "original"


class CheckKey(Input):
    """The beginning of a key, at least 4 characters; spaces, dashes, capitals and full-width characters do not matter."""

    prefix: Annotated[str, Meta(min_length=4, max_length=512)]


class Confirm(Input):
    """Which units to accept; without them every one that can be accepted."""

    units: Units | None = None


class MoveClock(Input):
    """Move the sandbox's clock ahead by seconds, or to an instant. Exactly one of the two."""

    advance_seconds: Annotated[int, Meta(ge=0, le=315_360_000)] | None = None
    now: Annotated[datetime, Meta(tz=True)] | None = None


FaultWish = (
    Annotated[str, Meta(min_length=1, max_length=64)]
    | dict[
        Annotated[str, Meta(max_length=32)], Annotated[str, Meta(max_length=64)] | Annotated[int, Meta(ge=-(10**9), le=10**9)] | bool | None
    ]
)


class PlayPayment(Input):
    """What the sandbox gateway shall do with a payment, and which faults it shall make on the way.

    `amount_minor`: it captures this much, whatever was asked for; a number nobody began is then money nobody expects.
    """

    outcome: Literal["paid", "failed", "closed"]
    faults: Annotated[list[FaultWish], Meta(max_length=20)] = []
    amount_minor: Annotated[int, Meta(ge=1, le=10**12)] | None = None


class PlayRefund(Input):
    """What the sandbox gateway shall do with a refund."""

    outcome: Literal["succeeded", "closed", "abnormal", "unknown", "failed"]
    faults: Annotated[list[FaultWish], Meta(max_length=20)] = []


class PlayComplaint(Input):
    """What a payer does behind our back about an order: complain to the channel, or have the payment taken back; or how that ends."""

    order: Annotated[str, Meta(min_length=1, max_length=40)]
    kind: Literal["complaint", "chargeback"]
    outcome: Literal["opened", "won", "lost"] = "opened"
    amount_minor: Annotated[int, Meta(ge=1)] | None = None
    faults: Annotated[list[FaultWish], Meta(max_length=20)] = []


class PlayIssuer(Input):
    """What the sandbox issuer shall know of a unit's key. What it tells is recorded at once; a silent issuer tells nothing."""

    use_check: Literal["unknown", "unused", "used_before_reveal", "used_after_reveal", "invalid"] = "unknown"
    used_by: Literal["unknown", "buyer", "other"] = "unknown"
    voidable: bool = False
    delivered_percent: Percent | None = None
    face_value: Annotated[str, Meta(max_length=40)] | None = None
    region: Annotated[str, Meta(max_length=40)] | None = None
    silent: bool = False


class ProductSearch(Input):
    """What to look for: every word of `q` has to occur; `shop` is a shop's code; `cursor` is `next` of the page before."""

    q: Annotated[str, Meta(max_length=80)] = ""
    kind: Kind | None = None
    shop: Annotated[str, Meta(max_length=6)] = ""
    delivery: Literal["auto", "manual"] | None = None
    cursor: Cursor | None = None
    limit: Limit = 24


class OrderSearch(Input):
    """Which orders: `role` says as whom one looks (both, where nothing is said)."""

    role: Literal["buyer", "merchant"] | None = None
    tab: Literal["all", "unpaid", "to_deliver", "delivered", "refunds"] = "all"
    cursor: Cursor | None = None
    limit: Limit = 20


class Page(Input):
    """Where a list goes on, and how long a page is."""

    cursor: Cursor | None = None
    limit: Limit = 20


class ReadNotices(Input):
    """Up to and with which notice everything is read."""

    up_to: Annotated[int, Meta(ge=1, le=2**63 - 1)]


class QuoteQuery(Input):
    """What the verdict is asked about. `units` are ids or positions, repeated or separated by commas."""

    reason: Annotated[str, Meta(min_length=1, max_length=40)] = "NO_LONGER_NEEDED"
    units: list[UnitName] | None = None
    refund_to: Literal["original", "wallet", "hand"] = "original"
