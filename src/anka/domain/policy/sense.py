"""What is well formed and still makes no sense: bounds nothing can meet, outcomes nobody can carry out, sentences nobody can be told."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from anka.domain.facts import LEAST_TERM
from anka.domain.policy.grammar import LONGEST_CLOCK, Rule, RuleTableError
from anka.domain.policy.naming import one_of, shown
from anka.domain.policy.vocabulary import ALWAYS, LIMITS, PLACEHOLDERS, Bound, When

MOST_ALTERNATIVES = 50
LONGEST_TEXT = 600
SHARES = ("full", "unused_share", "missing_share")
REFUNDS_OF_ROUTE = {
    "close": ("none", "full"),
    "instant": ("none", *SHARES),
    "upstream": ("none", *SHARES),
    "platform": (*SHARES, "negotiable"),
    "external": ("none",),
    "refuse": ("none",),
}
"""What can be carried out without anybody settling an amount first. Money that never moved is nothing to give back in full either way."""
OF_PLACES = {"{percent}": "a refund of a share", "{fee_percent}": "a fee_percent"}
_TERMS = ("window_days", "warranty_days")
_PER_CENT = ("progress", "delivered_percent")
_PLACE = re.compile(r"\{(" + "|".join(PLACEHOLDERS) + r")\}")
_OPEN = re.compile(r"\{[^{}]*\}?|\}")
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands, for the message when it makes no sense."""

    where: str

    def refuse(self, key: str, found: str, allowed: str) -> NoReturn:
        """Raise the error that names this place."""
        raise RuleTableError(f"{self.where}: {key} is {found}; allowed: {allowed}")

    def unrepeated(self, key: str, words: Sequence[object]) -> None:
        """Refuse a list that says a thing twice."""
        for index, word in enumerate(words):
            if word in words[:index]:
                found = shown(word) if isinstance(word, str) else f"number {index + 1}"
                self.refuse(key, f"a list with {found} twice", "each once")

    def possible(self, key: str, when: When) -> None:
        """Refuse a condition that repeats itself or that no number can meet."""
        if len(when) > MOST_ALTERNATIVES:
            self.refuse(key, f"a list of {len(when)}", f"up to {MOST_ALTERNATIVES} alternatives")
        self.unrepeated(key, when)
        for condition in when:
            for name, values in condition.values:
                self.unrepeated(f"{key}.{name}", values)
            for name in dict.fromkeys(bound.subject for bound in condition.bounds):
                self._bounds(f"{key}.{name}", name, [bound for bound in condition.bounds if bound.subject == name])

    def _bounds(self, key: str, name: str, bounds: list[Bound]) -> None:
        self.unrepeated(key, [f"{bound.operator} {bound.limit}" for bound in bounds])
        least, most = 0, 100 if name in _PER_CENT else None
        said = " and ".join(f"{bound.operator} {bound.limit}" for bound in bounds)
        for bound in bounds:
            if bound.limit in LIMITS and name in _PER_CENT:
                self.refuse(key, shown(said), "a bound of per cent, from 0 to 100")
            if most is not None and int(bound.limit) > most:
                self.refuse(key, shown(said), f"a bound from 0 to {most}")
        highest = [_highest(bound) for bound in bounds]
        tops = [top for top in (*highest, most) if top is not None]
        if tops and max(least, *map(_lowest, bounds)) > min(tops):
            self.refuse(key, shown(said), "bounds that some number can meet")

    def text(self, key: str, value: str, places: tuple[str, ...]) -> None:
        """Refuse a sentence that is no plain text, or has a place nothing can be put into."""
        if len(value) > LONGEST_TEXT:
            self.refuse(key, f"{len(value)} characters long", f"up to {LONGEST_TEXT} characters")
        for character in value:
            if unicodedata.category(character) in _UNSEEN:
                self.refuse(key, f"text with the character U+{ord(character):04X}", "one line of characters that can be seen")
            if character in "<>":
                self.refuse(key, f"text with {character!r}", "plain text, without marks of HTML")
        allowed = [f"{{{place}}}" for place in places]
        for found in _PLACE.finditer(value):
            if found[1] not in places:
                needs = OF_PLACES.get(found[0])
                self.refuse(key, f"text with {found[0]}", f"{', '.join(allowed)} here" + (f"; {found[0]} needs {needs}" if needs else ""))
        left = _OPEN.search(_PLACE.sub("", value))
        if left:
            self.refuse(key, f"text with {shown(left[0])}", f"the placeholders {one_of(allowed, left[0])}")


