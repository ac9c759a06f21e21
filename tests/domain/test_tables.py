"""Every table of the domain says what its second writing says."""

import re
from datetime import timedelta

import pytest
from babel.numbers import get_currency_precision

from anka.domain import (
    case_codes,
    case_states,
    case_turns,
    chart,
    deadlines,
    delivery_states,
    facts,
    payment_states,
    refund_states,
    unit_money,
)
from anka.domain.case_states import CaseStatus
from anka.domain.goods import Goods
from anka.domain.money import EXPONENTS, MAX_MINOR
from anka.domain.policy import wordings
from anka.domain.policy.reasons import REASONS, ReasonGroup, reasons_for
from tests.domain import oracle, written_again
from tests.domain.written_again import pairs, rows

UNITS = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


def duration(text: str) -> timedelta:
    return int(text[:-1]) * UNITS[text[-1]]


@pytest.mark.parametrize(
    ("table", "again"),
    [
        (unit_money.table(), written_again.MONEY),
        (case_states.table(), written_again.CASES),
        (refund_states.attempt_table(), written_again.ATTEMPTS),
        (refund_states.table(), written_again.REFUNDS),
        (payment_states.table(), written_again.PAYMENTS),
    ],
    ids=["money", "cases", "attempts", "refunds", "payments"],
)
def test_states_change_as_written(table: list[tuple[str, str]], again: str) -> None:
    assert table == pairs(again)


def test_goods_move_as_written() -> None:
    moves = [(goods, stage.rstrip(":"), *move.split(">")) for goods, stage, *found in rows(written_again.GOODS) for move in found]
    assert delivery_states.table() == sorted(moves)


def test_stages_of_each_kind_are_in_the_order_they_are_passed() -> None:
    assert {str(goods): [str(stage) for stage in stages] for goods, stages in delivery_states.STAGES_OF.items()} == oracle.STAGES


def test_a_new_case_waits_for_whom_its_decision_names() -> None:
    assert {route: str(status) for route, status in case_states.OPENED_AS.items()} == {
        "close": "executing",
        "instant": "executing",
        "merchant": "merchant_turn",
        "upstream": "waiting_upstream",
        "platform": "evidence",
        "external": "external",
        "refuse": "refused",
    }


def test_turns_are_as_written() -> None:
    turns = {status: case_turns.turn_of(status=status, on_silence=None) for status in CaseStatus}
    told = {(str(status), turn.side, turn.clock, turn.if_silent) for status, turn in turns.items() if turn != case_turns.NOBODY}
    assert told == set(map(tuple, rows(written_again.TURNS)))
    assert case_turns.NOBODY == ("none", None, None)
    assert {clock for _, _, clock, _ in rows(written_again.TURNS)} == case_turns.TURN_CLOCKS
    assert set(case_turns.TURN_CLOCKS) <= set(deadlines.CLOCKS)


def test_accounts_are_as_written() -> None:
    lines = rows(written_again.ACCOUNTS)
    for code, side, how in lines:
        kind = chart.kind_of(code)
        assert (kind.side, kind.floored, kind.lazy) == (side, how == "floored", how == "lazy"), code
    assert len({chart.kind_of(code).pattern for code, _, _ in lines}) == len(chart.CHART) == len(lines)
    assert chart.PLATFORM_SHOP == 0


def test_postgresql_knows_the_same_accounts() -> None:
    held = {expression: rest for expression, *rest in chart.table()}
    assert list(held) == sorted(held)
    for code, side, how in rows(written_again.ACCOUNTS):
        matching = [rest for expression, rest in held.items() if re.search(expression, code)]
        assert matching == [[side, how == "floored", how == "lazy"]], code
    assert all(type(value) in (str, bool) for row in chart.table() for value in row)


@pytest.mark.parametrize(
    "code", ["order:x:escrow", f"order:{'9' * 64}:escrow", "order:A-z_0:escrow", f"psp:{'a' * 32}:clearing", "psp:a_1:clearing"]
)
def test_account_codes_have_room(code: str) -> None:
    assert chart.kind_of(code).pattern


