"""Where a visitor sits, as browsers say it."""

import pytest

from anka.web.devices import device_of

PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148"
ANDROID = "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Mobile Safari/537.36"
DESK = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36"


@pytest.mark.parametrize(
    ("user_agent", "device"),
    [
        (PHONE, "mobile"),
        (ANDROID, "mobile"),
        (f"{PHONE} MicroMessenger/8.0.50(0x18003237) NetType/WIFI Language/zh_CN", "wechat"),
        (f"{ANDROID} XWEB/1160083 MMWEBSDK/20240404 MicroMessenger/8.0.49", "wechat"),
        (f"{DESK} MicroMessenger/7.0.20.1781(0x6700143B) WindowsWechat(0x63090a13) XWEB/9185", "desktop"),
        (DESK, "desktop"),
        ("", "desktop"),
        ("curl/8.5.0", "desktop"),
        ("x" * 100_000 + "Mobile", "desktop"),
    ],
)
def test_the_device_is_read_from_what_the_browser_says(user_agent: str, device: str) -> None:
    assert device_of(user_agent=user_agent) == device
