"""Who may call what: every route × every role, from the matrix in tests/data; and another's thing looks exactly like a missing one."""

import io
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from anka.accounts.tokens import SCOPES, Scope, open_token
from anka.api.call import Answer, Call, Route, Who
from anka.api.dispatcher import Dispatcher
from anka.api.routes import ROUTES, SANDBOX_ROUTES
from anka.core.clock import moment
from anka.domain.unidentified import UnidentifiedState
from anka.flows.revoke_token import revoke_token
from anka.flows.take_payment import PaidNotice
from anka.flows.take_unidentified import take_unidentified
from anka.payments.unidentified import queue
from tests.api.client import Client, Response
from tests.api.people import (
    OUT,
    REFUSAL,
    RULING,
    Person,
    a_case,
    a_client,
    a_decided_case,
    a_manual_product,
    a_paid_order,
    a_refused_case,
    a_sealed_order,
    a_staff_member,
    an_opened_order,
    merchant_of,
)
from tests.builders import a_product, at, serial
from tests.builders.policies import a_draft, new_texts

MATRIX = tomllib.loads((Path(__file__).parent.parent / "data" / "access_matrix.toml").read_text(encoding="utf-8"))
ROLES = ("visitor", "buyer", "other_buyer", "merchant", "other_merchant", "agent", "arbiter", "finance", "admin")
ALL_ROUTES = {route.name: route for route in ROUTES + SANDBOX_ROUTES}
ABSENT = "QM-0000000000000"


def test_every_route_is_in_the_matrix_and_nothing_else() -> None:
    assert set(MATRIX) == set(ALL_ROUTES)


@pytest.mark.parametrize("name", sorted(MATRIX))
def test_every_role_is_answered_for(name: str) -> None:
    assert set(MATRIX[name]) == set(ROLES)


def money_of_nobody() -> str:
    """The number of money in the queue that nobody expected."""
    transaction = f"SB-NOBODYS-{serial()}"
    seen = PaidNotice(channel="sandbox", payment_number="NOBODYS", transaction_number=transaction, amount_minor=1, currency="CNY")
    take_unidentified(seen=seen, at=at())
    return queue(status=UnidentifiedState.OPEN, after=None, limit=1)[0].number


class Scene:
    """One order of one buyer in one shop, and somebody of every role."""

    def __init__(self) -> None:
        self.product = a_product(stock=200)
        self.manual = a_manual_product(shop=self.product.shop)
        self.buyer = a_client()
        self.arbiter = a_staff_member("arbiter")
        self.people: dict[str, Client] = {
            "visitor": Client(),
            "buyer": self.buyer,
            "other_buyer": a_client(),
            "merchant": merchant_of(self.product),
            "other_merchant": merchant_of(a_product()),
            **{role: a_staff_member(role) for role in ("agent", "finance", "admin")},
            "arbiter": self.arbiter,
        }
        self.number = a_sealed_order(self.buyer, quantity=2, product=self.product)
        cancelled = self.buyer.post(f"/orders/{self.number}/cases", {"reason": OUT, "units": [2]}).json["cases"][0]
        self.case, self.refund = cancelled["number"], cancelled["refunds"][0]
        self.confirmable = an_opened_order(self.buyer, product=self.product)
        self.unpaid = self.buyer.order(self.product)
        self.payment = self.buyer.post(f"/orders/{self.buyer.order(self.product)}/payments", {"channel": "sandbox"}).json["number"]
        self.top_up = self.buyer.post("/wallet/top-ups", {"amount_minor": 700, "channel": "sandbox"}).json["number"]
        self.unidentified = money_of_nobody()
        self.policy = Client().get("/policies/current").json["version"]

    def path(self, route: Route) -> str:
        """An address of the route that names things of the buyer."""
        number, offer = self.thing(route)
        unit = f"{number}-1" if "/sandbox/" in route.path else "1"
        id_ = offer or self.product.number
        return route.path.format(id=id_, version=self.policy, number=number, unit=unit, leg="1", channel="sandbox")

    def thing(self, route: Route) -> tuple[str, str]:
        """The number of what the route is about, and the offer where there is one.

        Whoever may do something takes the thing out of the way of the next, so each has one of their own.
        """
        if "/policy-drafts/" in route.path:
            return a_draft().number, ""
        if "/legs/" in route.path:
            return self.refund, ""
        if "/finance/payments/" in route.path:
            return self.payment, ""
        if "/unidentified" in route.path:
            return self.unidentified, ""
        if route.path.startswith("/api/v1/cases/") and route.method == "POST":
            return self.argued(route)
        if route.path.endswith(("/accept", "/deliver", "/progress")):
            return a_paid_order(self.buyer, self.manual), ""
        if route.path.endswith("/cases") and route.method == "POST":
            return an_opened_order(self.buyer, product=self.product), ""
        special = {"payments": self.unpaid, "confirm": self.confirmable, "key-check": self.confirmable}
        order = special.get(route.path.split("/")[-1], self.number)
        owned = {"cases": self.case, "refunds": self.refund, "payments": self.payment, "top-ups": self.top_up}
        return owned.get(route.path.split("/")[-2], order), ""

    def argued(self, route: Route) -> tuple[str, str]:
        """A case where the route has something to do, and the merchant's offer in it."""
        ending = route.path.removeprefix("/api/v1/cases/{number}/")
        if ending in ("ruling", "approve", "evidence-requests"):
            return a_refused_case(self.buyer, self.product), ""
        if ending == "appeal":
            return a_decided_case(self.buyer, self.product, self.arbiter), ""
        number, offer = a_case(self.buyer, product=self.product), ""
        if ending.startswith("offers/"):
            offered = self.people["merchant"].post(f"/cases/{number}/offers", {"refund_minor": 3000})
            assert offered.status == 200, offered.body
            offer = str(offered.json["offers"][0]["id"])
        return number, offer

    def absent(self, route: Route) -> str:
        """The same address, of things that do not exist."""
        return route.path.format(
            id="1" if "/offers/" in route.path else ABSENT, version="no-such-version", number=ABSENT, unit="1", leg="1", channel="none"
        )

    def call(self, route: Route, role: str, path: str) -> Response:
        """Call as this role, with a body that is fine in itself."""
        return calling(self.people[role], route, path, self.product.number)


