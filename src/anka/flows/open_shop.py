"""Open a shop: its code, its names in both languages, its owner. Only the operator does this so far."""

from django.utils.translation import gettext_lazy as _

from anka.accounts import writes
from anka.catalog.models import NewShop
from anka.core.actors import Actor, ActorKind
from anka.core.clock import Moment
from anka.core.database import transaction
from anka.core.numbers import SHOP_CODE
from anka.core.refusals import BadInput, NotPermitted, Refusal


class ShopCodeTaken(Refusal):
    """Another shop has this code; the numbers of its orders begin with it."""

    code, status = "shop_code_taken", 409
    says = _("Another shop already has the code %(code)s. Nothing has changed; choose another code.")


def open_shop(*, actor: Actor, shop: NewShop, at: Moment) -> int:
    """Open a shop with its owner as first member and return its id.

    Raises:
        NotPermitted: the actor is not the operator.
        BadInput: a name, the code or the commission is out of bounds.
        ShopCodeTaken: nothing has changed.
    """
    if actor.kind is not ActorKind.OPERATOR:
        raise NotPermitted
    _check(shop)
    with transaction():
        shop_id = writes.add_shop(
            code=shop.code,
            name_zh=shop.name_zh,
            name_en=shop.name_en,
            owner_id=shop.owner_id,
            commission_basis_points=shop.commission_basis_points,
            opened_at=at.now,
        )
        if shop_id is None:
            raise ShopCodeTaken(code=shop.code)
    return shop_id


def _check(shop: NewShop) -> None:
    wrong = {}
    if not SHOP_CODE.fullmatch(shop.code):
        wrong["code"] = "2 to 6 capital letters and digits, a letter first"
    for name, text, most in (("name_zh", shop.name_zh, 40), ("name_en", shop.name_en, 60)):
        if not 1 <= len(text.strip()) <= most or not text.isprintable():
            wrong[name] = f"1 to {most} printable characters"
    if not 0 <= shop.commission_basis_points <= 10_000:
        wrong["commission_basis_points"] = "0 to 10000"
    if wrong:
        raise BadInput(fields=wrong)
