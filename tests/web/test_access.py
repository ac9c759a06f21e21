"""Who may see what: another's things look like missing ones, forged forms are refused, and pages are kept out of caches."""

from __future__ import annotations

import re
from contextlib import suppress
from urllib.parse import quote

import pytest
from django.conf import settings
from tests import databases
from tests.builders import (
    Order,
    Product,
    a_buyer,
    a_cancelled_order,
    a_placed_order,
    a_product,
    a_sealed_order,
    a_shop,
    at,
    serial,
    stock_up,
)
from tests.web.browser import Answer, Browser, browser

from anka.accounts.passwords import hash_password
from anka.cases.queries import dossier
from anka.catalog.models import NewProduct, Terms
from anka.core import database, rate_limits
from anka.domain.policy.table import default_rules
from anka.flows.list_product import list_product
from anka.flows.sign_up import UsernameTaken, sign_up
from anka.web.requests import safe_next

PASSWORD = "a short sentence"
PERSONAL = ("/orders", "/wallet", "/sign-out")


def somebody() -> str:
    name = f"visitor{serial()}"
    sign_up(username=name, display_name=name, language="zh-hans", password_hash=hash_password(password=PASSWORD), at=at())
    return name


def without_tokens(answer: Answer, path: str) -> str:
    page = re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"', "", answer.content.decode())
    return page.replace(path, "")


def refund_of(order: Order) -> str:
    return dossier(state=order.state).refunds[0].number


def test_anothers_pages_look_like_missing_ones() -> None:
    order, stranger = a_cancelled_order(), browser(a_buyer())
    missing = f"{order.shop.code}-{'0' * 13}"
    for theirs, nobodys in (
        (f"/orders/{order.number}", f"/orders/{missing}"),
        (f"/orders/{order.number}/pay", f"/orders/{missing}/pay"),
        (f"/orders/{order.number}/cancel", f"/orders/{missing}/cancel"),
        (f"/refunds/{refund_of(order)}", f"/refunds/{missing}"),
    ):
        there, nowhere = stranger.get(theirs), stranger.get(nobodys)
        assert there.status_code == nowhere.status_code == 404
        assert without_tokens(there, theirs) == without_tokens(nowhere, nobodys)


def test_anothers_forms_do_nothing() -> None:
    order = a_sealed_order()
    owner, stranger = browser(order.buyer), browser(a_buyer())
    page = owner.get(f"/orders/{order.number}")
    token = stranger.form(stranger.get("/orders"), "/language").value("csrfmiddlewaretoken")
    for action in (f"/orders/{order.number}/cancel", f"/orders/{order.number}/units/1/reveal"):
        answer = stranger.send(owner.form(page, action), csrfmiddlewaretoken=token)
        assert answer.status_code == 404
    assert order.stages == ["sealed"]


@pytest.mark.parametrize("number", ["x", "QM-1", "%00", "QM-ILOU0000000000", "..%2f..%2fetc", "QM-" + "A" * 400])
def test_numbers_that_cannot_be_are_missing(number: str) -> None:
    visitor = browser(a_buyer())
    for path in (f"/orders/{number}", f"/refunds/{number}", f"/products/{number}"):
        assert visitor.get(path).status_code == 404


@pytest.mark.parametrize("path", ["/orders", "/wallet", "/refunds/QM-R0000000000000", "/review?product={product}&quantity=1"])
def test_a_visitor_is_sent_to_sign_in_and_back(path: str) -> None:
    path = path.format(product=a_product().number)
    answer = browser().get(path)
    assert answer["Location"] == f"/sign-in?next={quote(path, safe='')}"


def signed_in(name: str, *, onward: str = "") -> tuple[Browser, Answer]:
    visitor = browser()
    page = visitor.get(f"/sign-in?next={quote(onward, safe='')}" if onward else "/sign-in")
    return visitor, visitor.send(visitor.form(page, "/sign-in"), username=name, password=PASSWORD)


def test_signing_in_makes_a_new_session_and_out_ends_it_on_the_server() -> None:
    visitor = browser()
    planted = visitor.client.session
    planted["planted"] = True
    planted.save()
    visitor.client.cookies[settings.SESSION_COOKIE_NAME] = planted.session_key or ""
    answer = visitor.send(visitor.form(visitor.get("/sign-in"), "/sign-in"), username=somebody(), password=PASSWORD)
    assert answer["Location"] == "/orders"
    cookie = answer.cookies[settings.SESSION_COOKIE_NAME]
    assert cookie.value != planted.session_key
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert "planted" not in visitor.client.session
    assert visitor.get("/orders").status_code == 200
    visitor.send(visitor.form(visitor.get("/sign-out"), "/sign-out"))
    visitor.client.cookies[settings.SESSION_COOKIE_NAME] = cookie.value
    assert visitor.get("/orders").status_code == 302


