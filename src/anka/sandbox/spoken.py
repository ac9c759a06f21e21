"""The protocols of one running gateway: made at their first use, so that one that cannot be made stops nobody else."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping

from anka.sandbox.exchange import Refused
from anka.sandbox.protocols import Factory
from anka.sandbox.protocols.base import Protocol, Setup

log = logging.getLogger(__name__)


class ProtocolNotSpoken(Refused):
    """The gateway does not know this protocol, or could not get it ready."""

    code = "protocol_not_spoken"
    status = 404


class Spoken:
    """The protocols by code; their addresses begin with a slash and the code, those of the sandbox's own with /api."""

    def __init__(self, *, factories: Mapping[str, Factory], setup: Callable[[str], Setup]) -> None:
        self._factories = factories
        self._setup = setup
        self._made: dict[str, Protocol] = {}
        self._lock = threading.Lock()

    def named(self, code: str) -> Protocol:
        """Return the protocol of a channel. Raises ProtocolNotSpoken."""
        with self._lock:
            if code not in self._made:
                self._made[code] = self._make(code)
            return self._made[code]

    def at(self, path: str) -> Protocol | None:
        """Return the protocol whose address this is, or None. Raises ProtocolNotSpoken where it cannot be made."""
        first = path.split("/")[1] if path.startswith("/") else ""
        code = "sandbox" if first == "api" else first
        return self.named(code) if code in self._factories and (code != first or code != "sandbox") else None

    def _make(self, code: str) -> Protocol:
        factory = self._factories.get(code)
        if factory is None:
            raise ProtocolNotSpoken(f"The sandbox does not speak the protocol {code!r}.")
        try:
            return factory(self._setup(code))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as reason:
            log.warning("The sandbox cannot speak the protocol %s: %s", code, reason)
            raise ProtocolNotSpoken(f"The sandbox cannot speak the protocol {code!r} now; its log says why.") from reason
