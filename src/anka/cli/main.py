"""The `anka` command: finds the subcommand asked for and runs it. Each lies in a file of its own and is imported only when asked for."""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from io import TextIOWrapper
from typing import Protocol, cast

# Name on the command line → (module, what it does). A command whose module is not installed is not offered.
COMMANDS = {
    "up": ("up", "run everything in the foreground: database, sandbox, web, worker"),
    "web": ("web", "serve pages and the API"),
    "worker": ("worker", "do the work that waits: deliveries, refunds, clocks"),
    "sandbox": ("sandbox", "run the sandbox payment gateway"),
    "migrate": ("migrate", "bring the database to this version"),
    "import-keys": ("import_keys", "put card keys from a CSV file in stock"),
    "rotate-keys": ("rotate_keys", "change the keys that protect the stock, while the market runs"),
    "policy": ("policy", "judge facts by the rules, and explain the decision"),
    "audit": ("audit", "check every invariant"),
    "reconcile": ("reconcile", "compare a channel's bill with the books, line by line"),
    "doctor": ("doctor", "say what is wrong with this installation and how to mend it"),
    "backup": ("backup", "copy the whole database to a file, while the market runs"),
    "restore": ("restore", "read such a copy into an empty database"),
    "bench": ("bench", "measure"),
    "reset": ("reset", "throw a sandbox's data away: database, keys, clock"),
    "load-demo": ("load_demo", "fill an empty sandbox with the demo market (part of up --demo)"),
}
INTERRUPTED = 130


class Command(Protocol):
    """What each command's module offers. `FAILURES` are the exceptions that are told in one line."""

    FAILURES: tuple[type[Exception], ...]

    def arguments(self, *, parser: argparse.ArgumentParser) -> None:
        """Declare the command's arguments."""

    def run(self, *, given: argparse.Namespace) -> int:
        """Do it and return the exit status."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0 done, 1 failed or found something, 2 called wrongly."""
    words = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # Whatever the terminal's locale: what we print is UTF-8, and half a character does not stop a command.
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    name = words[0] if words and words[0] in COMMANDS else ""
    if not name or find_spec(f"anka.cli.{COMMANDS[name][0]}") is None:
        return _help(words)
    command = cast("Command", import_module(f"anka.cli.{COMMANDS[name][0]}"))
    parser = argparse.ArgumentParser(prog=f"anka {name}", description=COMMANDS[name][1], allow_abbrev=False)
    command.arguments(parser=parser)
    try:
        given = parser.parse_args(words[1:])
    except SystemExit as wish:
        return int(wish.code or 0)
    try:
        return command.run(given=given)
    except command.FAILURES as failure:
        complain(failure)
        return 1
    except BrokenPipeError:
        # Whoever read our output has gone; there is nobody to tell. Closing it quietly is left to the interpreter.
        sys.stderr.close()
        return 1
    except KeyboardInterrupt:
        return INTERRUPTED


def complain(failure: Exception) -> None:
    """Tell a failure in one line on stderr."""
    fields = getattr(failure, "fields", None) or {}
    details = "; ".join(f"{name}: {why}" for name, why in fields.items())
    line = " ".join(f"{failure}{f' ({details})' if details else ''}".split())
    sys.stderr.write(f"anka: {line}\n")


def _help(words: list[str]) -> int:
    offered = {name: what for name, (module, what) in COMMANDS.items() if find_spec(f"anka.cli.{module}")}
    parser = argparse.ArgumentParser(prog="anka", description="Anka: a marketplace for virtual goods where getting out is fair and fast.")
    commands = parser.add_subparsers(metavar="command", required=True)
    for name, what in offered.items():
        commands.add_parser(name, help=what, add_help=False)
    try:
        parser.parse_args(words)
    except SystemExit as wish:
        return int(wish.code or 0)
    return 2


if __name__ == "__main__":
    sys.exit(main())
