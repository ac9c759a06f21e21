"""Rules over the API: drafted, checked, tried, announced by one or by two, read by everybody; bad requests change nothing."""

from datetime import timedelta
from typing import Any

import pytest

from anka.core import database
from anka.core.clock import moment
from anka.domain.policy.table import default_rules, default_texts
from anka.jobs import sweeps
from tests.api.client import Client, Response
from tests.api.people import Person, a_staff_member
from tests.builders.policies import new_texts
from tests.databases import Database

TABLES = ("policies_draft", "policies_run", "policies_publication", "policies_withdrawal", "core_event", "core_request")


class Office:
    """Two administrators, and a draft of the first one."""

    def __init__(self) -> None:
        self.first, self.second = a_staff_member("admin"), a_staff_member("admin")
        made = self.first.post("/policy-drafts", {"title": "Try", "texts": new_texts()})
        assert made.status == 201, made.body
        self.draft: dict[str, Any] = made.json
        self.path = f"/policy-drafts/{self.draft['number']}"

    def step(self, what: str, body: object = None, *, by: Person | None = None, key: str | None = None) -> Response:
        """Take a step of the draft."""
        return (by or self.first).post(f"{self.path}/{what}", {} if body is None else body, key=key)

    def looked_at(self) -> "Office":
        """Let the worker check and try it."""
        for what in ("check", "backtest"):
            assert self.step(what).status == 200
            sweeps.work_off(at=moment())
        return self

    def publish(self, days: float, reason: str = "") -> Response:
        """Ask for the rules to count from so many days ahead."""
        return self.step("publish", {"in_force_from": (moment().now + timedelta(days=days)).isoformat(), "reason": reason})


@pytest.fixture
def office(clean_rules: Database) -> Office:
    return Office()


def made() -> list[int]:
    return [int(database.value(f"SELECT count(*) FROM {table}")) for table in TABLES]


def test_a_draft_becomes_a_version_everybody_can_read(office: Office) -> None:
    seen = office.looked_at().first.get(office.path).json
    assert (seen["status"], seen["check"]["passed"], seen["backtest"]["days"]) == ("backtested", True, 90)
    published = office.publish(8)
    assert (published.status, published.json["status"]) == (200, "published")
    version = published.json["version"]
    announced, current = Client().get("/policies").json["items"]
    assert (announced["version"], announced["status"], announced["by_two"]) == (version, "announced", False)
    assert (current["status"], current["until"]) == ("in_force", announced["in_force_from"])
    shown = Client().get(f"/policies/{version}").json
    assert (shown["current"], shown["data"]) == (False, seen["data"])
    assert shown["publication"] == announced
    assert Client().get("/policies/current").json["version"] == current["version"] == default_rules().version
    changes = Client().get(f"/policies/{version}/changes").json
    assert (changes["since"], changes["changes"]) == (current["version"], [])
    assert Client().get(f"/policies/{version}/changes?since=0123456789ab").code == "bad_input"
    assert "platform:" not in Client().get("/policies").body.decode()


def test_what_changes_is_said_in_words(office: Office) -> None:
    texts = dict(default_texts())
    texts["common.toml"] = texts["common.toml"].replace("clock = 120", "clock = 60", 1)
    edited = office.step("texts", {"revision": 1, "texts": texts})
    assert (edited.json["revision"], edited.json["status"]) == (2, "draft")
    version = office.looked_at().publish(8).json["version"]
    (change,) = Client().get(f"/policies/{version}/changes").json["changes"]
    assert (change["kind"], change["part"]) == ("changed", "rule")
    (field,) = change["fields"]
    assert set(field["old"]) == set(field["new"]) == {"zh", "en"}
    assert field["old"] != field["new"]


def test_two_hurry_and_one_of_them_takes_it_back(office: Office) -> None:
    office.looked_at()
    assert office.publish(1).code == "reason_needed"
    waits = office.publish(1, "A hole.").json
    assert (waits["status"], waits["submission"]["reason"]) == ("submitted", "A hole.")
    assert office.step("approve").code == "second_person_needed"
    approved = office.step("approve", by=office.second)
    assert (approved.status, approved.json["status"]) == (200, "published")
    version = approved.json["version"]
    assert Client().get(f"/policies/{version}").json["publication"]["by_two"] is True
    assert office.second.post(f"/policies/{version}/withdraw", {"reason": ""}).code == "bad_input"
    taken = office.second.post(f"/policies/{version}/withdraw", {"reason": "Another hole."})
    assert (taken.status, taken.json["status"], taken.json["withdrawal_reason"]) == (200, "withdrawn", "Another hole.")
    assert office.second.post(f"/policies/{version}/withdraw", {"reason": "Again."}).code == "already_withdrawn"


