"""The demo market's people, shops, products and stock: read from the files in demo/, made by the real flows, skipped where they exist."""

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import anka
from anka.accounts import passwords
from anka.accounts.queries import credentials
from anka.catalog.models import NewProduct, NewShop, ProductFilter, Terms
from anka.catalog.queries import products, shop_id_of
from anka.core.actors import Actor, ActorKind
from anka.core.clock import moment
from anka.flows.appoint_staff import appoint_staff
from anka.flows.list_product import list_product
from anka.flows.open_shop import open_shop
from anka.flows.sign_up import sign_up
from anka.jobs.key_import import import_file
from anka.vault.queries import import_target, key_count

PASSWORD = "anka-demo"  # noqa: S105  known to everybody, and only in sandboxes
OPERATOR = Actor(kind=ActorKind.OPERATOR, name="demo")
MINUTES_A_DAY = 1440
PEOPLE = {
    "buyer1": "小满",
    "buyer2": "阿禾",
    "buyer3": "北山",
    "buyer4": "林间",
    "buyer5": "Mika",
    "shop1": "晴梦",
    "shop2": "星河",
    "shop3": "雨竹",
    "shop4": "流风",
    "shop5": "白鹿",
    "agent1": "客服一号",
    "arbiter1": "仲裁员一",
    "arbiter2": "仲裁员二",
    "finance1": "财务",
    "admin1": "管理员一",
    "admin2": "管理员二",
}


class DemoFilesMissing(Exception):
    """The demo's files are not where the source is."""

    code, status = "demo_files_missing", 500


@dataclass(frozen=True, slots=True)
class Step:
    """One piece of work and how much of the whole it is."""

    what: str
    weight: int
    run: Callable[[], None]


def folder() -> Path:
    """Return the demo folder beside the source.

    Raises:
        DemoFilesMissing: this is an installation without it.
    """
    found = Path(anka.__file__).resolve().parents[2] / "demo"
    if not (found / "products.csv").is_file():
        raise DemoFilesMissing(f"There is no demo in {found}; nothing was loaded. Run it from a clone of the repository.")
    return found


def steps(*, source: Path) -> Iterator[Step]:
    """Yield everything that makes the market, in order; each can be repeated."""
    yield Step("people", 500, _people)
    for shop in _table(source / "shops.csv"):
        yield Step(f"shop {shop['code']}", 20, lambda shop=shop: _shop(shop))  # type: ignore[misc]  # bound at once on purpose
    for product in _table(source / "products.csv"):
        file = source / "keys" / f"{product['slug']}.csv"
        yield Step(f"stock {product['slug']}", int(product["keys"]), lambda product=product, file=file: _stock(product, file))  # type: ignore[misc]


def numbers_by_slug(*, source: Path) -> dict[str, str]:
    """Return the public number of every demo product by its name in products.csv."""
    return {product["slug"]: _number(product) for product in _table(source / "products.csv")}


def person_id(name: str) -> int:
    """Return the id of one of the demo's people."""
    found = credentials(username=name)
    if found is None:
        raise DemoFilesMissing(f"There is no {name} in this market; nothing was loaded.")
    return found.person_id


def owner_of(shop_code: str) -> str:
    """Return the name of who owns one of the demo's shops."""
    return next(shop["owner"] for shop in _table(folder() / "shops.csv") if shop["code"] == shop_code)


def _table(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _people() -> None:
    missing = [name for name in PEOPLE if credentials(username=name) is None]
    # Hashing is slow on purpose; everybody in the demo has the same password, so once is enough.
    password_hash = passwords.hash_password(password=PASSWORD) if missing else ""
    for name in missing:
        language = "en" if name == "buyer5" else "zh-hans"
        sign_up(username=name, display_name=PEOPLE[name], language=language, password_hash=password_hash, at=moment())
    for name in PEOPLE:
        if name.startswith(("agent", "arbiter", "finance", "admin")):
            appoint_staff(actor=OPERATOR, person_id=person_id(name), role=name.rstrip("0123456789"))


def _shop(row: dict[str, str]) -> None:
    if shop_id_of(code=row["code"]) is None:
        shop = NewShop(
            code=row["code"],
            name_zh=row["name_zh"],
            name_en=row["name_en"],
            owner_id=person_id(row["owner"]),
            commission_basis_points=int(row["commission_basis_points"]),
        )
        open_shop(actor=OPERATOR, shop=shop, at=moment())


def _number(row: dict[str, str]) -> str:
    found = products(wanted=ProductFilter(shop=row["shop"]), limit=100).items
    return next((product.number for product in found if product.title_zh == row["title_zh"]), "")


def _stock(row: dict[str, str], file: Path) -> None:
    number = _number(row) or _list(row)
    target = import_target(product_number=number)
    if target is None or key_count(shop_id=target.shop_id, product_id=target.product_id) >= int(row["keys"]):
        return
    with file.open("rb") as content:
        for _outcome in import_file(actor=OPERATOR, product_number=number, file=content, source=file.name):
            pass


def _list(row: dict[str, str]) -> str:
    shop_id = shop_id_of(code=row["shop"])
    if shop_id is None:
        raise DemoFilesMissing(f"products.csv names a shop {row['shop']} that shops.csv does not; mend the files.")
    product = NewProduct(
        kind="card_key",
        delivery=row["delivery"],
        price_minor=int(row["price_minor"]),
        issuer=row["issuer"] or None,
        **{name: row[name] for name in ("title_zh", "title_en", "description_zh", "description_en", "face_value", "region")},
    )
    terms = Terms(
        refund_window_minutes=int(row["refund_window_days"]) * MINUTES_A_DAY,
        warranty_minutes=int(row["warranty_days"]) * MINUTES_A_DAY,
        promise_minutes=int(row["promise_minutes"]),
        hold_minutes=int(row["hold_minutes"]),
        maximum_quantity=int(row["maximum_quantity"]),
        notice_zh=row["notice_zh"],
        notice_en=row["notice_en"],
    )
    return list_product(actor=OPERATOR, shop_id=shop_id, product=product, terms=terms, at=moment())
