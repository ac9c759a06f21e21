"""The shapes that come in about cases and deliveries: what merchants, parties and arbiters say."""

from typing import Annotated, Literal

from msgspec import Meta

from anka.api.bodies import Cursor, Input, Limit, Minor, Percent, Text, Units

Code = Annotated[str, Meta(min_length=1, max_length=40)]
Said = Annotated[str, Meta(min_length=1, max_length=2_000)]
LongText = Annotated[str, Meta(min_length=1, max_length=4_000)]
Waiting = Literal["open", "merchant_turn", "buyer_turn", "waiting_upstream", "external", "refused", "evidence", "review"]
Status = Waiting | Literal["decided", "appeal", "closed"]


class Accept(Input):
    """Which units to take up; without them every one that waits."""

    units: Units | None = None


class Deliver(Input):
    """Keys, one per unit: in the order of `units` where they are named, in the order of the units that wait where not."""

    secrets: Annotated[list[Annotated[str, Meta(min_length=1, max_length=512)]], Meta(min_length=1, max_length=1_000)]
    units: Units | None = None


class Progress(Input):
    """How far a service is."""

    percent: Percent
    milestone: Annotated[str, Meta(max_length=120)] | None = None
    text: Text = ""
    units: Units | None = None


class Refuse(Input):
    """Why the merchant refuses: one of its reasons, and in words."""

    reason: Code
    text: Said


class Offer(Input):
    """What a side offers for the whole case: an amount, or a replacement. Exactly one of the two."""

    refund_minor: Minor | None = None
    replacement: bool | None = None
    text: Text = ""


class AddEvidence(Input):
    """What proves a party's case, in words."""

    kind: Code
    text: LongText


class AskForEvidence(Input):
    """Whom the arbiter asks for evidence, and for what."""

    side: Literal["buyer", "merchant", "both"]
    text: LongText


class Escalate(Input):
    """Why the platform is to look at it."""

    text: Text = ""


class Appeal(Input):
    """What is new, in words."""

    text: LongText


class Rule(Input):
    """A ruling: whose fault, how much goes back (a percentage of what is left, or an amount for the whole case), why, in words.

    `compensation_minor` goes to the buyer's wallet on top, `penalty_minor` comes out of the shop's deposit. `replacement` is a remedy a
    later version has; here it may only be absent or false.
    """

    fault: Code
    reasons: Annotated[list[Code], Meta(min_length=1, max_length=20)]
    text: LongText
    refund_percent: Percent | None = None
    refund_minor: Minor | None = None
    replacement: bool | None = None
    compensation_minor: Minor | None = None
    penalty_minor: Minor | None = None


class CaseSearch(Input):
    """Which cases. `queue` mine: those you are a party to, newest first (what parties see without asking); merchant: those waiting for your
    shops' answer; platform: those waiting for the platform (what its staff see without asking). The two queues begin with what is due
    soonest. `status`: those of one status; in the platform's queue, every open case of that status."""

    queue: Literal["mine", "merchant", "platform"] | None = None
    status: Status | None = None
    cursor: Cursor | None = None
    limit: Limit = 20
