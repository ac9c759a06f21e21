"""`anka bench`: it measures what it says, and says so when it could not. No time is asserted."""

import json
import os
from pathlib import Path

import pytest

from anka.bench import backtest as backtest_bench
from anka.bench import decide as decide_bench
from anka.bench import post as post_bench
from anka.bench.backtest import Tried
from anka.bench.decide import Decided
from anka.bench.made_facts import made_facts, stricter_rules
from anka.bench.recording import Statement, statements
from anka.bench.results import Result, Share, Side, as_json, as_text, percentile
from anka.domain.policy.decide import decide
from anka.domain.policy.table import default_rules
from tests.cli.running import anka

LOG = """2026-03-02 10:00:00.000 UTC [7] LOG:  execute anka_0: BEGIN
2026-03-02 10:00:00.001 UTC [7] LOG:  execute anka_1: SELECT a,
\tb FROM t WHERE x = $1 AND y = $2
2026-03-02 10:00:00.001 UTC [7] DETAIL:  Parameters: $1 = 'it''s $2 = ''1''', $2 = NULL
2026-03-02 10:00:00.002 UTC [7] LOG:  checkpoint starting: time
2026-03-02 10:00:00.003 UTC [7] LOG:  statement: COMMIT
"""


@pytest.mark.no_database
def test_without_a_name_it_lists_what_can_be_measured() -> None:
    done = anka("bench", variables={})
    assert done.status == 0
    assert done.out.startswith("hot ")


@pytest.mark.no_database
@pytest.mark.parametrize(
    "words", [("cold",), ("hot", "--seconds", "0"), ("hot", "--seconds", "601"), ("hot", "--clients", "two"), ("decide", "--receipts", "0")]
)
def test_it_refuses_what_it_cannot_measure(words: tuple[str, ...]) -> None:
    assert anka("bench", *words, variables={}).status == 2


@pytest.mark.no_database
def test_a_short_run_does_the_same_work_on_both_sides_and_leaves_nothing_behind(tmp_path: Path) -> None:
    done = anka("bench", "hot", "--seconds", "1", "--clients", "1", "--json", variables={"TMPDIR": str(tmp_path)})
    assert done.status == 0, done.err
    found = json.loads(done.out)
    assert found["same_work"] is True
    assert found["violations"] == []
    assert found["ratio"] > 0
    for side in ("http", "pgbench"):
        assert found[side]["cycles"] > 0
        assert found[side]["actions_per_second"] > found[side]["cycles_per_second"] > 0
        assert set(found[side]["processor_microseconds_per_action"]) == {"client", "web", "postgresql", "total"}
    assert set(found["http"]["latency_milliseconds"]) == {"create", "begin_payment", "pay", "cancel"}
    once = ("orders_order", "orders_unit", "payments_payment", "payments_attempt", "payments_notice", "cases_case", "cases_receipt")
    assert {name: found["rows_per_cycle"][name] for name in once} == dict.fromkeys(once, 1.0)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.no_database
def test_statements_are_read_from_the_log_with_their_parameters() -> None:
    wanted = Statement("SELECT a,\nb FROM t WHERE x = $1 AND y = $2", ("it's $2 = '1'", None))
    assert statements(text=LOG) == [Statement("BEGIN"), wanted, Statement("COMMIT")]


def _result(rows_of_http: float, *violations: str) -> Result:
    http = Side("http", 4, 70, 1.0, {"create": (1.0, 2.0)}, Share(1.0, 2.0, 3.0), (rows_of_http,))
    bare = Side("pgbench", 2, 100, 1.0, {"cycle, mean": (1.0, 1.0)}, Share(1.0, 0.0, 3.0), (1.0,))
    return Result([http], [bare], 20, ("orders_order",), list(violations), cores=2)


@pytest.mark.no_database
def test_unequal_work_is_said_loudly() -> None:
    assert _result(1.0).same_work
    assert not _result(0.5).same_work
    assert "did NOT write the same rows" in as_text(result=_result(0.5))
    assert "I1 somewhere" in as_text(result=_result(1.0, "I1 somewhere"))
    assert json.loads(as_json(result=_result(1.0)))["ratio"] == 0.7


