"""The rest of what moves money or decides about it, each with its ground and the proof that it happened exactly once.

What people decide about a refund has no key: whoever repeats it is told that it is done, and that changes nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from anka.adapters.channels.port import Bill, BillLine
from anka.core import database
from anka.core.actors import Actor
from anka.core.refusals import MovedMeanwhile
from anka.domain.refund_states import AttemptState
from anka.domain.unidentified import FOUR_EYES_FROM_MINOR
from anka.flows.compare_bill import compare_again, finish_comparison, settle_gone
from anka.flows.decide_difference import DifferenceDecided, decide_difference
from anka.flows.decide_proof import approve_proof, refuse_proof
from anka.flows.match_unidentified import approve_match, match_unidentified
from anka.flows.mend_attempt import mend_attempt
from anka.flows.return_transfer import return_transfer
from anka.flows.steps.stuck_leg import RefundNotStuck
from anka.flows.stuck_refund import close_look, note_stuck_refund, retry_refund
from anka.flows.submit_attempt import submit_attempt
from anka.flows.take_payment import take_payment
from anka.flows.take_unidentified import take_unidentified
from anka.flows.transfer_by_hand import abandon_transfer
from anka.jobs import reconcile
from anka.payments import bills
from anka.payments.bills import CHINA, KeptBill
from tests import builders
from tests.builders import Order, at
from tests.faults import ladder
from tests.faults.crash import Flow
from tests.faults.flows import PRICE, attempts, events
from tests.faults.odd import Kept, finance, nobodys, number_of, status_of

S = AttemptState


def told(act: Callable[[], object]) -> None:
    """Do it, or hear that it is done already."""
    with suppress(RefundNotStuck, MovedMeanwhile, DifferenceDecided):
        act()


def much_of_nobodys() -> Kept:
    """Money of nobody's that one person of two lets pay an order."""
    order = builders.a_placed_order(product=builders.a_product(stock=1, price_minor=FOUR_EYES_FROM_MINOR))
    found = Kept(seen=nobodys(FOUR_EYES_FROM_MINOR), order=order, actor=finance())
    take_unidentified(seen=found.seen, at=at(2))
    match_unidentified(actor=finance(), number=number_of(found.seen), order_number=order.number, at=at(3))
    return found


def approve(ground: Kept) -> object:
    return approve_match(actor=ground.actor, number=number_of(ground.seen), order_number=ground.order.number, at=at(4))


def matched_once(ground: Kept) -> None:
    assert status_of(ground.seen) == "1 matched"
    assert (ground.order.stages, ground.order.escrow) == (["queued"], FOUR_EYES_FROM_MINOR)


def abnormal() -> ladder.Ground:
    """A refund its channel could not complete and has not been asked to mend."""
    made = ladder.ground()
    submit_attempt(number=attempts(made.order)[0], at=at(6))
    ladder.hear(made, S.ABNORMAL)
    return made


def paid_beside() -> ladder.Ground:
    """A refund that went to the wallet, and that its channel has paid as well: somebody looks into it."""
    made = ladder.stuck()
    ladder.choose(made)
    # The wallet is about to be filled, so it cannot be called off.
    submit_attempt(number=attempts(made.order)[-1], at=at(9))
    ladder.hear(made, S.SUCCEEDED)
    ladder.take(made)
    return made


def sent() -> ladder.Ground:
    """A refund that was transferred by hand."""
    made = ladder.proved()
    ladder.approve(made)
    return made


def come_back() -> ladder.Ground:
    """A transfer whose coming back waits for the second person."""
    made = sent()
    say_it_came_back(made)
    return made


def say_it_came_back(made: ladder.Ground) -> str:
    return return_transfer(actor=made.first, refund_number=made.refund, leg=1, reference="BACK", at=at(11))


def said_to_be_back_once(made: ladder.Ground) -> None:
    assert (made.states, events(made.order, "refund_return_entered")) == (["succeeded", "2"], 1)


def owed_again_once(made: ladder.Ground) -> None:
    assert (made.states, events(made.order, "refund_bounced")) == (["stuck", "2"], 1)
    assert (made.order.shop.balance("bank:1"), made.order.shop.balance("refund_payable:sandbox")) == (0, PRICE)


def sent_again_once(made: ladder.Ground) -> None:
    assert made.states == ["processing", "2"]
    assert events(made.order, "refund_sent_again") == 1


def given_up_once(made: ladder.Ground) -> None:
    assert made.states == ["stuck", "2"]
    assert events(made.order, "refund_transfer_given_up") == 1


def once(what: str) -> Callable[[ladder.Ground], None]:
    """Something happened to the refund once, and none of its money moved."""

    def happened(made: ladder.Ground) -> None:
        assert events(made.order, what) == 1
        assert made.order.shop.balance("refund_payable:sandbox") == PRICE

    return happened


def noted(made: ladder.Ground) -> None:
    """A note has no key: two people may write the same. It may be there twice, and moves nothing."""
    asked = "SELECT count(*) > 0 FROM payments_stuck_note WHERE shop_id = %s"
    assert database.value(asked, (made.order.shop.id,))
    assert made.states == ["stuck", "1"]


@dataclass(frozen=True)
class Differing:
    """A compared bill that differed from the books, what it is about, and somebody who decides."""

    bill: KeptBill
    order: Order
    actor: Actor
    settled: str = ""

    @property
    def difference(self) -> bills.Difference:
        """The first difference of the bill's day, whatever became of it."""
        asked = "SELECT min(id) FROM payments_difference WHERE bill_id = %s"
        return bills.difference(difference_id=database.value(asked, (self.bill.id,)))


