"""`anka policy backtest`: rules tried on the market's history from the command line."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from anka.cli.main import main
from anka.core.clock import Moment
from anka.domain.policy.table import default_rules, default_texts
from tests.builders.cases import a_case
from tests.cli.running import anka
from tests.databases import Database, SharedServer

PAYS_AT_ONCE = """
[[rule]]
position = 155
id = "believed"
when = { goods = ["card_key"], stage = ["revealed"], reason = ["KEY_INVALID"] }
route = "instant"
refund = "full"
fault = "undecided"
goods = "void"
zh = "先行赔付。"
en = "We pay first and ask afterwards."
"""


def days_ago(days: float) -> Moment:
    """The moment so long before now: the command looks back from now."""
    now = datetime.now(UTC) - timedelta(days=days)
    return Moment(now=now, real=now)


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """A folder of rules that pay for invalid keys at once."""
    folder = tmp_path / "rules"
    folder.mkdir()
    for name, text in {**default_texts(), "added.toml": PAYS_AT_ONCE}.items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "notes.txt").write_text("These are no rules.")
    return folder


@pytest.fixture
def market(fresh_database: Database, tmp_path: Path) -> Mapping[str, str]:
    """A market with a case of 29 days ago and one of 31; what the command needs to find it."""
    a_case(when=days_ago(29))
    a_case(when=days_ago(31))
    return {"ANKA_HOME": str(tmp_path), "ANKA_DATABASE_URL": fresh_database.runtime}


def test_it_tells_what_would_change_as_a_table_and_as_data(market: Mapping[str, str], rules: Path) -> None:
    done = anka("policy", "backtest", str(rules), "--json", variables=market)
    assert (done.status, done.err) == (0, "")
    found = json.loads(done.out)
    assert (found["days"], found["looked_at"], found["same"], found["changed"]) == (30, 1, 0, 1)
    assert [(pair["new"], pair["count"]) for pair in found["by_rule"]] == [("believed", 1)]
    longer = json.loads(anka("policy", "backtest", str(rules), "--days", "32", "--json", variables=market).out)
    assert (longer["days"], longer["changed"]) == (32, 2)

    chinese = anka("policy", "backtest", str(rules), variables=market)
    english = anka("policy", "backtest", str(rules), "--lang", "en", variables=market)
    assert (chinese.status, chinese.err, english.status, english.err) == (0, "", 0, "")
    case = found["examples"][0]["case"]
    for told, said in (
        (chinese.out, ("共 1 次：相同 0，不同 1", "→ believed", "全额退款，立即执行", "无法预测的", "先由商家答复", case)),
        (english.out, ("1 in all: 0 the same, 1 different", "→ believed", "a full refund, done at once", "What this cannot predict", case)),
    ):
        assert [piece for piece in said if piece not in told] == []


def test_the_rules_of_today_change_nothing(market: Mapping[str, str], rules: Path) -> None:
    (rules / "added.toml").unlink()
    found = json.loads(anka("policy", "backtest", str(rules), "--days", "40", "--json", variables=market).out)
    assert (found["version"], found["looked_at"], found["changed"], found["examples"]) == (default_rules().version, 2, 0, [])


def test_a_database_without_a_market_has_no_history(server: SharedServer, rules: Path, tmp_path: Path) -> None:
    done = anka("policy", "backtest", str(rules), variables={"ANKA_HOME": str(tmp_path), "ANKA_DATABASE_URL": server.maintenance})
    assert (done.status, done.out) == (1, "")
    assert "anka migrate" in done.complaint


@pytest.mark.no_database
def test_no_database_is_told_in_one_line_and_none_is_made(rules: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    done = anka("policy", "backtest", str(rules), variables={"ANKA_HOME": str(home)})
    assert (done.status, done.out) == (1, "")
    assert str(home) in done.complaint
    assert not home.exists()
    gone = {"ANKA_HOME": str(home), "ANKA_DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none"}
    done = anka("policy", "backtest", str(rules), variables=gone)
    assert (done.status, done.out) == (1, "")
    assert done.complaint.startswith("anka: ")


@pytest.mark.no_database
@pytest.mark.parametrize("text", [b"this is not TOML", b"\xff", b'[[rule]]\nid = "x"\n'])
def test_bad_rules_are_refused_in_one_line_before_any_database_is_looked_for(tmp_path: Path, text: bytes) -> None:
    file = tmp_path / "mine.toml"
    file.write_bytes(text)
    done = anka("policy", "backtest", str(file), variables={"ANKA_HOME": str(tmp_path / "home")})
    assert (done.status, done.out) == (1, "")
    assert "mine.toml" in done.complaint


@pytest.mark.no_database
def test_a_folder_without_rules_and_a_file_that_is_not_there_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.toml"):
        done = anka("policy", "backtest", str(path), variables={"ANKA_HOME": str(tmp_path / "home")})
        assert (done.status, done.out) == (1, "")
        assert str(path) in done.complaint


@pytest.mark.no_database
@pytest.mark.parametrize("days", ["NaN", "-1", "0", "3651", "1e3", "9" * 5000, "1.5", "", "٣", "inf"], ids=lambda days: days[:8])
def test_days_that_are_none_are_refused(rules: Path, days: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["policy", "backtest", str(rules), f"--days={days}"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "a whole number of days from 1 to 3650" in said.err
