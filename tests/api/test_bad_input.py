"""Bad input to every route that takes any: a clear refusal, the same for everybody, and nothing has changed. Made from the table."""

from dataclasses import replace
from typing import Any

import msgspec
import pytest
from django.utils.translation import override

from anka.api.call import Answer, Call, NotSignedIn, Route
from anka.api.dispatcher import Dispatcher
from anka.api.problems import Problem
from anka.api.routes import ROUTES, SANDBOX_ROUTES
from anka.core import database
from tests.api.client import Client, Response
from tests.api.people import Person, a_case, a_client, a_sealed_order
from tests.builders import a_product

POSTS = {route.name: route for route in ROUTES + SANDBOX_ROUTES if route.method == "POST" and not route.raw_body}
GETS = {route.name: route for route in ROUTES if route.method == "GET"}
REFUSED = {400, 401, 404, 409, 413, 415, 422}
TABLES = (
    "orders_order",
    "payments_payment",
    "cases_case",
    "payments_refund",
    "core_event",
    "core_request",
    "accounts_token",
    "ledger_transfer",
    "policies_draft",
    "policies_run",
    "policies_publication",
)
DEEP = b'{"fields":' * 2_000 + b"1" + b"}" * 2_000


class Market:
    """Somebody with a sealed order."""

    def __init__(self) -> None:
        self.buyer: Person = a_client()
        self.product = a_product(stock=9)
        self.number = a_sealed_order(self.buyer, product=self.product)
        self.case = a_case(self.buyer, product=self.product)

    def path(self, route: Route) -> str:
        """An address of the route."""
        number = self.case if "/cases/" in route.path else self.number
        return route.path.format(number=number, unit="1", leg="1", id=self.product.number, version="1", channel="sandbox")

    def send(self, route: Route, body: bytes, content_type: str = "application/json", **headers: str) -> Response:
        """Send these bytes as the buyer."""
        return self.buyer.call("POST", self.path(route), body=body, headers={"Content-Type": content_type, **headers})


@pytest.fixture(scope="module")
def markets() -> dict[str, Market]:
    return {}


@pytest.fixture
def market(markets: dict[str, Market]) -> Market:
    return markets.get("one") or markets.setdefault("one", Market())


def counts() -> list[int]:
    """How many rows the tables hold that a refused request must not touch."""
    return [int(database.value(f"SELECT count(*) FROM {table}")) for table in TABLES]


BODIES: dict[str, bytes] = {
    "not json": b"quantity=1",
    "half": b'{"quantity": 1',
    "an array": b"[]",
    "a number": b"7",
    "null": b"null",
    "unknown field": b'{"surprise": 1}',
    "mass assignment": b'{"product_id":"X","quantity":1,"amount_minor":1,"status":"paid","buyer_id":1}',
    "NaN": b'{"quantity": NaN}',
    "Infinity": b'{"advance_seconds": Infinity, "quantity": -Infinity}',
    "not UTF-8": b'{"reason": "\xff\xfe"}',
    "UTF-16": '{"reason": "x"}'.encode("utf-16"),
    "lone surrogate": b'{"reason": "\\ud800"}',
    "deep": DEEP,
    "trailing": b"{} {}",
    "comment": b"{/* */}",
}


@pytest.mark.parametrize("what", sorted(BODIES))
@pytest.mark.parametrize("name", sorted(POSTS))
def test_a_bad_body_is_refused_and_changes_nothing(name: str, what: str, market: Market) -> None:
    before = counts()
    answer = market.send(POSTS[name], BODIES[what])
    assert answer.status in (400, 422), answer.body
    assert answer.code in ("malformed_body", "bad_input")
    assert counts() == before


