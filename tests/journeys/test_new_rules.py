"""New rules from the first thought to the first order: drafted, found wrong, mended, tried on the past, announced, in force."""

from __future__ import annotations

import re
from datetime import timedelta

from tests.builders import a_product
from tests.journeys.keys import DAYS, buy
from tests.journeys.people import Person, Troupe

MOST_LOOKS = 600
LOOK_AGAIN_MILLISECONDS = 250


def wait_until_done(person: Person, *running: str) -> None:
    """Reload a page until none of these stands on it: the worker is at it, however busy the machine is."""
    for _look in range(MOST_LOOKS):
        if not any(text in person.page.inner_text("h1") for text in running):
            return
        person.page.wait_for_timeout(LOOK_AGAIN_MILLISECONDS)
        person.page.reload()
    raise AssertionError(f"it is still running: {person.page.inner_text('main')[:500]}")


def begin(admin: Person, title: str) -> str:
    """Begin a draft and return its address."""
    admin.open("/platform/rules")
    admin.send("/platform/rules", title=title)
    found = re.search(r"/platform/rules/[^/?#]+", admin.page.url)
    assert found, admin.page.url
    return found.group(0)


def edit_clock(admin: Person, draft: str, minutes: int) -> None:
    """Give the merchant another time to answer where a boosting job is under way; others' orders have nothing to do with it."""
    admin.open(f"{draft}/rules/boosting-working")
    admin.see("boosting-working", "商家答复时限")
    admin.page.fill("#clock", str(minutes))
    admin.press("保存")
    admin.see("已保存", "修改 1 条")


def check(admin: Person, draft: str) -> None:
    """Let the draft be checked, and come to what was found."""
    admin.open(draft)
    admin.send("/do/check")
    wait_until_done(admin, "正在检查")


def put_bad_goods(admin: Person, draft: str, where: str) -> None:
    """Say what becomes of goods that turn out bad before anybody opened them."""
    admin.open(f"{draft}/rules/sealed-bad")
    admin.page.select_option("#goods", where)
    admin.press("保存")


def get_ready(admin: Person, draft: str) -> None:
    """Let a draft be checked and tried on the past, and find nothing against it."""
    check(admin, draft)
    admin.see("没有发现现行规则没有的问题")
    admin.open(draft)
    admin.send("/do/backtest", days="30")
    wait_until_done(admin, "正在用历史试算")
    admin.see("试算无法预测的事")


def rules_of_order(person: Person, number: str) -> str:
    """The version an order is judged by, as its page says."""
    person.open(f"/orders/{number}")
    return person.page.locator("a[href^='/rules?version=']").first.get_attribute("href") or ""


def test_rules_are_changed_from_the_first_thought_to_the_first_order(troupe: Troupe) -> None:
    admin, buyer = troupe.administrator(), troupe.buyer()
    shop, _seller = troupe.shop()
    before = buy(buyer, a_product(stock=1, shop=shop))
    old_rules = rules_of_order(buyer, before)
    minutes = a_clock(troupe)
    draft = begin(admin, "代练答复时限")
    admin.see("起草中", "代练答复时限")
    edit_clock(admin, draft, minutes)
    put_bad_goods(admin, draft, "restock")
    check(admin, draft)
    admin.see("新发现 1 个问题", "放回库存", "例如", "卡密")
    _in_english(admin, draft)
    admin.open(f"{draft}/publish")
    admin.see("还没有")
    assert admin.page.locator("form[action$='/publish']").count() == 0
    put_bad_goods(admin, draft, "spoiled")
    get_ready(admin, draft)
    admin.open(f"{draft}/changes")
    admin.see("boosting-working", f"{minutes} 分钟")
    admin.open(f"{draft}/publish")
    admin.see("公布这些规则", "前七天")
    admin.tab_through()
    admin.press("公布")
    admin.see("已公布")
    buyer.open("/rules")
    buyer.press("有哪些变化")
    buyer.see("起执行新规则", "boosting-working", f"{minutes} 分钟")
    assert rules_of_order(buyer, buy(buyer, a_product(stock=1, shop=shop))) == old_rules
    troupe.market.advance(minutes=9 * DAYS)
    after = buy(buyer, a_product(stock=1, shop=shop))
    new_rules = rules_of_order(buyer, after)
    assert new_rules != old_rules
    assert rules_of_order(buyer, before) == old_rules
    buyer.open(new_rules)
    buyer.see("现行", "boosting-working")
    _sooner(troupe, admin, troupe.administrator())


def a_clock(troupe: Troupe) -> int:
    """Minutes no other walk in this market has announced: each changes the rules the one before has left."""
    return 300 + troupe.width // 20 + troupe.script


def _day(troupe: Troupe, *, days: int) -> str:
    return (troupe.market.moment().now + timedelta(days=days)).date().isoformat()


def _in_english(admin: Person, draft: str) -> None:
    """The pages in the other language, where words are longer; a check, a form, the table."""
    admin.page.locator(".footer button[value=en]").click()
    admin.see("1 new fault", "For example", "sealed-bad")
    admin.open(f"{draft}/rules/upstream-stuck")
    admin.see("Rule upstream-stuck", "Alternative 2", "What happens")
    admin.tab_through()
    admin.open(draft)
    admin.see("Being written", "The check found something new")
    admin.open(f"{draft}/changes")
    admin.see("What changes", "Compared with version")
    admin.page.locator(".footer button[value=zh-hans]").click()


def _is_refused(admin: Person) -> None:
    """The form that was sent is not right yet; browsers write every such answer into their console."""
    assert all("422" in told for told in admin.trouble), admin.trouble
    admin.trouble.clear()
    assert admin.page.locator(".error-summary").count() == 1


def _sooner(troupe: Troupe, admin: Person, other: Person) -> None:
    """A shorter notice needs a reason and another administrator; what was announced is withdrawn before it counts."""
    draft = begin(admin, "提前生效")
    edit_clock(admin, draft, a_clock(troupe) + 30)
    get_ready(admin, draft)
    admin.open(f"{draft}/publish")
    admin.send("/publish", day=_day(troupe, days=500))
    _is_refused(admin)
    admin.see("一年")
    admin.send("/publish", day=_day(troupe, days=2))
    _is_refused(admin)
    admin.see("须写明理由")
    admin.send("/publish", reason="有人利用漏洞损害买家。")
    admin.see("已提交", "另一位管理员")
    assert admin.page.locator("form[action$='/do/approve']").count() == 0
    other.open(draft)
    other.see("有人利用漏洞损害买家。", "同意")
    other.send("/do/approve")
    other.see("已公布")
    other.open("/rules")
    other.see("提前生效的理由", "有人利用漏洞损害买家。")
    other.open("/platform/rules")
    other.see("待生效", "撤回")
    other.send("/withdraw", reason="漏洞已经用别的办法补上。")
    other.see("已撤回", "漏洞已经用别的办法补上。")
