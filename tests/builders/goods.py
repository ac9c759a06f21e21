"""Products with keys in stock."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from anka.adapters.keyring.file import FileKeyring, sandbox_keyring
from anka.catalog.models import NewProduct, Terms
from anka.core import database
from anka.flows.list_product import list_product
from anka.jobs import keys
from anka.vault import queries, writes
from anka.vault.models import BatchRecord, ImportTarget, SealedKey
from tests.builders.moments import at
from tests.builders.people import Shop, a_shop, serial


@lru_cache(maxsize=1)
def keyring() -> FileKeyring:
    """The keyring of this test run."""
    return sandbox_keyring(home=Path(os.environ["ANKA_HOME"]))


keys.keyring = keyring


def lend_keyring(home: Path) -> None:
    """Give another home this run's keyring: a database that several tests share has data keys of one keyring only."""
    keyring()
    shutil.copy(Path(os.environ["ANKA_HOME"]) / "keyring.json", home / "keyring.json")


@dataclass(frozen=True)
class Product:
    """A product, its shop, and the secrets put on its shelf, first to be sold first."""

    number: str
    shop: Shop
    price_minor: int
    secrets: tuple[str, ...]

    @property
    def target(self) -> ImportTarget:
        """The product as the vault knows it."""
        found = queries.import_target(product_number=self.number)
        assert found is not None
        return found

    @property
    def available(self) -> int:
        """How many keys can be sold now."""
        return queries.available_keys(shop_id=self.shop.id, product_id=self.target.product_id)

    def opener(self) -> Callable[[SealedKey], str]:
        """What opens this shop's keys."""
        return keys.opener_for(shop_id=self.shop.id)


def a_product(
    *,
    stock: int = 3,
    shop: Shop | None = None,
    price_minor: int = 10000,
    terms: Terms | None = None,
    delivery: str = "auto",
    issuer: str | None = None,
) -> Product:
    """A card key product of its own with this many keys, and whoever can be asked about them."""
    shop = shop or a_shop()
    described = NewProduct(
        kind="card_key",
        delivery=delivery,
        title_zh="测试卡密",
        title_en="Test key",
        face_value="100",
        region="CN",
        price_minor=price_minor,
        issuer=issuer,
    )
    number = list_product(actor=shop.owner, shop_id=shop.id, product=described, terms=terms or Terms(), at=at())
    product = Product(number=number, shop=shop, price_minor=price_minor, secrets=tuple(f"KEY{serial():08d}" for _ in range(stock)))
    stock_up(product, product.secrets)
    return product


def stock_up(product: Product, secrets: tuple[str, ...]) -> None:
    """Put these keys on the shelf."""
    if not secrets:
        return
    target = product.target
    sealer = keys.sealer_for(shop_id=target.shop_id, at=at())
    rows = sealer.seal_all(product_id=target.product_id, key_ids=queries.new_key_ids(count=len(secrets)), secrets=secrets)
    batch = BatchRecord(
        shop_id=target.shop_id, product_id=target.product_id, source="tests", imported_by=str(product.shop.owner), imported_at=at().now
    )
    with database.transaction():
        writes.add_keys(batch=batch, data_key_version=sealer.data_key.version, sealed=rows)
