"""Registers the core room with Django."""

from django.apps import AppConfig


class CoreConfig(AppConfig):
    """The core capability."""

    name = "anka.core"
    label = "core"
    default_auto_field = "django.db.models.BigAutoField"
