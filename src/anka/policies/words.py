"""What the steps in the life of the rules are called, for the platform's staff."""

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

EVENTS: dict[str, Promise] = {
    "policy_drafted": _("Draft begun"),
    "policy_edited": _("Rules edited"),
    "policy_run_asked": _("Check or back-test asked for"),
    "policy_run_done": _("Check or back-test carried out"),
    "policy_submitted": _("Submitted to a second person"),
    "policy_published": _("Announced"),
    "policy_withdrawn": _("Withdrawn before it came into force"),
    "policy_discarded": _("Draft discarded"),
}
