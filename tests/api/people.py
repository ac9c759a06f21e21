"""People of the API's tests, with their tokens, and the goods they trade."""

from dataclasses import dataclass

from anka.accounts.tokens import EVERYTHING, Scope
from anka.core.actors import Actor, ActorKind
from anka.core.clock import moment
from anka.flows.deliver_order import deliver_order
from anka.flows.issue_token import issue_token
from tests.api.client import Client, Response
from tests.builders import Product, a_person, a_product, fill_wallet

OUT = "NO_LONGER_NEEDED"


@dataclass
class Person(Client):
    """A client that is somebody."""

    person_id: int = 0

    @property
    def buyer(self) -> Actor:
        """The person as a buyer."""
        return Actor(kind=ActorKind.BUYER, person_id=self.person_id)

    def order(self, product: Product, quantity: int = 1) -> str:
        """Place an order and return its number."""
        answer = self.post("/orders", {"product_id": product.number, "quantity": quantity, "allow_duplicate": True})
        assert answer.status == 201, answer.body
        return str(answer.json["number"])

    def pay(self, number: str) -> Response:
        """Pay an order from a wallet that holds enough."""
        fill_wallet(self.buyer, int(self.get(f"/orders/{number}").json["amount_minor"]))
        answer = self.post(f"/orders/{number}/payments", {"channel": "wallet"})
        assert answer.status == 201, answer.body
        return answer


def a_client(*, scopes: Scope = EVERYTHING, person_id: int | None = None) -> Person:
    """Somebody with a token of their own."""
    who = a_person() if person_id is None else person_id
    return Person(token=issue_token(person_id=who, scopes=scopes, at=moment()), person_id=who)


def merchant_of(product: Product) -> Person:
    """The owner of a product's shop, with a token."""
    return a_client(person_id=product.shop.owner.person_id)


def a_sealed_order(buyer: Person, *, quantity: int = 1, product: Product | None = None) -> str:
    """An order of this buyer, paid from the wallet and delivered sealed."""
    number = buyer.order(product or a_product(stock=quantity), quantity)
    buyer.pay(number)
    assert deliver_order(order_number=number, at=moment())
    return number
