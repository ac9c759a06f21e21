"""Registers the payments room with Django."""

from django.apps import AppConfig


class PaymentsConfig(AppConfig):
    """The payments capability."""

    name = "anka.payments"
    label = "payments"
    default_auto_field = "django.db.models.BigAutoField"
