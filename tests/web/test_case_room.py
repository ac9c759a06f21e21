"""The buyer's case room: every status, every step, and nobody else's."""

from __future__ import annotations

import re

import pytest
from tests.builders import at
from tests.builders.cases import Case, a_case
from tests.builders.lives_of_cases import LIVES, refused_by_rule, ruled, with_an_offer, with_an_offered_replacement
from tests.web.browser import Answer, Browser, browser
from tests.web.conftest import SetClock

from anka.cases.queries import read_case
from anka.flows.steps.case_actions import case_actions


@pytest.fixture(autouse=True)
def _later(set_clock: SetClock) -> None:
    set_clock(at(15))


def room(case: Case) -> tuple[Browser, Answer]:
    visitor = browser(case.order.buyer)
    return visitor, visitor.get(f"/cases/{case.number}")


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize("life", LIVES)
def test_a_case_is_shown_at_every_point_of_its_life(life: str, language: str) -> None:
    case = LIVES[life]()
    answer = browser(case.order.buyer).get(f"/cases/{case.number}", accept_language=language)
    assert answer.status_code == 200
    page = answer.content.decode()
    assert case.number in page
    assert case.order.number in page
    assert "Recorded:" not in page
    state = case.state
    if state.closed_at is None:
        assert answer.context["headline"]["countdown"]["consequence"]
        assert answer.context["next_steps"][-1]["fall"]["what"]
    else:
        assert answer.context["headline"]["countdown"] is None


def test_an_offer_says_where_the_money_goes_and_is_accepted_once() -> None:
    case = with_an_offer()
    visitor, page = room(case)
    goes = page.context["offers"][0]["goes"]
    assert goes["refund_minor"] + goes["rest_minor"] == 10000
    assert sum(leg["amount_minor"] for leg in goes["legs"]) == 2500
    form = visitor.form(page, f"/cases/{case.number}/accept")
    assert visitor.send(form)["Location"] == f"/cases/{case.number}?done=accept"
    assert visitor.send(form)["Location"] == f"/cases/{case.number}?done=accept"
    assert (case.state.outcome, case.state.refund_minor) == ("partial", 2500)
    after = visitor.get(f"/cases/{case.number}?done=accept")
    assert "¥25.00" in after.context["headline"]["title"]
    assert after.context["refund"]["legs"][0]["track"]


def test_a_replacement_is_accepted() -> None:
    case = with_an_offered_replacement()
    visitor, page = room(case)
    visitor.send(visitor.form(page, f"/cases/{case.number}/accept"))
    assert case.order.stages == ["replaced", "sealed"]


def test_a_declined_offer_goes_to_the_platform() -> None:
    case = with_an_offer()
    visitor, page = room(case)
    visitor.send(visitor.form(page, f"/cases/{case.number}/decline"))
    assert case.status == "evidence"
    late = visitor.send(visitor.form(page, f"/cases/{case.number}/accept"))
    assert late.status_code == 409
    assert late.templates[0].name == "buyer/case.html"


def test_a_counter_offer_is_made() -> None:
    case = with_an_offer()
    visitor, page = room(case)
    form = visitor.form(page, f"/cases/{case.number}/offer")
    assert visitor.send(form, amount=" ¥35.5 ", text="Meet me.")["Location"].endswith("?done=offer")
    assert (case.status, case.state.offers[-1].refund_minor) == ("merchant_turn", 3550)


BAD_AMOUNTS = [
    "",
    " ",
    "abc",
    "３５．５０",
    "三十",
    "-1",
    "+1",
    "0",
    "0.00",
    "1e3",
    "1,000",
    "12.345",
    "100.01",
    "99999999999999999",
    "NaN",
    "0x10",
    "1 0",
]


@pytest.mark.parametrize("amount", BAD_AMOUNTS)
def test_a_bad_amount_is_told_and_kept(amount: str) -> None:
    case = with_an_offer()
    visitor, page = room(case)
    answer = visitor.send(visitor.form(page, f"/cases/{case.number}/offer"), amount=amount, text="still here")
    assert answer.status_code == 422
    assert answer.context["errors"]["offer_amount"]
    assert "still here" in answer.content.decode()
    assert len(case.state.offers) == 1


def test_evidence_is_kept_as_written() -> None:
    case = a_case()
    visitor, page = room(case)
    form = visitor.form(page, f"/cases/{case.number}/evidence")
    assert visitor.send(form, kind="ERROR_SCREENSHOT", text="It says: invalid.").status_code == 302
    assert [(item.kind, item.text) for item in case.state.evidence] == [("ERROR_SCREENSHOT", "It says: invalid.")]


