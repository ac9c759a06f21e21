"""Refunds that need somebody, on the pages: the buyer takes one into the wallet, finance staff take one further, nobody else sees any."""

from __future__ import annotations

from typing import Any

import pytest
from tests.builders import OPERATOR, Order, a_buyer, a_cancelled_order, at, wallet
from tests.flows.ladder import numbers, refund, say, states, stuck
from tests.web.browser import browser

from anka.core.actors import Actor
from anka.domain.dispute_states import DisputeState
from anka.domain.refund_states import AttemptState
from anka.flows.appoint_staff import appoint_staff
from anka.flows.record_dispute import record_dispute
from anka.flows.steps.dispute_notice import DisputeNotice
from anka.flows.submit_attempt import submit_attempt

PAGE = "/platform/refunds"


def staff(role: str = "finance") -> Actor:
    person = a_buyer()
    appoint_staff(actor=OPERATOR, person_id=person.person_id, role=role)
    return person


def send(actor: Actor, page: str, address: str, **fields: Any) -> int:
    """Send a form of a page that posts to this address."""
    who = browser(actor)
    return int(who.send(who.form(who.get(page), address), **fields).status_code)


def test_the_buyer_is_told_what_happens_next_and_may_choose_the_wallet() -> None:
    order = stuck()
    address = f"/refunds/{refund(order)}"
    page = browser(order.buyer).get(address).content.decode()
    assert "渠道未能完成。你可以选择退到钱包，或由工作人员另找办法。" in page
    assert "改退到我的钱包" in page
    assert send(order.buyer, address, f"{address}/1/wallet") == 302
    assert states(order) == ["sandbox failed", "wallet created"]
    assert "接下来会退到你的钱包。" in browser(order.buyer).get(address).content.decode()
    assert wallet(order.buyer) == 0


@pytest.mark.parametrize("role", ["buyer", "agent", "arbiter"])
def test_the_queue_is_for_finance_staff(role: str) -> None:
    person = a_buyer() if role == "buyer" else staff(role)
    assert browser(person).get(PAGE).status_code == 404


def test_a_transfer_that_came_back_is_entered_and_approved_on_the_pages() -> None:
    order, first, second = stuck(AttemptState.ABNORMAL), staff(), staff()
    number, sent = refund(order), f"{PAGE}?tab=by_hand"
    assert send(first, PAGE, f"{PAGE}/{number}/1/begin_transfer") == 302
    assert send(first, PAGE, f"{PAGE}/{number}/1/transfer", payee="张三", bank="1", reference=f"W-{number}") == 302
    assert send(second, PAGE, f"{PAGE}/{number}/1/approve") == 302
    assert number not in browser(first).get(PAGE).content.decode()
    assert "银行已退回" in browser(first).get(sent).content.decode()
    assert send(first, sent, f"{PAGE}/{number}/1/returned", reference=f"BACK-{number}") == 302
    waiting = browser(second).get(PAGE).content.decode()
    assert f"银行已把转账退回账户 1，流水号 BACK-{number}。" in waiting
    assert send(second, PAGE, f"{PAGE}/{number}/1/approve") == 302
    assert number not in browser(first).get(sent).content.decode()
    assert states(order) == ["sandbox closed", "hand reversed"]
    assert "改退到我的钱包" in browser(order.buyer).get(f"/refunds/{number}").content.decode()


def test_finance_staff_transfer_by_hand_and_another_one_approves() -> None:
    order, first, second = stuck(AttemptState.ABNORMAL), staff(), staff()
    number = refund(order)
    page = browser(first).get(PAGE).content.decode()
    assert number in page
    assert "渠道无法退到原账户" in page
    assert send(first, PAGE, f"{PAGE}/{number}/1/begin_transfer") == 302
    sent = {"payee": "张三", "bank": "1", "reference": f"W-{number}"}
    assert send(first, PAGE, f"{PAGE}/{number}/1/transfer", **sent) == 302
    assert f"{PAGE}/{number}/1/approve" not in browser(first).get(PAGE).content.decode()
    assert send(second, PAGE, f"{PAGE}/{number}/1/approve") == 302
    assert states(order) == ["sandbox closed", "hand succeeded"]
    assert number not in browser(first).get(PAGE).content.decode()


def test_who_transfers_by_hand_is_warned_that_the_payers_bank_took_the_payment_back() -> None:
    order, first = stuck(), staff()
    number = refund(order)
    assert send(first, PAGE, f"{PAGE}/{number}/1/begin_transfer") == 302
    warning = "付款人的银行已把这笔付款收回"
    assert warning not in browser(first).get(PAGE).content.decode()
    (payment,) = [one for one in order.state.payments if one.status == "paid"]
    notice = DisputeNotice(said=DisputeState.OPEN, channel="sandbox", payment_number=payment.number, channel_number=f"dp_{number}")
    record_dispute(notice=notice, at=at(20))
    page = browser(first).get(PAGE).content.decode()
    item = page[page.index(f'aria-labelledby="r-{number}-1"') :].split("</section>")[0]
    assert warning in item
    # What is said otherwise would have them transfer it.
    assert "全额转账" not in item


def test_what_waits_for_funds_or_an_answer_has_its_own_view() -> None:
    order = waiting()
    assert refund(order) in browser(staff()).get(f"{PAGE}?tab=funds").content.decode()
    assert browser(staff()).get(f"{PAGE}?tab=unknown").status_code == 200
    assert browser(staff()).get(f"{PAGE}?tab=nothing").status_code == 422


def waiting() -> Order:
    order = a_cancelled_order()
    submit_attempt(number=numbers(order)[0][0], at=at(6))
    say(order, AttemptState.WAITING_FUNDS)
    return order