def test_a_repeated_request_gets_the_same_answer_and_has_no_second_effect(office: Office) -> None:
    office.looked_at()
    body = {"in_force_from": (moment().now + timedelta(days=8)).isoformat()}
    first = office.step("publish", body, key="again")
    before = made()
    second = office.step("publish", body, key="again")
    assert (second.status, second.json) == (first.status, first.json)
    assert second.headers["Idempotency-Replayed"] == "true"
    assert made() == before
    assert office.step("discard", key="again").code == "idempotency_conflict"


SOON = "2099-01-01T00:00:00"
BAD: dict[str, tuple[str, object, int]] = {
    "a date without a zone": ("publish", {"in_force_from": SOON}, 422),
    "a date that is none": ("publish", {"in_force_from": "2099-02-30T00:00:00Z"}, 422),
    "a date long ago": ("publish", {"in_force_from": "1999-01-01T00:00:00Z"}, 409),
    "a date in the year 9999": ("publish", {"in_force_from": "9999-12-31T23:59:59-12:00"}, 422),
    "full-width digits": ("publish", {"in_force_from": "２０９９-01-01T00:00:00Z"}, 422),
    "a number as a date": ("publish", {"in_force_from": 4070908800}, 422),
    "no date": ("publish", {}, 422),
    "an endless reason": ("publish", {"in_force_from": SOON + "Z", "reason": "x" * 1001}, 422),
    "an unknown field": ("publish", {"in_force_from": SOON + "Z", "now": True}, 422),
    "no days": ("backtest", {"days": 0}, 422),
    "too many days": ("backtest", {"days": 10**9}, 422),
    "days in words": ("backtest", {"days": "３０"}, 422),
    "half a day": ("backtest", {"days": 0.5}, 422),
    "no TOML": ("texts", {"revision": 1, "texts": {"a.toml": "[[rule]"}}, 422),
    "a file outside": ("texts", {"revision": 1, "texts": {"../../etc/passwd": "x = 1"}}, 422),
    "another ending": ("texts", {"revision": 1, "texts": {"a.py": "x = 1"}}, 422),
    "no text": ("texts", {"revision": 1, "texts": {}}, 422),
    "too many texts": ("texts", {"revision": 1, "texts": {f"a{number}.toml": "" for number in range(21)}}, 422),
    "too long a text": ("texts", {"revision": 1, "texts": {"a.toml": "#" * 524_289}}, 422),
    "an endless body": ("texts", {"revision": 1, "texts": {"a.toml": "#" * 2_100_000}}, 413),
    "a text that is a number": ("texts", {"revision": 1, "texts": {"a.toml": 5}}, 422),
    "the character 0": ("texts", {"revision": 1, "texts": {"a.toml": "# \0"}}, 422),
    "an older revision": ("texts", {"revision": 7, "texts": dict(default_texts())}, 409),
    "no revision": ("texts", {"texts": dict(default_texts())}, 422),
    "a trial before the check": ("backtest", {"days": 30}, 409),
    "published unchecked": ("publish", {"in_force_from": SOON + "Z"}, 409),
}


@pytest.mark.parametrize("which", BAD)
def test_a_bad_request_changes_nothing(office: Office, which: str) -> None:
    step, body, status = BAD[which]
    before = made()
    answer = office.step(step, body)
    assert answer.status == status, answer.body
    assert answer.code
    assert made() == before


def test_bytes_that_are_no_json_or_not_a_number_change_nothing(office: Office) -> None:
    before = made()
    for body in (b"", b"{", b'{"days": NaN}', b'{"days": 1e999}', b'{"days": 30, "days": 31}', b'{"days": "\xff"}'):
        answer = office.first.call("POST", f"/api/v1{office.path}/backtest", body=body, headers={"Content-Type": "application/json"})
        assert 400 <= answer.status < 500, (body, answer.body)
    assert made() == before


def test_texts_that_are_no_rules_are_told_where_they_are_wrong(office: Office) -> None:
    texts = {"mine.toml": default_texts()["common.toml"].replace('stage = ["accepted"]', 'stage = ["lost"]', 1)}
    answer = office.step("texts", {"revision": 1, "texts": texts})
    assert answer.code == "bad_rule_table"
    assert all(word in answer.json["detail"] for word in ("mine.toml", "accepted", "stage", "lost"))
