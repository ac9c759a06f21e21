"""The issuers of an installation, from one TOML file (ANKA_ISSUERS): our key, and the address and public key of each of them.

key = "anka-issuers.pem"          # our Ed25519 key, PEM; places are relative to this file

[issuer.acme]                     # the code products name
url = "https://keys.acme.example/anka"
public_key = "acme.pem"
"""

import re
import tomllib
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from anka.adapters.issuers.signed_http import SignedIssuer

CODE = re.compile("[a-z][a-z0-9_]{0,31}")
ADDRESS = re.compile(r"https://[^\s/]+(/[^\s?#]*)?|http://(127\.0\.0\.1|localhost)(:\d+)?(/[^\s?#]*)?")


class IssuersNotUsable(Exception):
    """The file of the issuers, or a key it names, cannot be used. Nothing was started."""

    code, status = "issuers_not_usable", 500


def read_issuers(*, place: str) -> dict[str, SignedIssuer]:
    """Return the issuers by code; none where no file is named.

    Raises:
        IssuersNotUsable: with what is wrong and where.
    """
    if not place:
        return {}
    path = Path(place).expanduser()
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        issuers = content.get("issuer", {})
        own_key = load_pem_private_key((path.parent / content["key"]).read_bytes(), password=None)
        if not isinstance(own_key, Ed25519PrivateKey):
            raise IssuersNotUsable(f"ANKA_ISSUERS: {content['key']} in {path} is not an Ed25519 key; nothing was started.")
        return {code: _issuer(path, code, told, own_key) for code, told in issuers.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, UnsupportedAlgorithm) as reason:
        raise IssuersNotUsable(f"ANKA_ISSUERS: {path} cannot be used ({type(reason).__name__}: {reason}); nothing was started.") from reason


def _issuer(path: Path, code: str, told: dict[str, str], own_key: Ed25519PrivateKey) -> SignedIssuer:
    their_key = load_pem_public_key((path.parent / told["public_key"]).read_bytes())
    if not CODE.fullmatch(code) or not ADDRESS.fullmatch(told["url"]) or not isinstance(their_key, Ed25519PublicKey):
        raise IssuersNotUsable(
            f"ANKA_ISSUERS: issuer {code!r} in {path} needs a code of lower-case letters, an https url and an Ed25519 public key;"
            " nothing was started."
        )
    return SignedIssuer(base_url=told["url"], own_key=own_key, their_key=their_key)
