"""Writes of the catalogue. Called by flows only, inside their transaction."""

from datetime import datetime

from anka.catalog.models import NewProduct, Terms
from anka.core.database import require_transaction, rows, value


def add_product(*, shop_id: int, number: str, product: NewProduct, at: datetime) -> int:
    """Add a product on sale under terms version 1 (to be published in the same transaction); return its id."""
    require_transaction()
    return int(
        value(
            "INSERT INTO catalog_product (shop_id, number, kind, delivery, title_zh, title_en, description_zh, description_en,"
            " face_value, region, price_minor, currency, issuer, on_sale, terms_version, listed_at)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, true, 1, %s) RETURNING id",
            (
                shop_id,
                number,
                product.kind,
                product.delivery,
                product.title_zh,
                product.title_en,
                product.description_zh,
                product.description_en,
                product.face_value,
                product.region,
                product.price_minor,
                product.currency,
                product.issuer,
                at,
            ),
        )
    )


def publish_terms(*, shop_id: int, product_id: int, version: int, terms: Terms, at: datetime) -> None:
    """Write down one version of a product's terms. Versions are never changed."""
    require_transaction()
    rows(
        "INSERT INTO catalog_terms (shop_id, product_id, version, refund_window_minutes, warranty_minutes, promise_minutes,"
        " hold_minutes, maximum_quantity, notice_zh, notice_en, published_at)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            shop_id,
            product_id,
            version,
            terms.refund_window_minutes,
            terms.warranty_minutes,
            terms.promise_minutes,
            terms.hold_minutes,
            terms.maximum_quantity,
            terms.notice_zh,
            terms.notice_en,
            at,
        ),
    )
