"""Registers the messaging room with Django."""

from django.apps import AppConfig


class MessagingConfig(AppConfig):
    """What people are told: notices in the application, and warnings of clocks."""

    name = "anka.messaging"
    label = "messaging"
    default_auto_field = "django.db.models.BigAutoField"
