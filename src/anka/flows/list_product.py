"""Put a product on sale, with the first version of its terms. Terms may only be kinder than the platform's rules."""

import re
from collections.abc import Iterator

from anka.catalog import writes
from anka.catalog.models import NewProduct, Terms
from anka.core.actors import Actor
from anka.core.clock import Moment
from anka.core.database import transaction, value
from anka.core.numbers import new_number
from anka.core.refusals import BadInput, NotFound
from anka.domain.goods import Goods
from anka.flows.steps.shop_authority import require_shop_authority

# What buyers are promised at least, and at most ten years: more is a slip of the finger.
LEAST_MINUTES = 10_080
MOST_MINUTES = 5_256_000
MOST_PRICE_MINOR = 100_000_000
CURRENCIES = ("CNY",)
ISSUER = re.compile("[a-z][a-z0-9_]{0,31}")


def list_product(*, actor: Actor, shop_id: int, product: NewProduct, terms: Terms, at: Moment) -> str:
    """Put a product on sale and return its public number. There is nothing to sell until keys are imported.

    Raises:
        BadInput: a text, the price or a term is out of bounds; `fields` says which.
        NotPermitted: the actor is not of this shop.
        NotFound: there is no such shop.
    """
    wrong = {**dict(_wrong_in_product(product)), **dict(_wrong_in_terms(terms))}
    if wrong:
        raise BadInput(fields=wrong)
    with transaction():
        require_shop_authority(actor=actor, shop_id=shop_id, at=at)
        shop_code = value("SELECT code FROM accounts_shop WHERE id = %s", (shop_id,))
        if shop_code is None:
            raise NotFound
        number = new_number(shop_code=shop_code, letter="P")
        product_id = writes.add_product(shop_id=shop_id, number=number, product=product, at=at.now)
        writes.publish_terms(shop_id=shop_id, product_id=product_id, version=1, terms=terms, at=at.now)
    return number


def _wrong_in_product(product: NewProduct) -> Iterator[tuple[str, str]]:
    if product.kind not in tuple(Goods):
        yield "kind", f"one of {', '.join(Goods)}"
    if product.delivery not in ("auto", "manual"):
        yield "delivery", "auto or manual"
    if product.currency not in CURRENCIES:
        yield "currency", f"one of {', '.join(CURRENCIES)}"
    if not 1 <= product.price_minor <= MOST_PRICE_MINOR:
        yield "price_minor", f"1 to {MOST_PRICE_MINOR}"
    if product.issuer is not None and not ISSUER.fullmatch(product.issuer):
        yield "issuer", "1 to 32 lower-case letters, digits and underscores, a letter first"
    yield from _wrong_in_texts(product)


def _wrong_in_texts(product: NewProduct) -> Iterator[tuple[str, str]]:
    required = {"title_zh": 120, "title_en": 120, "face_value": 40, "region": 40}
    for name, most in required.items():
        text = getattr(product, name)
        if not 1 <= len(text.strip()) <= most or not text.isprintable():
            yield name, f"1 to {most} printable characters"
    for name in ("description_zh", "description_en"):
        yield from _wrong_in_long_text(name, getattr(product, name), most=4000)


def _wrong_in_terms(terms: Terms) -> Iterator[tuple[str, str]]:
    bounds = {
        "refund_window_minutes": (LEAST_MINUTES, MOST_MINUTES),
        "warranty_minutes": (LEAST_MINUTES, MOST_MINUTES),
        "promise_minutes": (1, LEAST_MINUTES),
        "hold_minutes": (5, 120),
        "maximum_quantity": (1, 1000),
    }
    for name, (least, most) in bounds.items():
        if not least <= getattr(terms, name) <= most:
            yield name, f"{least} to {most}"
    for name in ("notice_zh", "notice_en"):
        yield from _wrong_in_long_text(name, getattr(terms, name), most=1000)
    if bool(terms.notice_zh.strip()) != bool(terms.notice_en.strip()):
        yield "notice_en", "a notice is given in both languages or in neither"


def _wrong_in_long_text(name: str, text: str, *, most: int) -> Iterator[tuple[str, str]]:
    if len(text) > most or "\0" in text:
        yield name, f"at most {most} characters"
