"""How an order lives, by the book: what is paid, handed over, opened, confirmed, settled and given back. No database, no flows.

Written from the design of the domain and of the money, not from the flows. Every step either happens whole or raises No.
"""

from dataclasses import dataclass, field

from tests.faults.model.things import DAY, ENDED, FEE, Clock, No, Order, Payment, Product, Refund, Unit

WINDOW = 7 * DAY
OPENED = ("revealed", "used")
WAITING = ("queued", "accepted")
# Where keys go when their unit is given back, by what was decided about the goods.
AWAY = {"release": "released", "restock": "recalled", "hold": "recalled", "void": "voided"}


@dataclass
class Market:
    """One shop, one buyer, and what both have."""

    now: int = 0
    wallet: int = 0
    pending: int = 0
    available: int = 0
    frozen: int = 0
    commission: int = 0
    products: list[Product] = field(default_factory=list)
    orders: list[Order] = field(default_factory=list)

    def fee(self, amount: int) -> int:
        """Return the platform's commission, rounded down."""
        return amount * FEE // 10_000

    # Buying and paying

    def place(self, product: Product, quantity: int) -> Order:
        """Order so many; goods from stock are reserved."""
        if not product.manual:
            if product.available < quantity:
                raise No
            product.available -= quantity
        units = [Unit(position, product.price) for position in range(1, quantity + 1)]
        order = Order(product, quantity, self.now + 15, units)
        self.orders.append(order)
        return order

    def payable(self, order: Order) -> bool:
        """Tell whether the order can still be paid."""
        reserved = all(unit.stage == "reserved" for unit in order.units)
        return order.closed_at is None and order.paid_at is None and self.now < order.hold_until and reserved

    def begin(self, order: Order) -> Payment:
        """Begin a payment through the channel, or go on with the one that was begun."""
        if not self.payable(order):
            raise No
        live = next((payment for payment in order.payments if payment.status == "live"), None)
        if live is None:
            live = Payment("sandbox", order.price)
            order.payments.append(live)
        return live

    def pay_from_wallet(self, order: Order) -> None:
        """Pay at once."""
        if not self.payable(order) or self.wallet < order.price:
            raise No
        self.wallet -= order.price
        payment = Payment("wallet", order.price)
        order.payments.append(payment)
        self.hear(order, payment)

    def hear(self, order: Order, payment: Payment) -> int:
        """Money came; return how much of it was new."""
        if payment.status == "paid":
            return 0
        payment.status = "paid"
        order.paid += payment.amount
        stock = order.product.available >= order.quantity
        timed_out = order.paid_at is None and order.closed_by == "timeout" and order.closed_at is not None
        if order.paid_at is None and order.closed_at is None:
            self._queue(order, order.units)
        elif timed_out and order.closed_at is not None and self.now <= order.closed_at + DAY and stock:
            new = [Unit(len(order.units) + number, order.product.price) for number in range(1, order.quantity + 1)]
            if not order.product.manual:
                order.product.available -= order.quantity
            order.units += new
            order.closed_at, order.closed_by = None, None
            self._queue(order, new)
        else:
            order.refunded += payment.amount
            payment.refunded = payment.amount
            order.refunds.append(Refund(order, payment.amount, payment.channel, []))
        order.paid_at = self.now if order.paid_at is None else order.paid_at
        return payment.amount

    def _queue(self, order: Order, units: list[Unit]) -> None:
        for unit in units:
            unit.stage, unit.money = "queued", "held"
        order.promise = (self.now, self.now + order.product.promise)

    def expire(self, order: Order) -> None:
        """Close it when the hold has run out."""
        if order.closed_at is None and order.paid_at is None and self.now >= order.hold_until:
            self.close(order, "timeout")

    def close(self, order: Order, by: str) -> None:
        """End an order that nobody has paid."""
        for unit in order.units:
            self.put_away(order, unit, "release")
        order.closed_at, order.closed_by = self.now, by
        for payment in order.payments:
            payment.status = "closed" if payment.status == "live" else payment.status

    # Goods

    def put_away(self, order: Order, unit: Unit, goods: str) -> None:
        """Send the goods of a unit where a decision says."""
        product, had_key = order.product, not order.product.manual or unit.stage not in ("reserved", *WAITING)
        if goods == "keep":
            unit.stage = "closed_out" if unit.stage in OPENED else unit.stage
            return
        unit.stage = AWAY[goods]
        if had_key:
            place = {"release": "available", "restock": "available", "hold": "held", "void": "voided"}[goods]
            setattr(product, place, getattr(product, place) + 1)

    def deliver(self, order: Order) -> None:
        """Goods from stock deliver themselves."""
        if not order.product.manual:
            self._seal(order, [unit for unit in order.units if unit.stage == "queued" and unit.case is None])

    def _seal(self, order: Order, units: list[Unit]) -> None:
        for unit in units:
            unit.stage, unit.delivered_at = "sealed", self.now
            unit.clocks["confirm"] = Clock(self.now + WINDOW)
        if units:
            self.stop_promise(order)

    def stop_promise(self, order: Order) -> None:
        """The promise is kept, or has nothing left to promise."""
        if not any(unit.stage in WAITING for unit in order.units):
            order.promise = None

    def take_up(self, order: Order) -> None:
        """The merchant takes up what is delivered by hand."""
        found = [unit for unit in order.units if unit.stage == "queued" and unit.case is None]
        if not order.product.manual or not found:
            raise No
        for unit in found:
            unit.stage = "accepted"

    def waiting(self, order: Order) -> list[Unit]:
        """Return what the merchant could hand over."""
        return [unit for unit in order.units if order.product.manual and unit.stage in WAITING and unit.case is None]

    def hand_over(self, order: Order) -> None:
        """The merchant hands keys over."""
        if not self.waiting(order):
            raise No
        self._seal(order, self.waiting(order))

    def may_reveal(self, unit: Unit) -> bool:
        """Tell whether the buyer may open it, or look at it again."""
        return unit.stage in OPENED or (unit.stage == "sealed" and unit.case is None)

    def reveal(self, unit: Unit) -> None:
        """Open a unit."""
        if not self.may_reveal(unit):
            raise No
        if unit.stage == "sealed":
            unit.stage = "revealed"
            if not unit.confirmed:
                unit.clocks["confirm"] = Clock(self.now + 3 * DAY)

    def issuer_says(self, unit: Unit, said: dict[str, object]) -> None:
        """Keep the newest word of the issuer; what it is silent about stays."""
        if "use_check" in said:
            unit.use, unit.used_by = str(said["use_check"]), str(said.get("used_by", "unknown"))
        if "voidable" in said:
            unit.voidable = bool(said["voidable"])
        unit.wrong = unit.wrong or "region" in said
        if isinstance(said.get("delivered_percent"), int):
            unit.percent = int(str(said["delivered_percent"]))
        if unit.use == "used_after_reveal" and unit.stage == "revealed" and unit.case is None:
            unit.stage = "used"

    # Money

    def confirmable(self, order: Order) -> list[Unit]:
        """Return what the buyer may confirm now: opened, or sealed with the window over."""
        return [
            unit
            for unit in order.units
            if unit.money == "held"
            and unit.case is None
            and (unit.stage in OPENED or (unit.stage == "sealed" and self.now > unit.delivered_at + WINDOW))
        ]

    def confirm(self, order: Order) -> None:
        """The buyer confirms what can be."""
        if not self.confirmable(order):
            raise No
        for unit in self.confirmable(order):
            self.confirm_unit(order, unit)

    def confirm_unit(self, order: Order, unit: Unit) -> None:
        """What escrow holds goes to the merchant, less the commission; what is sealed settles no sooner than its window ends."""
        self.pay_out(order, unit, unit.left)
        unit.money = "released"
        if unit.stage == "sealed":
            unit.clocks["settle"].due = max(unit.clocks["settle"].due, unit.delivered_at + WINDOW)

    def pay_out(self, order: Order, unit: Unit, amount: int) -> None:
        """Release an amount of a unit; its settle clock starts."""
        fee = self.fee(amount)
        unit.merchant, unit.confirmed = amount - fee, True
        self.pending, self.commission = self.pending + amount - fee, self.commission + fee
        order.released += amount
        unit.clocks.pop("confirm", None)
        unit.clocks["settle"] = Clock(self.now + 2 * DAY)

    def _fallen(self, unit: Unit, kind: str) -> bool:
        clock = unit.clocks.get(kind)
        return clock is not None and clock.paused_at is None and clock.due <= self.now and unit.case is None

    def auto_confirm(self, order: Order) -> None:
        """Confirm what nobody has confirmed."""
        for unit in order.units:
            if self._fallen(unit, "confirm") and unit.money == "held" and unit.stage in ("sealed", *OPENED):
                self.confirm_unit(order, unit)

    def settle(self, order: Order) -> None:
        """Let the merchant have what was confirmed."""
        for unit in order.units:
            if self._fallen(unit, "settle") and unit.money in ("released", "part_refunded"):
                self.pending, self.available = self.pending - unit.merchant, self.available + unit.merchant
                unit.money = "settled"
                del unit.clocks["settle"]

    def move_balance(self, unit: Unit, amount: int) -> None:
        """Take an amount from where the merchant's part of a unit is (or put it back)."""
        if unit.money == "settled":
            self.available -= amount
        else:
            self.pending -= amount

    def give_back(self, order: Order, grants: list[tuple[Unit, int, str]], refund_to: str) -> None:
        """Refund units, put their goods away, and pay out what is left of each."""
        total = sum(amount for _unit, amount, _goods in grants)
        paying = next(p for p in order.payments if p.status == "paid" and p.amount - p.refunded >= total)
        paying.refunded += total
        order.refunded += total
        channel = "wallet" if refund_to == "wallet" else paying.channel
        order.refunds.append(Refund(order, total, channel, [unit for unit, _amount, _goods in grants]))
        for unit, amount, goods in grants:
            rest, was = unit.left - amount, unit.money
            unit.clocks.pop("confirm", None)
            if unit.confirmed:
                self._take_back(order, unit, amount)
                unit.refunded += amount
                self._settle_rest(unit, runs=rest > 0 and was == "released")
            else:
                unit.refunded += amount
                if rest:
                    self.pay_out(order, unit, rest)
            unit.money = "refunding"
            self.put_away(order, unit, goods)
        self.stop_promise(order)

    def _take_back(self, order: Order, unit: Unit, amount: int) -> None:
        part = unit.borne(amount)
        self.move_balance(unit, part)
        self.commission -= amount - part
        unit.merchant -= part
        order.released -= amount

    def _settle_rest(self, unit: Unit, *, runs: bool) -> None:
        if runs:
            self.resume(unit, "settle")
        else:
            unit.clocks.pop("settle", None)

    def resume(self, unit: Unit, kind: str) -> None:
        """Let a paused clock run on with as much time as it had."""
        clock = unit.clocks.get(kind)
        if clock is not None and clock.paused_at is not None:
            clock.due, clock.paused_at = clock.due + self.now - clock.paused_at, None

    def arrives(self, refund: Refund) -> int:
        """A refund has arrived; return what left the market by it."""
        refund.status = "succeeded"
        for unit in refund.units:
            if unit.money == "refunding":
                unit.money = "refunded" if unit.left == 0 else "part_refunded"
        if refund.channel == "wallet":
            self.wallet += refund.amount
            return 0
        return refund.amount

    def closed_by_channel(self, refund: Refund) -> None:
        """The channel has ended an attempt; the fifth is a person's to look after."""
        refund.attempts += 1
        if refund.attempts > 5:
            refund.status = "stuck"

    def untouched(self, order: Order) -> list[Unit]:
        """Return what nobody has touched for two days: it goes back by itself."""
        if order.promise is None or order.promise[1] > self.now or order.promise[0] > self.now - 2 * DAY:
            return []
        return [unit for unit in order.units if unit.stage == "queued" and unit.case is None]

    def open_units(self, order: Order) -> list[Unit]:
        """Return what a claim can be about."""
        return [
            unit for unit in order.units if unit.stage not in ENDED and unit.money not in ("refunding", "refunded") and unit.case is None
        ]
