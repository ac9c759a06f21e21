"""What an operator sees: readiness, numbers, one line per request — and never a secret."""

import json
import logging
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.conf import settings

from anka.adapters.keyring.file import FollowedKeyring
from anka.api import metrics
from anka.config import log, redaction
from anka.config.settings import ENVIRONMENT
from anka.core import heartbeat
from anka.core.clock import moment
from anka.core.tallies import STATUSES, Tallies
from anka.jobs import condition, gauges, keys
from tests.api.client import Client, Response
from tests.api.people import a_client, a_sealed_order
from tests.builders import a_product
from tests.databases import NOT_STARTED, Database, close_connection, point_django_at

NOT_THIS_MACHINE = "203.0.113.9"


def readiness() -> dict[str, str]:
    answer = Client().call("GET", "/readyz")
    checks: dict[str, str] = answer.json["checks"]
    assert (answer.status == 200) == (set(checks.values()) == {"ok"}) == (answer.json["status"] == "ok")
    return checks


def test_ready_where_everything_works() -> None:
    a_product(stock=1)
    assert readiness() == {"database": "ok", "schema": "ok", "clock": "ok", "worker": "ok", "keyring": "ok"}


def no_worker(place: Database) -> None:
    with place.as_owner() as owner:
        owner.execute("DELETE FROM core_worker")


def silent_worker(place: Database) -> None:
    with place.as_owner() as owner:
        owner.execute("UPDATE core_worker SET started_at = now() - interval '1 hour', beat_at = now() - interval '10 minutes'")


def old_schema(place: Database) -> None:
    with place.as_owner() as owner:
        owner.execute("DROP TABLE core_result")


def empty_tables_of_moves(place: Database) -> None:
    with place.as_owner() as owner:
        owner.execute("DELETE FROM orders_move")


def other_keyring(place: Database) -> None:
    a_product(stock=1)
    with place.as_owner() as owner:
        owner.execute("UPDATE vault_data_key SET wrapped = '\\x00'")


def unreadable_keyring(_place: Database) -> None:
    a_product(stock=1)
    keys.keyring = FollowedKeyring("/nowhere/keyring.json")


def no_gateway(_place: Database) -> None:
    condition.gateway = ("127.0.0.1", 1)


@pytest.mark.parametrize(
    ("breaks", "check", "says"),
    [
        (no_worker, "worker", "none has reported"),
        (silent_worker, "worker", "silent for"),
        (old_schema, "schema", "run anka migrate"),
        (empty_tables_of_moves, "schema", "run anka migrate"),
        (other_keyring, "keyring", "does not open the data keys"),
        (unreadable_keyring, "keyring", "cannot be read"),
        (no_gateway, "gateway", "unreachable"),
    ],
)
@pytest.mark.breaks_invariants
def test_not_ready_where_one_thing_is_broken(fresh_database: Database, breaks: Callable[[Database], None], check: str, says: str) -> None:
    heartbeat.beat(name="tests", started_at=moment().real, real_now=moment().real)
    before = keys.keyring
    try:
        breaks(fresh_database)
        found = readiness()
    finally:
        keys.keyring = before
    assert found[check].startswith(says)
    assert {name for name, said in found.items() if said != "ok"} == {check}
    assert Client().call("GET", "/livez").status == 200


def test_not_ready_without_a_database(database: Database) -> None:
    point_django_at(NOT_STARTED)
    try:
        assert readiness() == {"database": "unreachable", "schema": "unknown"}
    finally:
        close_connection()
        point_django_at(database.runtime)


def numbers(answer: Response) -> dict[str, float]:
    assert answer.status == 200
    assert answer.headers["Content-Type"] == metrics.CONTENT_TYPE
    lines = [line for line in answer.body.decode().splitlines() if not line.startswith("#")]
    return {name: float(number) for name, number in (line.rsplit(" ", 1) for line in lines)}


def test_every_gauge_is_read() -> None:
    a_sealed_order(a_client())
    found = {reading.gauge.name for reading in gauges.read(at=moment())}
    assert found == {gauge.name for gauge in gauges.GAUGES}
    assert numbers(Client().call("GET", "/metrics"))["anka_up"] == 1