@pytest.mark.parametrize("name", sorted(POSTS))
def test_every_field_refuses_what_it_is_not(name: str, market: Market) -> None:
    route = POSTS[name]
    assert route.body is not None
    before = counts()
    wrong: list[Any] = [
        True,
        -1,
        2**63,
        10**400,
        1.5,
        "１２３",
        "x" * 9_000,
        "\x00",
        [],
        [[]],
        {"x": {"y": {}}},
        "'; DROP TABLE orders_order; --",
    ]
    for field in msgspec.structs.fields(route.body):
        for value in wrong:
            answer = market.send(route, msgspec.json.encode({**fitting(route), field.encode_name: value}))
            assert answer.status in REFUSED or fits(route, field.encode_name, value), (field.encode_name, value, answer.body)
            if answer.status in REFUSED:
                assert answer.code
    if not any(fits(route, field.encode_name, value) for field in msgspec.structs.fields(route.body) for value in wrong):
        assert counts() == before


FITTING: dict[str, dict[str, Any]] = {
    "/policies/{version}/withdraw": {"reason": "A mistake."},
    "/policy-drafts": {"title": "Try"},
    "/policy-drafts/{number}/texts": {"revision": 1, "texts": {"a.toml": ""}},
    "/policy-drafts/{number}/check": {},
    "/policy-drafts/{number}/backtest": {"days": 30},
    "/policy-drafts/{number}/publish": {"in_force_from": "2099-01-01T00:00:00Z"},
    "/policy-drafts/{number}/approve": {"seen": "1"},
    "/policy-drafts/{number}/discard": {},
    "/auth/token": {"username": "nobody-at-all", "password": "wrong-password"},
    "/auth/step-up": {"password": "wrong-password"},
    "/orders": {"product_id": "QM-P0000000000000", "quantity": 1},
    "/payments": {"channel": "no-such-channel"},
    "/cases": {"reason": "NO_SUCH_REASON"},
    "/withdrawals": {"amount_minor": 5000, "account": "6222000012345678"},
    "/deposit": {"amount_minor": 5000},
    "/deposit/release": {"shop": "QQ"},
    "/deposit/top-ups": {"amount_minor": 5000, "channel": "no-such-channel"},
    "/wallet/top-ups": {"amount_minor": 5000, "channel": "no-such-channel"},
    "/wallet/returns": {"amount_minor": 5000},
    "/funds/terms": {"shop": "QQ", "tier": "proven", "reason": "A new shop."},
    "/sandbox/complaints": {"order": "QM-0000000000000", "kind": "complaint"},
    "/withdrawals/{number}/approve": {},
    "/withdrawals/{number}/refuse": {"reason": "No papers."},
    "/begin": {},
    "/paid": {"bank_reference": "BANK-1"},
    "/failed": {"reason": "Closed."},
    "/payments/{number}/take": {"transaction_number": "T1", "amount_minor": 1, "proof": "A statement."},
    "/payments/{number}/refuse": {"transaction_number": "T1"},
    "/look": {},
    "/reveal": {},
    "/return": {},
    "/decide": {"decision": "explained", "note": "A monthly fee."},
    "/thaw": {"freeze": 2**40, "reason": "Somebody has looked."},
    "/match": {"order": "QM-0000000000000"},
    "/unidentified/{number}/approve": {"order": "QM-0000000000000"},
    "/legs/{leg}/wallet": {},
    "/legs/{leg}": {"step": "take"},
    "/cases/{number}/approve": {},
    "/orders/{number}/accept": {"units": [1]},
    "/offers/{id}/accept": {},
    "/deliver": {"secrets": ["HANDED-OVER"]},
    "/progress": {"percent": 50},
    "/agree": {},
    "/refuse": {"reason": "KEY_WORKED", "text": "It worked."},
    "/offers": {"refund_minor": 0},
    "/decline": {},
    "/evidence": {"kind": "OTHER", "text": "It says: invalid."},
    "/escalate": {"text": "Look at it."},
    "/withdraw": {},
    "/appeal": {"text": "There is something new."},
    "/evidence-requests": {"side": "both", "text": "Show us."},
    "/ruling": {"fault": "both", "reasons": ["SHARED_FAULT"], "text": "Both.", "refund_percent": 50},
    "/confirm": {"units": [1]},
    "/key-check": {"prefix": "ZZZZ"},
    "/sandbox/issuer/{unit}": {"use_check": "unused"},
    "/notices/read": {"up_to": 1},
    "/sandbox/clock": {"advance_seconds": 0, "now": "2020-01-01T00:00:00Z"},
    "/sandbox/payments/{number}": {"outcome": "paid"},
    "/sandbox/refunds/{number}": {"outcome": "succeeded"},
}
"""Bodies whose fields are fine, for things that are not there, by how the route ends; the first that fits counts."""


