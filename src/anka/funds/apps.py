"""Registers the funds room with Django."""

from django.apps import AppConfig


class FundsConfig(AppConfig):
    """A merchant's own money: deposit, withdrawals, what is owed to the platform."""

    name = "anka.funds"
    label = "funds"
    default_auto_field = "django.db.models.BigAutoField"
