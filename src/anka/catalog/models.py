"""What is for sale, as values. Amounts are in minor units, times of terms in whole minutes."""

from datetime import datetime

import msgspec

# An exact count of a large stock is worth nobody's wait; pages say "more than 999".
MOST_COUNTED = 1000


class ShopCard(msgspec.Struct, frozen=True):
    """A shop as shown beside its products."""

    code: str
    name_zh: str
    name_en: str
    opened_at: datetime


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What a merchant promises; the platform's rules are the floor. An order keeps the version it was placed under."""

    refund_window_minutes: int = 10080
    warranty_minutes: int = 10080
    promise_minutes: int = 5
    hold_minutes: int = 15
    maximum_quantity: int = 20
    notice_zh: str = ""
    notice_en: str = ""


class Product(msgspec.Struct, frozen=True, kw_only=True):
    """A product with its shop, its current terms and what is in stock, counted up to MOST_COUNTED."""

    number: str
    shop: ShopCard
    kind: str
    delivery: str
    title_zh: str
    title_en: str
    description_zh: str
    description_en: str
    face_value: str
    region: str
    price_minor: int
    currency: str
    on_sale: bool
    listed_at: datetime
    terms_version: int
    terms: Terms
    available: int


class ProductPage(msgspec.Struct, frozen=True):
    """One page of a list; `next` is the cursor of the following page, None on the last."""

    items: tuple[Product, ...]
    next: str | None


class ProductFilter(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody is looking for; empty text means any. `shop` is a shop's code."""

    text: str = ""
    kind: str = ""
    shop: str = ""
    delivery: str = ""


class NewProduct(msgspec.Struct, frozen=True, kw_only=True):
    """A product as a merchant describes it. `issuer` is the code of who made its keys and can be asked about them, None: nobody."""

    kind: str
    delivery: str
    title_zh: str
    title_en: str
    face_value: str
    region: str
    price_minor: int
    currency: str = "CNY"
    description_zh: str = ""
    description_en: str = ""
    issuer: str | None = None


class NewShop(msgspec.Struct, frozen=True, kw_only=True):
    """A shop as it is opened. `commission_basis_points` is the platform's share of each sale, in hundredths of a per cent."""

    code: str
    name_zh: str
    name_en: str
    owner_id: int
    commission_basis_points: int = 500
