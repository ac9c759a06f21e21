"""How a claim becomes cases, by the book: judged, frozen, carried out at once where the rules say so. No database, no flows."""

from dataclasses import dataclass

from tests.faults.model.model import WAITING, WINDOW, Market
from tests.faults.model.rules import QUALITY, Facts, Verdict, decide
from tests.faults.model.things import DAY, Case, Clock, No, Order, Unit, share_out, split

MOST_CASES = 5


@dataclass(frozen=True)
class Ask:
    """What somebody asks for."""

    asker: str
    reason: str
    positions: tuple[int, ...] | None = None
    amount: int | None = None
    replacement: bool = False
    refund_to: str = "original"


class Claims(Market):
    """The market, with claims."""

    def facts(self, order: Order, unit: Unit, ask: Ask) -> Facts:
        """Return what a unit is judged on now."""
        delivered = unit.stage in ("sealed", "revealed", "used")
        came = unit.delivered_at if delivered else self.now
        overdue = order.paid_at is not None and came - order.paid_at > order.product.promise
        ago = self.now - unit.delivered_at if delivered else 0
        notice = "confirmed" if order.product.notice else "none"
        return Facts(
            stage=unit.stage,
            reason=ask.reason,
            asker=ask.asker,
            ago=ago,
            overdue=overdue,
            use=unit.use,
            used_by=unit.used_by,
            voidable=unit.voidable,
            wrong=unit.wrong,
            percent=unit.percent,
            notice=notice,
        )

    def judge(self, order: Order, ask: Ask) -> list[Case]:
        """Return the cases a claim would make, units that are judged alike together."""
        found = self.open_units(order)
        chosen = found if ask.positions is None else [unit for unit in found if unit.position in ask.positions]
        if not chosen or (ask.positions is not None and len(chosen) < len(ask.positions)):
            raise No
        chosen = found if any(unit.stage == "reserved" for unit in chosen) else chosen
        cases: dict[Verdict, Case] = {}
        for unit in chosen:
            facts = self.facts(order, unit, ask)
            verdict = decide(facts)
            case = cases.setdefault(verdict, Case(order, [], [], verdict, ask.asker, ask.refund_to, ask.reason))
            case.units.append(unit)
            case.facts.append(facts)
        return list(cases.values())

    def claim(self, order: Order, ask: Ask) -> list[Case]:
        """Ask for the money back; return the cases that this made."""
        cases = self.judge(order, ask)
        routes = [case.verdict.route(ask.asker) for case in cases]
        if ask.asker == "merchant" and "refuse" in routes:
            raise No
        for case, route in zip(cases, routes, strict=True):
            if route != "instant" and ask.reason not in QUALITY and any(unit.cases >= MOST_CASES for unit in case.units):
                raise No
        parts = self._parts(cases, routes, ask)
        for case, route, asked in zip(cases, routes, parts, strict=True):
            for unit in case.units:
                unit.cases += 1
            order.cases.append(case)
            self._file(case, route, asked, ask)
        return cases

    def _most(self, case: Case) -> list[int]:
        percent = case.verdict.percent_for(case.asker)
        if percent is None or case.verdict.kind == "refusal":
            return case.lefts
        return self._fixed(case)

    def _fixed(self, case: Case) -> list[int]:
        percent = case.verdict.percent_for(case.asker) or 0
        return [min(unit.left, split(unit.amount, (percent, 100 - percent))[0]) for unit in case.units]

    def _parts(self, cases: list[Case], routes: list[str], ask: Ask) -> list[list[int]]:
        """What is asked for of each unit that somebody has to answer about."""
        answered = [route in ("merchant", "platform", "refuse") for route in routes]
        waiting = [case for case, needed in zip(cases, answered, strict=True) if needed]
        if ask.amount is None:
            if not ask.replacement and any(case.verdict.percent_for(ask.asker) is None for case in waiting):
                raise No
            return [self._most(case) if needed else [] for case, needed in zip(cases, answered, strict=True)]
        if waiting and not 1 <= ask.amount <= sum(sum(case.lefts) for case in waiting):
            raise No
        most = [amount for case in waiting for amount in self._most(case)]
        each = iter(share_out(ask.amount, most) if most else [])
        parts = [[next(each) for _unit in case.units] if needed else [] for case, needed in zip(cases, answered, strict=True)]
        if any(needed and sum(part) == 0 for part, needed in zip(parts, answered, strict=True)):
            raise No
        return parts

    def _file(self, case: Case, route: str, asked: list[int], ask: Ask) -> None:
        percent = case.verdict.percent_for(ask.asker)
        case.ask = sum(asked) if asked and (ask.amount is not None or percent is not None) else None
        case.ask_replacement = ask.replacement
        case.offered = None if percent is None or route == "refuse" else sum(asked or self._fixed(case))
        if route == "close":
            self.close(case.order, "buyer")
            self.end(case, "released")
        elif route != "instant":
            self._open(case, route)
        elif ask.replacement and case.verdict.replacement_first:
            self.take_stock(case)
            self.replace(case)
        elif case.verdict.goods == "void" and any(f.use == "unused" and f.voidable and f.stage != "sealed" for f in case.facts):
            case.keys_void = True
            self.hold(case, case.lefts)
        else:
            goods = [case.verdict.goods for _unit in case.units]
            self.pay(case, self._fixed(case), goods)

    def _open(self, case: Case, route: str) -> None:
        lefts = case.lefts
        in_part = case.ask is not None and not case.ask_replacement and route in ("merchant", "platform")
        self.hold(case, share_out(case.ask or 0, lefts) if in_part else lefts)
        if route == "refuse":
            case.status, case.clocks["escalate"] = "refused", self.now + 7 * DAY
        elif route == "merchant":
            case.status, case.clocks["answer"] = "merchant_turn", self.now + case.verdict.clock
            case.clocks["ceiling"] = self.now + 15 * DAY
        else:
            self.to_platform(case)

    # What every step of a case needs

    def hold(self, case: Case, frozen: list[int]) -> None:
        """Halt the units of a case: clocks stand still, what the merchant has of the argued amount is set aside."""
        for unit, amount in zip(case.units, frozen, strict=True):
            unit.case, unit.frozen = case, amount
            for clock in unit.clocks.values():
                clock.paused_at = self.now if clock.paused_at is None else clock.paused_at
            if unit.confirmed:
                part = unit.borne(amount)
                self.move_balance(unit, part)
                self.frozen += part

    def free(self, case: Case) -> None:
        """Let the units go."""
        for unit in case.units:
            if unit.case is case and unit.confirmed:
                part = unit.borne(unit.frozen)
                self.move_balance(unit, -part)
                self.frozen -= part
            unit.case, unit.frozen = None, 0

    def run_on(self, units: list[Unit]) -> None:
        """Let the clocks of units run on."""
        for unit in units:
            self.resume(unit, "confirm")
            self.resume(unit, "settle")

    def end(self, case: Case, outcome: str) -> None:
        """Close a case."""
        case.status, case.outcome, case.clocks = "closed", outcome, {}

    def pay(self, case: Case, each: list[int], goods: list[str]) -> None:
        """End a case with money; units that get none go on as if nobody had argued, and so do all where there is none at all."""
        case.refund, lefts = sum(each), sum(case.lefts)
        self.free(case)
        if case.refund:
            granted = [(unit, amount, where) for unit, amount, where in zip(case.units, each, goods, strict=True) if amount]
            self.give_back(case.order, granted, case.refund_to)
            self.run_on([unit for unit, amount in zip(case.units, each, strict=True) if not amount])
            self.end(case, "refunded" if case.refund == lefts else "partial")
        else:
            self.run_on(case.units)
            self.end(case, "rejected")

    def let_go(self, case: Case, outcome: str) -> None:
        """End a case without money."""
        self.free(case)
        self.run_on(case.units)
        self.end(case, outcome)

    def take_stock(self, case: Case) -> None:
        """Set keys aside for replacements."""
        product = case.order.product
        if product.manual or product.available < len(case.units):
            raise No
        product.available -= len(case.units)

    def replace(self, case: Case) -> None:
        """End a case with new units in the place of the old, on keys that were set aside; the warranty starts anew."""
        self.free(case)
        for old in case.units:
            self.replace_unit(case.order, old)
        self.end(case, "replaced")

    def replace_unit(self, order: Order, old: Unit) -> None:
        """Put a new unit in the place of one; money, the merchant's part and the count of cases move on to it."""
        new = Unit(len(order.units) + 1, old.left, stage="sealed", delivered_at=self.now, cases=old.cases, money=old.money)
        if old.confirmed:
            new.confirmed, new.merchant = True, old.merchant
            if old.money == "released":
                # Sealed goods can go back by one click, so their money is not let go before that has ended.
                new.clocks["settle"] = Clock(self.now + WINDOW)
        else:
            new.clocks["confirm"] = Clock(self.now + WINDOW)
        old.stage, old.money, old.merchant, old.clocks = "replaced", "none", 0, {}
        order.product.voided += 1
        order.units.append(new)

    def to_platform(self, case: Case) -> None:
        """Hand a case to the platform."""
        ceiling = case.clocks.get("ceiling", self.now + 15 * DAY)
        case.clocks = {"look": self.now + DAY, "evidence": self.now + DAY, "ceiling": ceiling}
        case.status, case.since = "evidence", self.now if case.since is None else case.since

    def is_waiting(self, unit: Unit) -> bool:
        """Tell whether a unit still waits to be delivered."""
        return unit.stage in WAITING
