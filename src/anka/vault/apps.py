"""Registers the vault room with Django."""

from django.apps import AppConfig


class VaultConfig(AppConfig):
    """The vault capability."""

    name = "anka.vault"
    label = "vault"
    default_auto_field = "django.db.models.BigAutoField"
