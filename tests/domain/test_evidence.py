"""What is hashed can be written in one way only."""

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as some

from anka.domain.evidence import GENESIS, NotCanonical, canonical_json, chain_hash

leaves = some.none() | some.booleans() | some.integers() | some.text(some.characters(exclude_categories=["Cs"]))
values = some.recursive(
    leaves, lambda inner: some.lists(inner) | some.dictionaries(some.text(some.characters(exclude_categories=["Cs"])), inner)
)


def test_keys_sorted_no_spaces_utf8() -> None:
    assert canonical_json({"b": [1, True, None], "a": "安卡\n"}) == '{"a":"安卡\\n","b":[1,true,null]}'.encode()


@given(values)
def test_reading_and_writing_again_gives_the_same_bytes(value: object) -> None:
    written = canonical_json(value)
    assert canonical_json(json.loads(written)) == written


@pytest.mark.parametrize("value", [1.0, float("nan"), {"a": {"b": [0.5]}}, {1: 2}, b"x", {"a"}, "\ud800"])
def test_refused(value: object) -> None:
    with pytest.raises(NotCanonical):
        canonical_json(value)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"a": {"b": [0, 0.5]}}, "value.a.b[1]: float has no canonical form; use text, whole numbers, true, false, null"),
        ([{1: 2}], "value[0]: a key must be text, not 1"),
        ("\ud800", "text that is not valid Unicode: surrogates not allowed"),
    ],
)
def test_refused_with_the_place(value: object, told: str) -> None:
    with pytest.raises(NotCanonical) as refused:
        canonical_json(value)
    assert str(refused.value) == told


def test_a_link_depends_on_all_before() -> None:
    first = chain_hash(GENESIS, b"one")
    assert first == hashlib.sha256(bytes(32) + b"one").digest()
    assert chain_hash(first, b"two") != chain_hash(GENESIS, b"two")
    with pytest.raises(ValueError, match="32"):
        chain_hash(b"short", b"two")
