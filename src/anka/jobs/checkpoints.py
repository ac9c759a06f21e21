"""Every five minutes, sign what has happened: a chain of events alone cannot see that its tail was cut off.

What happened after the last checkpoint is not covered yet. Whoever could rewrite the whole database could also cut off the last
checkpoints with it; `latest` is what to write down elsewhere, now and then, to notice that as well.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.conf import settings

from anka.core import database
from anka.core.checkpoints import Checkpoint, SigningKey, merkle_root, signed_by, signing_key, vouched_for
from anka.core.clock import Moment
from anka.domain.evidence import GENESIS

EVERY = timedelta(minutes=5)
NEXT = "SELECT from_transaction, to_transaction, previous_hash FROM next_checkpoint()"
LEAVES = "SELECT leaf FROM checkpoint_leaves(%s::text::xid8, %s::text::xid8)"
KEEP = "SELECT keep_checkpoint(%s, %s::text::xid8, %s::text::xid8, %s, %s, %s, %s, %s, %s)"
LATEST = "SELECT encode(hash, 'hex'), made_at FROM core_checkpoint ORDER BY id DESC LIMIT 1"
BEFORE = """
SELECT id, hash, to_transaction::text FROM core_checkpoint WHERE to_transaction <= %s::text::xid8 ORDER BY id DESC LIMIT 1
"""
SIGNERS = "SELECT DISTINCT key_name FROM core_checkpoint ORDER BY 1"
VOUCHED = "SELECT name, vouched_by, signature FROM core_checkpoint_key ORDER BY vouched_at, name"
VOUCH = "SELECT vouch_for_checkpoint_key(%s, %s, %s, %s)"
KEPT = """
SELECT id, made_at, from_transaction::text, to_transaction::text, event_count, previous_hash, root, hash, key_name, signature
FROM core_checkpoint WHERE id > %s ORDER BY id LIMIT 500
"""


class UnknownCheckpointKey(Exception):
    """No checkpoint was signed by a key of this name."""

    code, status = "unknown_checkpoint_key", 404


def key() -> SigningKey:
    """Return this installation's signing key."""
    return signing_key(secret=settings.SECRET_KEY)


def signers() -> list[str]:
    """Return the names of all keys that signed checkpoints here."""
    return [name for (name,) in database.rows(SIGNERS)]


def trusted() -> frozenset[str]:
    """Return the names of the keys whose checkpoints count: the present one, those it vouches for, those they vouch for.

    What the database says is not believed for itself: only who knows the present secret could have vouched.
    """
    known = {key().name}
    vouched = [(name, by, bytes(signature)) for name, by, signature in database.rows(VOUCHED)]
    for _round in range(len(vouched)):
        more = {name for name, by, signature in vouched if by in known and vouched_for(name=name, by=by, signature=signature)}
        if more <= known:
            break
        known |= more
    return frozenset(known)


def vouch_for(*, name: str, at: Moment) -> None:
    """Let the present key vouch for a former one, after the operator has changed the secret. Harmless to repeat.

    Raises:
        UnknownCheckpointKey: no checkpoint carries this name; nothing was changed.
    """
    present = key()
    if name not in signers():
        raise UnknownCheckpointKey(f"No checkpoint was signed by {name[:80]!r}; nothing was changed. anka doctor names the keys there are.")
    if name != present.name:
        with database.transaction():
            database.rows(VOUCH, (name, present.name, at.real, present.vouch_for(name)))


def make_checkpoint(*, at: Moment) -> bool:
    """Sign the events of finished transactions since the last checkpoint; tell whether there were any. Harmless to repeat."""
    with database.transaction():
        start, end, previous = database.rows(NEXT)[0]
        leaves = [bytes(leaf) for (leaf,) in database.rows(LEAVES, (start, end))]
        if not leaves:
            return False
        made = Checkpoint(
            made_at=at.real,
            from_transaction=int(start),
            to_transaction=int(end),
            event_count=len(leaves),
            root=merkle_root(leaves=leaves),
            previous_hash=bytes(previous),
        )
        signer = key()
        kept = (made.made_at, start, end, made.event_count, made.previous_hash, made.root, made.hash, signer.name, signer.sign(made))
        database.rows(KEEP, kept)
        return True


def make_checkpoint_if_due(*, at: Moment) -> bool:
    """Make a checkpoint unless the last one is younger than five minutes; the worker calls this as often as it likes."""
    last = database.rows(LATEST)
    return (not last or at.real - last[0][1] >= EVERY) and make_checkpoint(at=at)


def latest() -> str | None:
    """Return the hash of the last checkpoint in hex, or None: what to keep outside of this machine."""
    found = database.rows(LATEST)
    return found[0][0] if found else None


def wrong_checkpoints(*, since: str = "") -> Iterator[tuple[str, str]]:
    """Yield (where, what) for every checkpoint that does not verify against the events, its neighbour or the key.

    With `since`, a place in the order of transactions, only checkpoints that reach beyond it are looked at. Checkpoints are read in
    pages and the events of one at a time. The first checkpoint is chained to 32 zero bytes.
    """
    known = database.rows(BEFORE, (since,)) if since else []
    after, previous, reached = (known[0][0], bytes(known[0][1]), known[0][2]) if known else (0, GENESIS, "0")
    names = trusted()
    while page := database.rows(KEPT, (after,)):
        for row in page:
            for what in _faults(row, previous, reached, names):
                yield f"checkpoint {row[0]}", what
            previous, reached = bytes(row[7]), row[3]
        after = page[-1][0]


def _faults(row: tuple[Any, ...], previous: bytes, reached: str, names: frozenset[str]) -> Iterator[str]:
    _, made_at, start, end, count, chained, root, digest, key_name, signature = row
    kept = Checkpoint(
        made_at=made_at,
        from_transaction=int(start),
        to_transaction=int(end),
        event_count=count,
        root=bytes(root),
        previous_hash=bytes(chained),
    )
    if kept.previous_hash != previous or start != reached:
        yield "it does not follow the checkpoint before it"
    if kept.hash != bytes(digest):
        yield "its hash is not that of what it says"
    if key_name not in names or not signed_by(key_name=key_name, checkpoint=kept, signature=bytes(signature)):
        yield "this installation did not sign it"
    leaves = [bytes(leaf) for (leaf,) in database.rows(LEAVES, (start, end))]
    if len(leaves) != count:
        yield f"it covers {count} events, of which {len(leaves)} are there"
    elif merkle_root(leaves=leaves) != kept.root:
        yield "the events it covers are not those it was made over"
