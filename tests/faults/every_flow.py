"""All flows that die in a test, for the test that lets them die and for the one that looks whether any is missing."""

from typing import Any

from tests.faults.bill_flows import BILL_FLOWS
from tests.faults.by_hand import BY_HAND_FLOWS
from tests.faults.case_flows import CASE_FLOWS
from tests.faults.crash import Flow
from tests.faults.disputes import DISPUTE_FLOWS
from tests.faults.flows import FLOWS
from tests.faults.funds import FUNDS_FLOWS
from tests.faults.ladder import LADDER_FLOWS
from tests.faults.money_flows import MONEY_FLOWS
from tests.faults.odd import ODD_FLOWS
from tests.faults.top_ups import TOP_UP_FLOWS

EVERY_FLOW: list[Flow[Any]] = [
    *FLOWS,
    *ODD_FLOWS,
    *LADDER_FLOWS,
    *CASE_FLOWS,
    *FUNDS_FLOWS,
    *BILL_FLOWS,
    *BY_HAND_FLOWS,
    *MONEY_FLOWS,
    *TOP_UP_FLOWS,
    *DISPUTE_FLOWS,
]
