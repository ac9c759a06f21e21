"""What is for sale. Anybody may look."""

from anka.api import bodies, shapes
from anka.api.call import Answer, Call
from anka.api.views.products import product_view
from anka.catalog import queries
from anka.catalog.models import ProductFilter
from anka.core.refusals import BadInput


def search(call: Call) -> Answer:
    """Answer with one page of the products on sale."""
    asked: bodies.ProductSearch = call.query
    wanted = ProductFilter(text=asked.q, kind=asked.kind or "", shop=asked.shop, delivery=asked.delivery or "")
    try:
        page = queries.products(wanted=wanted, after=asked.cursor, limit=asked.limit)
    except BadInput as wrong:
        # The query calls the cursor by another name.
        raise BadInput(fields={("cursor" if name == "after" else name): why for name, why in wrong.fields.items()}) from None
    return Answer(200, shapes.ProductList(items=[product_view(call, product) for product in page.items], next=page.next))


def show(call: Call) -> Answer:
    """Answer with one product."""
    return Answer(200, product_view(call, queries.product(number=call.parameters["id"])))