@pytest.mark.parametrize(
    "code",
    [
        f"order:{'9' * 65}:escrow",
        f"psp:{'a' * 33}:clearing",
        "psp:1a:clearing",
        "psp:Ali:clearing",
        "psp:_a:clearing",
        "order:é:escrow",
        "psp_fee:x",
    ],
)
def test_but_not_for_anything(code: str) -> None:
    with pytest.raises(chart.UnknownAccount, match=re.escape(repr(code))):
        chart.kind_of(code)


def test_clocks_are_as_written() -> None:
    held = {name: (clock.default, clock.minimum, clock.maximum) for name, clock in deadlines.CLOCKS.items()}
    assert held == {name: tuple(map(duration, lengths)) for name, *lengths in rows(written_again.CLOCKS)}
    assert all(name == clock.id for name, clock in deadlines.CLOCKS.items())


def test_warnings_are_as_written() -> None:
    held = {name: (",".join(warned.audiences), *map(str, warned.percents)) for name, warned in deadlines.WARNED.items()}
    assert held == {name: tuple(rest) for name, *rest in rows(written_again.WARNINGS)}
    assert {name for name, warned in deadlines.WARNED.items() if warned.after is not None} == {"ceiling"}
    assert deadlines.WARNED["ceiling"].after == timedelta(days=10)


def test_every_currency_has_the_decimals_of_the_standard() -> None:
    assert set(EXPONENTS) == {"CNY", "HKD", "TWD", "USD", "EUR", "GBP", "SGD", "MYR", "THB", "KRW", "JPY", "VND", "KWD"}
    assert dict(EXPONENTS) == {currency: get_currency_precision(currency) for currency in EXPONENTS}


def test_a_thousand_of_the_largest_amounts_fit_a_bigint() -> None:
    assert MAX_MINOR == 1_000_000_000_000
    assert 1000 * MAX_MINOR < 2**63


def test_reasons_are_those_of_the_written_policy() -> None:
    groups = {
        ReasonGroup.CHANGE_OF_MIND: oracle.MIND,
        ReasonGroup.DELAY: oracle.DELAY,
        ReasonGroup.QUALITY: oracle.QUALITY,
        ReasonGroup.PROTECTED: oracle.PROTECTED,
        ReasonGroup.SPECIAL: oracle.SPECIAL,
    }
    assert {group: [code for code, reason in REASONS.items() if reason.group == group] for group in ReasonGroup} == groups
    for goods in Goods:
        fitting = [reason.code for reason in reasons_for(goods=goods)]
        assert fitting == [code for code in REASONS if oracle.reason_fits(str(goods), code)]


def test_words_exist_for_everything_a_decision_can_say() -> None:
    assert list(wordings.STAGES) == list(facts.VALUES["stage"])
    assert list(wordings.GOODS) == list(facts.VALUES["goods"])
    assert set(wordings.EVIDENCE) == set(facts.EVIDENCE)
    assert set(wordings.ROUTES) == set(case_states.OPENED_AS)
    assert set(wordings.NOTHING_BACK) == {"close", "upstream", "external", "refuse"}
    assert set(wordings.FAULTS) == {"none", "buyer", "merchant", "platform", "undecided"}
    assert set(wordings.REFUNDS) == {"none", "full", "unused_share", "missing_share", "negotiable", "agreed"}


def test_codes_of_refusals_and_rulings_are_those_of_the_design() -> None:
    refusals = "ALREADY_DELIVERED IN_PROGRESS KEY_WORKED USED_BY_BUYER AS_DESCRIBED BUYER_CONSENTED OTHER"
    rulings = (
        "NOT_DELIVERED NO_ANSWER EVIDENCE_SUFFICIENT EVIDENCE_INSUFFICIENT NOT_AS_DESCRIBED BAD_BEFORE_REVEAL USED_AFTER_REVEAL "
        "CONSENT_ON_RECORD NOT_DISCLOSED SHARED_FAULT GOODWILL ABUSE OTHER"
    )
    assert list(case_codes.REFUSALS) == refusals.split()
    assert list(case_codes.RULINGS) == rulings.split()
