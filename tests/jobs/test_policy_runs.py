"""The worker checks drafts and tries them on the past: what it finds is kept with the draft, and opens or bars the way to publishing."""

from datetime import timedelta

import pytest

from anka.cli import demo_rules
from anka.core.clock import Moment, moment
from anka.core.refusals import NotFound
from anka.domain.policy.table import default_rules, default_texts, parse_rules
from anka.flows.appoint_staff import appoint_staff
from anka.flows.edit_policy import edit_policy
from anka.flows.run_policy import ask_for_run
from anka.flows.sign_up import sign_up
from anka.jobs import policy_runs, sweeps
from anka.orders.policies import rules_in_force
from anka.policies import queries
from tests import builders
from tests.builders import OPERATOR, a_key, at
from tests.builders.policies import Drafted, a_draft, new_texts, publish
from tests.databases import Database


def worked_off(drafted: Drafted, kind: str, *, days: int = 30, when: Moment | None = None) -> Drafted:
    """Ask for a run and let the worker do what is due."""
    now = when or at(1)
    ask_for_run(actor=drafted.admin, number=drafted.number, kind=kind, days=days, request=a_key(drafted.admin), at=now)
    sweeps.work_off(at=now)
    return drafted


def changed(old: str, new: str) -> dict[str, str]:
    """The default rules with something replaced."""
    texts = {name: text.replace(old, new) for name, text in default_texts().items()}
    assert parse_rules(texts=texts).version != default_rules().version
    return texts


def test_from_a_draft_to_an_announcement_by_the_worker(clean_rules: Database) -> None:
    case = builders.a_cancelled_order()
    drafted = worked_off(a_draft(texts=changed('id = "sealed"', 'id = "sealed-anew"')), "check")
    check = drafted.now.check
    assert check is not None
    assert (check.status, check.passed, check.against) == ("done", True, default_rules().version)
    assert check.result is not None
    known = [[finding["property"], finding["rule"]] for finding in check.result["report"]["findings"]]
    assert (check.result["known"], check.result["new"]) == (known, [])
    worked_off(drafted, "backtest", when=at(days=1))
    tried = drafted.now.backtest
    assert tried is not None
    assert tried.result is not None
    report = tried.result["report"]
    assert (drafted.now.status, tried.days, report["looked_at"] >= 1) == ("backtested", 30, True)
    assert case.number in [example["order"] for example in report["examples"]]
    version = publish(drafted, at(days=9), when=at(days=1))
    assert [finding["property"] for finding in queries.publication(version=version, at=at().now).findings] == [one for one, _ in known]


def test_a_check_that_finds_something_new_bars_the_way(clean_rules: Database) -> None:
    """The last rule answers whatever no other does; without it there is a gap."""
    last = max(default_rules().rules, key=lambda rule: rule.position)
    drafted = a_draft(texts=without(last.id))
    worked_off(drafted, "check")
    check = drafted.now.check
    assert check is not None
    assert check.result is not None
    assert (drafted.now.status, check.passed) == ("draft", False)
    assert any(number == 1 for number, _rule in check.result["new"])
    assert [number for number, _rule in check.result["known"]] != []


def without(rule: str) -> dict[str, str]:
    """The default rules without one of them."""
    texts = dict(default_texts())
    for name, text in texts.items():
        head, *tables = text.split("[[rule]]")
        texts[name] = "[[rule]]".join([head, *(table for table in tables if f'id = "{rule}"' not in table)])
    return texts


def test_a_compensation_does_not_bar_the_way(clean_rules: Database) -> None:
    texts = new_texts()
    name = next(name for name, text in texts.items() if "[[rule]]" in text)
    texts[name] = texts[name].replace("[[rule]]", "[[rule]]\ncompensation_minor = 800", 1)
    drafted = worked_off(a_draft(texts=texts), "check")
    check = drafted.now.check
    assert check is not None
    assert (drafted.now.status, check.passed) == ("checked", True)


def test_texts_that_were_edited_meanwhile_are_not_looked_at(clean_rules: Database) -> None:
    drafted = a_draft()
    by = drafted.admin
    asked = ask_for_run(actor=by, number=drafted.number, kind="check", days=0, request=a_key(by), at=at())
    edit_policy(actor=by, number=drafted.number, revision=1, texts=new_texts(), request=a_key(by), at=at())
    sweeps.work_off(at=at(1))
    assert queries.run(run_id=asked).run.failure == "draft_changed"
    assert drafted.now.status == "draft"


def test_a_run_is_carried_out_once_however_often_the_worker_comes(clean_rules: Database) -> None:
    drafted = worked_off(a_draft(), "check")
    before = queries.history(draft_id=drafted.now.id)
    check = drafted.now.check
    assert check is not None
    assert policy_runs.pursue(subject=str(check.id), at=at(5)) is None
    assert queries.history(draft_id=drafted.now.id) == before
    with pytest.raises(NotFound):
        policy_runs.pursue(subject="999999", at=at())


def test_the_demo_announces_its_next_rules_once(clean_rules: Database) -> None:
    person = sign_up(username="admin1", display_name="Admin", language="en", password_hash="!", at=at())
    appoint_staff(actor=OPERATOR, person_id=person, role="admin")
    for _again in range(2):
        demo_rules.announce()
    now = moment().now
    announced, in_force = queries.publications(at=now)
    assert (announced.status, in_force.status) == ("announced", "in_force")
    next_rules = rules_in_force(at=now + timedelta(days=15))
    clocks = [{rule.id: rule.clock for rule in rules.rules}["accepted"][0][1] for rules in (default_rules(), next_rules)]
    assert clocks == [120, 60]
