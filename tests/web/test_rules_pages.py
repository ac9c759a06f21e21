"""The pages where rules are changed: everything without script, nothing lost that was typed, nothing done by whoever may not."""

from __future__ import annotations

import re

import pytest
from tests.builders import a_buyer, at
from tests.builders.policies import Drafted, a_draft, a_staff_actor, new_texts, run
from tests.databases import Database
from tests.web.browser import Answer, Browser, browser
from tests.web.conftest import SetClock

from anka.core.actors import Actor
from anka.domain.facts import Facts
from anka.domain.policy.backtest import Backtest, Past
from anka.domain.policy.compare import compare
from anka.domain.policy.decide import decide
from anka.domain.policy.edit import renumber_rule, rule_text
from anka.domain.policy.table import default_rules, default_texts, parse_rules
from anka.flows.run_policy import RunResult
from anka.jobs.policy_runs import checked
from anka.policies import queries
from anka.web.platform.rules_draft import beyond

LANGUAGES = ("zh-CN", "en")
UNTRANSLATED = ("None", "%(", "{{", "policy_", "Reader(")


@pytest.fixture(autouse=True)
def _clean(clean_rules: Database, set_clock: SetClock) -> None:
    set_clock(at(5))


def text_of(answer: Answer) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", answer.content.decode()))


def rule_now(drafted: Drafted, name: str) -> str:
    return rule_text(texts=drafted.now.texts, rule=name)


def edit(visitor: Browser, drafted: Drafted, rule: str, **typed: str) -> Answer:
    address = f"/platform/rules/{drafted.number}/rules/{rule}"
    return visitor.send(visitor.form(visitor.get(address), address), typed=typed)


def do(visitor: Browser, drafted: Drafted, action: str, on: str = "", **typed: str) -> Answer:
    page = visitor.get(f"/platform/rules/{drafted.number}{on}")
    return visitor.send(visitor.form(page, f"/platform/rules/{drafted.number}/do/{action}"), typed=typed)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("role", ["admin", "arbiter"])
def test_staff_read_every_page_in_both_languages(language: str, role: str) -> None:
    drafted = a_draft()
    run(drafted, "check", finds=checked(rules=parse_rules(texts=drafted.now.texts), against=default_rules().version))
    run(drafted, "backtest", finds=tried())
    visitor = browser(a_staff_actor(role))
    address = f"/platform/rules/{drafted.number}"
    parts = ("", "/changes", "/check", "/backtest", "/publish", "/rules/sealed", "/rules/merchant-cancels", "/rules/quality?as=text")
    for path in ("/platform/rules", *(address + part for part in parts), f"{address}/files/common.toml"):
        answer = visitor.get(path, accept_language=language)
        assert answer.status_code == 200, path
        assert [word for word in UNTRANSLATED if word in text_of(answer)] == [], path
        page = answer.content.decode()
        offered = "/do/" in page or '<fieldset class="stack">' in page or "/add" in page or ">保存<" in page or ">Save<" in page
        assert not (offered and role == "arbiter"), path
        says_why = "管理员" in page or "administrators" in page
        assert says_why or role == "admin" or path.endswith(("/changes", "/check", "/backtest")), path


def tried() -> RunResult:
    """What a back-test of rules finds that give nothing back, on one decision that gave everything back."""
    facts = Facts(goods="card_key", stage="sealed", reason="OTHER", delivered_minutes_ago=5)
    found = Backtest(parse_rules(texts=new_texts(**{'refund = "full"': 'refund = "none"'})))
    decision = decide(facts, default_rules())
    past = {"order": "QM-1", "case": "QM-C1", "position": 1, "decided_at": at().now, "amount_minor": 1000, "currency": "CNY"}
    found.add(Past(facts=facts, decision=decision, **past))  # type: ignore[arg-type]  # fields by name
    return RunResult(against=default_rules().version, passed=True, result={"report": found.report().to_json()})


def test_a_back_test_shows_what_would_be_otherwise() -> None:
    drafted = a_draft()
    run(drafted, "check")
    run(drafted, "backtest", finds=tried())
    page = browser(drafted.admin).get(f"/platform/rules/{drafted.number}/backtest")
    report = page.context["report"]
    assert (report["looked_at"], report["changed"]) == (1, 1)
    assert report["money"][0]["difference_minor"] == -1000
    assert 'value="-10.00"' in page.content.decode()
    assert "QM-C1" in text_of(page)
    assert all(said in text_of(page) for said in report["cannot_predict"])


