"""What the API's tests take for granted about the rest of the installation: a worker lives; the gateway is not their business."""

from collections.abc import Iterator

import pytest

from anka.core import heartbeat
from anka.core.clock import moment
from anka.jobs import condition, gauges


@pytest.fixture(autouse=True)
def _the_rest_of_the_installation(request: pytest.FixtureRequest, _database_where_needed: None) -> Iterator[None]:
    gauges.forget()
    before, condition.gateway = condition.gateway, None
    if not request.node.get_closest_marker("no_database"):
        heartbeat.beat(name="tests", started_at=moment().real, real_now=moment().real)
    yield
    condition.gateway = before
