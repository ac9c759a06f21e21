"""The table `[alipay]` of the file of channels, and the keys of the sandbox."""

from __future__ import annotations

import stat
from datetime import timedelta
from pathlib import Path

import pytest

from anka.adapters.channels import alipay_wire as wire
from anka.adapters.channels.alipay import AlipayChannel, AlipaySettings
from anka.adapters.channels.alipay_keys import sandbox_keys, sandbox_settings
from anka.adapters.channels.port import Device
from anka.adapters.channels.pretended_keys import PretendedKeysUnreadable
from tests.channels.alipay.world import private_pem, public_pem


@pytest.fixture
def folder(tmp_path: Path, alipay_keys: Path) -> Path:
    """A folder with keys as people put them there."""
    keys = sandbox_keys(home=alipay_keys.parent)
    pem = {"app.pem": private_pem(keys.app_key), "alipay.pem": public_pem(keys.alipay_key.public_key())}
    pem |= {"own.pem": public_pem(keys.app_key.public_key())}
    for name, text in pem.items():
        (tmp_path / name).write_text(text)
        bare = "".join(line for line in text.splitlines() if not line.startswith("---"))
        (tmp_path / name.replace(".pem", ".txt")).write_text(f"{bare}\n")
    return tmp_path


VECTOR = {
    "public_key": (
        "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAlRaK9lWkPvdnuZOSe8uGX8wnDvCexZUFAeqzomvhpfeO0xTtidnA5q3dsdydJD8wI3ljOax46i2p"
        "NlAt02xSxZItoKzAw0GksT4V1Kt2UcvYusWZjQ1+R60toGjHK8ScnmPlcdHvphaqNMFvn+FLJnCEK6q5tdJJGJru7qavCxsUKtHYgMujRDjYvBJS9tXSP6yI"
        "0mD+nMzVIMBAtdUdIANpeQLW3+UZl+x6u6sxAsUvhpK3J1rvyfku4q39oVpdH3KqzgdKFsOBcBD8w1iVRpb43zYmTa4Jdq95QMKfr0LHnmw45HlsDmSiFZzq"
        "dDVy84cB8wxXMTQn5Qxrq4MciwIDAQAB"
    ),
    "signature": (
        "NYIuC/fcpb4dlhmsrFRHEQQPmB/9d/aN//zup5pp7JsLKTLy9Etnh5gmD18YMNEDp5K3HE26Ox/7u9/R2l0IRkabq4eC8fRs/d6qcYLX/FyUae8OUJ2jHti5"
        "sBfLCDRH84jw7qlMr8qjnKCd7oPRwLlZe7MHDB5Ja7u8ARvSKgFl49CsvnbtIbunwLH6O8tPCbptLIeJ5fYtdwZkOz9u3GhPJRt33Od8GkwHMNbzzTP04rQQ"
        "xAAIpJFSQF01tbyQ02vVRpLXQC1H1fZyUNjdqKApxgWkV4C4Zj74tGQR4ngYykbRtPmnfJxHkwFpUs3a9YatnfnM0kcs7PBMeghVPg=="
    ),
}

TABLE: dict[str, object] = {"app_id": "2021000000000001", "private_key": "app.pem", "alipay_public_key": "alipay.pem"}


