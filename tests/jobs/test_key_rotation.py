"""Changing keys while the market runs: nothing is lost, nothing waits, whatever moment the process dies and whoever buys meanwhile."""

import base64
import json
import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from anka.adapters.keyring.file import FollowedKeyring, KeyringNotUsable, add_key, read_keyring, remove_key
from anka.core import database
from anka.flows.keep_data_key import keep_data_key
from anka.flows.retire_key_encryption_key import StillWraps, retire_key_encryption_key
from anka.jobs import key_rotation, keys
from anka.vault import queries
from anka.vault.keyring import KeyEncryptionKeyMissing, bound_place
from anka.vault.models import WrappedDataKey
from tests import builders
from tests.builders import Order, Product, at
from tests.databases import Database
from tests.faults.crash import Flow, crash_points
from tests.faults.guards import edited
from tests.faults.interleave import interleave

DAY = date(2026, 11, 23)


def _random() -> str:
    return base64.b64encode(os.urandom(32)).decode()


@pytest.fixture
def place(tmp_path: Path, fresh_database: Database) -> Iterator[Path]:
    """A keyring of this test's own, which this process follows as a web process does."""
    path = tmp_path / "keyring.json"
    path.write_text(json.dumps({"current": "one", "key_encryption_keys": {"one": _random()}, "blind_index_secret": _random()}))
    path.chmod(0o600)
    before = keys.keyring
    keys.keyring = FollowedKeyring(str(path))
    yield path
    keys.keyring = before


def secret_of(product: Product, order: Order) -> str:
    """Open an order's first unit."""
    del product
    return order.reveal(when=at(4))


def versions(product: Product) -> set[int]:
    found = database.rows("SELECT DISTINCT data_key_version FROM vault_key WHERE shop_id = %s", (product.shop.id,))
    return {version for (version,) in found}


def rotate(place: Path) -> int:
    add_key(place=str(place), day=DAY)
    return sum(key_rotation.rewrap_all())


def reseal(product: Product) -> int:
    key_rotation.next_version(shop_id=product.shop.id)
    return sum(key_rotation.reseal_shelf(shop_id=product.shop.id))


def test_after_a_new_key_encryption_key_everything_opens_and_the_old_one_is_not_needed(place: Path) -> None:
    sold = builders.a_sealed_order()
    others = [builders.a_product(stock=1) for _ in range(3)]
    assert rotate(place) == 4
    assert queries.wrapped_by_names() == ["2026-11-23"]
    retire_key_encryption_key(name="one", at=at())
    remove_key(place=str(place), name="one")
    assert read_keyring(place=str(place)).names == {"2026-11-23"}
    keys.opened.cache_clear()
    assert sold.reveal() == sold.product.secrets[0]
    assert all(keys.opener_for(shop_id=product.shop.id) for product in others)


def test_what_was_done_is_left_alone_and_the_rest_is_gone_on_with(place: Path) -> None:
    products = [builders.a_product(stock=1) for _ in range(3)]
    add_key(place=str(place), day=DAY)
    (first, *_) = queries.wrapped_otherwise(than=keys.keyring().current, after=(0, 0), limit=1)
    assert key_rotation._rewrapped(keys.keyring(), first)
    assert not key_rotation._rewrapped(keys.keyring(), first)
    assert sum(key_rotation.rewrap_all()) == len(products) - 1
    assert sum(key_rotation.rewrap_all()) == 0


def test_a_data_key_survives_death_at_every_statement_of_its_rewrapping(place: Path) -> None:
    names = iter(range(1000))

    def prepare() -> Product:
        product = builders.a_product(stock=1)
        add_key(place=str(place), day=date(2026, 1, 1 + next(names) % 28))
        return product

    def rewrapped(product: Product) -> None:
        (wrapped,) = queries.data_keys(shop_id=product.shop.id)
        assert wrapped.wrapped_by == keys.keyring().current
        order = builders.a_sealed_order(product=product)
        assert order.reveal() == product.secrets[0]

    assert crash_points(Flow("rewrap", prepare, lambda _: list(key_rotation.rewrap_all()), rewrapped)) >= 4


def test_stock_survives_death_at_every_statement_of_its_resealing(place: Path) -> None:
    del place

    def resealed(product: Product) -> None:
        (version,) = versions(product)
        assert version >= 2
        orders = [builders.a_sealed_order(product=product) for _ in product.secrets]
        assert [order.reveal() for order in orders] == list(product.secrets)

    assert crash_points(Flow("reseal", lambda: builders.a_product(stock=2), reseal, resealed)) >= 8


def test_sold_keys_keep_their_seal_and_new_ones_get_the_new_data_key(place: Path) -> None:
    del place
    product = builders.a_product(stock=2)
    order = builders.a_sealed_order(product=product)
    assert reseal(product) == 1
    builders.stock_up(product, ("FRESH-1",))
    assert order.reveal() == product.secrets[0]
    found = database.rows("SELECT status, data_key_version FROM vault_key WHERE shop_id = %s ORDER BY id", (product.shop.id,))
    assert found == [("revealed", 1), ("available", 2), ("available", 2)]


def test_a_reveal_in_the_middle_of_a_change_shows_the_key(place: Path, fresh_database: Database) -> None:
    product = builders.a_product(stock=5)
    order = builders.a_sealed_order(product=product)

    def change() -> None:
        rotate(place)
        reseal(product)

    for hook in ("after_lock", "before_commit"):
        outcome = interleave(place=fresh_database, first=order.reveal, second=change, hook=hook)
        assert outcome.winners == 2, outcome
        assert outcome.first.answer == product.secrets[0]
    assert versions(product) == {1, 3}