def test_requests_are_counted_by_route_and_status() -> None:
    who = a_client()
    asked = 'anka_requests_total{route="/api/v1/orders/{number}",status="404"}'
    timed = 'anka_request_seconds_count{route="/api/v1/orders/{number}"}'
    before = numbers(Client().call("GET", "/metrics"))
    for _ in range(3):
        who.get("/orders/QM-7KQ2H8MPZD4TW")
    Client().call("GET", "/products/QM-PNOSUCHPRODUCT")
    Client().call("GET", "/wp-login.php")
    after = numbers(Client().call("GET", "/metrics"))
    assert after[asked] - before.get(asked, 0) == 3
    assert after[timed] - before.get(timed, 0) == 3
    assert any(name.startswith('anka_requests_total{route="/products/<') for name in after)
    assert any(name.startswith('anka_requests_total{route="other"') for name in after)


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"])
def test_whoever_comes_through_a_proxy_sees_no_numbers(header: str) -> None:
    assert Client().call("GET", "/metrics", headers={header: "127.0.0.1"}).code == "not_found"


def test_with_a_token_only_its_bearer_sees_numbers() -> None:
    metrics.token = "a-monitor-of-twenty-letters"
    try:
        assert Client().call("GET", "/metrics").code == "not_found"
        assert Client(token="something else").call("GET", "/metrics").code == "not_found"
        assert Client(token=metrics.token).call("GET", "/metrics").status == 200
        assert not metrics.permitted(headers={}, address=NOT_THIS_MACHINE)
    finally:
        metrics.token = ""
    assert not metrics.permitted(headers={}, address=NOT_THIS_MACHINE)
    assert metrics.permitted(headers={}, address="127.0.0.1")


def test_counts_of_all_processes_are_added_and_survive_them(tmp_path: Path) -> None:
    names = ("/a", "/b")
    one, two = (Tallies(names=names, folder=tmp_path) for _ in range(2))
    one.count(name="/a", status=200, seconds=0.002)
    two.count(name="/a", status=599, seconds=99)
    two.count(name="/never", status=200, seconds=1)
    assert len(list(tmp_path.iterdir())) == 2
    cells = one.totals()["/a"]
    assert one.totals() == two.totals()
    assert (cells[STATUSES.index(200)], cells[STATUSES.index(0)], sum(cells[len(STATUSES) : -1]), cells[-1]) == (1, 1, 2, 99_002_000)
    blind = Tallies(names=names, folder=Path("/proc/nowhere"))
    blind.count(name="/b", status=200, seconds=0)
    assert list(blind.totals()) == ["/b"]


@pytest.mark.parametrize("given", ["", "x" * 65, "schlüssel", "two words", "a\tb", "a\nb"])
def test_an_unusable_request_id_is_replaced(given: str) -> None:
    found = Client().call("GET", "/livez", headers={"X-Request-ID": given}).request_id
    assert found
    assert found != given


def test_a_request_keeps_the_id_it_brought() -> None:
    for path in ("/livez", "/", "/no-such-page"):
        assert Client().call("GET", path, headers={"X-Request-ID": "trace-1/a"}).request_id == "trace-1/a"


@pytest.fixture
def logged(tmp_path: Path) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """Everything this process logs as JSON, down to the last detail, through the real formatter and the real descriptor."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    path = tmp_path / "log"
    stderr = sys.stderr
    with path.open("w") as file:
        sys.stderr = file
        log.configure(form="json")
        root.setLevel(logging.DEBUG)
        yield lambda: [json.loads(line) for line in path.read_text().splitlines()]
        sys.stderr = stderr
    root.handlers[:] = before
    root.setLevel(level)
    log._Settings.access = False


def a_purchase() -> tuple[str, dict[str, str]]:
    """Buy and open a key over HTTP; return the order's number and what must never be written down."""
    product, buyer = a_product(stock=1), a_client()
    number = a_sealed_order(buyer, product=product)
    secret = buyer.post(f"/orders/{number}/units/{number}-1/reveal", {}).json["secret"]
    assert secret == product.secrets[0]
    Client().post("/auth/token", {"username": "nobody", "password": "correct horse battery"})
    Client(token="anka_" + "f" * 40).get(f"/orders/{number}")
    # People put secrets where they do not belong.
    buyer.get(f"/orders/{secret}")
    buyer.get(f"/orders?cursor={secret}")
    Client().call("GET", f"/no-such-page/{secret}")
    return number, {"key": secret, "token": buyer.token, "password": "correct horse battery"}


