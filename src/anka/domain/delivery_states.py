"""What can happen to one unit of goods. The same table stands in PostgreSQL; a test proves that they agree.

Whatever is not in the table does not exist. In particular nothing but a payment leads from `reserved` to `queued`.
"""

from collections.abc import Iterable
from enum import StrEnum
from types import MappingProxyType

from anka.domain.goods import Goods


class Stage(StrEnum):
    """Where the goods of one unit are. The last five are final."""

    RESERVED = "reserved"
    QUEUED = "queued"
    ACCEPTED = "accepted"
    WORKING = "working"
    SEALED = "sealed"
    REVEALED = "revealed"
    DELIVERED = "delivered"
    USED = "used"
    RELEASED = "released"
    RECALLED = "recalled"
    VOIDED = "voided"
    REPLACED = "replaced"
    CLOSED_OUT = "closed_out"


class Move(StrEnum):
    """What can be done to a unit's goods."""

    PAY = "pay"
    OPEN = "open"
    START = "start"
    SEAL = "seal"
    SUBMIT = "submit"
    HAND_OVER = "hand_over"
    FINISH = "finish"
    REVEAL = "reveal"
    USE = "use"
    RELEASE = "release"
    RECALL = "recall"
    VOID = "void"
    ROTATE = "rotate"
    KEEP = "keep"
    REPLACE = "replace"


S, M, G = Stage, Move, Goods
BEFORE_DELIVERY = (S.RESERVED, S.QUEUED, S.ACCEPTED)
FINAL_STAGES = frozenset({S.RELEASED, S.RECALLED, S.VOIDED, S.REPLACED, S.CLOSED_OUT})
STAGES_OF: MappingProxyType[Goods, tuple[Stage, ...]] = MappingProxyType(
    {
        G.CARD_KEY: (*BEFORE_DELIVERY, S.WORKING, S.SEALED, S.REVEALED, S.USED),
        G.TOP_UP: (*BEFORE_DELIVERY, S.WORKING, S.DELIVERED),
        G.ACCOUNT: (*BEFORE_DELIVERY, S.WORKING, S.SEALED, S.REVEALED, S.DELIVERED, S.USED),
        G.BOOSTING: (*BEFORE_DELIVERY, S.WORKING, S.DELIVERED),
        G.RENTAL: (*BEFORE_DELIVERY, S.SEALED, S.WORKING, S.DELIVERED),
    }
)
"""The stages a running order of each kind can be in, in the order they are passed."""

EVERY_KIND = tuple(Goods)
WITH_SECRET = (G.CARD_KEY, G.ACCOUNT, G.RENTAL)
NOT_RENTAL = (G.CARD_KEY, G.TOP_UP, G.ACCOUNT, G.BOOSTING)