def buy_the_last(product: Product) -> object:
    return builders.a_placed_order(product=product)


def race_for_the_last_key(fresh_database: Database) -> bool:
    """Tell whether a buyer gets the last key that is just being sealed anew, and the key is the right one."""
    product = builders.a_product(stock=1)
    key_rotation.next_version(shop_id=product.shop.id)
    outcome = interleave(
        place=fresh_database,
        first=lambda: list(key_rotation.reseal_shelf(shop_id=product.shop.id)),
        second=lambda: builders.a_placed_order(product=product),
        hook="before_commit",
    )
    assert outcome.first.won, outcome
    assert outcome.second.won or getattr(outcome.second.stopped, "code", "") == "out_of_stock", outcome
    return outcome.second.won


def test_a_buyer_gets_the_last_key_that_is_just_being_sealed_anew(place: Path, fresh_database: Database) -> None:
    del place
    assert race_for_the_last_key(fresh_database)


@pytest.mark.breaks_invariants
def test_without_the_wait_the_buyer_would_be_sent_away(place: Path, fresh_database: Database) -> None:
    """The negative control."""
    del place
    with fresh_database.as_owner() as owner:
        edited("reserve_keys", "PERFORM pg_advisory_xact_lock_shared(7266734);")(owner)
    assert not race_for_the_last_key(fresh_database)


def test_a_key_that_was_sold_meanwhile_is_left_as_it_is(place: Path) -> None:
    del place
    product = builders.a_product(stock=2)
    key_rotation.next_version(shop_id=product.shop.id)
    sealer = keys.sealer_for(shop_id=product.shop.id, at=at())
    page = queries.sealed_before(shop_id=product.shop.id, version=2, after=0, limit=10)
    order = builders.a_sealed_order(product=product)
    assert key_rotation.reseal_batch(page=page, sealer=sealer) == 1
    assert key_rotation.reseal_batch(page=page, sealer=sealer) == 0
    assert order.reveal() == product.secrets[0]


def test_an_interrupted_change_of_data_keys_is_gone_on_with(place: Path) -> None:
    del place
    product = builders.a_product(stock=3)
    assert key_rotation.next_version(shop_id=product.shop.id) == 2
    assert key_rotation.next_version(shop_id=product.shop.id) == 2
    assert sum(key_rotation.reseal_shelf(shop_id=product.shop.id)) == 3
    assert key_rotation.next_version(shop_id=product.shop.id) == 3


def test_a_key_that_still_wraps_cannot_be_retired(place: Path) -> None:
    builders.a_product(stock=1)
    add_key(place=str(place), day=DAY)
    with pytest.raises(StillWraps):
        retire_key_encryption_key(name="one", at=at())


def wrapped_by_a_process_that_has_not_noticed(place: Path) -> bool:
    """Retire a key, then keep a data key that a process with yesterday's keyring has wrapped by it."""
    stale = read_keyring(place=str(place))
    shop = builders.a_shop()
    add_key(place=str(place), day=DAY)
    retire_key_encryption_key(name="one", at=at())
    wrapped = stale.wrap(data_key=bytes(32), bound_to=bound_place(shop_id=shop.id, version=1))
    return keep_data_key(data_key=WrappedDataKey(shop.id, 1, wrapped, "one"), at=at())


def test_nothing_is_wrapped_by_a_retired_key(place: Path) -> None:
    assert not wrapped_by_a_process_that_has_not_noticed(place)


def test_without_the_list_of_retired_keys_it_would_be(place: Path, fresh_database: Database) -> None:
    """The negative control."""
    with fresh_database.as_owner() as owner:
        remembering = "INSERT INTO core_retired_key (name, retired_at) VALUES (in_name, in_at) ON CONFLICT (name) DO NOTHING;"
        edited("retire_key", remembering)(owner)
    assert wrapped_by_a_process_that_has_not_noticed(place)


def test_a_keyring_is_followed_and_survives_being_moved_away(place: Path, tmp_path: Path) -> None:
    follow = FollowedKeyring(str(place))
    first = follow()
    assert follow() is first
    name = add_key(place=str(place), day=DAY)
    assert (follow().current, first.current) == (name, "one")
    second = follow()
    place.rename(tmp_path / "elsewhere")
    assert follow() is second
    place.write_text("not a keyring")
    place.chmod(0o600)
    assert follow() is second
    (tmp_path / "elsewhere").rename(place)
    assert follow().current == name


def test_adding_keeps_every_key_and_the_mode(place: Path) -> None:
    names = [add_key(place=str(place), day=DAY) for _ in range(3)]
    assert names == ["2026-11-23", "2026-11-23-2", "2026-11-23-3"]
    assert read_keyring(place=str(place)).names == {"one", *names}
    assert place.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in place.parent.iterdir()] == ["keyring.json"]


def test_what_cannot_be_taken_out_of_a_keyring(place: Path) -> None:
    for name in ("one", "none"):
        with pytest.raises(KeyringNotUsable):
            remove_key(place=str(place), name=name)
    with pytest.raises(KeyringNotUsable, match="put it into a file"):
        add_key(place=place.read_text(), day=DAY)


def test_without_its_key_encryption_key_nothing_is_rewrapped(place: Path) -> None:
    product = builders.a_product(stock=1)
    before = queries.data_keys(shop_id=product.shop.id)
    place.write_text(json.dumps({"current": "two", "key_encryption_keys": {"two": _random()}, "blind_index_secret": _random()}))
    with pytest.raises(KeyEncryptionKeyMissing):
        list(key_rotation.rewrap_all())
    assert queries.data_keys(shop_id=product.shop.id) == before
