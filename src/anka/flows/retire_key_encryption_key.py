"""Retire a key-encryption key: from then on nothing can be wrapped by it, so it may leave the keyring."""

from django.utils.translation import gettext_lazy as _

from anka.core.clock import Moment
from anka.core.database import transaction
from anka.core.refusals import Refusal
from anka.vault import writes


class StillWraps(Refusal):
    """Some data key is still wrapped by the key that was to be retired."""

    code, status = "still_wraps", 409
    says = _("The key %(name)s still wraps data keys, so nothing was changed. Run anka rotate-keys first, until none is left.")


def retire_key_encryption_key(*, name: str, at: Moment) -> None:
    """Retire a key-encryption key by its name. Harmless to repeat.

    Raises:
        StillWraps: nothing was changed.
    """
    with transaction():
        if not writes.retire_key_encryption_key(name=name, at=at.real):
            raise StillWraps(name=name)