# A rental works only while the buyer holds the credentials: its sole way into `working` is the buyer's own reveal, and its way out
# takes the credentials back (rotate, void), keeps them, or is the end of the rented time. Hence no start and no release for it there.
_RULES: tuple[tuple[tuple[Goods, ...], tuple[Stage, ...], Move, Stage], ...] = (
    (EVERY_KIND, (S.RESERVED,), M.PAY, S.QUEUED),
    (EVERY_KIND, (S.RESERVED,), M.RELEASE, S.RELEASED),
    (EVERY_KIND, (S.QUEUED,), M.OPEN, S.ACCEPTED),
    (WITH_SECRET, (S.QUEUED,), M.SEAL, S.SEALED),
    ((G.TOP_UP,), (S.QUEUED,), M.SUBMIT, S.WORKING),
    (NOT_RENTAL, (S.ACCEPTED,), M.START, S.WORKING),
    (WITH_SECRET, (S.ACCEPTED,), M.SEAL, S.SEALED),
    ((G.TOP_UP, G.ACCOUNT), (S.ACCEPTED,), M.HAND_OVER, S.DELIVERED),
    ((G.TOP_UP, G.BOOSTING, G.RENTAL), (S.WORKING,), M.FINISH, S.DELIVERED),
    ((G.CARD_KEY, G.ACCOUNT), (S.WORKING,), M.SEAL, S.SEALED),
    (EVERY_KIND, (S.QUEUED, S.ACCEPTED), M.RELEASE, S.RELEASED),
    (NOT_RENTAL, (S.WORKING,), M.RELEASE, S.RELEASED),
    ((G.CARD_KEY, G.ACCOUNT), (S.SEALED,), M.REVEAL, S.REVEALED),
    ((G.RENTAL,), (S.SEALED,), M.REVEAL, S.WORKING),
    (EVERY_KIND, (S.SEALED,), M.RECALL, S.RECALLED),
    (EVERY_KIND, (S.SEALED,), M.VOID, S.VOIDED),
    (EVERY_KIND, (S.SEALED,), M.ROTATE, S.VOIDED),
    (EVERY_KIND, (S.REVEALED,), M.USE, S.USED),
    ((G.ACCOUNT,), (S.REVEALED,), M.HAND_OVER, S.DELIVERED),
    (EVERY_KIND, (S.REVEALED, S.DELIVERED, S.USED), M.VOID, S.VOIDED),
    (EVERY_KIND, (S.REVEALED, S.DELIVERED, S.USED), M.ROTATE, S.VOIDED),
    (EVERY_KIND, (S.REVEALED, S.DELIVERED, S.USED), M.KEEP, S.CLOSED_OUT),
    ((G.RENTAL,), (S.WORKING,), M.VOID, S.VOIDED),
    ((G.RENTAL,), (S.WORKING,), M.ROTATE, S.VOIDED),
    ((G.RENTAL,), (S.WORKING,), M.KEEP, S.CLOSED_OUT),
    (EVERY_KIND, (S.SEALED, S.REVEALED, S.DELIVERED, S.USED), M.REPLACE, S.REPLACED),
)


def _moves() -> Iterable[tuple[tuple[Goods, Stage, Move], Stage]]:
    for kinds, stages, move, target in _RULES:
        for goods in kinds:
            for stage in stages:
                if stage in STAGES_OF[goods]:
                    yield (goods, stage, move), target


MOVES: MappingProxyType[tuple[Goods, Stage, Move], Stage] = MappingProxyType(dict(_moves()))


class IllegalMove(Exception):
    """The unit is not in a stage from which this move exists."""

    code, status = "illegal_move", 409

    def __init__(self, *, goods: Goods, stage: Stage, move: Move) -> None:
        super().__init__(f"cannot {move} a {goods} that is {stage}")
        self.goods, self.stage, self.move = goods, stage, move


def after(*, goods: Goods, stage: Stage, move: Move) -> Stage:
    """Return the stage that follows.

    Raises:
        IllegalMove: the table has no such move.
    """
    try:
        return MOVES[goods, stage, move]
    except KeyError:
        raise IllegalMove(goods=goods, stage=stage, move=move) from None


def moves_from(*, goods: Goods, stage: Stage) -> tuple[Move, ...]:
    """Return every move that exists for this kind in this stage."""
    return tuple(move for move in Move if (goods, stage, move) in MOVES)


_BY_DECISION = MappingProxyType(
    {"release": M.RELEASE, "restock": M.RECALL, "hold": M.RECALL, "void": M.VOID, "rotate": M.ROTATE, "keep": M.KEEP}
)


def move_for(*, goods: Goods, stage: Stage, goods_after: str) -> Move | None:
    """Return the move by which an executed, refunding decision's `goods_after` is carried out, or None if the goods stay where they are.

    They stay on `hold` anywhere but sealed (nothing to take back yet) and on `keep` while sealed (the buyer has them already). A decision
    made while the supplier was already done speaks of the next stage: record the delivery (finish or seal) first, then ask for that stage.

    Raises:
        IllegalMove: the decision asks for something this stage does not have.
    """
    move = _BY_DECISION[goods_after]
    if (goods, stage, move) in MOVES:
        return move
    if goods_after == "hold" or (goods_after == "keep" and stage == S.SEALED):
        return None
    raise IllegalMove(goods=goods, stage=stage, move=move)


def table() -> list[tuple[str, str, str, str]]:
    """Return the whole table as sorted rows (goods, from, move, to), the form PostgreSQL holds."""
    return sorted((str(goods), str(stage), str(move), str(target)) for (goods, stage, move), target in MOVES.items())
