"""Notices reach the merchant in the end: across refusals, across kills, and not for ever."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psycopg
import pytest

from anka.adapters.channels.port import EvidenceStatus
from anka.adapters.channels.sandbox import SandboxChannel
from anka.adapters.channels.sandbox_keys import Mode
from anka.sandbox.sender import BACK_OFF_SECONDS
from tests.sandbox.world import ALL_IS_WELL, Clock, Merchant, World, said

PROGRAM = """
import pathlib, sys
from anka.adapters.channels.sandbox_keys import Mode
from anka.sandbox.gateway import GatewaySettings
from anka.sandbox.server import serve
settings = GatewaySettings(mode=Mode.SANDBOX, home=pathlib.Path(sys.argv[1]), database_url=sys.argv[2], base_url="http://sandbox.test")
serve(settings=settings, host="127.0.0.1", port=int(sys.argv[3]), ready=lambda port: print(port, flush=True))
"""


def failures() -> list[tuple[int, bytes]]:
    return [(500, b""), (401, b"{}"), (200, b"ok"), (200, b'{"ok":"true"}'), (204, b""), (302, b"")]


def test_a_notice_is_sent_until_the_merchant_takes_it_and_each_time_it_waits_longer(world: World) -> None:
    for answer in failures():
        world.merchant.answers.put(answer)
    world.play(deliver="send")
    for wait in BACK_OFF_SECONDS[: len(failures())]:
        assert world.gateway.sender.work_once() == 1
        world.real.tick(wait - 1)
        assert world.gateway.sender.work_once() == 0
        world.real.tick(1)
    assert world.gateway.sender.work_once() == 1
    world.real.tick(86_400)
    assert world.gateway.sender.work_once() == 0
    received = world.merchant.received()
    assert len({said(notice.body)["event_id"] for notice in received}) == 1
    assert len(received) == len(failures()) + 1


def test_after_fifteen_tries_it_gives_up(world: World) -> None:
    for _ in range(20):
        world.merchant.answers.put((503, b""))
    world.play(deliver="send")
    tried = 0
    for _ in range(20):
        tried += world.gateway.sender.work_once()
        world.real.tick(86_400)
    assert tried == 15
    assert world.one("SELECT finished_as FROM sandbox.notice") == "refused with 503"


def test_a_late_try_is_signed_anew(world: World) -> None:
    world.merchant.answers.put((500, b""))
    world.play(deliver="send")
    world.gateway.sender.work_once()
    world.real.tick(3_600)
    world.gateway.sender.work_once()
    first, second = world.merchant.received()
    assert world.read(second).number == "Q1"
    assert first.headers["Anka-Timestamp"] != second.headers["Anka-Timestamp"]


def test_an_attack_is_tried_once(world: World) -> None:
    world.merchant.answers.put((401, b""))
    world.play(faults=["forged"], deliver="send")
    world.gateway.sender.work_once()
    world.real.tick(86_400)
    assert world.gateway.sender.work_once() == 0


def test_a_merchant_that_is_gone_is_tried_again(world: World) -> None:
    world.play(deliver="send")
    with world.gateway.store.transaction() as connection:
        connection.execute("UPDATE sandbox.notice SET notify_url = 'http://127.0.0.1:9/api/v1/notify/sandbox'")
    assert world.gateway.sender.work_once() == 1
    assert world.one("SELECT finished_as FROM sandbox.notice WHERE finished_at IS NULL") == "not delivered: ConnectError"


def test_when_the_database_comes_back_the_gateway_works_again(world: World) -> None:
    world.play()
    with psycopg.connect(world.gateway.store._database_url, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    assert world.query_payment().status is EvidenceStatus.UNKNOWN
    assert world.query_payment().status is EvidenceStatus.SUCCEEDED


def test_old_nonces_are_forgotten(world: World) -> None:
    world.query_payment()
    world.real.tick(12 * 60)
    world.gateway.sender.work_once()
    assert world.one("SELECT count(*) FROM sandbox.nonce") == 0


@contextmanager
def gateway_process(*, home: Path, database_url: str, port: int = 0) -> Iterator[tuple[subprocess.Popen[str], int]]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", PROGRAM, str(home), database_url, str(port)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        line = process.stdout.readline()
        assert line, process.stderr.read()
        yield process, int(line)
    finally:
        process.kill()
        process.wait(timeout=60)
        process.stdout.close()
        process.stderr.close()


def channel_to(*, home: Path, port: int, merchant: Merchant) -> SandboxChannel:
    return SandboxChannel(
        mode=Mode.SANDBOX, home=home, base_url=f"http://127.0.0.1:{port}", notify_url=f"{merchant.address}/api/v1/notify/sandbox"
    )


@pytest.fixture
def outside(world: World, database_url: str, tmp_path: Path) -> tuple[World, str, Path]:
    """A world whose gateway is idle: separate processes serve the same home and database."""
    world.real.at = Clock().at
    return world, database_url, tmp_path


def test_after_kill_9_nothing_is_forgotten_and_the_notice_is_sent_again(outside: tuple[World, str, Path]) -> None:
    world, database_url, home = outside
    world.merchant.answers.put((503, b""))
    with gateway_process(home=home, database_url=database_url) as (process, port):
        world.channel = channel_to(home=home, port=port, merchant=world.merchant)
        world.play(deliver="send")
        first = world.merchant.inbox.get(timeout=60)
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=60)
    world.merchant.answers.put(ALL_IS_WELL)
    with gateway_process(home=home, database_url=database_url) as (_, port):
        second = world.merchant.inbox.get(timeout=60)
        world.channel = channel_to(home=home, port=port, merchant=world.merchant)
        assert said(first.body)["event_id"] == said(second.body)["event_id"]
        assert world.query_payment().status is EvidenceStatus.SUCCEEDED
        assert world.refund().status is EvidenceStatus.PROCESSING


def test_sigterm_ends_it_cleanly_also_with_an_open_connection(outside: tuple[World, str, Path]) -> None:
    _, database_url, home = outside
    with gateway_process(home=home, database_url=database_url) as (process, port), httpx.Client(trust_env=False) as client:
        assert client.get(f"http://127.0.0.1:{port}/readyz").json() == {"ok": True}
        process.terminate()
        assert process.wait(timeout=60) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_a_port_that_is_taken_is_an_error_at_once(outside: tuple[World, str, Path]) -> None:
    world, database_url, home = outside
    taken = int(world.gateway_url.rpartition(":")[2])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", PROGRAM, str(home), database_url, str(taken)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=environment)
    assert ended.returncode != 0
    assert "Address already in use" in ended.stderr
