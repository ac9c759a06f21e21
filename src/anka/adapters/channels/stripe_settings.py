"""What an installation needs to speak with Stripe: the secret key and the secrets of its webhook, configured or made for the sandbox."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from anka.adapters.channels.pretended_keys import pretended_keys

BASE_URL = "https://api.stripe.com"
REFUND_WINDOW_DAYS = 180
_ADDRESS = re.compile(r"https://[^\s/?#]+|http://(127\.0\.0\.1|localhost)(:\d+)?")
_SECRET_KEY = re.compile(r"(sk|rk)_(live|test)_[A-Za-z0-9]{10,}")
_WEBHOOK_SECRET = re.compile(r"whsec_[A-Za-z0-9+/=]{10,}")
_KNOWN = frozenset({"secret_key", "webhook_secrets", "base_url", "refund_window_days"})


@dataclass(frozen=True, slots=True, kw_only=True)
class StripeSettings:
    """One account at Stripe. More than one of `webhook_secrets` is in use while one is exchanged for another."""

    secret_key: str = field(repr=False)
    webhook_secrets: tuple[str, ...] = field(repr=False)
    base_url: str = BASE_URL
    refund_window: timedelta = timedelta(days=REFUND_WINDOW_DAYS)

    @property
    def is_live(self) -> bool:
        """Whether real money moves."""
        return "_live_" in self.secret_key

    @classmethod
    def read(cls, table: Mapping[str, object], folder: Path) -> StripeSettings:
        """Return the settings in a table of a configuration file, whose places of keys are relative to `folder`.

        Raises:
            ValueError: with what is wrong, in one line.
        """
        unknown = sorted(set(table) - _KNOWN)
        if unknown:
            raise ValueError(f"{unknown[0]!r} is not a setting; there are {', '.join(sorted(_KNOWN))}")
        base_url, days = table.get("base_url", BASE_URL), table.get("refund_window_days", REFUND_WINDOW_DAYS)
        places = table.get("webhook_secrets")
        if not isinstance(base_url, str) or not _ADDRESS.fullmatch(base_url.rstrip("/")):
            raise ValueError("base_url is an https address without a path")
        if type(days) is not int or not 1 <= days <= 365:
            raise ValueError("refund_window_days is a number of days from 1 to 365")
        if not isinstance(places, list) or not 1 <= len(places) <= 4:
            raise ValueError('webhook_secrets names one to four files, as in ["stripe-webhook.key"]')
        return cls(
            secret_key=_secret(folder, table.get("secret_key"), "secret_key", _SECRET_KEY),
            webhook_secrets=tuple(_secret(folder, place, "webhook_secrets", _WEBHOOK_SECRET) for place in places),
            base_url=base_url.rstrip("/"),
            refund_window=timedelta(days=days),
        )


def sandbox_settings(home: Path, base_url: str) -> StripeSettings:
    """Return the settings for the sandbox at `base_url`, with the keys in `home`/sandbox/channels/stripe.json (mode 0600)."""
    told = pretended_keys(
        home=home,
        channel="stripe",
        make={"secret_key": lambda: f"sk_test_{secrets.token_hex(24)}", "webhook_secret": lambda: f"whsec_{secrets.token_hex(24)}"},
    )
    return StripeSettings(secret_key=told["secret_key"], webhook_secrets=(told["webhook_secret"],), base_url=base_url)


def _secret(folder: Path, place: object, name: str, shape: re.Pattern[str]) -> str:
    if not isinstance(place, str) or not place:
        raise ValueError(f"{name} names a file")
    try:
        content = (folder / place).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as reason:
        raise ValueError(f"{name}: {place} cannot be read ({type(reason).__name__})") from reason
    if not shape.fullmatch(content):
        raise ValueError(f"{name}: {place} does not hold what Stripe calls so")
    return content
