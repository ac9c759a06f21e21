"""The file that names an installation's issuers: read whole, or refused with what is wrong."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from anka.adapters.issuers.file import IssuersNotUsable, read_issuers
from anka.config.environment import read

GOOD = """
key = "own.pem"
[issuer.acme]
url = "https://keys.acme.example/anka"
public_key = "acme.pem"
[issuer.other_2]
url = "http://127.0.0.1:8009"
public_key = "acme.pem"
"""


def written(folder: Path, content: str) -> str:
    key = Ed25519PrivateKey.generate()
    (folder / "own.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (folder / "acme.pem").write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    place = folder / "issuers.toml"
    place.write_text(content, encoding="utf-8")
    return str(place)


def test_issuers_are_read_by_their_code(tmp_path: Path) -> None:
    assert sorted(read_issuers(place=written(tmp_path, GOOD))) == ["acme", "other_2"]


def test_without_a_file_there_is_nobody_to_ask() -> None:
    assert read_issuers(place="") == {}
    assert read({"ANKA_SANDBOX": "1"}).issuers == ""
    assert read({"ANKA_SANDBOX": "1", "ANKA_ISSUERS": "/etc/anka/issuers.toml"}).issuers == "/etc/anka/issuers.toml"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("key = ", "kee = "),
        ('"own.pem"', '"none.pem"'),
        ('"own.pem"', '"acme.pem"'),
        ('"acme.pem"', '"own.pem"'),
        ("[issuer.acme]", "[issuer.Acme]"),
        ("https://keys", "http://keys"),
        ("https://keys.acme.example/anka", "https://keys.acme.example/anka?x=1"),
        ("[issuer.acme]", "[issuer."),
        ('url = "https://keys.acme.example/anka"', ""),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(tmp_path: Path, before: str, after: str) -> None:
    with pytest.raises(IssuersNotUsable) as refused:
        read_issuers(place=written(tmp_path, GOOD.replace(before, after, 1)))
    assert "nothing was started" in str(refused.value)
    assert "\n" not in str(refused.value).strip()


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(IssuersNotUsable):
        read_issuers(place=str(tmp_path / "none.toml"))
