"""The market the kills happen in: shops, products with keys, buyers with money in their wallets; made by the real flows.

Run as a program of its own (`python -m tests.kills.market`) inside the environment of the world; it prints the market as JSON.
"""

import sys
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

import msgspec

from anka.config import environment, start

if TYPE_CHECKING:
    from anka.core.actors import Actor
    from anka.core.clock import Moment

KEYS = 6_000
BUYERS = 12
WALLET_MINOR = 50_000_000
# Price and delivery, each in a shop of its own. The dear ones are above what one arbiter may give back alone.
GOODS = ((1_000, "auto"), (9_900, "auto"), (60_000, "auto"), (4_000, "manual"), (70_000, "manual"))
# Told before the purchase, so that the rules refuse what was used.
NOTICE = ("查看后不退", "no refund once opened")
STAFF = ("agent", "arbiter", "arbiter")


@dataclass(frozen=True)
class Person:
    """Somebody with a token. `role` is what the table of actions calls them."""

    role: str
    person_id: int
    token: str


@dataclass(frozen=True)
class Market:
    """What can be bought, and by whom."""

    products: list[str]
    people: list[Person]
    wallet_minor: int
    keys: int

    def of(self, role: str) -> list[Person]:
        """Everybody with this role."""
        return [person for person in self.people if person.role == role]


def build() -> Market:
    """Make the market. Django is set up already."""
    from anka.catalog.models import NewProduct, NewShop, Terms  # noqa: PLC0415  needs Django, which is set up only now
    from anka.core.actors import Actor, ActorKind  # noqa: PLC0415
    from anka.core.clock import moment  # noqa: PLC0415
    from anka.flows.appoint_staff import appoint_staff  # noqa: PLC0415
    from anka.flows.list_product import list_product  # noqa: PLC0415
    from anka.flows.open_shop import open_shop  # noqa: PLC0415

    operator = Actor(kind=ActorKind.OPERATOR, name="kills")
    people, products = [], []
    shops = []
    for number in range(len(GOODS)):
        at = moment()
        owner = _person(f"merchant{number}", "merchant", at)
        named = NewShop(code=f"KILL{'ABCDE'[number]}", name_zh=f"店{number}", name_en=f"Shop {number}", owner_id=owner.person_id)
        shops.append(open_shop(actor=operator, shop=named, at=at))
        people.append(owner)
    for number, (price, delivery) in enumerate(GOODS):
        described = NewProduct(
            kind="card_key",
            delivery=delivery,
            title_zh=f"卡密{number}",
            title_en=f"Key {number}",
            face_value="100",
            region="CN",
            price_minor=price,
        )
        terms = Terms(promise_minutes=5 if delivery == "auto" else 1_440, notice_zh=NOTICE[0], notice_en=NOTICE[1])
        product = list_product(actor=operator, shop_id=shops[number], product=described, terms=terms, at=moment())
        if delivery == "auto":
            _stock(operator, product, number)
        products.append(product)
    for number, role in enumerate(STAFF):
        person = _person(f"{role}{number}", role, moment())
        appoint_staff(actor=operator, person_id=person.person_id, role=role)
        people.append(person)
    buyers = [_person(f"buyer{number}", "buyer", moment()) for number in range(BUYERS)]
    _fill_wallets(buyers, moment())
    return Market(
        products=products,
        people=[*people, *buyers],
        wallet_minor=WALLET_MINOR,
        keys=KEYS * sum(delivery == "auto" for _price, delivery in GOODS),
    )


def _person(name: str, role: str, at: "Moment") -> Person:
    from anka.flows.issue_token import issue_token  # noqa: PLC0415
    from anka.flows.sign_up import sign_up  # noqa: PLC0415

    # Nobody signs in with a password here, so there is none to hash.
    person_id = sign_up(username=f"kills-{name}", display_name=name, language="zh-hans", password_hash="!", at=at)
    return Person(role=role, person_id=person_id, token=issue_token(person_id=person_id, at=at))


def _stock(operator: "Actor", product: str, number: int) -> None:
    from anka.jobs.key_import import import_file  # noqa: PLC0415

    file = BytesIO(b"key\n" + b"".join(b"KILL-%d-%09d\n" % (number, key) for key in range(KEYS)))
    stored = sum(batch.stored for batch in import_file(actor=operator, product_number=product, file=file, source="kills"))
    assert stored == KEYS, stored


def _fill_wallets(buyers: list[Person], at: "Moment") -> None:
    """Put money into wallets as captured top-ups would: no flow does that yet."""
    from anka.core import database  # noqa: PLC0415
    from anka.domain.postings import wallet_topped_up  # noqa: PLC0415

    for buyer in buyers:
        posting = wallet_topped_up(
            buyer_id=buyer.person_id, channel="sandbox", transaction_id=f"topup-{buyer.person_id}", amount_minor=WALLET_MINOR
        )
        with database.transaction():
            database.rows("SELECT post_journals(%s, %s, %s::jsonb)", (at.now, "CNY", msgspec.json.encode(posting).decode()))


def main() -> None:
    """Build the market this environment names and print it."""
    start.set_up(database_url=environment.read().database_url)
    sys.stdout.write(msgspec.json.encode(build()).decode() + "\n")


if __name__ == "__main__":
    main()
