"""The market a measurement runs in: one shop, one product with keys in stock, many buyers with tokens; made by the real flows."""

from dataclasses import dataclass
from io import BytesIO

import psycopg

from anka.accounts.tokens import open_token
from anka.catalog.models import NewProduct, NewShop, Terms
from anka.core.actors import Actor, ActorKind
from anka.core.clock import moment
from anka.flows.issue_token import issue_token
from anka.flows.list_product import list_product
from anka.flows.open_shop import open_shop
from anka.flows.sign_up import sign_up
from anka.jobs.key_import import import_file

OPERATOR = Actor(kind=ActorKind.OPERATOR, name="bench")
KEYS = 5_000
BUYERS = 100
SHOP_CODE = "BENCH"
# Where the numbers of these tables begin: far apart, so that each can be told from every other number in a recorded statement.
FIRST_IDS = {"accounts_person": 71_000_001, "accounts_token": 82_000_001, "orders_order": 930_000_001, "payments_payment": 640_000_001}


@dataclass(frozen=True, slots=True)
class Buyer:
    """Somebody who buys, with the token to do it."""

    person_id: int
    token_id: int
    token: str


@dataclass(frozen=True, slots=True)
class Market:
    """What can be bought, and by whom. The buyers' ids follow each other without a gap, and so do their tokens'."""

    product_number: str
    price_minor: int
    buyers: tuple[Buyer, ...]


def spread_ids(*, owner_url: str) -> None:
    """Let the ids begin at FIRST_IDS, and let the application look at the last ones given out, as pgbench has to."""
    with psycopg.connect(owner_url, autocommit=True) as connection:
        for table, first in FIRST_IDS.items():
            connection.execute(f"ALTER TABLE {table} ALTER COLUMN id RESTART WITH {first}")
            connection.execute(f"GRANT SELECT ON SEQUENCE {table}_id_seq TO anka_app")


def open_market() -> Market:
    """Make the market and return it."""
    owner = _person("bench-owner")
    named = NewShop(code=SHOP_CODE, name_zh="测速小店", name_en="Bench shop", owner_id=owner, commission_basis_points=500)
    shop_id = open_shop(actor=OPERATOR, shop=named, at=moment())
    described = NewProduct(
        kind="card_key",
        delivery="auto",
        title_zh="测速卡密",
        title_en="Bench key",
        face_value="100",
        region="CN",
        price_minor=10_000,
    )
    product = list_product(actor=OPERATOR, shop_id=shop_id, product=described, terms=Terms(), at=moment())
    file = BytesIO(b"key\n" + b"".join(b"BENCH-%09d\n" % number for number in range(KEYS)))
    stored = sum(batch.stored for batch in import_file(actor=OPERATOR, product_number=product, file=file, source="bench"))
    if stored != KEYS:
        raise ValueError(f"{stored} of {KEYS} keys were imported")
    people = [_person(f"bench-buyer{number}") for number in range(BUYERS)]
    return Market(product, described.price_minor, tuple(_buyer(person) for person in people))


def _person(username: str) -> int:
    # Nobody signs in here with a password, so there is none to hash.
    return sign_up(username=username, display_name=username, language="zh-hans", password_hash="!", at=moment())  # noqa: S106


def _buyer(person_id: int) -> Buyer:
    token = issue_token(person_id=person_id, at=moment())
    claims = open_token(text=token)
    if claims is None:
        raise ValueError("a token that was just issued cannot be opened")
    return Buyer(person_id, claims.token_id, token)
