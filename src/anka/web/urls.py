"""The addresses of all pages."""

from django.urls import URLPattern, path

from anka.web import accounts, notices, policy, preferences
from anka.web.buyer import cancel, cases, key_check, look, orders, payments, refunds, shop, top_ups, wallet
from anka.web.merchant import cases as shop_cases
from anka.web.merchant import deliver, refund, workbench
from anka.web.merchant import funds as shop_funds
from anka.web.merchant import money as shop_money
from anka.web.merchant import orders as shop_orders
from anka.web.merchant import top_up as shop_top_up
from anka.web.platform import alerts, by_hand, finance, money, queue, rules, rules_draft, rules_edit, rules_publish, rules_runs, withdrawals
from anka.web.platform import cases as disputes
from anka.web.platform import disputes as bank_disputes
from anka.web.platform import orders as any_orders
from anka.web.platform import refunds as stuck_refunds
from anka.web.platform import shop_funds as shop_terms

pages: list[URLPattern] = [
    path("", shop.front),
    path("products/<str:number>", shop.product),
    path("review", shop.review),
    path("orders", orders.index),
    path("orders/<str:number>", orders.show),
    path("orders/<str:number>/pay", payments.cashier),
    path("orders/<str:number>/look", look.look),
    path("orders/<str:number>/cancel", cancel.wizard),
    path("orders/<str:number>/confirm", orders.confirm),
    path("orders/<str:number>/units/<int:position>/reveal", orders.reveal),
    path("orders/<str:number>/units/<int:position>/check", key_check.check),
    path("cases/<str:number>", cases.show),
    path("cases/<str:number>/<str:action>", cases.act),
    path("refunds/<str:number>", refunds.show),
    path("refunds/<str:number>/<int:leg>/wallet", refunds.to_wallet),
    path("wallet", wallet.show),
    path("wallet/top-up", top_ups.fill),
    path("wallet/return", top_ups.give_back),
    path("top-ups/<str:number>", top_ups.show),
    path("notices", notices.show),
    path("notices/read", notices.read),
    path("shop", workbench.show),
    path("shop/money", shop_money.show),
    path("shop/money/<str:action>", shop_funds.act),
    path("shop/money/deposit/top-up", shop_top_up.fill),
    path("shop/orders/<str:number>", shop_orders.show),
    path("shop/orders/<str:number>/accept", shop_orders.accept),
    path("shop/orders/<str:number>/deliver", deliver.wizard),
    path("shop/orders/<str:number>/refund", refund.wizard),
    path("shop/cases/<str:number>", shop_cases.show),
    path("shop/cases/<str:number>/<str:action>", shop_cases.act),
    path("platform", queue.show),
    path("platform/find", queue.find),
    path("platform/alerts", alerts.show),
    path("platform/cases/<str:number>", disputes.show),
    path("platform/cases/<str:number>/ruling", disputes.rule),
    path("platform/cases/<str:number>/<str:action>", disputes.act),
    path("platform/orders/<str:number>", any_orders.show),
    path("platform/orders/<str:number>/look", any_orders.look),
    path("platform/shops/<str:code>/funds", shop_terms.terms_of),
    path("platform/withdrawals", withdrawals.show),
    path("platform/withdrawals/<str:number>/<str:decision>", withdrawals.decide),
    path("platform/money", money.show),
    path("platform/money/<str:number>/<str:decision>", money.decide),
    path("platform/payments", by_hand.show),
    path("platform/payments/<str:number>/<str:step>", by_hand.act),
    path("platform/disputes", bank_disputes.show),
    path("platform/refunds", stuck_refunds.show),
    path("platform/refunds/<str:number>/<int:leg>/<str:step>", stuck_refunds.act),
    path("platform/finance", finance.show),
    path("platform/finance/payouts/<str:step>", finance.payouts),
    path("platform/finance/differences", finance.differences),
    path("platform/finance/differences/<int:number>/<str:decision>", finance.decide),
    path("platform/finance/outcomes", finance.outcomes),
    path("platform/finance/days/<str:channel>/<str:day>", finance.day),
    path("platform/rules", rules.index),
    path("platform/rules/versions/<str:version>/withdraw", rules.withdraw),
    path("platform/rules/<str:number>", rules_draft.show),
    path("platform/rules/<str:number>/add", rules_edit.add),
    path("platform/rules/<str:number>/changes", rules_draft.changes),
    path("platform/rules/<str:number>/check", rules_runs.check),
    path("platform/rules/<str:number>/backtest", rules_runs.backtest),
    path("platform/rules/<str:number>/publish", rules_publish.publish),
    path("platform/rules/<str:number>/rules/<str:rule>", rules_edit.edit),
    path("platform/rules/<str:number>/files/<str:name>", rules_edit.file),
    path("platform/rules/<str:number>/do/<str:action>", rules_draft.act),
    path("sign-in", accounts.sign_in),
    path("register", accounts.register),
    path("sign-out", accounts.sign_out),
    path("rules", policy.rules),
    path("rules/<str:version>", policy.version),
    path("language", preferences.language),
    path("theme", preferences.theme),
    path("robots.txt", preferences.robots),
]
