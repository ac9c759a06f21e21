"""From what the issuer of a key says to the facts a decision may rest on. What an answer is silent about stays unknown.

The issuer knows when and by whom a key was redeemed; we know when the buyer opened it. Only both together tell whose use it was.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal, InvalidOperation
from enum import StrEnum


class KeyState(StrEnum):
    """Where a key stands in the issuer's records."""

    UNKNOWN = "unknown"
    UNUSED = "unused"
    USED = "used"
    INVALID = "invalid"
    VOIDED = "voided"


class Redeemer(StrEnum):
    """Who redeemed a key, by the issuer's records: the account the buyer named, or another one."""

    UNKNOWN = "unknown"
    BUYER = "buyer"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """One word of an issuer about one key. None means that it said nothing about that.

    `voided_for_us`: a voided key was voided because we asked for it. `value_percent` is the share of the value the key had when it was
    sold, 0 to 100. `use_check` is set by an issuer that already knows when the key was opened: then it counts as it stands.
    """

    state: KeyState = KeyState.UNKNOWN
    used_at: datetime | None = None
    redeemer: Redeemer = Redeemer.UNKNOWN
    voidable: bool | None = None
    voided_for_us: bool = False
    value_percent: int | None = None
    face_value: str | None = None
    region: str | None = None
    use_check: str | None = None


SILENCE = Said()


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What we know of the unit ourselves: when its buyer opened it (None: never), and what the order promised."""

    revealed_at: datetime | None
    face_value: str
    region: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFacts:
    """The facts of 3-policy that records about a key can give. `voidable` None: nothing was said about it."""

    use_check: str = "unknown"
    used_by: str = "unknown"
    voidable: bool | None = None
    matches_order: str = "unknown"
    delivered_percent: int | None = None

    @property
    def is_conclusive(self) -> bool:
        """Tell whether it is known whether the key was used."""
        return self.use_check != "unknown"

    def to_json(self) -> Mapping[str, object]:
        """Return what is known, for an event: unknown facts are left out."""
        known = {name: getattr(self, name) for name in ("use_check", "used_by", "matches_order") if getattr(self, name) != "unknown"}
        return known | {name: getattr(self, name) for name in ("voidable", "delivered_percent") if getattr(self, name) is not None}


UNKNOWN = KeyFacts()


def facts_of(*, said: Said, opened: Opened) -> KeyFacts:
    """Return the facts that follow from one word of the issuer.

    A key that is used while its unit was never opened was used before it was opened. A key that we had voided ourselves was unused then,
    and is as good as voidable: voiding it again brings the same receipt. A use without a time says nothing about an opened unit.
    """
    if said.use_check is not None:
        use_check, used_by = said.use_check, str(said.redeemer)
    else:
        use_check = _use_check(said, opened.revealed_at)
        used_by = str(said.redeemer) if said.state is KeyState.USED else "unknown"
    return KeyFacts(
        use_check=use_check,
        used_by=used_by,
        voidable=True if said.state is KeyState.VOIDED and said.voided_for_us else said.voidable,
        matches_order=_matches_order(said, opened),
        delivered_percent=said.value_percent if said.value_percent is not None and 0 <= said.value_percent <= 100 else None,
    )


def merged(*, known: KeyFacts, newer: KeyFacts) -> KeyFacts:
    """Return what is known after a newer word. Unknown never erases what was known; who used a key goes with whether it was used."""
    if newer.is_conclusive:
        known = replace(known, use_check=newer.use_check, used_by=newer.used_by)
    elif newer.used_by != "unknown":
        known = replace(known, used_by=newer.used_by)
    return replace(
        known,
        voidable=known.voidable if newer.voidable is None else newer.voidable,
        matches_order=known.matches_order if newer.matches_order == "unknown" else newer.matches_order,
        delivered_percent=known.delivered_percent if newer.delivered_percent is None else newer.delivered_percent,
    )


def _use_check(said: Said, revealed_at: datetime | None) -> str:
    if said.state is KeyState.USED:
        return _when_used(said.used_at, revealed_at)
    if said.state is KeyState.VOIDED:
        return "unused" if said.voided_for_us else "invalid"
    return str(said.state)


def _when_used(used_at: datetime | None, revealed_at: datetime | None) -> str:
    if revealed_at is None:
        return "used_before_reveal"
    if used_at is None:
        return "unknown"
    return "used_before_reveal" if used_at < revealed_at else "used_after_reveal"


def _matches_order(said: Said, opened: Opened) -> str:
    compared = [
        _same(said_value, promised)
        for said_value, promised in ((said.face_value, opened.face_value), (said.region, opened.region))
        if said_value is not None
    ]
    if not all(compared):
        return "no"
    # One attribute that fits proves nothing about the other.
    return "yes" if len(compared) == 2 else "unknown"


def _same(said: str, promised: str) -> bool:
    said, promised = _folded(said), _folded(promised)
    try:
        return Decimal(said) == Decimal(promised)
    except InvalidOperation:
        return said == promised


def _folded(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())
