"""The facts of a case in words: what the system proves about an order, and the sheet a decision was made on. Pure."""

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext

from anka.cases.models import CaseState
from anka.domain.facts import Facts
from anka.domain.policy import wordings
from anka.orders.models import OrderState, Unit
from anka.web import words
from anka.web.requests import language
from anka.web.templatetags.anka import words as minutes_in_words
from anka.web.views_of_rules import fact_value

Shown = dict[str, Any]
# What speaks for the buyer, or against the goods, stands out; so does what speaks against a claim.
LOUD: Mapping[tuple[str, object], str] = {
    ("use_check", "used_before_reveal"): "bad",
    ("use_check", "used_after_reveal"): "bad",
    ("use_check", "invalid"): "bad",
    ("use_check", "unused"): "ok",
    ("used_by", "other"): "bad",
    ("matches_order", "no"): "bad",
    ("promise_overdue", True): "bad",
    ("dispute", "chargeback"): "bad",
    ("dispute", "complaint"): "wait",
}

WITH_LOGIN, WITH_PROGRESS = frozenset({"account", "rental"}), frozenset({"boosting", "rental"})


def proved(*, state: OrderState, case: CaseState) -> list[Shown]:
    """Return what the system itself knows about the units of a case, in the order it happened."""
    units = [unit for unit in state.units if unit.position in case.positions]
    found: list[Shown] = []
    for payment in state.payments:
        if payment.paid_at is not None:
            said = gettext("%(amount)s paid with %(channel)s")
            told = said % {"amount": words.amount(payment.amount_minor, state.currency), "channel": words.channel(payment.channel)}
            found.append(_line(payment.paid_at, told, payment.transaction_number or ""))
    for unit in units:
        found += _of_unit(unit, state.currency)
    found.append(_line(None, *_notice(state)))
    return sorted((line for line in found if line["at"]), key=lambda line: line["at"]) + [line for line in found if not line["at"]]


def _of_unit(unit: Unit, currency: str) -> list[Shown]:
    piece = words.pieces([unit.position])
    found = []
    if unit.delivered_at:
        found.append(_line(unit.delivered_at, gettext("%(piece)s was put into the order, sealed") % {"piece": piece}))
    if unit.revealed_at:
        found.append(
            _line(unit.revealed_at, gettext("%(piece)s was opened by the buyer") % {"piece": piece}, gettext("One recorded click"))
        )
    if unit.confirmed_at:
        # What a partial refund leaves goes to the shop without anybody having confirmed anything.
        said = (
            gettext("%(piece)s was settled: %(amount)s back to the buyer, the rest to the shop")
            if unit.refunded_minor
            else gettext("%(piece)s was confirmed; its money went to the shop")
        )
        found.append(_line(unit.confirmed_at, said % {"piece": piece, "amount": words.amount(unit.refunded_minor, currency)}))
    if unit.issuer_asked_at:
        said = gettext("The issuer about %(listed)s: %(what)s") % {"listed": piece, "what": fact_value("use_check", unit.use_check)}
        detail = "" if unit.used_by == "unknown" else gettext("Used by: %(who)s") % {"who": fact_value("used_by", unit.used_by)}
        found.append(_line(unit.issuer_asked_at, said, detail))
    return found


def _notice(state: OrderState) -> tuple[str, str]:
    said = {
        "confirmed": gettext("The buyer confirmed at purchase that there is no refund once used"),
        "shown": gettext("The notice of no refund once used was shown, but not confirmed"),
    }
    return said.get(state.notice, gettext("No notice against refunds was shown at purchase")), gettext("Kept with the order")


def _line(at: object, what: str, detail: str = "") -> Shown:
    return {"at": at, "what": what, "detail": detail}


def sheets(*, case: CaseState, sequence: int | None = None) -> list[Shown]:
    """Return the facts a judgement was made on (the newest unless said otherwise): one sheet for units that were judged on the same."""
    receipts = [receipt for receipt in case.receipts if sequence is None or receipt.sequence == sequence]
    if not receipts:
        return []
    alike: dict[Facts, list[int]] = {}
    for position, facts in receipts[-1].judged():
        alike.setdefault(facts, []).append(position)
    return [{"units_label": words.pieces(positions), "rows": sheet(facts=facts), "facts": facts} for facts, positions in alike.items()]


