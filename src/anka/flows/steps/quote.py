"""The verdict shown before submitting: what would happen, how much comes back, by when. It has an id, so that it can be held to."""

from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from anka.core.clock import Moment
from anka.core.refusals import Refusal
from anka.core.signatures import NotSignedByUs, seal, unseal
from anka.domain.policy.decision import rank
from anka.domain.refund_plan import Destination
from anka.flows.steps.award import bearer_of
from anka.flows.steps.judge import Claim, Verdict
from anka.flows.steps.plan_money_back import MoneyCannotGoBackThisWay, PaymentDisputed, RefundWindowOver, plan_legs, shown
from anka.orders.models import OrderState

# What suppliers have to be asked about is quoted truthfully and refused politely.
UNOPENED_ROUTES = ("upstream",)
GOOD_FOR_SECONDS = 86400


class VerdictChanged(Refusal):
    """The decision has become worse since it was shown; nothing was done, and the new verdict is attached."""

    code, status = "verdict_changed", 409
    says = _("The result has changed since you saw it. Nothing was submitted; please look at the new one.")

    def __init__(self, *, quote: dict[str, Any]) -> None:
        super().__init__()
        self.quote = quote


class QuoteDoesNotFit(Refusal):
    """The quote's id is not ours, too old, or belongs to another order, reason or set of units."""

    code, status = "quote_does_not_fit", 422
    says = _("This result does not belong to this request. Nothing was submitted; please ask for a new one.")


class RouteNotOpenYet(Refusal):
    """The rules send this claim to a supplier, whom this version does not ask."""

    code, status = "route_not_available", 409
    says = _("The rules say: %(words)s This path cannot be started here yet. Nothing was submitted and nothing is lost.")


class RefusedByRule(Refusal):
    """The rules refuse this claim."""

    code, status = "refused_by_rule", 409
    says = _("The rules say: %(words)s Nothing has changed.")


def quote(*, state: OrderState, claim: Claim, verdicts: tuple[Verdict, ...], at: Moment) -> dict[str, Any]:
    """Return the quote of these verdicts: decisions per unit, amount, legs, words, and whether it can be submitted here."""
    why_not = not_executable(verdicts)
    legs: list[dict[str, object]] = []
    if why_not is None:
        try:
            amounts = [verdict.refund_minor for verdict in verdicts]
            for planned in plan_legs(state=state, amounts=amounts, refund_to=claim.refund_to, at=at):
                legs += shown(legs=planned, at=at)
        except MoneyCannotGoBackThisWay as error:
            why_not = error
    decisions = [
        {"unit": state.unit_number(position), "refund_minor": amount, **verdict.decision.to_json()}
        for verdict in verdicts
        for position, amount in zip(verdict.positions, verdict.refund_each_minor, strict=True)
    ]
    return {
        "id": _id(state, claim, verdicts),
        "decisions": decisions,
        "refund_minor": sum(verdict.refund_minor for verdict in verdicts),
        "left_minor": sum(sum(verdict.left_each_minor) for verdict in verdicts),
        "currency": state.currency,
        "legs": legs,
        "compensation": compensation(verdicts),
        "words": {
            "zh": "\n".join(verdict.decision.because_zh for verdict in verdicts),
            "en": "\n".join(verdict.decision.because_en for verdict in verdicts),
        },
        "policy_version": state.policy_version,
        "ask_required": any(verdict.is_negotiable for verdict in verdicts),
        "allowed": why_not is None,
        "other_ways": [str(Destination.WALLET), str(Destination.HAND)] if isinstance(why_not, RefundWindowOver) else [],
        "why_not": None if why_not is None else {"code": why_not.code, "detail": str(why_not)},
    }


def compensation(verdicts: tuple[Verdict, ...]) -> dict[str, object] | None:
    """Return what the rules promise the buyer beside the refund, into the wallet, and who pays it; None where they promise nothing.

    Only what is decided by the rules alone: where somebody is asked first, it is shown with their decision.
    """
    granted = [verdict for verdict in verdicts if verdict.compensation_minor and verdict.decision.route == "instant"]
    if not granted:
        return None
    bearers = {bearer_of(fault=verdict.decision.fault) for verdict in granted}
    paid_by = bearers.pop() if len(bearers) == 1 else "both"
    return {"amount_minor": sum(verdict.compensation_minor for verdict in granted), "paid_by": paid_by, "to": str(Destination.WALLET)}


def not_executable(verdicts: tuple[Verdict, ...]) -> Refusal | None:
    """Return why these verdicts cannot be carried out in this version, or None where they can."""
    for verdict in verdicts:
        decision = verdict.decision
        # A buyer who is refused may call the platform, so there is a case to open; a merchant makes an offer instead.
        if decision.route == "refuse" and all(facts.asker == "merchant" for facts in verdict.facts):
            return RefusedByRule(words=_words(decision.because_zh, decision.because_en))
        if decision.route == "external":
            return PaymentDisputed()
        if decision.route in UNOPENED_ROUTES:
            return RouteNotOpenYet(words=_words(decision.because_zh, decision.because_en))
    return None


def _words(zh: str, en: str) -> str:
    return en if (get_language() or "").startswith("en") else zh


def _promise(verdicts: tuple[Verdict, ...]) -> dict[str, list[int]]:
    """What was promised per unit: the decision's rank and the amount. JSON has text keys."""
    return {
        str(position): [*rank(verdict.decision), amount]
        for verdict in verdicts
        for position, amount in zip(verdict.positions, verdict.refund_each_minor, strict=True)
    }


def _is_less(now: list[int], shown_before: list[int]) -> bool:
    """A lower rank, or less money: a fee, or something the merchant keeps, shows in the amount alone."""
    return now < shown_before or now[-1] < shown_before[-1]


def _id(state: OrderState, claim: Claim, verdicts: tuple[Verdict, ...]) -> str:
    return seal(value={"order": state.number, "reason": claim.reason, "units": _promise(verdicts)}, purpose="quote")


def hold_to_quote(*, state: OrderState, claim: Claim, verdicts: tuple[Verdict, ...], at: Moment) -> None:
    """Compare what was shown with what is decided now; better or equal is fine.

    Raises:
        QuoteDoesNotFit: the id does not belong here.
        VerdictChanged: some unit would now get less than was shown.
    """
    if claim.quote is None:
        return
    try:
        promised = unseal(text=claim.quote, purpose="quote", seconds=GOOD_FOR_SECONDS)
    except NotSignedByUs as error:
        raise QuoteDoesNotFit(fields={"quote": "unknown"}) from error
    now = _promise(verdicts)
    if promised["order"] != state.number or promised["reason"] != claim.reason or set(promised["units"]) != set(now):
        raise QuoteDoesNotFit(fields={"quote": "order, reason, units"})
    if any(_is_less(now[position], shown_before) for position, shown_before in promised["units"].items()):
        raise VerdictChanged(quote=quote(state=state, claim=claim, verdicts=verdicts, at=at))
