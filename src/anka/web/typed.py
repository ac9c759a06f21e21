"""What people type into forms: amounts and texts, refused in words where they are none. Pure."""

from django.utils.translation import gettext_lazy as _

from anka.core.refusals import Refusal
from anka.domain.money import BadAmount, parse_amount
from anka.web.templatetags.anka import CURRENCY_SIGNS, in_a_sentence

# An amount of the largest order, with room for spaces somebody pasted.
LONGEST_AMOUNT = 40


class NotAnAmount(Refusal):
    """What was typed is not an amount of money."""

    code, status = "not_an_amount", 422
    says = _("That is not an amount. Type it in ordinary digits, like 12.34. Nothing was submitted.")


class AmountOutOfBounds(Refusal):
    """What was typed is less than can be asked for, or more than there is."""

    code, status = "amount_out_of_bounds", 422
    says = _("The amount has to be between %(least)s and %(most)s. Nothing was submitted.")


class TextMissing(Refusal):
    """A text that has to be there is empty."""

    code, status = "text_missing", 422
    says = _("Please write something here. Nothing was submitted.")


class TextTooLong(Refusal):
    """A text is longer than it may be, or holds what no text holds."""

    code, status = "text_too_long", 422
    says = _("At most %(most)s characters. Nothing was submitted.")


def typed_amount(text: str, *, currency: str, least_minor: int, most_minor: int) -> int:
    """Return a typed amount in minor units. A currency sign in front and spaces around are fine; other digits than 0–9 are not.

    Raises:
        NotAnAmount: it is none. AmountOutOfBounds: it is less than `least_minor` or more than `most_minor`.
    """
    plain = text.strip().removeprefix(CURRENCY_SIGNS.get(currency, "")).removeprefix("¥").strip()
    if not plain or len(plain) > LONGEST_AMOUNT:
        raise NotAnAmount
    try:
        found = parse_amount(text=plain, currency=currency)
    except BadAmount as error:
        raise NotAnAmount from error
    if not least_minor <= found <= most_minor:
        raise AmountOutOfBounds(least=in_a_sentence(least_minor, currency), most=in_a_sentence(most_minor, currency))
    return found


def typed_text(text: str, *, most: int) -> str:
    """Return a text without the spaces around it.

    Raises:
        TextMissing: there is nothing in it. TextTooLong: it has more than `most` characters, or a NUL, which no database takes.
    """
    found = typed_text_or_none(text, most=most)
    if not found:
        raise TextMissing
    return found


def typed_text_or_none(text: str, *, most: int) -> str:
    """Return a text without the spaces around it, which may be empty. Raises TextTooLong as `typed_text`."""
    plain = text.strip().replace("\r\n", "\n")
    if len(plain) > most or "\0" in plain:
        raise TextTooLong(most=most)
    return plain