def sheet(*, facts: Facts) -> list[Shown]:
    """Return every fact as label, value, where it came from, and a tone where it speaks loudly."""
    rows = [
        _row(facts, "goods", gettext("Goods"), gettext("The order's snapshot"), words.kind(facts.goods)),
        _row(facts, "stage", gettext("Stage"), gettext("The delivery log"), wordings.STAGES[facts.stage][language()]),
        _row(facts, "reason", gettext("Reason given"), gettext("Who asked"), words.reason(facts.reason)),
        _row(facts, "asker", gettext("Asked by"), gettext("The sign-in"), fact_value("asker", facts.asker)),
        _row(facts, "delivered_minutes_ago", gettext("Delivered"), gettext("The delivery log"), _ago(facts.delivered_minutes_ago)),
        _row(facts, "promise_overdue", gettext("Delivered late"), gettext("Payment and delivery log"), _truth(facts.promise_overdue)),
        _row(facts, "use_check", gettext("Record of use"), gettext("The issuer"), fact_value("use_check", facts.use_check)),
        _row(facts, "used_by", gettext("Used by"), gettext("The issuer"), fact_value("used_by", facts.used_by)),
        _row(facts, "voidable", gettext("Can be voided"), gettext("The issuer"), _truth(facts.voidable)),
        _row(facts, "matches_order", gettext("As ordered"), gettext("The issuer's attributes"), _known(facts.matches_order)),
        _row(facts, "delivered_percent", gettext("Value that arrived"), gettext("The issuer"), _percent(facts.delivered_percent)),
        _row(facts, "login_seen", gettext("Login recorded"), gettext("The login log"), _logins(facts)),
        _row(facts, "progress_percent", gettext("Progress"), gettext("The progress log"), _progress(facts)),
        _row(facts, "upstream", gettext("The supplier"), gettext("The supplier's answers"), _supplier(facts)),
        _row(facts, "notice", gettext("Notice of no refund"), gettext("The purchase snapshot"), fact_value("notice", facts.notice)),
        _row(facts, "merchant_answer", gettext("The shop's answer"), gettext("The case"), _answer(facts.merchant_answer)),
        _row(facts, "dispute", gettext("Complaint elsewhere"), gettext("The payment channel"), fact_value("dispute", facts.dispute)),
        _row(facts, "evidence", gettext("Evidence there already"), gettext("The case"), _evidence(facts.evidence)),
        _row(facts, "refund_window_minutes", gettext("Refund window"), gettext("The order's snapshot"), _span(facts.refund_window_minutes)),
        _row(facts, "warranty_minutes", gettext("Warranty"), gettext("The order's snapshot"), _span(facts.warranty_minutes)),
    ]
    return [row for row in rows if row["value"]]


def _row(facts: Facts, key: str, label: str, source: str, value: str) -> Shown:
    return {"key": key, "label": label, "value": value, "source": source, "tone": LOUD.get((key, getattr(facts, key)), "")}


def _ago(minutes: int | None) -> str:
    if minutes is None:
        return gettext("not yet")
    whole = minutes if minutes < 180 else minutes - minutes % 60
    return gettext("%(span)s before this judgement") % {"span": minutes_in_words(whole)}


def _span(minutes: int) -> str:
    return minutes_in_words(minutes)


def _logins(facts: Facts) -> str:
    return fact_value("login_seen", facts.login_seen) if facts.goods in WITH_LOGIN else ""


def _progress(facts: Facts) -> str:
    return f"{facts.progress_percent}%" if facts.goods in WITH_PROGRESS and facts.stage == "working" else ""


def _supplier(facts: Facts) -> str:
    return "" if facts.upstream == "none" else fact_value("upstream", facts.upstream)


def _truth(value: object) -> str:
    return gettext("yes") if value else gettext("no")


def _known(value: str) -> str:
    return fact_value("matches_order", value)


def _percent(value: int | None) -> str:
    return "" if value is None else f"{value}%"


def _answer(value: str) -> str:
    said = {
        "none": gettext("none yet"),
        "agreed": gettext("agreed"),
        "refused": gettext("refused"),
        "silent": gettext("did not answer in time"),
    }
    return said[value]


def _evidence(kinds: tuple[str, ...]) -> str:
    return gettext(", ").join(wordings.EVIDENCE[kind][language()] for kind in kinds) or gettext("none")
