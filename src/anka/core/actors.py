"""Who acts. An actor is a value: made at the edge from a token, a session or a job's name, written into every event."""

from dataclasses import dataclass
from enum import StrEnum


class ActorKind(StrEnum):
    """On whose behalf something is done."""

    BUYER = "buyer"
    MERCHANT = "merchant"
    PLATFORM = "platform"
    GATEWAY = "gateway"
    SYSTEM = "system"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody or something that acts.

    `person_id` is 0 where no person stands behind it; `token_id` is 0 where no API token was used. `name` tells jobs and
    channels apart ("expiry", "sandbox").
    """

    kind: ActorKind
    person_id: int = 0
    token_id: int = 0
    name: str = ""

    def __str__(self) -> str:
        return f"{self.kind}:{self.person_id or self.name}"


def system(name: str) -> Actor:
    """Return the actor of a job, e.g. system("expiry")."""
    return Actor(kind=ActorKind.SYSTEM, name=name)


def gateway(channel: str) -> Actor:
    """Return the actor of a payment channel that told us something."""
    return Actor(kind=ActorKind.GATEWAY, name=channel)
