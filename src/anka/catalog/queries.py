"""Reads of the catalogue: what visitors may see without signing in."""

import base64
import binascii
from datetime import datetime

import msgspec

from anka.catalog.models import MOST_COUNTED, Product, ProductFilter, ProductPage, ShopCard, Terms
from anka.core import database
from anka.core.refusals import BadInput, NotFound

MOST_ON_A_PAGE = 100
MOST_WORDS = 5
MOST_CHARACTERS = 80
MOST_SHOPS = 200

_PRODUCT = """
SELECT product.number, shop.code, shop.name_zh, shop.name_en, shop.opened_at, product.kind, product.delivery, product.title_zh,
    product.title_en, product.description_zh, product.description_en, product.face_value, product.region, product.price_minor,
    product.currency, product.on_sale AND shop.is_open, product.listed_at, product.terms_version, terms.refund_window_minutes,
    terms.warranty_minutes, terms.promise_minutes, terms.hold_minutes, terms.maximum_quantity, terms.notice_zh, terms.notice_en,
    available_keys(product.shop_id, product.id, %s)
FROM catalog_product AS product
JOIN accounts_shop AS shop ON shop.id = product.shop_id
JOIN catalog_terms AS terms
    ON terms.shop_id = product.shop_id AND terms.product_id = product.id AND terms.version = product.terms_version
"""
_WORD = (
    " AND concat_ws(' ', product.title_zh, product.title_en, product.face_value, product.region, shop.name_zh, shop.name_en)"
    " ILIKE %s ESCAPE '!'"
)


class _Cursor(msgspec.Struct, frozen=True, array_like=True):
    listed_at: datetime
    number: str


class KindCount(msgspec.Struct, frozen=True):
    """How many products of a kind are on sale."""

    kind: str
    count: int


def products(*, wanted: ProductFilter, after: str | None = None, limit: int = 24) -> ProductPage:
    """Return one page of the products on sale, newest first. `after` is the cursor of the page before; `limit` is 1 to 100.

    Every word of the text has to occur in the title (either language), face value, region or shop name; capitals do not matter.

    Raises:
        BadInput: the text is too long, the limit out of bounds, or the cursor is not one of ours.
    """
    _check(wanted, limit)
    sql = [_PRODUCT, " WHERE product.on_sale AND shop.is_open"]
    parameters: list[object] = [MOST_COUNTED]
    for column, value in (("product.kind", wanted.kind), ("shop.code", wanted.shop), ("product.delivery", wanted.delivery)):
        if value:
            sql.append(f" AND {column} = %s")
            parameters.append(value)
    for word in wanted.text.split()[:MOST_WORDS]:
        sql.append(_WORD)
        parameters.append(f"%{_literally(word)}%")
    if after:
        cursor = _read_cursor(after)
        sql.append(" AND (product.listed_at, product.number) < (%s, %s)")
        parameters += [cursor.listed_at, cursor.number]
    sql.append(" ORDER BY product.listed_at DESC, product.number DESC LIMIT %s")
    parameters.append(limit + 1)
    found = [_product(row) for row in database.rows("".join(sql), parameters)]
    more = len(found) > limit
    return ProductPage(items=tuple(found[:limit]), next=_write_cursor(found[limit - 1]) if more else None)


def product(*, number: str) -> Product:
    """Return a product by its public number, also one that is no longer on sale.

    Raises:
        NotFound: there is no product of that number.
    """
    if len(number) > 40 or not number.isascii() or not number.isprintable():
        raise NotFound
    found = database.rows(f"{_PRODUCT} WHERE shop.code = split_part(%s, '-', 1) AND product.number = %s", (MOST_COUNTED, number, number))
    if not found:
        raise NotFound
    return _product(found[0])


def kinds() -> tuple[KindCount, ...]:
    """Return the kinds of goods on sale with how many products each has."""
    sql = """
        SELECT product.kind, count(*) FROM catalog_product AS product JOIN accounts_shop AS shop ON shop.id = product.shop_id
        WHERE product.on_sale AND shop.is_open GROUP BY product.kind ORDER BY product.kind"""
    return tuple(KindCount(*row) for row in database.rows(sql))


def shops() -> tuple[ShopCard, ...]:
    """Return the shops that have something on sale, by code, at most 200."""
    sql = """
        SELECT code, name_zh, name_en, opened_at FROM accounts_shop AS shop
        WHERE is_open AND EXISTS (SELECT FROM catalog_product WHERE shop_id = shop.id AND on_sale) ORDER BY code LIMIT %s"""
    return tuple(ShopCard(*row) for row in database.rows(sql, (MOST_SHOPS,)))


def shop_id_of(*, code: str) -> int | None:
    """Return the id of the shop with this code, or None."""
    found: int | None = database.value("SELECT id FROM accounts_shop WHERE code = %s", (code,))
    return found


def _check(wanted: ProductFilter, limit: int) -> None:
    wrong = {}
    if len(wanted.text) > MOST_CHARACTERS:
        wrong["q"] = f"at most {MOST_CHARACTERS} characters"
    if not 1 <= limit <= MOST_ON_A_PAGE:
        wrong["limit"] = f"1 to {MOST_ON_A_PAGE}"
    for name, value in (("q", wanted.text), ("kind", wanted.kind), ("shop", wanted.shop), ("delivery", wanted.delivery)):
        if "\0" in value:
            wrong[name] = "no control characters"
    if wrong:
        raise BadInput(fields=wrong)


def _literally(word: str) -> str:
    """Return the word with everything that LIKE would read as a pattern marked as itself."""
    return word.replace("!", "!!").replace("%", "!%").replace("_", "!_")


def _product(row: database.Row) -> Product:
    number, code, name_zh, name_en, opened_at, *rest = row
    terms = Terms(
        refund_window_minutes=rest[13],
        warranty_minutes=rest[14],
        promise_minutes=rest[15],
        hold_minutes=rest[16],
        maximum_quantity=rest[17],
        notice_zh=rest[18],
        notice_en=rest[19],
    )
    return Product(
        number=number,
        shop=ShopCard(code, name_zh, name_en, opened_at),
        kind=rest[0],
        delivery=rest[1],
        title_zh=rest[2],
        title_en=rest[3],
        description_zh=rest[4],
        description_en=rest[5],
        face_value=rest[6],
        region=rest[7],
        price_minor=rest[8],
        currency=rest[9],
        on_sale=rest[10],
        listed_at=rest[11],
        terms_version=rest[12],
        terms=terms,
        available=rest[20],
    )


def _write_cursor(last: Product) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(_Cursor(last.listed_at, last.number))).decode().rstrip("=")


def _read_cursor(text: str) -> _Cursor:
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        cursor = msgspec.json.decode(raw, type=_Cursor)
    except (binascii.Error, ValueError, msgspec.DecodeError) as reason:
        raise BadInput(fields={"after": "a cursor from the page before"}) from reason
    if cursor.listed_at.tzinfo is None or "\0" in cursor.number:
        raise BadInput(fields={"after": "a cursor from the page before"})
    return cursor
