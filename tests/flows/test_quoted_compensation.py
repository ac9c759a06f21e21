"""A quote tells what the rules promise beside the refund, and who pays it: before anybody submits."""

import pytest

from anka.domain.policy.decision import Decision
from anka.flows.steps.judge import Verdict
from anka.flows.steps.quote import compensation

pytestmark = pytest.mark.no_database


def verdict(*, positions: int = 2, fault: str = "merchant", route: str = "instant", each: int | None = 300) -> Verdict:
    """A verdict on so many units that promises this for each."""
    decision = Decision(
        rule="R1",
        route=route,
        refund="full",
        refund_percent=100,
        fault=fault,
        goods_after="keep",
        answer_within_minutes=None,
        on_silence=None,
        replacement_first=False,
        evidence_needed=(),
        compensation_minor=each,
    )
    amounts = (1000,) * positions
    return Verdict(tuple(range(1, positions + 1)), (), decision, amounts, amounts)


@pytest.mark.parametrize(("fault", "payer"), [("merchant", "merchant"), ("platform", "platform"), ("none", "merchant")])
def test_who_pays_is_who_is_at_fault(fault: str, payer: str) -> None:
    assert compensation((verdict(fault=fault),)) == {"amount_minor": 600, "paid_by": payer, "to": "wallet"}


def test_what_several_verdicts_promise_is_added_up() -> None:
    found = (verdict(positions=1), verdict(fault="platform"), verdict(each=None))
    assert compensation(found) == {"amount_minor": 900, "paid_by": "both", "to": "wallet"}


@pytest.mark.parametrize("nothing", [verdict(each=None), verdict(each=0), verdict(route="merchant")])
def test_nothing_promised_or_nothing_certain_is_not_told(nothing: Verdict) -> None:
    assert compensation((nothing,)) is None
