"""What people do here, as a table: a new action is one more entry.

An order or case, as the API shows it to somebody, lists what they may do with it (`actions`). An entry says how the request for one of
those is filled in, and how what it made can be counted: `event` is the event that the history of an order shows once for each thing made,
and `made` names those things from the answer, so that a repeated request can be held to the same answer. Where different requests may be
answered with one and the same thing (a payment that is open already, a unit that is open already), the entry is `shared`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

View = Mapping[str, Any]
QUIET_REASONS = ("NO_LONGER_NEEDED", "BOUGHT_BY_MISTAKE")


@dataclass(frozen=True)
class Ask:
    """One request about to be made. `about` is the order's or case's number; "" where it is about none yet."""

    path: str
    body: Mapping[str, Any]
    about: str = ""


Fill = Callable[[View, Random], Ask | None]


@dataclass(frozen=True)
class Action:
    """One kind of request. `role` is who makes it, `sees` what they look at first: "shelf", "order" or "case"."""

    name: str
    role: str
    sees: str
    weight: int
    fill: Fill
    event: str
    made: Callable[[Any], list[str]]
    shared: bool = False

    def __str__(self) -> str:
        return self.name


def offered(view: View, name: str) -> list[View]:
    """What may be done now under this name, according to the order or case itself."""
    return [action for action in view["actions"] if action["name"] == name and action["allowed"]]


def number_of(answer: Any) -> list[str]:
    """The one thing that was made, by its number."""
    return [str(answer["number"])]


def place(shelf: View, random: Random) -> Ask:
    """Order one to three of a product."""
    body = {
        "product_id": random.choice(shelf["products"]),
        "quantity": random.choice((1, 1, 2, 3)),
        "accept_notice": True,
        "allow_duplicate": True,
    }
    return Ask("/api/v1/orders", body)


def pay(channel: str) -> Fill:
    """Pay an order through this channel, or from the wallet."""

    def fill(order: View, _random: Random) -> Ask | None:
        return next((Ask(action["path"], {"channel": channel}, order["number"]) for action in offered(order, "pay")), None)

    return fill


def cancel(order: View, random: Random) -> Ask | None:
    """Get out of the whole order, or of one unit of it."""
    ways = offered(order, "cancel")
    if not ways:
        return None
    way = random.choice(ways)
    body: dict[str, Any] = {"reason": "NO_LONGER_NEEDED", "refund_to": random.choice(("original", "original", "wallet"))}
    if way["unit"]:
        body["units"] = [way["unit"]]
    return Ask(way["path"], body, order["number"])


def reveal(order: View, random: Random) -> Ask | None:
    """Open a unit."""
    ways = offered(order, "reveal")
    return Ask(random.choice(ways)["path"], {}, order["number"]) if ways else None


def confirm(order: View, _random: Random) -> Ask | None:
    """Accept delivery of everything that can be accepted."""
    return next((Ask(action["path"], {}, order["number"]) for action in offered(order, "confirm")), None)


def complain(order: View, random: Random) -> Ask | None:
    """Say that an opened key does not work."""
    opened = [unit["id"] for unit in order["units"] if unit["stage"] == "revealed" and unit["money"] in ("held", "released")]
    if not opened:
        return None
    body = {"reason": "KEY_INVALID", "units": [random.choice(opened)], "statement": "it says: used", "ask": {"refund_minor": 700}}
    return Ask(f"/api/v1/orders/{order['number']}/cases", body, order["number"])


def cases_in(answer: Any) -> list[str]:
    """The cases a request became."""
    return sorted(str(case["number"]) for case in answer["cases"])


BUYER_OF_ORDER: Sequence[Action] = (
    Action("place", "buyer", "shelf", 30, place, "order_placed", number_of),
    Action("pay from wallet", "buyer", "order", 12, pay("wallet"), "order_paid", number_of),
    Action("begin payment", "buyer", "order", 18, pay("sandbox"), "payment_begun", number_of, shared=True),
    Action("cancel", "buyer", "order", 10, cancel, "case_opened", cases_in),
    Action("reveal", "buyer", "order", 12, reveal, "unit_opened", lambda answer: [str(answer["unit"])], shared=True),
    Action("confirm", "buyer", "order", 10, confirm, "delivery_confirmed", number_of),
    Action("complain", "buyer", "order", 4, complain, "case_opened", cases_in),
)


def cancel_for(reason: str) -> Fill:
    """Get out of a sale: as its merchant, or for somebody."""

    def fill(order: View, random: Random) -> Ask | None:
        ways = offered(order, "cancel")
        if not ways:
            return None
        way = random.choice(ways)
        return Ask(way["path"], {"reason": reason, **({"units": [way["unit"]]} if way["unit"] else {})}, order["number"])

    return fill


def answer(name: str, **body: Any) -> Fill:
    """Do what a case offers under this name, with this body."""

    def fill(case: View, _random: Random) -> Ask | None:
        return next((Ask(action["path"], body, case["order"]) for action in offered(case, name)), None)

    return fill


def offer(case: View, random: Random) -> Ask | None:
    """Offer an amount for the whole case."""
    return answer("offer", refund_minor=random.choice((100, 500, 900)), text="let us meet in the middle")(case, random)


def of_case(case: Any) -> list[str]:
    """The case that something was done with."""
    return [str(case["number"])]


def _of_case(role: str, name: str, weight: int, fill: Fill, event: str) -> Action:
    return Action(f"{role}: {name}", role, "case", weight, fill, event, of_case)


ROOM = (("accept_offer", 3, "case_offer_accepted"), ("decline_offer", 1, "case_offer_declined"))
BUYER: Sequence[Action] = (
    *BUYER_OF_ORDER,
    *(_of_case("buyer", name, weight, answer(name), event) for name, weight, event in ROOM),
    _of_case("buyer", "offer", 1, offer, "case_offer_made"),
    _of_case("buyer", "escalate", 2, answer("escalate", text="please look at it"), "case_escalated"),
    _of_case("buyer", "withdraw", 1, answer("withdraw"), "case_withdrawn"),
)
MERCHANT: Sequence[Action] = (
    Action("merchant cancels", "merchant", "order", 1, cancel_for("NO_LONGER_NEEDED"), "case_opened", cases_in),
    *(_of_case("merchant", name, weight, answer(name), event) for name, weight, event in ROOM),
    _of_case("merchant", "agree", 2, answer("agree"), "case_agreed"),
    _of_case("merchant", "offer", 3, offer, "case_offer_made"),
)
ACTIONS: Sequence[Action] = (*BUYER, *MERCHANT)
ROLES = tuple(dict.fromkeys(action.role for action in ACTIONS))
