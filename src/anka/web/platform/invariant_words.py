"""The invariants in words for people, as they stand on the board. What exactly each means is said in docs/reference/invariants.md."""

from collections.abc import Mapping
from types import MappingProxyType

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

INVARIANTS: Mapping[str, Promise] = MappingProxyType(
    {
        "I1": _("The books balance, and what leaves one shop's books arrives in the other's."),
        "I2": _("Every balance is the sum of its movements."),
        "I3": _("No account is below zero that must not be."),
        "I4": _("What is held for an order is what was paid, less what went back or to the shop."),
        "I5": _("Never more goes back than was paid."),
        "I6": _("Every refund is paid once, and what is owed is what is on its way."),
        "I7": _("No key was sold twice."),
        "I8": _("Nothing was both opened and refunded as sealed."),
        "I9": _("What was delivered has its goods."),
        "I10": _("A key is in stock or with a buyer, never both."),
        "I11": _("Every change left its record."),
        "I12": _("No record was changed afterwards."),
        "I13": _("Whatever is unfinished has somebody who goes on with it."),
        "I14": _("Every deadline that should run runs."),
        "I15": _("Every decision can be repeated from what it was made on."),
        "I16": _("Nothing unpaid is being delivered."),
        "I17": _("No payment lies forgotten."),
        "I18": _("A unit is argued about in one case at a time."),
        "I19": _("The money of a case is booked once."),
        "I20": _("Everybody did only what they may."),
        "I21": _("Every order is judged by the rules of its day."),
        "I22": _("Rules were announced as they have to be."),
        "I23": _("Every line of a channel's bill is in the books, or in the inbox of differences."),
        "I24": _("What banks hold of disputed payments is in the books, and nothing is refunded beside it."),
        "I25": _("A shop's withdrawals, deposit and terms are what the books and the history say."),
    }
)
