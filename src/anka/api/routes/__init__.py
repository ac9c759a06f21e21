"""The table: every endpoint of the API, once, by subject. The dispatcher, Django, the OpenAPI document, the page for people and the access
tests are all made from it."""

from anka.api.buyer import top_ups
from anka.api.call import V1, Route
from anka.api.merchant import funds, funds_statement
from anka.api.platform import by_hand, disputes, finance, funds_terms, stuck_refunds, unidentified
from anka.api.routes import cases, operation, orders, people, policies, products, sandbox

__all__ = ["ROUTES", "SANDBOX_ROUTES", "TAGS", "V1"]

TAGS = {
    "auth": ("登录", "Signing in"),
    "products": ("商品与规则", "Products and rules"),
    "orders": ("订单", "Orders"),
    "cases": ("退款与售后", "Refunds and after-sale"),
    "merchant": ("店铺资金", "A shop's money"),
    "wallet": ("钱包", "Wallet"),
    "notices": ("消息", "Notices"),
    "gateway": ("支付渠道通知", "Notices of payment channels"),
    "platform": ("平台", "The platform's staff"),
    "operation": ("运行", "Operation"),
    "sandbox": ("沙箱", "Sandbox"),
}

ROUTES: tuple[Route, ...] = (
    *people.ROUTES,
    *top_ups.ROUTES,
    *products.ROUTES,
    *policies.ROUTES,
    *orders.ROUTES,
    *cases.ROUTES,
    *operation.ROUTES,
    *funds.ROUTES,
    *funds_statement.ROUTES,
    *funds_terms.ROUTES,
    *unidentified.ROUTES,
    *stuck_refunds.ROUTES,
    *finance.ROUTES,
    *by_hand.ROUTES,
    *disputes.ROUTES,
)

SANDBOX_ROUTES: tuple[Route, ...] = sandbox.ROUTES