@pytest.mark.no_database
def test_a_percentile_is_one_of_the_values() -> None:
    assert percentile([3.0, 1.0, 2.0], 50) == 2.0
    assert percentile([1.0], 95) == 1.0
    assert percentile([], 95) == 0.0


@pytest.mark.no_database
@pytest.mark.skipif(os.environ.get("ANKA_NIGHTLY") != "1", reason="a measurement of its own installation, at night")
def test_a_few_clocks_fall_and_every_consequence_is_carried_out(tmp_path: Path) -> None:
    done = anka("bench", "clocks", "--cases", "12", "--json", variables={"TMPDIR": str(tmp_path)})
    assert done.status == 0, done.err
    found = json.loads(done.out)
    assert (found["cases"], found["carried_out"], found["violations"]) == (12, 12, [])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.no_database
def test_a_short_back_test_finds_what_judging_by_hand_finds_and_leaves_nothing_behind(tmp_path: Path) -> None:
    done = anka("bench", "backtest", "--receipts", "300", "--json", variables={"TMPDIR": str(tmp_path)})
    assert done.status == 0, done.err
    found = json.loads(done.out)
    assert found["receipts"] == 300
    assert found["changed"] == found["expected_changed"] > 0
    assert found["right"] is True
    assert found["ratio"] > 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.no_database
def test_decisions_are_counted_in_both_ways() -> None:
    found = Decided(situations=10, from_facts=80_000.0, from_json=60_000.0, check_seconds=2.5)
    assert found.ratio == 1.5
    assert json.loads(decide_bench.as_json(found=found))["ratio"] == 1.5
    assert "0.25 of the limit" in decide_bench.as_text(found=found)
    assert "1.50 times" in decide_bench.as_text(found=found)


@pytest.mark.no_database
def test_made_situations_are_the_same_every_time_and_of_every_kind() -> None:
    made = list(made_facts(count=2_000))
    assert made == list(made_facts(count=2_000))
    assert len({facts.goods for facts in made}) == 5
    assert len({decide(facts, default_rules()).rule for facts in made}) > 30
    assert stricter_rules().version != default_rules().version


@pytest.mark.no_database
def test_a_wrong_count_is_said() -> None:
    wrong = Tried(receipts=10, seconds=1.0, processor_seconds=0.5, changed=3, expected_changed=4)
    assert not wrong.right
    assert "NOT the 4" in backtest_bench.as_text(found=wrong)
    assert wrong.ratio == 0.05


def _posted(*, same_work: bool) -> post_bench.Posted:
    """Rates of every scene: ours are 100 per client up to 800, hordak's a quarter of them."""
    found = []
    for scene in post_bench.SCENES:
        rate = float(min(100 * scene.clients, 800))
        found.append(post_bench.Measured(scene, [rate, rate + 9, rate - 9], [rate / 4] * 3 if scene.hordak else []))
    return post_bench.Posted(found, 2, same_work)


@pytest.mark.no_database
def test_posting_is_told_by_ratio_by_what_is_left_on_one_account_and_by_whether_it_was_written() -> None:
    found = _posted(same_work=True)
    assert (found.ratio, found.kept) == (4.0, 8.0)
    told = post_bench.as_text(found=found)
    assert "At its best ours reaches 4.00 times hordak's best (the aim is 3)." in told
    assert "transfers, 500 accounts, 8 clients         800       200    4.00" in told
    assert "Both wrote exactly what they counted" in told
    assert "Again: anka bench post" in told
    assert "NOT what was counted" in post_bench.as_text(found=_posted(same_work=False))
    facts = json.loads(post_bench.as_json(found=found))
    assert (facts["ratio"], facts["kept"], facts["same_work"]) == (4.0, 8.0, True)
    assert [scene["ratio"] for scene in facts["scenes"]] == [None, 4.0, 4.0, 4.0, 4.0, None]


@pytest.mark.no_database
def test_many_clients_share_one_account_in_the_scenes_that_could_collapse() -> None:
    assert {(scene.name, scene.clients) for scene in post_bench.SCENES if scene.clients == post_bench.MANY} == {
        ("spread", 32),
        ("hot", 32),
        ("lazy", 32),
    }
