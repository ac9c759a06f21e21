"""Checkpoints: a signed Merkle root over many events, chained to the one before. Pure; reading and keeping them is a job's.

The tree is that of RFC 6962: leaves and nodes are hashed under different first bytes, so that one cannot be passed off as the other.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from anka.domain.evidence import canonical_json, chain_hash

_LEAF, _NODE = b"\x00", b"\x01"
_PURPOSE = b"anka checkpoint 1"
_VOUCHING = b"anka checkpoint key 1 "


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What was the case when a checkpoint was made. Transactions are half open: from this one up to, not including, that one."""

    made_at: datetime
    from_transaction: int
    to_transaction: int
    event_count: int
    root: bytes
    previous_hash: bytes

    def statement(self) -> bytes:
        """Return the bytes that are hashed and signed."""
        return canonical_json(
            {
                "made_at": self.made_at.astimezone(UTC).isoformat(),
                "from_transaction": str(self.from_transaction),
                "to_transaction": str(self.to_transaction),
                "event_count": self.event_count,
                "root": self.root.hex(),
            }
        )

    @property
    def hash(self) -> bytes:
        """What the next checkpoint is chained to."""
        return chain_hash(self.previous_hash, self.statement())


@dataclass(frozen=True, slots=True)
class SigningKey:
    """The key checkpoints are signed with. Its name is the public key in hex, so that whoever knows it can check."""

    private: Ed25519PrivateKey

    @property
    def name(self) -> str:
        """The public key, 64 hex digits."""
        return self.private.public_key().public_bytes_raw().hex()

    def sign(self, checkpoint: Checkpoint) -> bytes:
        """Return the 64-byte signature over the checkpoint's hash, and so over everything before it as well."""
        return self.private.sign(checkpoint.hash)

    def vouch_for(self, name: str) -> bytes:
        """Return the 64-byte signature by which this key says that the key of this name was the installation's before."""
        return self.private.sign(_VOUCHING + name.encode())


def vouched_for(*, name: str, by: str, signature: bytes) -> bool:
    """Tell whether the key named `by` said that the key of this name was the installation's before."""
    return _signed(by, signature, _VOUCHING + name.encode())


def signing_key(*, secret: str) -> SigningKey:
    """Return the signing key of an installation, derived from its secret: the same as long as the secret is the same."""
    seed = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=_PURPOSE).derive(secret.encode())
    return SigningKey(private=Ed25519PrivateKey.from_private_bytes(seed))


def signed_by(*, key_name: str, checkpoint: Checkpoint, signature: bytes) -> bool:
    """Tell whether the key of this name signed the checkpoint."""
    return _signed(key_name, signature, checkpoint.hash)


def _signed(key_name: str, signature: bytes, statement: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(key_name)).verify(signature, statement)
    except (InvalidSignature, ValueError):
        return False
    return True


def merkle_root(*, leaves: Sequence[bytes]) -> bytes:
    """Return the root of the tree over these leaves; of none, the hash of nothing. An odd one out moves up as it is."""
    level = [hashlib.sha256(_LEAF + leaf).digest() for leaf in leaves]
    if not level:
        return hashlib.sha256(b"").digest()
    while len(level) > 1:
        paired = [hashlib.sha256(_NODE + left + right).digest() for left, right in zip(level[::2], level[1::2], strict=False)]
        level = paired + level[len(paired) * 2 :]
    return level[0]
