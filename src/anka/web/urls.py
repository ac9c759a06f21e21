"""The addresses of all pages."""

from django.urls import URLPattern, path

from anka.web import accounts, notices, policy, preferences
from anka.web.buyer import cancel, cases, key_check, orders, payments, refunds, shop, wallet
from anka.web.platform import money

pages: list[URLPattern] = [
    path("", shop.front),
    path("products/<str:number>", shop.product),
    path("review", shop.review),
    path("orders", orders.index),
    path("orders/<str:number>", orders.show),
    path("orders/<str:number>/pay", payments.cashier),
    path("orders/<str:number>/cancel", cancel.wizard),
    path("orders/<str:number>/confirm", orders.confirm),
    path("orders/<str:number>/units/<int:position>/reveal", orders.reveal),
    path("orders/<str:number>/units/<int:position>/check", key_check.check),
    path("cases/<str:number>", cases.show),
    path("cases/<str:number>/<str:action>", cases.act),
    path("refunds/<str:number>", refunds.show),
    path("wallet", wallet.show),
    path("notices", notices.show),
    path("notices/read", notices.read),
    path("platform/money", money.show),
    path("platform/money/<str:number>/<str:decision>", money.decide),
    path("sign-in", accounts.sign_in),
    path("register", accounts.register),
    path("sign-out", accounts.sign_out),
    path("rules", policy.rules),
    path("language", preferences.language),
    path("theme", preferences.theme),
    path("robots.txt", preferences.robots),
]
