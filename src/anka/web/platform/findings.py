"""What an arbiter fills in: fault, amount, reasons, words; and what of it would move, before it counts."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext

from anka.core.refusals import Refusal
from anka.domain.case_codes import RULINGS
from anka.domain.case_states import CaseStatus, Fault
from anka.domain.deadlines import clock_named
from anka.domain.money import MAX_MINOR, share
from anka.domain.rulings import goods_after_ruling, needs_second_person, remedy_of
from anka.flows.rule_on_case import LONGEST_TEXT, Finding
from anka.flows.steps.file_case import share_out
from anka.funds.queries import position
from anka.web import case_words, words
from anka.web.typed import typed_amount, typed_text
from anka.web.views_of_case import CaseSeen, where_it_goes

Shown = dict[str, Any]
SHARES = {"nothing": 0, "half": 50, "all": 100}
FIELDS = ("fault", "share", "amount", "compensation", "penalty", "reasons", "text", "confirmed")


@dataclass(frozen=True, slots=True)
class Draft:
    """A ruling as it was filled in; `finding` is None where `errors` says why."""

    finding: Finding | None
    errors: dict[str, str]


def read_draft(*, seen: CaseSeen, form: QueryDict) -> Draft:
    """Return the ruling in a form about this case, with what is wrong field by field."""
    errors: dict[str, str] = {}
    fault = form.get("fault", "")
    if fault not in tuple(Fault):
        errors["fault"] = gettext("Say whose fault it is.")
    reasons = tuple(dict.fromkeys(form.getlist("reasons")))
    if not reasons or any(code not in RULINGS for code in reasons):
        errors["reasons"] = gettext("Choose at least one of these reasons.")
    minor = _amount(seen, form, errors)
    text = ""
    try:
        text = typed_text(form.get("text", ""), most=LONGEST_TEXT)
    except Refusal as refused:
        errors["text"] = str(refused)
    compensation, penalty = _beside(seen, form, errors)
    if errors or minor is None:
        return Draft(finding=None, errors=errors)
    finding = Finding(fault=fault, reasons=reasons, text=text, refund_minor=minor, compensation_minor=compensation, penalty_minor=penalty)
    return Draft(finding=finding, errors={})


def _beside(seen: CaseSeen, form: QueryDict, errors: dict[str, str]) -> tuple[int, int]:
    """Return what is granted beside the refund; an empty field grants nothing."""
    found = {"compensation": 0, "penalty": 0}
    for field, most in (("compensation", MAX_MINOR), ("penalty", deposit_of(seen))):
        if not form.get(field, "").strip():
            continue
        try:
            found[field] = typed_amount(form.get(field, ""), currency=seen.state.currency, least_minor=0, most_minor=most)
        except Refusal as refused:
            errors[field] = str(refused)
    fault = form.get("fault", "")
    if found["compensation"] and fault == Fault.BUYER:
        errors["compensation"] = gettext("Nobody is compensated for their own fault.")
    if found["penalty"] and fault not in (Fault.MERCHANT, Fault.BOTH):
        errors["penalty"] = gettext("Only a shop at fault is penalised.")
    return found["compensation"], found["penalty"]


def deposit_of(seen: CaseSeen) -> int:
    """Return what the shop of a case has put down, which is all a penalty can take."""
    return position(shop_id=seen.state.shop_id, currency=seen.state.currency).deposit


def _amount(seen: CaseSeen, form: QueryDict, errors: dict[str, str]) -> int | None:
    chosen = form.get("share", "")
    if chosen in SHARES:
        return share(amount_minor=seen.left_minor, percent=SHARES[chosen])
    if chosen != "amount" and not form.get("amount", "").strip():
        errors["share"] = gettext("Say how much goes back; nothing is an answer too.")
        return None
    try:
        return typed_amount(form.get("amount", ""), currency=seen.state.currency, least_minor=0, most_minor=seen.left_minor)
    except Refusal as refused:
        errors["amount"] = str(refused)
        return None


def choices(seen: CaseSeen) -> Shown:
    """Return what an arbiter chooses from."""
    left = seen.left_minor
    faults = {
        "merchant": gettext("The shop"),
        "buyer": gettext("The buyer"),
        "both": gettext("Both sides"),
        "platform": gettext("The platform"),
        "none": gettext("Nobody"),
    }
    return {
        "deposit_minor": deposit_of(seen),
        "faults": [{"code": code, "label": label} for code, label in faults.items()],
        "shares": [
            {"code": "all", "label": gettext("All"), "amount_minor": left},
            {"code": "half", "label": gettext("Half"), "amount_minor": share(amount_minor=left, percent=50)},
            {"code": "nothing", "label": gettext("Nothing"), "amount_minor": 0},
        ],
        "reasons": [{"code": code, "label": case_words.ruling_reason(code)} for code in RULINGS],
    }


def consequences(*, seen: CaseSeen, refund_minor: int, beside_minor: int = 0) -> Shown:
    """Return what a ruling moves, when, and whether a second person is needed; `beside_minor` is what it grants beside the refund."""
    appeal = seen.case.status == CaseStatus.APPEAL
    two = needs_second_person(refund_minor=refund_minor + beside_minor)
    window = clock_named(name="appeal").default
    if appeal:
        when = gettext("Carried out at once; it is final.")
    else:
        span = {"hours": window // timedelta(hours=1), "at": words.moment(seen.now + window)}
        when = gettext("Both sides may appeal for %(hours)s hours; carried out by itself on %(at)s if nobody does.") % span
    if two:
        when = words.sentences(gettext("First somebody else has to approve it: it moves more than ¥500.00."), when)
    return {
        "goes": where_it_goes(seen, refund_minor=refund_minor),
        "goods": _goods(seen, refund_minor),
        "when": when,
        "two": two,
    }


def _goods(seen: CaseSeen, refund_minor: int) -> list[str]:
    """Return where the goods go: what the facts say, not the arbiter."""
    if refund_minor == 0:
        return [gettext("Everything goes on as if nobody had argued.")]
    said = {
        "release": gettext("released"),
        "restock": gettext("back on the shelf"),
        "hold": gettext("put aside for somebody to check"),
        "void": gettext("voided"),
        "rotate": gettext("taken back, its login changed"),
        "keep": gettext("stays with the buyer"),
    }
    receipt = seen.case.last_receipt
    facts = dict(receipt.judged()) if receipt else {}
    left = tuple(unit.left_minor for unit in seen.units)
    found = []
    for unit, amount, most in zip(seen.units, share_out(amount_minor=refund_minor, most=left), left, strict=True):
        if amount and unit.position in facts:
            goes = goods_after_ruling(facts=facts[unit.position], remedy=remedy_of(refund_minor=amount, left_minor=most))
            found.append(gettext("%(piece)s: %(goes)s") % {"piece": words.pieces([unit.position]), "goes": said[goes]})
    return found
