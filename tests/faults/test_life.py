"""The order and case life: random walks of the real market beside the model of it, and proof that the walks would notice."""

import os

from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.faults.model.machine import LifeMachine

NIGHTLY = os.environ.get("ANKA_NIGHTLY") == "1"
WALKS = settings(
    max_examples=2000 if NIGHTLY else 40,
    stateful_step_count=50 if NIGHTLY else 20,
    derandomize=not NIGHTLY,
    database=None,
    deadline=None,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)


class Nightly(LifeMachine):
    """Audited after every step."""

    audits_every_step = NIGHTLY


def test_orders_and_cases_live_by_the_book() -> None:
    run_state_machine_as_test(Nightly, settings=WALKS)