@pytest.mark.parametrize("path", ["/platform/rules", "/platform/rules/{number}", "/platform/rules/{number}/rules/sealed"])
def test_to_everybody_else_the_pages_do_not_exist(path: str) -> None:
    drafted = a_draft()
    address = path.format(number=drafted.number)
    assert browser(a_buyer()).get(address).status_code == 404
    assert browser().get(address)["Location"].startswith("/sign-in")


@pytest.mark.parametrize("number", ["AK-D0000000000000", "nothing", "%00", "../x"])
def test_what_is_not_there_is_not_there(number: str) -> None:
    assert browser(a_staff_actor()).get(f"/platform/rules/{number}").status_code == 404


def test_a_draft_is_begun_and_its_title_is_not_lost() -> None:
    visitor = browser(a_staff_actor())
    form = visitor.form(visitor.get("/platform/rules"), "/platform/rules")
    assert visitor.send(form, title="   ").status_code == 422
    long = visitor.send(form, title="x" * 121)
    assert long.status_code == 422
    assert "x" * 121 in long.content.decode()
    fresh = visitor.form(long, "/platform/rules")
    first = visitor.send(fresh, title="Kinder rules")["Location"]
    assert visitor.send(fresh, title="Kinder rules")["Location"] == first
    page = visitor.get(first)
    assert "Kinder rules" in text_of(page)
    assert [draft.title for draft in queries.drafts()] == ["Kinder rules"]
    assert queries.draft(number=first.rpartition("/")[2]).texts == dict(default_texts())


def test_a_form_changes_its_rule_and_not_one_other_byte() -> None:
    drafted = a_draft()
    before = drafted.now.texts
    answer = edit(browser(drafted.admin), drafted, "accepted", clock="240")
    assert answer["Location"] == f"/platform/rules/{drafted.number}?done=saved#accepted"
    after = drafted.now.texts
    lines = rule_text(texts=before, rule="accepted")
    assert after == {name: text.replace(lines, lines.replace("clock = 120", "clock = 240")) for name, text in before.items()}
    (change,) = compare(old=parse_rules(texts=before), new=parse_rules(texts=after))
    assert (change.rule, [field.name for field in change.fields]) == ("accepted", ["clock"])
    assert drafted.now.revision == 2


def test_a_form_that_changes_nothing_saves_nothing() -> None:
    drafted = a_draft()
    assert "done=unchanged" in edit(browser(drafted.admin), drafted, "merchant-cancels")["Location"]
    assert drafted.now.revision == 1


@pytest.mark.parametrize(
    ("rule", "typed", "field"),
    [
        ("accepted", {"clock": "soon"}, "clock"),
        ("accepted", {"position": "10"}, "position"),
        ("accepted", {"id": "sealed"}, "id"),
        ("accepted", {"zh": ""}, "zh"),
        ("sealed", {"when-0-ago": "before noon"}, "when"),
    ],
)
def test_a_mistake_is_told_at_its_field_and_nothing_typed_is_lost(rule: str, typed: dict[str, str], field: str) -> None:
    drafted = a_draft()
    answer = edit(browser(drafted.admin), drafted, rule, en="My own words.", **typed)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert f'<a href="#{field}">' in page
    assert f'id="{field}"' in page
    assert f'id="{field}-error"' in page
    assert "My own words." in page
    assert all(value in page for value in typed.values())
    assert drafted.now.revision == 1


def test_a_rule_edited_meanwhile_is_shown_beside_what_was_typed() -> None:
    drafted = a_draft()
    mine, theirs = browser(drafted.admin), browser(a_staff_actor())
    address = f"/platform/rules/{drafted.number}/rules/accepted"
    form = mine.form(mine.get(address), address)
    edit(theirs, drafted, "accepted", clock="60")
    answer = mine.send(form, clock="300", en="My own words.")
    assert answer.status_code == 409
    assert "期间有人修改了这份草稿" in text_of(answer)
    assert "1 小时" in text_of(answer)
    assert "My own words." in answer.content.decode()
    assert "clock = 60" in rule_now(drafted, "accepted")
    assert mine.send(mine.form(answer, address)).status_code == 302
    assert "clock = 300" in rule_now(drafted, "accepted")


def test_a_rule_taken_out_meanwhile_can_be_added_anew() -> None:
    drafted = a_draft()
    mine, theirs = browser(drafted.admin), browser(a_staff_actor())
    address = f"/platform/rules/{drafted.number}/rules/accepted"
    form = mine.form(mine.get(address), address)
    do(theirs, drafted, "delete", on="/rules/accepted")
    answer = mine.send(form, en="My own words.")
    assert answer.status_code == 409
    assert "My own words." in answer.content.decode()
    assert mine.send(mine.form(answer, f"/platform/rules/{drafted.number}/add")).status_code == 302
    assert "My own words." in rule_now(drafted, "accepted")


