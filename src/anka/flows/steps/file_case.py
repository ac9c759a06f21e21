"""File a case for one verdict: carried out at once, or opened where somebody has to answer, with clocks, frozen money, notices."""

from dataclasses import dataclass
from datetime import timedelta

from django.utils.translation import gettext_lazy as _

from anka.core.actors import Actor
from anka.core.clock import Moment
from anka.core.numbers import new_number
from anka.core.refusals import Refusal
from anka.domain.case_turns import evidence_clock
from anka.domain.deadlines import clock_named, due
from anka.domain.money import split
from anka.domain.refund_plan import PlannedLeg
from anka.flows.steps.award import Remedies, award
from anka.flows.steps.case_parts import NewCase, NewEvidence, Notice, receipt_of
from anka.flows.steps.change import Change, Clock, Work
from anka.flows.steps.give_back import Grant, close_unpaid, give_back
from anka.flows.steps.hold_units import hold_units
from anka.flows.steps.judge import Claim, Verdict
from anka.flows.steps.replace_units import replace_units, set_aside
from anka.orders.models import OrderState


class ShareTooSmall(Refusal):
    """The share the rules give back is worth less than the smallest coin."""

    code, status = "share_too_small", 409
    says = _("What would go back is worth less than the smallest coin. Nothing has changed; the platform can be asked.")


BEFORE_DELIVERY = frozenset({"reserved", "queued", "accepted", "working"})
DONE = ["executing", "closed"]


