"""The rules an order is judged by: those in force when it was placed, kept for ever."""

import json
from datetime import datetime
from functools import lru_cache

from anka.core import database
from anka.core.refusals import NotFound
from anka.domain.policy.table import RuleSet, default_rules, parse_rules
from anka.policies.queries import version_in_force


def rules_in_force(*, at: datetime) -> RuleSet:
    """Return the rules that an order placed at this moment is judged by.

    Raises:
        NotFound: no rules were in force yet.
    """
    return rules_of(version=version_in_force(at=at))


def rules_of(*, version: str) -> RuleSet:
    """Return the rules of a version that was in force at some time.

    Raises:
        NotFound: there never was such a version here.
    """
    if version == default_rules().version:
        return default_rules()
    return _kept(version)


@lru_cache(maxsize=64)
def _kept(version: str) -> RuleSet:
    texts = database.value("SELECT texts::text FROM orders_policy WHERE version = %s", (version,))
    if texts is None:
        raise NotFound
    return parse_rules(texts=json.loads(texts))


def versions() -> list[tuple[str, datetime]]:
    """Return every version with the moment it was published, newest first."""
    return [(version, at) for version, at in database.rows("SELECT version, published_at FROM orders_policy ORDER BY published_at DESC")]
