from __future__ import annotations

import fcntl
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread

import pytest

from anka.sandbox import clock

DAY = 86_400


def test_a_clock_nobody_moved_shows_real_time(tmp_path: Path) -> None:
    assert clock.offset(home=tmp_path) == timedelta(0)
    before = datetime.now(UTC)
    assert before <= clock.now(home=tmp_path) <= datetime.now(UTC)


def test_moves_add_up(tmp_path: Path) -> None:
    clock.advance(home=tmp_path, seconds=60)
    assert clock.advance(home=tmp_path, seconds=1) == timedelta(seconds=61)
    assert clock.offset(home=tmp_path) == timedelta(seconds=61)


def test_the_clock_can_be_set_ahead(tmp_path: Path) -> None:
    real = datetime(2026, 3, 1, tzinfo=UTC)
    clock.set_now(home=tmp_path, at=real + timedelta(days=3, microseconds=7), real_now=real)
    assert clock.offset(home=tmp_path) == timedelta(days=3, microseconds=7)


def test_the_clock_never_goes_back(tmp_path: Path) -> None:
    real = datetime(2026, 3, 1, tzinfo=UTC)
    clock.advance(home=tmp_path, seconds=DAY)
    with pytest.raises(clock.ClockCannotGoBack):
        clock.advance(home=tmp_path, seconds=-1)
    with pytest.raises(clock.ClockCannotGoBack):
        clock.set_now(home=tmp_path, at=real, real_now=real)
    assert clock.offset(home=tmp_path) == timedelta(days=1)
    assert (clock.ClockCannotGoBack.code, clock.ClockCannotGoBack.status) == ("clock_cannot_go_back", 409)


def test_the_clock_runs_at_most_ten_years_ahead(tmp_path: Path) -> None:
    clock.advance(home=tmp_path, seconds=3_650 * DAY)
    for seconds in (1, 10**30):
        with pytest.raises(clock.ClockTooFarAhead):
            clock.advance(home=tmp_path, seconds=seconds)
    assert clock.offset(home=tmp_path) == timedelta(days=3_650)


def test_moves_from_many_threads_are_all_counted(tmp_path: Path) -> None:
    def move() -> None:
        for _ in range(50):
            clock.advance(home=tmp_path, seconds=1)

    threads = [Thread(target=move) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert clock.offset(home=tmp_path) == timedelta(seconds=400)


def test_another_process_moves_the_same_clock(tmp_path: Path) -> None:
    assert clock.offset(home=tmp_path) == timedelta(0)
    program = "import pathlib, sys; from anka.sandbox import clock; clock.advance(home=pathlib.Path(sys.argv[1]), seconds=42)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=True, timeout=120, env=environment)
    assert clock.offset(home=tmp_path) == timedelta(seconds=42)


def test_who_moves_the_clock_waits_for_whoever_is_moving_it(tmp_path: Path) -> None:
    clock.offset(home=tmp_path)
    with (tmp_path / "sandbox" / "clock").open("rb") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        mover = Thread(target=lambda: clock.advance(home=tmp_path, seconds=1))
        mover.start()
        mover.join(timeout=0.3)
        # Reading never waits; moving does.
        assert clock.offset(home=tmp_path) == timedelta(0)
        assert mover.is_alive()
        fcntl.flock(held, fcntl.LOCK_UN)
        mover.join(timeout=60)
    assert clock.offset(home=tmp_path) == timedelta(seconds=1)
