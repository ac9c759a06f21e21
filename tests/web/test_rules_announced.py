"""Rules announced, withdrawn and read: seven days ahead by one person, sooner by two, and everybody sees what changes."""

from __future__ import annotations

import re

import pytest
from tests.builders import a_key, at
from tests.builders.policies import Drafted, a_draft, a_ready_draft, a_staff_actor, new_texts, publish, run
from tests.databases import Database
from tests.web.browser import Answer, Browser, browser
from tests.web.conftest import SetClock

from anka.domain.policy.table import default_rules
from anka.flows.edit_policy import edit_policy
from anka.flows.run_policy import RunResult
from anka.policies import queries

UNTRANSLATED = ("None", "%(", "{{", "policy_")


@pytest.fixture(autouse=True)
def _clean(clean_rules: Database, set_clock: SetClock) -> None:
    set_clock(at(5))


def text_of(answer: Answer) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", answer.content.decode()))


def do(visitor: Browser, drafted: Drafted, action: str) -> Answer:
    page = visitor.get(f"/platform/rules/{drafted.number}")
    return visitor.send(visitor.form(page, f"/platform/rules/{drafted.number}/do/{action}"))


def announce(visitor: Browser, drafted: Drafted, **typed: str) -> Answer:
    address = f"/platform/rules/{drafted.number}/publish"
    return visitor.send(visitor.form(visitor.get(address), address), typed=typed)


def test_rules_are_announced_seven_days_ahead_by_one_person() -> None:
    drafted = a_ready_draft()
    visitor = browser(drafted.admin)
    assert announce(visitor, drafted)["Location"].endswith("?done=published")
    (newest, _first) = queries.publications(at=at(5).now)
    assert newest.status == "announced"
    assert newest.in_force_from >= at(5, days=7).now
    assert "公布" in text_of(visitor.get(f"/platform/rules/{drafted.number}"))


def test_a_short_notice_needs_a_reason_and_somebody_else() -> None:
    drafted = a_ready_draft()
    visitor, other = browser(drafted.admin), browser(a_staff_actor())
    without = announce(visitor, drafted, day="2026-03-05", time="10:00")
    assert without.status_code == 422
    assert 'id="reason-error"' in without.content.decode()
    assert 'value="2026-03-05"' in without.content.decode()
    assert announce(visitor, drafted, day="2026-03-05", time="10:00", reason="A hole.")["Location"].endswith("?done=submitted")
    action = f'action="/platform/rules/{drafted.number}/do/approve"'
    assert action not in visitor.get(f"/platform/rules/{drafted.number}").content.decode()
    assert "A hole." in text_of(other.get(f"/platform/rules/{drafted.number}"))
    assert do(other, drafted, "approve")["Location"].endswith("?done=published")
    assert queries.publications(at=at(5).now)[0].reason == "A hole."


def test_nobody_announces_what_they_have_not_seen() -> None:
    drafted = a_ready_draft()
    visitor, address = browser(drafted.admin), f"/platform/rules/{drafted.number}/publish"
    form = visitor.form(visitor.get(address), address)
    edit_policy(actor=drafted.admin, number=drafted.number, revision=1, texts=new_texts(), request=a_key(drafted.admin), at=at())
    for kind in ("check", "backtest"):
        run(drafted, kind)
    answer = visitor.send(form)
    assert answer.status_code == 409
    assert drafted.now.status == "backtested"
    assert visitor.send(visitor.form(answer, address)).status_code == 302


def test_nobody_agrees_to_a_date_they_have_not_seen() -> None:
    drafted = a_ready_draft()
    publish(drafted, at(days=3), reason="A hole.")
    other, address = browser(a_staff_actor()), f"/platform/rules/{drafted.number}"
    form = other.form(other.get(address), f"{address}/do/approve")
    publish(drafted, at(days=2), reason="A hole.")
    answer = other.send(form)
    assert answer.status_code == 409
    assert drafted.now.status == "submitted"
    assert other.send(other.form(answer, f"{address}/do/approve")).status_code == 302