def test_a_purchase_leaves_no_secret_in_the_log(logged: Callable[[], list[dict[str, Any]]]) -> None:
    number, secrets = a_purchase()
    lines = logged()
    text = json.dumps(lines)
    for name, secret in secrets.items():
        assert secret not in text, name
    (opened,) = (line for line in lines if line.get("route", "").endswith("/reveal"))
    assert {name: opened[name] for name in ("method", "status", "person", "order")} == {
        "method": "POST",
        "status": 200,
        "person": "token",
        "order": number,
    }
    assert opened["request_id"]
    assert opened["duration_ms"] > 0
    asked = [line for line in lines if line["logger"] == "anka.access"]
    assert len(asked) == len({line["request_id"] for line in asked})


def test_the_search_would_find_a_secret_in_the_log(logged: Callable[[], list[dict[str, Any]]]) -> None:
    """The negative control: what is logged by mistake, and looks like nothing in particular, is seen by this test."""
    _, secrets = a_purchase()
    logging.getLogger("anka").info("by mistake: %s", secrets["key"])
    assert secrets["key"] in json.dumps(logged())


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("Authorization: Bearer abc.def-ghi", "abc.def-ghi"),
        ("{'Authorization': 'Basic dXNlcjpwYXNz'}", "dXNlcjpwYXNz"),
        ("token anka_AAAAAAAAAAIAAAAAAAAAIwAP.W88m4_ZKAF-5cXYx came", "W88m4_ZKAF"),
        ('{"password": "hunter 2", "user": "x"}', "hunter 2"),
        ("password=hunter2&user=x", "hunter2"),
        ("ANKA_SECRET_KEY=abcdefgh1", "abcdefgh1"),
        ("Cookie: __Host-session=abcdef", "abcdef"),
        ("postgresql://anka:pa55@db/anka", "pa55"),
        ("sold XQ7F-9K2M-PPL4-77AZ to", "XQ7F-9K2M-PPL4-77AZ"),
        ("sold xq7f9k-2mppl4-77azk1 to", "77azk1"),
        ("wrapped MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI= by", "MTIzNDU2"),
    ],
)
def test_what_looks_like_a_secret_is_taken_out(text: str, secret: str) -> None:
    assert secret not in redaction.redacted(text)


@pytest.mark.parametrize(
    "text",
    [
        "deliver QM-7KQ2H8MPZD4TW was refused (busy); it is tried again later",
        "request failed reference=0b9f6f3e-6d53-4a4e-b39e-6a3f2f2f1a11 error=KeyError sqlstate=- at flows/x.py:12",
        "the database is back",
        "GET /api/v1/orders/{number} 200",
        "2026-11-23 00:55:22 listening on 127.0.0.1:8000",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redaction.redacted(text) == text


def test_an_exception_is_one_object_and_tells_no_values(logged: Callable[[], list[dict[str, Any]]]) -> None:
    try:
        with psycopg.connect(os.environ["ANKA_DATABASE_URL"]) as connection:
            connection.execute("SELECT 'plain-secret'::integer")
    except psycopg.Error:
        logging.getLogger("anka").exception("a sweep went wrong")
    (line,) = logged()
    assert line["exception"]["type"] == "InvalidTextRepresentation"
    assert line["exception"]["says"] == "SQLSTATE 22P02"
    assert "test_watching.py" in line["exception"]["at"][0]
    assert "plain-secret" not in json.dumps(line)


def test_the_pages_note_their_template() -> None:
    assert settings.MIDDLEWARE[0] == "anka.config.observed.SeenByDjango"
    assert ENVIRONMENT.metrics_token == ""
