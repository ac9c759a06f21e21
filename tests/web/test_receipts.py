"""Receipts on pages: every decision about an order, for everybody who may see it, in both languages."""

from collections.abc import Callable

import pytest
from tests.builders import Order, a_cancelled_order, at
from tests.builders.cases import Case, an_arbiter
from tests.builders.lives_of_cases import LIVES, refused_by_rule, refused_by_the_shop
from tests.web.browser import Answer, browser
from tests.web.conftest import SetClock

from anka.core.actors import Actor

PAGES: dict[str, Callable[[Case], tuple[Actor, str]]] = {
    "buyer's case": lambda case: (case.order.buyer, f"/cases/{case.number}"),
    "buyer's order": lambda case: (case.order.buyer, f"/orders/{case.order.number}"),
    "shop's case": lambda case: (case.merchant, f"/shop/cases/{case.number}"),
    "shop's order": lambda case: (case.merchant, f"/shop/orders/{case.order.number}"),
    "platform's case": lambda case: (an_arbiter(), f"/platform/cases/{case.number}"),
    "platform's order": lambda case: (an_arbiter(), f"/platform/orders/{case.order.number}"),
}


@pytest.fixture(autouse=True)
def _later(set_clock: SetClock) -> None:
    set_clock(at(30))


def shown(who: Actor, path: str, language: str = "zh-CN") -> tuple[Answer, str]:
    answer = browser(who).get(path, accept_language=language)
    assert answer.status_code == 200
    return answer, answer.content.decode()


@pytest.mark.parametrize("page", PAGES)
def test_every_page_shows_every_decision(page: str) -> None:
    case = refused_by_the_shop()
    answer, text = shown(*PAGES[page](case))
    newest, first = answer.context["receipts"]
    assert (newest["rule"], first["rule"]) == ("quality.refused", "quality")
    for receipt, kept in zip((newest, first), reversed(case.state.receipts), strict=True):
        assert receipt["because"] == kept.because_zh
        assert kept.because_zh in text
        assert f"/rules?version={kept.policy_version}#quality" in text
        assert kept.hash[:12] in text
    assert "第 2 次判定，共 2 次" in text
    assert case.order.product.secrets[0] not in text


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize("life", LIVES)
def test_receipts_are_told_at_every_point_of_a_life(life: str, language: str) -> None:
    case = LIVES[life]()
    answer, text = shown(case.order.buyer, f"/cases/{case.number}", language)
    assert len(answer.context["receipts"]) == len(case.state.receipts)
    for sheet in (sheet for receipt in answer.context["receipts"] for sheet in receipt["sheets"]):
        assert {"stage", "reason"} <= {row["key"] for row in sheet["rows"]}
        assert len(sheet["rows"]) < len(sheet["all"])
        for change in (*sheet["open"], *sheet["past"]):
            assert change["when"] in text.replace("&#x27;", "'")
        assert sheet["past"]
        assert not (case.state.closed_at and sheet["open"])


def test_the_buyer_is_told_what_would_have_helped() -> None:
    case = refused_by_rule()
    _answer, text = shown(case.order.buyer, f"/cases/{case.number}", "en")
    assert "the key had not been opened" in text
    assert "the notice of no refund once used had not been confirmed at purchase" in text
    _answer, text = shown(case.order.buyer, f"/cases/{case.number}")
    assert "卡密没有被查看" in text


def test_a_cancellation_in_one_click_leaves_a_receipt_on_the_order() -> None:
    order: Order = a_cancelled_order()
    answer, text = shown(order.buyer, f"/orders/{order.number}")
    (receipt,) = answer.context["receipts"]
    assert not answer.context["cases"]
    assert receipt["because"] in text


def test_another_buyer_sees_no_receipt() -> None:
    case = refused_by_rule()
    assert browser(refused_by_rule().order.buyer).get(f"/cases/{case.number}").status_code == 404
