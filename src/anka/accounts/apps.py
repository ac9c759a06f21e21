"""Registers the accounts room with Django."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """The accounts capability."""

    name = "anka.accounts"
    label = "accounts"
    default_auto_field = "django.db.models.BigAutoField"
