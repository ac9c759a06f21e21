"""Asking the issuer and taking its word: at delivery, before a reveal, for a claim, to void, and when it speaks by itself."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import pytest

from anka.adapters.channels.sandbox_keys import Mode
from anka.adapters.issuers.sandbox import SandboxIssuer
from anka.core import database
from anka.core.clock import Moment
from anka.core.refusals import NotFound
from anka.jobs import issuers, sandbox_issuer
from anka.jobs.sandbox_play import GatewayRefuses, SandboxIsOff
from anka.orders.models import Unit
from anka.vault.sealing import normalised
from tests.builders import Order, a_buyer, a_paid_order, a_placed_order, a_product, a_revealed_order, a_sealed_order, at
from tests.jobs.market import Market
from tests.sandbox.world import PATIENCE

UNKNOWN = {"use_check": "unknown", "used_by": "unknown", "voidable": False, "matches_order": "unknown", "delivered_percent": None}
NAMES = tuple(UNKNOWN)


class Asked(SandboxIssuer):
    """The sandbox issuer, remembering what it was asked."""

    seen: list[Any]

    def status(self, *, questions: Any) -> Any:
        self.seen += questions
        return super().status(questions=questions)


@pytest.fixture
def issuer(market: Market) -> Iterator[Asked]:
    made = Asked(mode=Mode.SANDBOX, home=market.home, base_url=market.channel._base_url, real_clock=market.real)
    made.patience = PATIENCE
    made.seen = []
    before = dict(issuers.issuers)
    issuers.issuers["sandbox"] = made
    yield made
    issuers.issuers.clear()
    issuers.issuers.update(before)


def order(*, quantity: int = 1, asked: bool = True) -> Order:
    return a_sealed_order(quantity=quantity, product=a_product(stock=quantity, issuer="sandbox" if asked else None))


def play(of: Order, position: int = 1, *, when: Moment | None = None, **word: Any) -> dict[str, Any]:
    played = sandbox_issuer.play(unit=of.state.unit_number(position), word=word, at=when or at(4))
    return {name: getattr(played, name) for name in NAMES}


def facts(of: Order, position: int = 1) -> dict[str, Any]:
    return {name: getattr(unit_of(of, position), name) for name in NAMES}


def unit_of(of: Order, position: int = 1) -> Unit:
    unit = of.state.unit(position)
    assert unit is not None
    return unit


def kept(of: Order) -> list[tuple[Any, ...]]:
    asked = "SELECT occasion, position, use_check, reason, length(digest) FROM vault_issuer_answer WHERE shop_id = %s AND order_id = %s"
    return database.rows(f"{asked} ORDER BY id", (of.shop.id, of.state.id))


def events(of: Order) -> list[dict[str, Any]]:
    asked = "SELECT convert_from(body, 'UTF8') FROM core_event WHERE shop_id = %s AND order_id = %s AND what = 'issuer_answered'"
    return [json.loads(row[0]) for row in database.rows(f"{asked} ORDER BY sequence", (of.shop.id, of.state.id))]


def ask(of: Order, *positions: int, occasion: str = "claim", when: Moment | None = None) -> None:
    issuers.ask(order_number=of.number, positions=positions or (1,), occasion=occasion, at=when or at(10))


def void(of: Order, number: str = "V1", *, when: Moment) -> str | None:
    return issuers.void(order_number=of.number, position=1, number=f"{of.number}-{number}", at=when)


PLAYS: list[dict[str, Any]] = [
    {"use_check": "unused"},
    {"use_check": "unused", "voidable": True},
    {"use_check": "used_before_reveal", "used_by": "other"},
    {"use_check": "used_after_reveal", "used_by": "buyer"},
    {"use_check": "used_after_reveal"},
    {"use_check": "invalid", "delivered_percent": 0},
    {"use_check": "unknown", "used_by": "other", "delivered_percent": 60},
]


@pytest.mark.parametrize("word", PLAYS, ids=str)
@pytest.mark.parametrize("asked", [True, False], ids=["with issuer", "without issuer"])
@pytest.mark.usefixtures("issuer")
def test_what_is_played_comes_out_as_exactly_these_facts(word: dict[str, Any], *, asked: bool) -> None:
    bought = order(asked=asked)
    assert play(bought, **word) == {**UNKNOWN, **word} == facts(bought)
    assert [row[:2] for row in kept(bought)] == [("notice", 1)]


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ({"face_value": "50"}, "no"),
        ({"region": "US"}, "no"),
        ({"face_value": "100.0", "region": "cn"}, "yes"),
        ({"region": "CN"}, "unknown"),
    ],
)
@pytest.mark.usefixtures("issuer")
def test_what_came_is_compared_with_what_was_ordered(word: dict[str, Any], expected: str) -> None:
    bought = order()
    database.rows("UPDATE catalog_product SET face_value = '999', region = 'MOON' WHERE shop_id = %s", (bought.shop.id,))
    assert play(bought, **word)["matches_order"] == expected


def test_each_occasion_is_asked_and_recorded_without_a_key(issuer: Asked) -> None:
    bought = order(quantity=2)
    issuers.ask_about_delivered(order_number=bought.number, at=at(4))
    play(bought, 2, use_check="unused")
    ask(bought, 2, occasion="reveal", when=at(5))
    assert [row[:3] for row in kept(bought)] == [
        ("delivery", 1, "unknown"),
        ("delivery", 2, "unknown"),
        ("notice", 2, "unused"),
        ("reveal", 2, "unused"),
    ]
    assert [(event["positions"], event["details"]["occasion"]) for event in events(bought)] == [
        ([1, 2], "delivery"),
        ([2], "notice"),
        ([2], "reveal"),
    ]
    digests = [hashlib.sha256(normalised(secret).encode()).hexdigest() for secret in bought.product.secrets]
    assert [question.key_sha256 for question in issuer.seen] == [*digests, digests[1]]
    written = str(database.rows("SELECT row_to_json(a)::text FROM vault_issuer_answer AS a")) + str(events(bought))
    assert not any(secret in written or digest in written for secret, digest in zip(bought.product.secrets, digests, strict=True))


def test_a_product_without_an_issuer_is_not_asked_about(issuer: Asked) -> None:
    bought = order(asked=False)
    ask(bought)
    assert issuer.seen == kept(bought) == []


def test_an_issuer_that_is_not_configured_is_not_asked(issuer: Asked) -> None:
    bought = order()
    del issuers.issuers["sandbox"]
    ask(bought)
    assert void(bought, when=at(5)) is None
    assert issuer.seen == kept(bought) == []


def test_a_unit_without_a_key_is_passed_over(issuer: Asked) -> None:
    bought = a_paid_order(quantity=2, product=a_product(stock=2, issuer="sandbox"))
    bought.cancel(when=at(5))
    ask(bought, 1, 2, 3, when=at(6))
    assert issuer.seen == kept(bought) == []
    with pytest.raises(NotFound):
        play(bought, 3, use_check="unused")


@pytest.mark.parametrize("fault", ["error_500", "timeout_after", "forged", "silent"])
@pytest.mark.usefixtures("issuer")
def test_silence_is_recorded_and_erases_nothing(market: Market, fault: str) -> None:
    bought = order()
    known = play(bought, use_check="used_before_reveal", used_by="other", delivered_percent=40)
    if fault == "silent":
        play(bought, silent=True)
    else:
        market.preset("issuer", fault)
    ask(bought, when=at(20))
    assert facts(bought) == known
    assert unit_of(bought).issuer_asked_at == at(4).now
    assert kept(bought)[-1] == ("claim", 1, "unknown", "no_answer", 0)
    assert events(bought)[-1]["details"] == {"issuer": "sandbox", "occasion": "claim", "silence": "no_answer"}


@pytest.mark.usefixtures("issuer")
def test_a_later_unknown_never_erases_and_a_later_word_does() -> None:
    bought = order()
    play(bought, use_check="used_after_reveal", used_by="buyer", delivered_percent=40)
    assert play(bought, use_check="unknown", when=at(5))["use_check"] == "used_after_reveal"
    assert play(bought, use_check="unused", voidable=True, when=at(6)) == {
        **UNKNOWN,
        "use_check": "unused",
        "voidable": True,
        "delivered_percent": 40,
    }


def test_a_claim_does_not_ask_again_within_a_minute(issuer: Asked) -> None:
    bought = order()
    ask(bought, when=at(10))
    ask(bought, when=at(10.9))
    assert len(issuer.seen) == 1
    ask(bought, occasion="reveal", when=at(10.9))
    ask(bought, when=at(12))
    assert len(issuer.seen) == 3


def test_silence_is_asked_again_at_once(issuer: Asked, market: Market) -> None:
    bought = order()
    market.preset("issuer", "error_500")
    ask(bought, when=at(10))
    ask(bought, when=at(10.1))
    assert [row[4] for row in kept(bought)] == [0, 32]
    assert len(issuer.seen) == 2


def before_reveal(of: Order, *, actor: Any = None, when: Moment | None = None) -> Any:
    return issuers.opener_before_reveal(actor=actor or of.buyer, shop_id=of.shop.id, order_number=of.number, position=1, at=when or at(5))


def test_the_issuer_is_asked_before_the_first_reveal_by_its_buyer_only(issuer: Asked) -> None:
    bought = order()
    before_reveal(bought, actor=a_buyer())
    assert issuer.seen == []
    opener = before_reveal(bought)
    assert [row[0] for row in kept(bought)] == ["reveal"]
    assert bought.reveal() == bought.product.secrets[0]
    assert opener is not None
    before_reveal(bought, when=at(6))
    assert len(issuer.seen) == 1


def test_a_reveal_without_an_issuer_costs_one_look(issuer: Asked) -> None:
    bought = order(asked=False)
    statements: list[str] = []
    database.watchers.append(lambda moment, sql: statements.append(sql))
    try:
        before_reveal(bought)
    finally:
        database.watchers.pop()
    assert len(statements) == 1
    assert issuer.seen == []


@pytest.mark.usefixtures("issuer")
def test_used_before_anybody_opened_it_is_known_at_the_reveal() -> None:
    bought = order()
    play(bought, use_check="used_before_reveal", used_by="other")
    before_reveal(bought)
    bought.reveal()
    assert facts(bought)["use_check"] == "used_before_reveal"


@pytest.mark.usefixtures("issuer")
def test_a_void_brings_its_receipt_once_and_keeps_it(market: Market) -> None:
    bought = a_revealed_order(product=a_product(stock=1, issuer="sandbox"))
    play(bought, use_check="unused", voidable=True, when=at(6))
    receipts = [void(bought, number, when=at(7)) for number in ("V1", "V1", "V2")]
    assert receipts[0]
    assert len(set(receipts)) == 1
    with market.gateway.store.transaction() as connection:
        assert connection.execute("SELECT count(*) FROM sandbox.issuer_void WHERE receipt = %s", receipts[:1]).fetchone() == (1,)
    assert [row[0] for row in kept(bought)] == ["notice", "void"]
    assert facts(bought) == {**UNKNOWN, "use_check": "unused", "voidable": True}
    ask(bought, when=at(9))
    assert facts(bought) == {**UNKNOWN, "use_check": "unused", "voidable": True}


@pytest.mark.usefixtures("issuer")
def test_a_void_whose_answer_was_lost_is_had_by_asking_again(market: Market) -> None:
    bought = a_revealed_order(product=a_product(stock=1, issuer="sandbox"))
    play(bought, use_check="unused", voidable=True, when=at(6))
    market.preset("issuer", "timeout_after")
    assert void(bought, when=at(7)) is None
    assert facts(bought)["voidable"] is True
    assert void(bought, when=at(8))


@pytest.mark.usefixtures("issuer")
def test_a_refused_void_says_that_it_is_not_voidable(market: Market) -> None:
    bought = a_revealed_order(product=a_product(stock=1, issuer="sandbox"))
    play(bought, use_check="unused", voidable=True, when=at(6))
    # Known to the issuer only now: it does not tell, it refuses.
    with market.gateway.store.transaction() as connection:
        changed = "UPDATE sandbox.issuer_key SET use_check = 'used_after_reveal' WHERE unit = %s"
        connection.execute(changed, (bought.state.unit_number(1),))
    assert facts(bought)["voidable"] is True
    assert void(bought, when=at(8)) is None
    assert facts(bought)["voidable"] is False


@pytest.mark.parametrize("unit", ["", "1", "-1", "QM-0000000000000-1", "x" * 100])
@pytest.mark.usefixtures("issuer")
def test_a_unit_that_is_none_cannot_be_played(unit: str) -> None:
    with pytest.raises(NotFound):
        sandbox_issuer.play(unit=unit, word={}, at=at())


@pytest.mark.usefixtures("issuer")
def test_a_play_the_sandbox_does_not_take_changes_nothing() -> None:
    bought = order()
    with pytest.raises(GatewayRefuses):
        play(bought, use_check="eaten")
    assert kept(bought) == []


def test_production_plays_nothing(market: Market) -> None:
    placed = a_placed_order()
    before = dict(issuers.issuers)
    issuers.issuers.clear()
    try:
        with pytest.raises(SandboxIsOff):
            play(placed, use_check="unused")
    finally:
        issuers.issuers.update(before)
    assert kept(placed) == []
    assert market.now
