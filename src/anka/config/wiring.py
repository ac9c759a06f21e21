"""The composition root: joins ports to adapters once per process, as the environment says."""

import logging
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from anka.adapters.channels import configured
from anka.adapters.channels.port import Channel
from anka.adapters.channels.sandbox import SandboxChannel
from anka.adapters.channels.sandbox_keys import Mode
from anka.adapters.issuers.file import read_issuers
from anka.adapters.issuers.sandbox import SandboxIssuer
from anka.adapters.keyring import file as keyring_file
from anka.config.environment import Environment, EnvironmentNotUsable
from anka.core import clock
from anka.domain.working_days import CALENDAR, BadCalendar, Calendar, read_calendar
from anka.jobs import condition, keys
from anka.jobs.channels import channels
from anka.jobs.issuers import issuers
from anka.payments.arrangements import arrange
from anka.sandbox import clock as sandbox_clock
from anka.sandbox.protocols import PROTOCOLS

log = logging.getLogger("anka.wiring")


def wire(environment: Environment) -> None:
    """Plug clock, keyring, channels and issuers in. Harmless to repeat.

    Raises:
        EnvironmentNotUsable: a channel cannot be used as it is configured.
    """
    condition.unusable_keyring = (keyring_file.KeyringNotUsable,)
    if environment.sandbox:
        clock.offset = lambda: sandbox_clock.offset(home=environment.home)
        clock.set_now = lambda at: _move(environment, at)
        keys.keyring = keyring_file.FollowedKeyring(
            place_of_keyring(environment), lambda: keyring_file.make_sandbox_keyring(home=environment.home)
        )
        gateway = urlsplit(environment.gateway_url)
        condition.gateway = (gateway.hostname or "", gateway.port or 80)
        channels["sandbox"] = SandboxChannel(
            mode=Mode.SANDBOX,
            home=environment.home,
            base_url=environment.gateway_url,
            notify_url=configured.notify_url(base_url=environment.base_url, code="sandbox"),
        )
        channels.update(_played_channels(environment))
        issuers["sandbox"] = SandboxIssuer(mode=Mode.SANDBOX, home=environment.home, base_url=environment.gateway_url)
    else:
        keys.keyring = keyring_file.FollowedKeyring(place_of_keyring(environment))
        issuers.update(read_issuers(place=environment.issuers))
        channels.update(_real_channels(environment))
    arrange(windows=configured.refund_windows(channels=channels), calendar=_calendar(environment))


def _calendar(environment: Environment) -> Calendar:
    if not environment.holidays:
        return CALENDAR
    try:
        return read_calendar(text=Path(environment.holidays).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, BadCalendar) as reason:
        raise EnvironmentNotUsable(f"ANKA_HOLIDAYS_FILE cannot be used: {reason}") from reason


def _played_channels(environment: Environment) -> dict[str, Channel]:
    """Return every channel whose protocol the gateway speaks. One that cannot be played is left out, and told."""
    played, wrong = configured.sandbox_channels(
        codes=PROTOCOLS, home=environment.home, gateway_url=environment.gateway_url, base_url=environment.base_url
    )
    for code, reason in wrong.items():
        log.warning("the sandbox plays no %s: %s", code, reason)
    return played


def _real_channels(environment: Environment) -> dict[str, Channel]:
    try:
        return configured.read_channels(place=environment.channels, base_url=environment.base_url)
    except configured.ChannelsNotUsable as reason:
        raise EnvironmentNotUsable(str(reason)) from reason


def _move(environment: Environment, at: datetime) -> None:
    """Move the sandbox clock, which never goes backwards: a moment that has passed meanwhile is no error."""
    real = datetime.now(UTC)
    if at > real + sandbox_clock.offset(home=environment.home):
        sandbox_clock.set_now(home=environment.home, at=at, real_now=real)


def place_of_keyring(environment: Environment) -> str:
    """Return where the keyring of this installation is: a path, or the keyring itself."""
    return str(environment.home / "keyring.json") if environment.sandbox else environment.keyring
