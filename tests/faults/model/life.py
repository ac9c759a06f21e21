"""How a case goes on, by the book: answered, bargained over, ruled on, appealed against, or left alone until its clock falls."""

from tests.faults.model.arguments import Claims
from tests.faults.model.rules import decide, goods_if_agreed, goods_if_ruled, not_voidable
from tests.faults.model.things import DAY, Case, No, Offer, Ruling, share_out, split

SETTLEABLE = ("merchant_turn", "buyer_turn", "refused", "evidence", "review")
RULED_IN = ("evidence", "review", "appeal")
BARGAINING = ("merchant_turn", "buyer_turn")
FOUR_EYES_ABOVE = 50_000
TURNS = {
    "merchant_turn": ("merchant", "answer"),
    "buyer_turn": ("buyer", "offer"),
    "refused": ("buyer", "escalate"),
    "evidence": ("platform", "look"),
    "review": ("platform", "rule"),
    "decided": ("none", "appeal"),
    "appeal": ("platform", "rule"),
}


class Life(Claims):
    """The market, with cases that live."""

    def require(self, case: Case, *allowed: str) -> None:
        """Raise No unless the case is in one of these statuses."""
        if case.status not in allowed:
            raise No

    def turn(self, case: Case) -> tuple[str, int | None]:
        """Return whose turn it is and by when."""
        side, clock = TURNS.get(case.status, ("none", ""))
        return side, case.clocks.get(clock)

    # Between the parties

    def agree(self, case: Case) -> None:
        """The merchant gives what was asked."""
        self.require(case, *SETTLEABLE)
        if not case.agreeable:
            raise No
        if case.ask_replacement:
            self.take_stock(case)
            self.end_offer(case, "superseded")
            self.replace(case)
            return
        self.end_offer(case, "superseded")
        self._pay_agreed(case, sum(case.lefts) if case.ask is None else case.ask)

    def _pay_agreed(self, case: Case, amount: int) -> None:
        goods = [goods_if_agreed(facts, case.verdict) for facts in case.facts]
        self.pay(case, share_out(amount, case.lefts), goods)

    def refuse(self, case: Case) -> None:
        """The merchant says no."""
        self.require(case, "merchant_turn")
        self.end_offer(case, "superseded")
        self.to_platform(case)

    def end_offer(self, case: Case, how: str) -> None:
        """End the open offer; its keys go back on the shelf unless it was accepted."""
        if case.offer is not None:
            if how != "accepted":
                case.order.product.available += case.offer.keys
            case.offer.status = how

    def may_offer(self, case: Case, side: str) -> bool:
        """Tell whether a side may put something on the table."""
        mine = "merchant_turn" if side == "merchant" else "buyer_turn"
        if case.status not in SETTLEABLE or (case.status in BARGAINING and case.status != mine):
            return False
        if case.status == "refused" and side == "buyer":
            return False
        over = case.until is not None and self.now >= case.until
        return case.agreeable and case.rounds < 3 and not over

    def offer(self, case: Case, side: str, amount: int | None) -> None:
        """Offer an amount, or (None) a replacement."""
        if not self.may_offer(case, side) or (amount is not None and not 1 <= amount <= sum(case.lefts)):
            raise No
        if amount is None:
            if side != "merchant":
                raise No
            self.take_stock(case)
        self.end_offer(case, "superseded")
        case.until = self.now + 3 * DAY if case.until is None else case.until
        length = 2 * DAY if side == "merchant" else self._answer_time(case)
        offer = Offer(side, amount or 0, len(case.units) if amount is None else 0, min(self.now + length, case.until))
        case.offers.append(offer)
        case.rounds += 1
        if case.status in BARGAINING:
            case.status = "buyer_turn" if side == "merchant" else "merchant_turn"
            case.clocks = {"ceiling": case.clocks["ceiling"], "offer" if side == "merchant" else "answer": offer.expires}

    def _answer_time(self, case: Case) -> int:
        return case.verdict.clock if case.verdict.kind == "turn" else DAY

    def may_answer(self, case: Case, side: str) -> bool:
        """Tell whether a side has an offer of the other before it."""
        return case.status in SETTLEABLE and case.offer is not None and case.offer.side != side

    def accept(self, case: Case, side: str) -> None:
        """Accept the other side's offer."""
        offer = case.offer
        if offer is None or not self.may_answer(case, side) or self.now >= offer.expires:
            raise No
        self.end_offer(case, "accepted")
        if offer.keys:
            self.replace(case)
        else:
            self._pay_agreed(case, offer.amount)

    def decline(self, case: Case, side: str) -> None:
        """Decline the other side's offer."""
        if not self.may_answer(case, side):
            raise No
        self.end_offer(case, "declined")
        if case.status in BARGAINING:
            self.to_platform(case)

    def withdraw(self, case: Case) -> None:
        """Whoever asked takes it back."""
        self.require(case, *SETTLEABLE)
        self.end_offer(case, "superseded")
        self.let_go(case, "withdrawn")

    def escalate(self, case: Case) -> None:
        """The buyer calls the platform."""
        self.require(case, "refused")
        self.end_offer(case, "superseded")
        self.to_platform(case)

    def add_evidence(self, case: Case) -> None:
        """Somebody adds something."""
        if case.status == "closed":
            raise No

    # The platform

    def request_evidence(self, case: Case) -> None:
        """An arbiter asks for evidence."""
        self.require(case, "evidence", "review")
        case.status = "evidence"
        case.clocks = {"look": self.now + DAY, "evidence": self.now + DAY, "ceiling": case.clocks["ceiling"]}

    def ruled_before(self, case: Case) -> set[int | None]:
        """Return who gave the ruling that is appealed against."""
        return {person for ruling in case.given for person in (ruling.by, ruling.approved)}

    def rule(self, case: Case, by: int, *, percent: int) -> None:
        """An arbiter rules that so much of what is left goes back."""
        self.require(case, *RULED_IN)
        if case.status == "appeal" and by in self.ruled_before(case):
            raise No
        amount = split(sum(case.lefts), (percent, 100 - percent))[0]
        ruling = Ruling(2 if case.status == "appeal" else 1, by, amount)
        if amount > FOUR_EYES_ABOVE:
            case.proposed = ruling
        else:
            self._give(case, ruling)

    def approve(self, case: Case, by: int) -> None:
        """A second arbiter agrees."""
        ruling = case.proposed
        if ruling is None or case.status not in RULED_IN or ruling.by == by:
            raise No
        if ruling.instance == 2 and by in self.ruled_before(case):
            raise No
        ruling.approved = by
        self._give(case, ruling)

    def _give(self, case: Case, ruling: Ruling) -> None:
        case.proposed = None
        self.end_offer(case, "superseded")
        case.given.append(ruling)
        if case.status == "appeal":
            self.carry_out(case, ruling.amount)
        else:
            case.status, case.clocks = "decided", {"appeal": self.now + 3 * DAY}

    def carry_out(self, case: Case, amount: int) -> None:
        """Do as a ruling says."""
        lefts = case.lefts
        each = share_out(amount, lefts)
        triples = zip(case.facts, each, lefts, strict=True)
        self.pay(case, each, [goods_if_ruled(facts, whole=part == left) for facts, part, left in triples])

    def appeal(self, case: Case) -> None:
        """A party appeals."""
        self.require(case, "decided")
        case.status, case.clocks = "appeal", {"rule": self.now + 2 * DAY, "ceiling": self.now + 15 * DAY}

    def issuer_voided(self, case: Case, *, receipt: bool) -> None:
        """The issuer was asked to void the keys of a case that waits for it."""
        if case.status != "open" or not case.keys_void:
            raise No
        if receipt:
            self.pay(case, case.lefts, ["void" for _unit in case.units])
            return
        case.facts = [not_voidable(facts) for facts in case.facts]
        case.verdict = decide(case.facts[0])
        if case.verdict.kind == "plain":
            self.pay(case, case.lefts, [case.verdict.goods for _unit in case.units])
        elif case.verdict.kind != "turn":
            self.to_platform(case)
        else:
            case.status = "merchant_turn"
            case.clocks = {"answer": self.now + case.verdict.clock, "ceiling": self.now + 15 * DAY}

    # Time

    def fall(self, case: Case) -> bool:
        """Let one clock of a case that has run out have its consequence; tell whether there was one."""
        fallen = sorted((due, kind) for kind, due in case.clocks.items() if due <= self.now)
        if not fallen:
            return False
        kinds = [kind for _due, kind in fallen]
        kind = "ceiling" if "ceiling" in kinds else kinds[0]
        getattr(self, f"fall_{kind}")(case)
        return True

    def fall_answer(self, case: Case) -> None:
        """The merchant was silent."""
        self.end_offer(case, "expired")
        if case.verdict.silence == "refund":
            goods = [case.verdict.goods for _unit in case.units]
            self.pay(case, share_out(case.offered or 0, case.lefts), goods)
        else:
            self.to_platform(case)

    def fall_offer(self, case: Case) -> None:
        """The buyer did not answer an offer."""
        self.end_offer(case, "expired")
        self.to_platform(case)

    def fall_look(self, case: Case) -> None:
        """The platform looks, or evidence is closed."""
        since = self.now if case.since is None else case.since
        case.status = "review"
        case.clocks = {"rule": max(since + 2 * DAY, self.now + 60), "ceiling": case.clocks["ceiling"]}

    fall_evidence = fall_look

    def fall_rule(self, case: Case) -> None:
        """The platform is late."""
        case.clocks["rule"] = self.now + 2 * DAY

    def fall_escalate(self, case: Case) -> None:
        """Nobody called the platform."""
        self.end_offer(case, "expired")
        self.let_go(case, "expired")

    def fall_appeal(self, case: Case) -> None:
        """Nobody appealed."""
        self.carry_out(case, case.given[-1].amount)

    def fall_ceiling(self, case: Case) -> None:
        """Fifteen days are over: for the buyer, unless a ruling was given already."""
        self.end_offer(case, "expired")
        if case.status == "appeal":
            self.carry_out(case, case.given[-1].amount)
            return
        left = sum(case.lefts)
        self.carry_out(case, min(left, case.ask or case.offered or left))