def fitting(route: Route) -> dict[str, Any]:
    return next(body for ending, body in FITTING.items() if route.path.endswith(ending))


def fits(route: Route, field: str, value: Any) -> bool:
    """Tell whether a field may well hold this, and the request may do something then."""
    assert route.body is not None
    try:
        msgspec.convert({**fitting(route), field: value}, route.body)
    except msgspec.ValidationError:
        return False
    return True


@pytest.mark.parametrize("name", sorted(POSTS))
def test_a_key_said_twice_is_refused(name: str, market: Market) -> None:
    route = POSTS[name]
    assert route.body is not None
    fields = msgspec.structs.fields(route.body)
    if not fields:
        return
    body = msgspec.json.encode(fitting(route))
    first = body[1:-1].split(b",")[0]
    before = counts()
    answer = market.send(route, b"{" + first + b"," + body[1:])
    assert (answer.status, answer.code) == (400, "malformed_body")
    assert set(answer.json["fields"].values()) == {"said twice"}
    assert counts() == before


@pytest.mark.parametrize("name", sorted(POSTS))
def test_what_is_too_large_or_not_json_is_refused_before_it_is_read(name: str, market: Market) -> None:
    route = POSTS[name]
    before = counts()
    large = market.send(route, b" " * (route.largest_body + 1))
    assert (large.status, large.code) == (413, "body_too_large")
    declared = market.send(route, b"{}", **{"Content-Length": "99999999999"})
    assert (declared.status, declared.code) == (413, "body_too_large")
    short = market.send(route, b"{}", **{"Content-Length": "20"})
    assert (short.status, short.code) == (400, "malformed_body")
    odd = market.send(route, b"{}", **{"Content-Length": "２"})
    assert (odd.status, odd.code) == (400, "malformed_body")
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-16", ""):
        answer = market.send(route, b'{"x":1}', kind)
        assert (answer.status, answer.code) == (415, "unsupported_media_type")
    assert counts() == before


@pytest.mark.parametrize("name", sorted(POSTS))
@pytest.mark.parametrize("key", ["", "x" * 201, "schlüssel", "a\tb", "a\x00b"])
def test_an_unusable_idempotency_key_is_refused(name: str, key: str, market: Market) -> None:
    before = counts()
    answer = market.send(POSTS[name], msgspec.json.encode(fitting(POSTS[name])), **{"Idempotency-Key": key})
    assert (answer.status, answer.code) == (422, "bad_input")
    assert list(answer.json["fields"]) == ["Idempotency-Key"]
    assert counts() == before


@pytest.mark.parametrize("name", sorted({**POSTS, **GETS}))
@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "FROBNICATE"])
def test_another_method_is_refused_with_those_that_are_served(name: str, method: str, market: Market) -> None:
    route = {**POSTS, **GETS}[name]
    answer = market.buyer.call(method, market.path(route))
    assert (answer.status, answer.code) == (405, "method_not_allowed")
    assert route.method in answer.headers["Allow"].split(", ")


UNKNOWN = [
    "",
    "/",
    "/orders/",
    "//orders",
    "/orders/../wallet",
    "/orders/{}",
    "/{methods}",
    "/products/" + "x" * 500,
    "/订单",
    "/products/a\x00b",
]


@pytest.mark.parametrize("path", UNKNOWN)
def test_an_unknown_address_is_a_404(path: str, market: Market) -> None:
    answer = market.buyer.call("GET", "/api/v1" + path.encode().decode("latin-1"))
    assert (answer.status, answer.code) == (404, "not_found")


