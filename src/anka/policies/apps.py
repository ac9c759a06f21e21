"""Registers the policies room with Django."""

from django.apps import AppConfig


class PoliciesConfig(AppConfig):
    """The life of the rules: drafts, what was found about them, and which of them are in force from when."""

    name = "anka.policies"
    label = "policies"
    default_auto_field = "django.db.models.BigAutoField"
