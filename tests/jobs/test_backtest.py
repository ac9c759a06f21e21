"""Rules tried on the receipts of a market: what the job counts is what a naive look at every receipt counts."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from anka.bench import history
from anka.bench.made_facts import stricter_rules
from anka.core import database
from anka.domain.facts import Facts
from anka.domain.money import share
from anka.domain.policy.decide import decide
from anka.domain.policy.table import RuleSet, default_rules, default_texts, parse_rules
from anka.flows.steps.judge import Claim
from anka.jobs import backtest as job
from anka.jobs.backtest import backtest
from tests.builders import lives_of_cases
from tests.builders.cases import a_case
from tests.builders.moments import BEGINNING, at
from tests.builders.orders import a_revealed_order, a_sealed_order
from tests.databases import Database

LATER = at(days=365).now
GENEROUS = """
[[rule]]
position = 155
id = "believed"
when = { goods = ["card_key"], stage = ["revealed"], reason = ["KEY_INVALID"], merchant_answer = ["none", "agreed", "silent"] }
route = "instant"
refund = "full"
fault = "undecided"
goods = "void"
zh = "先行赔付。"
en = "We pay first and ask afterwards."

[[rule]]
position = 156
id = "never"
when = { goods = ["card_key"], stage = ["sealed"] }
route = "refuse"
refund = "none"
fault = "buyer"
goods = "keep"
zh = "概不退款。"
en = "Nothing goes back."
"""
EVERYTHING = """
SELECT argued.number, receipt.facts, receipt.decision, argued.order_id FROM cases_receipt AS receipt
JOIN cases_case AS argued ON argued.shop_id = receipt.shop_id AND argued.id = receipt.case_id
ORDER BY receipt.shop_id, receipt.case_id, receipt.sequence
"""
AMOUNT = "SELECT amount_minor FROM orders_unit WHERE order_id = %s AND position = %s"


def generous() -> RuleSet:
    """Rules that pay for invalid keys at once, and nothing for what was not opened."""
    return parse_rules(texts={**default_texts(), "added.toml": GENEROUS})


def naive(rules: RuleSet) -> tuple[Counter[str], Counter[tuple[str, str]], Counter[str]]:
    """Count by hand, holding everything: judgements, pairs of rules that differ, and money by the last judgement of each unit and case."""
    counted: Counter[str] = Counter()
    pairs: Counter[tuple[str, str]] = Counter()
    last: dict[tuple[str, int], tuple[int | None, int | None, int, bool]] = {}
    for case, facts, decision, order_id in database.rows(EVERYTHING):
        old: dict[str, Any] = json.loads(bytes(decision))
        del old["because"]
        for judged in json.loads(bytes(facts)):
            new: dict[str, Any] = decide(Facts.from_json(judged["facts"]), rules).to_json()
            counted["changed" if new != old else "same"] += 1
            pairs[old["rule"], new["rule"]] += new != old
            amount = database.value(AMOUNT, (order_id, judged["position"]))
            percents = (old["refund_percent"], new["refund_percent"])
            old_minor, new_minor = (None if percent is None else share(amount_minor=amount, percent=percent) for percent in percents)
            last[case, judged["position"]] = old_minor, new_minor, amount, new != old
    money: Counter[str] = Counter()
    for old_minor, new_minor, amount, is_changed in last.values():
        if old_minor is None or new_minor is None:
            money["undetermined"] += 1
            money["undetermined_changed"] += is_changed
            money["undetermined_changed_minor"] += amount * is_changed
        else:
            money["units"] += 1
            money["old_minor"] += old_minor
            money["new_minor"] += new_minor
    return counted, +pairs, money


@pytest.mark.usefixtures("fresh_database")
def test_cases_of_every_kind_are_counted_as_a_naive_look_counts_them() -> None:
    for live in lives_of_cases.LIVES.values():
        live()
    a_sealed_order(quantity=3).cancel(when=at(5))
    a_revealed_order(quantity=2).cancel(Claim(reason="KEY_INVALID", ask_minor=4000), when=at(70))
    same = backtest(rules=default_rules(), since=BEGINNING, until=LATER)
    assert (same.changed, same.unreadable, same.unanswered) == (0, 0, 0)
    assert same.same == same.looked_at > len(lives_of_cases.LIVES)
    report = backtest(rules=generous(), since=BEGINNING, until=LATER)
    counted, pairs, money = naive(generous())
    assert (report.same, report.changed) == (counted["same"], counted["changed"])
    assert {pair: tally.changed for pair, tally in report.by_rule.items()} == dict(pairs)
    found = report.money["CNY"].to_json()
    assert {name: found[name] for name in money} == dict(money)
    assert found["difference_minor"] == money["new_minor"] - money["old_minor"] != 0
    assert money["undetermined_changed"] > 0
    assert {"believed", "never"} == {new for _old, new in report.by_rule}
    numbers = {number for (number,) in database.rows("SELECT number FROM cases_case")}
    assert {example.past.case for example in report.examples} <= numbers


@pytest.mark.usefixtures("fresh_database")
def test_without_a_history_there_is_nothing_to_count() -> None:
    report = backtest(rules=generous(), since=BEGINNING, until=LATER)
    assert (report.looked_at, report.unreadable, report.money, report.examples) == (0, 0, {}, ())


@pytest.mark.usefixtures("fresh_database")
def test_the_window_begins_with_its_first_moment_and_ends_before_its_last() -> None:
    a_case(when=at(10))
    instant, tick = at(10).now, timedelta(microseconds=1)
    windows = {
        (instant, instant + tick): 1,
        (instant + tick, LATER): 0,
        (BEGINNING, instant): 0,
        (BEGINNING, instant + tick): 1,
        (LATER, BEGINNING): 0,
    }
    for (since, until), expected in windows.items():
        assert backtest(rules=default_rules(), since=since, until=until).looked_at == expected, (since, until)


def test_a_long_history_is_read_a_part_at_a_time_in_one_read_only_snapshot(fresh_database: Database) -> None:
    receipts, stricter = 2 * job.AT_ONCE + 1, stricter_rules()
    history.write(owner_url=fresh_database.owner, count=receipts, rules=default_rules(), until=LATER)
    made = list(history.judgements(count=receipts, rules=default_rules()))
    expected = sum(decide(facts, stricter).to_json() != decision.to_json() for _place, _sequence, facts, decision in made)
    said: list[str] = []
    database.watchers.append(lambda moment, sql: said.append(sql or moment))
    try:
        report = backtest(rules=stricter, since=LATER - timedelta(days=30), until=LATER)
    finally:
        database.watchers.pop()
    assert (report.looked_at, report.changed) == (receipts, expected)
    assert expected > 0
    assert said == ["begin", job.SNAPSHOT, job.WHOLE, job.DECLARE, *[job.FETCH] * 4, "commit", "committed"]


def swapped(old: str, new: str, text: bytes) -> bytes:
    """The text with a piece of it changed, which has to be there."""
    assert old.encode() in text
    return text.replace(old.encode(), new.encode())


FUTURE: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "a fact nobody knew": ("facts", lambda text: swapped('"asker":', '"mood":"bad","asker":', text)),
    "a value nobody knew": ("facts", lambda text: swapped('"asker":"buyer"', '"asker":"oracle"', text)),
    "a fact of another type": ("facts", lambda text: swapped('"upstream_minutes":0', '"upstream_minutes":"0"', text)),
    "facts that are not UTF-8": ("facts", lambda text: swapped("buyer", "", text) + b"\xff"),
    "text that is not UTF-8": ("facts", lambda text: text.replace(b"buyer", b"\xff\xfe")),
    "facts of another shape": ("facts", lambda _text: b'{"units":[]}'),
    "a unit the case is not about": ("facts", lambda text: swapped('"position":1', '"position":7', text)),
    "no JSON": ("decision", lambda _text: b"{"),
    "no reasons": ("decision", lambda text: swapped('"because":', '"why":', text)),
    "reasons of another shape": ("decision", lambda text: swapped('"rule":', '"because":"so","rule":', text)),
    "a field nobody knew": ("decision", lambda text: swapped('"fault":', '"apology":true,"fault":', text)),
    "a route nobody knew": ("decision", lambda text: swapped('"route":"merchant"', '"route":"oracle"', text)),
    "a refund nobody knew": ("decision", lambda text: swapped('"refund":"negotiable"', '"refund":"double"', text)),
    "a fault nobody knew": ("decision", lambda text: swapped('"fault":"none"', '"fault":"weather"', text)),
    "a share above all": ("decision", lambda text: swapped('"refund_percent":null', '"refund_percent":101', text)),
    "a fee above all": ("decision", lambda text: swapped('"fault":', '"fee_percent":101,"fault":', text)),
    "less than nothing is kept": ("decision", lambda text: swapped('"fault":', '"keep_minor":-1,"fault":', text)),
    "a share that is no number": ("decision", lambda text: swapped('"refund_percent":null', '"refund_percent":"all"', text)),
}


def test_what_a_later_version_wrote_is_counted_and_stops_nothing(fresh_database: Database) -> None:
    readable = a_case()
    with fresh_database.as_owner() as owner:
        owner.execute("ALTER TABLE cases_receipt DISABLE TRIGGER USER")
        for column, change in FUTURE.values():
            number = a_case().number
            facts, decision, case_id = owner.execute(
                "SELECT facts, decision, case_id FROM cases_receipt JOIN cases_case AS argued ON argued.id = case_id WHERE number = %s",
                (number,),
            ).fetchall()[0]
            kept = {"facts": facts, "decision": decision}
            kept[column] = change(kept[column])
            sealed = hashlib.sha256(kept["facts"] + kept["decision"]).digest()
            statement = "UPDATE cases_receipt SET facts = %s, decision = %s, hash = %s WHERE case_id = %s"
            owner.execute(statement, (kept["facts"], kept["decision"], sealed, case_id))
    report = backtest(rules=generous(), since=BEGINNING, until=LATER)
    assert (report.unreadable, report.looked_at) == (len(FUTURE), 1)
    assert [example.past.case for example in report.examples] == [readable.number]