@pytest.mark.parametrize(
    ("kind", "text"), [("NONSENSE", "x"), ("", "x"), ("OTHER", ""), ("OTHER", "  "), ("OTHER", "x" * 4001), ("OTHER", "\0")]
)
def test_evidence_that_is_none_is_told(kind: str, text: str) -> None:
    case = a_case()
    visitor, page = room(case)
    answer = visitor.send(visitor.form(page, f"/cases/{case.number}/evidence"), kind=kind, text=text)
    assert answer.status_code == 422
    assert len(answer.context["errors"]) == 1
    assert case.state.evidence == ()


def test_a_request_is_taken_back() -> None:
    case = a_case()
    visitor, page = room(case)
    visitor.send(visitor.form(page, f"/cases/{case.number}/withdraw"))
    assert case.state.outcome == "withdrawn"


def test_a_refusal_is_taken_to_the_platform() -> None:
    case = refused_by_rule()
    visitor, page = room(case)
    assert page.context["headline"]["primary"]["href"] == "#escalate"
    visitor.send(visitor.form(page, f"/cases/{case.number}/escalate"), text="Please look.")
    assert case.status == "evidence"


def test_a_ruling_is_appealed_against_with_a_text() -> None:
    case = ruled()
    visitor, page = room(case)
    form = visitor.form(page, f"/cases/{case.number}/appeal")
    assert visitor.send(form, text=" ").status_code == 422
    assert visitor.send(form, text="New.").status_code == 302
    assert case.status == "appeal"


def test_forms_are_there_exactly_where_the_step_is_allowed() -> None:
    names = {"accept_offer": "accept", "decline_offer": "decline", "add_evidence": "evidence"}
    found = set()
    for life in LIVES.values():
        case = life()
        page = room(case)[1].content.decode()
        state, argued = read_case(number=case.number, actor=case.order.buyer, at=at(15))
        for action in case_actions(state=state, case=argued, actor=case.order.buyer, at=at(15)):
            posted = f'action="/cases/{case.number}/{names.get(action.name, action.name)}"'
            assert (posted in page) is action.allowed, (action.name, case.status)
            found.add((action.name, action.allowed))
    assert len(found) == 14


def test_anothers_case_is_exactly_a_missing_one() -> None:
    case, other = with_an_offer(), with_an_offer()
    stranger = browser(other.order.buyer)
    missing = stranger.get(f"/cases/{case.order.shop.code}-C{'0' * 13}")
    theirs = stranger.get(f"/cases/{case.number}")
    assert theirs.status_code == missing.status_code == 404
    assert _plain(theirs, case.number) == _plain(missing, f"{case.order.shop.code}-C{'0' * 13}")
    page = stranger.get(f"/cases/{other.number}")
    for action in ("accept", "decline", "offer", "evidence", "withdraw", "escalate", "appeal", "nonsense"):
        form = stranger.form(page, f"/cases/{other.number}/accept")
        form.action = f"/cases/{case.number}/{action}"
        assert stranger.send(form, amount="1", text="x", kind="OTHER").status_code == 404
    assert case.status == "buyer_turn"
    assert browser().get(f"/cases/{case.number}")["Location"].startswith("/sign-in?next=")
    assert browser(case.merchant).get(f"/cases/{case.number}").status_code == 404


def _plain(answer: Answer, number: str) -> str:
    return re.sub(r'name="csrfmiddlewaretoken" value="[^"]*"', "", answer.content.decode()).replace(number, "")


def test_an_offer_of_another_case_is_not_accepted() -> None:
    case, other = with_an_offer(), with_an_offer()
    visitor, page = room(case)
    form = visitor.form(page, f"/cases/{case.number}/accept")
    assert visitor.send(form, offer=str(other.state.offers[-1].id)).status_code == 404
    for wrong in ("x", "-1", "１", "9" * 40, ""):
        assert visitor.send(form, offer=wrong).status_code == 404
    assert case.status == other.status == "buyer_turn"


def test_a_forged_step_changes_nothing() -> None:
    case = with_an_offer()
    visitor, page = room(case)
    for action in ("accept", "decline", "offer", "evidence", "withdraw"):
        form = visitor.form(page, f"/cases/{case.number}/{action}")
        assert visitor.send(form, leaving_out=["csrfmiddlewaretoken"], amount="1", text="x", kind="OTHER").status_code == 403
        assert visitor.send(form, leaving_out=["idempotency_key"], amount="1", text="x", kind="OTHER").status_code == 422
        assert visitor.get(form.action).status_code == 405
    assert case.status == "buyer_turn"
