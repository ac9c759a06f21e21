"""The environment: every setting of an installation, read once from ANKA_… variables and checked with a clear message."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from anka.domain.funds_mode import FundsMode

SANDBOX_SECRET = "sandbox-only-secret-that-production-refuses"  # noqa: S105  not a secret: production refuses it


class EnvironmentNotUsable(Exception):
    """A variable is missing, malformed, or two of them contradict each other."""

    code, status = "environment_not_usable", 500


@dataclass(frozen=True, slots=True)
class Environment:
    """What the operator decided.

    `base_url` is how people reach this installation; `sandbox` switches the gateway, the movable clock and the demo on;
    `gateway_url` is where the sandbox gateway listens; `issuers` names the file of the issuers that can be asked about keys,
    `channels` that of the payment channels, `holidays` that of the days banks are closed (empty: what the package knows);
    `funds_mode` tells in whose hands the money is.
    """

    home: Path
    database_url: str
    secret_key: str
    keyring: str
    base_url: str
    sandbox: bool
    gateway_url: str
    log_format: str
    metrics_token: str = ""
    issuers: str = ""
    channels: str = ""
    holidays: str = ""
    funds_mode: str = FundsMode.SELF_HELD
    languages: tuple[str, ...] = ("zh-hans", "en")

    @property
    def secure(self) -> bool:
        """Tell whether people reach us over TLS; cookies follow."""
        return self.base_url.startswith("https://")


def read(variables: Mapping[str, str] | None = None) -> Environment:
    """Return the checked environment.

    Raises:
        EnvironmentNotUsable: with the variable's name and what to do.
    """
    given = os.environ if variables is None else variables
    sandbox = given.get("ANKA_SANDBOX", "") == "1"
    environment = Environment(
        home=home_of(given),
        database_url=given.get("ANKA_DATABASE_URL", ""),
        secret_key=given.get("ANKA_SECRET_KEY") or (SANDBOX_SECRET if sandbox else ""),
        keyring=given.get("ANKA_KEYRING", ""),
        base_url=(given.get("ANKA_BASE_URL") or f"http://127.0.0.1:{given.get('ANKA_PORT') or 8000}").rstrip("/"),
        sandbox=sandbox,
        gateway_url=(given.get("ANKA_GATEWAY_URL") or "http://127.0.0.1:8001").rstrip("/"),
        log_format=given.get("ANKA_LOG_FORMAT") or "text",
        metrics_token=given.get("ANKA_METRICS_TOKEN", ""),
        issuers=given.get("ANKA_ISSUERS", ""),
        channels=given.get("ANKA_CHANNELS_FILE", ""),
        holidays=given.get("ANKA_HOLIDAYS_FILE", ""),
        funds_mode=given.get("ANKA_FUNDS_MODE") or FundsMode.SELF_HELD,
    )
    _check(environment, given)
    return environment


def looks_after_a_sandbox(variables: Mapping[str, str]) -> bool:
    """Tell whether the data folder is a sandbox's and nothing says otherwise.

    Commands that look after data (audit, doctor, import-keys) use this, so that they work beside `make demo` without a variable. What
    takes money (web, worker) never does: there the sandbox is off unless ANKA_SANDBOX=1.
    """
    silent = not any(variables.get(name) for name in ("ANKA_SANDBOX", "ANKA_SECRET_KEY", "ANKA_KEYRING", "ANKA_PRODUCTION"))
    return silent and (home_of(variables) / "sandbox").is_dir()


def home_of(variables: Mapping[str, str]) -> Path:
    """Return the data folder: ANKA_HOME, or .anka in the working directory."""
    return Path(variables.get("ANKA_HOME") or Path.cwd() / ".anka").expanduser().absolute()


def _check(environment: Environment, given: Mapping[str, str]) -> None:
    parts = urlsplit(environment.base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise EnvironmentNotUsable("ANKA_BASE_URL must be an http or https address such as https://shop.example; nothing was started.")
    if environment.log_format not in ("text", "json"):
        raise EnvironmentNotUsable("ANKA_LOG_FORMAT must be text or json; nothing was started.")
    if environment.metrics_token and (len(environment.metrics_token) < 20 or not environment.metrics_token.isascii()):
        raise EnvironmentNotUsable("ANKA_METRICS_TOKEN must be at least 20 ASCII characters, or not set at all; nothing was started.")
    if environment.funds_mode not in list(FundsMode):
        raise EnvironmentNotUsable(f"ANKA_FUNDS_MODE must be {' or '.join(FundsMode)}; nothing was started.")
    if given.get("ANKA_ACCESS_LOG", "") not in ("", "0", "1"):
        raise EnvironmentNotUsable("ANKA_ACCESS_LOG must be 1 or 0; nothing was started.")
    if given.get("ANKA_SANDBOX", "") not in ("", "0", "1"):
        raise EnvironmentNotUsable("ANKA_SANDBOX must be 1 or 0; nothing was started.")
    if environment.sandbox:
        _check_sandbox(environment, given)
    else:
        _check_production(environment, given)


def _check_sandbox(environment: Environment, given: Mapping[str, str]) -> None:
    if given.get("ANKA_PRODUCTION") == "1" or environment.secure:
        raise EnvironmentNotUsable(
            "ANKA_SANDBOX=1 together with production settings (an https ANKA_BASE_URL or ANKA_PRODUCTION=1) is refused: the sandbox "
            "makes payments up. Unset one of the two; nothing was started."
        )
    if environment.channels:
        raise EnvironmentNotUsable(
            "ANKA_SANDBOX=1 together with ANKA_CHANNELS_FILE is refused: the sandbox pretends its channels, the file names real ones. "
            "Unset one of the two; nothing was started."
        )


def _check_production(environment: Environment, given: Mapping[str, str]) -> None:
    if len(environment.secret_key) < 32 or environment.secret_key == SANDBOX_SECRET:
        raise EnvironmentNotUsable(
            "ANKA_SECRET_KEY must be at least 32 characters of your own (to try Anka out set ANKA_SANDBOX=1); nothing was started."
        )
    if not environment.keyring:
        raise EnvironmentNotUsable("ANKA_KEYRING must name the file that holds the key-encryption keys; nothing was started.")
    if not environment.secure and given.get("ANKA_PLAIN_HTTP") != "1":
        raise EnvironmentNotUsable(
            "ANKA_BASE_URL must begin with https (TLS ends at your proxy), or set ANKA_PLAIN_HTTP=1 if you know that nobody "
            "can listen; nothing was started."
        )