NUMBERS = ["1", "QM", "QM-", "qm-7kq2h8mpzd4tw", "QM-7KQ2H8MPZD4TW; --", "QM-７KQ2H8MPZD4TW", "TAAAA-0000000000000", "%00", "' OR '1'='1"]


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("name", sorted(name for name, route in {**POSTS, **GETS}.items() if "{number}" in route.path))
def test_a_number_that_is_none_looks_like_a_missing_thing(name: str, number: str, market: Market) -> None:
    route = {**POSTS, **GETS}[name]
    path = route.path.format(number=number, unit="1", leg="1", id="1").encode().decode("latin-1")
    body = msgspec.json.encode(fitting(route)) if route.method == "POST" else b""
    answer = market.buyer.call(route.method, path, body=body, headers={"Content-Type": "application/json"})
    assert (answer.status, answer.code) == (404, "not_found")


@pytest.mark.parametrize("unit", ["0", "-1", "2", "01", "１", "1e0", "99999", "x", "QM-7KQ2H8MPZD4TW-1"])
def test_a_unit_that_is_none_looks_like_a_missing_thing(unit: str, market: Market) -> None:
    path = f"/api/v1/orders/{market.number}/units/{unit}/reveal".encode().decode("latin-1")
    answer = market.buyer.call("POST", path)
    assert (answer.status, answer.code) == (404, "not_found")


QUERIES = [
    "x=1",
    "limit=0",
    "limit=101",
    "limit=１",
    "limit=NaN",
    "limit=1&limit=2",
    "cursor=!",
    "cursor=e30",
    "limit=%FF",
    "q=%00",
    "&" * 50 + "a=1&" * 30,
]


@pytest.mark.parametrize("query", QUERIES)
@pytest.mark.parametrize("path", ["/products", "/orders", "/cases", "/wallet", "/notices", "/policies/current", "/livez"])
def test_a_bad_query_is_refused(path: str, query: str, market: Market) -> None:
    full = path if path == "/livez" else f"/api/v1{path}"
    answer = market.buyer.call("GET", f"{full}?{query}")
    assert (answer.status, answer.code) == (422, "bad_input")
    assert answer.json["fields"]


@pytest.mark.parametrize(
    "cursor",
    [
        "WyIyMDI2LTAxLTAxIiwgIngiXQ",
        "eyJpZCI6OTk5OTk5OTk5OTk5OTk5OTk5OTl9",
        "eyJwbGFjZWRfYXQiOiIyMDI2LTAxLTAxVDAwOjAwOjAwIiwibnVtYmVyIjoieCJ9",
    ],
)
@pytest.mark.parametrize("path", ["/products", "/orders", "/cases", "/wallet", "/notices"])
def test_a_cursor_that_is_not_ours_is_refused(path: str, cursor: str, market: Market) -> None:
    answer = market.buyer.get(f"{path}?cursor={cursor}")
    assert (answer.status, answer.code) == (422, "bad_input")
    assert list(answer.json["fields"]) == ["cursor"]


LANGUAGES = {"": "zh-CN", "en": "en", "fr, en;q=0.5": "en", "en;q=0.2, zh-TW;q=0.9": "zh-CN", "*": "zh-CN", "en;q=x": "zh-CN"}


@pytest.mark.parametrize("asked", sorted(LANGUAGES))
def test_the_detail_is_in_the_language_asked_for(asked: str) -> None:
    answer = Client(headers={"Accept-Language": asked}).get("/wallet")
    assert answer.headers["Content-Language"] == LANGUAGES[asked]
    with override("en" if LANGUAGES[asked] == "en" else "zh-hans"):
        assert answer.json["detail"] == str(NotSignedIn())


def test_an_unexpected_fault_is_answered_with_a_reference_and_without_details(caplog: pytest.LogCaptureFixture) -> None:
    secret = "KEY-THAT-NOBODY-MAY-SEE"

    def fails(_call: Call) -> Answer:
        raise RuntimeError(secret)

    livez = next(route for route in ROUTES if route.path == "/livez")
    answer, _ = Dispatcher([replace(livez, handler=fails)]).answer({"REQUEST_METHOD": "GET", "PATH_INFO": "/livez"})
    assert isinstance(answer.body, Problem)
    assert (answer.status, answer.body.code) == (500, "internal_error")
    assert answer.body.instance is not None
    assert answer.body.instance.removeprefix("urn:uuid:") in caplog.text
    assert secret not in caplog.text
    assert secret not in str(answer.body)