PLAYED: dict[str, Any] = {
    "/sandbox/refunds/{number}": {"outcome": "succeeded"},
    "/sandbox/complaints": {"order": ABSENT, "kind": "complaint"},
}
MONEY: dict[str, Any] = {
    "/withdrawals": {"amount_minor": 5000, "account": "6222000012345678"},
    "/deposit": {"amount_minor": 5000},
    "/deposit/release": {},
    # No shop has this code: what anybody may do with one is tried in test_funds.py.
    "/funds/terms": {"shop": "NONE", "tier": "new", "reason": "As agreed."},
    "/top-ups": {"amount_minor": 500, "channel": "sandbox"},
    # More than anybody has.
    "/returns": {"amount_minor": 10**9},
}


def calling(client: Client, route: Route, path: str, product: str) -> Response:
    if route.method == "GET":
        return client.call("GET", path)
    bodies: dict[str, Any] = {
        "/policy-drafts": {"title": "Try"},
        "/policy-drafts/{number}/texts": {"revision": 1, "texts": new_texts()},
        "/policy-drafts/{number}/check": {},
        "/policy-drafts/{number}/backtest": {"days": 30},
        "/policy-drafts/{number}/publish": {"in_force_from": "2099-01-01T00:00:00Z"},
        "/policy-drafts/{number}/approve": {},
        "/policy-drafts/{number}/discard": {},
        "/policies/{version}/withdraw": {"reason": "A mistake."},
        "/auth/token": {"username": "nobody-at-all", "password": "wrong-password"},
        "/auth/step-up": {"password": "wrong-password"},
        "/orders": {"product_id": product, "quantity": 1, "allow_duplicate": True},
        "/payments": {"channel": "sandbox"},
        "/cases": {"reason": "KEY_INVALID", "ask": {"refund_minor": 4000}},
        **MONEY,
        "/withdrawals/{number}/approve": {},
        "/withdrawals/{number}/refuse": {"reason": "No papers."},
        "/begin": {},
        "/paid": {"bank_reference": "BANK-1"},
        "/failed": {"reason": "Closed."},
        "/reveal": {},
        "/return": {},
        "/decide": {"decision": "explained", "note": "A monthly fee."},
        "/thaw": {"freeze": 2**40, "reason": "Somebody has looked."},
        "/match": {"order": ABSENT},
        "/unidentified/{number}/approve": {"order": ABSENT},
        "/legs/{leg}/wallet": {},
        "/legs/{leg}": {"step": "take"},
        "/cases/{number}/approve": {},
        "/payments/{number}/take": {"transaction_number": "T1", "amount_minor": 1, "proof": "A statement."},
        "/payments/{number}/refuse": {"transaction_number": "T1"},
        "/look": {},
        "/accept": {},
        "/deliver": {"secrets": [f"HAND{serial():06d}"]},
        "/progress": {"percent": 50},
        "/agree": {},
        "/refuse": REFUSAL,
        "/offers": {"refund_minor": 3000},
        "/decline": {},
        "/evidence": {"kind": "SCREENSHOT", "text": "It says: invalid."},
        "/escalate": {},
        "/withdraw": {},
        "/appeal": {"text": "There is something new."},
        "/evidence-requests": {"side": "both", "text": "Show us."},
        "/ruling": RULING,
        "/confirm": {"units": [1]},
        "/key-check": {"prefix": "ZZZZ"},
        "/sandbox/issuer/{unit}": {"use_check": "unused"},
        "/sandbox/clock": {"advance_seconds": 0},
        "/sandbox/payments/{number}": {"outcome": "paid"},
        **PLAYED,
        "/notices/read": {"up_to": 1},
        "/notify/{channel}": {},
    }
    body = next(body for ending, body in bodies.items() if route.path.endswith(ending))
    return client.post(path.removeprefix("/api/v1"), body)


