"""Make an account. The password is hashed before, outside of the transaction, because that takes long on purpose."""

from django.utils.translation import gettext_lazy as _

from anka.accounts import writes
from anka.core import database
from anka.core.clock import Moment
from anka.core.refusals import Refusal


class UsernameTaken(Refusal):
    """Somebody has this name already."""

    code, status = "username_taken", 409
    says = _("This name is taken. Nothing was created; choose another name.")


def sign_up(*, username: str, display_name: str, language: str, password_hash: str, at: Moment) -> int:
    """Create a person and return their id. Name and password were checked by `accounts.passwords.check_new_credentials`.

    Raises:
        UsernameTaken: nothing was created.
    """
    with database.transaction():
        person_id = writes.add_person(
            username=username, display_name=display_name, language=language, password_hash=password_hash, joined_at=at.real
        )
        if person_id is None:
            raise UsernameTaken(fields={"username": username})
        return person_id
