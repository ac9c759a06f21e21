"""What a visitor sits in front of, as far as the browser says. A guess that chooses between ways to the same cashier, nothing more."""

import re

from anka.adapters.channels.port import Device

_WECHAT = re.compile(r"MicroMessenger/", re.IGNORECASE)
_MOBILE = re.compile(r"Mobile|Android|iPhone|iPad|iPod|HarmonyOS|Windows Phone", re.IGNORECASE)
# A browser inside WeChat on a desk has no way to pay within WeChat.
_DESK = re.compile(r"WindowsWechat|MacWechat", re.IGNORECASE)
LONGEST = 1_000


def device_of(*, user_agent: str) -> Device:
    """Return where somebody with this User-Agent sits: at a desk where nothing else is said."""
    said = user_agent[:LONGEST]
    if _WECHAT.search(said) and not _DESK.search(said):
        return "wechat"
    return "mobile" if _MOBILE.search(said) else "desktop"
