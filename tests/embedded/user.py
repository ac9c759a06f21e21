"""One user of the embedded database as a process of its own: starts it, says where it is, and lets go when its input ends."""

import json
import signal
import sys
from pathlib import Path

from anka.config import embedded


def say(**facts: object) -> None:
    sys.stdout.write(json.dumps(facts) + "\n")
    sys.stdout.flush()


def main() -> None:
    # Whoever runs the tests in the background of a shell has interrupts ignored, and children inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    home, port = Path(sys.argv[1]), int(sys.argv[2]) or None
    try:
        with embedded.running(home=home, port=port, settings=json.loads(sys.argv[3])) as server:
            say(
                url=server.url, owner_url=server.owner_url, pid=server.pid, folder=str(server.place.folder), socket=str(server.place.socket)
            )
            sys.stdin.read()
    except embedded.EmbeddedDatabaseError as failure:
        say(code=failure.code, message=str(failure))
        return
    except KeyboardInterrupt:
        say(interrupted=True)
        return
    say(stopped=True)


if __name__ == "__main__":
    main()
