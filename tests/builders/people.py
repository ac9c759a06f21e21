"""Buyers and shops, made by the real flows."""

from dataclasses import dataclass
from functools import partial
from itertools import count

import msgspec

from anka.catalog.models import NewShop
from anka.core import database
from anka.core.actors import Actor, ActorKind
from anka.core.clock import Moment
from anka.core.idempotency import RequestKey, request_key
from anka.core.numbers import ALPHABET
from anka.domain.postings import Posting, wallet_topped_up
from anka.flows.open_shop import open_shop
from anka.flows.sign_up import sign_up
from tests.builders.moments import at

OPERATOR = Actor(kind=ActorKind.OPERATOR, name="tests")
LETTERS = ALPHABET[10:]
_numbers = count(1)


def serial() -> int:
    """A number no other caller in this process has had."""
    return next(_numbers)


def a_key(actor: Actor, key: str | None = None, *, body: bytes = b"") -> RequestKey:
    """An idempotency key of this caller; the same key and body name the same request."""
    return request_key(caller=str(actor), key=key or f"key-{serial()}", method="POST", path="/test", body=body)


def a_person(when: Moment | None = None) -> int:
    """The id of somebody who has just signed up."""
    number = serial()
    return sign_up(
        username=f"person{number}",
        display_name=f"Person {number}",
        language="zh-hans",
        password_hash="!",
        at=when or at(),
    )


def a_buyer(*, wallet_minor: int = 0) -> Actor:
    """Somebody who buys, with so much in the wallet."""
    buyer = Actor(kind=ActorKind.BUYER, person_id=a_person())
    if wallet_minor:
        fill_wallet(buyer, wallet_minor)
    return buyer


def fill_wallet(buyer: Actor, amount_minor: int) -> None:
    """Put money into a wallet, as a captured top-up would."""
    post(wallet_topped_up(buyer_id=buyer.person_id, channel="sandbox", transaction_id=f"topup-{serial()}", amount_minor=amount_minor))


def post(posting: Posting) -> None:
    """Post journals of a kind that no flow makes yet."""
    with database.transaction():
        body = msgspec.json.encode(posting).decode()
        database.rows("SELECT post_journals(%s, %s, %s::jsonb)", (at().now, "CNY", body))


def balance(code: str, *, shop_id: int = 0) -> int:
    """What an account holds, in minor units, on its normal side."""
    return int(database.value("SELECT account_balance(%s, %s, 'CNY')", (shop_id, code)))


def wallet(buyer: Actor) -> int:
    """What is in a buyer's wallet."""
    return balance(f"buyer:{buyer.person_id}:wallet")


@dataclass(frozen=True)
class Shop:
    """A shop and who acts for it."""

    id: int
    code: str
    owner: Actor

    def balance(self, code: str) -> int:
        """What an account in the books of this shop holds."""
        return balance(code, shop_id=self.id)


def _code(number: int) -> str:
    digits = ""
    for _ in range(4):
        number, digit = divmod(number, len(LETTERS))
        digits = LETTERS[digit] + digits
    return f"T{digits}"


def a_shop(*, commission_basis_points: int = 500) -> Shop:
    """A shop of its own, with an owner."""
    owner_id, code = a_person(), _code(serial())
    named = partial(NewShop, code=code, name_zh=f"店{code}", name_en=f"Shop {code}", owner_id=owner_id)
    shop_id = open_shop(actor=OPERATOR, shop=named(commission_basis_points=commission_basis_points), at=at())
    return Shop(id=shop_id, code=code, owner=Actor(kind=ActorKind.MERCHANT, person_id=owner_id))