@pytest.mark.parametrize(
    ("day", "time"), [("2026-03-02", "10:06"), ("2028-01-01", "00:00"), ("soon", "10:00"), ("2026-03-31", "25:00"), ("", "")]
)
def test_a_date_that_cannot_be_is_told_at_its_field(day: str, time: str) -> None:
    drafted = a_ready_draft()
    answer = announce(browser(drafted.admin), drafted, day=day, time=time, reason="Why not.")
    assert answer.status_code == 422
    assert 'id="day-error"' in answer.content.decode()
    assert "Why not." in answer.content.decode()
    assert drafted.now.status == "backtested"


def test_announced_rules_are_withdrawn_with_a_reason() -> None:
    drafted = a_ready_draft()
    version = publish(drafted, at(days=8))
    visitor, address = browser(drafted.admin), f"/platform/rules/versions/{version}/withdraw"
    form = visitor.form(visitor.get("/platform/rules"), address)
    assert visitor.send(form, reason=" ").status_code == 422
    assert visitor.send(visitor.form(visitor.get("/platform/rules"), address), reason="A slip.")["Location"].endswith("done=withdrawn")
    assert "A slip." in text_of(browser().get(f"/rules/{version}"))
    assert address not in visitor.get("/platform/rules").content.decode()


def test_a_draft_is_discarded_and_stays_readable() -> None:
    drafted = a_draft()
    visitor = browser(drafted.admin)
    assert do(visitor, drafted, "discard")["Location"].endswith("?done=discarded")
    page = visitor.get(f"/platform/rules/{drafted.number}")
    assert page.status_code == 200
    assert "/do/" not in re.sub(r'action="[^"]*/do/move"', "", page.content.decode())
    assert visitor.get(f"/platform/rules/{drafted.number}/add").status_code == 403


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_everybody_reads_what_is_in_force_what_is_announced_and_what_was(language: str) -> None:
    texts = new_texts(**{"clock = 120\n": "clock = 240\n"})
    drafted = a_ready_draft(texts=texts)
    version, first = publish(drafted, at(days=8)), default_rules().version
    page = browser().get("/rules", accept_language=language)
    assert page.status_code == 200
    (new,) = page.context["announced"]
    changed = [change["title"] for change in new["changes"]]
    assert "accepted" in changed
    assert f'href="/rules/{version}#accepted"' in page.content.decode()
    assert page.context["rules"]["version"] == first
    assert [one["version"] for one in page.context["archive"]] == [version, first]
    assert 'id="sealed"' in page.content.decode()
    own = browser().get(f"/rules/{version}", accept_language=language)
    assert own.context["before"] == first
    assert [change["title"] for change in own.context["changes"]] == changed
    assert text_of(own) == text_of(browser().get(f"/rules?version={version}", accept_language=language))
    assert browser().get(f"/rules/{first}", accept_language=language).context["before"] == ""
    for answer in (page, own):
        assert [word for word in UNTRANSLATED if word in text_of(answer)] == []


def test_findings_known_when_rules_were_announced_are_told() -> None:
    drafted = a_draft()
    finding = {"property": 9, "rule": "on-record", "zh": "已知的一处。", "en": "Known.", "facts": None, "decision": None, "other": None}
    report = {"version": drafted.now.version, "boxes": 1, "clean": False, "findings": [finding], "unreachable": [], "overlaps": []}
    result = {"report": report, "known": [[9, "on-record"]], "new": []}
    run(drafted, "check", finds=RunResult(against=default_rules().version, passed=True, result=result))
    run(drafted, "backtest")
    assert "已知的一处。" in text_of(browser(drafted.admin).get(f"/platform/rules/{drafted.number}/publish"))
    version = publish(drafted, at(days=8))
    for path in ("/rules", f"/rules/{version}"):
        assert "已知的一处。" in text_of(browser().get(path))


@pytest.mark.parametrize("version", ["nothing", "%00", "x" * 70])
def test_a_version_that_never_was_is_not_there(version: str) -> None:
    assert browser().get(f"/rules/{version}").status_code == 404
