"""What people do here, as a table: a new action is one more entry.

An order or case, as the API shows it to somebody, lists what they may do with it (`actions`). An entry says how the request for one of
those is filled in, and how what it made can be counted: `event` is the event that the history of an order shows once for each thing made,
by whoever asked ("" where it is not theirs), and `made` names those things from the answer, so that a repeated request can be held to the
same answer. Where different requests may be answered with one and the same thing (a payment that is open already, a unit that is open
already), the entry is `shared`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

View = Mapping[str, Any]
# What a buyer says of a key they have opened: mostly that it is bad, which is argued about; what the rules refuse may be escalated, and
# what protects a payer is the platform's alone.
COMPLAINTS = ("KEY_INVALID", "KEY_INVALID", "KEY_ALREADY_USED", "NO_LONGER_NEEDED", "UNAUTHORISED_PAYMENT")


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
    """Say that opened keys are not what they should be."""
    opened = [unit for unit in order["units"] if unit["stage"] in ("revealed", "used") and unit["money"] in ("held", "released")]
    opened = [unit["id"] for unit in opened if not unit["frozen_minor"]]
    if not opened:
        return None
    units = opened if random.random() < 0.3 else [random.choice(opened)]
    body = {"reason": random.choice(COMPLAINTS), "units": units, "statement": "it says: used", "ask": {"refund_minor": 700}}
    return Ask(f"/api/v1/orders/{order['number']}/cases", body, order["number"])


def cases_in(answer: Any) -> list[str]:
    """The cases a request became."""
    return sorted(str(case["number"]) for case in answer["cases"])


def use(order: View, random: Random) -> Ask | None:
    """Use an opened key, which its issuer tells us: whoever then says that it was bad is refused by the rules."""
    units = [unit["id"] for unit in order["units"] if unit["stage"] == "revealed" and unit["use_check"] == "unknown"]
    word = {"use_check": "used_after_reveal", "used_by": "buyer"}
    return Ask(f"/api/v1/sandbox/issuer/{random.choice(units)}", word, order["number"]) if units else None


BUYER_OF_ORDER: Sequence[Action] = (
    Action("place", "buyer", "shelf", 30, place, "order_placed", number_of),
    Action("pay from wallet", "buyer", "order", 12, pay("wallet"), "order_paid", number_of),
    Action("begin payment", "buyer", "order", 18, pay("sandbox"), "payment_begun", number_of, shared=True),
    Action("cancel", "buyer", "order", 3, cancel, "case_opened", cases_in),
    Action("reveal", "buyer", "order", 20, reveal, "unit_opened", lambda answer: [str(answer["unit"])], shared=True),
    Action("confirm", "buyer", "order", 10, confirm, "delivery_confirmed", number_of),
    Action("use", "buyer", "order", 12, use, "", lambda answer: [str(answer["unit"])]),
    Action("complain", "buyer", "order", 14, complain, "case_opened", cases_in),
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


def rule(case: View, random: Random) -> Ask | None:
    """Decide: nothing, half or all of what is left goes back. All of a dear unit needs a second person, who is not forestalled."""
    if case["proposed_ruling"]:
        return None
    percent = random.choice((0, 50, 100, 100))
    body = {"fault": "merchant", "reasons": ["EVIDENCE_SUFFICIENT"], "text": "both were heard", "refund_percent": percent}
    return answer("rule", **body)(case, random)


def by_hand(order: View, *stages: str) -> list[str]:
    """The units of these stages about which nobody argues."""
    return [unit["id"] for unit in order["units"] if unit["stage"] in stages and not unit["frozen_minor"]]


def accept(order: View, _random: Random) -> Ask | None:
    """Take up what waits for its merchant."""
    units = by_hand(order, "queued")
    return next((Ask(action["path"], {"units": units}, order["number"]) for action in offered(order, "accept") if units), None)


HANDED = "HAND-"


def deliver(order: View, random: Random) -> Ask | None:
    """Hand over keys, taken up before or not. Each key says for which unit it was made."""
    units = by_hand(order, "queued", "accepted")
    chosen = units if random.random() < 0.5 else units[:1]
    body = {"units": chosen, "secrets": [f"{HANDED}{unit}-{random.randrange(10**9):09d}" for unit in chosen]}
    return next((Ask(action["path"], body, order["number"]) for action in offered(order, "deliver") if chosen), None)


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
    _of_case("buyer", "escalate", 8, answer("escalate", text="please look at it"), "case_escalated"),
    _of_case("buyer", "withdraw", 1, answer("withdraw"), "case_withdrawn"),
    _of_case("buyer", "appeal", 6, answer("appeal", text="here is what was not seen"), "case_appealed"),
    _of_case("buyer", "add evidence", 1, answer("add_evidence", kind="SCREENSHOT", text="see here"), "case_evidence_added"),
)
MERCHANT: Sequence[Action] = (
    Action("merchant cancels", "merchant", "order", 1, cancel_for("NO_LONGER_NEEDED"), "case_opened", cases_in),
    *(_of_case("merchant", name, weight, answer(name), event) for name, weight, event in ROOM),
    _of_case("merchant", "agree", 2, answer("agree"), "case_agreed"),
    _of_case("merchant", "offer", 3, offer, "case_offer_made"),
    _of_case("merchant", "refuse", 4, answer("refuse", reason="KEY_WORKED", text="it worked when we sold it"), "case_refused"),
    _of_case("merchant", "appeal", 2, answer("appeal", text="our records say otherwise"), "case_appealed"),
    _of_case("merchant", "add evidence", 1, answer("add_evidence", kind="OTHER", text="our records"), "case_evidence_added"),
    Action("accept", "merchant", "order", 5, accept, "units_accepted", number_of),
    Action("deliver", "merchant", "order", 10, deliver, "units_sealed", number_of),
)
ARBITER: Sequence[Action] = (
    _of_case("arbiter", "rule", 8, rule, "case_ruled"),
    _of_case("arbiter", "approve", 8, answer("approve"), "case_ruled"),
    _of_case("arbiter", "ask for evidence", 2, answer("ask_for_evidence", side="both", text="what do you have?"), "case_evidence_asked"),
    _of_case("arbiter", "add evidence", 1, answer("add_evidence", kind="ISSUER_STATEMENT", text="they say"), "case_evidence_added"),
)
ACTIONS: Sequence[Action] = (*BUYER, *MERCHANT, *ARBITER)
ROLES = tuple(dict.fromkeys(action.role for action in ACTIONS))
