"""Values that leave the house and come back unchanged: signed, not stored. Built on Django's signing."""

from typing import Any

from django.core import signing


class NotSignedByUs(Exception):
    """The value was altered, is too old, or was made for another purpose."""


def seal(*, value: Any, purpose: str) -> str:
    """Return a signed, URL-safe text that holds a JSON value."""
    return signing.dumps(value, salt=f"anka.{purpose}", compress=True)


def unseal(*, text: str, purpose: str, seconds: int) -> Any:
    """Return the value of a signed text made at most so many seconds of real time ago.

    Raises:
        NotSignedByUs: as its name says.
    """
    try:
        return signing.loads(text, salt=f"anka.{purpose}", max_age=seconds)
    except signing.BadSignature as error:
        raise NotSignedByUs from error
