"""What each step means for the money: who may do it, and what it moves. Every sum is worked out here a second time."""

from __future__ import annotations

from dataclasses import dataclass, field

from tests.faults.money.books import Books, Leg, Order, Unit, divided, withdrawal_fee

LIVE = ("submitting", "processing", "unknown", "waiting_funds")
SAYS = ("processing", "succeeded", "unknown", "waiting_funds", "closed", "abnormal", "failed")
OVER = ("closed", "failed", "reversed")
MOST_ATTEMPTS = 5
# What a channel may still say about the newest attempt once it is no longer under way.
AFTERWARDS = {"abnormal": ("processing", "succeeded", "closed", "failed"), "failed": ("succeeded",), "closed": ("succeeded",)}


@dataclass
class Model:
    """One shop, one buyer, and all that is known about their money."""

    books: Books
    orders: list[Order] = field(default_factory=list)
    withdrawals: list[list[int | str]] = field(default_factory=list)
    topped_up: int = 0

    def bought(self, order: Order, amount: int) -> None:
        """An order was paid."""
        if order.channel == "wallet":
            self.books.from_wallet(order.escrow, amount)
        else:
            self.books.move(f"psp:{order.channel}:clearing", order.escrow, amount)
        self.orders.append(order)

    def paid_again(self, order: Order) -> None:
        """A second payment of a paid order came in: it goes back whence it came, and the order stays as it is."""
        channel, amount = order.doubled, sum(unit.price for unit in order.units)
        self.books.move(f"psp:{channel}:clearing", f"refund_payable:{channel}", amount)
        order.legs.append(Leg(channel, amount, [], [[channel, "created"]]))
        order.doubled = ""

    def refund(self, order: Order, backs: list[tuple[Unit, int]], to: str) -> None:
        """So much of each unit goes back to the buyer; what escrow keeps of a unit goes to the shop."""
        books, total = self.books, sum(amount for _unit, amount in backs)
        escrow, own, commission = 0, {"pending": 0, "available": 0}, 0
        for unit, amount in backs:
            if not unit.confirmed:
                escrow += amount
                continue
            part = divided(amount, [unit.merchant, unit.commission])[0]
            own["available" if unit.settled else "pending"] += part
            commission += amount - part
            unit.merchant, unit.commission = unit.merchant - part, unit.commission - (amount - part)
        sources = [(order.escrow, escrow), *books.draw(own, last=f"recv:merchant:{books.shop}"), ("commission", commission)]
        leg = Leg(order.channel if to == "original" else "wallet", total, [unit for unit, _amount in backs], [])
        leg.attempts.append([leg.channel, "created"])
        for account, amount in sources:
            books.move(account, leg.payable, amount)
        order.legs.append(leg)
        for unit, amount in backs:
            unit.left -= amount
            unit.over = True
            if not unit.confirmed and unit.left:
                unit.confirm()
                books.move(order.escrow, books.place("pending"), unit.merchant)
                books.move(order.escrow, "commission", unit.commission)

    def confirm(self, order: Order) -> bool:
        """The buyer confirms what was opened and nobody argues about."""
        ready = [unit for unit in order.units if unit.opened and unit.is_held and not unit.argued]
        for unit in ready:
            unit.confirm()
            self.books.move(order.escrow, self.books.place("pending"), unit.merchant)
            self.books.move(order.escrow, "commission", unit.commission)
        return bool(ready)

    def settle(self, order: Order) -> bool:
        """Confirmed money becomes available, and pays what is owed first. Nothing settles that is on its way back."""
        under_way = [unit for leg in order.legs if not leg.arrived for unit in leg.units]
        ready = [unit for unit in order.units if unit.confirmed and unit.left and not unit.settled and not unit.argued]
        ready = [unit for unit in ready if unit not in under_way]
        for unit in ready:
            unit.settled = True
            amount = min(unit.merchant, self.books.has("pending"))
            self.books.move(self.books.place("pending"), self.books.place("available"), amount)
            self.books.collect()
        return bool(ready)

    def argue(self, order: Order, units: list[Unit], ask: int) -> None:
        """A case begins: what the shop has of the argued amount is out of its reach, as far as it is there."""
        order.case, order.asked = units, ask
        for unit, amount in zip(units, divided(ask, [unit.left for unit in units]), strict=True):
            unit.argued = True
            if unit.confirmed:
                part = divided(amount, [unit.merchant, unit.commission])[0]
                place = "available" if unit.settled else "pending"
                taken = self.books.draw({place: part}, last="nowhere", places=("pending", "available"))
                unit.held = [(account, held) for account, held in taken if account != "nowhere"]
                for account, held in unit.held:
                    self.books.move(account, self.books.place("frozen"), held)

    def end_case(self, order: Order, refund: int, *, compensation: int = 0, penalty: int = 0, bearer: str = "shop") -> None:
        """The case is over: what was set aside is free, then the refund, the compensation and the penalty are paid."""
        books, units = self.books, order.case
        for unit in units:
            unit.argued = False
            for account, held in unit.held:
                books.move(books.place("frozen"), account, held)
            unit.held = []
        if refund:
            backs = list(zip(units, divided(refund, [unit.left for unit in units]), strict=True))
            self.refund(order, [(unit, amount) for unit, amount in backs if amount], "original")
        own = {"pending": compensation} if bearer == "shop" else {}
        for account, amount in books.draw(own, last="compensation") if own else [("compensation", compensation)]:
            books.to_wallet(account, amount)
        books.move(books.place("deposit"), "penalty", min(penalty, books.has("deposit")))
        order.case, order.asked = [], 0

    def said(self, leg: Leg, says: str, *, source: str) -> None:
        """The channel says something about the newest attempt."""
        newest = leg.newest
        if newest[1] == "succeeded" and source == "bill" and says in ("failed", "closed", "abnormal"):
            self.bounced(leg)
            return
        may = SAYS if newest[1] in LIVE else AFTERWARDS.get(newest[1], ())
        if says not in may or says == newest[1]:
            return
        newest[1] = says
        if says == "succeeded":
            self.arrive(leg)
        elif says == "processing":
            leg.stuck = False
        elif says in ("failed", "abnormal") or (says == "closed" and (leg.twice or len(leg.attempts) >= MOST_ATTEMPTS)):
            leg.stuck = True
        elif says == "closed":
            leg.attempts.append([newest[0], "created"])

    def bounced(self, leg: Leg) -> None:
        """What had arrived came back: it is owed again."""
        self.books.move(self._paid_from(leg, leg.paying[0]), leg.payable, leg.amount)
        leg.paying[1], leg.arrived, leg.stuck = "reversed", False, True

    def said_late(self, leg: Leg, place: int, says: str, *, again: bool = False) -> None:
        """The channel says something about an attempt that was given up.

        It paid as well: somebody has to look, once, and no book moves. It alone has paid: it counts, and what was opened since is called
        off.
        """
        said = leg.attempts[place]
        if says != "succeeded" or said[1] in ("succeeded", "reversed"):
            return
        if leg.arrived or said[1] not in ("closed", "failed") or not self._called_off(leg):
            leg.twice = leg.twice or not again
            return
        said[1], leg.arrived, leg.stuck, leg.twice = "succeeded", True, False, False
        self.books.move(leg.payable, self._paid_from(leg, said[0]), leg.amount)

    def _called_off(self, leg: Leg) -> bool:
        """Nothing has gone the newest way, or will."""
        newest = leg.newest
        if newest[1] in ("created", "waiting_funds"):
            newest[1] = "closed"
        elif newest == ["hand", "manual"] and not leg.proof:
            newest[1] = "failed"
        return newest[1] in OVER

    def arrive(self, leg: Leg) -> None:
        """The money of a leg went out, by whatever way its newest attempt is."""
        leg.arrived, leg.stuck = True, False
        if leg.newest[0] == "wallet":
            self.books.to_wallet(leg.payable, leg.amount)
        else:
            self.books.move(leg.payable, self._paid_from(leg, leg.newest[0]), leg.amount)

    def _paid_from(self, leg: Leg, way: str) -> str:
        return "bank:1" if way == "hand" else f"psp:{leg.channel}:available"

    def another(self, leg: Leg, way: str) -> bool:
        """Another way is opened for a leg: only where the old one gave up for certain, and nobody paid beside it."""
        gave_up = OVER if way == leg.channel else (*OVER, "abnormal")
        if not leg.stuck or leg.twice or leg.newest[1] not in gave_up or leg.channel == "wallet":
            return False
        if leg.newest[1] == "abnormal":
            leg.newest[1] = "closed"
        leg.attempts.append([way, "manual" if way == "hand" else "created"])
        leg.stuck = way == "hand"
        return True

    def ask_withdrawal(self, amount: int) -> bool:
        """The shop's money is put aside for a withdrawal, after what it owes."""
        free = self.books.has("available") - min(self.books.has("owes"), self.books.has("available"))
        if free < amount:
            return False
        self.books.collect()
        self.books.move(self.books.place("available"), self.books.place("withdrawing"), amount)
        self.withdrawals.append([amount, "asked"])
        return True

    def end_withdrawal(self, withdrawal: list[int | str], became: str) -> None:
        """A withdrawal is paid, its fee kept; or its money is available again."""
        withdrawal[1], amount = became, int(withdrawal[0])
        aside = self.books.place("withdrawing")
        if became == "paid":
            self.books.move(aside, "bank:main", amount - withdrawal_fee(amount))
            self.books.move(aside, "withdraw_fee", withdrawal_fee(amount))
        else:
            self.books.move(aside, self.books.place("available"), amount)

    def put_down(self, amount: int) -> bool:
        """Available money becomes a deposit, after what is owed."""
        free = self.books.has("available") - min(self.books.has("owes"), self.books.has("available"))
        if free < amount:
            return False
        self.books.collect()
        self.books.move(self.books.place("available"), self.books.place("deposit"), amount)
        return True

    def return_unused(self, amount: int) -> bool:
        """So much of the wallet goes back through the payments that filled it: no more than they brought, and than is there."""
        if amount > min(self.topped_up, self.books.wallet):
            return False
        self.topped_up -= amount
        self.books.wallet -= amount
        return True

    def billed(self, order: Order, fee: int) -> None:
        """The channel's bill says what it kept of a payment: once, however often it says so."""
        self.books.move("psp_fee", f"psp:{order.channel}:clearing", fee)