@pytest.fixture(scope="module")
def scenes() -> dict[str, Scene]:
    return {}


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("name", sorted(ALL_ROUTES))
def test_the_matrix_holds(name: str, role: str, scenes: dict[str, Scene]) -> None:
    scene = scenes.get("one") or scenes.setdefault("one", Scene())
    route = ALL_ROUTES[name]
    answer = scene.call(route, role, scene.path(route))
    assert answer.status == MATRIX[name][role], answer.body
    if answer.status == 404 and route.who is Who.SIGNED_IN:
        missing = scene.call(route, role, scene.absent(route))
        assert (missing.status, missing.body) == (answer.status, answer.body)
        assert missing.headers == answer.headers


SIGNED_IN = sorted(name for name, route in ALL_ROUTES.items() if route.who is Who.SIGNED_IN)


@pytest.mark.parametrize("name", SIGNED_IN)
def test_a_token_that_was_revoked_opens_nothing(name: str, scenes: dict[str, Scene]) -> None:
    scene = scenes.get("one") or scenes.setdefault("one", Scene())
    buyer = scene.people["buyer"]
    assert isinstance(buyer, Person)
    gone = a_client(person_id=buyer.person_id)
    claims = open_token(text=gone.token)
    assert claims is not None
    revoke_token(person_id=claims.person_id, token_id=claims.token_id, at=moment())
    route = ALL_ROUTES[name]
    answer = calling(gone, route, scene.path(route), scene.product.number)
    assert (answer.status, answer.code) in ((401, "invalid_token"), (401, "not_signed_in"))
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize("name", SIGNED_IN)
def test_a_token_without_the_scope_is_refused(name: str, scenes: dict[str, Scene]) -> None:
    scene = scenes.get("one") or scenes.setdefault("one", Scene())
    route = ALL_ROUTES[name]
    buyer = scene.people["buyer"]
    assert isinstance(buyer, Person)
    assert route.scope is not None
    others = [scope for scope in SCOPES.values() if scope != route.scope]
    lacking = a_client(person_id=buyer.person_id, scopes=Scope(sum(others)))
    answer = calling(lacking, route, scene.path(route), scene.product.number)
    assert (answer.status, answer.code) == (403, "insufficient_scope")


@pytest.mark.parametrize("change", ["person", "mac", "spelling", "cut", "scheme", "empty"])
def test_a_token_that_was_tampered_with_is_refused(change: str) -> None:
    token = a_client().token
    payload, mac = token.removeprefix("anka_").split(".")
    forged = {
        "person": f"anka_{'B' + payload[1:]}.{mac}",
        "mac": f"anka_{payload}.{'A' if mac[0] != 'A' else 'B'}{mac[1:]}",
        "spelling": f"anka_{payload}.{mac}=",
        "cut": token[:-1],
        "scheme": token,
        "empty": "",
    }[change]
    scheme = "Basic" if change == "scheme" else "Bearer"
    answer = Client(headers={"Authorization": f"{scheme} {forged}"}).get("/wallet")
    assert (answer.status, answer.code) == (401, "invalid_token")
    assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize("name", SIGNED_IN)
def test_negative_control_without_the_rows_who_a_visitor_gets_in(name: str) -> None:
    reached: list[str] = []

    def handler(call: Call) -> Answer:
        reached.append(call.path)
        return Answer(200, None)

    guarded = replace(ALL_ROUTES[name], handler=handler, budget=None, body=None, raw_body=True)
    environ = {
        "REQUEST_METHOD": guarded.method,
        "PATH_INFO": guarded.path.replace("{number}", ABSENT).replace("{unit}", "1"),
        "wsgi.input": io.BytesIO(),
    }
    refused, _ = Dispatcher([guarded]).answer(environ)
    assert (refused.status, reached) == (401, [])
    open_to_all, _ = Dispatcher([replace(guarded, who=Who.ANYONE)]).answer(environ)
    assert (open_to_all.status, len(reached)) == (200, 1)
