"""Registers the pages with Django, for their templates and static files."""

from django.apps import AppConfig


class WebConfig(AppConfig):
    """Pages for buyers, merchants and the platform."""

    name = "anka.web"
    label = "web"
