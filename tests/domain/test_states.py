"""The tables of states hold what the policy needs and nothing that must never be."""

from enum import StrEnum

import pytest

from anka.domain import case_states, delivery_states, dispute_states, payment_states, refund_states, unit_money
from anka.domain.delivery_states import FINAL_STAGES, MOVES, STAGES_OF, IllegalMove, Move, Stage, after, move_for, moves_from
from anka.domain.goods import Goods
from anka.domain.refund_states import RefundState, of_legs
from anka.domain.transitions import IllegalChange, Transitions


def test_only_a_payment_leads_from_reserved_to_queued() -> None:
    leading = {(stage, move) for (_, stage, move), target in MOVES.items() if target == Stage.QUEUED}
    assert leading == {(Stage.RESERVED, Move.PAY)}
    for goods in Goods:
        assert set(moves_from(goods=goods, stage=Stage.RESERVED)) == {Move.PAY, Move.RELEASE}


def test_nothing_leads_out_of_a_final_stage_or_back_to_sealed() -> None:
    for (goods, stage, move), target in MOVES.items():
        assert stage not in FINAL_STAGES
        assert stage in STAGES_OF[goods]
        assert target in STAGES_OF[goods] or target in FINAL_STAGES
        if target == Stage.SEALED:
            assert move == Move.SEAL
            assert stage in {Stage.QUEUED, Stage.ACCEPTED, Stage.WORKING}


@pytest.mark.parametrize("goods", list(Goods))
def test_every_stage_can_be_reached_and_left(goods: Goods) -> None:
    reached = {Stage.RESERVED} | {target for (kind, _, _), target in MOVES.items() if kind == goods}
    left = {stage for kind, stage, _ in MOVES if kind == goods}
    assert set(STAGES_OF[goods]) <= reached
    assert set(STAGES_OF[goods]) == left


@pytest.mark.parametrize(
    ("goods", "stage", "move"),
    [
        (Goods.CARD_KEY, Stage.REVEALED, Move.RECALL),
        (Goods.CARD_KEY, Stage.SEALED, Move.RELEASE),
        (Goods.RENTAL, Stage.ACCEPTED, Move.START),
        (Goods.RENTAL, Stage.WORKING, Move.RELEASE),
        (Goods.TOP_UP, Stage.QUEUED, Move.SEAL),
        (Goods.BOOSTING, Stage.DELIVERED, Move.RELEASE),
        (Goods.CARD_KEY, Stage.RELEASED, Move.PAY),
    ],
)
def test_illegal(goods: Goods, stage: Stage, move: Move) -> None:
    with pytest.raises(IllegalMove) as refused:
        after(goods=goods, stage=stage, move=move)
    assert (refused.value.code, refused.value.status) == ("illegal_move", 409)


@pytest.mark.parametrize(
    ("goods", "stage", "goods_after", "move"),
    [
        (Goods.CARD_KEY, Stage.RESERVED, "release", Move.RELEASE),
        (Goods.TOP_UP, Stage.WORKING, "release", Move.RELEASE),
        (Goods.CARD_KEY, Stage.SEALED, "restock", Move.RECALL),
        (Goods.CARD_KEY, Stage.SEALED, "hold", Move.RECALL),
        (Goods.TOP_UP, Stage.WORKING, "hold", None),
        (Goods.CARD_KEY, Stage.SEALED, "keep", None),
        (Goods.CARD_KEY, Stage.USED, "keep", Move.KEEP),
        (Goods.RENTAL, Stage.WORKING, "rotate", Move.ROTATE),
        (Goods.ACCOUNT, Stage.DELIVERED, "rotate", Move.ROTATE),
        (Goods.CARD_KEY, Stage.REVEALED, "void", Move.VOID),
    ],
)
def test_the_move_a_decision_asks_for(goods: Goods, stage: Stage, goods_after: str, move: Move | None) -> None:
    assert move_for(goods=goods, stage=stage, goods_after=goods_after) == move


@pytest.mark.parametrize(
    ("goods", "stage", "goods_after"),
    [
        (Goods.CARD_KEY, Stage.REVEALED, "restock"),
        (Goods.CARD_KEY, Stage.SEALED, "release"),
        (Goods.CARD_KEY, Stage.QUEUED, "keep"),
        (Goods.TOP_UP, Stage.WORKING, "keep"),
    ],
)
def test_a_decision_that_does_not_fit_the_stage_is_refused(goods: Goods, stage: Stage, goods_after: str) -> None:
    with pytest.raises(IllegalMove):
        move_for(goods=goods, stage=stage, goods_after=goods_after)


def test_tables_are_sorted_rows_without_repeats() -> None:
    tables: list[list[tuple[str, ...]]] = [
        [*delivery_states.table()],
        [*unit_money.table()],
        [*case_states.table()],
        [*refund_states.table()],
        [*refund_states.attempt_table()],
        [*payment_states.table()],
        [*dispute_states.table()],
    ]
    for rows in tables:
        assert rows == sorted(set(rows))
        assert all(type(value) is str for row in rows for value in row)