def test_a_rule_is_edited_letter_by_letter() -> None:
    drafted = a_draft()
    visitor, address = browser(drafted.admin), f"/platform/rules/{drafted.number}/rules/merchant-cancels"
    form = visitor.form(visitor.get(f"{address}?as=text"), address)
    assert form.value("lines").replace("\r\n", "\n") == rule_now(drafted, "merchant-cancels")
    changed = rule_now(drafted, "merchant-cancels").replace('is = "hold"', 'is = "keep" ') + "# said by hand\n"
    assert visitor.send(form, lines=changed.replace("\n", "\r\n")).status_code == 302
    assert 'is = "keep" ' in rule_now(drafted, "merchant-cancels")
    assert "# said by hand" in drafted.now.texts["common.toml"]
    assert "\r" not in drafted.now.texts["common.toml"]


@pytest.mark.parametrize(
    "lines", ["", "[[rule", "x = 1", '[words.agreed]\nzh = "z"\nen = "e"', "[[rule]]\n[[rule]]", '[[rule]]\nid = "x"', "[" * 5000]
)
def test_a_text_that_is_no_rule_is_told_and_kept(lines: str) -> None:
    drafted = a_draft()
    visitor, address = browser(drafted.admin), f"/platform/rules/{drafted.number}/rules/sealed"
    answer = visitor.send(visitor.form(visitor.get(f"{address}?as=text"), address), lines=lines)
    assert answer.status_code == 422
    assert 'id="lines-error"' in answer.content.decode()
    assert drafted.now.revision == 1


def test_a_rule_is_added_copied_moved_and_taken_out() -> None:
    drafted = a_draft()
    visitor = browser(drafted.admin)
    address = f"/platform/rules/{drafted.number}/add"
    form = visitor.form(visitor.get(address), address)
    typed = {
        "position": "435",
        "id": "my-own",
        "pattern": "platform",
        "refund": "full",
        "zh": "平台处理。",
        "en": "The platform looks.",
        "file": "rental.toml",
    }
    assert visitor.send(form, typed={**typed, "when-0-goods": "rental"})["Location"].endswith("?done=added#my-own")
    assert "my-own" in drafted.now.texts["rental.toml"]
    copied = do(visitor, drafted, "copy", on="/rules/my-own")["Location"]
    assert copied.endswith("/rules/my-own-copy2?done=copied")
    assert visitor.get(copied).status_code == 200
    rules = {rule.id: rule for rule in parse_rules(texts=drafted.now.texts).rules}
    assert (rules["my-own-copy2"].position, rules["my-own-copy2"].when) == (436, rules["my-own"].when)
    assert "done=deleted" in do(visitor, drafted, "delete", on="/rules/my-own-copy2")["Location"]
    assert "my-own-copy2" not in "".join(drafted.now.texts.values())


def order_of(drafted: Drafted) -> list[str]:
    return [rule.id for rule in parse_rules(texts=drafted.now.texts).rules]


def test_rules_are_moved_within_their_group() -> None:
    drafted = a_draft()
    visitor, before = browser(drafted.admin), order_of(drafted)
    assert do(visitor, drafted, "move", up="rental-working")["Location"].endswith("?done=moved#rental-working")
    moved = order_of(drafted)
    assert moved.index("rental-working") == moved.index("rental-unusable") - 1
    assert [rule for rule in moved if rule != "rental-working"] == [rule for rule in before if rule != "rental-working"]
    do(visitor, drafted, "move", down="rental-working")
    assert order_of(drafted) == before
    assert do(visitor, drafted, "move", up="chargeback").status_code == 409
    assert do(visitor, drafted, "move", down="disclosed").status_code == 409
    assert do(visitor, drafted, "move", down="nothing").status_code == 409
    assert order_of(drafted) == before


def test_there_is_always_room_to_move_a_rule() -> None:
    rules = default_rules()
    for step in range(30):
        first, second = rules.rules[0], rules.rules[1]
        rule, other = (second, first) if step % 2 else (first, second)
        texts: dict[str, str] = dict(rules.texts)
        for moved, position in beyond(rules=rules, rule=rule, other=other):
            texts = renumber_rule(texts=texts, rule=moved.id, position=position)
        rules = parse_rules(texts=texts)
        assert [one.id for one in rules.rules[:2]] == [second.id, first.id]
        assert {one.id for one in rules.rules} == {one.id for one in default_rules().rules}


