"""Registers the catalog room with Django."""

from django.apps import AppConfig


class CatalogConfig(AppConfig):
    """The catalog capability."""

    name = "anka.catalog"
    label = "catalog"
    default_auto_field = "django.db.models.BigAutoField"
