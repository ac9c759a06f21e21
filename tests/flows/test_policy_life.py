"""The life of rules: drafted, checked, tried on the past, announced, in force, replaced; and what is refused on the way."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from anka.core import database as door
from anka.core.refusals import NotFound, NotPermitted
from anka.domain.policy.table import default_rules
from anka.flows.edit_policy import discard_policy, edit_policy
from anka.flows.publish_policy import approve_policy, withdraw_policy
from anka.orders.policies import rules_in_force, rules_of
from anka.policies import queries
from tests.builders import a_key, a_placed_order, at
from tests.builders.policies import a_draft, a_ready_draft, a_staff_actor, new_texts, publish, run


def statuses(when: float) -> list[str]:
    return [publication.status.value for publication in queries.publications(at=at(days=when).now)]


def test_from_a_draft_to_the_archive(fresh_database: object) -> None:
    first = default_rules().version
    drafted = a_ready_draft()
    version = publish(drafted, at(days=8))
    assert drafted.now.status == "published"
    assert statuses(0) == ["announced", "in_force"]
    assert statuses(9) == ["in_force", "archived"]
    assert rules_in_force(at=at(days=7).now).version == first
    assert rules_in_force(at=at(days=8).now).version == version
    assert rules_of(version=version).texts == drafted.now.texts
    assert a_placed_order(when=at(days=7)).state.policy_version == first
    assert a_placed_order(when=at(days=8)).state.policy_version == version
    steps = [event.what for event in queries.history(draft_id=drafted.now.id)]
    asked = ["policy_run_asked", "policy_run_done"]
    assert steps[::-1] == ["policy_drafted", *asked, *asked, "policy_published"]
