"""Playing the issuer of keys: what it shall know of a unit, and its word about it taken at once."""

from collections.abc import Mapping

import msgspec

from anka.adapters.channels import sandbox_play
from anka.adapters.channels.sandbox import SandboxChannel
from anka.adapters.issuers import sandbox
from anka.adapters.issuers.sandbox import SandboxIssuer
from anka.core.clock import Moment
from anka.core.refusals import NotFound
from anka.jobs.channels import channels
from anka.jobs.issuers import issuers, take_notice
from anka.jobs.sandbox_play import PLAYER, GatewayRefuses, SandboxIsOff
from anka.orders.models import Unit
from anka.orders.queries import read_order

LONGEST_UNIT = 64


class PlayedIssuer(msgspec.Struct, frozen=True):
    """What is known of a unit's key after the play, in the words of the facts."""

    unit: str
    use_check: str
    used_by: str
    voidable: bool
    matches_order: str
    delivered_percent: int | None


def play(*, unit: str, word: Mapping[str, object], at: Moment) -> PlayedIssuer:
    """Set what the sandbox issuer knows of a unit and, unless it is played silent, take its word about it.

    It counts for products that name no issuer as well. `word` is the body of the route, see docs/reference/sandbox-gateway.md.

    Raises:
        NotFound: there is no such unit. GatewayRefuses: the sandbox refused, or did not answer; nothing has changed.
        SandboxIsOff: this installation handles real money.
    """
    channel, issuer = channels.get(sandbox.CODE), issuers.get(sandbox.CODE)
    if not isinstance(channel, SandboxChannel) or not isinstance(issuer, SandboxIssuer):
        raise SandboxIsOff
    number, position = _parted(unit)
    _unit(number, position, at)
    try:
        answer = issuer.play(channel=channel, unit=unit, word=word)
    except (sandbox_play.SandboxRefused, sandbox_play.SandboxUnreachable) as error:
        raise GatewayRefuses(reason=str(error)) from error
    if answer is not None:
        take_notice(issuer=sandbox.CODE, order_number=number, heard={position: answer}, at=at)
    known = _unit(number, position, at)
    return PlayedIssuer(
        unit=unit,
        use_check=known.use_check,
        used_by=known.used_by,
        voidable=known.voidable,
        matches_order=known.matches_order,
        delivered_percent=known.delivered_percent,
    )


def _parted(unit: str) -> tuple[str, int]:
    number, _dash, digits = unit.rpartition("-")
    if len(unit) > LONGEST_UNIT or not (digits.isascii() and digits.isdigit() and len(digits) <= 4 and digits[0] != "0"):
        raise NotFound
    return number, int(digits)


def _unit(number: str, position: int, at: Moment) -> Unit:
    unit = read_order(number=number, actor=PLAYER, at=at).unit(position)
    if unit is None:
        raise NotFound
    return unit
