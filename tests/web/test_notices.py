"""The page of notices, and the mark on every page that something is unread."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.test import RequestFactory
from tests import databases
from tests.builders import Order, a_buyer, a_placed_order, a_sealed_order, at
from tests.web.browser import Answer, Browser, browser

from anka.accounts import queries as accounts
from anka.core import database
from anka.domain.deadlines import WARNED
from anka.jobs.warnings import warn as warn_of_clocks
from anka.messaging import words
from anka.messaging.queries import unread_count
from anka.web import context
from anka.web.requests import Visitor

FLOWS = Path(__file__).parents[2] / "src" / "anka" / "flows"
EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
BADGE = re.compile(r'<b class="unread">(\d+\+?)<span class="visually-hidden">')


def tell(order: Order, audience: str = "buyer", kind: str = "case_opened", details: str = "{}", case: str | None = None) -> None:
    """Tell one audience of an order something."""
    said = (order.shop.id, order.state.id, case, audience, kind, details, at(4).now)
    database.rows("SELECT tell(%s, %s, %s, %s, %s, %s::jsonb, %s)", said)


def warn(order: Order, clock: str, audience: str, percent: int = 80) -> None:
    """Warn one audience of a clock of an order that falls in ten minutes."""
    tell(order, audience, "clock_warning", f'{{"clock": "{clock}", "percent": {percent}, "due_at": "{at(15).now.isoformat()}"}}')


def page(visitor: Browser, path: str = "/notices", language: str = "zh-CN") -> str:
    """What a page says."""
    answer = visitor.get(path, accept_language=language)
    assert answer.status_code == 200
    return str(answer.content.decode())


def badge(answer: Answer) -> list[str]:
    """What the marks in the two navigations say."""
    return BADGE.findall(answer.content.decode())


def test_nothing_told_says_so() -> None:
    visitor = browser(a_buyer())
    assert "暂无消息" in page(visitor)
    assert "Nothing new" in page(visitor, language="en")
    assert badge(visitor.get("/notices")) == []


def test_who_is_not_signed_in_is_sent_to_sign_in_and_has_no_mark() -> None:
    assert browser().get("/notices")["Location"] == "/sign-in?next=%2Fnotices"
    assert "/notices" not in browser().get("/").content.decode()


def test_a_notice_says_what_happened_and_leads_to_the_order() -> None:
    order = a_sealed_order()
    tell(order, kind="late_delivery")
    shown = page(browser(order.buyer))
    assert "商家没有按时发货。你可以取消并全额退款。" in shown
    assert f'<a href="/orders/{order.number}">' in shown
    assert "The shop has not delivered in time." in page(browser(order.buyer), language="en")


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize("clock", sorted(WARNED))
def test_every_warning_has_words_for_everybody_it_warns(clock: str, language: str) -> None:
    order = a_placed_order(when=at(3))
    for audience in WARNED[clock].audiences:
        assert words.WARNINGS[clock].keys() & {audience, "all"}
        if audience == "platform":
            continue
        warn(order, clock, audience)
        reader = order.buyer if audience == "buyer" else order.shop.owner
        shown = page(browser(reader), language=language)
        assert ("3月2日 10:15" in shown) is (language == "zh-CN")
        assert ("Mar 2, 10:15" in shown) is (language == "en")
        assert ("Only a fifth of the time is left. " in shown) is (language == "en")


def test_the_time_left_is_shown_while_the_clock_runs() -> None:
    order = a_sealed_order()
    clock = (order.shop.id, order.state.id)
    database.rows("SELECT end_clocks(%s, %s, '{0,1}', '{hold,confirm,settle,promise}', %s, 'stopped')", (*clock, at(3).now))
    database.rows("SELECT start_clock(%s, %s, 1, 'offer', %s, %s)", (*clock, at(-5).now, at(10).now))
    warn_of_clocks(at=at(5))
    assert "data-due=" in page(browser(order.buyer))
    assert browser(order.buyer).get("/api/v1/notices?limit=1").json()["items"][0]["due_at"] == at(10).now.isoformat().replace("+00:00", "Z")
    database.rows("SELECT end_clocks(%s, %s, '{1}', '{offer}', %s, 'stopped')", (*clock, at(5).now))
    shown = page(browser(order.buyer))
    assert "data-due=" not in shown
    assert "请在 3月2日 10:10 前答复方案" in shown


def test_every_notice_of_the_flows_has_words() -> None:
    source = "\n".join(path.read_text(encoding="utf-8") for path in [*FLOWS.glob("**/*.py"), *FLOWS.glob("sql/functions/*.sql")])
    said = set(re.findall(r'"((?:case|order|refund)_[a-z_]+)"[,)]', "".join(re.findall(r"(?:tell|Notice)\([^\n]*", source))))
    assert {"case_closed", "case_escalated"} <= said
    assert said - words.TOLD.keys() == set()


def test_money_a_notice_is_about_is_shown() -> None:
    order = a_placed_order(when=at(3))
    tell(order, kind="case_closed", details='{"refund_minor": 1234}')
    assert 'value="12.34"' in page(browser(order.buyer))
    tell(order, kind="case_closed", details='{"refund_minor": "<b>"}')
    assert page(browser(order.buyer)).count('class="money') == 1


def test_what_nobody_has_words_for_is_still_said_and_odd_details_break_nothing() -> None:
    order = a_placed_order(when=at(3))
    tell(order, kind="something_unheard_of")
    for details in (
        '{"clock": 7, "clock_id": "x", "percent": "x", "due_at": "soon"}',
        '{"due_at": 5}',
        "{}",
        '{"due_at": "2026-03-02T00:00:00"}',
    ):
        tell(order, kind="clock_warning", details=details)
    assert page(browser(order.buyer)).count("这张订单有新的进展。") == 5


def test_the_mark_counts_and_goes_when_all_was_read() -> None:
    order = a_placed_order(when=at(3))
    for _ in range(3):
        tell(order)
    visitor = browser(order.buyer)
    assert badge(visitor.get("/orders")) == ["3", "3"]
    shown = visitor.get("/notices")
    assert badge(shown) == ["3", "3"]
    answer = visitor.send(visitor.form(shown, "/notices/read"))
    assert answer["Location"] == "/notices"
    after = visitor.get("/notices")
    assert badge(after) == []
    assert 'action="/notices/read"' not in after.content.decode()
    assert after.content.decode().count("已收到你的申请") == 3


def test_looking_reads_nothing_and_what_came_meanwhile_stays_unread() -> None:
    order = a_placed_order(when=at(3))
    tell(order)
    visitor = browser(order.buyer)
    shown = visitor.get("/notices")
    tell(order, kind="case_closed")
    visitor.send(visitor.form(shown, "/notices/read"))
    assert badge(visitor.get("/notices")) == ["1", "1"]


def test_a_hundred_unread_are_many() -> None:
    order = a_placed_order(when=at(3))
    for _ in range(101):
        tell(order)
    visitor = browser(order.buyer)
    assert badge(visitor.get("/notices")) == ["99+", "99+"]
    first = visitor.get("/notices")
    second = visitor.get(first.context["next_url"])
    assert (len(first.context["lines"]), len(second.context["lines"])) == (30, 30)


@pytest.mark.parametrize("query", ["before=x", "before=-1", "before=１", "before=" + "9" * 30])
def test_a_place_in_the_list_that_is_none_is_refused(query: str) -> None:
    assert browser(a_buyer()).get(f"/notices?{query}").status_code == 422


@pytest.mark.parametrize("up_to", ["", "x", "-1", "9" * 30])
def test_a_form_that_was_changed_is_refused_and_reads_nothing(up_to: str) -> None:
    order = a_placed_order(when=at(3))
    tell(order)
    visitor = browser(order.buyer)
    assert visitor.send(visitor.form(visitor.get("/notices"), "/notices/read"), up_to=up_to).status_code == 422
    assert badge(visitor.get("/notices")) == ["1", "1"]


def test_a_forged_form_reads_nothing() -> None:
    order = a_placed_order(when=at(3))
    tell(order)
    visitor = browser(order.buyer)
    assert visitor.send(visitor.form(visitor.get("/notices"), "/notices/read"), leaving_out=["csrfmiddlewaretoken"]).status_code == 403
    assert visitor.client.get("/notices/read").status_code == 405
    assert unread_count(person_id=order.buyer.person_id) == 1


def test_names_and_titles_in_notices_are_text() -> None:
    order = a_placed_order(when=at(3))
    database.rows("UPDATE accounts_shop SET name_zh = %s, name_en = %s WHERE id = %s", (EVIL[:40], EVIL[:40], order.shop.id))
    database.rows("UPDATE catalog_product SET title_zh = %s, title_en = %s WHERE shop_id = %s", (EVIL, EVIL, order.shop.id))
    tell(order, details='{"text": "<script>alert(3)</script>", "clock": "<script>"}', case="<script>alert(4)</script>")
    for language in ("zh-CN", "en"):
        shown = page(browser(order.buyer), language=language)
        assert "<script>alert" not in shown
        assert "<img src=x" not in shown
        assert "&lt;script&gt;alert(1)" in shown


def test_a_notice_leads_nowhere_where_its_reader_has_no_page() -> None:
    order = a_placed_order(when=at(3))
    tell(order, "shop")
    assert f'href="/orders/{order.number}"' not in page(browser(order.shop.owner))


def queries_of(visitor: Browser, path: str) -> list[str]:
    """The statements about notices that a page made."""
    made: list[str] = []

    def watch(moment: str, sql: str) -> None:
        if moment == "statement" and "messaging_notice" in sql:
            made.append(sql)

    database.watchers.append(watch)
    try:
        assert visitor.get(path).status_code == 200
    finally:
        database.watchers.remove(watch)
    return made


def test_the_mark_costs_one_query_and_nothing_for_strangers() -> None:
    order = a_placed_order(when=at(3))
    for _ in range(5):
        tell(order)
    visitor = browser(order.buyer)
    for path in ("/", "/orders", "/wallet", f"/orders/{order.number}", "/rules"):
        assert len(queries_of(visitor, path)) == 1, path
    assert len(queries_of(visitor, "/notices")) == 2
    assert queries_of(browser(), "/") == []


def test_a_page_that_tells_of_a_lost_database_has_no_mark() -> None:
    order = a_placed_order(when=at(3))
    tell(order)
    found = accounts.person(person_id=order.buyer.person_id)
    assert found is not None
    request = RequestFactory().get("/orders")
    request.visitor = Visitor(person=found, signed_in_at=at().real)  # type: ignore[attr-defined]
    assert context.everywhere(request)["unread"]() == 1
    lost = context.everywhere(request)["unread"]
    databases.point_django_at(databases.NOT_STARTED)
    assert lost() == 0
