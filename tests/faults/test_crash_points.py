"""Every flow that moves money or goods survives the end of its process at every statement, and after the commit before the answer."""

from typing import Any

import pytest

from tests.faults.crash import Flow, crash_points
from tests.faults.flows import FLOWS


@pytest.mark.parametrize("flow", FLOWS, ids=str)
def test_exactly_once_whatever_the_moment_of_death(flow: Flow[Any]) -> None:
    assert crash_points(flow) >= 4
