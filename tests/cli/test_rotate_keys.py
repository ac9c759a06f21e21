"""`anka rotate-keys` as an operator uses it, and the change of the secret that checkpoints are signed with."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings

from anka.adapters.keyring.file import FollowedKeyring, make_sandbox_keyring, read_keyring
from anka.core import database
from anka.core.clock import moment
from anka.jobs import audit, checkpoints, keys
from anka.vault import queries
from tests import builders
from tests.cli.running import Result, anka
from tests.databases import Database
from tests.horizon import wait_for_the_horizon

NEW_SECRET = "another-secret-of-at-least-32-characters"


@pytest.fixture
def home(tmp_path: Path, fresh_database: Database) -> Iterator[Path]:
    """A home with a keyring that this process follows, as a web process would."""
    del fresh_database
    make_sandbox_keyring(home=tmp_path)
    before, keys.keyring = keys.keyring, FollowedKeyring(str(tmp_path / "keyring.json"))
    yield tmp_path
    keys.keyring = before


def rotate(home: Path, *words: str) -> Result:
    return anka("rotate-keys", *words, variables={"ANKA_HOME": str(home), "ANKA_DATABASE_URL": os.environ["ANKA_DATABASE_URL"]})


def done(home: Path, *words: str) -> dict[str, object]:
    told = rotate(home, "--json", *words)
    assert told.status == 0, told.err
    found: dict[str, object] = json.loads(told.out)
    return found


def test_the_whole_change_from_one_key_to_the_next(home: Path) -> None:
    sold, product = builders.a_sealed_order(), builders.a_product(stock=3)
    first = done(home)
    assert (first["rewrapped"], first["still_wrapped_by"]) == (2, [first["current"]])
    sealed_anew = done(home, "--data")
    assert (sealed_anew["shops"], sealed_anew["resealed"]) == (2, 3)
    assert rotate(home, "--retire", str(first["current"])).status == 1
    done(home, "--retire", "sandbox-1")
    assert read_keyring(place=str(home / "keyring.json")).names == {first["current"]}
    assert sold.reveal() == sold.product.secrets[0]
    assert builders.a_sealed_order(product=product).reveal() == product.secrets[0]


def test_a_prepared_change_is_gone_on_with_and_not_begun_anew(home: Path) -> None:
    builders.a_product(stock=1)
    prepared = done(home, "--prepare")
    assert prepared["still_wrapped_by"] == ["sandbox-1"]
    again = done(home, "--prepare")
    finished = done(home)
    assert prepared["current"] == again["current"] == finished["current"]
    assert (finished["rewrapped"], queries.wrapped_by_names()) == (1, [prepared["current"]])
    assert done(home)["current"] != finished["current"]


def test_what_cannot_be_retired_is_told_in_one_line(home: Path) -> None:
    builders.a_product(stock=1)
    done(home, "--prepare")
    assert "still wraps" in rotate(home, "--retire", "sandbox-1").complaint
    assert "no former key" in rotate(home, "--retire", "nonsense").complaint


def violations() -> set[str]:
    return {violation.what for violation in audit.audit(now=moment().now)}


@pytest.mark.breaks_invariants
def test_after_a_change_of_the_secret_older_checkpoints_still_verify(fresh_database: Database) -> None:
    del fresh_database
    builders.a_sealed_order()
    wait_for_the_horizon()
    assert checkpoints.make_checkpoint(at=moment())
    former, before = checkpoints.key().name, settings.SECRET_KEY
    try:
        settings.SECRET_KEY = NEW_SECRET
        # The negative control: nobody has vouched yet.
        assert violations() == {"this installation did not sign it"}
        checkpoints.vouch_for(name=former, at=moment())
        checkpoints.vouch_for(name=former, at=moment())
        assert violations() == set()
        # A chain of two changes.
        second, settings.SECRET_KEY = checkpoints.key().name, NEW_SECRET + " and another"
        builders.a_sealed_order()
        wait_for_the_horizon()
        assert checkpoints.make_checkpoint(at=moment())
        assert violations() == {"this installation did not sign it"}
        with pytest.raises(checkpoints.UnknownCheckpointKey):
            checkpoints.vouch_for(name=second, at=moment())
        checkpoints.vouch_for(name=former, at=moment())
        assert violations() == set()
    finally:
        settings.SECRET_KEY = before


@pytest.mark.breaks_invariants
def test_nobody_without_the_secret_can_vouch(fresh_database: Database) -> None:
    del fresh_database
    builders.a_sealed_order()
    wait_for_the_horizon()
    assert checkpoints.make_checkpoint(at=moment())
    former, before = checkpoints.key().name, settings.SECRET_KEY
    try:
        settings.SECRET_KEY = NEW_SECRET
        present = checkpoints.key().name
        with database.transaction():
            database.rows(checkpoints.VOUCH, (former, present, moment().real, bytes(64)))
        assert violations() == {"this installation did not sign it"}
    finally:
        settings.SECRET_KEY = before
