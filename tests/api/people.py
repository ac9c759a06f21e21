"""People of the API's tests, with their tokens, and the goods they trade."""

from dataclasses import dataclass
from typing import Any

from anka.accounts.tokens import EVERYTHING, Scope
from anka.catalog.models import Terms
from anka.core import database
from anka.core.actors import Actor, ActorKind
from anka.core.clock import moment
from anka.flows.appoint_staff import appoint_staff
from anka.flows.deliver_order import deliver_order
from anka.flows.issue_token import issue_token
from tests.api.client import Client, Response
from tests.builders import OPERATOR, Product, Shop, a_person, a_product, fill_wallet

OUT = "NO_LONGER_NEEDED"
REFUSAL = {"reason": "KEY_WORKED", "text": "It worked when we tried it."}
RULING = {"fault": "both", "reasons": ["SHARED_FAULT"], "text": "Both could have done better.", "refund_percent": 50}


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
        answer = self.post("/orders", {"product_id": product.number, "quantity": quantity, "accept_notice": True, "allow_duplicate": True})
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


def an_opened_order(buyer: Person, *, product: Product | None = None) -> str:
    """An order of this buyer whose one unit was opened."""
    number = a_sealed_order(buyer, product=product)
    assert buyer.post(f"/orders/{number}/units/1/reveal").status == 200
    return number


def a_case(buyer: Person, *, product: Product | None = None, ask_minor: int = 4000) -> str:
    """A case about an opened key that waits for the merchant's answer."""
    number = an_opened_order(buyer, product=product)
    answer = buyer.post(
        f"/orders/{number}/cases", {"reason": "KEY_INVALID", "statement": "It does not work.", "ask": {"refund_minor": ask_minor}}
    )
    assert answer.status == 201, answer.body
    case = answer.json["cases"][0]
    assert case["status"] == "merchant_turn"
    return str(case["number"])


def told_by_issuer(order_number: str, use_check: str) -> None:
    """The issuer's records say this about every unit of an order."""
    database.rows(
        "UPDATE orders_unit SET use_check = %s WHERE order_id = (SELECT id FROM orders_order WHERE number = %s)", (use_check, order_number)
    )


def a_case_the_rules_refuse(buyer: Person) -> str:
    """A case about an opened key that the rules refuse, which its buyer may bring to the platform."""
    number = an_opened_order(buyer, product=a_product(terms=Terms(notice_zh="用后不退", notice_en="No refund once used")))
    told_by_issuer(number, "used_after_reveal")
    answer = buyer.post(f"/orders/{number}/cases", {"reason": OUT})
    assert (answer.status, answer.json["cases"][0]["status"]) == (201, "refused"), answer.body
    return str(answer.json["cases"][0]["number"])


def a_refused_case(buyer: Person, product: Product) -> str:
    """A case whose merchant has refused, so that the platform has it."""
    number = a_case(buyer, product=product)
    answer = merchant_of(product).post(f"/cases/{number}/refuse", REFUSAL)
    assert (answer.status, answer.json["status"]) == (200, "evidence"), answer.body
    return number


def a_decided_case(buyer: Person, product: Product, arbiter: Person) -> str:
    """A case the platform has ruled on, whose appeal window runs."""
    number = a_refused_case(buyer, product)
    answer = arbiter.post(f"/cases/{number}/ruling", RULING)
    assert (answer.status, answer.json["status"]) == (200, "decided"), answer.body
    return number


def a_staff_member(role: str) -> Person:
    """Somebody of the platform's staff, with a token."""
    person_id = a_person()
    appoint_staff(actor=OPERATOR, person_id=person_id, role=role)
    return a_client(person_id=person_id)


def a_manual_product(*, shop: Shop | None = None) -> Product:
    """A product whose keys its merchant delivers by hand."""
    return a_product(stock=0, shop=shop, delivery="manual")


def a_paid_order(buyer: Person, product: Product, quantity: int = 1) -> str:
    """An order of this buyer, paid from the wallet, its goods queued."""
    number = buyer.order(product, quantity)
    buyer.pay(number)
    return number


def a_sealed_order(buyer: Person, *, quantity: int = 1, product: Product | None = None) -> str:
    """An order of this buyer, paid from the wallet and delivered sealed."""
    number = buyer.order(product or a_product(stock=quantity), quantity)
    buyer.pay(number)
    assert deliver_order(order_number=number, at=moment())
    return number


def every_page(who: Person, path: str) -> list[dict[str, Any]]:
    """Every line of a list, page by page."""
    found: list[dict[str, Any]] = []
    cursor = ""
    for _ in range(100):
        answer = who.get(path + (f"&cursor={cursor}" if cursor else ""))
        assert answer.status == 200, answer.body
        found += answer.json["items"]
        cursor = answer.json["next"]
        if cursor is None:
            return found
    raise AssertionError(path)
