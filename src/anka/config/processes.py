"""A family of processes under one parent: started together, restarted when one dies, gone when the parent is gone."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

# A child that dies sooner than this after its start did not really start.
SHORT_LIFE_SECONDS = 5.0
MOST_SHORT_LIVES = 5
RESTART_PAUSE_SECONDS = 0.3
GRACE_SECONDS = 6.0
_POLL_SECONDS = 0.05
_PARENT = "ANKA_PARENT"
_PR_SET_PDEATHSIG = 1


class ProcessKeepsDying(Exception):
    """A process ended again and again right after its start; going on would not help."""

    code, status = "process_keeps_dying", 500


class ProcessFailed(Exception):
    """A process that had one thing to do did not manage; it has said why itself."""

    code, status = "process_failed", 500


def die_with_parent(*, by: signal.Signals = signal.SIGTERM) -> None:
    """Have this process signalled when its parent dies, even by kill -9: by the kernel on Linux, by watching elsewhere."""
    parent = os.getppid()
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(by), 0, 0, 0)
    else:
        threading.Thread(target=_watch, args=(parent, by), daemon=True).start()
    # It may have died just before we asked.
    if os.getppid() != parent:
        os.kill(os.getpid(), by)


def follow_parent() -> None:
    """Live and die with the family where this process was started as part of one; do nothing where somebody started it by hand.

    Ctrl-C reaches every process of the group at once; in a family only the parent acts on it, and stops its children in order.
    """
    if _PARENT not in os.environ:
        return
    leave_interrupts_to_others()
    if os.environ[_PARENT] != str(os.getppid()):
        # Our parent died while we were starting: the family is over.
        sys.exit(1)
    die_with_parent()


def leave_interrupts_to_others() -> None:
    """Have Ctrl-C pass this process by, and every process and thread it starts."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})


def wake_main_thread_on_signals() -> None:
    """Have a signal reach the main thread whichever thread the kernel gives it to. Call it in the main thread, after any fork.

    Python runs handlers in the main thread only, and nothing wakes one that waits for ever when another thread, one that was just being
    started, took the signal: the process would then go on as if it had not been told. Each handler may therefore run twice.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    threading.Thread(target=_pass_on, args=(reader, threading.get_ident()), daemon=True).start()


def let_forked_end_on_sigterm() -> None:
    """Have every process that this one forks end when told to, until it sets a handler of its own.

    It would inherit ours, which stops this process and not that one: told to stop while it is starting, it would never hear of it again.
    """
    told_to_stop = {signal.SIGTERM}

    def in_child() -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, told_to_stop)

    # Blocked around the fork, so that no signal falls between it and the default.
    os.register_at_fork(
        before=lambda: signal.pthread_sigmask(signal.SIG_BLOCK, told_to_stop),
        after_in_parent=lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, told_to_stop),
        after_in_child=in_child,
    )


def _pass_on(reader: int, main_thread: int) -> None:
    (number,) = os.read(reader, 1)
    signal.pthread_kill(main_thread, number)


def _watch(parent: int, by: signal.Signals) -> None:
    while os.getppid() == parent:
        threading.Event().wait(1.0)
    os.kill(os.getpid(), by)


@dataclass
class Child:
    """One program of the family and the process that runs it now."""

    name: str
    words: tuple[str, ...]
    environment: Mapping[str, str]
    ends_by_itself: bool = False
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    short_lives: int = 0

    def start(self) -> None:
        """Start its process, as a subcommand of `anka` run by the Python that runs us."""
        variables = {**os.environ, **self.environment, _PARENT: str(os.getpid())}
        # Our own command by its full path, without a shell.
        self.process = subprocess.Popen([sys.executable, "-P", "-m", "anka.cli.main", *self.words], env=variables)  # noqa: S603
        self.started = time.monotonic()

    @property
    def alive(self) -> bool:
        """Tell whether its process runs."""
        return self.process is not None and self.process.poll() is None


@dataclass
class Family:
    """Programs that belong together. `say` is told what happens to them, one line each time; `watchers` look after what they need."""

    say: Callable[[str], None]
    stop: threading.Event = field(default_factory=threading.Event)
    children: list[Child] = field(default_factory=list)
    watchers: list[Callable[[], None]] = field(default_factory=list)

    def stop_on_signals(self) -> None:
        """From now on, SIGINT and SIGTERM mean: stop."""
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: self.stop.set())

    def start(self, *, name: str, words: tuple[str, ...], environment: Mapping[str, str]) -> Child:
        """Start a program that is to run until the end."""
        child = Child(name, words, environment)
        child.start()
        self.children.append(child)
        return child

    def run_once(self, *, name: str, words: tuple[str, ...], environment: Mapping[str, str]) -> None:
        """Run a program to its end; returns early where we are told to stop.

        Raises:
            ProcessFailed: it ended with another status than 0.
        """
        child = Child(name, words, environment, ends_by_itself=True)
        child.start()
        self.children.append(child)
        while child.alive and not self.stop.is_set():
            self.look_after()
            self.stop.wait(_POLL_SECONDS)
        if self.stop.is_set():
            return
        self.children.remove(child)
        if child.process is not None and child.process.returncode != 0:
            raise ProcessFailed(f"{name} failed, so nothing was started; the reason is above. Nothing was lost.")

    def look_after(self) -> None:
        """Start again whatever has died.

        Raises:
            ProcessKeepsDying: one of them ended MOST_SHORT_LIVES times in a row right after its start.
        """
        if self.stop.is_set():
            return
        for watch in self.watchers:
            watch()
        for child in self.children:
            if child.alive or child.process is None or child.ends_by_itself:
                continue
            lived = time.monotonic() - child.started
            child.short_lives = child.short_lives + 1 if lived < SHORT_LIFE_SECONDS else 0
            if child.short_lives >= MOST_SHORT_LIVES:
                raise ProcessKeepsDying(f"{child.name} ended {MOST_SHORT_LIVES} times right after its start; everything was stopped.")
            self.say(f"{child.name} ended unexpectedly (status {child.process.returncode}) and is started again")
            self.stop.wait(RESTART_PAUSE_SECONDS)
            child.start()

    def end(self) -> None:
        """Stop all of them, gently first; returns when none is left."""
        self.stop.set()
        for child in reversed(self.children):
            if child.alive and child.process is not None:
                child.process.terminate()
        deadline = time.monotonic() + GRACE_SECONDS
        for child in self.children:
            if child.process is None:
                continue
            try:
                child.process.wait(timeout=max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.process.kill()
                child.process.wait(timeout=GRACE_SECONDS)
