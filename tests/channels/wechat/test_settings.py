"""What a table of the configuration must hold, and how the sandbox makes its own keys."""

from __future__ import annotations

import json
import shutil
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from cryptography.x509.oid import NameOID

from anka.adapters.channels.port import Channel
from anka.adapters.channels.wechat import WechatChannel
from anka.adapters.channels.wechat_keys import REAL_BASE_URL, WechatSettings, sandbox_keys, sandbox_settings


@pytest.fixture
def folder(tmp_path: Path, keys_file: Path) -> Path:
    """A folder as a merchant has it: a private key, WeChat's public key and a certificate, the API v3 key."""
    told = json.loads(keys_file.read_bytes())
    (tmp_path / "sandbox" / "channels").mkdir(parents=True)
    shutil.copy(keys_file, tmp_path / "sandbox" / "channels" / "wechat.json")
    platform = sandbox_keys(tmp_path).platform_key
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Tenpay.com sign")])
    begins = datetime(2026, 1, 1, tzinfo=UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(platform.public_key())
        .serial_number(0x5157F09EFDC096DE)
        .not_valid_before(begins)
        .not_valid_after(begins + timedelta(days=1825))
        .sign(platform, SHA256())
    )
    (tmp_path / "apiclient_key.pem").write_text(told["merchant_key"])
    (tmp_path / "pub_key.pem").write_bytes(platform.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    (tmp_path / "certificate.pem").write_bytes(certificate.public_bytes(Encoding.PEM))
    (tmp_path / "apiv3.key").write_text(told["api_v3_key"] + "\n")
    (tmp_path / "short.key").write_text("0123456789")
    return tmp_path


def a_table(**change: Any) -> dict[str, Any]:
    table: dict[str, Any] = {
        "mchid": "1900000109",
        "appid": "wxd678efh567hg6787",
        "merchant_serial": "5157F09EFDC096DE15EBE81A47057A7232F1B8E1",
        "merchant_key": "apiclient_key.pem",
        "api_v3_key": "apiv3.key",
        "public_key": "pub_key.pem",
        "public_key_id": "PUB_KEY_ID_0000000000000024101100397200000006",
    }
    return {name: value for name, value in {**table, **change}.items() if value is not None}


def test_a_whole_table_is_read(folder: Path) -> None:
    settings = WechatSettings.read(a_table(certificates=["certificate.pem"], abnormal_refunds_to="merchant"), folder)
    assert (settings.base_url, settings.abnormal_refunds_to) == (REAL_BASE_URL, "merchant")
    assert settings.platform_serial == "PUB_KEY_ID_0000000000000024101100397200000006"
    assert list(settings.platform_keys) == [settings.platform_serial, "5157F09EFDC096DE"]
    channel: Channel = WechatChannel(settings=settings, notify_url="https://market.example/api/v1/notify/wechat")
    assert (channel.code, channel.manners.asks_to_start, channel.manners.mends_abnormal) == ("wechat", True, True)
    channel.close_connections()


def test_certificates_alone_are_enough(folder: Path) -> None:
    settings = WechatSettings.read(a_table(public_key=None, public_key_id=None, certificates=["certificate.pem"]), folder)
    assert settings.platform_serial == "5157F09EFDC096DE"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"mchid": None}, "mchid is missing"),
        ({"mchid": "19 00"}, "mchid does not look like one"),
        ({"mchid": 1900000109}, "mchid is missing"),
        ({"appid": ""}, "appid is missing"),
        ({"merchant_serial": "not hex"}, "merchant_serial does not look"),
        ({"merchant_key": "nowhere.pem"}, "cannot be read"),
        ({"merchant_key": "pub_key.pem"}, "is not a private key"),
        ({"public_key": "apiclient_key.pem"}, "is not a public key"),
        ({"public_key": None}, "public_key is missing"),
        ({"public_key_id": "5157"}, "public_key_id does not look"),
        ({"public_key": None, "public_key_id": None}, "by which keys WeChat is believed"),
        ({"certificates": "certificate.pem"}, "list of files"),
        ({"certificates": ["pub_key.pem"]}, "is not a certificate"),
        ({"api_v3_key": "short.key"}, "API v3 key of 32 characters"),
        ({"base_url": "http://api.mch.weixin.qq.com"}, "base_url does not look"),
        ({"abnormal_refunds_to": "nobody"}, "abnormal_refunds_to does not look"),
        ({"apiv3_key": "0123"}, "apiv3_key is not a setting"),
    ],
)
def test_what_is_wrong_is_said_in_one_line_without_the_secret(folder: Path, change: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says) as refused:
        WechatSettings.read(a_table(**change), folder)
    assert "\n" not in str(refused.value)
    assert "0123456789" not in str(refused.value)


def test_a_weak_key_is_refused(folder: Path) -> None:
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    (folder / "apiclient_key.pem").write_bytes(weak.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    with pytest.raises(ValueError, match="2048 bits"):
        WechatSettings.read(a_table(), folder)


def test_the_sandbox_makes_its_keys_once_and_for_itself_alone(folder: Path) -> None:
    first, second = sandbox_settings(folder, "http://127.0.0.1:1/wechat"), sandbox_settings(folder, "http://127.0.0.1:2/wechat")
    assert (first.mchid, first.appid, first.api_v3_key) == (second.mchid, second.appid, second.api_v3_key)
    pems = {key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()) for key in (first.merchant_key, second.merchant_key)}
    assert len(pems) == 1


def test_the_sandboxs_keys_are_for_their_owner_alone(keys_file: Path) -> None:
    assert stat.S_IMODE(keys_file.stat().st_mode) == 0o600
    assert [path.name for path in keys_file.parent.iterdir()] == ["wechat.json"]
