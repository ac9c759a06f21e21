"""The payment channels of an installation, from one TOML file (ANKA_CHANNELS_FILE): a table for each, in the order people see them.

[alipay]                          # the channel's code; what stands in a table is told in docs/how-to/configure-channels.md
app_id = "2021000000000000"
private_key = "alipay-app.pem"     # places are relative to this file
"""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from anka.adapters.channels import alipay_keys, epay_keys, stripe_settings, wechat_keys
from anka.adapters.channels.alipay import AlipayChannel
from anka.adapters.channels.alipay_settings import AlipaySettings
from anka.adapters.channels.epay import EpayChannel, EpaySettings
from anka.adapters.channels.epay_v2 import EpayV2Channel, EpayV2Settings
from anka.adapters.channels.port import Channel
from anka.adapters.channels.stripe import StripeChannel
from anka.adapters.channels.stripe_settings import StripeSettings
from anka.adapters.channels.wechat import WechatChannel
from anka.adapters.channels.wechat_keys import WechatSettings


class ChannelsNotUsable(Exception):
    """The file of the channels, or a key it names, cannot be used. Nothing was started."""

    code, status = "channels_not_usable", 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """How a channel is built: its settings from a table of the file, or those of the sandbox, and the adapter from them."""

    read: Callable[[Mapping[str, object], Path], Any]
    sandbox_settings: Callable[..., Any]
    build: Callable[..., Channel]


KINDS: Mapping[str, Kind] = {
    "alipay": Kind(read=AlipaySettings.read, sandbox_settings=alipay_keys.sandbox_settings, build=AlipayChannel),
    "wechat": Kind(read=WechatSettings.read, sandbox_settings=wechat_keys.sandbox_settings, build=WechatChannel),
    "epay": Kind(read=EpaySettings.read, sandbox_settings=epay_keys.sandbox_settings, build=EpayChannel),
    "epay_v2": Kind(read=EpayV2Settings.read, sandbox_settings=epay_keys.sandbox_settings_v2, build=EpayV2Channel),
    "stripe": Kind(read=StripeSettings.read, sandbox_settings=stripe_settings.sandbox_settings, build=StripeChannel),
}
"""Every channel that can be configured; the order is that of the sandbox."""


def read_channels(*, place: str, base_url: str) -> dict[str, Channel]:
    """Return the channels by code, in the order of the file; none where no file is named. `base_url` is how channels reach us.

    Raises:
        ChannelsNotUsable: with what is wrong and where.
    """
    if not place:
        return {}
    path = Path(place).expanduser()
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as reason:
        raise ChannelsNotUsable(f"ANKA_CHANNELS_FILE: {path} cannot be read ({_one_line(reason)}); nothing was started.") from reason
    return {code: _configured(path, code, table, base_url) for code, table in content.items()}


def sandbox_channels(*, codes: Iterable[str], home: Path, gateway_url: str, base_url: str) -> tuple[dict[str, Channel], dict[str, str]]:
    """Return the channels among `codes` that the sandbox gateway plays, and of those that cannot be played the reason.

    Their keys are made in `home` by whoever comes first.
    """
    built: dict[str, Channel] = {}
    wrong: dict[str, str] = {}
    wanted = frozenset(codes)
    for code in (code for code in KINDS if code in wanted):
        try:
            settings = KINDS[code].sandbox_settings(home=home, base_url=f"{gateway_url}/{code}")
        except (OSError, ValueError) as reason:
            wrong[code] = _one_line(reason)
        else:
            built[code] = KINDS[code].build(settings=settings, notify_url=notify_url(base_url=base_url, code=code))
    return built, wrong


def refund_windows(*, channels: Mapping[str, Channel]) -> dict[str, timedelta]:
    """Return how long each channel takes refunds of a payment, for those whose contract says so."""
    windows = {code: channel.manners.refund_window for code, channel in channels.items()}
    return {code: window for code, window in windows.items() if window is not None}


def notify_url(*, base_url: str, code: str) -> str:
    """Return where a channel sends its messages."""
    return f"{base_url}/api/v1/notify/{code}"


def _configured(path: Path, code: str, table: object, base_url: str) -> Channel:
    kind = KINDS.get(code)
    if kind is None or not isinstance(table, dict):
        known = ", ".join(KINDS)
        raise ChannelsNotUsable(f"ANKA_CHANNELS_FILE: {path} has {code!r}, which is no table of a channel ({known}); nothing was started.")
    try:
        settings = kind.read(table, path.parent)
    except (OSError, ValueError) as reason:
        raise ChannelsNotUsable(f"ANKA_CHANNELS_FILE: [{code}] in {path}: {_one_line(reason)}; nothing was started.") from reason
    return kind.build(settings=settings, notify_url=notify_url(base_url=base_url, code=code))


def _one_line(reason: BaseException) -> str:
    return " ".join(str(reason).split()).rstrip(".") or type(reason).__name__
