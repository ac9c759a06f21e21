"""What a back-test found, as a table for people in Chinese or English."""

from collections.abc import Iterator, Mapping

from anka.domain.money import format_amount
from anka.domain.policy.backtest import BacktestReport, Example, Tally
from anka.domain.policy.reasons import REASONS
from anka.domain.policy.wordings import GOODS, Language

Words = Mapping[str, str]
_WORDS: dict[Language, Words] = {
    "zh": {
        "head": "用规则 {version} 重新判断最近 {days} 天的每一次结论：",
        "counts": "共 {looked_at} 次：相同 {same}，不同 {changed}（其中 {renamed} 次只是规则名称不同）。",
        "apart": "另有 {unreadable} 条记录无法读取，{unanswered} 次新规则没有给出结论；这些未计入。",
        "empty": "这段时间里没有任何结论，所以没有可比较的内容。",
        "money": "退款金额（{currency}，{units} 件）：原规则 {old}，新规则 {new}，差额 {difference}",
        "undetermined": "  金额待协商或裁定 {undetermined} 件，其中 {changed} 件的结论会变，这些商品共付款 {paid}",
        "rules": "按规则（原 → 新）",
        "kinds": "按商品（不同 / 全部）",
        "reasons": "按原因（不同 / 全部）",
        "examples": "例子",
        "limits": "无法预测的",
    },
    "en": {
        "head": "Every decision of the last {days} days, judged again by rules {version}:",
        "counts": "{looked_at} in all: {same} the same, {changed} different ({renamed} of these only in the rule's name).",
        "apart": "Not counted: {unreadable} records that could not be read, {unanswered} on which the new rules say nothing.",
        "empty": "Nothing was decided in this time, so there is nothing to compare.",
        "money": "Refunds ({currency}, {units} units): {old} by the old rules, {new} by the new, difference {difference}",
        "undetermined": "  amount agreed or ruled on: {undetermined} units; the decision on {changed} of them, paid with {paid}, changes",
        "rules": "By rule (old → new)",
        "kinds": "By kind of goods (different / all)",
        "reasons": "By reason (different / all)",
        "examples": "Examples",
        "limits": "What this cannot predict",
    },
}


def as_text(*, report: BacktestReport, days: int, language: Language) -> str:
    """Return the report as lines of text: counters, money, what changes by rule, kind and reason, examples, limits."""
    return "\n".join(_lines(report, days, language, _WORDS[language]))


def _lines(report: BacktestReport, days: int, language: Language, words: Words) -> Iterator[str]:
    yield words["head"].format(version=report.version, days=days)
    counted = {name: getattr(report, name) for name in ("looked_at", "same", "changed", "renamed", "unreadable", "unanswered")}
    yield words["counts"].format(**counted) if report.looked_at else words["empty"]
    if report.unreadable or report.unanswered:
        yield words["apart"].format(**counted)
    yield from _money(report, words)
    if report.changed:
        yield from ("", words["rules"])
        yield from (f"{tally.changed:8}  {old} → {new}{_difference(tally)}" for (old, new), tally in report.by_rule.items())
        yield from ("", words["kinds"])
        yield from (_of_all(tally, GOODS[goods][language]) for goods, tally in report.by_kind.items())
        yield from ("", words["reasons"])
        yield from (_of_all(tally, _reason(code, language)) for code, tally in report.by_reason.items() if tally.changed)
        yield from ("", words["examples"])
        yield from (_example(example, language) for example in report.examples)
    yield from ("", words["limits"])
    yield from (f"  · {sentence[language]}" for sentence in report.cannot_predict)


def _money(report: BacktestReport, words: Words) -> Iterator[str]:
    for currency, money in report.money.items():
        sums = {"old": money.old_minor, "new": money.new_minor, "difference": money.difference_minor}
        told = {name: format_amount(amount_minor=amount, currency=currency) for name, amount in sums.items()}
        yield words["money"].format(currency=currency, units=money.units, **told)
        if money.undetermined:
            paid = format_amount(amount_minor=money.undetermined_changed_minor, currency=currency)
            yield words["undetermined"].format(undetermined=money.undetermined, changed=money.undetermined_changed, paid=paid)


def _difference(tally: Tally) -> str:
    told = [
        f"{currency} {'+' if amount > 0 else ''}{format_amount(amount_minor=amount, currency=currency)}"
        for currency, amount in sorted(tally.difference_minor.items())
        if amount
    ]
    return f"  {'  '.join(told)}" if told else ""


def _of_all(tally: Tally, named: str) -> str:
    return f"{tally.changed:8} / {tally.looked_at:<8}  {named}{_difference(tally)}"


def _reason(code: str, language: Language) -> str:
    reason = REASONS[code]
    return reason.zh if language == "zh" else reason.en


def _example(example: Example, language: Language) -> str:
    past = example.past
    colon = "：" if language == "zh" else ": "
    situation = f"{GOODS[past.facts.goods][language]}, {past.facts.stage}, {past.facts.reason}"
    return f"  {past.case} ({past.position}) {situation}{colon}{example.zh if language == 'zh' else example.en}"