def test_a_table_is_read(folder: Path) -> None:
    settings = AlipaySettings.read(TABLE, folder)
    assert (settings.base_url, settings.seller_id, settings.refund_window) == ("https://openapi.alipay.com", "", timedelta(days=90))

    more = {"seller_id": "2088000000000001", "products": ["precreate"], "refund_window_days": 365, "base_url": "https://openapi.test/"}
    bare = {"private_key": "app.txt", "alipay_public_key": "alipay.txt"}
    read = AlipaySettings.read({**TABLE, **more, **bare}, folder)
    assert read.app_key.private_numbers() == settings.app_key.private_numbers()
    assert read.alipay_key.public_numbers() == settings.alipay_key.public_numbers()
    assert (read.base_url, read.products, read.refund_window.days) == ("https://openapi.test", frozenset({"precreate"}), 365)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"app_id": "me"}, "app_id"),
        ({"app_id": 2021000000000001}, "app_id"),
        ({"seller_id": "me@example.com"}, "seller_id"),
        ({"products": []}, "products"),
        ({"products": ["app"]}, "products"),
        ({"products": "page"}, "products"),
        ({"refund_window_days": 366}, "refund_window_days"),
        ({"refund_window_days": True}, "refund_window_days"),
        ({"refund_window_days": 0}, "refund_window_days"),
        ({"base_url": "http://openapi.alipay.com"}, "base_url"),
        ({"private_key": "none.pem"}, "private_key cannot be read"),
        ({"private_key": "alipay.pem"}, "not a private key"),
        ({"alipay_public_key": "app.pem"}, "not a public key"),
        ({"alipay_public_key": "own.pem"}, "application's own public key"),
        ({"notify": "x"}, "'notify' is not a setting"),
    ],
    ids=str,
)
def test_what_is_wrong_is_named(folder: Path, wrong: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        AlipaySettings.read({**TABLE, **wrong}, folder)


@pytest.mark.parametrize("name", TABLE)
def test_what_is_missing_is_named(folder: Path, name: str) -> None:
    with pytest.raises(ValueError, match=name):
        AlipaySettings.read({known: value for known, value in TABLE.items() if known != name}, folder)


@pytest.mark.parametrize(
    ("products", "device", "product"),
    [
        (["page", "wap", "precreate"], "desktop", "page"),
        (["page", "wap", "precreate"], "mobile", "wap"),
        (["page", "wap", "precreate"], "wechat", "precreate"),
        (["page", "wap"], "wechat", "wap"),
        (["precreate"], "desktop", "precreate"),
        (["precreate"], "mobile", "precreate"),
        (["page"], "mobile", "page"),
    ],
)
def test_which_product_a_device_gets(folder: Path, products: list[str], device: Device, product: str) -> None:
    settings = AlipaySettings.read({**TABLE, "products": products}, folder)
    assert settings.product_for(device=device) == product

    channel = AlipayChannel(settings=settings, notify_url="https://shop.test/api/v1/notify/alipay")
    assert channel.manners.asks_to_start == ("precreate" in products)
    assert channel.manners.shows_qr == (settings.product_for(device="desktop") == "precreate")
    assert (channel.manners.retries_refunds, channel.manners.mends_abnormal, channel.manners.has_bills) == (True, False, True)
    channel.close_connections()


def test_the_sandbox_keeps_its_keys_to_itself(tmp_path: Path, alipay_keys: Path) -> None:
    first = sandbox_settings(home=tmp_path, base_url="http://127.0.0.1:1/alipay/")
    again = sandbox_settings(home=tmp_path, base_url="http://127.0.0.1:1/alipay")
    file = tmp_path / "sandbox" / "channels" / "alipay.json"

    assert first.app_key.private_numbers() == again.app_key.private_numbers()
    assert first.app_key.public_key().public_numbers() != first.alipay_key.public_numbers()
    assert first.base_url == again.base_url
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    for damaged in ("", "{", "[]", "{}", '{"app_key": 1, "alipay_key": 2}'):
        file.write_text(damaged)
        with pytest.raises(PretendedKeysUnreadable, match=r"alipay\.json .* Remove the file"):
            sandbox_settings(home=tmp_path, base_url="http://127.0.0.1:1/alipay")


def test_a_signature_made_by_openssl_fits() -> None:
    # Made with: openssl genrsa 2048; printf 'a=1&b=云' | openssl dgst -sha256 -sign key.pem | base64
    key = wire.read_public_key(text=VECTOR["public_key"])

    assert wire.is_signed(key=key, content="a=1&b=云".encode(), signature=VECTOR["signature"])
    assert not wire.is_signed(key=key, content="a=1&b=雨".encode(), signature=VECTOR["signature"])
    assert wire.request_text(parameters={"b": "云", "a": "1", "sign": "x", "c": ""}) == "a=1&b=云".encode()
    assert wire.notice_text(parameters={"b": "云", "a": "1", "sign": "x", "sign_type": "RSA2", "c": ""}) == "a=1&b=云&c=".encode()
