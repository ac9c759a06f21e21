"""The file that names an installation's channels: read whole, in its order, or refused in one line that says what is wrong."""

from datetime import timedelta
from pathlib import Path

import pytest

from anka.adapters.channels import configured
from anka.adapters.channels.configured import ChannelsNotUsable, read_channels, refund_windows, sandbox_channels
from anka.adapters.channels.sandbox import SandboxChannel
from anka.adapters.channels.sandbox_keys import Mode
from anka.cli.doctor import _channels
from anka.config.environment import EnvironmentNotUsable, read
from anka.web import words

BASE = "https://shop.example"
GOOD = """
[epay]
base_url = "https://pay.example"
pid = "1001"
key = "epay.key"
"""


def written(folder: Path, content: str) -> str:
    (folder / "epay.key").write_text("0123456789abcdef0123456789abcdef", encoding="utf-8")
    place = folder / "channels.toml"
    place.write_text(content, encoding="utf-8")
    return str(place)


def test_channels_are_read_by_their_code_with_keys_beside_the_file(tmp_path: Path) -> None:
    found = read_channels(place=written(tmp_path, GOOD), base_url=BASE)
    assert [(code, channel.code) for code, channel in found.items()] == [("epay", "epay")]
    assert read_channels(place="", base_url=BASE) == {}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("[epay\n", "cannot be read"),
        ("[paypal]\n", "'paypal'"),
        ("alipay = 1\n", "'alipay'"),
        (GOOD.replace("pid", "pidd"), "[epay]"),
        (GOOD.replace("epay.key", "gone.key"), "[epay]"),
        ("[alipay]\n", "[alipay]"),
        ("[wechat]\n", "[wechat]"),
        ("[epay_v2]\n", "[epay_v2]"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(tmp_path: Path, content: str, told: str) -> None:
    with pytest.raises(ChannelsNotUsable) as refused:
        read_channels(place=written(tmp_path, content), base_url=BASE)
    said = str(refused.value)
    assert told in said
    assert said.startswith("ANKA_CHANNELS_FILE: ")
    assert said.endswith("nothing was started.")
    assert "\n" not in said


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ChannelsNotUsable, match=r"nowhere\.toml cannot be read"):
        read_channels(place=str(tmp_path / "nowhere.toml"), base_url=BASE)


def test_the_sandbox_plays_what_it_speaks_with_keys_of_its_own(tmp_path: Path) -> None:
    played, wrong = sandbox_channels(codes=["epay", "sandbox"], home=tmp_path, gateway_url="http://127.0.0.1:8001", base_url=BASE)
    assert (list(played), wrong) == (["epay"], {})
    (tmp_path / "sandbox" / "channels" / "epay.json").write_text("{", encoding="utf-8")
    played, wrong = sandbox_channels(codes=["epay"], home=tmp_path, gateway_url="http://127.0.0.1:8001", base_url=BASE)
    assert (list(played), list(wrong)) == ([], ["epay"])


def test_every_channel_tells_how_long_it_takes_refunds(tmp_path: Path) -> None:
    """A window in the file that nobody asked about would promise refunds that the channel refuses."""
    played, _wrong = sandbox_channels(codes=configured.KINDS, home=tmp_path, gateway_url="http://127.0.0.1:8001", base_url=BASE)
    own = SandboxChannel(mode=Mode.SANDBOX, home=tmp_path, base_url=BASE, notify_url=BASE)
    assert {code: window.days for code, window in refund_windows(channels={"sandbox": own, **played}).items()} == {
        "alipay": 90,
        "wechat": 365,
        "epay": 90,
        "epay_v2": 90,
        "stripe": 180,
    }
    told = read_channels(place=written(tmp_path, f"{GOOD}refund_window_days = 7\n"), base_url=BASE)
    assert refund_windows(channels=told) == {"epay": timedelta(days=7)}


def test_pretended_and_real_channels_are_not_mixed() -> None:
    assert read({"ANKA_SANDBOX": "1"}).channels == ""
    with pytest.raises(EnvironmentNotUsable, match="ANKA_CHANNELS_FILE"):
        read({"ANKA_SANDBOX": "1", "ANKA_CHANNELS_FILE": "/etc/anka/channels.toml"})


def test_the_doctor_says_which_channels_there_are_and_what_is_wrong_with_them(tmp_path: Path) -> None:
    production = {"ANKA_SECRET_KEY": "x" * 40, "ANKA_KEYRING": "k", "ANKA_BASE_URL": BASE, "ANKA_HOME": str(tmp_path)}
    assert "only the wallet" in _channels(read(production)).found
    good = _channels(read({**production, "ANKA_CHANNELS_FILE": written(tmp_path, GOOD)}))
    assert (good.found, good.mend) == ("epay; their keys can be read", "")
    (tmp_path / "epay.key").unlink()
    bad = _channels(read({**production, "ANKA_CHANNELS_FILE": str(tmp_path / "channels.toml")}))
    assert "[epay]" in bad.found
    assert bad.mend


def test_every_channel_that_can_be_configured_has_a_name_for_people() -> None:

    assert {code for code in configured.KINDS if words.channel(code) == code} == set()
