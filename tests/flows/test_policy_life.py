"""The life of rules: drafted, checked, tried on the past, announced, in force, replaced; and what is refused on the way."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from anka.core import database as door
from anka.core.actors import Actor, ActorKind
from anka.core.idempotency import AlreadyDone, IdempotencyConflict
from anka.core.refusals import BadInput, NotFound, NotPermitted, Refusal
from anka.domain.policy.files import MOST_CHARACTERS
from anka.domain.policy.table import default_rules
from anka.domain.policy_states import DraftStatus
from anka.flows.draft_policy import draft_policy
from anka.flows.edit_policy import DraftChanged, discard_policy, edit_policy
from anka.flows.publish_policy import approve_policy, publish_policy, withdraw_policy
from anka.flows.run_policy import CheckFirst, RunResult, ask_for_run, record_run
from anka.flows.steps import announcing
from anka.flows.steps.policy_desk import BadRuleTable, DraftClosed
from anka.orders.policies import rules_in_force, rules_of
from anka.policies import queries
from tests import builders
from tests.builders import a_key, a_person, a_placed_order, at
from tests.builders.policies import Drafted, a_draft, a_ready_draft, a_staff_actor, new_texts, publish, run
from tests.databases import Database

COMPENSATING = "\ncompensation_minor = 800\n"
TABLES = ("policies_draft", "policies_run", "policies_publication", "policies_withdrawal", "orders_policy", "core_event", "core_request")


def everything() -> list[object]:
    """What is written anywhere about rules, to see that nothing has changed."""
    return [door.rows(f"SELECT to_jsonb(one)::text FROM {table} AS one ORDER BY 1") for table in TABLES]


def statuses(when: float) -> list[str]:
    return [publication.status.value for publication in queries.publications(at=at(days=when).now)]


def edit(drafted: Drafted, texts: dict[str, str], *, revision: int | None = None, by: Actor | None = None) -> int:
    actor = by or drafted.admin
    seen = drafted.now.revision if revision is None else revision
    return edit_policy(actor=actor, number=drafted.number, revision=seen, texts=texts, request=a_key(actor), at=at())


def approve(drafted: Drafted, by: Actor, *, when: float = 1) -> str:
    return approve_policy(actor=by, number=drafted.number, request=a_key(by), at=at(when))


def test_nobody_agrees_to_a_date_they_have_not_read(clean_rules: Database) -> None:
    drafted, second = a_ready_draft(), a_staff_actor()
    publish(drafted, at(days=1), reason="Prices have doubled.")
    read = drafted.now.seen
    publish(drafted, at(hours=1), reason="Prices have doubled.")
    before = everything()
    with pytest.raises(announcing.SeenOtherwise):
        approve_policy(actor=second, number=drafted.number, seen=read, request=a_key(second), at=at(1))
    assert everything() == before
    approve_policy(actor=second, number=drafted.number, seen=drafted.now.seen, request=a_key(second), at=at(1))
    assert drafted.now.status == "published"


def withdraw(version: str, by: Actor, *, when: float = 1, reason: str = "A slip of the pen.") -> str:
    return withdraw_policy(actor=by, version=version, reason=reason, request=a_key(by), at=at(days=when))


def test_from_a_draft_to_the_archive(clean_rules: Database) -> None:
    first = default_rules().version
    drafted = a_ready_draft()
    version = publish(drafted, at(days=8))
    assert drafted.now.status == "published"
    assert statuses(0) == ["announced", "in_force"]
    assert statuses(9) == ["in_force", "archived"]
    assert queries.publication(version=first, at=at().now).until == at(days=8).now
    assert rules_in_force(at=at(days=7).now).version == first
    assert rules_in_force(at=at(days=8).now).version == version
    assert rules_of(version=version).texts == drafted.now.texts
    assert a_placed_order(when=at(days=7)).state.policy_version == first
    assert a_placed_order(when=at(days=8)).state.policy_version == version
    asked = ["policy_run_asked", "policy_run_done"]
    steps = [event.what for event in queries.history(draft_id=drafted.now.id)]
    assert steps[::-1] == ["policy_drafted", *asked, *asked, "policy_published"]


def test_an_edit_begins_anew_and_says_what_it_changed(clean_rules: Database) -> None:
    drafted = a_ready_draft()
    texts = {name: text.replace('id = "sealed-late"', 'id = "sealed-later"') for name, text in new_texts().items()}
    assert edit(drafted, texts) == 2
    now = drafted.now
    assert (now.status, now.check, now.backtest, now.texts) == ("draft", None, None, texts)
    told = queries.history(draft_id=now.id)[0].details
    assert (told["added"], told["removed"], told["changed"]) == (["sealed-later"], ["sealed-late"], [])
    with pytest.raises(announcing.DraftNotReady):
        publish(drafted, at(days=8))


def test_nobody_overwrites_what_they_have_not_seen() -> None:
    drafted = a_draft()
    edit(drafted, new_texts())
    before = everything()
    with pytest.raises(DraftChanged):
        edit(drafted, new_texts(), revision=1)
    assert everything() == before


def test_a_short_notice_needs_a_reason_and_somebody_else(clean_rules: Database) -> None:
    drafted, other = a_ready_draft(), a_staff_actor()
    with pytest.raises(announcing.ReasonNeeded):
        publish(drafted, at(days=6))
    version = publish(drafted, at(days=6), reason="A hole is used against buyers.")
    assert drafted.now.status == "submitted"
    assert statuses(7) == ["in_force"]
    with pytest.raises(announcing.SecondAdministratorNeeded):
        approve(drafted, drafted.admin)
    assert approve(drafted, other) == version
    found = queries.publication(version=version, at=at(days=6).now)
    assert (found.status, found.by_person, found.approved_by) == ("in_force", drafted.admin.person_id, other.person_id)
    assert found.reason == "A hole is used against buyers."


def test_what_was_submitted_can_be_asked_for_otherwise_and_an_edit_takes_it_back(clean_rules: Database) -> None:
    drafted, other = a_ready_draft(), a_staff_actor()
    publish(drafted, at(days=3), reason="Soon.")
    publish(drafted, at(days=4), reason="A day later.")
    waits = drafted.now.submission
    assert waits is not None
    assert (waits.in_force_from, waits.reason) == (at(days=4).now, "A day later.")
    edit(drafted, new_texts())
    assert drafted.now.submission is None
    with pytest.raises(announcing.NothingToApprove):
        approve(drafted, other)


@pytest.mark.parametrize(
    ("begins", "error"),
    [
        (at(9.99).now, announcing.NoticeTooShort),
        (at(-5).now, announcing.NoticeTooShort),
        (at(days=367).now, announcing.NoticeTooShort),
        (datetime.max.replace(tzinfo=at().now.tzinfo), announcing.NoticeTooShort),
        (at(days=8).now.replace(tzinfo=None), BadInput),
    ],
)
def test_ten_minutes_are_the_least_and_a_year_is_the_most(begins: datetime, error: type[Refusal]) -> None:
    drafted = a_ready_draft()
    before = everything()
    with pytest.raises(error):
        publish(drafted, replace(at(), now=begins), reason="Now!")
    assert everything() == before


def test_an_approval_that_comes_too_late_is_refused(clean_rules: Database) -> None:
    drafted = a_ready_draft()
    publish(drafted, at(30), reason="In half an hour.")
    with pytest.raises(announcing.NoticeTooShort):
        approve(drafted, a_staff_actor(), when=21)
    assert drafted.now.status == "submitted"


def test_rules_come_into_force_in_the_order_they_are_announced(clean_rules: Database) -> None:
    publish(a_ready_draft(), at(days=10))
    drafted = a_ready_draft()
    for begins in (at(days=10), at(days=9)):
        with pytest.raises(announcing.OthersComeLater):
            publish(drafted, begins)
    publish(drafted, at(days=11))
    assert statuses(12) == ["in_force", "archived", "archived"]


def test_the_same_rules_are_not_announced_twice_in_a_row_but_old_ones_may_come_back(clean_rules: Database) -> None:
    first, admin = default_rules().version, a_staff_actor()
    again = a_ready_draft(admin=admin, texts=dict(default_rules().texts))
    with pytest.raises(announcing.SameRules):
        publish(again, at(days=8))
    publish(a_ready_draft(), at(days=8))
    assert publish(again, at(days=9)) == first
    assert [rules_in_force(at=at(days=day).now).version == first for day in (7, 8, 9)] == [True, False, True]


def test_what_is_announced_can_be_withdrawn_until_it_counts_and_announced_anew(clean_rules: Database) -> None:
    drafted, other = a_ready_draft(), a_staff_actor()
    version = publish(drafted, at(days=8))
    with pytest.raises(BadInput):
        withdraw(version, other, reason="  ")
    assert withdraw(version, other) == version
    assert statuses(9) == ["withdrawn", "in_force"]
    with pytest.raises(announcing.AlreadyWithdrawn):
        withdraw(version, other)
    anew = a_ready_draft(texts=drafted.now.texts)
    assert publish(anew, at(days=8, hours=1)) == version
    with pytest.raises(announcing.RulesInForce):
        withdraw(version, other, when=9)
    with pytest.raises(announcing.RulesInForce):
        withdraw(default_rules().version, other)
    with pytest.raises(NotFound):
        withdraw("0123456789ab", other)


def test_a_compensation_that_rules_promise_is_paid_into_the_wallet(clean_rules: Database) -> None:
    """The shop has nothing yet, so the platform pays; the refund goes back the way the money came."""
    texts = {name: text.replace('id = "sealed"', 'id = "sealed"' + COMPENSATING) for name, text in new_texts().items()}
    publish(a_ready_draft(texts=texts), at(days=8))
    order = builders.a_sealed_order(quantity=2, when=at(days=9))
    (number,) = order.cancel(when=at(days=9))
    assert builders.wallet(order.buyer) == 1600
    assert (order.shop.balance("compensation"), order.shop.balance("refund_payable:sandbox")) == (1600, 20000)
    granted = "SELECT compensation_minor FROM cases_case WHERE number = %s"
    assert door.value(granted, (number,)) == 1600


def test_a_check_that_found_something_new_leads_nowhere(clean_rules: Database) -> None:
    drafted = a_draft()
    run(drafted, "check", finds=RunResult(against=default_rules().version, passed=False, result={"new": [[1, ""]]}))
    assert drafted.now.status == "draft"
    with pytest.raises(CheckFirst):
        run(drafted, "backtest")
    run(drafted, "check")
    run(drafted, "backtest")
    assert drafted.now.status == "backtested"
    run(drafted, "check", finds=RunResult(against=default_rules().version, passed=False, result={}))
    assert drafted.now.status == "draft"
    with pytest.raises(announcing.DraftNotReady):
        publish(drafted, at(days=8))


def test_a_check_against_rules_that_hold_no_longer_is_repeated(clean_rules: Database) -> None:
    drafted = a_ready_draft()
    publish(a_ready_draft(), at(days=8))
    with pytest.raises(announcing.CheckAgain):
        publish(drafted, at(days=20), when=at(days=9))
    run(drafted, "check", when=at(days=9))
    publish(drafted, at(days=20), when=at(days=9))


def test_what_a_run_finds_late_is_kept_and_moves_nothing() -> None:
    drafted = a_draft()
    asked = ask_for_run(actor=drafted.admin, number=drafted.number, kind="check", days=0, request=a_key(drafted.admin), at=at())
    again = ask_for_run(actor=drafted.admin, number=drafted.number, kind="check", days=0, request=a_key(drafted.admin), at=at())
    assert asked == again
    edit(drafted, new_texts())
    assert record_run(run_id=asked, result=RunResult(against="x", passed=True), at=at(1))
    assert (drafted.now.status, drafted.now.check) == ("draft", None)
    assert not record_run(run_id=asked, result=RunResult(failure="other"), at=at(2))
    assert queries.run(run_id=asked).run.passed


def test_a_run_that_failed_or_says_too_much_is_told_as_failed() -> None:
    for finds, failure in ((RunResult(failure="too_tangled"), "too_tangled"), (RunResult(result={"x": "x" * 10**6}), "result_too_large")):
        drafted = a_draft()
        run(drafted, "check", finds=finds)
        check = drafted.now.check
        assert check is not None
        assert (check.status, check.failure, check.passed, drafted.now.status) == ("failed", failure, None, "draft")


def test_a_closed_draft_is_left_alone(clean_rules: Database) -> None:
    discarded, published = a_draft(), a_ready_draft()
    assert discard_policy(actor=discarded.admin, number=discarded.number, request=a_key(discarded.admin), at=at()) == discarded.number
    publish(published, at(days=8))
    for drafted, status in ((discarded, DraftStatus.DISCARDED), (published, DraftStatus.PUBLISHED)):
        steps: tuple[Callable[[], object], ...] = (
            lambda drafted=drafted: edit(drafted, new_texts()),  # type: ignore[misc]
            lambda drafted=drafted: run(drafted, "check"),  # type: ignore[misc]
            lambda drafted=drafted: publish(drafted, at(days=9)),  # type: ignore[misc]
            lambda drafted=drafted: approve(drafted, a_staff_actor()),  # type: ignore[misc]
        )
        for step in steps:
            with pytest.raises(DraftClosed):
                step()
        assert drafted.now.status is status


PEOPLE: dict[str, tuple[Callable[[], Actor], type[Refusal]]] = {
    "a buyer": (lambda: Actor(kind=ActorKind.BUYER, person_id=a_person()), NotFound),
    "a person who is no staff": (lambda: Actor(kind=ActorKind.PLATFORM, person_id=a_person()), NotFound),
    "an administrator as a buyer": (lambda: replace(a_staff_actor(), kind=ActorKind.BUYER), NotFound),
    "an agent": (lambda: a_staff_actor("agent"), NotPermitted),
    "an arbiter": (lambda: a_staff_actor("arbiter"), NotPermitted),
    "somebody of finance": (lambda: a_staff_actor("finance"), NotPermitted),
    "nobody": (lambda: Actor(kind=ActorKind.PLATFORM), NotFound),
}


@pytest.mark.parametrize("who", PEOPLE)
def test_only_administrators_take_steps(who: str) -> None:
    make, refusal = PEOPLE[who]
    actor, drafted = make(), a_ready_draft()
    steps: list[Callable[[], Any]] = [
        lambda: draft_policy(actor=actor, title="Mine", base=None, texts=None, request=a_key(actor), at=at()),
        lambda: edit(drafted, new_texts(), by=actor),
        lambda: discard_policy(actor=actor, number=drafted.number, request=a_key(actor), at=at()),
        lambda: ask_for_run(actor=actor, number=drafted.number, kind="check", days=0, request=a_key(actor), at=at()),
        lambda: publish(replace(drafted, admin=actor), at(days=8)),
        lambda: approve(drafted, actor),
        lambda: withdraw(default_rules().version, actor),
    ]
    before = everything()
    for step in steps:
        with pytest.raises(refusal):
            step()
    assert everything() == before


BAD_TEXTS: dict[str, tuple[dict[str, str], type[Refusal]]] = {
    "no TOML": ({"a.toml": "[[rule]"}, BadRuleTable),
    "no rule": ({"a.toml": ""}, BadRuleTable),
    "no file": ({}, BadInput),
    "a path": ({"../a.toml": "x = 1"}, BadInput),
    "another ending": ({"a.txt": "x = 1"}, BadInput),
    "capital letters": ({"A.toml": "x = 1"}, BadInput),
    "full-width digits": ({"a１.toml": "x = 1"}, BadInput),
    "a line break in a name": ({"a.toml\n": "x = 1"}, BadInput),
    "too many files": ({f"a{number}.toml": "" for number in range(21)}, BadInput),
    "too much text": ({"a.toml": "#" * (MOST_CHARACTERS + 1)}, BadInput),
    "the character 0": ({"a.toml": "# \0"}, BadInput),
    "half a character": ({"a.toml": "# \ud800"}, BadInput),
    "too deep": ({"a.toml": "x = " + "[" * 5000 + "]" * 5000}, BadRuleTable),
    "not a number": ({"a.toml": "complaint_cap_minutes = nan\n" + "[[rule]]\n"}, BadRuleTable),
    "a number beyond all": ({"a.toml": "complaint_cap_minutes = 1e999\n[[rule]]\n"}, BadRuleTable),
    "a date that is none": ({"a.toml": "complaint_cap_minutes = 2026-99-99"}, BadRuleTable),
    "a broken placeholder": ({"a.toml": '[[rule]]\nposition = 1\nid = "a"\npattern = "refusal"\nzh = "{"\nen = "}"'}, BadRuleTable),
}


@pytest.mark.parametrize("which", BAD_TEXTS)
def test_bad_texts_change_nothing(which: str) -> None:
    texts, refusal = BAD_TEXTS[which]
    drafted = a_draft()
    before = everything()
    with pytest.raises(refusal):
        edit(drafted, texts)
    with pytest.raises(refusal):
        a_draft(admin=drafted.admin, texts=texts)
    assert everything() == before


@pytest.mark.parametrize("title", ["", "   ", "x" * 121, "a\nb", "\u202eevil"])
def test_a_title_is_one_short_line(title: str) -> None:
    admin = a_staff_actor()
    with pytest.raises(BadInput):
        draft_policy(actor=admin, title=title, base=None, texts=None, request=a_key(admin), at=at())


def test_bad_input_of_other_kinds_changes_nothing() -> None:
    drafted = a_ready_draft()
    admin, number = drafted.admin, drafted.number
    before = everything()
    for kind, days in (("guess", 1), ("backtest", 0), ("backtest", 367), ("backtest", -1), ("", 1)):
        with pytest.raises(BadInput):
            ask_for_run(actor=admin, number=number, kind=kind, days=days, request=a_key(admin), at=at())
    with pytest.raises(BadInput):
        draft_policy(actor=admin, title="From nowhere", base="0123456789ab", texts=None, request=a_key(admin), at=at())
    for reason in ("x" * 1001, "\0"):
        with pytest.raises(BadInput):
            publish(drafted, at(days=8), reason=reason)
    with pytest.raises(NotFound):
        publish(replace(drafted, number="00-D0000000000000"), at(days=8))
    assert everything() == before


def test_a_repeated_request_is_answered_with_what_it_did(clean_rules: Database) -> None:
    drafted, other = a_ready_draft(), a_staff_actor()
    admin, number, key = drafted.admin, drafted.number, a_key(drafted.admin)
    begins = at(days=8).now
    version = publish_policy(actor=admin, number=number, in_force_from=begins, reason="", request=key, at=at())
    before = everything()
    with pytest.raises(AlreadyDone) as done:
        publish_policy(actor=admin, number=number, in_force_from=begins, reason="", request=key, at=at())
    assert done.value.reference == version
    with pytest.raises(IdempotencyConflict):
        discard_policy(actor=admin, number=number, request=replace(key, fingerprint=bytes(32)), at=at())
    assert everything() == before
    key = a_key(other)
    withdraw_policy(actor=other, version=version, reason="No.", request=key, at=at())
    with pytest.raises(AlreadyDone):
        withdraw_policy(actor=other, version=version, reason="No.", request=key, at=at())


def test_a_draft_starts_from_any_version_that_was_announced(clean_rules: Database) -> None:
    admin = a_staff_actor()
    version = publish(a_ready_draft(), at(days=8))
    number = draft_policy(actor=admin, title="From a later one", base=version, texts=None, request=a_key(admin), at=at())
    found = queries.draft(number=number)
    assert (found.base_version, found.version, found.status) == (version, version, "draft")
    assert queries.drafts()[0].number == number


def test_the_notice_is_exactly_seven_days(clean_rules: Database) -> None:
    drafted = a_ready_draft()
    with pytest.raises(announcing.ReasonNeeded):
        publish(drafted, replace(at(), now=at(days=7).now - timedelta(microseconds=1)))
    publish(drafted, at(days=7))
    assert drafted.now.status == "published"