def a_bill(*lines: BillLine) -> Bill:
    day = at(days=-800 - builders.serial()).now.astimezone(CHINA).date()
    return Bill(day=day, lines=lines, digest=hashlib.sha256(repr((day, lines)).encode()).hexdigest())


def a_line(kind: str, number: str, channel_number: str, **more: int) -> BillLine:
    fields: dict[str, Any] = {"amount_minor": PRICE, "fee_minor": 0} | more
    return BillLine(
        kind=kind,  # type: ignore[arg-type]  # one of the kinds of lines
        number=number,
        payment_number=number,
        channel_number=channel_number,
        currency="CNY",
        occurred_at=at(2).now,
        **fields,
    )


def keep(bill: Bill) -> KeptBill:
    return reconcile.keep(channel="sandbox", bill=bill, origin=("file", "operator:test"), at=at(days=1))


def differing() -> Differing:
    """A payment that the bill has and nobody took; it is taken by now."""
    order = builders.a_placed_order()
    paid = builders.a_payment(order)
    bill = keep(a_bill(a_line("payment", paid.payment_number, paid.transaction_number, fee_minor=60)))
    reconcile.compare(bill=bill, at=at(days=1))
    ground = Differing(bill, order, finance())
    assert ground.difference.kind == "not_taken"
    take_payment(paid=paid, at=at(3))
    return ground


def odd_line() -> Differing:
    """A line that is no journal, for somebody to explain."""
    bill = keep(a_bill(a_line("other", "", f"ODD{builders.serial()}", amount_minor=1)))
    reconcile.compare(bill=bill, at=at(days=1))
    return Differing(bill, builders.a_placed_order(), finance())


def look_again(ground: Differing) -> object:
    return compare_again(bill=ground.bill, differences=[ground.difference], at=at(days=1))


def agreed_once(ground: Differing) -> None:
    assert str(ground.difference.status) == "corrected"
    assert ground.order.shop.balance("psp_fee") == 60


def explain(ground: Differing) -> None:
    told(
        lambda: decide_difference(
            actor=ground.actor, difference_id=ground.difference.id, decision="explained", note="a monthly fee", at=at(days=2)
        )
    )


def explained_once(ground: Differing) -> None:
    assert str(ground.difference.status) == "explained"
    assert (
        database.value(
            "SELECT count(*) FROM payments_difference_step WHERE difference_id = %s AND step = 'explained'", (ground.difference.id,)
        )
        == 1
    )


def unread() -> Bill:
    """A bill of two lines that nobody has kept yet."""
    return a_bill(*(a_line("settlement", "", f"SET{builders.serial()}", amount_minor=100) for _ in range(2)))


def kept_once(bill: Bill) -> None:
    asked = "SELECT bill.line_count, count(line.*) FROM payments_bill AS bill JOIN payments_bill_line AS line ON line.bill_id = bill.id"
    found = database.rows(f"{asked} WHERE bill.day = %s AND bill.read_at IS NOT NULL GROUP BY bill.id", (bill.day,))
    assert found == [(2, 2)]


def finish(ground: Differing) -> None:
    settle_gone(ids=[ground.difference.id], at=at(days=1))
    finish_comparison(bill=ground.bill, absent=[], at=at(days=1))


def finished_once(ground: Differing) -> None:
    assert str(ground.difference.status) == "corrected"
    assert database.value("SELECT compared_at IS NOT NULL FROM payments_bill WHERE id = %s", (ground.bill.id,))


MONEY_FLOWS: list[Flow[Any]] = [
    Flow("two let nobody's money pay", much_of_nobodys, approve, matched_once),
    Flow(
        "a refund is sent again",
        ladder.stuck,
        lambda g: told(lambda: retry_refund(actor=g.first, refund_number=g.refund, leg=1, at=at(8))),
        sent_again_once,
    ),
    Flow(
        "a transfer is given up",
        ladder.in_hand,
        lambda g: told(lambda: abandon_transfer(actor=g.first, refund_number=g.refund, leg=1, at=at(9))),
        given_up_once,
    ),
    Flow(
        "a transfer is refused",
        ladder.proved,
        lambda g: told(lambda: refuse_proof(actor=g.second, refund_number=g.refund, leg=1, reference="B-1", at=at(10))),
        once("refund_proof_refused"),
    ),
    Flow("a transfer comes back", sent, say_it_came_back, said_to_be_back_once),
    Flow(
        "what came back is owed again",
        come_back,
        lambda g: approve_proof(actor=g.second, refund_number=g.refund, leg=1, reference="BACK", at=at(12)),
        owed_again_once,
    ),
    Flow(
        "an abnormal refund is mended", abnormal, lambda g: mend_attempt(number=attempts(g.order)[0], at=at(8)), once("refund_being_mended")
    ),
    Flow(
        "a second payment is looked into",
        paid_beside,
        lambda g: told(lambda: close_look(actor=g.first, refund_number=g.refund, leg=1, text="asked for it back", at=at(10))),
        once("refund_looked_into"),
    ),
    Flow(
        "a note is written",
        ladder.stuck,
        lambda g: note_stuck_refund(actor=g.first, refund_number=g.refund, leg=1, text="called them", at=at(8)),
        noted,
    ),
    Flow("a difference settles", differing, look_again, agreed_once),
    Flow("a comparison ends", odd_line, finish, finished_once),
    Flow("a difference is explained", odd_line, explain, explained_once),
    Flow("a bill is kept", unread, keep, kept_once),
]
