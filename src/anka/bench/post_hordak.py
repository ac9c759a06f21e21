"""One process of clients that do the same to django-hordak: lock the account, read its balance, move money. In a process of its own, since
Django takes one set of settings. `bench/post.py` starts it.

    python -m anka.bench.post_hordak ADDRESS fill
    python -m anka.bench.post_hordak ADDRESS SCENE CLIENTS SECONDS
"""

import random
import secrets
import sys
from importlib import import_module
from typing import Any

import django
from django.conf import settings
from django.core.management import call_command
from django.db import connections, transaction
from psycopg.conninfo import conninfo_to_dict

from anka.bench.post_clients import ACCOUNTS, AMOUNT, FUNDS, HOT, Act, compete

CURRENCY = "CNY"
CENTS = 100


class BalanceTooLow(Exception):
    """The account does not hold that much."""


def set_up(*, address: str) -> None:
    """Set Django up with hordak alone on this database."""
    parts = conninfo_to_dict(address)
    named = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}
    settings.configure(
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "mptt", "djmoney", "hordak"],
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                **{key: str(parts.get(name) or "") for key, name in named.items()},
                "CONN_MAX_AGE": None,
                # As our own connections: statements are prepared on the server.
                "OPTIONS": {"prepare_threshold": 2},
                "DISABLE_SERVER_SIDE_CURSORS": True,
            }
        },
        CURRENCIES=[CURRENCY],
        DEFAULT_CURRENCY=CURRENCY,
        HORDAK_INTERNAL_CURRENCY=CURRENCY,
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        USE_TZ=True,
        SECRET_KEY=secrets.token_hex(16),
    )
    django.setup()


def fill() -> None:
    """Make the tables and the accounts, and give every account its money; the hot one is the first after the source."""
    call_command("migrate", verbosity=0)
    models, money = import_module("hordak.models"), import_module("moneyed").Money
    kind, all_of_it = models.AccountType, money(FUNDS // CENTS, CURRENCY)
    source = models.Account.objects.create(name="source", code="S", type=kind.asset, currencies=[CURRENCY])
    for number in range(ACCOUNTS + 1):
        account = models.Account.objects.create(name=f"account {number}", code=f"{number}", type=kind.liability, currencies=[CURRENCY])
        account.transfer_to(source, all_of_it)


def _client(scene: str) -> Act:
    models, money = import_module("hordak.models"), import_module("moneyed").Money
    numbers: list[int] = list(models.Account.objects.filter(type=models.AccountType.liability).order_by("id").values_list("id", flat=True))
    accounts: dict[int, Any] = models.Account.objects.in_bulk(numbers)
    chance = random.Random(secrets.token_bytes(16))  # noqa: S311  which accounts; nothing secret
    amount = money(f"0.{AMOUNT:02d}", CURRENCY)

    def act() -> None:
        debit, credit = chance.sample(numbers[1:], 2)
        source = numbers[0] if scene == HOT else debit
        with transaction.atomic():
            # Without `no_key` two opposite transfers would deadlock: a leg's foreign key locks its account too.
            locked = models.Account.objects.select_for_update(no_key=True).get(pk=source)
            if locked.get_simple_balance()[CURRENCY] < amount:
                raise BalanceTooLow
            # Between two liabilities this adds to the first and takes from the second.
            accounts[credit].transfer_to(locked, amount)

    return act


def main() -> None:
    """Do as the command line says."""
    address, scene = sys.argv[1:3]
    set_up(address=address)
    if scene == "fill":
        fill()
        connections.close_all()
        return
    compete(client=lambda: _client(scene), clients=int(sys.argv[3]), seconds=float(sys.argv[4]))


if __name__ == "__main__":
    main()
