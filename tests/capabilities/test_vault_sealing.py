"""A sealed key opens in its own place and nowhere else, and nothing on the way shows it."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anka.vault.models import KeyLine, SealedKey
from anka.vault.sealing import DataKeyMissing, SealBroken, Sealer, data_key, new_data_key, normalised, opener

pytestmark = pytest.mark.no_database

SECRET = "YL100-7KQ2-H8MP-ZD4T"
DATA_KEY = data_key(shop_id=7, version=1, key=new_data_key())
SEALER = Sealer(data_key=DATA_KEY, blind_index_key=bytes(32))
OPEN = opener(data_keys=[DATA_KEY])


def sealed(secret: str = SECRET, **changes: Any) -> SealedKey:
    (row,) = SEALER.seal_all(product_id=3, key_ids=[11], secrets=[secret])
    known: dict[str, Any] = {
        "shop_id": 7,
        "product_id": 3,
        "key_id": 11,
        "nonce": row.nonce,
        "ciphertext": row.ciphertext,
        "data_key_version": 1,
    }
    return SealedKey(**{**known, **changes})


@given(st.text(min_size=1, max_size=512).filter(lambda text: text.isprintable()))
def test_any_key_comes_back_as_it_was(secret: str) -> None:
    assert OPEN(sealed(secret)) == secret


def test_a_seal_in_its_own_place_opens() -> None:
    assert OPEN(sealed()) == SECRET


@pytest.mark.parametrize(("field", "value"), [("key_id", 12), ("product_id", 4)])
def test_a_seal_moved_to_another_row_or_product_does_not_open(field: str, value: int) -> None:
    with pytest.raises(SealBroken):
        OPEN(replace(sealed(), **{field: value}))  # type: ignore[arg-type]  # both fields are numbers


def test_a_seal_moved_to_another_shop_does_not_open_even_with_the_same_data_key() -> None:
    raw = new_data_key()
    here, there = data_key(shop_id=7, version=1, key=raw), data_key(shop_id=8, version=1, key=raw)
    (row,) = Sealer(data_key=here, blind_index_key=bytes(32)).seal_all(product_id=3, key_ids=[11], secrets=[SECRET])
    opened = opener(data_keys=[here, there])
    assert opened(SealedKey(7, 3, 11, row.nonce, row.ciphertext, 1)) == SECRET
    with pytest.raises(SealBroken):
        opened(SealedKey(8, 3, 11, row.nonce, row.ciphertext, 1))


@given(st.integers(min_value=0, max_value=(len(SECRET) + 16) * 8 - 1))
def test_one_flipped_bit_does_not_open(bit: int) -> None:
    whole = sealed()
    changed = bytearray(whole.ciphertext)
    changed[bit // 8] ^= 1 << bit % 8
    with pytest.raises(SealBroken):
        OPEN(sealed(nonce=whole.nonce, ciphertext=bytes(changed)))


def test_another_shops_data_key_does_not_open() -> None:
    other = data_key(shop_id=7, version=1, key=new_data_key())
    with pytest.raises(SealBroken):
        opener(data_keys=[other])(sealed())


def test_a_data_key_that_is_not_there_is_said_so() -> None:
    with pytest.raises(DataKeyMissing):
        OPEN(sealed(data_key_version=2))


def test_the_same_key_is_never_sealed_to_the_same_bytes() -> None:
    one, two = SEALER.seal_all(product_id=3, key_ids=[11, 12], secrets=[SECRET, SECRET])
    assert one.nonce != two.nonce
    assert one.ciphertext != two.ciphertext
    assert one.blind_index == two.blind_index


@pytest.mark.parametrize(
    "same", ["YL100-7KQ2-H8MP-ZD4T", "yl100 7kq2 h8mp zd4t", "ＹＬ１００—７ＫＱ２—Ｈ８ＭＰ—ＺＤ４Ｔ", "  YL1007KQ2H8MPZD4T "]
)
def test_ways_of_writing_one_key_share_the_blind_index(same: str) -> None:
    assert SEALER.blind_index(secret=same) == SEALER.blind_index(secret=SECRET)


def test_different_keys_and_different_keyrings_do_not_share_it() -> None:
    assert SEALER.blind_index(secret=SECRET) != SEALER.blind_index(secret=SECRET[:-1] + "V")
    other = Sealer(data_key=DATA_KEY, blind_index_key=b"\1" * 32)
    assert SEALER.blind_index(secret=SECRET) != other.blind_index(secret=SECRET)


def test_the_blind_index_is_the_same_in_every_shop() -> None:
    other = Sealer(data_key=data_key(shop_id=9, version=4, key=new_data_key()), blind_index_key=bytes(32))
    assert other.blind_index(secret=SECRET) == SEALER.blind_index(secret=SECRET)


@given(st.text(max_size=60))
def test_normalising_twice_changes_nothing(text: str) -> None:
    assert normalised(normalised(text)) == normalised(text)


def test_no_representation_shows_a_key() -> None:
    (row,) = SEALER.seal_all(product_id=3, key_ids=[11], secrets=[SECRET])
    shown = " ".join(map(repr, (KeyLine(1, SECRET), row, sealed(), SEALER, DATA_KEY)))
    assert SECRET not in shown
    for hidden in (row.ciphertext, row.nonce, bytes(32)):
        assert repr(hidden) not in shown
