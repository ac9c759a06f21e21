"""A shop with a key product, made by the real flows, for tests of the vault and the catalogue."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

from anka.accounts import writes as accounts
from anka.adapters.keyring.file import FileKeyring
from anka.catalog.models import NewProduct, NewShop, Terms
from anka.core.actors import Actor, ActorKind
from anka.core.clock import Moment
from anka.core.database import transaction
from anka.flows.list_product import list_product
from anka.flows.open_shop import open_shop
from tests.builders.goods import keyring

OPERATOR = Actor(kind=ActorKind.OPERATOR, name="test")
AT = Moment(now=datetime(2026, 3, 1, 12, tzinfo=UTC), real=datetime(2026, 3, 1, 12, tzinfo=UTC))
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"


@dataclass(frozen=True)
class TestShop:
    """A shop of one test."""

    __test__ = False

    id: int
    code: str
    owner: Actor


def new_person(name: str) -> int:
    with transaction():
        person = accounts.add_person(
            username=f"{name}-{secrets.token_hex(6)}", display_name=name, language="en", password_hash="!", joined_at=AT.now
        )
    assert person is not None
    return person


def new_shop(**changes: object) -> TestShop:
    owner = new_person("owner")
    code = "T" + "".join(secrets.choice(LETTERS) for _ in range(5))
    known = {"code": code, "name_zh": "晴梦卡铺", "name_en": "Clear Dream Cards", "owner_id": owner, **changes}
    shop_id = open_shop(actor=OPERATOR, shop=NewShop(**known), at=AT)  # type: ignore[arg-type]  # tests pass wrong values too
    return TestShop(shop_id, str(known["code"]), Actor(kind=ActorKind.MERCHANT, person_id=owner))


def product_values(**changes: object) -> NewProduct:
    known: dict[str, object] = {
        "kind": "card_key",
        "delivery": "auto",
        "title_zh": "《云岚》点卡 100 元",
        "title_en": "Yunlan card 100",
        "face_value": "100 元",
        "region": "中国大陆",
        "price_minor": 9350,
    }
    return NewProduct(**{**known, **changes})  # type: ignore[arg-type]  # tests pass wrong values too


def new_product(shop: TestShop, terms: Terms | None = None, **changes: object) -> str:
    return list_product(actor=OPERATOR, shop_id=shop.id, product=product_values(**changes), terms=terms or Terms(), at=AT)


def keyring_text(name: str = "one", key: str = "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=") -> str:
    return f'{{"current": "{name}", "key_encryption_keys": {{"{name}": "{key}"}}, "blind_index_secret": "{key}"}}'


def test_keyring() -> FileKeyring:
    """The keyring of this run: a database that several tests share has data keys of one keyring only."""
    return keyring()


test_keyring.__test__ = False  # type: ignore[attr-defined]  # a helper with an honest name, not a test
