"""Who of the platform's staff asks."""

from anka.accounts import queries as accounts
from anka.api.call import Call, NotSignedIn
from anka.core.refusals import NotPermitted
from anka.flows.steps.finance_staff import FINANCE


def is_finance(call: Call) -> bool:
    """Tell whether somebody of the finance staff asks. Raises NotSignedIn: the account was closed or the token no longer counts."""
    who = accounts.standing(person_id=call.identity.person_id, token_id=call.identity.token_id, at=call.at)
    if not who.active:
        raise NotSignedIn
    return bool(FINANCE & set(who.staff_roles))


def require_finance(call: Call) -> None:
    """Refuse everybody but the finance staff, for reads that do not ask themselves. Raises NotSignedIn, NotPermitted."""
    if not is_finance(call):
        raise NotPermitted
