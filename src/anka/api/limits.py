"""Budgets at the door: what a route costs its caller. Placing an order takes its token in the flow's own first round trip."""

from anka.api.call import Call, Route
from anka.core import rate_limits

IN_FLOW = "place_order"


def spend(route: Route, call: Call) -> None:
    """Take a token of the route's budget from the caller.

    Raises:
        TooManyRequests: there is none left for the moment.
    """
    if route.budget is not None and route.budget != IN_FLOW:
        rate_limits.spend(name=route.budget, caller=call.caller, at=call.at)
