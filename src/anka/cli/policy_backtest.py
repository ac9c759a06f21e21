"""`anka policy backtest`: rules tried on this market's history. The only verb of `anka policy` that needs a database."""

import argparse
import json
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anka.cli.rule_files import rules_of
from anka.domain.policy.table import RuleSet

if TYPE_CHECKING:
    from anka.domain.policy.backtest import BacktestReport

DAYS, MOST_DAYS = 30, 3_650


class NoHistory(Exception):
    """There is no database, or none with the tables of a market, so nothing was ever decided here."""

    code, status = "no_history", 409


def arguments(*, verbs: Any) -> None:
    """Declare backtest with its file, --days, --lang and --json."""
    verb: argparse.ArgumentParser = verbs.add_parser("backtest", help="what other rules would have decided, over this market's history")
    verb.add_argument("rules", type=Path, metavar="FILE", help="a TOML file of rules, or a folder of them")
    verb.add_argument("--days", type=_days, default=DAYS, metavar="N", help=f"how far to look back, 1 to {MOST_DAYS} (default {DAYS})")
    verb.add_argument("--lang", choices=("zh", "en"), default="zh")
    verb.add_argument("--json", action="store_true", help="print one JSON object")


def _days(text: str) -> int:
    if not (text.isascii() and text.isdecimal()) or len(text) > len(str(MOST_DAYS)) or not 1 <= int(text) <= MOST_DAYS:
        raise argparse.ArgumentTypeError(f"{text[:20]!r} is not a whole number of days from 1 to {MOST_DAYS}")
    return int(text)


def run(*, given: argparse.Namespace) -> int:
    """Try the rules and print what would have been decided otherwise; 1 where there is no history to try them on."""
    rules = rules_of(paths=[given.rules])
    from anka.cli.main import complain  # noqa: PLC0415  judging facts needs neither Django nor a database
    from anka.config.embedded import EmbeddedDatabaseError  # noqa: PLC0415
    from anka.config.environment import EnvironmentNotUsable  # noqa: PLC0415
    from anka.core.refusals import Refusal  # noqa: PLC0415

    try:
        report = _tried(rules=rules, days=given.days)
    except (NoHistory, EnvironmentNotUsable, EmbeddedDatabaseError, Refusal) as failure:
        complain(failure)
        return 1
    if given.json:
        told = json.dumps({"days": given.days, **report.to_json()}, ensure_ascii=False)
    else:
        from anka.cli.policy_backtest_text import as_text  # noqa: PLC0415

        told = as_text(report=report, days=given.days, language=given.lang)
    sys.stdout.write(f"{told}\n")
    return 0


def _tried(*, rules: RuleSet, days: int) -> "BacktestReport":
    from anka.config import embedded, start  # noqa: PLC0415

    installation = start.looking_after()
    if not installation.database_url and not embedded.folder_of(home=installation.home).is_dir():
        # Starting the embedded database would make one, for nothing but to find it empty.
        raise NoHistory(f"There is no database in {installation.home}, so nothing was judged. Run: anka up, or set ANKA_DATABASE_URL.")
    with start.ready():
        return _over_history(rules, days)


def _over_history(rules: RuleSet, days: int) -> "BacktestReport":
    from anka.core import database  # noqa: PLC0415
    from anka.core.clock import moment  # noqa: PLC0415
    from anka.jobs.backtest import backtest  # noqa: PLC0415

    if database.value("SELECT to_regclass('cases_receipt')") is None:
        raise NoHistory("This database has no market in it yet, so nothing was judged. Run: anka migrate.")
    until = moment().now
    return backtest(rules=rules, since=until - timedelta(days=days), until=until)
