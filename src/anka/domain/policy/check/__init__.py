"""The proof that a table of rules keeps what it must keep, over the whole space of possible facts: `check`."""

from anka.domain.policy.check.checker import check
from anka.domain.policy.check.regions import TooTangled
from anka.domain.policy.check.report import PROPERTIES, Finding, Overlap, Report, Unreachable, short_facts

__all__ = ["PROPERTIES", "Finding", "Overlap", "Report", "TooTangled", "Unreachable", "check", "short_facts"]
