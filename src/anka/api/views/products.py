"""Products as they are shown."""

from anka.api import shapes
from anka.api.call import Call
from anka.catalog.models import Product


def product_view(call: Call, product: Product) -> shapes.ProductView:
    """Return a product with its terms, its notice and its merchant, in the language asked for."""
    terms = product.terms
    return shapes.ProductView(
        id=product.number,
        name=call.pick(product.title_zh, product.title_en),
        description=call.pick(product.description_zh, product.description_en),
        kind=product.kind,
        delivery=product.delivery,
        face_value=product.face_value,
        region=product.region,
        price_minor=product.price_minor,
        currency=product.currency,
        on_sale=product.on_sale,
        available=product.available,
        shop=shapes.ShopView(
            code=product.shop.code, name=call.pick(product.shop.name_zh, product.shop.name_en), opened_at=product.shop.opened_at
        ),
        terms=shapes.TermsView(
            version=product.terms_version,
            refund_window_minutes=terms.refund_window_minutes,
            warranty_minutes=terms.warranty_minutes,
            promise_minutes=terms.promise_minutes,
            hold_minutes=terms.hold_minutes,
            maximum_quantity=terms.maximum_quantity,
        ),
        notice=call.pick(terms.notice_zh, terms.notice_en),
        listed_at=product.listed_at,
    )
