"""The platform's books on the pages of finance staff: what holds, the freeze, differences, days and unknown outcomes."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from tests.builders import OPERATOR, a_buyer, a_cancelled_order, a_paid_order, at, serial
from tests.faults.flows import attempts
from tests.web.browser import browser

from anka.adapters.channels.port import Bill, BillLine
from anka.core import audits, database, freezes
from anka.core.actors import Actor
from anka.domain.refund_states import AttemptState
from anka.flows.appoint_staff import appoint_staff
from anka.flows.keep_audit import keep_audit
from anka.flows.record_refund_outcome import Evidence, record_refund_outcome
from anka.flows.submit_attempt import submit_attempt
from anka.jobs import reconcile
from anka.jobs.audit import Violation
from anka.payments.bills import CHINA

PAGE = "/platform/finance"
DAY = at(0).now.astimezone(CHINA).date()
pytestmark = pytest.mark.usefixtures("fresh_database")


def staff(role: str = "finance") -> Actor:
    person = a_buyer()
    appoint_staff(actor=OPERATOR, person_id=person.person_id, role=role)
    return person


def odd_line(amount_minor: int) -> BillLine:
    return BillLine(
        kind="other",
        number="",
        payment_number="",
        channel_number=f"ODD{serial()}",
        amount_minor=amount_minor,
        fee_minor=0,
        currency="CNY",
        occurred_at=at(2).now,
    )


def billed(*lines: BillLine) -> None:
    bill = Bill(day=DAY, lines=lines, digest=hashlib.sha256(repr(lines).encode()).hexdigest())
    reconcile.compare(bill=reconcile.keep(channel="sandbox", bill=bill, origin=("file", "operator:test"), at=at(days=1)), at=at(days=1))


def violated() -> None:
    moment = at()
    run = audits.Run(
        scope="whole",
        asked_by="system:test",
        market_at=moment.now,
        started_at=moment.real,
        ended_at=moment.real,
        position="3",
        violations=1,
    )
    keep_audit(run=run, found=[Violation(invariant="I2", where="account x", what="cached 1, transfers sum to 2")], at=moment)


def test_nobody_else_sees_the_books() -> None:
    pages = [PAGE, f"{PAGE}/differences", f"{PAGE}/outcomes", f"{PAGE}/days/sandbox/{DAY}"]
    billed()
    for stranger in (a_buyer(), staff("arbiter")):
        assert [browser(stranger).get(page).status_code for page in pages] == [404] * 4
    for role in ("finance", "admin"):
        assert [browser(staff(role)).get(page).status_code for page in pages] == [200] * 4


def test_a_violation_is_shown_frozen_and_thawed_by_two() -> None:
    violated()
    first, second = browser(staff()), browser(staff())
    page = first.get(PAGE)
    text = page.content.decode()
    assert "出款已冻结" in text
    assert "cached 1, transfers sum to 2" in text
    form = first.form(page, f"{PAGE}/payouts/thaw")
    told = first.send(form, follow=True, reason="看过了，是误报").content.decode()
    assert "还须另一名财务同意" in told
    assert freezes.payouts_frozen() is not None
    page = second.get(PAGE)
    assert "看过了，是误报" in page.content.decode()
    told = second.send(second.form(page, f"{PAGE}/payouts/thaw"), follow=True, reason="同意").content.decode()
    assert "出款已恢复" in told
    assert freezes.payouts_frozen() is None
    # It was let go, and is still broken.
    assert "cached 1, transfers sum to 2" in told


def test_payouts_are_frozen_by_hand_and_not_without_a_reason() -> None:
    desk = browser(staff())
    form = desk.form(desk.get(PAGE), f"{PAGE}/payouts/freeze")
    assert desk.send(form, reason="  ").status_code == 422
    assert freezes.payouts_frozen() is None
    desk.send(desk.form(desk.get(PAGE), f"{PAGE}/payouts/freeze"), reason="可疑提现")
    assert freezes.payouts_frozen() == "可疑提现"


def test_a_difference_is_explained_with_a_note() -> None:
    billed(odd_line(500))
    desk = browser(staff())
    page = desk.get(f"{PAGE}/differences")
    assert "账单上的其他记录" in page.content.decode()
    number = database.value("SELECT id FROM payments_difference")
    told = desk.send(desk.form(page, f"{PAGE}/differences/{number}/explained"), follow=True, note="渠道月费").content.decode()
    assert "账单与账目一致" in told
    assert database.rows("SELECT status, note FROM payments_difference") == [("explained", "渠道月费")]


def test_a_day_is_seen_three_ways() -> None:
    order = a_paid_order()
    (payment,) = [one for one in order.state.payments if one.transaction_number]
    line = replace(odd_line(10_000), kind="payment", number=payment.number, channel_number=payment.transaction_number or "", fee_minor=60)
    billed(line)
    text = browser(staff()).get(f"{PAGE}/days/sandbox/{DAY}").content.decode()
    assert text.count('value="100.00"') == 3
    assert 'value="0.60"' in text
    assert "一致" in text
    assert browser(staff()).get(f"{PAGE}/days/sandbox/yesterday").status_code == 404
    assert browser(staff()).get(f"{PAGE}/days/nobody/{DAY}").status_code == 404


def test_a_currency_the_market_does_not_know_is_shown_as_it_is() -> None:
    billed(replace(odd_line(500), currency="XAF"))
    desk = browser(staff())
    for page in (PAGE, f"{PAGE}/differences", f"{PAGE}/days/sandbox/{DAY}"):
        assert "XAF" in desk.get(page).content.decode()


def test_what_nobody_knows_stands_in_the_queue() -> None:
    order = a_cancelled_order()
    number = attempts(order)[0]
    submit_attempt(number=number, at=at(6))
    unknown = Evidence(status=AttemptState.UNKNOWN, source="answer", observed_at=at(7).now)
    record_refund_outcome(number=number, evidence=unknown, at=at(7))
    desk = browser(staff())
    assert number in desk.get(f"{PAGE}/outcomes").content.decode()
    assert number in desk.get(f"{PAGE}/outcomes?tab=refund").content.decode()
    assert number not in desk.get(f"{PAGE}/outcomes?tab=withdrawal").content.decode()
    assert number in desk.get(PAGE).content.decode()
    for wrong in ("?tab=nothing", "?since=today&kind=refund&number=x"):
        assert desk.get(f"{PAGE}/outcomes{wrong}").status_code == 422
    record_refund_outcome(number=number, evidence=Evidence(status=AttemptState.SUCCEEDED, source="poll", observed_at=at(8).now), at=at(8))
    assert number not in desk.get(f"{PAGE}/outcomes").content.decode()


def paid_line(amount_minor: int) -> BillLine:
    (payment,) = [one for one in a_paid_order().state.payments if one.transaction_number]
    return replace(odd_line(amount_minor), kind="payment", number=payment.number, channel_number=payment.transaction_number or "")


def test_the_page_says_what_a_correction_posts_and_nothing_else_is_posted() -> None:
    billed(paid_line(9_970))
    desk = browser(staff())
    page = desk.get(f"{PAGE}/differences")
    text = page.content.decode()
    for said in ('value="0.30"', "渠道待结算款", "psp:sandbox:clearing", "对账差异损益", "recon_diff"):
        assert said in text
    number = database.value("SELECT id FROM payments_difference")
    form = desk.form(page, f"{PAGE}/differences/{number}/explained")
    address = f"{PAGE}/differences/{number}/corrected"
    told = desk.send(replace(form, action=address), note="以账单为准", seen_minor="-31")
    assert told.status_code == 409
    assert "没有记账" in told.content.decode()
    assert database.value("SELECT count(*) FROM ledger_journal WHERE idempotency_key LIKE 'recon:%%'") == 0
    for wrong in ("", "x", "--30"):
        assert desk.send(replace(form, action=address), note="以账单为准", seen_minor=wrong).status_code == 422
    desk.send(replace(form, action=address), note="以账单为准")
    assert "recon:" in desk.get(f"{PAGE}/differences?tab=corrected").content.decode()


def test_a_refund_that_differs_leads_to_its_order() -> None:
    order = a_cancelled_order()
    number = attempts(order)[0]
    submit_attempt(number=number, at=at(6))
    billed(replace(odd_line(1), kind="refund", number=number, channel_number="RF1"))
    assert f"/platform/orders/{order.number}" in browser(staff()).get(f"{PAGE}/differences").content.decode()


def test_a_refund_that_came_back_leads_to_what_can_be_done() -> None:
    order = a_cancelled_order()
    number = attempts(order)[0]
    submit_attempt(number=number, at=at(6))
    done = Evidence(status=AttemptState.SUCCEEDED, source="answer", observed_at=at(7).now)
    record_refund_outcome(number=number, evidence=done, at=at(7))
    # Twice: the second is for a person, the first has put the refund into the queue.
    (payment,) = [one.number for one in order.state.payments if one.transaction_number]
    back = replace(odd_line(10_000), kind="refund_reversed", number=number, payment_number=payment, channel_number="RF1")
    billed(back, back)
    desk = browser(staff())
    refund = database.value("SELECT number FROM payments_refund WHERE shop_id = %s", (order.shop.id,))
    address = f"/platform/refunds#r-{refund}-1"
    assert address in desk.get(f"{PAGE}/differences").content.decode()
    assert f'id="r-{refund}-1"' in desk.get("/platform/refunds").content.decode()
