"""Registers the cases room with Django."""

from django.apps import AppConfig


class CasesConfig(AppConfig):
    """The cases capability."""

    name = "anka.cases"
    label = "cases"
    default_auto_field = "django.db.models.BigAutoField"
