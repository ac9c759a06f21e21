"""Whether this instance lives, and whether it can serve."""

from anka.api import shapes
from anka.api.call import Answer, Call
from anka.jobs.condition import condition


def livez(_call: Call) -> Answer:
    """Answer as long as the process answers at all: whatever is wrong elsewhere, starting it anew would not help."""
    return Answer(200, shapes.Health(status="ok", checks={}))


def readyz(call: Call) -> Answer:
    """Answer 200 only where everything this instance needs works; else 503 with what does not."""
    checks = condition(at=call.at)
    ready = set(checks.values()) == {"ok"}
    return Answer(200 if ready else 503, shapes.Health(status="ok" if ready else "unavailable", checks=checks))
