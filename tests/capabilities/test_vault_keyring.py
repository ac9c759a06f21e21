"""The keyring: wraps data keys for their place, and says clearly what is wrong with it without showing any of it."""

import base64
import json
import multiprocessing
import os
from pathlib import Path

import pytest

from anka.adapters.keyring.file import KeyringNotUsable, read_keyring, sandbox_keyring
from anka.vault.keyring import DataKeyDidNotOpen, KeyEncryptionKeyMissing, bound_place
from tests.capabilities.shops import keyring_text

pytestmark = pytest.mark.no_database

ONE, TWO = (base64.b64encode(bytes([number]) * 32).decode() for number in (1, 2))
PLACE = bound_place(shop_id=7, version=1)
DATA_KEY = bytes(range(32))


def ring(current: str = "one", **keys: str) -> str:
    return json.dumps({"current": current, "key_encryption_keys": keys or {"one": ONE}, "blind_index_secret": TWO})


def test_a_wrapped_data_key_comes_back() -> None:
    keyring = read_keyring(place=ring())
    wrapped = keyring.wrap(data_key=DATA_KEY, bound_to=PLACE)
    assert DATA_KEY not in wrapped
    assert keyring.unwrap(wrapped=wrapped, wrapped_by="one", bound_to=PLACE) == DATA_KEY


def test_a_wrong_key_encryption_key_does_not_open() -> None:
    wrapped = read_keyring(place=ring()).wrap(data_key=DATA_KEY, bound_to=PLACE)
    with pytest.raises(DataKeyDidNotOpen):
        read_keyring(place=ring(one=TWO)).unwrap(wrapped=wrapped, wrapped_by="one", bound_to=PLACE)


def test_a_data_key_put_in_another_shops_place_does_not_open() -> None:
    keyring = read_keyring(place=ring())
    wrapped = keyring.wrap(data_key=DATA_KEY, bound_to=PLACE)
    for place in (bound_place(shop_id=8, version=1), bound_place(shop_id=7, version=2)):
        with pytest.raises(DataKeyDidNotOpen):
            keyring.unwrap(wrapped=wrapped, wrapped_by="one", bound_to=place)


def test_after_a_change_of_key_old_data_keys_still_open_and_new_ones_use_the_new_key() -> None:
    old = read_keyring(place=ring()).wrap(data_key=DATA_KEY, bound_to=PLACE)
    changed = read_keyring(place=ring("two", one=ONE, two=TWO))
    assert changed.unwrap(wrapped=old, wrapped_by="one", bound_to=PLACE) == DATA_KEY
    new = changed.wrap(data_key=DATA_KEY, bound_to=PLACE)
    assert changed.unwrap(wrapped=new, wrapped_by=changed.current, bound_to=PLACE) == DATA_KEY
    with pytest.raises(KeyEncryptionKeyMissing):
        read_keyring(place=ring()).unwrap(wrapped=new, wrapped_by="two", bound_to=PLACE)


def test_a_file_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "keyring.json"
    path.write_text(ring())
    path.chmod(0o644)
    with pytest.raises(KeyringNotUsable, match="chmod 600"):
        read_keyring(place=str(path))
    path.chmod(0o600)
    assert read_keyring(place=str(path)).current == "one"


@pytest.mark.parametrize(
    "content",
    ["{", "{}", ring("three"), ring(one="AAAA"), ring(one="not base64!"), json.dumps({**json.loads(ring()), "extra": 1})],
)
def test_a_keyring_out_of_form_is_refused_without_being_repeated(content: str) -> None:
    with pytest.raises(KeyringNotUsable) as refusal:
        read_keyring(place=content)
    assert ONE not in str(refusal.value)
    assert TWO not in str(refusal.value)
    assert "not base64!" not in str(refusal.value)
    assert refusal.value.__cause__ is None


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeyringNotUsable, match=r"nowhere\.json.*ANKA_KEYRING"):
        read_keyring(place=str(tmp_path / "nowhere.json"))


def test_no_representation_shows_a_key() -> None:
    shown = repr(read_keyring(place=keyring_text()))
    assert "123456789" not in shown
    assert "_blind" not in shown


def _blind_index_key(home: str) -> bytes:
    return sandbox_keyring(home=Path(home)).blind_index_key()


def test_a_sandbox_makes_one_keyring_for_all_its_processes(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(4) as pool:
        made = set(pool.map(_blind_index_key, [str(tmp_path)] * 8))
    assert len(made) == 1
    assert (tmp_path / "keyring.json").stat().st_mode & 0o777 == 0o600
    assert os.listdir(tmp_path) == ["keyring.json"]
