"""What every protocol of the gateway stands on: one core that keeps payments and refunds and plays the faults, whoever speaks."""

from __future__ import annotations

import threading
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from anka.core.clock import Moment
from anka.sandbox import bills, payments, presets, refunds
from anka.sandbox.bills import BillRow
from anka.sandbox.exchange import HungUp, Refused, Reply, Request
from anka.sandbox.faults import LONGEST_ANSWER_DELAY_SECONDS, Fault, FaultName, Operation, named
from anka.sandbox.notices import Draft
from anka.sandbox.payments import PaymentNotFound, Wanted
from anka.sandbox.refunds import RefundNotFound, RefundOrder
from anka.sandbox.store import Connection, Payment, Refund, Store, find_payment, find_refund, lock_number, use_nonce
from anka.sandbox.told import Told

__all__ = ["BillRow", "Core", "Draft", "Ground", "Outgoing", "Protocol", "RefundOrder", "ServerTrouble", "Setup", "Told", "Wanted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A notice as it goes over the wire."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes


class Protocol(typing.Protocol):
    """One channel's way of speaking. It keeps nothing itself; methods may be called from several threads."""

    code: str
    """The channel's code."""
    prefix: str
    """What addresses of this protocol begin with, '/alipay' for example; taken off before `answer` sees the target."""

    def answer(self, *, request: Request, moment: Moment) -> Reply:
        """Check who asks, act through the core, and sign the answer. Raises HungUp, Refused (answered in plain JSON, unsigned)."""

    def written(self, *, draft: Draft, moment: Moment) -> Outgoing | None:
        """Return a notice in this protocol's shape, disguised as the draft says; None where the protocol has no such notice."""

    def accepts(self, *, status: int, body: bytes) -> bool:
        """Tell whether this answer stops a notice from being sent again."""


class ServerTrouble(Refused):
    """The gateway was asked to fail before doing anything."""

    code = "internal"
    status = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What all cores of one gateway share. `work` sends what is due at once, `wake` lets it be sent soon, `stopped` ends every delay."""

    store: Store
    base_url: str
    refund_delay_seconds: int
    work: Callable[[], int]
    wake: Callable[[], None]
    stopped: threading.Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What a protocol is made of: its core, the folder of the installation (keys), and the clock."""

    core: Core
    home: Path
    clock: Callable[[], Moment]


class Core:
    """The payments and refunds of one protocol; others' do not exist for it.

    Operations that a merchant asks for carry out the faults that were preset for them: they raise HungUp (close the connection without a
    word) or ServerTrouble (500), wait, or return what is told with another amount or marked as forged.
    """

    def __init__(self, *, ground: Ground, protocol: str) -> None:
        self._ground = ground
        self._store = ground.store
        self._protocol = protocol

    def start(self, *, wanted: Wanted, moment: Moment) -> Told:
        """Make a payment known because its merchant calls, under the faults of `start`. Raises PaymentMalformed, PaymentNumberReused."""

        def act(connection: Connection, faults: tuple[Fault, ...]) -> Told:
            payment = payments.register(connection=connection, wanted=wanted, protocol=self._protocol, moment=moment)
            return payments.told(payment=payment, moment=moment)

        return self._faulty(Operation.START, (wanted.number,), act)

    def register(self, *, wanted: Wanted, moment: Moment) -> Payment:
        """Make a payment known because a browser brings it, once per number. Raises PaymentMalformed, PaymentNumberReused."""
        with self._store.transaction() as connection:
            return payments.register(connection=connection, wanted=wanted, protocol=self._protocol, moment=moment)

    def payment(self, *, number: str) -> Payment:
        """Return a payment, without any fault. Raises PaymentNotFound."""
        with self._store.transaction() as connection:
            payment = find_payment(connection=connection, number=number)
        if payment is None or payment.protocol != self._protocol:
            raise PaymentNotFound("The gateway does not know this payment.")
        return payment

    def number_of(self, *, transaction: str) -> str:
        """Return the merchant's number of the payment with this number of the gateway's, without any fault. Raises PaymentNotFound."""
        with self._store.transaction() as connection:
            row = connection.execute(
                "SELECT number FROM sandbox.payment WHERE transaction_number = %s AND protocol = %s", (transaction, self._protocol)
            ).fetchone()
        if row is None:
            raise PaymentNotFound("The gateway does not know this payment.")
        return str(row[0])

    def open_payments(self, *, most: int) -> list[Payment]:
        """Return the payments that nobody decided about yet, newest first, without any fault."""
        with self._store.transaction() as connection:
            found = connection.execute(
                "SELECT number FROM sandbox.payment WHERE protocol = %s AND status = 'open' ORDER BY changed_at DESC, number LIMIT %s",
                (self._protocol, most),
            ).fetchall()
            rows = (find_payment(connection=connection, number=number) for (number,) in found)
            return [row for row in rows if row is not None]

    def cashier_url(self, *, number: str) -> str:
        """Return the page where a person decides about a payment. Raises PaymentNotFound."""
        return f"{self._ground.base_url}/cashier/{self.payment(number=number).token}"

    def query_payment(self, *, number: str, moment: Moment) -> Told:
        """Return what is told of a payment, under the faults of `query`. Raises PaymentNotFound."""

        def act(connection: Connection, _: tuple[Fault, ...]) -> Told:
            payment = self._known(connection, number)
            if payment is None:
                return self._unseen(connection, number)
            return payments.told(payment=payment, moment=moment)

        return self._faulty(Operation.QUERY, (number,), act)

    def close(self, *, number: str, moment: Moment) -> Told:
        """Close a payment unless it is paid, and return what is told of it, under the faults of `close`. Raises PaymentNotFound."""

        def act(connection: Connection, _: tuple[Fault, ...]) -> Told:
            lock_number(connection=connection, number=number)
            payment = self._known(connection, number)
            if payment is None:
                raise PaymentNotFound("The gateway does not know this payment.")
            return payments.close(connection=connection, payment=payment, moment=moment)

        return self._faulty(Operation.CLOSE, (number,), act)

    def close_also_unseen(self, *, number: str, moment: Moment) -> Told:
        """Close a payment as `close` does, also one nobody has opened yet: it can never be paid at the cashier afterwards."""

        def act(connection: Connection, _: tuple[Fault, ...]) -> Told:
            lock_number(connection=connection, number=number)
            payment = self._known(connection, number)
            if payment is None:
                return payments.close_unseen(connection=connection, number=number, moment=moment)
            return payments.close(connection=connection, payment=payment, moment=moment)

        return self._faulty(Operation.CLOSE, (number,), act)

    def submit_refund(self, *, order: RefundOrder, moment: Moment) -> Told:
        """Accept a refund, once per number, and return what is told of it, under the faults of `refund`.

        Raises PaymentNotFound, PaymentNotPaid, CurrencyDiffers, RefundNumberReused, RefundExceedsPayment, OutOfFunds.
        """

        def act(connection: Connection, faults: tuple[Fault, ...]) -> Told:
            if self._known(connection, order.payment_number) is None:
                raise PaymentNotFound("The gateway does not know this payment; nothing was changed.")
            delay = self._ground.refund_delay_seconds
            return refunds.submit(connection=connection, order=order, faults=faults, moment=moment, delay_seconds=delay)

        return self._faulty(Operation.REFUND, (order.payment_number, order.refund_number), act)

    def query_refund(self, *, number: str, moment: Moment) -> Told:
        """Return what is told of a refund, under the faults of `query_refund`. Raises RefundNotFound."""
        with self._store.transaction() as connection:
            refunds.settle_due(connection=connection, moment=moment)

        def act(connection: Connection, _: tuple[Fault, ...]) -> Told:
            self._require_own(connection, number)
            return refunds.query(connection=connection, number=number)

        return self._faulty(Operation.QUERY_REFUND, (number,), act)

    def mend_refund(self, *, number: str, moment: Moment) -> Told:
        """Send an abnormal refund another way and return what is told of it, under the faults of `mend_refund`. Raises RefundNotFound."""
        delay = self._ground.refund_delay_seconds

        def act(connection: Connection, _: tuple[Fault, ...]) -> Told:
            self._require_own(connection, number)
            return refunds.mend(connection=connection, number=number, moment=moment, delay_seconds=delay)

        return self._faulty(Operation.MEND_REFUND, (number,), act)

    def refunds_of(self, *, payment_number: str) -> list[Refund]:
        """Return every refund of a payment, oldest first, without any fault; none where there is no such payment."""
        with self._store.transaction() as connection:
            if self._known(connection, payment_number) is None:
                return []
            found = connection.execute(
                "SELECT number FROM sandbox.refund WHERE payment_number = %s ORDER BY changed_at, number LIMIT 1000", (payment_number,)
            ).fetchall()
            rows = (find_refund(connection=connection, number=number) for (number,) in found)
            return [row for row in rows if row is not None]

    def bill(self, *, day: date) -> list[BillRow]:
        """Return everything that moved money on a day in China, oldest first, and what was settled at its end."""
        with self._store.transaction() as connection:
            return bills.bill(connection=connection, protocol=self._protocol, day=day)

    def is_new(self, *, nonce: str, moment: Moment) -> bool:
        """Tell whether a signed request's nonce was not seen in the last ten minutes, and remember it."""
        with self._store.transaction() as connection:
            return use_nonce(connection=connection, nonce=f"{self._protocol}:{nonce}"[:200], real_now=moment.real)

    def _known(self, connection: Connection, number: str) -> Payment | None:
        payment = find_payment(connection=connection, number=number)
        return payment if payment is not None and payment.protocol == self._protocol else None

    def _unseen(self, connection: Connection, number: str) -> Told:
        if find_payment(connection=connection, number=number) is not None:
            raise PaymentNotFound("The gateway does not know this payment.")
        return payments.query_unseen(connection=connection, number=number)

    def _require_own(self, connection: Connection, refund_number: str) -> None:
        refund = find_refund(connection=connection, number=refund_number)
        if refund is None or self._known(connection, refund.payment_number) is None:
            raise RefundNotFound("The gateway does not know this refund: submit it, with the same number.")

    def _faulty(self, operation: Operation, numbers: tuple[str, ...], act: Callable[[Connection, tuple[Fault, ...]], Told]) -> Told:
        with self._store.transaction() as connection:
            faults = presets.next_fault(connection=connection, operation=operation, numbers=numbers)
        if named(faults=faults, name=FaultName.TIMEOUT_BEFORE):
            raise HungUp
        if named(faults=faults, name=FaultName.ERROR_500):
            raise ServerTrouble("The sandbox was asked to fail; nothing was changed.")
        with self._store.transaction() as connection:
            told = act(connection, faults)
        if named(faults=faults, name=FaultName.NOTICE_BEFORE_ANSWER):
            self._ground.work()
        return self._answered(told, faults)

    def _answered(self, told: Told, faults: tuple[Fault, ...]) -> Told:
        delay = named(faults=faults, name=FaultName.DELAY)
        if delay:
            self._ground.stopped.wait(min(delay.seconds, LONGEST_ANSWER_DELAY_SECONDS))
        if named(faults=faults, name=FaultName.TIMEOUT_AFTER):
            raise HungUp
        if named(faults=faults, name=FaultName.WRONG_AMOUNT):
            told = replace(told, amount_minor=1 if told.amount_minor != 1 else 2)
        return replace(told, forged=True) if named(faults=faults, name=FaultName.FORGED) else told