def _lowest(bound: Bound) -> int:
    if bound.operator in ("<", "<="):
        return 0
    limit = LEAST_TERM if bound.limit in LIMITS else int(bound.limit)
    return limit + 1 if bound.operator == ">" else limit


def _highest(bound: Bound) -> int | None:
    if bound.operator in (">", ">=") or bound.limit in LIMITS:
        return None
    return int(bound.limit) - 1 if bound.operator == "<" else int(bound.limit)


def require_sense(*, rule: Rule) -> None:
    """Refuse a rule that is well formed and that nobody could meet, carry out or be told.

    Raises:
        RuleTableError: names the file, the rule, the key, what was found and what is allowed.
    """
    place = Place(where=f"{rule.file}, rule {rule.id!r}")
    place.possible("when", rule.when)
    for key, choice in (("fault", rule.fault), ("goods", rule.goods), ("clock", rule.clock), ("replacement_first", rule.replacement_first)):
        for index, (when, _) in enumerate(choice):
            if when == ALWAYS and index + 1 < len(choice):
                place.refuse(key, f"a list whose entry {index + 1} always counts", "only its last entry without when")
            place.possible(f"{key}.when", when)
    for _, minutes in rule.clock:
        if minutes == 0:
            place.refuse("clock", "0", f"a whole number from 1 to {LONGEST_CLOCK}")
    _require_outcome(place, rule)
    _require_money(place, rule)
    for key, text in (("zh", rule.zh), ("en", rule.en)):
        place.text(key, text, _places(rule))


def _require_outcome(place: Place, rule: Rule) -> None:
    """Refuse outcomes that contradict themselves: money at once of an amount nobody knows, a refusal that pays."""
    refund = rule.refund
    if rule.route is not None and refund not in REFUNDS_OF_ROUTE[rule.route]:
        place.refuse("refund", shown(refund), f"{', '.join(REFUNDS_OF_ROUTE[rule.route])} with the route {rule.route}")
    if rule.pattern == "turn" and rule.silence == "refund" and refund == "negotiable":
        place.refuse("silence", "'refund'", "escalate with a negotiable refund: nobody could tell how much silence pays")
    place.unrepeated("evidence", rule.evidence)
    if rule.evidence and rule.pattern is None and rule.route != "platform":
        place.refuse(
            "evidence", f"a list of {len(rule.evidence)}", "only where somebody has to judge: with a pattern, or the route platform"
        )


def _require_money(place: Place, rule: Rule) -> None:
    for key in ("compensation_minor", "keep_minor", "fee_percent"):
        value = getattr(rule, key)
        if value is None:
            continue
        if value == 0 or (key == "fee_percent" and value == 100):
            place.refuse(
                key, str(value), "1 to 99; without a fee no key" if key == "fee_percent" else "1 or more; without an amount no key"
            )
        if rule.refund not in SHARES:
            place.refuse(key, str(value), f"only with the refunds {', '.join(SHARES)}")


def _places(rule: Rule) -> tuple[str, ...]:
    share = ("percent",) if rule.refund in SHARES else ()
    fee = ("fee_percent",) if rule.fee_percent is not None else ()
    return (*share, *fee, *_TERMS)


def require_words(*, where: str, key: str, zh: str, en: str) -> None:
    """Refuse sentences that follow a rule's own and cannot be told; hours are known only while the merchant has to answer.

    Raises:
        RuleTableError: names the file, the sentence, and what is allowed.
    """
    places = ("hours", *_TERMS) if key.startswith("turn_") else _TERMS
    for language, text in (("zh", zh), ("en", en)):
        Place(where=where).text(language, text, places)
