"""What has to be known to use Alipay, and how it is read from the table `[alipay]` of ANKA_CHANNELS_FILE."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

from anka.adapters.channels.alipay_wire import read_private_key, read_public_key
from anka.adapters.channels.port import Device

GATEWAY = "https://openapi.alipay.com"
PRODUCTS = frozenset({"page", "wap", "precreate"})
LONGEST_WINDOW_DAYS = 365
# Which product a buyer gets, of those that are switched on. WeChat's browser does not open Alipay's pages, but shows a code to be kept.
_CHOICES: dict[Device, tuple[str, ...]] = {
    "desktop": ("page", "precreate", "wap"),
    "mobile": ("wap", "precreate", "page"),
    "wechat": ("precreate", "wap", "page"),
}
_FIELDS = frozenset({"app_id", "private_key", "alipay_public_key", "seller_id", "base_url", "products", "refund_window_days"})
_ADDRESS = re.compile(r"https://[^\s/?#]+(/[^\s?#]*)?|http://(127\.0\.0\.1|localhost)(:\d+)?(/[^\s?#]*)?")


class AlipaySettingsNotUsable(ValueError):
    """The table of Alipay lacks something or has something wrong; the text names it. Nothing was started."""

    code: ClassVar[str] = "alipay_settings_not_usable"
    status: ClassVar[int] = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class AlipaySettings:
    """An application at the open platform: `app_key` signs for us, `alipay_key` is what Alipay signs with.

    `seller_id` is the account that is paid (2088…); empty means that notices are not asked for it. `products` are those in the contract,
    and `refund_window` is how long after a payment it allows refunds.
    """

    app_id: str
    app_key: RSAPrivateKey
    alipay_key: RSAPublicKey
    seller_id: str = ""
    base_url: str = GATEWAY
    products: frozenset[str] = frozenset({"page", "wap"})
    refund_window: timedelta = timedelta(days=90)

    @classmethod
    def read(cls, table: Mapping[str, object], folder: Path) -> AlipaySettings:
        """Return the settings in a TOML table; places of keys are relative to `folder`.

        Raises:
            AlipaySettingsNotUsable: a ValueError that says in one line what is wrong.
        """
        unknown = sorted(set(table) - _FIELDS)
        if unknown:
            raise AlipaySettingsNotUsable(f"alipay: {unknown[0]!r} is not a setting; there are {', '.join(sorted(_FIELDS))}")
        app_key = read_private_key(text=_key(table, folder, "private_key"))
        alipay_key = read_public_key(text=_key(table, folder, "alipay_public_key"))
        if app_key.public_key().public_numbers() == alipay_key.public_numbers():
            # The commonest mistake at the platform's page of keys; with it, our own requests would pass for notices.
            raise AlipaySettingsNotUsable("alipay: alipay_public_key is the application's own public key; copy 支付宝公钥, not 应用公钥")
        return cls(
            app_id=_matching(table, "app_id", r"[0-9]{16,32}"),
            app_key=app_key,
            alipay_key=alipay_key,
            seller_id=_matching(table, "seller_id", r"(2088[0-9]{12})?", ""),
            base_url=_address(table),
            products=_products(table),
            refund_window=_window(table),
        )

    def product_for(self, *, device: Device) -> str:
        """Return the product a buyer with this device pays by."""
        return next(product for product in _CHOICES[device] if product in self.products)


def _key(table: Mapping[str, object], folder: Path, name: str) -> str:
    place = _matching(table, name, r"[^\0]+")
    try:
        return (folder / place).read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as reason:
        raise AlipaySettingsNotUsable(f"alipay: {name} cannot be read from {place} ({type(reason).__name__})") from reason


def _matching(table: Mapping[str, object], name: str, pattern: str, default: str | None = None) -> str:
    value = table.get(name, default)
    if not isinstance(value, str) or not re.fullmatch(pattern, value):
        raise AlipaySettingsNotUsable(f"alipay: {name} is missing or malformed")
    return value


def _address(table: Mapping[str, object]) -> str:
    value = table.get("base_url", GATEWAY)
    if not isinstance(value, str) or not _ADDRESS.fullmatch(value):
        raise AlipaySettingsNotUsable("alipay: base_url has to be an https address without gateway.do")
    return value.rstrip("/")


def _products(table: Mapping[str, object]) -> frozenset[str]:
    value = table.get("products", ["page", "wap"])
    if not isinstance(value, list) or not value or not PRODUCTS.issuperset(value):
        raise AlipaySettingsNotUsable(f"alipay: products are some of {', '.join(sorted(PRODUCTS))}")
    return frozenset(value)


def _window(table: Mapping[str, object]) -> timedelta:
    value = table.get("refund_window_days", 90)
    if type(value) is not int or not 1 <= value <= LONGEST_WINDOW_DAYS:
        raise AlipaySettingsNotUsable(f"alipay: refund_window_days is a whole number from 1 to {LONGEST_WINDOW_DAYS}")
    return timedelta(days=value)
