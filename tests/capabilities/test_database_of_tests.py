"""The tests' own ground: they run as the application's role, in a database of their own, on the server asked for."""

import psycopg
import pytest

from anka.core import database as door
from tests.databases import Database


def test_django_acts_as_the_runtime_role(database: Database) -> None:
    assert door.value("SELECT current_user") == "anka_app"
    assert door.value("SELECT current_database()") == database.name


def test_a_fresh_database_is_apart(fresh_database: Database) -> None:
    assert door.value("SELECT current_database()") == fresh_database.name
    with fresh_database.as_owner() as owner:
        owner.execute("CREATE TABLE scrap (id int)")


def test_the_owner_is_somebody_else(database: Database) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        door.rows("CREATE TABLE public.scrap (id int)")