def test_unknown_is_never_failed_without_being_asked_about_and_success_is_not_taken_back_but_reversed() -> None:
    attempts = refund_states.attempt_table()
    assert ("unknown", "submitting") in attempts
    assert [after for before, after in attempts if before == "succeeded"] == ["reversed"]
    assert [after for before, after in attempts if before == "closed"] == ["succeeded"]


def test_a_dispute_is_decided_once_and_older_news_contradict_nothing() -> None:
    state = dispute_states.DisputeState
    assert dispute_states.table() == [("open", "accepted"), ("open", "lost"), ("open", "won")]
    assert dispute_states.after(before=state.OPEN, after=state.WON) == "won"
    agreed = {(known, said) for known in state for said in state if dispute_states.agree(known=known, said=said)}
    same = {(known, known) for known in state} | {(known, state.OPEN) for known in state}
    assert agreed == same | {(state.LOST, state.ACCEPTED), (state.ACCEPTED, state.LOST)}


def test_a_refusal_names_what_cannot_become_what() -> None:
    with pytest.raises(IllegalChange, match=r"^a case that is closed cannot become open$") as refused:
        case_states.after(before=case_states.CaseStatus.CLOSED, after=case_states.CaseStatus.OPEN)
    assert (refused.value.what, refused.value.before, refused.value.after) == ("case", "closed", "open")
    with pytest.raises(IllegalMove, match=r"^cannot recall a card_key that is revealed$") as illegal:
        after(goods=Goods.CARD_KEY, stage=Stage.REVEALED, move=Move.RECALL)
    assert (illegal.value.goods, illegal.value.stage, illegal.value.move) == (Goods.CARD_KEY, Stage.REVEALED, Move.RECALL)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        (unit_money.MONEY_CHANGES, "unit's money"),
        (case_states.CASE_CHANGES, "case"),
        (refund_states.ATTEMPT_CHANGES, "refund attempt"),
        (refund_states.REFUND_CHANGES, "refund"),
        (payment_states.PAYMENT_CHANGES, "payment"),
        (dispute_states.DISPUTE_CHANGES, "dispute"),
    ],
)
def test_every_change_is_either_allowed_or_refused(changes: Transitions[StrEnum], what: str) -> None:
    assert changes.what == what
    states = {state for pair in changes.pairs for state in pair}
    for before in states:
        for state in states:
            if changes.allows(before=before, after=state):
                assert changes.require(before=before, after=state) is state
            else:
                with pytest.raises(IllegalChange):
                    changes.require(before=before, after=state)


def test_each_status_has_a_door_of_its_own() -> None:
    attempt, refund = refund_states.AttemptState, refund_states.RefundState
    assert refund_states.attempt_after(before=attempt.CREATED, after=attempt.SUBMITTING) == "submitting"
    assert refund_states.after(before=refund.INTENDED, after=refund.STUCK) == "stuck"
    assert unit_money.after(before=unit_money.UnitMoney.HELD, after=unit_money.UnitMoney.RELEASED) == "released"
    assert case_states.after(before=case_states.CaseStatus.FINAL, after=case_states.CaseStatus.EXECUTING) == "executing"
    assert after(goods=Goods.RENTAL, stage=Stage.SEALED, move=Move.REVEAL) == "working"


def test_money_that_was_refunded_is_not_released() -> None:
    with pytest.raises(IllegalChange):
        unit_money.after(before=unit_money.UnitMoney.REFUNDED, after=unit_money.UnitMoney.RELEASED)
    assert ("none", "released") not in unit_money.table()


def test_a_closed_case_stays_closed_and_every_route_opens_as_a_status() -> None:
    assert "closed" not in {before for before, _ in case_states.table()}
    for status in case_states.OPENED_AS.values():
        assert (str(case_states.CaseStatus.OPEN), str(status)) in case_states.table()


def test_late_money_reaches_a_closed_payment() -> None:
    assert payment_states.after(before=payment_states.PaymentState.CLOSED, after=payment_states.PaymentState.PAID) == "paid"
    with pytest.raises(IllegalChange):
        payment_states.after(before=payment_states.PaymentState.PAID, after=payment_states.PaymentState.CLOSED)


def test_a_refund_is_as_far_as_its_legs() -> None:
    done, stuck, going = RefundState.SUCCEEDED, RefundState.STUCK, RefundState.PROCESSING
    assert of_legs(legs=(done, done)) == done
    assert of_legs(legs=(done, going)) == going
    assert of_legs(legs=(done, stuck, going)) == stuck
    assert of_legs(legs=(stuck, RefundState.FAILED)) == RefundState.FAILED
    assert of_legs(legs=(RefundState.INTENDED,)) == RefundState.INTENDED
    with pytest.raises(ValueError, match="leg"):
        of_legs(legs=())
