"""`anka load-demo`: fill an empty sandbox with the demo market. `anka up --demo` runs it; repeating it changes nothing."""

import argparse
import sys
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from anka.adapters.keyring.file import KeyringNotUsable
from anka.catalog.queries import shop_id_of, shops
from anka.cli import demo_market, demo_money, demo_orders, demo_rules
from anka.config import embedded, processes, start
from anka.config.embedded import EmbeddedDatabaseError
from anka.config.environment import Environment, EnvironmentNotUsable
from anka.core.refusals import Refusal
from anka.jobs.housekeeping import refresh_statistics
from anka.jobs.keys import opener_for
from anka.vault.keyring import DataKeyDidNotOpen, KeyEncryptionKeyMissing


class KeyringLost(Exception):
    """The database was sealed with a keyring that is gone."""

    code, status = "keyring_lost", 500


FAILURES = (
    KeyringLost,
    EnvironmentNotUsable,
    EmbeddedDatabaseError,
    Refusal,
    KeyringNotUsable,
    KeyEncryptionKeyMissing,
    DataKeyDidNotOpen,
    demo_market.DemoFilesMissing,
    OSError,
)
ORDER_WEIGHT = 200


def arguments(*, parser: argparse.ArgumentParser) -> None:
    """Declare no arguments."""


def run(*, given: argparse.Namespace) -> int:
    """Load what is missing. Orders are made once, in a market that has none yet."""
    processes.follow_parent()
    with start.ready() as installation:
        if not installation.sandbox:
            raise EnvironmentNotUsable("The demo needs a sandbox (ANKA_SANDBOX=1); nothing was loaded.")
        _require_keyring(installation)
        source = demo_market.folder()
        _with_progress("Stocking the demo market", ((step.what, step.weight, step.run) for step in demo_market.steps(source=source)))
        if not demo_orders.market_has_orders():
            told = demo_orders.stories(numbers=demo_market.numbers_by_slug(source=source))
            _with_progress("Telling its stories", ((what, ORDER_WEIGHT, tell) for what, tell in told))
            steps = (("a shop's money", demo_money.fund_shop), ("yesterday's bills", demo_money.compare_yesterday))
            money = ((what, ORDER_WEIGHT, move) for what, move in steps)
            _with_progress("Moving its money", money)
        _with_progress("Announcing its next rules", iter([("draft, check, back-test", ORDER_WEIGHT, demo_rules.announce)]))
        refresh_statistics()
    sys.stderr.write("The demo market is ready.\n")
    return 0


def _require_keyring(installation: Environment) -> None:
    """Refuse to go on with a keyring that is not the one the keys in the database were sealed with.

    Raises:
        KeyringLost: nothing was loaded.
    """
    try:
        for shop in shops():
            shop_id = shop_id_of(code=shop.code)
            opener_for(shop_id=shop_id or 0)
    except (DataKeyDidNotOpen, KeyEncryptionKeyMissing) as reason:
        database_folder = embedded.folder_of(home=installation.home)
        raise KeyringLost(
            f"The keyring in {installation.home} is not the one the keys in the database were sealed with (was the folder removed?). "
            f"Put it back, or begin anew by removing both {installation.home} and {database_folder} (make reset)."
        ) from reason


def _with_progress(title: str, steps: Iterator[tuple[str, int, Callable[[], None]]]) -> None:
    todo = list(steps)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(title, total=sum(weight for _, weight, _ in todo))
        for what, weight, work in todo:
            bar.update(task, description=f"{title}: {what}")
            work()
            bar.advance(task, weight)
        bar.update(task, description=title)
