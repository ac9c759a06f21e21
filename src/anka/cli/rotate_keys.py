"""`anka rotate-keys`: change the keys that protect the stock, while the market runs. Every step may be interrupted and repeated."""

import argparse
import sys
from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from anka.adapters.keyring import file as keyring_file
from anka.adapters.keyring.file import KeyringNotUsable
from anka.config import start
from anka.config.embedded import EmbeddedDatabaseError
from anka.config.environment import Environment, EnvironmentNotUsable
from anka.config.wiring import place_of_keyring
from anka.core.clock import moment
from anka.core.refusals import Refusal
from anka.flows.retire_key_encryption_key import retire_key_encryption_key
from anka.jobs import checkpoints, key_rotation, keys
from anka.vault import queries
from anka.vault.keyring import DataKeyDidNotOpen, KeyEncryptionKeyMissing

FAILURES = (
    EnvironmentNotUsable,
    EmbeddedDatabaseError,
    Refusal,
    KeyringNotUsable,
    KeyEncryptionKeyMissing,
    DataKeyDidNotOpen,
    checkpoints.UnknownCheckpointKey,
)


class Done(msgspec.Struct, omit_defaults=True):
    """What was done: the current key-encryption key, how many data keys were wrapped anew, how many keys were sealed anew."""

    current: str
    rewrapped: int = 0
    still_wrapped_by: list[str] = []
    shops: int = 0
    resealed: int = 0
    said: str = ""


def arguments(*, parser: argparse.ArgumentParser) -> None:
    """Declare what to change, and --json."""
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--prepare", action="store_true", help="only add a new key to the keyring, to be copied to every machine first")
    what.add_argument("--data", action="store_true", help="give every shop a new data key and seal its stock with it")
    what.add_argument("--retire", metavar="NAME", help="take a former key-encryption key that wraps nothing any more out of the keyring")
    what.add_argument("--trust-checkpoint-key", metavar="NAME", help="vouch for what signed checkpoints before ANKA_SECRET_KEY changed")
    parser.add_argument("--json", action="store_true", help="machine output, and no progress bar")


def run(*, given: argparse.Namespace) -> int:
    """Change what was asked for; by default, the key-encryption key."""
    with start.ready() as installation:
        done = _done(given, installation)
    sys.stdout.write(f"{msgspec.json.encode(done).decode()}\n" if given.json else f"{done.said}\n")
    return 0


def _done(given: argparse.Namespace, installation: Environment) -> Done:
    if given.trust_checkpoint_key:
        checkpoints.vouch_for(name=given.trust_checkpoint_key, at=moment())
        return Done(keys.keyring().current, said="The former key is vouched for; anka audit now checks the checkpoints it signed.")
    if given.retire:
        return _retire(installation, given.retire)
    if given.data:
        return _data(given.json)
    return _rotate(installation, given)


def _rotate(installation: Environment, given: argparse.Namespace) -> Done:
    """Wrap all data keys by the current key-encryption key; where they all are already, make a new one first."""
    waiting = queries.count_wrapped_otherwise(than=keys.keyring().current)
    if not waiting:
        keyring_file.add_key(place=place_of_keyring(installation), day=datetime.now(UTC).date())
        waiting = queries.count_wrapped_otherwise(than=keys.keyring().current)
    current = keys.keyring().current
    if given.prepare:
        said = f"The keyring's current key is {current}. Copy the keyring to every machine, then run: anka rotate-keys"
        return Done(current, still_wrapped_by=queries.wrapped_by_names(), said=said)
    done = _with_progress("data keys", waiting, key_rotation.rewrap_all(), hidden=given.json)
    names = queries.wrapped_by_names()
    return Done(
        current,
        rewrapped=done,
        still_wrapped_by=names,
        said=f"{done} data keys were wrapped anew; in use now: {', '.join(names) or 'none'}. Back up the keyring."
        " Former keys stay readable until you run: anka rotate-keys --retire NAME",
    )


def _retire(installation: Environment, name: str) -> Done:
    ring = keys.keyring()
    place = place_of_keyring(installation)
    keyring_file.require_former(place=place, name=name)
    retire_key_encryption_key(name=name, at=moment())
    keyring_file.remove_key(place=place, name=name)
    return Done(ring.current, said=f"The key {name} is retired and no longer in the keyring. Back-ups from before still need it.")


def _data(hidden: bool) -> Done:  # noqa: FBT001  passed on from the command line
    shops = queries.shops_with_data_keys()
    versions = {shop_id: key_rotation.next_version(shop_id=shop_id) for shop_id in shops}
    waiting = sum(queries.count_sealed_before(shop_id=shop_id, version=version) for shop_id, version in versions.items())
    done = _with_progress(
        "keys in stock", waiting, (count for shop_id in shops for count in key_rotation.reseal_shelf(shop_id=shop_id)), hidden=hidden
    )
    left = sum(queries.count_sealed_before(shop_id=shop_id, version=version) for shop_id, version in versions.items())
    told = f" {left} were being sold meanwhile or came back; run this again for them." if left else ""
    return Done(
        keys.keyring().current,
        shops=len(shops),
        resealed=done,
        said=f"{len(shops)} shops have a new data key; {done} keys were sealed anew.{told}",
    )


def _with_progress(what: str, total: int, steps: Iterator[int], *, hidden: bool) -> int:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    done = 0
    with Progress(*columns, console=Console(stderr=True), disable=hidden) as bar:
        task = bar.add_task(what, total=total)
        for count in steps:
            done += count
            bar.update(task, completed=done)
    return done
