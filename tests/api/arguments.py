"""Somebody of each side, and cases between them at every point of their life."""

from typing import Any

from tests.api.people import RULING, Person, a_case, a_client, a_decided_case, a_refused_case, a_staff_member, merchant_of
from tests.builders import Product, a_product


class Argument:
    """A buyer, the merchant, an arbiter, and the product they argue about."""

    def __init__(self, price_minor: int = 10_000) -> None:
        self.product: Product = a_product(price_minor=price_minor, stock=60)
        self.buyer, self.merchant, self.arbiter = a_client(), merchant_of(self.product), a_staff_member("arbiter")

    @property
    def sides(self) -> tuple[Person, ...]:
        """Everybody who may look at it."""
        return self.buyer, self.merchant, self.arbiter

    def offered(self) -> str:
        """A case in which the merchant has offered something."""
        number = a_case(self.buyer, product=self.product)
        assert self.merchant.post(f"/cases/{number}/offers", {"refund_minor": 3000, "text": "Half of it?"}).status == 200
        return number

    def proposed(self) -> str:
        """A case with a ruling that waits for a second arbiter."""
        number = a_refused_case(self.buyer, self.product)
        assert a_staff_member("arbiter").post(f"/cases/{number}/ruling", {**RULING, "refund_percent": 100}).status == 200
        return number

    def at(self, place: str) -> str:
        """A case at this point of its life."""
        places: dict[str, Any] = {
            "merchant_turn": lambda: a_case(self.buyer, product=self.product),
            "buyer_turn": self.offered,
            "evidence": lambda: a_refused_case(self.buyer, self.product),
            "proposed": self.proposed,
            "decided": lambda: a_decided_case(self.buyer, self.product, self.arbiter),
        }
        return str(places[place]())
