"""Who works for which shop. To everybody else the merchants' pages do not exist."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse, HttpResponseRedirect
from django.utils.http import urlencode

from anka.accounts.queries import ShopRole, shops_of
from anka.core.actors import Actor, ActorKind
from anka.core.refusals import NotFound
from anka.web.requests import PageRequest, buyer_of, pick, safe_next

Shown = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Workplace:
    """Somebody of a shop, the shop that is looked at, and the others they work for."""

    actor: Actor
    shop: ShopRole
    shops: tuple[ShopRole, ...]

    def url(self, path: str, **asked: str) -> str:
        """Return the address of one of this shop's pages; the shop is named where there are several."""
        named = {"shop": self.shop.shop_code} if len(self.shops) > 1 else {}
        query = urlencode({**named, **asked})
        return f"{path}?{query}" if query else path

    def shown(self, path: str) -> Shown:
        """Return the shop's name, the choice of shops where there are several, and the addresses of the shop's pages."""
        return {
            "name": pick(self.shop.name_zh, self.shop.name_en) or self.shop.shop_code,
            "choices": [
                {
                    "name": pick(shop.name_zh, shop.name_en) or shop.shop_code,
                    "url": f"{path}?{urlencode({'shop': shop.shop_code})}",
                    "selected": shop == self.shop,
                }
                for shop in self.shops
            ]
            if len(self.shops) > 1
            else [],
            "workbench_url": self.url("/shop"),
            "money_url": self.url("/shop/money"),
        }


def merchant_of(request: PageRequest) -> Actor:
    """Return the visitor as somebody of a shop; of which one, the order or case says.

    Raises:
        SignInFirst: nobody is signed in. NotFound: they work for no shop.
    """
    person_id = buyer_of(request).person_id
    if request.visitor is None or not request.visitor.person.works_for_shop:
        raise NotFound
    return Actor(kind=ActorKind.MERCHANT, person_id=person_id)


def workplace(request: PageRequest) -> Workplace:
    """Return the shop that the address names, or the visitor's first.

    Raises:
        SignInFirst: nobody is signed in. NotFound: they work for no shop, or not for this one.
    """
    actor = merchant_of(request)
    shops = shops_of(person_id=actor.person_id)
    code = request.GET.get("shop", "")
    found = next((shop for shop in shops if not code or shop.shop_code == code), None)
    if found is None:
        raise NotFound
    return Workplace(actor=actor, shop=found, shops=shops)


def back(request: PageRequest, *, otherwise: str, done: str) -> HttpResponse:
    """Go where the form came from: to the workbench or to the page itself, which says what was done."""
    onward = safe_next(request.POST.get("next", ""))
    target = onward if onward == "/shop" or onward.startswith("/shop?") else otherwise
    return HttpResponseRedirect(f"{target}{'&' if '?' in target else '?'}{urlencode({'done': done})}")
