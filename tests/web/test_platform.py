"""The platform's pages: the queue by what is due, a case with everything to decide it, rulings shown before they count."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.builders import a_buyer, a_product, a_sealed_order, at
from tests.builders.cases import Case, a_case, an_arbiter
from tests.builders.lives_of_cases import LIVES, appealed, in_review, proposed, refused_by_the_shop
from tests.builders.people import OPERATOR
from tests.web.browser import Answer, Browser, Form, browser
from tests.web.conftest import SetClock

from anka.cases.platform_queue import QueueFilter, QueueLine, QueuePlace, queue
from anka.core.actors import Actor
from anka.core.clock import Moment
from anka.flows.appoint_staff import appoint_staff
from anka.flows.steps.judge import Claim

RULED = {"fault": "both", "share": "half", "reasons": "SHARED_FAULT", "text": "Both could have done better."}


@pytest.fixture(autouse=True)
def _later(set_clock: SetClock) -> None:
    set_clock(at(15))


def page_of(case: Case, who: Actor) -> tuple[Browser, Answer]:
    visitor = browser(who)
    return visitor, visitor.get(f"/platform/cases/{case.number}")


def ruling_form(visitor: Browser, page: Answer, case: Case) -> Form:
    return visitor.form(page, f"/platform/cases/{case.number}/ruling")


@pytest.mark.parametrize("language", ["zh-CN", "en"])
@pytest.mark.parametrize("life", LIVES)
def test_a_case_is_shown_to_staff_at_every_point_of_its_life(life: str, language: str) -> None:
    case = LIVES[life]()
    answer = browser(an_arbiter()).get(f"/platform/cases/{case.number}", accept_language=language)
    assert answer.status_code == 200
    page = answer.content.decode()
    assert case.number in page
    assert len(answer.context["sheets"][0]["rows"]) >= 12
    assert all(row["value"] and row["source"] for row in answer.context["sheets"][0]["rows"])
    assert answer.context["receipts"]
    assert "Recorded:" not in page
    order = browser(an_arbiter()).get(f"/platform/orders/{case.order.number}", accept_language=language)
    assert order.status_code == 200
    assert '<form method="post" action="/orders' not in order.content.decode()
    assert case.order.product.secrets[0] not in order.content.decode()


def test_a_ruling_is_shown_before_it_counts() -> None:
    case, who = refused_by_the_shop(), an_arbiter()
    visitor, page = page_of(case, who)
    preview = visitor.send(ruling_form(visitor, page, case), typed=RULED)
    assert preview.status_code == 200
    assert case.status == "evidence"
    goes = preview.context["moves"]["goes"]
    assert (goes["refund_minor"], goes["rest_minor"]) == (5000, 5000)
    assert sum(source["amount_minor"] for source in goes["sources"]) == 10000
    form = ruling_form(visitor, preview, case)
    back = visitor.send(form, change="1")
    assert "Both could have done better." in back.content.decode()
    assert case.status == "evidence"
    for _twice in range(2):
        assert visitor.send(form, confirmed="1")["Location"] == f"/platform/cases/{case.number}?done=ruling"
    ruling = case.state.given_ruling
    assert ruling is not None
    assert (ruling.refund_minor, ruling.fault, ruling.reasons) == (5000, "both", ("SHARED_FAULT",))
    assert case.status == "decided"


BAD = [
    ({"fault": "nobody"}, "fault"),
    ({"reasons": "NONSENSE"}, "reasons"),
    ({"text": " "}, "text"),
    ({"text": "x" * 4001}, "text"),
    ({"share": ""}, "share"),
    *(
        ({"share": "amount", "amount": amount}, "amount")
        for amount in ("", "abc", "５０", "五十", "-1", "100.01", "1,0", "9" * 60, "0.001")
    ),
]


@pytest.mark.parametrize(("wrong", "field"), BAD)
def test_a_ruling_that_is_none_is_told_beside_the_field(wrong: dict[str, str], field: str) -> None:
    case = refused_by_the_shop()
    visitor, page = page_of(case, an_arbiter())
    answer = visitor.send(ruling_form(visitor, page, case), typed={**RULED, **wrong, "confirmed": "1"})
    assert answer.status_code == 422
    assert list(answer.context["errors"]) == [field]
    assert case.state.rulings == ()


def test_a_large_ruling_is_proposed_and_approved_by_somebody_else() -> None:
    order = a_sealed_order(product=a_product(stock=1, price_minor=80000))
    order.reveal(when=at(4))
    case, first, second = a_case(order, claim=Claim(reason="KEY_INVALID", ask_minor=80000)), an_arbiter(), an_arbiter()
    case.refuse(when=at(12))
    visitor, page = page_of(case, first)
    preview = visitor.send(ruling_form(visitor, page, case), typed={**RULED, "share": "all"})
    assert preview.context["moves"]["two"]
    visitor.send(ruling_form(visitor, preview, case), confirmed="1")
    own = visitor.get(f"/platform/cases/{case.number}")
    assert f'action="/platform/cases/{case.number}/approve"' not in own.content.decode()
    assert own.context["why_not"]["approve"]
    other, theirs = page_of(case, second)
    form = other.form(theirs, f"/platform/cases/{case.number}/approve")
    assert visitor.send(_with_own_proof(visitor, own, form)).status_code == 409
    assert case.status == "evidence"
    assert other.send(form)["Location"].endswith("?done=approve")
    assert case.status == "decided"


def _with_own_proof(visitor: Browser, page: Answer, form: Form) -> Form:
    proof = visitor.form(page, "/theme").value("csrfmiddlewaretoken")
    return Form(form.action, form.method, [("csrfmiddlewaretoken", proof), ("idempotency_key", form.value("idempotency_key"))])


def test_an_appeal_is_not_for_who_ruled_before() -> None:
    case = appealed()
    ruling = case.state.given_ruling
    assert ruling is not None
    first = Actor(kind=case.order.buyer.kind, person_id=ruling.by_person)
    assert page_of(case, first)[1].context["ruling_form"] is None
    assert page_of(case, an_arbiter())[1].context["ruling_form"] is not None


def test_evidence_is_asked_for_and_added() -> None:
    case = in_review()
    visitor, page = page_of(case, an_arbiter())
    ask = visitor.form(page, f"/platform/cases/{case.number}/ask")
    assert visitor.send(ask, side="nobody", text="x").context["errors"].keys() == {"side"}
    assert visitor.send(ask, side="buyer", text=" ").context["errors"].keys() == {"ask_text"}
    assert visitor.send(ask, side="buyer", text="A recording, please.").status_code == 302
    assert case.status == "evidence"
    told = browser(case.order.buyer).get(f"/cases/{case.number}").content.decode()
    assert "A recording, please." in told
    add = visitor.form(page, f"/platform/cases/{case.number}/evidence")
    assert visitor.send(add, kind="x", text="x").status_code == 422
    assert visitor.send(add, kind="ISSUER_STATEMENT", text="They wrote.").status_code == 302
    assert case.state.evidence[-1].by_side == "platform"


def whole_queue(who: Actor, which: QueueFilter) -> list[QueueLine]:
    """Every case in a queue, page by page: other tests have left theirs there too."""
    found: list[QueueLine] = []
    place: QueuePlace | None = None
    while lines := queue(person_id=who.person_id, which=which, after=place, limit=101):
        found += lines
        place = QueuePlace(due_at=lines[-1].due_at, number=lines[-1].number)
    return found


def test_the_queue_holds_what_is_due_first_on_top() -> None:
    first, second = refused_by_the_shop(), in_review()
    who = an_arbiter()
    found = whole_queue(who, QueueFilter.MINE)
    numbers = [line.number for line in found]
    assert {first.number, second.number} <= set(numbers)
    assert [line.due_at for line in found] == sorted(line.due_at for line in found)
    visitor = browser(who)
    assert visitor.get("/platform").status_code == 200
    for tab in QueueFilter:
        assert visitor.get(f"/platform?tab={tab}", accept_language="en").status_code == 200
    assert visitor.get("/platform?tab=x").status_code == 422
    for after in ("x", "2026-01-01~A", "2026-01-01T00:00:00+00:00~<b>"):
        assert visitor.get("/platform?tab=all").status_code == 200
        assert visitor.get(f"/platform?after={after}").status_code == 422


def test_the_queue_goes_on_where_a_page_ends() -> None:
    who = an_arbiter()
    numbers = {refused_by_the_shop().number for _case in range(3)}
    seen, after = [], None
    while page := queue(person_id=who.person_id, which=QueueFilter.ALL, after=after, limit=2):
        seen += [line.number for line in page]
        after = QueuePlace(due_at=page[-1].due_at, number=page[-1].number)
    assert len(seen) == len(set(seen))
    assert numbers <= set(seen)


def test_what_is_late_says_for_how_long(set_clock: SetClock) -> None:
    case = in_review()
    due_at = case.state.due_at
    assert due_at is not None
    set_clock(Moment(now=due_at + timedelta(hours=3, minutes=20), real=at().real))
    visitor = browser(an_arbiter())
    assert "已超时 3 小时 20 分" in visitor.get(f"/platform/cases/{case.number}").content.decode()


def numbers_for(who: Actor, which: QueueFilter) -> set[str]:
    return {line.number for line in whole_queue(who, which)}


def test_the_filters_leave_out_what_is_not_mine() -> None:
    waits, appeal, argued = proposed(), appealed(), refused_by_the_shop()
    ruling = waits.state.proposed_ruling
    first_ruling = appeal.state.given_ruling
    assert ruling is not None
    assert first_ruling is not None
    author = Actor(kind=waits.order.buyer.kind, person_id=ruling.by_person)
    judge = Actor(kind=waits.order.buyer.kind, person_id=first_ruling.by_person)
    somebody = an_arbiter()
    assert waits.number in numbers_for(somebody, QueueFilter.MINE) & numbers_for(somebody, QueueFilter.APPROVAL)
    assert waits.number not in numbers_for(author, QueueFilter.MINE)
    assert appeal.number in numbers_for(somebody, QueueFilter.MINE) & numbers_for(somebody, QueueFilter.APPEALS)
    assert appeal.number not in numbers_for(judge, QueueFilter.MINE)
    assert argued.number not in numbers_for(somebody, QueueFilter.APPEALS) | numbers_for(somebody, QueueFilter.APPROVAL)
    appoint_staff(actor=OPERATOR, person_id=argued.order.buyer.person_id, role="arbiter")
    assert argued.number not in numbers_for(argued.order.buyer, QueueFilter.MINE)
    assert argued.number not in numbers_for(argued.merchant, QueueFilter.MINE)
    assert argued.number in numbers_for(argued.order.buyer, QueueFilter.ALL)


PATHS = ("/platform", "/platform/find?number=x", "/platform/alerts")


def test_to_everybody_else_the_pages_do_not_exist() -> None:
    case = refused_by_the_shop()
    paths = (*PATHS, f"/platform/cases/{case.number}", f"/platform/orders/{case.order.number}")
    for who in (case.order.buyer, case.merchant, a_buyer()):
        visitor = browser(who)
        missing = visitor.get("/nowhere")
        for path in paths:
            answer = visitor.get(path)
            assert answer.status_code == 404
            assert answer.templates[0].name == missing.templates[0].name
            assert case.number not in answer.content.decode().replace(path, "")
    assert all(browser().get(path)["Location"].startswith("/sign-in?next=") for path in paths)


def test_a_posted_step_of_somebody_else_changes_nothing() -> None:
    case = refused_by_the_shop()
    arbiter = browser(an_arbiter())
    page = arbiter.get(f"/platform/cases/{case.number}")
    for who, status in ((case.order.buyer, 404), (case.merchant, 404), (an_arbiter("agent"), 403), (an_arbiter("finance"), 403)):
        visitor = browser(who)
        proof = visitor.form(visitor.get("/rules"), "/theme").value("csrfmiddlewaretoken")
        for action, typed in (("ruling", {**RULED, "confirmed": "1"}), ("ask", {"side": "both", "text": "x"}), ("approve", {})):
            form = Form(f"/platform/cases/{case.number}/{action}", "post", [("csrfmiddlewaretoken", proof), ("idempotency_key", "k" * 20)])
            assert visitor.send(form, typed=typed).status_code == status, (who, action)
    assert case.state.rulings == ()
    form = ruling_form(arbiter, page, case)
    assert arbiter.send(form, typed=RULED, leaving_out=["csrfmiddlewaretoken"]).status_code == 403
    assert arbiter.send(form, typed=RULED, leaving_out=["idempotency_key"]).status_code == 422
    form.action = f"/platform/cases/{case.number}/nonsense"
    assert arbiter.send(form).status_code == 404


def test_a_party_of_the_staff_is_told_why_not() -> None:
    case = refused_by_the_shop()
    appoint_staff(actor=OPERATOR, person_id=case.order.buyer.person_id, role="arbiter")
    page = page_of(case, case.order.buyer)[1]
    assert page.context["ruling_form"] is None
    assert page.context["why_not"]["rule"]


def test_numbers_lead_to_their_pages() -> None:
    case = refused_by_the_shop()
    visitor = browser(an_arbiter("agent"))
    order = case.order.number
    for number, path in (
        (case.number, f"/platform/cases/{case.number}"),
        (f" {case.number.lower()} ", f"/platform/cases/{case.number}"),
        (order, f"/platform/orders/{order}"),
        (f"{order}-1", f"/platform/orders/{order}"),
    ):
        assert visitor.get(f"/platform/find?number={number}")["Location"] == path
    lost = visitor.get("/platform/find?number=<b>x")
    assert "&lt;B&gt;X" in visitor.get(lost["Location"]).content.decode()


def test_staff_come_to_their_queue_and_finance_to_the_money() -> None:
    agent, finance = browser(an_arbiter("agent")), browser(an_arbiter("finance"))
    assert 'href="/platform/money"' not in agent.get("/platform").content.decode()
    assert 'href="/platform/money"' in finance.get("/platform").content.decode()
    assert 'href="/platform/alerts"' in finance.get("/platform/money").content.decode()
    assert 'href="/platform"' not in browser(a_buyer()).get("/orders").content.decode()


def test_ruling_again_after_the_case_moved_on_is_told() -> None:
    case = refused_by_the_shop()
    visitor, page = page_of(case, an_arbiter())
    preview = visitor.send(ruling_form(visitor, page, case), typed=RULED)
    case.agree(when=at(14))
    late = visitor.send(ruling_form(visitor, preview, case), confirmed="1")
    assert late.status_code == 409
    assert case.state.rulings == ()
