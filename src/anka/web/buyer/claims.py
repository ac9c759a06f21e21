"""What a buyer fills in on the way out: which pieces, why, how much, what shows it. Read from a form, refused in words, never guessed."""

from dataclasses import dataclass

from django.http import QueryDict
from django.utils.translation import gettext

from anka.core.refusals import Refusal
from anka.domain.facts import EVIDENCE
from anka.domain.money import split
from anka.domain.policy.reasons import reasons_for
from anka.domain.refund_plan import Destination
from anka.flows.add_evidence import LONGEST_EVIDENCE
from anka.flows.steps.judge import Claim
from anka.orders.models import OrderState
from anka.web.requests import whole_number
from anka.web.typed import AmountOutOfBounds, typed_amount, typed_text_or_none

LONGEST_STATEMENT = 1000
EVIDENCE_FIELD = "evidence_"
WANTS = ("all", "half", "amount", "replacement")
# Every field that says what is asked for: a repeated form has to hold the same.
FIELDS = ("unit", "reason", "statement", "destination", "want", "amount", *(f"{EVIDENCE_FIELD}{kind}" for kind in EVIDENCE))


@dataclass(frozen=True, slots=True)
class Asked:
    """A form as it came: the claim in it, and what cannot be read in it, field by field."""

    claim: Claim
    errors: dict[str, str]


def read_claim(*, state: OrderState, form: QueryDict) -> Asked:
    """Return the claim of a form about this order, without the amount: that can be read only once a verdict says how much there is."""
    positions = tuple(sorted({whole_number(text, field="unit") for text in form.getlist("unit")}))
    claim = Claim(
        reason=form.get("reason", ""),
        positions=positions or None,
        statement=form.get("statement", "").strip(),
        refund_to=next((str(place) for place in Destination if form.get("destination") == place), Destination.ORIGINAL),
        quote=form.get("quote") or None,
    )
    return Asked(claim=claim, errors=_errors(state, claim, form))


def _errors(state: OrderState, claim: Claim, form: QueryDict) -> dict[str, str]:
    errors = {}
    if claim.reason and claim.reason not in {reason.code for reason in reasons_for(goods=state.kind)}:
        errors["reason"] = gettext("Choose one of these reasons.")
    if claim.positions and not set(claim.positions) <= {unit.position for unit in state.units}:
        errors["unit"] = gettext("Choose pieces of this order.")
    if claim.positions is None and form.get("step") == "2":
        errors["unit"] = gettext("Choose at least one piece.")
    if len(claim.statement) > LONGEST_STATEMENT or "\0" in claim.statement:
        errors["statement"] = gettext("At most %(most)s characters.") % {"most": LONGEST_STATEMENT}
    return errors


def evidence_of(form: QueryDict) -> tuple[tuple[tuple[str, str], ...], dict[str, str]]:
    """Return the evidence of a form as pairs of kind and text, and what cannot be taken of it."""
    found, errors = [], {}
    for kind in EVIDENCE:
        field = f"{EVIDENCE_FIELD}{kind}"
        try:
            text = typed_text_or_none(form.get(field, ""), most=LONGEST_EVIDENCE)
        except Refusal as refused:
            errors[field] = str(refused)
            continue
        if text:
            found.append((kind, text))
    return tuple(found), errors


def ask_of(form: QueryDict, *, currency: str, left_minor: int) -> tuple[int | None, bool]:
    """Return the amount asked for in minor units, and whether a replacement is; neither where nothing was chosen.

    Raises:
        NotAnAmount, AmountOutOfBounds: the amount cannot be taken as it is. Nothing was submitted.
    """
    want = form.get("want", "")
    if want == "replacement":
        return None, True
    if left_minor < 1 and want:
        raise AmountOutOfBounds(least="0.00", most="0.00")
    if want == "all":
        return left_minor, False
    if want == "half":
        return max(1, split(amount_minor=left_minor, weights=(1, 1))[0]), False
    typed = form.get("amount", "")
    if want == "amount" or typed.strip():
        return typed_amount(typed, currency=currency, least_minor=1, most_minor=left_minor), False
    return None, False
