"""Reads of a merchant's own money."""

import msgspec

from anka.core import database
from anka.domain.liability import Position

LOCK = "SELECT lock_merchant_position(%s, %s)::text"
READ = "SELECT merchant_position(%s, %s)::text"
_decoder = msgspec.json.Decoder(Position)


def lock_position(*, shop_id: int, currency: str) -> Position:
    """Lock all balances of a shop until the transaction ends, and return them. Call it after every other lock."""
    database.require_transaction()
    return _decoder.decode(database.value(LOCK, (shop_id, currency)))


def position(*, shop_id: int, currency: str) -> Position:
    """Return what a shop has and owes, for pages: it may be out of date at once."""
    return _decoder.decode(database.value(READ, (shop_id, currency)))
