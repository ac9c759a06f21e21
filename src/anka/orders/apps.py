"""Registers the orders room with Django."""

from django.apps import AppConfig


class OrdersConfig(AppConfig):
    """The orders capability."""

    name = "anka.orders"
    label = "orders"
    default_auto_field = "django.db.models.BigAutoField"
