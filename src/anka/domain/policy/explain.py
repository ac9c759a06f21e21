"""A decision told to people: what happens, why, who is next."""

from anka.domain.facts import Facts
from anka.domain.policy import wordings
from anka.domain.policy.decision import Decision
from anka.domain.policy.reasons import REASONS
from anka.domain.policy.told import money_in_words
from anka.domain.policy.wordings import Language


class UnknownLanguage(Exception):
    """Decisions are told in Chinese and English only."""

    code, status = "unknown_language", 422


def verdict(*, decision: Decision, language: Language) -> str:
    """Return the verdict in one short clause: how much, with what is taken off or paid on top, and how."""
    if decision.route in wordings.NOTHING_BACK and decision.refund == "none":
        return wordings.NOTHING_BACK[decision.route][language]
    percent = decision.refund_percent if decision.refund_percent is not None else 0
    refund = wordings.REFUNDS[decision.refund][language].format(percent=percent)
    route = wordings.ROUTES[decision.route][language]
    return ("，" if language == "zh" else ", ").join((refund, *_money(decision, language), route))


def _money(decision: Decision, language: Language) -> list[str]:
    parts = []
    for field, form in wordings.MONEY.items():
        value = getattr(decision, field)
        if value is not None:
            said = f"{value}%" if field == "fee_percent" else money_in_words(amount_minor=value, language=language)
            parts.append(form[language].format(said=said))
    return parts


def explain(*, facts: Facts, decision: Decision, language: Language) -> str:
    """Tell the decision in a few lines: the situation, the verdict, the reasons, fault and evidence where there is something to say.

    Raises:
        UnknownLanguage: the language is neither zh nor en.
    """
    if language not in {"zh", "en"}:
        raise UnknownLanguage(f"language {language!r} is not one of zh, en")
    reason = REASONS[facts.reason]
    goods, stage = wordings.GOODS[facts.goods][language], wordings.STAGES[facts.stage][language]
    fault = wordings.FAULTS[decision.fault][language]
    evidence = [wordings.EVIDENCE[kind][language] for kind in decision.evidence_needed]
    told = verdict(decision=decision, language=language)
    if decision.route == "refuse" and facts.asker == "merchant":
        told = wordings.NOT_FOR_MERCHANTS[language]
    if language == "zh":
        lines = [f"情况：{goods}，{stage}，原因：{reason.zh}。", f"结论：{told}；{fault}。", f"依据：{decision.because_zh}"]
        lines += ["可先提供换货；您可以不接受，直接退款。"] if decision.replacement_first else []
        lines += [f"建议补充：{'、'.join(evidence)}。补充与否不影响计时。"] if evidence else []
        return "\n".join([*lines, f"规则：{decision.rule}"])
    lines = [f"Situation: {goods}, {stage}; reason: {reason.en}.", f"Verdict: {told}; {fault}.", f"Why: {decision.because_en}"]
    lines += ["A replacement is offered first; you may decline it and take the money."] if decision.replacement_first else []
    lines += [f"It helps to add: {', '.join(evidence)}. No clock waits for it."] if evidence else []
    return "\n".join([*lines, f"Rule: {decision.rule}"])