@dataclass(frozen=True, slots=True)
class Filing:
    """A claim about to become cases of a locked order, and the change they are written into."""

    state: OrderState
    claim: Claim
    actor: Actor
    at: Moment
    change: Change

    def file(self, *, verdict: Verdict, asked: tuple[int, ...], legs: tuple[PlannedLeg, ...]) -> str:
        """Add the case of one verdict to the change and return its number.

        Raises:
            NoStockToReplace: a replacement was asked for and there is none.
        """
        case = self._case(verdict, asked)
        self.change.cases.append(case)
        route = verdict.decision.route
        if route == "close":
            self._closed(case, "released")
            close_unpaid(state=self.state, change=self.change, positions=verdict.positions)
        elif route != "instant":
            self._open(case, route, verdict)
        elif self.claim.ask_replacement and verdict.decision.replacement_first:
            self._replace(case, verdict)
        elif has_to_be_void_first(verdict):
            self._void_first(case)
        else:
            self._refund(case, verdict, legs)
        return case.number

    def _case(self, verdict: Verdict, asked: tuple[int, ...]) -> NewCase:
        decision = verdict.decision
        before_delivery = all(facts.stage in BEFORE_DELIVERY for facts in verdict.facts)
        wanted = self.claim.ask_minor is not None or not verdict.is_negotiable
        return NewCase(
            number=new_number(shop_code=self.state.shop_code, letter="C"),
            kind="cancellation" if before_delivery else "after_sale",
            path=[],
            asker=str(self.actor),
            reason=self.claim.reason,
            statement=self.claim.statement,
            positions=list(verdict.positions),
            frozen_each=[0 for _position in verdict.positions],
            refund_minor=0,
            route=decision.route,
            refund_to=self.claim.refund_to,
            receipt=receipt_of(
                positions=verdict.positions, facts=verdict.facts, decision=decision, policy_version=self.state.policy_version
            ),
            fault=decision.fault,
            ask_minor=sum(asked) if asked and wanted else None,
            ask_replacement=self.claim.ask_replacement,
            offered_minor=None if verdict.is_negotiable or decision.route == "refuse" else sum(asked or verdict.refund_each_minor),
            evidence=[
                NewEvidence(kind=kind, by_side=_side(self.actor), person_id=self.actor.person_id, text=text or kind)
                for kind, text in self.claim.evidence
            ],
        )

    def _closed(self, case: NewCase, outcome: str) -> None:
        case.path, case.outcome = DONE, outcome

    def _refund(self, case: NewCase, verdict: Verdict, legs: tuple[PlannedLeg, ...]) -> None:
        paid = {place: amount for place, amount in zip(verdict.positions, verdict.refund_each_minor, strict=True) if amount}
        if not paid:
            raise ShareTooSmall
        # A unit whose share rounds to nothing goes on: closing it would take its goods, or its money, for nothing.
        grant = Grant(tuple(paid), tuple(paid.values()), verdict.decision.goods_after)
        case.refund_minor = grant.refund_minor
        self._closed(case, "refunded" if verdict.refund_each_minor == verdict.left_each_minor else "partial")
        give_back(state=self.state, change=self.change, case_number=case.number, grants=[grant], legs=legs, at=self.at)
        case.compensation_minor = verdict.compensation_minor
        remedies = Remedies(case.compensation_minor)
        award(state=self.state, change=self.change, case_number=case.number, fault=verdict.decision.fault, remedies=remedies)

    def _replace(self, case: NewCase, verdict: Verdict) -> None:
        keys = set_aside(state=self.state, count=len(verdict.positions))
        self._closed(case, "replaced")
        replace_units(state=self.state, change=self.change, positions=verdict.positions, key_ids=keys, at=self.at)

    def _void_first(self, case: NewCase) -> None:
        """The case stays open until the issuer has confirmed in writing that the key is worth nothing any more."""
        case.keys_void = True
        self._hold(case, verdict_left=None)
        self.change.work.append(Work(topic="void", subject=case.number))

    def _open(self, case: NewCase, route: str, verdict: Verdict) -> None:
        self._hold(case, verdict_left=verdict.left_each_minor)
        place, now = min(case.positions), self.at.now
        if route == "merchant":
            case.path = ["merchant_turn"]
            minutes = timedelta(minutes=verdict.decision.answer_within_minutes or 0)
            self.change.clocks.append(Clock(kind="answer", position=place, due_at=now + minutes))
            self._tell(case, "shop", "case_your_turn")
        elif route == "platform":
            case.path = ["evidence"]
            self.change.clocks += platform_clocks(state=self.state, place=place, at=self.at)
            self._tell(case, "platform", "case_escalated")
            self._tell(case, "shop", "case_opened")
        else:
            case.path = ["refused"]
            self.change.clocks.append(
                Clock(kind="escalate", position=place, due_at=due(clock=clock_named(name="escalate"), started_at=now))
            )
            return
        self.change.clocks.append(Clock(kind="ceiling", position=place, due_at=due(clock=clock_named(name="ceiling"), started_at=now)))

    def _hold(self, case: NewCase, verdict_left: tuple[int, ...] | None) -> None:
        """Freeze what is asked for; where a replacement, or nothing certain, is asked for, all that is left."""
        left = verdict_left or tuple(unit.left_minor for unit in self.state.units if unit.position in case.positions)
        frozen = left
        if case.ask_minor is not None and not case.ask_replacement and case.route in ("merchant", "platform"):
            frozen = tuple(share_out(amount_minor=case.ask_minor, most=left))
        case.frozen_each = list(frozen)
        hold_units(
            state=self.state, change=self.change, case_number=case.number, positions=tuple(case.positions), frozen_each=tuple(frozen)
        )

    def _tell(self, case: NewCase, audience: str, kind: str) -> None:
        self.change.notices.append(Notice(audience=audience, kind=kind, case_number=case.number, details={"reason": case.reason}))


def share_out(*, amount_minor: int, most: tuple[int, ...]) -> list[int]:
    """Return an amount for several units as one part each, in proportion to what each may bear, never more than that."""
    total = sum(most)
    return split(amount_minor=min(amount_minor, total), weights=list(most)) if total else [0 for _part in most]


def platform_clocks(*, state: OrderState, place: int, at: Moment) -> list[Clock]:
    """Return the clocks that start when a case reaches the platform: when it looks at it, and by when evidence is due."""
    return [
        Clock(kind="look", position=place, due_at=due(clock=clock_named(name="look"), started_at=at.now)),
        Clock(kind="evidence", position=place, due_at=due(clock=clock_named(name=evidence_clock(goods=state.kind)), started_at=at.now)),
    ]


def has_to_be_void_first(verdict: Verdict) -> bool:
    """Tell whether the money waits for the issuer's receipt: the buyer has seen a key that still works and can be voided."""
    if verdict.decision.goods_after != "void":
        return False
    return any(facts.use_check == "unused" and facts.voidable and facts.stage != "sealed" for facts in verdict.facts)


def _side(actor: Actor) -> str:
    return str(actor.kind) if actor.kind in ("merchant", "platform") else "buyer"
