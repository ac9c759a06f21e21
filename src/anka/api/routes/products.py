"""Products."""

from anka.api import bodies, shapes
from anka.api.buyer import products
from anka.api.call import V1, Route, Who

ROUTES: tuple[Route, ...] = (
    Route(
        method="GET",
        path=f"{V1}/products",
        handler=products.search,
        who=Who.ANYONE,
        tag="products",
        query=bodies.ProductSearch,
        answer=shapes.ProductList,
        zh="按文字、种类、店铺、发货方式查找在售商品",
        en="Search the products on sale by text, kind, shop and delivery",
    ),
    Route(
        method="GET",
        path=f"{V1}/products/{{id}}",
        handler=products.show,
        who=Who.ANYONE,
        tag="products",
        answer=shapes.ProductView,
        refusals=(404,),
        zh="一件商品：条款、须确认的提示、商家",
        en="One product: its terms, the notice to confirm, its merchant",
    ),
)