def test_a_whole_file_is_edited_as_text() -> None:
    drafted = a_draft()
    visitor, address = browser(drafted.admin), f"/platform/rules/{drafted.number}/files/closing.toml"
    page = visitor.get(address)
    changed = drafted.now.texts["closing.toml"].replace("商家已同意", "店家已同意")
    bad = visitor.send(visitor.form(page, address), lines=changed.replace("[words.agreed]", "[words.nothing]"))
    assert bad.status_code == 422
    assert "店家已同意" in bad.content.decode()
    assert visitor.send(visitor.form(bad, address), lines=changed).status_code == 302
    assert drafted.now.texts["closing.toml"] == changed


def test_a_text_stands_on_its_page_exactly_as_it_is_written() -> None:
    drafted = a_draft(texts={**new_texts(), "first.toml": "\n\n# <b>&amp;</textarea>\n"})
    visitor, address = browser(drafted.admin), f"/platform/rules/{drafted.number}/files/first.toml"
    page = visitor.get(address).content.decode()
    assert "\n\n\n# &lt;b&gt;&amp;amp;&lt;/textarea&gt;\n</textarea>" in page


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_check_runs_and_shows_what_it_found_with_a_situation(language: str) -> None:
    texts = new_texts()
    broken = rule_text(texts=texts, rule="disclosed")
    drafted = a_draft(
        texts={
            name: text.replace(broken, broken.replace('pattern = "refusal"', 'when = { goods = ["rental"] }\npattern = "refusal"'))
            for name, text in texts.items()
        }
    )
    visitor = browser(drafted.admin)
    assert do(visitor, drafted, "check")["Location"].endswith("/check")
    address = f"/platform/rules/{drafted.number}/check"
    waiting = visitor.get(address, accept_language=language)
    assert 'http-equiv="refresh"' in waiting.content.decode()
    found = checked(rules=parse_rules(texts=drafted.now.texts), against=default_rules().version)
    run(drafted, "check", finds=found)
    answer = visitor.get(address, accept_language=language)
    gap = next(one for one in answer.context["findings"] if one["rule"] == "")
    assert gap["is_new"]
    assert {"goods", "stage", "reason"} <= set(gap["example"]["data"])
    assert gap["example"]["facts"]
    assert '"goods"' in answer.content.decode().replace("&quot;", '"')
    assert 'http-equiv="refresh"' not in answer.content.decode()
    assert visitor.get(f"/platform/rules/{drafted.number}").context["draft"]["status"] == "draft"
    assert not visitor.get(f"/platform/rules/{drafted.number}/publish").context["ready"]


def test_a_back_test_wants_days_that_can_be() -> None:
    drafted = a_draft()
    run(drafted, "check")
    visitor = browser(drafted.admin)
    for days in ("0", "367", "many", "٣"):
        assert do(visitor, drafted, "backtest", days=days).status_code == 422
    assert do(visitor, drafted, "backtest", days="90")["Location"].endswith("/backtest")
    assert queries.draft(number=drafted.number).backtest is not None


@pytest.mark.parametrize("who", ["arbiter", "nobody"])
def test_whoever_may_not_change_rules_changes_none(who: str) -> None:
    drafted = a_draft()
    admin = browser(drafted.admin)
    address = f"/platform/rules/{drafted.number}"
    form = admin.form(admin.get(f"{address}/rules/accepted"), f"{address}/rules/accepted")
    other: Actor = a_staff_actor("arbiter") if who == "arbiter" else a_buyer()
    visitor = browser(other)
    proof = visitor.form(visitor.get("/rules"), "/theme").value("csrfmiddlewaretoken")
    typed = {"csrfmiddlewaretoken": proof, "idempotency_key": "mine"}
    expected = 403 if who == "arbiter" else 404
    assert visitor.send(form, typed={**typed, "clock": "5"}).status_code == expected
    for action in ("move", "copy", "delete", "discard", "approve", "check", "backtest"):
        form.action = f"{address}/do/{action}"
        assert visitor.send(form, typed=typed).status_code == expected, action
    for path in (f"{address}/publish", f"{address}/add", f"{address}/files/common.toml", "/platform/rules"):
        form.action = path
        assert visitor.send(form, typed={**typed, "title": "x"}).status_code == expected, path
    assert drafted.now.revision == 1