def test_a_wrong_password_and_a_wrong_name_look_the_same() -> None:
    visitor, pages = browser(), []
    for name, password in ((somebody(), "another sentence"), (f"nobody{serial()}", PASSWORD)):
        answer = visitor.send(visitor.form(visitor.get("/sign-in"), "/sign-in"), username=name, password=password)
        assert answer.status_code == 422
        pages.append(without_tokens(answer, name))
    assert pages[0] == pages[1]


def test_guessing_passwords_runs_out() -> None:
    visitor, name = browser(), somebody()
    form = visitor.form(visitor.get("/sign-in"), "/sign-in")
    # After the first page, whose coming sets the sandbox's budgets.
    rate_limits.factor = 1
    answers = [visitor.send(form, username=name, password="wrong guess").status_code for _guess in range(12)]
    assert answers[0] == 422
    assert answers[-1] == 429
    assert visitor.send(form, username=name, password=PASSWORD)["Retry-After"]


@pytest.mark.parametrize("onward", ["//evil.example", "https://evil.example/", "/\\evil.example", "javascript:alert(1)", "/\n/evil", ""])
def test_nobody_is_led_away_after_signing_in(onward: str) -> None:
    assert safe_next(onward) == ""


def test_signing_in_leads_back_to_where_one_was() -> None:
    assert signed_in(somebody(), onward="/wallet?x=1")[1]["Location"] == "/wallet?x=1"


def test_the_api_knows_the_same_visitor_and_wants_proof_for_forms() -> None:
    visitor, _answer = signed_in(somebody())
    assert visitor.get("/api/v1/orders").status_code == 200
    assert visitor.client.post("/api/v1/orders", data="{}", content_type="application/json").status_code == 403
    assert browser().get("/api/v1/orders").status_code == 401


def test_registering_signs_in_and_names_are_taken_once() -> None:
    name = f"newcomer{serial()}"
    visitor = browser()
    answer = visitor.send(visitor.form(visitor.get("/register"), "/register"), username=name.upper(), password=PASSWORD)
    assert answer["Location"] == "/"
    assert visitor.get("/orders").status_code == 200
    other = browser()
    again = other.send(other.form(other.get("/register"), "/register"), username=name, password=PASSWORD)
    assert again.status_code == 422
    short = other.send(other.form(other.get("/register"), "/register"), username="x", password="short")
    assert short.status_code == 422


@pytest.mark.parametrize("path", ["/sign-in", "/register", "/language", "/theme", "/orders", "/review", "/sign-out"])
def test_a_form_without_proof_is_refused(path: str) -> None:
    answer = browser(a_buyer()).client.post(path, {"username": "x", "password": "y"})
    assert answer.status_code == 403
    assert "什么都没有改变" in answer.content.decode()


def test_money_forms_without_proof_change_nothing() -> None:
    order = a_sealed_order()
    visitor = browser(order.buyer)
    page = visitor.get(f"/orders/{order.number}")
    for action in (f"/orders/{order.number}/cancel", f"/orders/{order.number}/units/1/reveal"):
        form = visitor.form(page, action)
        assert visitor.send(form, leaving_out=["csrfmiddlewaretoken"]).status_code == 403
        assert visitor.send(form, csrfmiddlewaretoken="a" * 64).status_code == 403
    assert order.stages == ["sealed"]


def test_every_page_carries_the_policy_and_personal_ones_stay_out_of_caches() -> None:
    order = a_placed_order(when=at(4))
    visitor, anybody = browser(order.buyer), browser()
    product = f"/products/{order.product.number}"
    personal = [f"/orders/{order.number}", f"/orders/{order.number}/pay", f"/orders/{order.number}/cancel", *PERSONAL]
    for answer in [
        *map(visitor.get, personal),
        visitor.get("/nowhere"),
        *map(anybody.get, ("/", product, "/rules", "/sign-in", "/nowhere")),
    ]:
        policy = answer["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'; ")
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Referrer-Policy"] == "same-origin"
        assert answer["Cross-Origin-Opener-Policy"] == "same-origin"
    assert {visitor.get(path)["Cache-Control"] for path in [*personal, product, "/"]} == {"no-store"}
    assert {anybody.get(path)["Cache-Control"] for path in ("/", product, "/rules")} == {"private, no-cache"}
    assert anybody.get("/sign-in")["Cache-Control"] == "no-store"


EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


def test_names_titles_and_reasons_are_text() -> None:
    shop = a_shop()
    database.rows("UPDATE accounts_shop SET name_zh = %s, name_en = %s WHERE id = %s", (EVIL[:40], EVIL[:40], shop.id))
    described = NewProduct(
        kind="card_key",
        delivery="auto",
        title_zh=EVIL,
        title_en=EVIL,
        face_value="<b>100",
        region="<b>CN",
        price_minor=100,
        description_zh=EVIL,
    )
    number = list_product(actor=shop.owner, shop_id=shop.id, product=described, terms=Terms(notice_zh=EVIL, notice_en=EVIL), at=at())
    product = Product(number=number, shop=shop, price_minor=100, secrets=(f"<script>{serial()}</script>",))
    stock_up(product, product.secrets)
    order = a_sealed_order(product=product)
    database.rows("UPDATE accounts_person SET display_name = %s WHERE id = %s", (EVIL[:40], order.buyer.person_id))
    visitor = browser(order.buyer)
    paths = [
        f"/?q={quote(EVIL[:70])}",
        f"/products/{number}",
        f"/review?product={number}&quantity=1",
        "/orders",
        f"/orders/{order.number}",
        "/sign-out",
    ]
    paths += [
        f"/orders/{order.number}/cancel?unit=1&reason=OTHER&statement={quote(EVIL)}",
        f"/orders/{order.number}/cancel?change=1&unit=1&statement={quote(EVIL)}",
    ]
    answers = [visitor.get(path) for path in paths]
    answers.append(visitor.send(visitor.form(answers[4], f"/orders/{order.number}/units/1/reveal")))
    for answer in answers:
        page = answer.content.decode()
        assert answer.status_code in (200, 422)
        assert "<script>alert" not in page
        assert "<img src=x" not in page
        assert "<b>100" not in page
    assert f"&lt;script&gt;{product.secrets[0][8:-9]}" in answers[-1].content.decode()


def test_the_language_is_chosen_and_kept() -> None:
    visitor = browser()
    page = visitor.get("/")
    assert '<html lang="zh-CN"' in page.content.decode()
    answer = visitor.send(visitor.form(page, "/language"), language="en")
    assert answer["Location"] == "/"
    assert '<html lang="en"' in visitor.get("/").content.decode()
    assert visitor.get("/")["Content-Language"] == "en"
    visitor.send(visitor.form(visitor.get("/"), "/language"), language="xx")
    assert '<html lang="en"' in visitor.get("/").content.decode()


def test_the_appearance_is_chosen_without_script() -> None:
    visitor = browser()
    page = visitor.get("/rules")
    form = visitor.form(page, "/theme")
    assert ("theme", "light") in form.buttons
    visitor.send(form, theme="dark")
    assert 'data-theme="dark"' in visitor.get("/").content.decode()
    visitor.send(form, theme="<x>")
    assert 'data-theme="dark"' in visitor.get("/").content.decode()


def test_demo_accounts_are_shown_where_they_exist() -> None:
    assert "anka-demo" not in browser().get("/sign-in").content.decode()
    with suppress(UsernameTaken):
        sign_up(username="buyer1", display_name="b", language="en", password_hash="!", at=at())
    assert "buyer1" in browser().get("/sign-in").content.decode()


def test_without_the_database_pages_say_so_and_stay_polite() -> None:
    order = a_placed_order(when=at(4))
    visitor, anybody = browser(order.buyer), browser()
    visitor.client.raise_request_exception = False
    databases.point_django_at(databases.NOT_STARTED)
    # Which rules are in force nobody can say then; what a version says, everybody.
    for answer in (visitor.get(f"/orders/{order.number}"), anybody.get("/"), anybody.get("/rules")):
        assert answer.status_code == 503
        assert answer["Retry-After"] == "3"
        assert "Traceback" not in answer.content.decode()
        assert answer.templates[0].name == "errors/unavailable.html"
    assert anybody.get(f"/rules/{default_rules().version}").status_code == 200
